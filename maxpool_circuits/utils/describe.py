"""Objects as text that tells them apart, and that gives them back if evaluated."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from nengo.params import FrozenObject

from .checks import is_real

#: Arguments that make no difference to what a circuit computes on average.
IGNORED = frozenset({"initial_state", "seed", "label"})


def qualified_name(thing: Any) -> str:
    """Module and name of a class or function: another one of that name differs."""
    return f"{thing.__module__}.{thing.__qualname__}"


def describe(value: Any) -> str:
    """Expression for a value, with the full name of its class.

    Arguments with their default value and those in `IGNORED` are left out.

    >>> import nengo
    >>> describe(nengo.LIF(tau_rc=0.05, initial_state={"voltage": [0.5]}))
    'nengo.neurons.LIF(tau_rc=0.05)'
    """
    if is_real(value):
        # 1, 1.0 and numpy.float64(1) are the same number
        text = repr(float(value))
        return text[: -len(".0")] if text.endswith(".0") else text
    if isinstance(value, (float, np.floating)):
        return f"float({str(float(value))!r})"
    if not isinstance(value, FrozenObject):
        return repr(value)
    arguments = []
    for name, parameter in inspect.signature(type(value)).parameters.items():
        is_named = parameter.kind not in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        )
        if is_named and name not in IGNORED:
            if not hasattr(value, name):
                # it cannot be told apart from others: its address can
                return f"{type(value).__module__}.{value!r} at {id(value)}"
            given = describe(getattr(value, name))
            if given != describe(parameter.default):
                arguments.append(f"{name}={given}")
    return f"{qualified_name(type(value))}({', '.join(arguments)})"
