"""A soft maximum found by integral feedback."""

from __future__ import annotations

import functools
from typing import Any

import nengo
import numpy as np
import scipy.sparse
from nengo.exceptions import ValidationError
from nengo.params import Default

from ..network.populations import FittedPopulation, rectifier
from ..network.tunable import Tunable
from ..network.windows import PoolWindows
from ..network.wiring import Junction, Wiring
from ..utils.checks import positive_number
from .mean_path import MeanPath, smoothing

#: Time constant of each of the two poles of the input synapse, in inter-spike intervals
#: of an input.
SMOOTHING = Tunable("input_time_constant", 1.9, 0.3, 5, "input_synapse")
#: How fast the estimate moves per unit of the sum, in widths of the input range per
#: inter-spike interval: it falls by the target times as much if no unit is active.
INTEGRATION_RATE = Tunable("integration_rate", 0.032, 0.008, 0.12)
#: The sum over units that is aimed at, where the mean of the pool is highest.
TARGET = Tunable("target", 0.4, 0.1, 4)
#: How much more it is where the mean is lowest: spikes that come seldom ripple most.
RIPPLE = Tunable("ripple", 0.7, 0.05, 2)
#: What a unit adds to it whose input equals the estimate.
LEVEL = Tunable("level", 0.4, 0.02, 1)
#: Steepness for windows of up to four inputs, per width of the input range.
STEEPNESS = Tunable("steepness", 20, 8, 60, "beta")
#: How many units share an accumulator at most. In larger windows groups come first, and
#: then their maxima: what many units far below the estimate decode is not nothing.
LARGEST_GROUP = 50
#: Neurons of an accumulator, for each one of a unit: its noise is that of the output.
ACCUMULATION = 4


