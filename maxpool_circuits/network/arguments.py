"""Checks of the arguments that all circuits share."""

from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError
from nengo.neurons import Direct, NeuronType
from nengo.synapses import Synapse

from ..utils.checks import is_real
from .decoders import TunedDecoders
from .windows import PoolWindows

#: Shortest time constant but 0, in seconds: Nengo's filters fail at far shorter ones.
SHORTEST = 1e-9


def checked_windows(windows, network=None):
    """The windows, if they are some."""
    if not isinstance(windows, PoolWindows):
        raise ValidationError(
            "must be a maxpool_circuits.PoolWindows, such as "
            "PoolWindows(input_shape=(28, 28, 8), pool_size=2) or "
            f"PoolWindows.independent(n_pools=100, window_size=4), got {windows!r}",
            attr="windows",
            obj=network,
        )
    return windows


def checked_neuron_type(neuron_type, max_rate, network):
    """A neuron type that can fire at ``max_rate``."""
    if not isinstance(neuron_type, NeuronType) or isinstance(neuron_type, Direct):
        raise ValidationError(
            "must be an instance of a Nengo neuron type other than nengo.Direct, "
            "which has no neurons, such as nengo.LIF() or "
            f"maxpool_circuits.IntegrateAndFire(), got {neuron_type!r}",
            attr="neuron_type",
            obj=network,
        )
    try:
        gain, bias = neuron_type.gain_bias(np.array([max_rate]), np.zeros(1))
        cause = "its gain would not be a positive finite number"
        reachable = np.all(np.isfinite([gain, bias])) and np.all(gain > 0)
    except (ValidationError, NotImplementedError) as error:
        cause = str(error)
        reachable = False
    if not reachable:
        raise ValidationError(
            f"{neuron_type} cannot fire at max_rate={max_rate:g} Hz "
            f"({cause}); choose a lower max_rate or another neuron_type",
            attr="max_rate",
            obj=network,
        )
    return neuron_type


def checked_synapse(synapse, attr, network):
    """A synapse; a number becomes a low-pass filter."""
    if is_real(synapse) and (synapse == 0 or synapse >= SHORTEST):
        return nengo.Lowpass(synapse)
    if synapse is not None and not isinstance(synapse, Synapse):
        raise ValidationError(
            "must be a Nengo synapse such as nengo.Lowpass(0.005), a time constant "
            f"of 0 or at least {SHORTEST} seconds, or None, got {synapse!r}",
            attr=attr,
            obj=network,
        )
    return synapse


def checked_decoders(decoders, network):
    """What may be given as decoders."""
    is_known = decoders is None or isinstance(decoders, str) and decoders == "tuned"
    if not is_known and not isinstance(decoders, TunedDecoders):
        raise ValidationError(
            'must be "tuned" (those that ship with the package), None '
            "(not tuned) or a maxpool_circuits.TunedDecoders, from "
            f"maxpool_circuits.tune or TunedDecoders.load, got {decoders!r}",
            attr="decoders",
            obj=network,
        )
    return decoders


def same_population(one: Any, other: Any) -> bool:
    """Whether two populations compute the same with the same neurons."""
    return one is other or (
        one.neuron_type == other.neuron_type
        and one.n_neurons == other.n_neurons
        and all(
            np.array_equal(getattr(one, name), getattr(other, name))
            for name in ("encoders", "gain", "bias", "decoders")
        )
    )
