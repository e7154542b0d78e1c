"""A connection transform that takes maxima."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from nengo import Ensemble, Network
from nengo.builder import Builder, Signal
from nengo.builder.operator import SimPyFunc
from nengo.exceptions import BuildError
from nengo.transforms import Transform

from .paths import incoming, upstream
from .windows import PoolWindows, WindowsParam, maxima


class MaxPool(Transform):
    """Take the exact maximum of each window of a connection's input.

    It does not spike, has no weights and cannot learn, and it adds no delay. As a
    maximum cannot be part of decoding weights, the connection must start at a node or
    at ``ens.neurons``.

    Parameters
    ----------
    windows : PoolWindows
        Which inputs each pool looks at.

    Attributes
    ----------
    windows : PoolWindows
        The argument.
    size_in : int
        Number of inputs, ``windows.n_inputs``.
    size_out : int
        Number of maxima, ``windows.n_pools``.

    Raises
    ------
    nengo.exceptions.ValidationError
        If ``windows`` is not a PoolWindows.

    Examples
    --------
    >>> import nengo
    >>> from maxpool_circuits import MaxPool, PoolWindows
    >>> transform = MaxPool(PoolWindows.independent(n_pools=2, window_size=2))
    >>> with nengo.Network() as model:
    ...     inputs = nengo.Node([0.1, 0.7, 0.4, 0.2])
    ...     maxima = nengo.Node(size_in=2)
    ...     connection = nengo.Connection(
    ...         inputs, maxima, transform=transform, synapse=None
    ...     )
    ...     probe = nengo.Probe(maxima)
    >>> with nengo.Simulator(model, progress_bar=False) as simulator:
    ...     simulator.step()
    >>> simulator.data[probe]
    array([[0.7, 0.4]])
    """

    windows = WindowsParam("windows")

    def __init__(self, windows: PoolWindows) -> None:
        super().__init__()
        self.windows = windows

    @property
    def size_in(self) -> int:
        """Number of inputs."""
        return self.windows.n_inputs

    @property
    def size_out(self) -> int:
        """Number of maxima."""
        return self.windows.n_pools

    def sample(self, rng: Any = np.random) -> NoReturn:
        """Refuse, as `nengo.transforms.NoTransform` does: there are no weights."""
        raise TypeError("MaxPool has no weights to sample")


def add_function(model: Any, x: Signal, y: Signal, windows: PoolWindows) -> None:
    """Take maxima by a function of Nengo's, which all backends have."""
    model.add_op(SimPyFunc(y, maxima(windows), None, x))


#: What adds operators for ``y = windows.max(x)`` to models of a class of their own.
ADD: dict[type, Callable] = {}


@Builder.register(MaxPool)
def _build_max_pool(
    model, transform, sig_in, decoders=None, encoders=None, rng=np.random
):
    """Build a `.MaxPool` transform: a function, and no weights."""
    if decoders is not None:
        raise BuildError(
            "MaxPool cannot be applied to a decoded connection, because a maximum "
            "cannot be part of its weights; connect from ens.neurons or a Node instead"
        )
    if model.toplevel is not None:
        _warn_of_raw_spikes(model.toplevel, transform)

    result = Signal(shape=transform.size_out, name=f"{transform}.maxima")
    ADD.get(type(model), add_function)(model, sig_in, result, transform.windows)
    # other backends mark the weights of every connection, for example as trainable
    weights = Signal(np.zeros(0), readonly=True, name=f"{transform}.weights")
    return result, weights


def _warn_of_raw_spikes(network: Network, transform: MaxPool) -> None:
    """Warn if spikes reach a `MaxPool` unfiltered: it takes a maximum in each step."""
    connections = incoming(network)
    for connection in network.all_connections:
        if connection.transform is not transform:
            continue
        # its own synapse comes after the maximum
        sources = upstream(
            connection.pre_obj, connections, lambda other: other.synapse is None
        )
        for source in sources:
            ensemble = getattr(source, "ensemble", source)
            if isinstance(ensemble, Ensemble) and ensemble.neuron_type.spiking:
                warnings.warn(
                    f"the raw spikes of {source} reach an exact maximum, which is "
                    "taken in each time step and so is far too large; connect with a "
                    "synapse, or take a circuit such as WinnerTakeAll",
                    stacklevel=2,
                )
                return
