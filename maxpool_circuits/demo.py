"""The demonstration: complex cells of the visual cortex, by every circuit."""

from .comparison import compare


def run(path, seed=0, progress_bar=True):
    """Pool the responses of simple cells to handwritten digits by every circuit.

    Digits from scikit-learn go through oriented Gabor filters at two scales and spiking
    rectified neurons (the simple cells S1 of HMAX); every circuit takes the maximum
    over 2x2 positions and both scales (the complex cells C1).

    Parameters
    ----------
    path : str or os.PathLike
        The file to write the figure to: images, true pooled maps, each circuit's pooled
        maps, and errors.
    seed : int, optional (Default: 0)
        Which digits are shown, and the seed of the networks.
    progress_bar : bool, optional (Default: True)
        Show a progress bar on standard error.

    Returns
    -------
    ComparisonTable
        The comparison.
    """
    from . import plots

    table = compare(
        workload="images", window_size=8, seed=seed, progress_bar=progress_bar
    )
    plots.image_comparison(table, path)
    return table
