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
from .neurons import IntegrateAndFire
from .registry import circuits, make, register, unregister
from .transforms import MaxPool
from .version import version as __version__
from .windows import PoolWindows

__all__ = [
    "AbsoluteValue",
    "EnsembleMax",
    "ExactMax",
    "IntegrateAndFire",
    "MaxPool",
    "MaxPoolNetwork",
    "PairwiseReLU",
    "PoolWindows",
    "SoftmaxApproximation",
    "WinnerTakeAll",
    "__version__",
    "circuits",
    "compare",
    "make",
    "register",
    "unregister",
]
