"""Circuits by name."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable

import nengo
from nengo.exceptions import ValidationError

from .utils.checks import look_up

_circuits: dict[str, Callable[..., Any]] = {}


def register(name: str, circuit: Callable[..., Any]) -> Callable[..., Any]:
    """Make a circuit known under a name.

    Parameters
    ----------
    name : str
        The name, as in `circuits` and on the command line.
    circuit : callable
        A subclass of `.MaxPoolNetwork`, or any callable that takes windows and keyword
        options and returns a network with an ``input`` and an ``output``.

    Returns
    -------
    callable
        The circuit.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the name is not a text or belongs to another circuit, or the circuit cannot
        be called.

    Examples
    --------
    >>> import functools
    >>> import maxpool_circuits as mpc
    >>> fast_tree = functools.partial(mpc.PairwiseReLU, max_rate=1000)
    >>> _ = mpc.register("fast-tree", fast_tree)
    >>> "fast-tree" in mpc.circuits()
    True
    >>> mpc.unregister("fast-tree")
    """
    if not isinstance(name, str) or not name:
        raise ValidationError(
            f"must be a text of at least one character, got {name!r}",
            attr="name",
        )
    if not callable(circuit):
        raise ValidationError(
            "must be a subclass of MaxPoolNetwork or a callable that takes windows, "
            f"got {circuit!r}",
            attr="circuit",
        )
    if _circuits.get(name, circuit) is not circuit:
        raise ValidationError(
            f"{name!r} is the name of {_circuits[name]!r}; choose another name, or "
            "call unregister first",
            attr="name",
        )
    _circuits[name] = circuit
    return circuit


def unregister(name: str) -> None:
    """Forget a circuit.

    Parameters
    ----------
    name : str
        Its name.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there is no circuit of this name.

    Examples
    --------
    >>> import maxpool_circuits as mpc
    >>> _ = mpc.register("second-name", mpc.ExactMax)
    >>> mpc.unregister("second-name")
    >>> "second-name" in mpc.circuits()
    False
    """
    look_up(name, _circuits, "name")
    del _circuits[name]


def circuits() -> dict[str, Callable[..., Any]]:
    """All circuits, by name.

    Returns
    -------
    dict of {str: callable}
        A copy: changing it does not change the registry.

    Examples
    --------
    >>> import maxpool_circuits as mpc
    >>> mpc.circuits()["exact"] is mpc.ExactMax
    True
    """
    return dict(_circuits)


def find(circuit: str | Callable[..., Any]) -> Callable[..., Any]:
    """Look up a circuit.

    Parameters
    ----------
    circuit : str or callable
        A name, or a class or callable, which is returned as it is.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there is no circuit of this name; the message lists the known ones.

    Examples
    --------
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits.registry import find
    >>> find("exact") is mpc.ExactMax
    True
    >>> find("median")
    Traceback (most recent call last):
        ...
    maxpool_circuits.utils.checks.UnknownName: circuit: there is no circuit 'median'...
    """
    if isinstance(circuit, nengo.Network):
        raise ValidationError(
            f"{circuit} is a network already; give what makes one of windows, such as "
            f"its class {type(circuit).__name__}",
            attr="circuit",
        )
    return circuit if callable(circuit) else look_up(circuit, _circuits, "circuit")


def unwrap_partial(circuit: Any) -> tuple[Any, dict[str, Any]]:
    """What is inside of `functools.partial`, and the options that it is given."""
    given: dict[str, Any] = {}
    while isinstance(circuit, functools.partial):
        given = {**circuit.keywords, **given}
        circuit = circuit.func
    return circuit, given


def with_defaults(
    circuit: str | Callable[..., Any], **options: Any
) -> Callable[..., Any]:
    """Give a circuit options, but for those that it has already.

    Parameters
    ----------
    circuit : str or callable
        A name, a subclass of `.MaxPoolNetwork`, or a `functools.partial` of one. Any
        other callable brings its own options, and is returned as it is.
    **options
        Keyword arguments of the class.

    Returns
    -------
    callable
        The circuit with these options.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there is no circuit of this name.

    Examples
    --------
    >>> import functools
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits.registry import with_defaults
    >>> windows = mpc.PoolWindows.independent(n_pools=1, window_size=2)
    >>> slow_synapse = functools.partial(mpc.PairwiseReLU, synapse=0.1)
    >>> pool = with_defaults(slow_synapse, max_rate=100, synapse=0.005)(windows)
    >>> pool.max_rate, pool.synapse
    (100.0, Lowpass(tau=0.1))
    """
    circuit = find(circuit)
    made_by, given = unwrap_partial(circuit)
    # what every subclass of MaxPoolNetwork has; this module knows no class of circuits
    if not hasattr(made_by, "build_circuit"):
        return circuit
    return functools.partial(circuit, **{**options, **given})


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Take what was added to the current network out of it again after an error."""
    added_to = nengo.Network.context[-1].objects if nengo.Network.context else {}
    before = {kind: len(objects) for kind, objects in added_to.items()}
    try:
        yield
    except BaseException:
        for kind, number in before.items():
            del added_to[kind][number:]
        raise


@all_or_nothing()
def make(
    circuit: str | Callable[..., Any], windows: Any, **options: Any
) -> nengo.Network:
    """Make a max-pool network.

    Parameters
    ----------
    circuit : str or callable
        The name of a circuit, a subclass of `.MaxPoolNetwork`, or any callable that
        takes windows and returns a network with an ``input`` and an ``output``.
    windows : PoolWindows
        Which inputs each pool looks at.
    **options
        Passed on to the circuit.

    Returns
    -------
    nengo.Network
        The network, made inside the current context.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there is no circuit of this name, if the circuit refuses an argument, or if
        what the callable returns is not a network of the right size.

    Examples
    --------
    >>> import nengo
    >>> import maxpool_circuits as mpc
    >>> windows = mpc.PoolWindows(input_shape=(4, 4, 1), pool_size=2)
    >>> with nengo.Network():
    ...     pool = mpc.make("winner-take-all", windows, max_rate=100)
    >>> pool.output.size_out
    4
    """
    made_by = find(circuit)
    if not hasattr(windows, "n_pools"):
        raise ValidationError(
            f"must be a maxpool_circuits.PoolWindows, got {windows!r}", attr="windows"
        )
    try:
        network = made_by(windows, **options)
    except (TypeError, ValidationError) as error:
        if hasattr(unwrap_partial(made_by)[0], "build_circuit"):
            raise
        raise ValidationError(
            f"{circuit!r} did not make a network of {windows} ({error}); what takes a "
            "number of inputs, for one window, is to be given to mpc.per_window",
            attr="circuit",
        ) from error
    for name, size, end in [
        ("input", windows.n_inputs, "size_in"),
        ("output", windows.n_pools, "size_out"),
    ]:
        node: Any = getattr(network, name, None)
        is_node = isinstance(network, nengo.Network) and isinstance(node, nengo.Node)
        if not is_node or getattr(node, end) != size:
            raise ValidationError(
                f"{circuit!r} must return a nengo.Network with a node called {name} of "
                f"size {size}, got {network!r}",
                attr="circuit",
            )
    return network
