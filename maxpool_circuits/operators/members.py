"""Inputs of windows, members first: the first inputs of all windows, the second, ..."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..network.windows import PoolWindows, window_columns

#: How many members NumPy works on at a time, so that they stay in the processor's
#: cache. A million pools of 4 took half the time so.
BLOCK = 65536


class Members:
    """Where the inputs of windows are in an array of shape (largest window, n_pools).

    Smaller windows lack their last members.

    Attributes
    ----------
    columns : (largest window, n_pools) array of int
        Input of each member; the number of inputs for those that lack.
    """

    def __init__(self, windows: PoolWindows) -> None:
        self.sizes = windows.sizes
        self.columns = window_columns(windows, lacking=windows.n_inputs)
        self.n_inputs = windows.n_inputs

    @property
    def complete(self) -> bool:
        """Whether every window has all members."""
        return bool(np.all(self.columns < self.n_inputs))

    def present(self, alone: bool) -> np.ndarray:
        """Which members there are; those of windows of one input only if they count."""
        return (self.columns < self.n_inputs) & (alone | (self.sizes > 1))

    def padded(self, x: np.ndarray) -> np.ndarray:
        """An input in which ``columns`` find 0 for members that lack."""
        return x if self.complete else np.append(x, 0)

    def blocks(self) -> Iterator[slice]:
        """Slices of all pools, each of a size that NumPy is fast with."""
        n_members, n_pools = self.columns.shape
        length = max(1, BLOCK // n_members)
        for start in range(0, n_pools, length):
            yield slice(start, start + length)


def in_place(values: np.ndarray, units: np.ndarray, lacking: float = 0) -> np.ndarray:
    """Put the values of units, pool by pool, where they are in members."""
    placed = np.full(units.shape, lacking, dtype=float)
    placed.T[units.T] = values
    return placed
