"""The neuron types that let a spiking circuit take the maximum of averages."""

from __future__ import annotations

from typing import Any

import numpy as np
from nengo.cache import Fingerprint
from nengo.dists import Choice
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType, SpikingRectifiedLinear
from nengo.params import NdarrayParam, NumberParam

from ..utils.checks import is_count, is_real, positive_number
from .arrays import RealParam, as_array


class IntegrateAndFire(SpikingRectifiedLinear):
    r"""A rectified integrate-and-fire neuron whose membrane may go negative.

    The membrane potential :math:`v`, in units of the threshold, integrates the input
    current :math:`J` (in Hz) *with its sign*:

    .. math::

       v \leftarrow \max(v + J \, \Delta t,\; v_\text{min}), \qquad
       n = \max(\lfloor v \rfloor, 0), \qquad
       v \leftarrow v - n

    and the neuron emits :math:`n` spikes in this time step. Like
    `nengo.SpikingRectifiedLinear` it fires at ``max(J, 0)`` Hz under a constant current
    and is reset softly (a spike subtracts the threshold, the remainder is kept).
    Unlike it, a negative current is not cut off: it lowers the membrane, so that a
    fluctuating current is rectified *after* it was averaged,
    ``relu(mean(J))`` instead of ``mean(relu(J))``. The latter is larger (Jensen's
    inequality), which is why circuits of ordinary rectifying neurons overestimate the
    maximum of noisy spike trains.

    Parameters
    ----------
    min_voltage : float, optional (Default: -1)
        The membrane floor, in units of the threshold; zero or negative. It is the
        neuron's memory of negative current: a neuron at its floor needs
        ``1 - min_voltage`` thresholds of input to fire. ``-numpy.inf`` never forgets;
        0 forgets at once, and keeps no more than rest.
    amplitude : float, optional (Default: 1)
        Scaling factor on the neuron output: a spike has the area ``amplitude``.
    initial_state : {str: Distribution or array_like}, optional
        Initial values of the state variables; the default draws ``voltage`` uniformly
        from [0, 1), so that neurons do not fire in step.

    Raises
    ------
    nengo.exceptions.ValidationError
        If ``min_voltage`` is above 0 or not a number, or ``amplitude`` is not positive.

    References
    ----------
    Cao and others (2015), https://doi.org/10.1007/s11263-014-0788-3

    Rueckauer and others (2017), https://doi.org/10.3389/fnins.2017.00682 (soft reset)

    Examples
    --------
    A current that alternates between +300 and -200 Hz is worth 50 Hz on average:

    >>> import nengo
    >>> import numpy as np
    >>> import maxpool_circuits as mpc
    >>> def mean_rate(neuron_type):
    ...     with nengo.Network(seed=0) as model:
    ...         current = nengo.Node(lambda t: 300 if round(t * 1000) % 2 else -200)
    ...         neuron = nengo.Ensemble(
    ...             1, 1, gain=[1], bias=[0], neuron_type=neuron_type
    ...         )
    ...         nengo.Connection(current, neuron.neurons, synapse=None)
    ...         spikes = nengo.Probe(neuron.neurons)
    ...     with nengo.Simulator(model, progress_bar=False) as sim:
    ...         sim.run(2)
    ...     return float(np.round(np.mean(sim.data[spikes])))
    >>> mean_rate(mpc.IntegrateAndFire())
    50.0
    >>> mean_rate(nengo.SpikingRectifiedLinear())
    150.0
    """

    min_voltage: Any = NumberParam("min_voltage", high=0)

    def __init__(
        self,
        min_voltage: float = -1,
        amplitude: float = 1,
        initial_state: dict[str, Any] | None = None,
    ) -> None:
        # Nengo takes NaN and infinity for numbers above 0
        amplitude = positive_number(amplitude, "amplitude", self)
        super().__init__(amplitude=amplitude, initial_state=initial_state)
        unlimited = isinstance(min_voltage, float) and min_voltage == -np.inf
        if not is_real(min_voltage) and not unlimited:
            raise ValidationError(
                "must be a number at or below 0 (in units of the threshold), got "
                f"{min_voltage!r}",
                attr="min_voltage",
                obj=self,
            )
        self.min_voltage = min_voltage

    def step(
        self, dt: float, J: np.ndarray, output: np.ndarray, voltage: np.ndarray
    ) -> None:
        """Integrate ``J`` with its sign, fire, and subtract one threshold per spike."""
        voltage += J * dt
        np.maximum(voltage, self.min_voltage, out=voltage)
        np.floor(voltage, out=output)
        np.maximum(output, 0, out=output)
        voltage -= output
        output *= self.amplitude / dt


