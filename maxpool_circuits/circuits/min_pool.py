"""Minima, by the circuits for maxima."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nengo

from ..network.windows import WINDOWS, PoolWindows
from ..registry import all_or_nothing, make
from ..utils.checks import valid_range


class MinPool(nengo.Network):
    r"""The minimum of each window, by a max-pool network between weights of -1.

    .. math:: \min_i x_i = -\max_i (-x_i)

    Parameters
    ----------
    windows : PoolWindows
        Which inputs each pool looks at.
    circuit : str or callable, optional (Default: "winner-take-all")
        As in `.make`.
    input_range : (float, float), optional (Default: (0, 1))
        Lowest and highest value that the inputs take, in units of the input.
    label : str, optional
        As in `nengo.Network`.
    **options
        Passed on to the circuit.

    Attributes
    ----------
    input : nengo.Node
        Takes the ``windows.n_inputs`` inputs.
    output : nengo.Node
        Has the ``windows.n_pools`` minima.
    circuit : nengo.Network
        The max-pool network.

    Examples
    --------
    >>> import nengo
    >>> import maxpool_circuits as mpc
    >>> with nengo.Network(seed=0) as model:
    ...     pool = mpc.MinPool(mpc.PoolWindows.independent(n_pools=2, window_size=2))
    ...     inputs = nengo.Node([0.3, 0.9, 0.6, 0.2])
    ...     _ = nengo.Connection(inputs, pool.input, synapse=None)
    ...     probe = nengo.Probe(pool.output, synapse=0.02)
    >>> with nengo.Simulator(model, progress_bar=False) as sim:
    ...     sim.run(0.5)
    >>> print(sim.data[probe][250:].mean(axis=0).round(2))
    [0.3 0.2]
    """

    @all_or_nothing()
    def __init__(
        self,
        windows: PoolWindows,
        circuit: str | Callable[..., Any] = "winner-take-all",
        *,
        input_range: tuple[float, float] = (0, 1),
        label: str | None = None,
        **options: Any,
    ) -> None:
        windows = WINDOWS.coerce(self, windows)
        low, high = valid_range(input_range, "input_range", self)
        super().__init__(label=label)
        with self:
            self.input = nengo.Node(size_in=windows.n_inputs, label="input")
            self.output = nengo.Node(size_in=windows.n_pools, label="output")
            self.circuit = make(circuit, windows, input_range=(-high, -low), **options)
            for pre, post in (
                (self.input, self.circuit.input),
                (self.circuit.output, self.output),
            ):
                nengo.Connection(pre, post, transform=-1, synapse=None)
