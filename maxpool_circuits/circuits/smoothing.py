"""The input synapse of neurons that average."""

import nengo

from ..network.base import MaxPoolNetwork


def smooth_input(circuit: MaxPoolNetwork, intervals: float) -> nengo.Alpha:
    """Two poles, each of so many inter-spike intervals of an input at 250 Hz.

    Neurons that are faster than the inputs have finer thresholds, which show more of
    the ripple: so the filter is slower, by the cube root of how much faster they are.
    """
    interval = circuit.inter_spike_interval
    slower = (circuit.max_rate * interval) ** (1 / 3)
    return nengo.Alpha(intervals * interval * slower)
