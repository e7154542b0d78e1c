"""The neurons of a layer as its max pooling: those of a pool share one reset."""

from __future__ import annotations

import nengo
import numpy as np

from ..network.base import MaxPoolNetwork
from ..network.neurons import SharedReset
from ..network.populations import from_low_end, rectifier
from ..network.sparse import connect
from ..network.wiring import Wiring


class SharedResetMax(MaxPoolNetwork):
    r"""One neuron per input, and one reset per pool: rectifier and maximum in one.

    .. math:: \text{relu}\Big(\max_i x_i\Big) = \max(0, x_1, \dots, x_k)

    A layer of rectifying neurons and the max pooling after it are one function. So
    the neurons of the layer can be the pool: their membranes integrate the currents
    :math:`x_i`, the highest one fires, and its spikes are taken from all of them (see
    `.SharedReset`):

    .. math::

       v_i \leftarrow \max(v_i + g x_i \, \Delta t,\; v_\text{min}), \qquad
       n = \max(\lfloor \max_i v_i \rfloor, 0), \qquad
       v_i \leftarrow v_i - n, \qquad y = \frac{n}{g \, \Delta t}

    The count of the output's spikes is the running maximum of the integrals. Values are
    quantised once, only the winner spikes, and in time: a filter after the pool works
    on one value instead of :math:`k`. Of equal membranes the first one fires.

    Inputs are values or currents rather than spikes: what the layer's neurons would
    get. Spikes that come through weights of both signs need no filter, since membranes
    average them. What is below the range counts as its low end, as in a rectifier.

    Cost, for :math:`k` inputs: :math:`k` neurons, no connection among them. Delay:
    none, but for ``input_synapse``; the first spike comes when the first threshold is
    reached.

    Parameters
    ----------
    n_neurons : int, optional (Default: 1)
        Only 1: neurons that share a reset all do the same.
    neuron_type : SharedReset, optional
        The default has a floor of one threshold below zero, and if ``input_rate`` is
        below ``max_rate``, of as many as a spike of an input adds.
    max_rate, input_rate, input_range : optional
        As in `.MaxPoolNetwork`. A pool whose largest input is at the top of
        ``input_range`` fires at ``max_rate``. The output is the low end of the range
        where no input is above it.
    synapse : optional
        Not used: there is one stage.
    input_synapse : nengo.synapses.Synapse or float or None, optional (Default: None)
        Synapse from the input.
    decoders, label, seed, add_to_container : optional
        As in `.MaxPoolNetwork`. Nothing is tuned.

    Attributes
    ----------
    units : nengo.Ensemble
        The neurons, one for each input of each pool, pool by pool.

    References
    ----------
    Li and Zeng (2022), https://doi.org/10.48550/arXiv.2204.13271 (a lateral inhibition
    that counts, after the layer's neurons)

    Rueckauer and others (2017), https://doi.org/10.3389/fnins.2017.00682 (soft reset)

    Examples
    --------
    >>> import nengo
    >>> import maxpool_circuits as mpc
    >>> windows = mpc.PoolWindows.independent(n_pools=2, window_size=3)
    >>> with nengo.Network() as model:
    ...     pool = mpc.SharedResetMax(windows)
    ...     currents = nengo.Node([0.1, 0.7, -0.3, -0.9, -0.2, -0.8])
    ...     _ = nengo.Connection(currents, pool.input, synapse=None)
    ...     probe = nengo.Probe(pool.output)
    >>> with nengo.Simulator(model, progress_bar=False) as sim:
    ...     sim.run(1)
    >>> print(sim.data[probe].mean(axis=0).round(2))
    [0.7 0. ]
    """

    #: Largest errors that the common checks allow (see `.checks`).
    check_tolerances = {"constant": 0.04}

    smallest_pool = 1
    shares_reset = True
    made_of = SharedReset
    tuned_per_window_size = False

    @property
    def default_neuron_type(self) -> SharedReset:
        """One group for each pool, and a floor as deep as what a spike adds."""
        spike = self.max_rate * self.inter_spike_interval
        return SharedReset(self.pool_sizes, -spike)

    def build_circuit(self) -> None:
        """Connect the input to the units, and these to the output."""
        low, high = self.input_range
        unit = rectifier(
            self.neuron_type, self.neurons_per_part, self.max_rate, high - low
        )
        units = self.replicate(
            "unit", from_low_end(unit, low), self.gather.shape[0], label="units"
        )
        self.units = units.ensemble
        wiring = Wiring()
        wiring.connect(
            self.input, units.neurons, units.encode(self.gather), self.input_synapse
        )
        wiring.connect(
            units.neurons, self.output, self.scatter @ units.decode(self.pool_sum)
        )
        wiring.build()
        if low != 0:
            lowest = nengo.Node(np.full(len(self.pools), low), label="lowest")
            connect(lowest, self.output, self.scatter)
