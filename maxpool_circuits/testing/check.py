"""One check of a circuit, the list of all, and tests that run them."""

from __future__ import annotations

import functools
import unittest
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..registry import find
from ..utils.checks import look_up
from .common_checks import FUNCTIONS
from .subject import Circuit, Subject


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

    def __call__(self, circuit: Circuit, **tolerances: float) -> None:
        """Check a circuit.

        Parameters
        ----------
        circuit : str or callable
            The circuit, as in `maxpool_circuits.make`.
        **tolerances
            As in `check_circuit`.

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
            self.function(Subject.of(circuit, tolerances))


def checks() -> list[Check]:
    """Everything that is checked of every circuit.

    Returns
    -------
    list of Check
        The checks; each is called with a circuit.

    Examples
    --------
    >>> from maxpool_circuits.testing import checks
    >>> len(checks()) > 50
    True

    Without `parametrize_with_checks`, the tests of a circuit are::

        @pytest.mark.parametrize("check", checks(), ids=str)
        def test_my_circuit(check):
            check(MyCircuit)
    """
    return [Check(name, function) for name, function in FUNCTIONS.items()]


def check_circuit(
    circuit: Circuit,
    known_failures: Mapping[str, str] | None = None,
    **tolerances: float,
) -> None:
    """Check that a circuit does what every circuit must do; takes about half a minute.

    Parameters
    ----------
    circuit : str or callable
        The name of a circuit, a subclass of `.MaxPoolNetwork`, or a callable such as a
        ``functools.partial`` of one.
    known_failures : dict of {str: str}, optional
        Checks that fail, by name, and why. They must fail: one that passes is an error,
        so that the list stays true.
    **tolerances : float
        Largest root mean square errors that are allowed, in widths of the input range:
        ``constant`` on inputs that do not change, and with neuron types that are
        harder, by their names, such as ``Sigmoid``. A circuit states its own in the
        class attribute ``check_tolerances``, a dict with the same names.

    Raises
    ------
    AssertionError
        If checks fail; the message has what each of them expected.
    nengo.exceptions.ValidationError
        If there is no tolerance or no check of such a name.

    Examples
    --------
    >>> from maxpool_circuits.testing import check_circuit
    >>> check_circuit("pairwise-relu")  # doctest: +SKIP
    """
    expected = _known(known_failures)
    Subject.of(circuit, tolerances)
    problems = []
    for check in checks():
        reason = expected.get(check.name)
        try:
            check(circuit, **tolerances)
            if reason is not None:
                problems.append(f"{check}: is a known failure ({reason}), but passes")
        except unittest.SkipTest:
            continue
        # whatever goes wrong in a circuit is reported, after the other checks
        except Exception as error:
            if reason is None:
                problems.append(f"{check}: {type(error).__name__}: {error}")
    if problems:
        raise AssertionError(
            f"{len(problems)} checks of {circuit!r} fail:\n" + "\n".join(problems)
        )


def parametrize_with_checks(
    circuits: Iterable[Circuit],
    known_failures: Mapping[str, Mapping[str, str]] | None = None,
) -> Any:
    """Decorate a test so that pytest runs it for each circuit and check.

    Parameters
    ----------
    circuits : iterable of (str or callable)
        The circuits, as in `check_circuit`.
    known_failures : dict of {str: dict of {str: str}}, optional
        Known failures, as in `check_circuit`, by the name of the circuit (its own, or
        that of the class or function).

    Returns
    -------
    pytest.MarkDecorator
        For a test with the arguments ``circuit`` and ``check``.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there is no circuit or no check of such a name.

    Examples
    --------
    A file with these lines tests two circuits:

    >>> import functools
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits.testing import parametrize_with_checks
    >>> fast = functools.partial(mpc.PairwiseReLU, max_rate=1000)
    >>> @parametrize_with_checks(["winner-take-all", fast])
    ... def test_circuit(circuit, check):
    ...     check(circuit)
    """
    # only users of this function need pytest
    import pytest

    failures = known_failures or {}
    cases = []
    for circuit in circuits:
        find(circuit)
        name = _name_of(circuit)
        expected = _known(failures.get(name))
        for check in checks():
            marks = []
            if check.name in expected:
                marks = [pytest.mark.xfail(reason=expected[check.name], strict=True)]
            case = pytest.param(circuit, check, marks=marks, id=f"{name}-{check}")
            cases.append(case)
    return pytest.mark.parametrize(("circuit", "check"), cases)


def _name_of(circuit: Circuit) -> str:
    """Name of a circuit in reports of tests."""
    if isinstance(circuit, functools.partial):
        options = (f"{name}={value}" for name, value in circuit.keywords.items())
        return f"{_name_of(circuit.func)}({', '.join(options)})"
    return circuit if isinstance(circuit, str) else circuit.__name__


def _known(known_failures: Mapping[str, str] | None) -> Mapping[str, str]:
    """Failures, all of checks that exist."""
    failures = known_failures or {}
    for name in failures:
        look_up(name, FUNCTIONS, "check")
    return failures
