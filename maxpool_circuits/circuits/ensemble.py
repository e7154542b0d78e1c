"""One ensemble per pool with the maximum decoded from it."""

from __future__ import annotations

import functools

import nengo
import numpy as np
import scipy.sparse
from nengo.exceptions import ValidationError

from ..network.populations import FittedPopulation
from ..network.sparse import selection
from ..network.tunable import Tunable
from ..network.wiring import Junction, Wiring
from .mean_path import MeanPath, smoothing

#: Time constant of each of the two poles of the input synapse, in inter-spike intervals
#: of an input. Slower ones suit images better, and what changes all the time worse.
SMOOTHING = Tunable("input_time_constant", 1.2, 0.4, 1.7, "input_synapse")

#: More points than this make the decoders of large windows no better, only slower.
MOST_POINTS = 2500
#: A population of more neurons takes more than some seconds to solve.
MOST_NEURONS = 5000


class EnsembleMax(MeanPath):
    r"""One ensemble per pool with the maximum decoded from it.

    What Nengo's users write first: represent all :math:`k` inputs of a pool in one
    :math:`k`-dimensional ensemble and let the solver find decoders for the maximum. The
    maximum is not a smooth function of :math:`k` variables and :math:`n` neurons see it
    along :math:`n` random directions, so the error falls slowly with the number of
    neurons and grows with that of inputs.

    Two things make better use of them. As in `.WinnerTakeAll` the mean of the
    pool goes past them, so that they represent by how much inputs differ from it,

    .. math:: \max_i x_i = \bar x + \max_i (x_i - \bar x)

    in one dimension less, and are not needed at all where inputs are equal. And tuning
    chooses encoders and intercepts that suit the maximum (see `.tune`).

    All pools share one population (encoders, intercepts, decoders), solved once; so do
    all networks of the same setup, so that decoders that were tuned fit.
    Windows that are smaller than the largest repeat one of their inputs, which leaves
    the maximum as it is.

    Cost: ``n_neurons`` neurons per pool, and by far the most spikes of all circuits.
    Delay: that of ``input_synapse``.

    Parameters
    ----------
    n_neurons : int, optional
        Neurons per pool, at most 5000 (Default: 50 for each input of the largest
        window, so that windows of more than 100 inputs need it).
    neuron_type : nengo.neurons.NeuronType, optional
        Type of the neurons (Default: ``nengo.LIF()``).
    max_rate : float, optional (Default: 250)
        Firing rate, in Hz, of a neuron whose preferred direction is driven to the
        corner of the input range.
    input_rate : float, optional (Default: 250)
        Rate, in Hz, at which an input at the top of ``input_range`` spikes.
    input_range : (float, float), optional (Default: (0, 1))
        Lowest and highest value that the inputs take, in units of the input. The
        decoders are fitted on independent inputs, scaled so that small differences are
        as frequent as large ones.
    synapse : optional
        Not used: there is only one stage.
    input_synapse : nengo.synapses.Synapse or float or None, optional
        Synapse from the input. The default has two poles of 4.8 ms and a zero of
        2.9 ms, and longer ones in proportion if ``input_rate`` or ``max_rate`` is below
        250 Hz.
    decoders, label, seed, add_to_container : optional
        As in `.MaxPoolNetwork`.

    Attributes
    ----------
    ensemble : nengo.Ensemble
        The neurons of all pools.

    References
    ----------
    Eliasmith and Anderson (2003), Neural Engineering (decoding a function)

    Examples
    --------
    >>> import nengo
    >>> import maxpool_circuits as mpc
    >>> windows = mpc.PoolWindows.independent(n_pools=1, window_size=4)
    >>> with nengo.Network(seed=0) as model:
    ...     pool = mpc.EnsembleMax(windows)
    ...     inputs = nengo.Node([0.1, 0.7, 0.3, 0.2])
    ...     _ = nengo.Connection(inputs, pool.input, synapse=None)
    ...     probe = nengo.Probe(pool.output, synapse=0.02)
    >>> pool.n_neurons
    200
    >>> with nengo.Simulator(model, progress_bar=False) as sim:
    ...     sim.run(0.3)
    >>> bool(abs(sim.data[probe][-1, 0] - 0.7) < 0.3)
    True
    """

    #: Largest errors that the common checks allow (see `.checks`).
    check_tolerances = {"constant": 0.35}

    tunables = (SMOOTHING,)
    # directions depend on the number of inputs
    tuned_per_window_size = True
    default_neuron_type = nengo.LIF()

    @property
    def default_n_neurons(self) -> int:
        """As many for each dimension of the ensemble."""
        return 50 * int(self.windows.sizes.max())

    @property
    def default_input_synapse(self) -> nengo.LinearFilter:
        """Enough to smooth spikes: neurons rectify their ripple."""
        return smoothing(self.value_of(SMOOTHING) * self.inter_spike_interval)

    def _checked_n_neurons(self, n_neurons):
        if super()._checked_n_neurons(n_neurons) > MOST_NEURONS:
            raise ValidationError(
                f"must be at most {MOST_NEURONS}, got {n_neurons} (50 for each input, "
                "if not given); windows of many inputs are for WinnerTakeAll or "
                "PairwiseReLU, which have about one neuron for each",
                attr="n_neurons",
                obj=self,
            )
        return n_neurons

    def build_excess(
        self,
        wiring: Wiring,
        above_mean: Junction,
        excess: Junction,
        members: scipy.sparse.csr_matrix,
    ) -> None:
        """Connect the inputs of each pool to its copy of the population."""
        sizes = self.windows.sizes[self.pools]
        n_dimensions = int(sizes.max())
        # units are numbered pool by pool; smaller windows repeat their first input
        first = np.cumsum(sizes) - sizes
        position = np.arange(n_dimensions)
        position = np.where(position < sizes[:, np.newaxis], position, 0)
        pick = selection((first[:, np.newaxis] + position).ravel(), sizes.sum())

        population = self._population(n_dimensions)
        copies = self.replicate("ensemble", population, len(sizes))
        self.ensemble = copies.ensemble
        wiring.connect(above_mean, copies.neurons, copies.encode(pick))
        wiring.connect(copies.neurons, excess, copies.decode())

    def _population(self, n_dimensions):
        """Population that represents distances to the mean and decodes the largest."""
        rng = np.random.RandomState(0)
        n_neurons = self.neurons_per_part
        # directions in which the distances to the mean add up to nothing
        directions = rng.normal(size=(n_neurons, n_dimensions))
        directions -= directions.mean(axis=1, keepdims=True)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        return FittedPopulation(
            self.neuron_type,
            # the largest distance is that of half of the inputs from the others
            encoders=directions / (self.half_range * np.sqrt(n_dimensions)),
            intercepts=rng.uniform(-1, 0.9, size=n_neurons),
            max_rate=self.max_rate,
            points=functools.partial(
                distances_to_mean, n_dimensions=n_dimensions, width=2 * self.half_range
            ),
            n_points=min(max(500 * n_dimensions, 2 * n_neurons), MOST_POINTS),
            function=largest,
            regularise=0.03,
            unit=self.half_range / self.max_rate,
        )


def distances_to_mean(n_points: int, n_dimensions: int, width: float) -> np.ndarray:
    """Draw distances of inputs to their mean, small ones as often as large ones."""
    rng = np.random.RandomState(1)
    points = rng.uniform(size=(n_points, n_dimensions))
    points *= rng.uniform(size=(n_points, 1))
    return width * (points - points.mean(axis=1, keepdims=True))


def largest(points: np.ndarray) -> np.ndarray:
    """Take the maximum of each point, (n_points, n_dimensions) to (n_points, 1)."""
    return points.max(axis=1, keepdims=True)
