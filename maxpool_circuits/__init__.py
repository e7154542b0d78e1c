"""Spiking max-pooling circuits for Nengo."""

from typing import TYPE_CHECKING

from . import operators  # noqa: F401, the simulator uses them
from .circuits import *  # noqa: F403
from .circuits import __all__ as _circuits
from .comparison import compare
from .network.base import MaxPoolNetwork
from .network.decoders import TunedDecoders
from .network.faults import let_fail
from .network.neurons import (
    AboveMean,
    IntegrateAndFire,
    LeakyAboveMean,
    SharedReset,
)
from .network.setup import Setup
from .network.transform import MaxPool
from .network.tunable import Tunable
from .network.windows import PoolWindows
from .registry import circuits, make, register, unregister
from .version import version as __version__

if TYPE_CHECKING:
    from .tuning import tune

__all__ = [
    *_circuits,
    "AboveMean",
    "IntegrateAndFire",
    "LeakyAboveMean",
    "MaxPool",
    "MaxPoolNetwork",
    "PoolWindows",
    "Setup",
    "SharedReset",
    "Tunable",
    "TunedDecoders",
    "__version__",
    "circuits",
    "compare",
    "let_fail",
    "make",
    "register",
    "tune",  # noqa: F405
    "unregister",
]


def __getattr__(name):
    """Load the optimisers, and the parts of SciPy that they need, when first used."""
    if name == "tune":
        from .tuning import tune

        return tune
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
