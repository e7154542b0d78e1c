"""Pictures of comparisons.

Functions that take ``ax`` draw into these Axes, or into new ones, and return them.
Those that take ``path`` return a new figure, and write it to this file if there is one.
Nothing is shown. A circuit has one color and one marker in all of them. Of several
trials, errors by gap, maps, traces and rasters show the first. Needs matplotlib (``pip
install matplotlib``).
"""

from .errors import error_by_gap, error_map, pareto
from .figure import styles
from .images import image_comparison, pooled_images
from .over_time import comparison, raster, traces

__all__ = [
    "comparison",
    "error_by_gap",
    "error_map",
    "image_comparison",
    "pareto",
    "pooled_images",
    "raster",
    "styles",
    "traces",
]