class SharedReset(IntegrateAndFire):
    r"""Integrate-and-fire neurons of which groups share one reset.

    All membranes of a group integrate; the highest fires, and what it fires is taken
    from *all* of them:

    .. math::

       v_i \leftarrow \max(v_i + J_i \, \Delta t,\; v_\text{min}), \qquad
       n = \max(\lfloor \max_i v_i \rfloor, 0), \qquad
       v_i \leftarrow v_i - n

    So a group fires at ``max(0, J_1, ..., J_k)`` Hz, and a neuron that is not the
    winner is silent. Of equal membranes the first one fires.

    Parameters
    ----------
    sizes : int or (n_groups,) array_like of int
        Number of neurons of each group. Groups follow each other. If an ensemble has
        more neurons than these are, the sizes are repeated: one number is for all.
    min_voltage, amplitude, initial_state : optional
        As in `IntegrateAndFire`.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a size is below 1.

    Examples
    --------
    Two groups of two. The largest current decides, if it is positive:

    >>> import nengo
    >>> import maxpool_circuits as mpc
    >>> with nengo.Network(seed=0) as model:
    ...     currents = nengo.Node([200, 150, -20, -50])
    ...     neurons = nengo.Ensemble(
    ...         4, 1, gain=[1] * 4, bias=[0] * 4, neuron_type=mpc.SharedReset(2)
    ...     )
    ...     _ = nengo.Connection(currents, neurons.neurons, synapse=None)
    ...     spikes = nengo.Probe(neurons.neurons)
    >>> with nengo.Simulator(model, progress_bar=False) as sim:
    ...     sim.run(1)
    >>> print(sim.data[spikes].mean(axis=0).round())
    [200.   0.   0.   0.]
    """

    sizes: Any = NdarrayParam("sizes", shape=("*",), dtype=int)

    def __init__(
        self,
        sizes: Any,
        min_voltage: float = -1,
        amplitude: float = 1,
        initial_state: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(min_voltage, amplitude, initial_state)
        each = np.ravel(as_array(sizes)).tolist()
        if not each or not all(map(is_count, each)):
            raise ValidationError(
                f"must be whole numbers of neurons, 1 or more, got {sizes!r}",
                attr="sizes",
                obj=self,
            )
        self.sizes = each[:1] if len(set(each)) == 1 else each

    def all_sizes(self, n_neurons: int) -> np.ndarray:
        """The sizes of all groups of so many neurons."""
        return np.tile(self.sizes, n_neurons // self.sizes.sum())

    def step(
        self,
        dt: float,
        J: np.ndarray,
        output: np.ndarray,
        voltage: np.ndarray,
        **states: np.ndarray,
    ) -> None:
        """Integrate, let the highest of each group fire, and lower the whole group."""
        sizes = self.all_sizes(len(J))
        starts = np.cumsum(sizes) - sizes
        group = np.repeat(np.arange(len(sizes)), sizes)
        lift = self.integrate(dt, J, starts, group, voltage, **states)
        raised = voltage + lift
        highest = np.maximum.reduceat(raised, starts)
        n_spikes = np.maximum(np.floor(highest), 0)
        fires = np.flatnonzero((n_spikes > 0)[group] & (raised == highest[group]))
        fired, first = np.unique(group[fires], return_index=True)
        output[...] = 0
        output[fires[first]] = n_spikes[fired] * (self.amplitude / dt)
        voltage -= n_spikes[group]

    def integrate(
        self,
        dt: float,
        J: np.ndarray,
        starts: np.ndarray,
        group: np.ndarray,
        voltage: np.ndarray,
    ) -> Any:
        """Add currents to membranes; return how much less than 1 a spike takes."""
        voltage += J * dt
        np.maximum(voltage, self.min_voltage, out=voltage)
        return 0


class AboveMean(SharedReset):
    r"""Neurons with one reset that integrate by how much they exceed their group.

    .. math::

       v_i \leftarrow \max(v_i + (J_i - \bar J) \, \Delta t,\; f(\bar J)), \qquad
       f(\bar J) = \min(v_\text{min} + r \, \max(\bar J, 0),\; 0)

    with the mean current :math:`\bar J` of the group: where inputs are large, the floor
    is less deep.

    Parameters
    ----------
    sizes, min_voltage, amplitude, initial_state : optional
        As in `SharedReset`.
    rise : float, optional (Default: 0)
        By how much the floor rises with the mean, :math:`r`, in thresholds per Hz.

    Examples
    --------
    One group of two. The larger current fires at what it has more than the mean:

    >>> import nengo
    >>> import maxpool_circuits as mpc
    >>> with nengo.Network(seed=0) as model:
    ...     currents = nengo.Node([200, 150])
    ...     neurons = nengo.Ensemble(
    ...         2, 1, gain=[1, 1], bias=[0, 0], neuron_type=mpc.AboveMean(2)
    ...     )
    ...     _ = nengo.Connection(currents, neurons.neurons, synapse=None)
    ...     spikes = nengo.Probe(neurons.neurons)
    >>> with nengo.Simulator(model, progress_bar=False) as sim:
    ...     sim.run(1)
    >>> print(sim.data[spikes].mean(axis=0).round())
    [25.  0.]
    """

    rise: Any = RealParam("rise", low=0)

    def __init__(
        self,
        sizes: Any,
        min_voltage: float = -1,
        rise: float = 0,
        amplitude: float = 1,
        initial_state: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(sizes, min_voltage, amplitude, initial_state)
        self.rise = rise

    def integrate(
        self,
        dt: float,
        J: np.ndarray,
        starts: np.ndarray,
        group: np.ndarray,
        voltage: np.ndarray,
    ) -> Any:
        """Add the distances to the mean, above a floor that it lifts."""
        mean = mean_of_groups(J, starts, group)
        floor = np.minimum(self.min_voltage + self.rise * np.maximum(mean, 0), 0)
        voltage += (J - mean[group]) * dt
        np.maximum(voltage, floor[group], out=voltage)
        return 0


class LeakyAboveMean(AboveMean):
    r"""Neurons like `AboveMean` that know the filter through which they are read.

    What a low-pass of time constant :math:`\tau` makes of the spikes of a group is
    also taken off its membranes, if these leak with the same :math:`\tau`:

    .. math::

       v_i \leftarrow e^{-\Delta t / \tau} v_i + (J_i - \bar J) \, \Delta t, \qquad
       n = \max(\lfloor \max_i v_i + \tfrac12 \rfloor, 0), \qquad
       v_i \leftarrow v_i - n

    A membrane is the error of what is read, in spikes, and half a spike is the
    threshold at which a spike makes it smaller. Slow spikes need a longer memory: while
    the mean current, read by the same filter, is not above ``leaks_above``, membranes
    have a floor instead, do not leak, and a spike takes a whole threshold.

    Parameters
    ----------
    sizes, min_voltage, amplitude, initial_state : optional
        As in `SharedReset`.
    readout : float
        Time constant of the filter, :math:`\tau`, in seconds.
    leaks_above : float, optional (Default: 0)
        Mean current of a group, in Hz, above which its membranes leak.

    Raises
    ------
    nengo.exceptions.ValidationError
        If ``readout`` is not a number above 0.

    References
    ----------
    Boerlin, Machens and Deneve (2013), https://doi.org/10.1371/journal.pcbi.1003258 (a
    spike is fired when it makes the error of the readout smaller)

    Examples
    --------
    The larger current fires at what it has more than the mean:

    >>> import nengo
    >>> import maxpool_circuits as mpc
    >>> neuron_type = mpc.LeakyAboveMean(2, readout=0.02)
    >>> with nengo.Network(seed=0) as model:
    ...     currents = nengo.Node([700, 300])
    ...     neurons = nengo.Ensemble(
    ...         2, 1, gain=[1, 1], bias=[0, 0], neuron_type=neuron_type
    ...     )
    ...     _ = nengo.Connection(currents, neurons.neurons, synapse=None)
    ...     spikes = nengo.Probe(neurons.neurons)
    >>> with nengo.Simulator(model, progress_bar=False) as sim:
    ...     sim.run(1)
    >>> print(sim.data[spikes].mean(axis=0).round(-1))
    [200.   0.]
    """

    state = {**AboveMean.state, "read_mean": Choice([0])}
    readout: Any = RealParam("readout", low=0, low_open=True)
    leaks_above: Any = RealParam("leaks_above", low=0)

    def __init__(
        self,
        sizes: Any,
        readout: float,
        leaks_above: float = 0,
        min_voltage: float = -1,
        amplitude: float = 1,
        initial_state: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            sizes, min_voltage, amplitude=amplitude, initial_state=initial_state
        )
        self.readout = readout
        self.leaks_above = leaks_above

    def integrate(
        self,
        dt: float,
        J: np.ndarray,
        starts: np.ndarray,
        group: np.ndarray,
        voltage: np.ndarray,
        read_mean: Any = None,
    ) -> Any:
        """Add the distances to the mean, to membranes that leak or have a floor."""
        mean = mean_of_groups(J, starts, group)[group]
        kept = np.exp(-dt / self.readout)
        read_mean += (1 - kept) * (mean - read_mean)
        leaks = read_mean > self.leaks_above
        voltage *= np.where(leaks, kept, 1)
        voltage += (J - mean) * dt
        np.maximum(voltage, np.where(leaks, -np.inf, self.min_voltage), out=voltage)
        return leaks / 2


def mean_of_groups(J: np.ndarray, starts: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Mean current of each group."""
    return np.add.reduceat(J, starts) / np.bincount(group)


#: All neuron types of this package.
NEURON_TYPES = IntegrateAndFire, SharedReset, AboveMean, LeakyAboveMean

# Nengo keeps decoders of ensembles of these neurons in its cache
for _neuron_type in NEURON_TYPES:
    Fingerprint.whitelist(_neuron_type)


def integrates(neuron_type: NeuronType) -> bool:
    """Whether neurons integrate their input with its sign: a membrane that averages."""
    return isinstance(neuron_type, IntegrateAndFire)
