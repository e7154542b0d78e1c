"""The demonstration: complex cells of the visual cortex, by every circuit."""

from .comparison import compare


def run(seed=0, progress_bar=True):
    """Pool the responses of simple cells to handwritten digits by every circuit.

    Complex cells C1 of HMAX, over 2x2 positions and both scales; see `.images`.
    """
    return compare(
        workload="images", window_size=8, seed=seed, progress_bar=progress_bar
    )


def draw(table, path=None):
    """Draw images, true pooled maps, and each circuit's pooled maps and errors."""
    from . import plots

    return plots.image_comparison(table, path)
