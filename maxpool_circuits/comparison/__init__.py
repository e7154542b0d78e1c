"""Circuits side by side, on spikes that come from random windows and from images."""

from .compare import compare
from .images import images
from .lookup import WORKLOADS
from .measures import READOUTS, Row
from .table import ComparisonTable
from .workloads import Workload, band_limited, natural, presentations

__all__ = [
    "READOUTS",
    "WORKLOADS",
    "ComparisonTable",
    "Row",
    "Workload",
    "band_limited",
    "compare",
    "images",
    "natural",
    "presentations",
]
