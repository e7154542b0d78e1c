"""The max-pool circuits, one file each."""

from ..registry import register
from .absolute_value import AbsoluteValue
from .by_hand import max_pool
from .ensemble import EnsembleMax
from .exact import ExactMax
from .pairwise_relu import PairwiseReLU
from .softmax import SoftmaxApproximation
from .winner_take_all import WinnerTakeAll

register("pairwise-relu", PairwiseReLU)
register("winner-take-all", WinnerTakeAll)
register("softmax", SoftmaxApproximation)
register("ensemble", EnsembleMax)
register("absolute-value", AbsoluteValue)
register("exact", ExactMax)

__all__ = [
    "AbsoluteValue",
    "EnsembleMax",
    "ExactMax",
    "PairwiseReLU",
    "SoftmaxApproximation",
    "WinnerTakeAll",
    "max_pool",
]
