"""Windows along the axes of an array."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple, Union

import numpy as np
from nengo.exceptions import ValidationError

#: Windows hold no more inputs in all, which are a gigabyte of indices.
MOST_MEMBERS = 2**27

#: "same", or by how much windows may reach out at the beginning and at the end.
Padding = Union[str, tuple[int, int]]


class Axis(NamedTuple):
    """Windows along one axis: what ``range(start, stop, step)`` has inside of it."""

    length: int
    starts: np.ndarray
    stops: np.ndarray
    step: int = 1

    @property
    def first(self) -> np.ndarray:
        """First input of each window."""
        return np.where(self.starts < 0, self.starts % self.step, self.starts)

    @property
    def sizes(self) -> np.ndarray:
        """Number of inputs in each window."""
        inside = np.minimum(self.stops, self.length) - self.first
        return np.maximum(-(-inside // self.step), 0)

    @property
    def span(self) -> int:
        """From the first to the last input of the first window."""
        return int(self.stops[0] - self.starts[0])

    @property
    def stride(self) -> int | None:
        """Distance of neighbouring windows; None if distances or sizes differ."""
        strides = np.diff(self.starts)
        if len(strides) == 0:
            # a single window may as well be one of many side by side
            return self.span
        is_regular = strides[0] > 0 and np.ptp(strides) == 0
        is_regular = is_regular and np.ptp(self.stops - self.starts) == 0
        return int(strides[0]) if is_regular else None

    def equals(self, other: Axis) -> bool:
        """Whether windows are the same, and reach out of the axis as far."""
        return (self.length, self.step) == (other.length, other.step) and all(
            map(np.array_equal, self[1:3], other[1:3])
        )


def regular_axis(
    length: int,
    size: int,
    stride: int,
    padding: Padding = (0, 0),
    dilation: int = 1,
    ceil_mode: bool = False,
) -> Axis:
    """Windows of one size at equal distances; none if they do not fit."""
    span = (size - 1) * dilation + 1
    if isinstance(padding, str):
        n_windows = -(-length // stride)
        before = max((n_windows - 1) * stride + span - length, 0) // 2
    else:
        before, after = padding
        room = before + length + after - span
        n_windows = max((room + (stride - 1 if ceil_mode else 0)) // stride + 1, 0)
        if ceil_mode and (n_windows - 1) * stride >= before + length:
            # the last one would start in the padding
            n_windows -= 1
    _check_members(n_windows)
    starts = np.arange(n_windows) * stride - before
    return Axis(length, starts, starts + span, dilation)


def adaptive_axis(length: int, n_windows: int) -> Axis:
    """Windows of nearly one size that cover an axis, by PyTorch's rule."""
    _check_members(n_windows)
    numbers = np.arange(n_windows)
    return Axis(
        length, numbers * length // n_windows, -(-(numbers + 1) * length // n_windows)
    )


def lay_out(axes: Sequence[Axis]) -> tuple[np.ndarray, np.ndarray]:
    """Flat indices of the inputs, one window after another, and sizes of windows."""
    sizes = [axis.sizes for axis in axes]
    _check_members(prod(int(each.sum()) for each in sizes))
    flat = np.array(0)
    inside = np.array(True)
    for i, (axis, size) in enumerate(zip(axes, sizes)):
        position = np.arange(size.max())
        # first the axes of the windows, then those of the positions in a window
        others = tuple(j for j in range(2 * len(axes)) if j % len(axes) != i)
        inputs = axis.first[:, np.newaxis] + axis.step * position
        flat = flat * axis.length + np.expand_dims(inputs, others)
        inside = inside & np.expand_dims(position < size[:, np.newaxis], others)
    inside = inside.reshape(prod(map(len, sizes)), -1)
    return flat.reshape(inside.shape)[inside], inside.sum(axis=1)


def _check_members(n_members: int) -> None:
    """Refuse what would take too much memory, before it is allocated."""
    if n_members > MOST_MEMBERS:
        raise ValidationError(
            f"windows would hold {n_members} inputs or more in all; at most "
            f"{MOST_MEMBERS} are possible, so use fewer or smaller windows",
            attr="PoolWindows",
        )
