"""Handwritten digits, seen by simple cells: the first layers of HMAX."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

import numpy as np
from nengo.exceptions import ValidationError

from ..network.windows import PoolWindows
from ..utils.checks import positive_integer, valid_integer, valid_seed
from .workloads import Workload, hold

#: Side length and wavelength of the Gabor filters, in pixels: the first scale band of
#: Serre, Wolf, Bileschi, Riesenhuber and Poggio (2007).
SCALES = ((7, 3.5), (9, 4.6))
#: Preferred orientations of the simple cells, in degrees.
ORIENTATIONS = (0, 45, 90, 135)


def images(window_size: int = 8, seed: int | None = 0, n_images: int = 8) -> Workload:
    """Digits through oriented filters, max-pooled over position and scale.

    The C1 layer of HMAX [1]_. Digits of 8x8 pixels are enlarged to 32x32 and seen by
    simple cells (S1): Gabor filters of four orientations and one or two scales [2]_ at
    every second pixel, rectified and scaled to [0, 1]. Complex cells (C1) take the
    maximum over a patch of positions, and over both scales if there are two. Each image
    is presented for 100 ms and read at the end; the first is not read.

    Parameters
    ----------
    window_size : int, optional (Default: 8)
        Number of inputs of each pool: a square number (4: patches of 2x2), or twice
        one (8: patches of 2x2 over two scales).
    seed : int, optional (Default: 0)
        Which digits are drawn from the 1797 that scikit-learn has.
    n_images : int, optional (Default: 8)
        Number of images, two or more.

    Returns
    -------
    Workload
        0.1 s of input per image.

    Raises
    ------
    nengo.exceptions.ValidationError
        If ``window_size`` is neither a square number nor twice one, or too large, or
        ``n_images`` is less than two.
    ImportError
        If scikit-learn is not installed.

    References
    ----------
    .. [1] Riesenhuber, M. and Poggio, T. (1999). Hierarchical models of object
       recognition in cortex. Nature Neuroscience 2, 1019-1025.
       https://doi.org/10.1038/14819
    .. [2] Serre, T., Wolf, L., Bileschi, S., Riesenhuber, M. and Poggio, T. (2007).
       Robust object recognition with cortex-like mechanisms. IEEE Transactions on
       Pattern Analysis and Machine Intelligence 29, 411-426.
       https://doi.org/10.1109/TPAMI.2007.56

    Examples
    --------
    >>> from maxpool_circuits.comparison import images
    >>> workload = images(window_size=8, n_images=2)
    >>> workload.images.shape
    (2, 8, 8)
    >>> workload.windows.input_shape, workload.windows.output_shape
    ((16, 16, 2, 4), (8, 8, 1, 4))
    >>> workload.values.shape
    (200, 2048)
    """
    side, n_scales = _patch(window_size)
    # the first is not read
    n_images = valid_integer(n_images, "n_images", lowest=2)
    from sklearn.datasets import load_digits

    digits = load_digits().images / 16
    chosen = np.random.RandomState(valid_seed(seed)).choice(
        len(digits), n_images, replace=False
    )
    digits = digits[chosen]
    simple_cells = simple_cell_responses(digits, SCALES[:n_scales])
    windows = PoolWindows(
        simple_cells.shape[1:], pool_size=(side, side, n_scales), channels_last=True
    )
    shown = simple_cells.reshape(n_images, -1)
    values, is_read = hold(shown, n_steps=100, n_unread=1)
    return Workload("images", windows, values, is_read, shown[:2], images=digits)


def simple_cell_responses(
    digits: np.ndarray, scales: Sequence[tuple[int, float]] = SCALES
) -> np.ndarray:
    """Rectified responses of oriented filters at every second pixel.

    Digits, (n_images, 8, 8), give (n_images, 16, 16, n_scales, n_orientations)
    responses, scaled so that the largest is 1.
    """
    import scipy.ndimage

    enlarged = scipy.ndimage.zoom(digits, (1, 4, 4), order=1)
    responses = [
        [
            scipy.ndimage.convolve(enlarged, gabor(*scale, angle)[np.newaxis])
            for angle in ORIENTATIONS
        ]
        for scale in scales
    ]
    by_filter = np.moveaxis(np.array(responses), (0, 1), (-2, -1))
    rectified = np.maximum(by_filter, 0)[:, ::2, ::2]
    return rectified / rectified.max()


def gabor(size: int, wavelength: float, angle: float) -> np.ndarray:
    """Gabor filter with zero mean and unit norm; lengths in pixels, angle in degrees.

    The Gaussian has a standard deviation of 0.8 wavelengths and an aspect ratio of 0.3.
    """
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    radians = np.deg2rad(angle)
    along = x * np.cos(radians) + y * np.sin(radians)
    across = -x * np.sin(radians) + y * np.cos(radians)
    envelope = np.exp(-(along**2 + (0.3 * across) ** 2) / (2 * (0.8 * wavelength) ** 2))
    kernel = envelope * np.cos(2 * np.pi * along / wavelength)
    kernel -= kernel.mean()
    return kernel / np.linalg.norm(kernel)


def _patch(window_size):
    """Side length and number of scales of a window of ``window_size`` inputs."""
    window_size = positive_integer(window_size, "window_size")
    for n_scales in (1, 2):
        side = isqrt(window_size // n_scales)
        if n_scales * side**2 == window_size and side <= 16:
            return side, n_scales
    raise ValidationError(
        "windows in images are square patches over one or two scales, so their size "
        "must be a square number up to 256 (4, 9, 16, ...) or twice one (8, 18, 32, "
        f"...), got {window_size}",
        attr="window_size",
    )
