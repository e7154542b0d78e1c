"""The max-pool circuits, one file each."""

from ..registry import register
from .absolute_value import AbsoluteValue
from .by_hand import max_pool
from .ensemble import EnsembleMax
from .exact import ExactMax
from .min_pool import MinPool
from .pairwise_relu import PairwiseReLU
from .per_window import per_window
from .shared_reset import SharedResetMax
from .softmax import SoftmaxApproximation
from .unpool import Unpool
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
    "MinPool",
    "PairwiseReLU",
    "SharedResetMax",
    "SoftmaxApproximation",
    "Unpool",
    "WinnerTakeAll",
    "max_pool",
    "per_window",
]
