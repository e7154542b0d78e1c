"""Objects as text that tells them apart, and that gives them back if evaluated."""

import inspect

from nengo.params import FrozenObject

#: Arguments that make no difference to what a circuit computes on average.
IGNORED = frozenset({"initial_state", "seed", "label"})


def qualified_name(thing):
    """Module and name of a class or function: another one of that name differs."""
    return f"{thing.__module__}.{thing.__qualname__}"


def describe(value):
    """Expression for a value, with the full name of its class.

    Arguments with their default value and those in `IGNORED` are left out.

    >>> import nengo
    >>> describe(nengo.LIF(tau_rc=0.05, initial_state={"voltage": [0.5]}))
    'nengo.neurons.LIF(tau_rc=0.05)'
    """
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
