"""Lateral inhibition that passes on the winner's value."""

from __future__ import annotations

from functools import cached_property
from math import ceil
from typing import Any

import nengo
import numpy as np
import scipy.sparse
from nengo.exceptions import ValidationError

from ..network.neurons import (
    AboveMean,
    IntegrateAndFire,
    LeakyAboveMean,
    integrates,
)
from ..network.populations import from_low_end, rectifier
from ..network.tunable import Tunable
from ..network.windows import PoolWindows
from ..network.wiring import Junction, Wiring
from ..utils.checks import positive_number
from .averaging import Averaging
from .mean_path import MeanPath
from .unpool import winner_of

#: Strength of the lateral inhibition, relative to what a rival fires.
INHIBITION = Tunable("inhibition", 1, 0.8, 1.25)
#: Time constant of the input synapse, in inter-spike intervals of an input, of neurons
#: that do not average.
SMOOTHING = Tunable("input_time_constant", 1.25, 0.3, 5, "input_synapse")
#: Time constant of their inhibition, relative to that by rule.
INHIBITION_TIME = Tunable("inhibition_time_constant", 1, 0.4, 4, "synapse")
#: How many units inhibit each other at most. In larger windows groups compete first,
#: and then their winners: many units at once silence each other in turns.
LARGEST_GROUP = 10


