"""The input synapse of neurons that average."""

import nengo

from ..network.base import MaxPoolNetwork
from ..network.neurons import integrates
from ..network.tunable import Tunable

#: Time constant of each of the two poles, in inter-spike intervals of an input.
AVERAGING = Tunable("input_time_constant", 0.375, 0.1, 1.5, "input_synapse", integrates)


def smooth_input(circuit: MaxPoolNetwork) -> nengo.Alpha:
    """Two poles, each of a part of the inter-spike interval of an input.

    Neurons that are faster than the inputs have finer thresholds, which show more of
    the ripple: so the filter is slower, by the cube root of how much faster they are.
    """
    interval = circuit.inter_spike_interval
    slower = (circuit.max_rate * interval) ** (1 / 3)
    return nengo.Alpha(circuit.value_of(AVERAGING) * interval * slower)
