"""How TensorFlow gets at the inputs of all windows: the faster, the more regular."""

import functools
from itertools import product

import numpy as np
import tensorflow as tf

from ..network.windows import window_columns
from ..operators.members import Members


def layout(windows):
    """The fastest layout for these windows."""
    if windows.grid is None:
        return Gathered(windows)
    return Tiles(windows) if windows.grid.tiles else Slices(windows)


class Layout:
    """Members of all windows in one tensor, in an order that suits TensorFlow.

    A subclass defines ``columns``, the input of each member (the number of inputs for
    those that lack) and ``pools``, its pool, both arrays of ``shape``; and methods for
    tensors, whose first axis is the batch.
    """

    def __init__(self, windows):
        self.windows = windows

    def arranged(self, values, units):
        """Values of members (see `Members`), in this order, flat; -inf where none is."""
        compact = Members(self.windows)
        n_pools, n_inputs = self.windows.n_pools, self.windows.n_inputs
        pools = np.broadcast_to(np.arange(n_pools), units.shape)
        keys = (pools * (n_inputs + 1) + compact.columns)[units]
        order = np.argsort(keys)
        wanted = np.ravel(self.pools * (n_inputs + 1) + self.columns)
        at = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
        at = order[at]
        return np.where(keys[at] == wanted, values[units][at], -np.inf)

    def take(self, x):
        """Members of (batch, n_inputs) inputs; 0 where one lacks."""
        raise NotImplementedError

    def max(self, x):
        """Maxima, (batch, n_pools), of (batch, n_inputs) inputs."""
        grid, shape = self.windows.grid, self.windows.input_shape
        if grid is None:
            return tf.reduce_max(tf.gather(x, window_columns(self.windows), axis=1), 1)
        if len(shape) == 3 and grid.pool_size[-1] == 1:
            images = tf.reshape(x, (x.shape[0], *shape))
            size, strides = grid.pool_size[:2], grid.strides[:2]
            maxima = tf.nn.max_pool2d(images, size, strides, grid.padding.upper())
            return tf.reshape(maxima, (x.shape[0], -1))
        slices = Slices(self.windows).slices(x, lacking=x.dtype.min)
        return functools.reduce(tf.maximum, slices)

    def mean(self, members):
        """Mean of each window, (batch, n_pools)."""
        return self.sum(members) / tf.constant(self.windows.sizes, members.dtype)

    def sum(self, members):
        """Sum over each window, (batch, n_pools)."""
        return tf.reduce_sum(members, axis=1)

    def spread(self, values):
        """Give a value of each pool, (batch, n_pools), to all of its members."""
        return tf.expand_dims(values, 1)


class Gathered(Layout):
    """Any windows: members first, by index."""

    def __init__(self, windows):
        super().__init__(windows)
        compact = Members(windows)
        self.columns, self.complete = compact.columns, compact.complete
        self.pools = np.broadcast_to(np.arange(windows.n_pools), self.columns.shape)
        self.shape = self.columns.shape

    def take(self, x):
        """Gather them."""
        if not self.complete:
            x = tf.pad(x, [[0, 0], [0, 1]])
        return tf.gather(x, self.columns, axis=1)

    def slices(self, x):
        """Each row of them, (batch, n_pools)."""
        return tf.unstack(self.take(x), axis=1)


class Slices(Layout):
    """Windows on a grid that overlap or are smaller at edges: a slice per position."""

    def __init__(self, windows):
        super().__init__(windows)
        pool_size, strides, padding = windows.grid
        self.lengths = windows.input_shape
        self.padding = [(0, 0)] * len(pool_size)
        self.spans = []
        counts = []
        for axis, (length, size, stride) in enumerate(
            zip(self.lengths, pool_size, strides)
        ):
            n_windows = (length - size) // stride + 1
            if padding == "same":
                n_windows = -(-length // stride)
                overhang = max((n_windows - 1) * stride + size - length, 0)
                self.padding[axis] = (overhang // 2, overhang - overhang // 2)
            counts.append(n_windows)
            reach = (n_windows - 1) * stride + 1
            self.spans.append([slice(i, i + reach, stride) for i in range(size)])
        # the same for numbers of inputs
        numbers = np.arange(windows.n_inputs).reshape(self.lengths)
        numbers = np.pad(numbers, self.padding, constant_values=windows.n_inputs)
        self.columns = np.stack([numbers[at].ravel() for at in product(*self.spans)])
        self.shape = self.columns.shape
        self.pools = np.broadcast_to(np.arange(windows.n_pools), self.shape)

    def slices(self, x, lacking=0):
        """The members at each position of a window, (batch, n_pools) each."""
        x = tf.reshape(x, (x.shape[0], *self.lengths))
        if any(map(any, self.padding)):
            x = tf.pad(x, [(0, 0), *self.padding], constant_values=lacking)
        return [
            tf.reshape(x[(slice(None), *at)], (x.shape[0], self.shape[1]))
            for at in product(*self.spans)
        ]

    def take(self, x):
        """Stack them."""
        return tf.stack(self.slices(x), axis=1)


class Tiles(Layout):
    """Windows that tile a grid: the inputs as they are, with axes in the windows."""

    def __init__(self, windows):
        super().__init__(windows)
        pool_size = windows.grid.pool_size
        counts = [n // size for n, size in zip(windows.input_shape, pool_size)]
        self.lengths = [n * size for n, size in zip(counts, pool_size)]
        self.shape, self.inner, spread = [], [], []
        for n, size in zip(counts, pool_size):
            self.shape.append(n)
            spread.append(n)
            if size > 1:
                # the batch comes first
                self.inner.append(len(self.shape) + 1)
                self.shape.append(size)
                spread.append(1)
        self.spread_shape = tuple(spread)
        self.crop = tuple(map(slice, self.lengths))
        numbers = np.arange(windows.n_inputs).reshape(windows.input_shape)
        self.columns = numbers[self.crop].reshape(self.shape)
        pools = np.arange(windows.n_pools).reshape(self.spread_shape)
        self.pools = np.broadcast_to(pools, self.shape)
        #: TensorFlow has an operation for these
        self.is_image = len(self.lengths) == 3 and pool_size[-1] == 1

    def take(self, x):
        """Split axes."""
        x = tf.reshape(x, (x.shape[0], *self.windows.input_shape))
        return tf.reshape(x[(slice(None), *self.crop)], (x.shape[0], *self.shape))

    def mean(self, members):
        """Average windows of images in one operation."""
        if not self.is_image:
            return super().mean(members)
        images = tf.reshape(members, (members.shape[0], *self.lengths))
        size = self.windows.grid.pool_size[:2]
        means = tf.nn.avg_pool2d(images, size, size, "VALID")
        return tf.reshape(means, (members.shape[0], -1))

    def sum(self, members):
        """Sum over the axes in the windows."""
        size = float(np.prod(self.windows.grid.pool_size))
        if self.is_image:
            return size * self.mean(members)
        sums = tf.reduce_sum(members, axis=self.inner)
        return tf.reshape(sums, (members.shape[0], -1))

    def spread(self, values):
        """Repeat along the axes in the windows."""
        return tf.reshape(values, (values.shape[0], *self.spread_shape))
