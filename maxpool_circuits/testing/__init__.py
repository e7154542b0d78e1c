"""Checks of what every circuit must do, for the authors of circuits.

In the tests of a package that has a circuit of its own::

    from maxpool_circuits.testing import checks

    @pytest.mark.parametrize("check", checks(), ids=str)
    def test_my_circuit(check):
        check(MyCircuit)

The circuits of this library are tested in the same way.
"""

from . import common_checks  # noqa: F401, adds them
from .check import Check, checks, run_circuit

__all__ = ["Check", "checks", "run_circuit"]
