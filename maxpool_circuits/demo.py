"""The demonstration: complex cells of the visual cortex, by every circuit."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .comparison import compare

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .comparison import ComparisonTable


def run(seed: int | None = 0, progress_bar: bool = True) -> ComparisonTable:
    """Pool the responses of simple cells to handwritten digits by every circuit.

    Complex cells C1 of HMAX, over 2x2 positions and both scales; see `.images`.
    """
    return compare(
        workload="images", window_size=8, seed=seed, progress_bar=progress_bar
    )


def draw(table: ComparisonTable, path: str | os.PathLike[str] | None = None) -> Figure:
    """Draw images, true pooled maps, and each circuit's pooled maps and errors."""
    from . import plots

    return plots.image_comparison(table, path)
