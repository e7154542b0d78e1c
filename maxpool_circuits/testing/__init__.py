"""Checks of what every circuit must do, for the authors of circuits.

In the tests of a package that has a circuit of its own::

    from maxpool_circuits.testing import parametrize_with_checks

    @parametrize_with_checks([MyCircuit])
    def test_my_circuit(circuit, check):
        check(circuit)

The circuits of this library are tested in the same way.
"""

from .check import Check, check_circuit, checks, parametrize_with_checks
from .subject import run_circuit

__all__ = [
    "Check",
    "check_circuit",
    "checks",
    "parametrize_with_checks",
    "run_circuit",
]
