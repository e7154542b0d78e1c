"""A circuit for one window, for all windows."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from ..network.windows import PoolWindows
from ..registry import make


def per_window(make_one: Callable[[int], nengo.Network]) -> Callable[..., Any]:
    """Make a circuit for any windows from one for a single window.

    It is repeated for each window, so that the number of Nengo objects grows with the
    windows; the label of the network says how many there are. Building 200 windows
    takes seconds to a minute: compare with ``n_pools=20`` or so.

    Parameters
    ----------
    make_one : callable
        Takes a number of inputs and returns a network whose ``input`` has that size
        and whose ``output`` has size 1.

    Returns
    -------
    callable
        Takes windows, as all circuits do: for `.compare`, `.make` and `.register`.

    Raises
    ------
    nengo.exceptions.ValidationError
        If ``make_one`` cannot be called.

    Examples
    --------
    >>> import nengo
    >>> import maxpool_circuits as mpc
    >>> def largest(n_inputs):
    ...     with nengo.Network() as network:
    ...         network.input = nengo.Node(size_in=n_inputs)
    ...         network.output = nengo.Node(lambda t, x: max(x), size_in=n_inputs)
    ...         nengo.Connection(network.input, network.output, synapse=None)
    ...     return network
    >>> pool = mpc.make(mpc.per_window(largest), mpc.PoolWindows((4, 4, 1)))
    >>> print(pool.label)
    largest for each of 4 windows: 26 Nengo objects
    """

    if not callable(make_one):
        raise ValidationError(
            f"must be a callable that takes a number of inputs, got {make_one!r}",
            attr="make_one",
        )

    @functools.wraps(make_one, updated=())
    def circuit(windows: PoolWindows) -> nengo.Network:
        with nengo.Network() as network:
            network.input = nengo.Node(size_in=windows.n_inputs, label="input")
            network.output = nengo.Node(size_in=windows.n_pools, label="output")
            ends = np.cumsum(windows.sizes)[:-1]
            for i, members in enumerate(np.split(windows.members, ends)):
                size = len(members)
                one = make(
                    lambda _, size=size: make_one(size),
                    PoolWindows.independent(1, size),
                )
                members = members.tolist()
                nengo.Connection(network.input[members], one.input, synapse=None)
                nengo.Connection(one.output, network.output[i], synapse=None)
        name = getattr(make_one, "__name__", repr(make_one))
        network.label = (
            f"{name} for each of {windows.n_pools} windows: "
            f"{len(network.all_objects)} Nengo objects"
        )
        return network

    return circuit
