"""Handwritten digits, seen by simple cells: the first layer of HMAX."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: Side length and wavelength of the Gabor filters, in pixels: the first scale band of
#: Serre, Wolf, Bileschi, Riesenhuber and Poggio (2007).
SCALES = ((7, 3.5), (9, 4.6))
#: Preferred orientations of the simple cells, in degrees.
ORIENTATIONS = (0, 45, 90, 135)


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
