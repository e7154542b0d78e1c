"""Circuits side by side, on spikes that come from random windows and from images."""

from .compare import compare
from .encodings import ENCODINGS, Encoding
from .estimates import Estimate
from .images import images
from .lookup import WORKLOADS
from .measures import READOUTS, Row
from .ratios import RatioTable
from .results import SavedTable
from .saved import read_csv
from .table import ComparisonTable
from .workloads import Workload, band_limited, natural, presentations

__all__ = [
    "ENCODINGS",
    "READOUTS",
    "WORKLOADS",
    "Encoding",
    "ComparisonTable",
    "Estimate",
    "RatioTable",
    "Row",
    "SavedTable",
    "Workload",
    "band_limited",
    "compare",
    "images",
    "natural",
    "presentations",
    "read_csv",
]
