"""Circuits side by side, on spikes that come from random windows and from images."""

from typing import TYPE_CHECKING

from .compare import compare
from .encodings import ENCODINGS
from .metrics import READOUTS
from .workloads import (
    WORKLOADS,
    Workload,
    band_limited,
    constant,
    images,
    natural,
    presentations,
    smooth,
)

if TYPE_CHECKING:
    from .table import ComparisonTable, Ratios, read_csv

__all__ = [
    "ENCODINGS",
    "READOUTS",
    "WORKLOADS",
    "ComparisonTable",
    "Ratios",
    "Workload",
    "band_limited",
    "compare",
    "constant",
    "images",
    "natural",
    "presentations",
    "smooth",
    "read_csv",
]


def __getattr__(name):
    """Load tables, and pandas with them, when they are first used."""
    if name in ("ComparisonTable", "Ratios", "read_csv"):
        from . import table

        return getattr(table, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
