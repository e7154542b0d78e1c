"""The demonstration: complex cells of the visual cortex, by every circuit."""

from .comparison import compare


def run(seed=0, progress_bar=True):
    """Pool the responses of simple cells to handwritten digits by every circuit.

    Digits from scikit-learn go through oriented Gabor filters at two scales and spiking
    rectified neurons (the simple cells S1 of HMAX); every circuit takes the maximum
    over 2x2 positions and both scales (the complex cells C1). See
    `maxpool_circuits.comparison.images`.

    Parameters
    ----------
    seed : int, optional (Default: 0)
        Which digits are shown, and the seed of the networks.
    progress_bar : bool, optional (Default: True)
        Show a progress bar on standard error.

    Returns
    -------
    ComparisonTable
        The comparison.
    """
    return compare(
        workload="images", window_size=8, seed=seed, progress_bar=progress_bar
    )


def draw(table, path=None):
    """Draw images, true pooled maps, and each circuit's pooled maps and errors.

    Parameters
    ----------
    table : ComparisonTable
        What `run` returned.
    path : str or os.PathLike, optional (Default: None)
        Write the figure to this file too.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.
    """
    from . import plots

    return plots.image_comparison(table, path)
