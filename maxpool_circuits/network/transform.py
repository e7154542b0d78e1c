"""A connection transform that takes maxima, with its Nengo operator."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from nengo import Ensemble, Network
from nengo.builder import Builder, Operator, Signal
from nengo.builder.operator import Reset
from nengo.exceptions import BuildError, ValidationError
from nengo.params import Parameter
from nengo.transforms import Transform

from .maxima import maxima
from .paths import incoming, upstream
from .windows import PoolWindows


class _WindowsParam(Parameter):
    """A parameter whose value is a `.PoolWindows`."""

    equatable = True

    def coerce(self, instance, value):
        """Refuse everything but windows."""
        if not isinstance(value, PoolWindows):
            raise ValidationError(
                "must be PoolWindows, for example PoolWindows((28, 28, 8)) or "
                f"PoolWindows.independent(n_pools=100, window_size=4); got {value!r}",
                attr=self.name,
                obj=instance,
            )
        return super().coerce(instance, value)


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

    windows = _WindowsParam("windows")

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


class MaxPoolInc(Operator):
    """Add the maximum of each window of one signal to another.

    Implements ``Y[...] += windows.max(X)``.

    Parameters
    ----------
    X : (n_inputs,) nengo.builder.Signal
        The inputs.
    Y : (n_pools,) nengo.builder.Signal
        The signal that the maxima are added to.
    windows : PoolWindows
        Which entries of ``X`` each entry of ``Y`` looks at.
    tag : str, optional (Default: None)
        A label, for debugging.

    Attributes
    ----------
    X, Y, windows, tag
        The arguments.

    Notes
    -----
    1. sets ``[]``
    2. incs ``[Y]``
    3. reads ``[X]``
    4. updates ``[]``

    Examples
    --------
    >>> from nengo.builder import Signal
    >>> from nengo.builder.signal import SignalDict
    >>> from maxpool_circuits import PoolWindows
    >>> from maxpool_circuits.network.transform import MaxPoolInc
    >>> windows = PoolWindows.independent(n_pools=2, window_size=2)
    >>> X, Y = Signal([0.1, 0.7, 0.4, 0.2]), Signal([1.0, 2.0])
    >>> operator = MaxPoolInc(X, Y, windows)
    >>> signals = SignalDict()
    >>> operator.init_signals(signals)
    >>> step = operator.make_step(signals, dt=0.001, rng=None)
    >>> step()
    >>> print(signals[Y])
    [1.7 2.4]
    """

    def __init__(
        self, X: Signal, Y: Signal, windows: PoolWindows, tag: str | None = None
    ) -> None:
        super().__init__(tag=tag)
        self.windows = windows
        self.sets: list[Signal] = []
        self.incs = [Y]
        self.reads = [X]
        self.updates: list[Signal] = []

    # Nengo's optimizer replaces signals in these lists, so look there each time.
    @property
    def X(self) -> Signal:
        """The inputs."""
        return self.reads[0]

    @property
    def Y(self) -> Signal:
        """The signal that the maxima are added to."""
        return self.incs[0]

    @property
    def _descstr(self):
        return f"max_pool({self.X}) -> {self.Y}"

    def make_step(self, signals: Any, dt: float, rng: Any) -> Callable[[], None]:
        """Make the function that Nengo calls in every time step."""
        X = signals[self.X]
        Y = signals[self.Y]
        of_windows = maxima(self.windows)

        def step_max_pool():
            Y[...] += of_windows(X)

        return step_max_pool


@Builder.register(MaxPool)
def _build_max_pool(
    model, transform, sig_in, decoders=None, encoders=None, rng=np.random
):
    """Build a `.MaxPool` transform: its operator, and no weights."""
    if decoders is not None:
        raise BuildError(
            "MaxPool cannot be applied to a decoded connection, because a maximum "
            "cannot be part of its weights; connect from ens.neurons or a Node instead"
        )
    # only weight solvers make encoders, and only for decoded connections
    assert encoders is None
    if model.toplevel is not None:
        _warn_of_raw_spikes(model.toplevel, transform)

    maxima = Signal(shape=transform.size_out, name=f"{transform}.maxima")
    model.add_op(Reset(maxima))
    model.add_op(
        MaxPoolInc(sig_in, maxima, transform.windows, tag=f"{transform}.max_pool")
    )
    # other backends mark the weights of every connection, for example as trainable
    weights = Signal(np.zeros(0), readonly=True, name=f"{transform}.weights")
    return maxima, weights


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