class SoftmaxApproximation(MeanPath):
    r"""An estimate of the maximum, and units that say by how much inputs exceed it.

    A soft maximum with steepness :math:`\beta` is the one value :math:`m` for which

    .. math:: \sum_i \varphi\big(\beta (x_i - m)\big) = s

    with an increasing function :math:`\varphi`; :math:`\varphi(u) = e^u` and
    :math:`s = 1` give the log-sum-exp, which is between :math:`\max_i x_i` and
    :math:`\max_i x_i + \log(k) / \beta`: too large for the nearly equal inputs that
    images are made of. This circuit has

    .. math:: \varphi(u) = \begin{cases}
       \big(a + (1 - a) \, u\big) \, e^u & u < 0 \\ a + u & u \ge 0 \end{cases}

    with the ``level`` :math:`a` = 0.4. Inputs that are just below the estimate pull it
    down (:math:`u e^u` is negative there), and so undo what several equal ones add;
    those far below do nothing. Spikes that come seldom ripple most after a filter,
    which looks like winners that take turns. So more is aimed at where the mean of the
    pool is low: with its height :math:`h` in the input range, from 0 to 1,

    .. math:: s = 0.4 + 0.7 \, (1 - h)

    The circuit looks for :math:`m` instead of computing it. One unit per input compares
    its input with the estimate, and an accumulator integrates until the sum is right:

    .. math:: \frac{dm}{dt} = \frac{r}{T}
       \Big( \sum_i \varphi\big(\beta (x_i - m)\big) - s \Big)

    with the width :math:`r` of the input range and :math:`1/T` = 8 per second, and less
    in proportion if ``input_rate`` or ``max_rate`` is below 250 Hz. The output is ahead
    of the estimate, by the surplus (the bracket) divided by :math:`\beta`: that is what
    is missing if one unit is active, and nothing on average.

    So units need to be accurate only where an input is close to the estimate, whatever
    the values are, and the accumulator averages the noise of their spikes. A
    feed-forward log-sum-exp would need exponentials over the whole range and a
    logarithm, which amplifies noise where they are small. Above the estimate
    :math:`\varphi` is linear, like the neurons.

    The noise of units that are nearly equal adds up, and :math:`\varphi` is convex near
    the estimate, so noise lifts it: larger windows have less steep units, by the cube
    root of their size,

    .. math:: \beta_k = \beta \, \sqrt[3]{4 / \max(k, 4)}

    In windows of more than 50 inputs groups come first, and then their maxima.

    As in `.WinnerTakeAll` the mean of the pool goes past the neurons, and the
    accumulator holds the excess over it: common changes of all inputs take no time.

    Cost, for :math:`k` inputs: :math:`k` units of ``n_neurons`` neurons and an
    accumulator of four times as many; many synaptic events, because everything is a
    population. Delay: that of ``input_synapse``, and the estimate falls at a bounded
    speed (by half the range in 50 to 100 ms).

    Parameters
    ----------
    n_neurons : int, optional (Default: 20)
        Neurons per unit, of which there is one for each input of each pool. The
        accumulator of a pool has four times as many.
    neuron_type : nengo.neurons.NeuronType, optional
        Type of the neurons (Default: ``nengo.LIF()``).
    max_rate : float, optional (Default: 250)
        Firing rate, in Hz, of the neurons of a unit whose input is ``6 / beta`` above
        the estimate, and of an accumulator whose pool's maximum is half the range above
        its mean.
    input_rate : float, optional (Default: 250)
        Rate, in Hz, at which an input at the top of ``input_range`` spikes.
    input_range : (float, float), optional (Default: (0, 1))
        Lowest and highest value that the inputs take, in units of the input.
    synapse : nengo.synapses.Synapse or float or None, optional (Default: 0.005)
        Synapse of the accumulator's inputs, which sets its time scale; a filter with
        the time constant ``tau``.
    input_synapse : nengo.synapses.Synapse or float or None, optional
        Synapse from the input. Exponentials of a noisy input are too large on average,
        so spikes have to be smoothed: the default has two poles of 7.6 ms and a zero of
        4.6 ms, and longer ones in proportion if ``input_rate`` or ``max_rate`` is below
        250 Hz.
    decoders, label, seed, add_to_container : optional
        As in `.MaxPoolNetwork`.
    beta : float, optional
        Steepness, in 1 / units of the input, for windows of all sizes. The default is
        20 per width of ``input_range`` for up to four inputs, and falls with the cube
        root of the size of larger windows.

    Attributes
    ----------
    units : nengo.Ensemble
        The neurons of all units, pool by pool; of the first stage, if there are more.
    accumulators : nengo.Ensemble
        The neurons of all accumulators, pool by pool, likewise.
    stages : list of tuple of nengo.Ensemble
        Units and accumulators of each stage.
    beta : float
        The argument ``beta``, or its default for windows of up to four inputs.

    References
    ----------
    Yu and others (2002), https://doi.org/10.1162/089976602760805313 (plausible maxima)

    Nesterov (2005), https://doi.org/10.1007/s10107-004-0552-5 (bounds)

    Eliasmith and Anderson (2003), Neural Engineering (the neural integrator)

    Examples
    --------
    >>> import nengo
    >>> import maxpool_circuits as mpc
    >>> windows = mpc.PoolWindows.independent(n_pools=1, window_size=4)
    >>> with nengo.Network(seed=0) as model:
    ...     pool = mpc.SoftmaxApproximation(windows)
    ...     inputs = nengo.Node([0.1, 0.7, 0.3, 0.2])
    ...     _ = nengo.Connection(inputs, pool.input, synapse=None)
    ...     probe = nengo.Probe(pool.output, synapse=0.02)
    >>> pool.n_neurons
    160
    >>> with nengo.Simulator(model, progress_bar=False) as sim:
    ...     sim.run(0.3)
    >>> bool(abs(sim.data[probe][-1, 0] - 0.7) < 0.05)
    True
    """

    #: Largest errors that the common checks allow (see `.checks`).
    #: Loops of saturating or very noisy neurons are far from the maximum.
    check_tolerances = {
        "constant": 0.07,
        "Sigmoid": 0.25,
        "Tanh": 0.5,
        "PoissonSpiking": 0.6,
    }

    tunables = (SMOOTHING, INTEGRATION_RATE, TARGET, RIPPLE, LEVEL, STEEPNESS)
    default_neuron_type = nengo.LIF()
    # fast enough for the loop not to ring
    default_synapse = 0.005

    def __init__(
        self, windows: PoolWindows, *, beta: float = Default, **options: Any
    ) -> None:
        if beta is not Default:
            beta = positive_number(beta, "beta", self, unit="1 / units of the input")
        self._beta = beta
        super().__init__(windows, **options)

    @property
    def beta(self) -> float:
        """Steepness for up to four inputs, in 1 / units of the input."""
        if self._beta is Default:
            return self.value_of(STEEPNESS) / (2 * self.half_range)
        return self._beta

    @property
    def tuning_arguments(self) -> dict[str, float]:
        """The steepness, if it was given."""
        given = self._beta is not Default
        return {"beta": self.beta * 2 * self.half_range} if given else {}

    #: Exponentials need a population of any neuron type.
    default_n_neurons = 20

    @property
    def default_input_synapse(self) -> nengo.LinearFilter:
        """Slow enough to smooth spikes before the exponentials."""
        return smoothing(self.value_of(SMOOTHING) * self.inter_spike_interval)

    def _check_loop(self):
        if not isinstance(self.synapse, nengo.Lowpass) or self.synapse.tau <= 0:
            raise ValidationError(
                "the accumulators integrate over this synapse, so it must be a "
                f"nengo.Lowpass with tau > 0 (or tau, in seconds), got {self.synapse}",
                attr="synapse",
                obj=self,
            )

    @property
    def largest_group(self) -> int:
        """How many values a stage takes the maximum of, at most."""
        return min(int(self.windows.sizes.max()), LARGEST_GROUP)

    def build_circuit(self) -> None:
        """Build all stages."""
        self.stages: list[tuple[nengo.Ensemble, nengo.Ensemble]] = []
        super().build_circuit()

    @property
    def units(self) -> nengo.Ensemble:
        """The neurons of the units of the first stage, pool by pool."""
        return self.stages[0][0]

    @property
    def accumulators(self) -> nengo.Ensemble:
        """The neurons of the accumulators of the first stage, pool by pool."""
        return self.stages[0][1]

    def build_excess(
        self,
        wiring: Wiring,
        above_mean: Junction,
        excess: Junction,
        members: scipy.sparse.csr_matrix,
    ) -> None:
        """Connect units and accumulators in a loop."""
        n_pools, n_units = members.shape
        units = self.replicate("unit", self._unit(), n_units, label="units")
        accumulator = rectifier(
            self.neuron_type,
            ACCUMULATION * self.neurons_per_part,
            self.max_rate,
            self.half_range,
        )
        accumulators = self.replicate(
            "accumulator", accumulator, n_pools, label="accumulators"
        )
        self.stages.append((units.ensemble, accumulators.ensemble))

        # no junctions: Nengo adds in an order that differs between simulators, and the
        # loop makes differences of rounding grow, so nothing gets more than two terms
        above_estimate = nengo.Node(size_in=n_units, label="above estimate")
        estimate = wiring.junction(n_pools, "estimate")
        wiring.connect(above_mean, above_estimate)
        wiring.connect(estimate, above_estimate, -members.T)
        steepness = scipy.sparse.diags(self._relative_steepness(members))
        wiring.connect(above_estimate, units.neurons, units.encode() @ steepness)

        one_each = scipy.sparse.identity(n_pools)
        ripple = self.value_of(RIPPLE) / (2 * self.half_range)
        at_zero = self.value_of(TARGET) + ripple * self.input_range[1]
        constant = nengo.Node(np.full(n_pools, -at_zero), label="target at 0")
        target = nengo.Node(size_in=n_pools, label="target")
        wiring.connect(constant, target)
        wiring.connect(self.mean, target, ripple * one_each)
        surplus = nengo.Node(size_in=n_pools, label="surplus")
        wiring.connect(units.neurons, surplus, units.decode(members), self.synapse)
        wiring.connect(target, surplus)

        # a population that holds its own value plus a step, behind a synapse, is an
        # integrator that moves by that step in one time constant
        rate = self.value_of(INTEGRATION_RATE) / self.inter_spike_interval
        step = self.synapse.tau * rate * 2 * self.half_range
        next_excess = nengo.Node(size_in=n_pools, label="next excess")
        wiring.connect(estimate, next_excess)
        wiring.connect(surplus, next_excess, step * one_each)
        wiring.connect(next_excess, accumulators.neurons, accumulators.encode())
        wiring.connect(
            accumulators.neurons, estimate, accumulators.decode(), self.synapse
        )
        # how far the estimate will move, if the surplus is that of one unit
        ahead = nengo.Node(size_in=n_pools, label="ahead")
        wiring.connect(estimate, ahead)
        wiring.connect(surplus, ahead, one_each / self.beta)
        wiring.connect(ahead, excess)

    def _relative_steepness(self, members):
        """Steepness of each unit, relative to `beta`: less in larger windows."""
        size = np.asarray(members.T @ members.sum(axis=1), dtype=float).ravel()
        if self._beta is not Default:
            return np.ones_like(size)
        return np.cbrt(4 / np.maximum(size, 4))

    def _unit(self):
        """Population that decodes the exponential of its distance to the estimate."""
        radius = 6 / self.beta
        return FittedPopulation(
            self.neuron_type,
            encoders=np.full((self.neurons_per_part, 1), 1 / radius),
            intercepts=np.linspace(-0.4, 0.3, self.neurons_per_part),
            max_rate=self.max_rate,
            points=functools.partial(
                distances, radius=radius, lowest=-2 * self.half_range
            ),
            n_points=600,
            function=functools.partial(
                exceedance,
                beta=self.beta,
                radius=radius,
                level=self.value_of(LEVEL),
            ),
            regularise=0.02,
            unit=1 / self.max_rate,
        )


def distances(n_points: int, radius: float, lowest: float) -> np.ndarray:
    """Distances to the estimate, (n_points, 1), three quarters where they matter.

    What is far below the estimate must be decoded as exactly nothing, because there are
    many such units.
    """
    n_far = n_points // 4
    far = np.linspace(lowest, -radius / 2, n_far)
    near = np.linspace(-radius / 2, radius, n_points - n_far)
    return np.concatenate([far, near])[:, np.newaxis]


def exceedance(
    distance: np.ndarray, beta: float, radius: float, level: float
) -> np.ndarray:
    """What a unit adds to the sum, given its distance to the estimate.

    Linear above the estimate and exponential below, smooth in between; what is further
    below than half a radius is nothing.
    """
    below, above = beta * np.minimum(distance, 0), beta * np.maximum(distance, 0)
    values = (level + (1 - level) * below) * np.exp(below) + above
    return np.where(distance < -radius / 2, 0, values)
