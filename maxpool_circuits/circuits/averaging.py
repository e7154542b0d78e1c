"""The rules of circuits of `.IntegrateAndFire` neurons: their input filter.

It is a fit, not a derivation, as are the floors of membranes: formulas through the best
values of scans over windows of 2 to 49 inputs, rates of 50 to 1000 Hz, and inputs that
are constant, change, or resemble images.
"""

from __future__ import annotations

import functools
from typing import Any

import nengo
import numpy as np

from ..network.base import MaxPoolNetwork
from ..network.neurons import integrates


class Averaging(MaxPoolNetwork):
    """Defaults of circuits whose membranes average spikes before they rectify them."""

    #: Whether membranes of the default neurons average raw spikes, so that there can be
    #: a circuit without an input synapse where a synapse follows it.
    takes_raw_spikes = True
    #: Time constant of each of the two poles of the input filter, in inter-spike
    #: intervals of an input, for neurons that are as fast as the inputs.
    pole = 0.375

    @property
    def ripple(self) -> float:
        """What the input filter lets through of the ripple of regular spikes."""
        synapse = self.given.get("input_synapse", self.averaging_filter)
        return let_through(synapse, 1 / self.inter_spike_interval)

    @property
    def default_decoders(self) -> str | None:
        """None for neurons that average: tuning finds nothing better than the rules."""
        return None if integrates(self.neuron_type) else "tuned"

    @property
    def averaging_filter(self) -> nengo.Alpha:
        """Two poles, each of a part of the inter-spike interval of an input.

        Neurons that are faster than the inputs have finer thresholds, which show more
        of the ripple: the filter is slower, by the cube root of how much faster they
        are.
        """
        interval = self.inter_spike_interval
        slower = (self.max_rate * interval) ** (1 / 3)
        return nengo.Alpha(self.pole * interval * slower)


@functools.lru_cache(maxsize=64)
def let_through(synapse: Any, frequency: float) -> float:
    """What a synapse lets through of an oscillation, relative to a constant."""
    if synapse is None:
        return 1.0
    dt = 0.001
    # of one entry each: Nengo's filters of single numbers fail with NumPy 2.5
    impulse = np.zeros((1000, 1))
    impulse[0] = 1
    response = synapse.filt(impulse, axis=0, dt=dt, y0=0)[:, 0]
    wave = np.exp(-2j * np.pi * frequency * dt * np.arange(len(response)))
    return float(np.abs(response @ wave) / np.abs(response.sum()))
