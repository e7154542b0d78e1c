"""Windows on a grid over any number of axes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import numpy as np


class Grid(NamedTuple):
    """Windows on a grid over all axes of an array, that of the channels too."""

    pool_size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: str


def lay_out_grid(
    shape: Sequence[int],
    pool_size: Sequence[int],
    strides: Sequence[int],
    padding: str,
) -> tuple[tuple[int, ...], np.ndarray, np.ndarray]:
    """Give the number of windows along each axis, their inputs, and their sizes.

    The inputs are flat indices, one window after another.
    """
    n_axes = len(shape)
    output_shape: tuple[int, ...] = ()
    flat = np.array(0)
    inside = np.array(True)
    for axis, (length, pool, stride) in enumerate(zip(shape, pool_size, strides)):
        if padding == "same":
            n_windows = -(-length // stride)
            overhang = max((n_windows - 1) * stride + pool - length, 0)
            before = overhang // 2
        else:
            n_windows = (length - pool) // stride + 1
            before = 0
        starts = np.arange(n_windows) * stride - before
        stops = np.minimum(starts + pool, length)
        starts = np.maximum(starts, 0)
        coordinates = starts[:, None] + np.arange(np.max(stops - starts))

        # first the axes of the windows, then those of the positions in a window
        other_axes = tuple(i for i in range(2 * n_axes) if i % n_axes != axis)
        flat = flat * length + np.expand_dims(coordinates, other_axes)
        inside = inside & np.expand_dims(coordinates < stops[:, None], other_axes)
        output_shape += (n_windows,)

    inside = inside.reshape(prod(output_shape), -1)
    return output_shape, flat.reshape(inside.shape)[inside], inside.sum(axis=1)
