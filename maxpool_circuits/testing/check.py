"""One check of a circuit, and the list of all."""

from __future__ import annotations

import functools
import unittest
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .subject import Circuit, Subject

CHECKS: list[Check] = []


@dataclass(frozen=True)
class Check:
    """One thing that every circuit must do, in one case.

    Parameters
    ----------
    name : str
        What is checked, and in brackets the case.
    function : callable
        Takes the circuit under test, and raises an AssertionError that says what was
        expected.

    Examples
    --------
    >>> from maxpool_circuits.testing import checks
    >>> check = checks()[0]
    >>> print(check)
    input_and_output
    >>> check("winner-take-all")
    """

    name: str
    function: Callable[..., None]

    def __str__(self) -> str:
        """Show the name."""
        return self.name

    def __call__(self, circuit: Circuit) -> None:
        """Check a circuit.

        Parameters
        ----------
        circuit : str or callable
            The circuit, as in `maxpool_circuits.make`.

        Raises
        ------
        AssertionError
            If the circuit does something else than what every circuit must do.
        unittest.SkipTest
            If the check does not apply to the circuit, or needs a package that is not
            installed. pytest takes it for a test that is skipped.
        """
        with warnings.catch_warnings():
            # copies of nodes and untuned setups warn; that is not what is checked
            warnings.simplefilter("ignore", UserWarning)
            self.function(Subject(circuit))


def common_check(cases: Mapping[str, Any] | None = None) -> Callable[[Any], Any]:
    """Add a function to the checks, once for each case."""

    def add(function):
        name = function.__name__.replace("check_", "", 1)
        if cases is None:
            CHECKS.append(Check(name, function))
        for case, value in (cases or {}).items():
            of_case = functools.partial(function, case=value)
            CHECKS.append(Check(f"{name}[{case}]", of_case))
        return function

    return add


def checks() -> list[Check]:
    """Everything that is checked of every circuit.

    A circuit states the largest root mean square errors that it is allowed in the class
    attribute ``check_tolerances``, in widths of the input range: ``constant`` on inputs
    that do not change, and with neuron types that are harder, by their names, such as
    ``Sigmoid``.

    Returns
    -------
    list of Check
        The checks; each is called with a circuit.

    Examples
    --------
    >>> from maxpool_circuits.testing import checks
    >>> len(checks()) > 50
    True

    The tests of a circuit are, with pytest::

        @pytest.mark.parametrize("check", checks(), ids=str)
        def test_my_circuit(check):
            check(MyCircuit)
    """
    return list(CHECKS)


def check_circuit(circuit: Circuit) -> None:
    """Check that a circuit does what every circuit must do; takes about half a minute.

    Parameters
    ----------
    circuit : str or callable
        The name of a circuit, a subclass of `.MaxPoolNetwork`, or a callable such as a
        ``functools.partial`` of one. Its ``check_tolerances`` are described at
        `checks`.

    Raises
    ------
    AssertionError
        If checks fail; the message has what each of them expected.

    Examples
    --------
    >>> from maxpool_circuits.testing import check_circuit
    >>> check_circuit("pairwise-relu")  # doctest: +SKIP
    """
    problems = []
    for check in CHECKS:
        try:
            check(circuit)
        except unittest.SkipTest:
            continue
        # whatever goes wrong in a circuit is reported, after the other checks
        except Exception as error:
            problems.append(f"{check}: {type(error).__name__}: {error}")
    if problems:
        raise AssertionError(
            f"{len(problems)} checks of {circuit!r} fail:\n" + "\n".join(problems)
        )
