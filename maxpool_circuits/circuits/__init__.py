"""The max-pool circuits, one file each."""

from ..registry import STYLES, register
from .absolute_value import AbsoluteValue
from .ensemble import EnsembleMax
from .exact import ExactMax
from .pairwise_relu import PairwiseReLU
from .softmax import SoftmaxApproximation
from .winner_take_all import WinnerTakeAll

register("pairwise-relu", PairwiseReLU, STYLES[0])
register("winner-take-all", WinnerTakeAll, STYLES[2])
register("softmax", SoftmaxApproximation, STYLES[1])
register("ensemble", EnsembleMax, STYLES[3])
register("absolute-value", AbsoluteValue, STYLES[4])
register("exact", ExactMax, STYLES[5])

__all__ = [
    "AbsoluteValue",
    "EnsembleMax",
    "ExactMax",
    "PairwiseReLU",
    "SoftmaxApproximation",
    "WinnerTakeAll",
]
