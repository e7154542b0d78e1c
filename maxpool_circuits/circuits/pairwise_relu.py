"""The maximum of two as one value plus a rectified difference."""

from __future__ import annotations

import nengo
import scipy.sparse
from nengo.neurons import NeuronType

from ..network.base import MEMORY
from ..network.neurons import integrates
from ..network.populations import (
    FittedPopulation,
    Population,
    is_rectified_linear,
    rectifier,
)
from ..network.tunable import Tunable
from .smoothing import AVERAGING, smooth_input
from .tree import ComparatorTree


def is_population(neuron_type: NeuronType) -> bool:
    """Whether it takes many neurons to rectify a value."""
    return not is_rectified_linear(neuron_type)


def needs_filter(neuron_type: NeuronType) -> bool:
    """Whether comparators need filtered input: they spike and do not average."""
    averages = integrates(neuron_type)
    return not averages and (neuron_type.spiking or is_population(neuron_type))


def averages_nothing(neuron_type: NeuronType) -> bool:
    """Whether it rectifies what it gets at once."""
    return is_rectified_linear(neuron_type) and not integrates(neuron_type)


#: Time constant of the input synapse, in inter-spike intervals of an input, of neurons
#: that rectify at once.
SMOOTHING = Tunable(
    "input_time_constant", 0.75, 0.2, 5, "input_synapse", averages_nothing
)
#: The same for populations, which magnify noise.
POPULATION_SMOOTHING = Tunable(
    "input_time_constant", 1.25, 0.2, 5, "input_synapse", is_population
)
#: Time constant, in seconds, of the synapse after each level.
SYNAPSE = Tunable("synapse", 0.005, 0.001, 0.02, "synapse", needs_filter)


class PairwiseReLU(ComparatorTree):
    r"""Tree of comparators that rectify differences.

    .. math:: \max(a, b) = b + \text{relu}(a - b)

    One comparator per pair rectifies the difference; :math:`b` travels past the
    neurons, so only the difference is quantised by spikes. With the default neurons the
    difference is averaged *before* it is rectified, on a membrane that may go negative,
    which keeps the output free of the upward bias of a rectifier behind a synapse.

    Cost, for :math:`k` inputs: :math:`k - 1` comparators of ``n_neurons`` neurons,
    :math:`\lceil \log_2 k \rceil` levels. Delay: that of ``input_synapse`` and one
    ``synapse`` per level; no time step in the neurons. Windows that overlap on a grid
    share comparators: 3 per window of 3x3 at stride 1, 6 at stride 2, instead of 8.

    Spikes grow with the differences between neighbours, not with the values: two equal
    inputs cost none.

    Parameters
    ----------
    windows : PoolWindows
        Which inputs each pool looks at.
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
    decoders, faults, label, seed, add_to_container : optional
        As in `.MaxPoolNetwork`.

    Attributes
    ----------
    comparators : list of nengo.Ensemble
        The comparators of each level, from the input to the output.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an argument is not as described in `.MaxPoolNetwork`.

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

    #: Largest errors that the common checks allow (see `.check_circuit`).
    check_tolerances = {"constant": 0.05}

    takes_raw_spikes = True
    tunables = (MEMORY, AVERAGING, SMOOTHING, POPULATION_SMOOTHING, SYNAPSE)

    @property
    def default_decoders(self) -> str | None:
        """None for neurons that average: tuning finds nothing better than the rules."""
        return None if integrates(self.neuron_type) else "tuned"

    @property
    def default_synapse(self) -> float | None:
        """No synapse between rectifiers that average by themselves, else 5 ms."""
        return self.value_of(SYNAPSE) if needs_filter(self.neuron_type) else None

    @property
    def default_input_synapse(self) -> nengo.synapses.Synapse:
        """Enough to turn input spikes into a graded difference."""
        if integrates(self.neuron_type):
            return smooth_input(self)
        rectifies = is_rectified_linear(self.neuron_type)
        smoothing = SMOOTHING if rectifies else POPULATION_SMOOTHING
        return nengo.Lowpass(self.value_of(smoothing) * self.inter_spike_interval)

    @property
    def n_competitors(self) -> int:
        """Two; but each level adds to what those after it have to remember.

        Measured: what suits windows of 4 to 49 inputs grows as their fourth root.
        """
        return max(4, round(2 * self.windows.sizes.max() ** 0.5))

    @property
    def raw_memory(self) -> float:
        """More than for one comparison, since each level lets some through."""
        return 3.5 * (self.n_competitors / 4) ** 0.5

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
