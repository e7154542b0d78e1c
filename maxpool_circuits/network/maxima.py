"""Exact maxima of windows, quickly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

#: Arrays with a column for each window may have room for so many times their inputs.
MOST_EMPTY = 4


def is_compact(windows: Any) -> bool:
    """Whether an array with a column for each window is not mostly empty."""
    return windows.n_pools * windows.sizes.max() <= MOST_EMPTY * len(windows.members)


def maxima(windows: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Function that takes the maximum of each window, along the last axis."""
    if is_compact(windows):
        # Measured: indexing into a new array is up to twice as fast as np.take into an
        # existing one (the same on NumPy 2), np.maximum.reduceat is slower still.
        columns = window_columns(windows)
        return lambda x: x[..., columns].max(axis=-2)
    starts = np.cumsum(windows.sizes) - windows.sizes
    return lambda x: np.maximum.reduceat(x[..., windows.members], starts, axis=-1)


def window_columns(windows: Any) -> np.ndarray:
    """Give the inputs of each window as a column, for maxima along the first axis.

    These are many times faster than maxima along short rows. Smaller windows repeat
    their first input, which does not change their maximum.

    Parameters
    ----------
    windows : PoolWindows
        The windows.

    Returns
    -------
    (largest_window, n_pools) array of int
        Flat input indices, without -1.

    Examples
    --------
    >>> from maxpool_circuits.network.maxima import window_columns
    >>> from maxpool_circuits.network.windows import PoolWindows
    >>> windows = PoolWindows.from_indices([[0, 1, 2], [2, 3]], n_inputs=4)
    >>> print(window_columns(windows))
    [[0 2]
     [1 3]
     [2 2]]
    """
    indices = windows.indices
    return np.ascontiguousarray(np.where(indices < 0, indices[:, :1], indices).T)
