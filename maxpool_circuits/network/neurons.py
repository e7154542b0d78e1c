"""The neuron type that lets a spiking circuit take the maximum of averages."""

from __future__ import annotations

from typing import Any

import numpy as np
from nengo.cache import Fingerprint
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType, SpikingRectifiedLinear
from nengo.params import NumberParam

from ..utils.checks import is_real, positive_number


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
        if not is_real(min_voltage) and min_voltage != -np.inf:
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


# Nengo keeps decoders of ensembles of these neurons in its cache
Fingerprint.whitelist(IntegrateAndFire)


def integrates(neuron_type: NeuronType) -> bool:
    """Whether neurons integrate their input with its sign: a membrane that averages."""
    return isinstance(neuron_type, IntegrateAndFire)
