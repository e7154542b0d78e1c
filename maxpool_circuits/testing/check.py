"""One check of a circuit, and the list of all."""

from __future__ import annotations

import unittest
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Callable, TypeVar

from nengo.exceptions import ValidationError

from .subject import Circuit, Subject

Function = TypeVar("Function", bound=Callable[..., None])

_checks: dict[str, Check] = {}


@dataclass(frozen=True)
class Check:
    """One thing that every circuit must do, in one case.

    Parameters
    ----------
    name : str
        What is checked, and in brackets the case.
    function : callable
        Takes the circuit under test and the arguments, and raises an AssertionError
        that says what was expected.
    arguments : dict, optional
        The case.

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
    arguments: Mapping[str, Any] = field(default_factory=dict)

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
            self.function(Subject.of(circuit, tolerances), **self.arguments)


def common_check(
    cases: Mapping[str, Mapping[str, Any]] | None = None,
) -> Callable[[Function], Function]:
    """Add a function to the checks, once for each case."""

    def add(function: Function) -> Function:
        name = function.__name__.replace("check_", "", 1)
        if cases is None:
            _checks[name] = Check(name, function)
        else:
            for case, arguments in cases.items():
                key = f"{name}[{case}]"
                _checks[key] = Check(key, function, arguments)
        return function

    return add


def each(argument: str, values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Make one case of each value of one argument."""
    return {case: {argument: value} for case, value in values.items()}


def checks() -> list[Check]:
    """Give everything that is checked of every circuit.

    Returns
    -------
    list of Check
        The checks; each is called with a circuit.

    Examples
    --------
    >>> from maxpool_circuits.testing import checks
    >>> len(checks()) > 90
    True

    Without `parametrize_with_checks`, the tests of a circuit are::

        @pytest.mark.parametrize("check", checks(), ids=str)
        def test_my_circuit(check):
            check(MyCircuit)
    """
    return list(_checks.values())


def valid_failures(known_failures: Mapping[str, str] | None) -> Mapping[str, str]:
    """Refuse failures of checks that do not exist."""
    known_failures = valid_mapping(known_failures)
    for name in known_failures:
        if name not in _checks:
            raise ValidationError(
                f"there is no check called {name!r}; print(*checks(), sep='\\n') "
                "shows the names of all",
                attr="known_failures",
            )
    return known_failures


def valid_mapping(known_failures: Any) -> Mapping[str, Any]:
    """Known failures by name, none for None."""
    if known_failures is None:
        return {}
    valid = isinstance(known_failures, Mapping)
    if not valid or not all(isinstance(name, str) for name in known_failures):
        raise ValidationError(
            f"must be a dict of reasons by name, or None, got {known_failures!r}",
            attr="known_failures",
        )
    return known_failures


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
    expected = valid_failures(known_failures)
    Subject.of(circuit, tolerances)
    problems = list(_problems(circuit, expected, tolerances))
    if problems:
        raise AssertionError(
            f"{len(problems)} checks of {circuit!r} fail:\n" + "\n".join(problems)
        )


def _problems(
    circuit: Circuit, expected: Mapping[str, str], tolerances: Mapping[str, float]
) -> Iterable[str]:
    for check in checks():
        try:
            check(circuit, **tolerances)
        except unittest.SkipTest:
            continue
        # whatever goes wrong in a circuit is reported, after the other checks
        except Exception as error:
            if check.name not in expected:
                yield f"{check}: {type(error).__name__}: {error}"
            continue
        if check.name in expected:
            yield f"{check}: is a known failure ({expected[check.name]}), but passes"
