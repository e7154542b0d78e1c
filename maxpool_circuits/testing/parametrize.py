"""The checks as tests of pytest."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from nengo.exceptions import ValidationError

from ..registry import find
from .check import checks, valid_failures, valid_mapping
from .subject import Circuit


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
        If an argument is not as described, or there is no check of such a name.

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

    failures = valid_mapping(known_failures)
    if not isinstance(circuits, Iterable) or isinstance(circuits, (str, bytes)):
        raise ValidationError(
            f"must be a list of circuits, got {circuits!r}", attr="circuits"
        )
    cases = []
    for circuit in circuits:
        find(circuit)
        name = name_of(circuit)
        expected = valid_failures(failures.get(name))
        for check in checks():
            marks = []
            if check.name in expected:
                marks = [pytest.mark.xfail(reason=expected[check.name], strict=True)]
            case = pytest.param(circuit, check, marks=marks, id=f"{name}-{check}")
            cases.append(case)
    return pytest.mark.parametrize(("circuit", "check"), cases)


def name_of(circuit: Circuit) -> str:
    """Name of a circuit in reports of tests."""
    if isinstance(circuit, str):
        return circuit
    if isinstance(circuit, functools.partial):
        options = (f"{name}={value}" for name, value in circuit.keywords.items())
        return f"{name_of(circuit.func)}({', '.join(options)})"
    return getattr(circuit, "__name__", repr(circuit))
