"""Spiking max-pooling circuits for Nengo."""

from .circuits import *  # noqa: F403
from .circuits import __all__ as _circuits
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
    *_circuits,
    "Free",
    "IntegrateAndFire",
    "MaxPool",
    "MaxPoolNetwork",
    "PoolWindows",
    "TunedDecoders",
    "__version__",
    "circuits",
    "compare",
    "make",
    "register",
    "tune",
    "unregister",
]
