"""The maximum of two as one value plus a rectified difference."""

from __future__ import annotations

import nengo
import scipy.sparse

from ..network.neurons import IntegrateAndFire, integrates
from ..network.populations import (
    FittedPopulation,
    Population,
    is_rectified_linear,
    rectifier,
)
from ..network.tunable import Tunable
from .averaging import Averaging
from .tree import ComparatorTree

#: Time constant of the input synapse, in inter-spike intervals of an input, of neurons
#: that rectify at once, and of populations, which magnify noise.
SMOOTHING = Tunable("input_time_constant", 0.75, 0.2, 5, "input_synapse")
POPULATION_SMOOTHING = Tunable("input_time_constant", 1.25, 0.2, 5, "input_synapse")
#: Time constant, in seconds, of the synapse after each level.
SYNAPSE = Tunable("synapse", 0.005, 0.001, 0.02, "synapse")


class PairwiseReLU(Averaging, ComparatorTree):
    r"""Tree of comparators that rectify differences.

    .. math:: \max(a, b) = b + \text{relu}(a - b)

    One comparator per pair rectifies the difference; :math:`b` travels past the
    neurons, so only the difference is quantised by spikes. With the default neurons the
    difference is averaged *before* it is rectified, on a membrane that may go negative,
    which keeps the output free of the upward bias of a rectifier after a synapse.

    Cost, for :math:`k` inputs: :math:`k - 1` comparators of ``n_neurons`` neurons,
    :math:`\lceil \log_2 k \rceil` levels. Delay: that of ``input_synapse`` and one
    ``synapse`` per level; no time step in the neurons. Windows that overlap on a grid
    share comparators: 3 per window of 3x3 at stride 1, 6 at stride 2, instead of 8.

    Spikes grow with the differences between neighbours, not with the values: two equal
    inputs cost none.

    Parameters
    ----------
    n_neurons : int, optional
        Neurons per comparator. The default is 1 for rectified linear neuron types,
        which are exact alone, and 20 for others.
    neuron_type, max_rate, input_rate, input_range : optional
        As in `.MaxPoolNetwork`. A comparator whose ``a`` is at the top of
        ``input_range`` and whose ``b`` is in the middle of it fires at ``max_rate``.
    synapse : nengo.synapses.Synapse or float or None, optional
        Synapse after each level. The default is None for `.IntegrateAndFire`, which
        averages before it rectifies, and for rectified linear neuron types that do not
        spike, and 5 ms for others.
    input_synapse : nengo.synapses.Synapse or float or None, optional
        Synapse before the first level. The default is ``nengo.Alpha(0.0015)`` for
        `.IntegrateAndFire` (2.4 ms at 1000 Hz), 3 ms for other rectified linear neuron
        types and 5 ms for the rest, and longer in proportion where ``input_rate`` or
        ``max_rate`` is below 250 Hz.
    decoders, label, seed, add_to_container : optional
        As in `.MaxPoolNetwork`.

    Attributes
    ----------
    comparators : list of nengo.Ensemble
        The comparators of each level, from the input to the output.

    References
    ----------
    Riesenhuber and Poggio (1999), https://doi.org/10.1038/14819 (maxima in the brain)

    Arora and others (2018), https://doi.org/10.48550/arXiv.1611.01491 (as trees)

    Examples
    --------
    >>> import nengo
    >>> import maxpool_circuits as mpc
    >>> windows = mpc.PoolWindows.independent(n_pools=2, window_size=3)
    >>> with nengo.Network(seed=0) as model:
    ...     pool = mpc.PairwiseReLU(windows, neuron_type=nengo.RectifiedLinear())
    ...     inputs = nengo.Node([0.1, 0.7, 0.3, 0.9, 0.2, 0.8])
    ...     _ = nengo.Connection(inputs, pool.input, synapse=None)
    ...     probe = nengo.Probe(pool.output)
    >>> pool.n_neurons
    4
    >>> with nengo.Simulator(model, progress_bar=False) as sim:
    ...     sim.run(0.05)
    >>> print(sim.data[probe][-1].round(3))
    [0.7 0.9]
    """

    #: Largest errors that the common checks allow (see `.checks`).
    check_tolerances = {"constant": 0.05}

    @property
    def default_neuron_type(self) -> IntegrateAndFire:
        """Membranes that remember what the input filter lets through, and no more.

        The more levels, the more lets each through for those after it: what suits
        windows of 4 to 49 inputs grows as their fourth root (measured).
        """
        competitors = max(4, round(2 * self.windows.sizes.max() ** 0.5)) / 4
        spike = self.max_rate * self.inter_spike_interval
        filtered = 2.2 * max(spike, competitors) ** 0.5
        raw = 1 + 3.5 * competitors**0.5 * spike
        floor = 1 - (1 - self.ripple) * filtered - self.ripple * raw
        return IntegrateAndFire(min_voltage=min(0.0, floor))

    @property
    def tunables(self) -> tuple[Tunable, ...]:
        """Filters of neurons that do not average; rates need none between levels."""
        if integrates(self.neuron_type):
            return ()
        if not is_rectified_linear(self.neuron_type):
            return POPULATION_SMOOTHING, SYNAPSE
        return (SMOOTHING, SYNAPSE) if self.neuron_type.spiking else (SMOOTHING,)

    @property
    def default_synapse(self) -> float | None:
        """No synapse between rectifiers that average or do not spike, else 5 ms."""
        return self.value_of(SYNAPSE) if SYNAPSE in self.tunables else None

    @property
    def default_input_synapse(self) -> nengo.synapses.Synapse:
        """Enough to turn input spikes into a graded difference."""
        if integrates(self.neuron_type):
            return self.averaging_filter
        smoothing = self.tunables[0]
        return nengo.Lowpass(self.value_of(smoothing) * self.inter_spike_interval)

    def linear_path(
        self, a: scipy.sparse.csr_matrix, b: scipy.sparse.csr_matrix
    ) -> scipy.sparse.csr_matrix:
        """``b`` itself."""
        return b

    def comparator(self) -> Population | FittedPopulation:
        """A rectifier."""
        return rectifier(
            self.neuron_type, self.neurons_per_part, self.max_rate, self.half_range
        )
