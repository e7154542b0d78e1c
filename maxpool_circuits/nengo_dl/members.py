"""How TensorFlow gets at the inputs of all windows: the faster, the more regular."""

import functools
from itertools import product

import numpy as np
import tensorflow as tf

from ..network.grid import Axis, regular_axis
from ..network.windows import window_columns
from ..operators.members import Members


def members_of(windows):
    """The fastest way to the members of these windows."""
    return OnGrid(windows) if _is_regular(windows) else Gathered(windows)


def _is_regular(windows):
    """Whether windows of one size are at equal distances along each axis."""
    return windows.axes is not None and None not in [a.stride for a in windows.axes]


class Gathered:
    """Members of any windows, by index: ``columns`` as in `.operators.members`."""

    def __init__(self, windows):
        self.columns = Members(windows).columns
        self.complete = bool(np.all(self.columns < windows.n_inputs))

    def __call__(self, x):
        """Members of (batch, n_inputs) inputs, each (batch, n_pools); 0 for lacking."""
        if not self.complete:
            x = tf.pad(x, [[0, 0], [0, 1]])
        return [tf.gather(x, column, axis=1) for column in self.columns]


class OnGrid:
    """Members of windows on a grid: a slice for each position in a window.

    Slices with strides are slow. So axes are split by the stride first, and taken
    apart, and then slices have no strides. Where windows tile the grid, that is all.
    """

    def __init__(self, windows):
        axes, self.shape = windows.axes, windows.input_shape
        self.counts = [len(axis.starts) for axis in axes]
        self.strides = [axis.stride for axis in axes]
        before = [-int(axis.starts[0]) for axis in axes]
        inside = [range(0, axis.span, axis.step) for axis in axes]
        self.positions = list(product(*inside))
        # how many strides windows reach over, and what is cut off and padded for that
        self.reach = [
            n + each[-1] // stride
            for n, each, stride in zip(self.counts, inside, self.strides)
        ]
        ends = [n * s - b for n, s, b in zip(self.reach, self.strides, before)]
        self.kept = tuple(map(min, ends, self.shape))
        self.padding = [(b, e - k) for b, e, k in zip(before, ends, self.kept)]
        numbers = np.arange(windows.n_inputs).reshape(self.shape)
        numbers = numbers[tuple(map(slice, self.kept))]
        numbers = np.pad(numbers, self.padding, constant_values=windows.n_inputs)
        self.columns = np.stack([self._at(numbers, at) for at in self.positions])

    def _at(self, numbers, position):
        """The inputs at a position in all windows."""
        spans = zip(position, self.counts, self.strides)
        at = tuple(slice(i, i + (n - 1) * s + 1, s) for i, n, s in spans)
        return numbers[at].ravel()

    def __call__(self, x, lacking=0):
        """As `Gathered`; members that lack are what is given."""
        batch = x.shape[0]
        if self.kept != self.shape or any(map(any, self.padding)):
            x = tf.reshape(x, (batch, *self.shape))
            x = tf.slice(x, [0] * x.shape.rank, [batch, *self.kept])
            x = tf.pad(x, [(0, 0), *self.padding], constant_values=lacking)
        split, axes = [batch], []
        for n, stride in zip(self.reach, self.strides):
            split.append(n)
            # no operation where there is nothing to take apart
            axes.append(len(split) if stride > 1 else None)
            split += [stride] if stride > 1 else []
        phases = {(): tf.reshape(x, split)}
        # the last axes first: long pieces are copied fast
        for axis in reversed(axes):
            phases = {
                (i, *phase): part
                for phase, each in phases.items()
                for i, part in enumerate(
                    [each] if axis is None else tf.unstack(each, axis=axis)
                )
            }
        return [self._sliced(phases, position) for position in self.positions]

    def _sliced(self, phases, position):
        """The inputs at a position in all windows, from what was taken apart."""
        starts, phase = zip(*map(divmod, position, self.strides))
        part = phases[phase]
        batch = part.shape[0]
        if self.reach != self.counts:
            part = tf.slice(part, [0, *starts], [batch, *self.counts])
        return tf.reshape(part, (batch, -1))


def maxima(x, windows):
    """Maximum of each window of (batch, n_inputs) inputs, (batch, n_pools)."""
    if not _is_regular(windows):
        return tf.reduce_max(tf.gather(x, window_columns(windows), axis=1), axis=1)
    padding = _padding_of_images(windows.axes)
    if padding is None:
        return functools.reduce(tf.maximum, OnGrid(windows)(x, lacking=x.dtype.min))
    images = tf.reshape(x, (x.shape[0], *windows.input_shape))
    rows, columns, _ = windows.axes
    size, strides = (rows.span, columns.span), (rows.stride, columns.stride)
    images = tf.nn.max_pool2d(images, size, strides, padding)
    return tf.reshape(images, (x.shape[0], -1))


def _padding_of_images(axes):
    """By which TensorFlow's operation for images has these windows; None if by none."""
    if len(axes) == 3 and axes[-1].span == axes[-1].stride == 1:
        for name, padding in (("VALID", (0, 0)), ("SAME", "same")):
            known = [regular_axis(a.length, a.span, a.stride, padding) for a in axes]
            if all(map(Axis.equals, axes, known)):
                return name
    return None
