"""The rules of circuits of `.IntegrateAndFire` neurons: their input filter and floor.

Both are fits, not derivations: formulas through the best values of scans over windows
of 2 to 49 inputs, rates of 50 to 1000 Hz, and inputs that are constant, change, or
resemble images.
"""

from __future__ import annotations

import functools
from typing import Any

import nengo
import numpy as np

from ..network.base import MaxPoolNetwork
from ..network.neurons import IntegrateAndFire, integrates

#: Time constant of each of the two poles of the input filter, in inter-spike intervals
#: of an input, for neurons that are as fast as the inputs.
POLE = 0.375


class Averaging(MaxPoolNetwork):
    """Defaults of circuits whose membranes average spikes before they rectify them."""

    #: Whether membranes of the default neurons average raw spikes, so that there can be
    #: a circuit without an input synapse where a synapse follows it.
    takes_raw_spikes = True
    #: Distance between the floor and firing, in thresholds, after a filter that lets no
    #: ripple through; and how many spikes of an input are remembered without a filter.
    memory: Any
    raw_memory: Any

    @property
    def n_competitors(self) -> float:
        """How many values a membrane has to remember (see `membrane_floor`)."""
        raise NotImplementedError

    @property
    def default_neuron_type(self) -> IntegrateAndFire:
        """Membranes whose floor follows from what the input filter lets through."""
        floor = membrane_floor(
            self.memory,
            self.raw_memory,
            self.max_rate * self.inter_spike_interval,
            let_through(
                self.given.get("input_synapse", self.averaging_filter),
                1 / self.inter_spike_interval,
            ),
            self.n_competitors,
        )
        return IntegrateAndFire(min_voltage=floor)

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
        return nengo.Alpha(POLE * interval * slower)


def membrane_floor(
    memory: float,
    raw_memory: float,
    spike: float,
    let_through: float,
    n_competitors: float,
) -> float:
    """Floor of membranes, in units of the threshold.

    A membrane has to remember what its input filter lets through of the ripple of
    regular spikes, and no more: a deeper one follows changes late. ``spike`` is how
    many thresholds a spike of an input is worth. From 4 competitors on, the more of
    them are close to the maximum and fire in one time step, before they inhibit each
    other.

    >>> membrane_floor(1.3, 1.5, 1, 1, n_competitors=4)
    -1.5
    >>> round(membrane_floor(1.3, 1.5, 1, 0.1, n_competitors=4), 2)
    -0.42
    """
    filtered = memory * max(spike, n_competitors / 4) ** 0.5
    raw = 1 + raw_memory * spike
    return min(0.0, 1 - (1 - let_through) * filtered - let_through * raw)


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
