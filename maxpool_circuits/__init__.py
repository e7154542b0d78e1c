"""Spiking max-pooling circuits for Nengo."""

from .circuits import (
    AbsoluteValue,
    EnsembleMax,
    ExactMax,
    PairwiseReLU,
    SoftmaxApproximation,
    WinnerTakeAll,
)
from .comparison import compare
from .network.base import MaxPoolNetwork
from .network.neurons import IntegrateAndFire
from .network.transform import MaxPool
from .network.tunable import Free
from .network.tuned import TunedDecoders
from .network.windows import PoolWindows
from .registry import circuits, make, register, unregister
from .tuning import tune
from .version import version as __version__

__all__ = [
    "AbsoluteValue",
    "EnsembleMax",
    "ExactMax",
    "Free",
    "IntegrateAndFire",
    "MaxPool",
    "MaxPoolNetwork",
    "PairwiseReLU",
    "PoolWindows",
    "SoftmaxApproximation",
    "TunedDecoders",
    "WinnerTakeAll",
    "__version__",
    "circuits",
    "compare",
    "make",
    "register",
    "tune",
    "unregister",
]
