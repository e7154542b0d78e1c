"""Whether the inputs of a pool fit its arguments."""

from __future__ import annotations

import warnings
from typing import Any

import nengo
from nengo.builder import Builder
from nengo.builder.network import build_network

from .arriving import arriving
from .base import MaxPoolNetwork
from .neurons import integrates

#: Rate, in Hz, of circuits for values that are decoded from populations, which add
#: little error to them.
RATE_FOR_VALUES = 1250
#: How many times as slow as a pool was told its inputs may be.
SLOWEST = 1.5
#: How many times as wide as its inputs the range of a pool may be, and by how many
#: times its width inputs may be outside of it.
WIDEST, FARTHEST = 3, 0.4


@Builder.register(MaxPoolNetwork)
def build_pool(model: Any, pool: MaxPoolNetwork, progress: Any = None) -> None:
    """Build a pool, and warn of inputs that do not fit it."""
    spikes = any(ensemble.neuron_type.spiking for ensemble in pool.all_ensembles)
    if spikes and model.toplevel is not None and not pool.knows_inputs:
        remedy = misfit(pool, model.toplevel)
        if remedy:
            message = f"what reaches {pool} does not fit it: {remedy}"
            warnings.warn(message, stacklevel=2)
    build_network(model, pool, progress)


def misfit(pool: MaxPoolNetwork, network: nengo.Network) -> str:
    """What does not fit a pool, and what to do about it; nothing if all does."""
    found = arriving(pool.input, network)
    if not (found.area or found.is_decoded):
        return ""
    low, high = pool.input_range
    width = high - low
    lowest, highest = found.range or (low, high)
    fits = width <= WIDEST * (highest - lowest)
    fits &= max(low - lowest, highest - high) <= FARTHEST * width
    if found.area:
        # what is outside of the range makes spikes more frequent, not larger
        rate = found.needed_rate(width) * max(1, (highest - lowest) / width)
        fits &= rate * pool.inter_spike_interval >= 1 / SLOWEST
        if found.range is None:
            # the values of neurons that fire as fast as the pool was told
            lowest, highest = 0, found.area * pool.input_rate
        give = f"input_rate={found.needed_rate(highest - lowest):.4g}"
        what = "spikes"
    else:
        fast = pool.max_rate >= RATE_FOR_VALUES / 2
        fits &= fast or not integrates(pool.neuron_type)
        give = f"max_rate={RATE_FOR_VALUES}, input_rate={RATE_FOR_VALUES}"
        what = "values decoded from populations"
    if fits:
        return ""
    return (
        f"input_range=({low:g}, {high:g}), input_rate={pool.input_rate:g} and "
        f"max_rate={pool.max_rate:g} are not for these {what}; give input_range="
        f"({lowest:.4g}, {highest:.4g}), {give}, or make it with mpc.max_pool"
    )
