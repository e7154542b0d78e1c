"""Maxima go back to the inputs that they came from."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
import scipy.sparse
from nengo.exceptions import ValidationError

from ..network.neurons import IntegrateAndFire
from ..network.populations import container
from ..network.sparse import connect, selection
from ..utils.checks import positive_number, valid_seed

#: Time constants, in inter-spike intervals of an input, over which spikes of rivals are
#: counted, and after which the values arrive at the gates.
COUNTED, VALUES = 5, 3.5
#: Rate of rivals, relative to ``max_rate``, from which an input has lost.
LOST = 0.012
#: By how much a neuron that fires at 1 Hz closes a gate, in units of the largest value.
CLOSED = 0.03
#: Rate, in Hz, of a gate that passes on the largest value.
GATE_RATE = 2000


class Unpool(nengo.Network):
    r"""Put values back to where the maxima of a pool came from; the rest is 0.

    Each input has a gate, which passes on the value of its pool unless another input
    has won, and a neuron that closes the gate if the units of its rivals, in the pool,
    fire more than its own:

    .. math:: y_i = \text{relu}\big(v - B \, [\sum_{j \ne i} s_j > s_i]\big)

    Where inputs are so equal that no unit fires, all of their gates are open. What
    windows that overlap put back to one input is added, as in the gradient of max
    pooling.

    Cost: two neurons, one of them `nengo.LIF`, for each input of each pool.

    Parameters
    ----------
    pool : WinnerTakeAll
        A circuit with one unit of one neuron for each input of its windows.
    top : float, optional
        The largest value that is put back; negative ones become 0. The default is the
        top of the pool's ``input_range``, if that has no negative values.
    label, seed, add_to_container : optional
        As in `nengo.Network`.

    Attributes
    ----------
    input : nengo.Node
        Takes ``windows.n_pools`` values, those of ``pool.output`` for example.
    output : nengo.Node
        Has ``windows.n_inputs`` values.
    gates : nengo.Ensemble
        The neurons of the gates, pool by pool.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the pool has no such units, or ``top`` is not above 0 or has to be given.

    References
    ----------
    Zeiler and Fergus (2014), https://doi.org/10.1007/978-3-319-10590-1_53

    Examples
    --------
    >>> import nengo
    >>> import maxpool_circuits as mpc
    >>> with nengo.Network(seed=0) as model:
    ...     inputs = nengo.Node([0.3, 0.9, 0.6, 0.2])
    ...     pool = mpc.WinnerTakeAll(mpc.PoolWindows.independent(2, 2))
    ...     _ = nengo.Connection(inputs, pool.input, synapse=None)
    ...     unpool = mpc.Unpool(pool)
    ...     _ = nengo.Connection(pool.output, unpool.input, synapse=None)
    ...     probe = nengo.Probe(unpool.output, synapse=0.02)
    ...     winner = nengo.Probe(pool.winner, synapse=0.02)
    >>> with nengo.Simulator(model, progress_bar=False) as sim:
    ...     sim.run(0.5)
    >>> print(sim.data[probe][250:].mean(axis=0).round(1))
    [0.  0.9 0.6 0. ]
    >>> print(sim.data[winner][250:].mean(axis=0).round(1))
    [0. 1. 1. 0.]
    """

    def __init__(
        self,
        pool: Any,
        top: float | None = None,
        *,
        label: str | None = None,
        seed: int | None = None,
        add_to_container: bool | None = None,
    ) -> None:
        stages = getattr(pool, "stages", [])
        if len(stages) != 1 or pool.units.n_neurons != len(pool.pool_sum.indices):
            raise ValidationError(
                "must have one unit of one neuron for each input of its windows, such "
                f"as a WinnerTakeAll for windows of 2 to 10 inputs, got {pool!r}",
                attr="pool",
                obj=self,
            )
        low, high = pool.input_range
        if top is None and low < 0:
            raise ValidationError(
                "must be given, because the pool has negative values, and these give 0",
                attr="top",
                obj=self,
            )
        top = positive_number(high if top is None else top, "top", self)

        seed = valid_seed(seed, self)
        super().__init__(label=label, seed=seed, add_to_container=add_to_container)
        members, windows = pool.pool_sum, pool.windows
        n_units = members.shape[1]
        with self:
            self.input = nengo.Node(size_in=windows.n_pools, label="input")
            self.output = nengo.Node(size_in=windows.n_inputs, label="output")
            ones, zeros = np.ones(n_units), np.zeros(n_units)
            lost = container(nengo.LIF(), 2 * ones, zeros, "lost")
            gate = IntegrateAndFire(amplitude=top / GATE_RATE)
            self.gates = container(gate, GATE_RATE / top * ones, zeros, "gates")
            interval = pool.inter_spike_interval
            rivals = members.T @ members - 2 * scipy.sparse.identity(n_units)
            # currents of 1 are where neurons of this type begin to fire
            rivals = rivals / (2 * LOST * pool.max_rate)
            connect(pool.units.neurons, lost.neurons, rivals, COUNTED * interval)
            values = members.T @ pool.scatter.T
            connect(self.input, self.gates.neurons, values, VALUES * interval)
            nengo.Connection(
                lost.neurons, self.gates.neurons, transform=-CLOSED * top, synapse=0.005
            )
            connect(self.gates.neurons, self.output, pool.gather.T)
            single = windows.sizes == 1
            if single.any():
                # the only input of a window has won
                firsts = windows.members[np.cumsum(windows.sizes)[single] - 1]
                back = selection(firsts, windows.n_inputs).T
                here = selection(np.flatnonzero(single), windows.n_pools)
                connect(self.input, self.output, back @ here, VALUES * interval)


def winner_of(pool: Any) -> nengo.Node:
    """A node that is about 1 for inputs that won, by gates for a value of 1."""
    with pool:
        unpool = Unpool(pool, top=1, label="winner")
        ones = nengo.Node(np.ones(pool.windows.n_pools), label="ones")
        nengo.Connection(ones, unpool.input, synapse=None)
    return unpool.output