class WinnerTakeAll(Averaging, MeanPath):
    r"""One unit per input, each inhibited by the mean of its pool and by its rivals.

    The pool's mean :math:`\bar x` goes past the neurons. Each unit :math:`i` integrates
    by how much its input exceeds that mean, and what the other units of its pool fire:

    .. math::

       \max_i x_i = \bar x + \sum_i s_i, \qquad
       s_i(t) = \text{relu}\Big(x_i(t) - \bar x(t) - \sum_{j \ne i} s_j(t^-)\Big)

    :math:`s_i` is the output of unit :math:`i` and :math:`t^-` is one ``synapse``
    earlier. The only stable state is that the unit with the largest input fires at
    :math:`x_i - \bar x` and silences all others. So the pool passes on the winner's
    *value*, not only its name.

    With the default neurons the circuit counts, and inhibition takes no time and no
    connections: the units of a pool share one reset (see `.SharedReset`),

    .. math::

       v_i \leftarrow \max(v_i + g (x_i - \bar x) \, \Delta t,\; f(\bar x)), \qquad
       n = \max(\lfloor \max_i v_i \rfloor, 0)

    .. math::

       v_i \leftarrow v_i - n, \qquad y = \bar x + \frac{n}{g \, \Delta t}

    The highest unit fires if and only if the count of its input spikes, less the mean
    count, exceeds the number of output spikes: the output is the running maximum of the
    counts. It has no bias, and since only the excess over the mean is carried by
    spikes, its error is *below* that of the winner's own spike train.

    The membrane floor :math:`f` bounds how long losers are remembered. An input spike
    lifts a unit by :math:`s = g T` thresholds at most, with the interval :math:`T` of
    inputs at the top of the range. A lone one must not fire a unit from the floor: so
    slow inputs need a floor of :math:`1 - s`. The filter removes the ripple of fast
    ones, and there memory is only delay:

    .. math::

       f(\bar x) = \min\Big((s - 1)(\pi \tau R \, \bar x - 1),\; 0\Big)

    with the rate :math:`R = 1 / T` and the time constant :math:`\tau` of the two poles
    of ``input_synapse``. For another synapse, which lets the part :math:`h` of an
    oscillation of :math:`R` through, :math:`\pi \tau R` becomes
    :math:`\sqrt{1 / h - 1} / 2`.

    **Read through a known filter.** Spikes are never read as they are: a low-pass of
    some time constant :math:`\tau_r` turns them into a value. If it is known, as
    ``readout``, units fire when that makes the error of the *value* smaller, not that
    of the count (`.LeakyAboveMean`), and the input filter has a zero that makes up for
    the delay:

    .. math:: F(p) = (1 + \tau_r \, p) \, / \, (1 + 0.95 \, T p)^3

    Changing inputs of up to 250 Hz are followed better then, constant ones less well,
    where ``readout`` is 2 to 6 inter-spike intervals of them (at 250 Hz 20 ms, or 12
    ms with a ``max_rate`` of 1000 Hz). Units leak where the mean is in the upper three
    quarters of the range: slower spikes need memory. Faster inputs gain nothing.

    Other neurons inhibit each other by connections. In windows of more than 10 inputs
    groups of these compete first, and then their winners, in as many stages as needed.

    Cost, for :math:`k` inputs: :math:`k` units of ``n_neurons`` neurons. Delay: that of
    ``input_synapse``. Neurons that inhibit each other need one unit more for each
    group, a ``synapse``, and a connection by which each spike reaches all rivals.

    Parameters
    ----------
    n_neurons : int, optional
        Neurons per unit, of which there is one for each input of each pool. The default
        is 1 for rectified linear neuron types, which are exact alone, and 20 for
        others. Neurons that share a reset are alone; for more, the default neurons are
        `.IntegrateAndFire`.
    neuron_type, max_rate, input_rate, input_range : optional
        As in `.MaxPoolNetwork`. A unit whose input is at the top of ``input_range``
        while its pool's mean is in the middle of it fires at ``max_rate``.
    synapse : nengo.synapses.Synapse or float or None, optional
        Synapse of the lateral inhibition; None (the default) for units that share a
        reset. If one is given, the default neurons are `.IntegrateAndFire`, for which
        it is one time step by default (``nengo.Lowpass(0)``), because their membranes
        remember inhibition. Others need a filter, slower in larger windows, so that
        units do not silence each other in turns: 5 ms, or 1 ms per input of the largest
        window if that is more.
    input_synapse : nengo.synapses.Synapse or float or None, optional
        Synapse from the input. The default is ``nengo.Alpha(0.0017)`` for
        `.IntegrateAndFire` (2.7 ms at 1000 Hz) and 5 ms for others, longer in
        proportion where ``input_rate`` or ``max_rate`` is below 250 Hz. Without one,
        membranes remember more instead: that costs no delay on constant inputs and more
        on changing ones.
    readout : float, optional
        Time constant, in seconds, of the low-pass filter that the output is read
        through, for units that share a reset (Default: not known).
    decoders, label, seed, add_to_container : optional
        As in `.MaxPoolNetwork`.

    Attributes
    ----------
    units : nengo.Ensemble
        The neurons of the units of the first stage, pool by pool. The unit that fires
        is the winner, of its group if there are several stages.
    stages : list of nengo.Ensemble
        The neurons of all stages, from the input to the output.
    winner : nengo.Node
        About 1 for each input that won its window, as spikes. Where inputs are so equal
        that no unit fires, all of them have won.

    References
    ----------
    Li and Zeng (2022), https://doi.org/10.48550/arXiv.2204.13271 (LIPooling: lateral
    inhibition that counts, as an array operation, without the mean path and the floor)

    Maass (2000), https://doi.org/10.1162/089976600300014827

    Boerlin, Machens and Deneve (2013), https://doi.org/10.1371/journal.pcbi.1003258 (a
    spike is fired when it makes the error of the readout smaller)

    Examples
    --------
    >>> import nengo
    >>> import maxpool_circuits as mpc
    >>> windows = mpc.PoolWindows.independent(n_pools=2, window_size=3)
    >>> with nengo.Network(seed=0) as model:
    ...     pool = mpc.WinnerTakeAll(windows)
    ...     inputs = nengo.Node([0.1, 0.7, 0.3, 0.9, 0.2, 0.8])
    ...     _ = nengo.Connection(inputs, pool.input, synapse=None)
    ...     probe = nengo.Probe(pool.output)
    >>> pool.n_neurons
    6
    >>> with nengo.Simulator(model, progress_bar=False) as sim:
    ...     sim.run(1)
    >>> print(sim.data[probe].mean(axis=0).round(2))
    [0.7 0.9]
    """

    #: Largest errors that the common checks allow (see `.checks`).
    check_tolerances = {"constant": 0.03}

    shares_reset = True
    pole = 0.43

    def __init__(
        self, windows: PoolWindows, *, readout: float | None = None, **options: Any
    ) -> None:
        if readout is not None:
            readout = positive_number(readout, "readout", self, unit="seconds")
        self.readout = readout
        super().__init__(windows, **options)

    @property
    def default_neuron_type(self) -> IntegrateAndFire:
        """Units that share one reset, with a floor that rises with the mean.

        Units of several neurons, or with a synapse, inhibit each other.
        """
        top = 2 * self.max_rate
        memory = top * self.inter_spike_interval - 1
        if self.given.get("synapse") or self.given.get("n_neurons", 1) != 1:
            return IntegrateAndFire(-memory)
        if self.readout is not None:
            return LeakyAboveMean(self.pool_sizes, self.readout, top / 4, -memory - 2)
        smoothed = (1 / max(self.ripple, 1e-6) - 1) ** 0.5 / 2
        return AboveMean(self.pool_sizes, -memory, rise=memory * smoothed / top)

    @property
    def _inhibits(self):
        """Whether units inhibit each other by connections."""
        return not isinstance(self.neuron_type, AboveMean)

    @property
    def tunables(self) -> tuple[Tunable, ...]:
        """The filters of neurons that average follow from rules."""
        if not self._inhibits:
            return ()
        filters = () if integrates(self.neuron_type) else (SMOOTHING, INHIBITION_TIME)
        return (INHIBITION, *filters)

    @property
    def default_synapse(self) -> nengo.Lowpass | None:
        """One time step for neurons that integrate inhibition, else a filter."""
        if not self._inhibits:
            return None
        if integrates(self.neuron_type):
            return nengo.Lowpass(0)
        slowest = max(0.005, 0.001 * self.windows.sizes.max())
        return nengo.Lowpass(self.value_of(INHIBITION_TIME) * slowest)

    @property
    def default_input_synapse(self) -> nengo.synapses.Synapse:
        """Enough for membranes to remember little, and for others to see a value."""
        if isinstance(self.neuron_type, LeakyAboveMean):
            poles = np.poly1d([0.95 * self.inter_spike_interval, 1]) ** 3
            return nengo.LinearFilter([self.neuron_type.readout, 1], poles.coeffs)
        if integrates(self.neuron_type):
            return self.averaging_filter
        return nengo.Lowpass(self.value_of(SMOOTHING) * self.inter_spike_interval)

    @property
    def largest_group(self) -> int:
        """How many values compete at once; with inhibition at most 10 in a stage."""
        size = int(self.windows.sizes.max())
        if not self._inhibits:
            return size
        n_stages = 1
        while LARGEST_GROUP**n_stages < size:
            n_stages += 1
        return ceil(round(size ** (1 / n_stages), 9))

    def build_circuit(self) -> None:
        """Build all stages."""
        self.stages: list[nengo.Ensemble] = []
        super().build_circuit()

    @property
    def units(self) -> nengo.Ensemble:
        """The neurons of the first stage, one unit for each input, pool by pool."""
        return self.stages[0]

    @cached_property
    def winner(self) -> nengo.Node:
        """About 1 for each input that won its window; made when it is first asked for.

        The spikes of gates (see `.Unpool`), to be read through a synapse; inputs of
        several windows have the number of those that they won. With it, the circuit
        runs as the objects that it is.
        """
        return winner_of(self)

    def _checked_neuron_type(self, neuron_type):
        neuron_type = super()._checked_neuron_type(neuron_type)
        if self.readout is not None and not isinstance(neuron_type, LeakyAboveMean):
            raise ValidationError(
                "is for units that share a reset; leave out neuron_type, n_neurons and "
                f"synapse, or readout, got {self.readout} for {neuron_type}",
                attr="readout",
                obj=self,
            )
        return neuron_type

    def _check_loop(self):
        if self._inhibits == (self.synapse is None):
            raise ValidationError(
                "units inhibit each other through it, and a loop needs a delay: must "
                "be a synapse such as nengo.Lowpass(0), which is one time step; units "
                "that share a reset have no loop, and take None; got "
                f"{self.synapse}, for {self.neuron_type}",
                attr="synapse",
                obj=self,
            )

    def _build_stage(self, wiring, values, maxima, pick, members, synapse):
        if self._inhibits:
            super()._build_stage(wiring, values, maxima, pick, members, synapse)
            return
        units = self._units(pick.shape[0])
        # the neurons themselves subtract the mean
        wiring.connect(values, units.neurons, units.encode(pick), synapse)
        average = members.multiply(1 / members.sum(axis=1))
        wiring.connect(values, maxima, average @ pick, synapse)
        wiring.connect(units.neurons, maxima, units.decode(members))

    def _units(self, n_units):
        unit = rectifier(
            self.neuron_type, self.neurons_per_part, self.max_rate, self.half_range
        )
        if not self._inhibits:
            # currents are above zero, and so is their mean
            unit = from_low_end(unit, self.input_range[0])
        units = self.replicate("unit", unit, n_units, label="units")
        self.stages.append(units.ensemble)
        return units

    def build_excess(
        self,
        wiring: Wiring,
        above_mean: Junction,
        excess: Junction,
        members: scipy.sparse.csr_matrix,
    ) -> None:
        """Connect the units and their lateral inhibition."""
        n_units = members.shape[1]
        units = self._units(n_units)
        values = wiring.junction(n_units, "values")
        wiring.connect(above_mean, units.neurons, units.encode())
        wiring.connect(units.neurons, values, units.decode())
        wiring.connect(values, excess, members)

        # what the others of its pool fire is what all fire, less what the unit fires
        inhibition = wiring.junction(n_units, "inhibition")
        wiring.connect(excess, inhibition, members.T)
        wiring.connect(values, inhibition, -scipy.sparse.identity(n_units))
        strength = self.value_of(INHIBITION)
        wiring.connect(
            inhibition, units.neurons, -strength * units.encode(), self.synapse
        )
