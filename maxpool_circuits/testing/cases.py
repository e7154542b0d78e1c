"""What circuits are checked with: windows, neuron types, bad arguments."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np

from ..network.neurons import IntegrateAndFire
from ..network.windows import PoolWindows

#: Windows of every shape.
WINDOWS: dict[str, PoolWindows] = {
    "1-D": PoolWindows((12, 1), pool_size=3),
    "2-D": PoolWindows((4, 6, 2), pool_size=2),
    "3-D": PoolWindows((1, 4, 2, 4), pool_size=2, channels_last=False),
    "smaller at the edges": PoolWindows((5, 5, 1), pool_size=2, padding="same"),
    "overlapping": PoolWindows((4, 5, 1), pool_size=3, strides=1),
    "overlapping, smaller at both edges": PoolWindows(
        (5, 4, 1), pool_size=3, strides=2, padding="same"
    ),
    "gaps": PoolWindows((10, 1), pool_size=2, strides=4),
    "global": PoolWindows.global_pooling((3, 3, 2)),
    "independent": PoolWindows.independent(n_pools=5, window_size=7),
    "from indices": PoolWindows.from_indices(
        [[4, 0, 7], [1], [2, 3], [5, 6, 8, 9, 10], [7, 0]], n_inputs=12
    ),
    "one input each": PoolWindows.independent(n_pools=4, window_size=1),
}

#: Small windows of 1, 2, 3 and 5 inputs that overlap and leave one input out.
MIXED = WINDOWS["from indices"]

#: Neuron types that every circuit must work with.
NEURON_TYPES: dict[str, nengo.neurons.NeuronType] = {
    "LIF": nengo.LIF(),
    "AdaptiveLIF": nengo.AdaptiveLIF(),
    "Sigmoid": nengo.Sigmoid(),
    "Tanh": nengo.Tanh(),
    "LIFRate": nengo.LIFRate(),
    "RectifiedLinear": nengo.RectifiedLinear(),
    "SpikingRectifiedLinear": nengo.SpikingRectifiedLinear(),
    "PoissonSpiking": nengo.PoissonSpiking(nengo.LIFRate()),
    "RegularSpiking": nengo.RegularSpiking(nengo.LIFRate()),
    "IntegrateAndFire": IntegrateAndFire(amplitude=0.01),
}

#: Bad values of the shared arguments, and what the message says is allowed.
BAD_ARGUMENTS: list[tuple[str, list[Any], str]] = [
    ("windows", [None, 4, [[0, 1]], (28, 28, 8), PoolWindows], "PoolWindows"),
    ("n_neurons", [0, -1, 2.0, True, "20", None], "integer of at least 1"),
    (
        "neuron_type",
        [nengo.LIF, "LIF", None, nengo.Direct()],
        "Nengo neuron type other than nengo.Direct",
    ),
    (
        "max_rate",
        [0, -5, np.nan, np.inf, "250", None, True, [250]],
        "finite number above 0, in Hz",
    ),
    (
        "input_range",
        [(1, 0), (1, 1), (0, np.inf), (np.nan, 1), (0,), (0, 1, 2), 5, "01", None],
        "two finite numbers (low, high) with low < high",
    ),
    ("decoders", ["shipped", 3, {"lif": 1}], "None"),
]

#: Neuron types and rates that they cannot reach.
UNREACHABLE_RATES: list[tuple[nengo.neurons.NeuronType, float]] = [
    (nengo.LIF(), 500),
    (nengo.LIF(tau_ref=0.01), 250),
    (nengo.LIF(), 0.001),
    (nengo.Sigmoid(), 10),
]
