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


def window_ends(shape: Sequence[int], grid: Grid) -> list[np.ndarray]:
    """Give, for each axis, the first input of each window and the one behind its last.

    Windows that reach past an edge end there.
    """
    return [
        _ends(length, pool, stride, grid.padding)
        for length, pool, stride in zip(shape, grid.pool_size, grid.strides)
    ]


def lay_out_grid(
    shape: Sequence[int], grid: Grid
) -> tuple[tuple[int, ...], np.ndarray, np.ndarray]:
    """Give the number of windows along each axis, their inputs, and their sizes.

    The inputs are flat indices, one window after another.
    """
    n_axes = len(shape)
    output_shape: tuple[int, ...] = ()
    flat = np.array(0)
    inside = np.array(True)
    for axis, (length, ends) in enumerate(zip(shape, window_ends(shape, grid))):
        starts, stops = ends.T[:, :, np.newaxis]
        coordinates = starts + np.arange(np.max(stops - starts))

        # first the axes of the windows, then those of the positions in a window
        other_axes = tuple(i for i in range(2 * n_axes) if i % n_axes != axis)
        flat = flat * length + np.expand_dims(coordinates, other_axes)
        inside = inside & np.expand_dims(coordinates < stops, other_axes)
        output_shape += (len(ends),)

    inside = inside.reshape(prod(output_shape), -1)
    return output_shape, flat.reshape(inside.shape)[inside], inside.sum(axis=1)


def _ends(length, pool, stride, padding):
    if padding == "same":
        n_windows = -(-length // stride)
        overhang = max((n_windows - 1) * stride + pool - length, 0)
        before = overhang // 2
    else:
        n_windows = (length - pool) // stride + 1
        before = 0
    starts = np.arange(n_windows) * stride - before
    return np.stack([np.maximum(starts, 0), np.minimum(starts + pool, length)], axis=1)
