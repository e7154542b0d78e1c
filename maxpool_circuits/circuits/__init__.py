"""The max-pool circuits, one file each."""

from ..registry import register
from .absolute_value import AbsoluteValue
from .ensemble import EnsembleMax
from .exact import ExactMax
from .pairwise_relu import PairwiseReLU
from .shared_reset import SharedResetMax
from .softmax import SoftmaxApproximation
from .winner_take_all import WinnerTakeAll

register("pairwise-relu", PairwiseReLU)
register("winner-take-all", WinnerTakeAll)
register("shared-reset", SharedResetMax)
register("softmax", SoftmaxApproximation)
register("ensemble", EnsembleMax)
register("absolute-value", AbsoluteValue)
register("exact", ExactMax)

__all__ = [
    "AbsoluteValue",
    "EnsembleMax",
    "ExactMax",
    "PairwiseReLU",
    "SharedResetMax",
    "SoftmaxApproximation",
    "WinnerTakeAll",
]
