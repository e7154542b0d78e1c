"""Spiking max-pooling circuits for Nengo."""

from .base import MaxPoolNetwork
from .circuits import (
    AbsoluteValue,
    EnsembleMax,
    ExactMax,
    PairwiseReLU,
    SoftmaxApproximation,
    WinnerTakeAll,
)
from .comparison import compare
from .free import Free
from .neurons import IntegrateAndFire
from .registry import circuits, make, register, unregister
from .transforms import MaxPool
from .tuned import TunedDecoders
from .tuning import tune
from .version import version as __version__
from .windows import PoolWindows

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
