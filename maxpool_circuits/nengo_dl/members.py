"""How TensorFlow gets at the inputs of all windows: the faster, the more regular."""

import functools
from itertools import product

import numpy as np
import tensorflow as tf

from ..network.windows import window_columns


def members_of(windows):
    """The fastest way to the members of these windows."""
    if windows.grid is None:
        return Gathered(windows)
    return Tiles(windows) if windows.grid.tiles else Slices(windows)


class Gathered:
    """Members of any windows, by index.

    Attributes
    ----------
    columns : (n_members, n_pools) array of int
        Input of each member of each window; the number of inputs where one lacks.
    """

    def __init__(self, windows):
        indices = windows.indices.T
        self.columns = np.where(indices < 0, windows.n_inputs, indices)
        self.complete = bool(np.all(indices >= 0))

    def __call__(self, x):
        """Members of (batch, n_inputs) inputs, as a list of (batch, n_pools) tensors.

        Members that lack are 0.
        """
        if not self.complete:
            x = tf.pad(x, [[0, 0], [0, 1]])
        return [tf.gather(x, column, axis=1) for column in self.columns]


class Slices:
    """Members of windows on a grid: a slice for each position in a window."""

    def __init__(self, windows):
        pool_size, strides, padding = windows.grid
        self.shape = windows.input_shape
        self.padding, spans = [], []
        for length, size, stride in zip(self.shape, pool_size, strides):
            before = after = 0
            n_windows = (length - size) // stride + 1
            if padding == "same":
                n_windows = -(-length // stride)
                overhang = max((n_windows - 1) * stride + size - length, 0)
                before, after = overhang // 2, overhang - overhang // 2
            self.padding.append((before, after))
            reach = (n_windows - 1) * stride + 1
            spans.append([slice(i, i + reach, stride) for i in range(size)])
        self.slices = list(product(*spans))
        numbers = np.arange(windows.n_inputs).reshape(self.shape)
        numbers = np.pad(numbers, self.padding, constant_values=windows.n_inputs)
        self.columns = np.stack([numbers[at].ravel() for at in self.slices])

    def __call__(self, x, lacking=0):
        """As `Gathered`; members that lack are what is given."""
        x = tf.reshape(x, (x.shape[0], *self.shape))
        if any(map(any, self.padding)):
            x = tf.pad(x, [(0, 0), *self.padding], constant_values=lacking)
        slices = [x[(slice(None), *at)] for at in self.slices]
        return [tf.reshape(each, (x.shape[0], -1)) for each in slices]


class Tiles:
    """Members of windows that tile a grid: axes are split, and taken apart."""

    def __init__(self, windows):
        self.shape = windows.input_shape
        pool_size = windows.grid.pool_size
        counts = [n // size for n, size in zip(self.shape, pool_size)]
        self.crop = tuple(slice(n * size) for n, size in zip(counts, pool_size))
        self.split = [part for pair in zip(counts, pool_size) for part in pair]
        numbers = np.arange(windows.n_inputs).reshape(self.shape)[self.crop]
        numbers = numbers.reshape(self.split)
        inner = range(1, len(self.split), 2)
        self.columns = np.moveaxis(numbers, inner, range(len(inner)))
        self.columns = self.columns.reshape(windows.sizes.max(), windows.n_pools)

    def __call__(self, x):
        """As `Gathered`."""
        x = tf.reshape(x, (x.shape[0], *self.shape))[(slice(None), *self.crop)]
        members = [tf.reshape(x, (x.shape[0], *self.split))]
        # the last axes first: long pieces are copied fast
        for axis in range(len(self.split), 0, -2):
            apart = [tf.unstack(each, axis=axis) for each in members]
            members = [each for position in zip(*apart) for each in position]
        return [tf.reshape(each, (x.shape[0], -1)) for each in members]


def maxima(x, windows):
    """Maximum of each window of (batch, n_inputs) inputs, (batch, n_pools)."""
    grid, shape = windows.grid, windows.input_shape
    if grid is None:
        return tf.reduce_max(tf.gather(x, window_columns(windows), axis=1), axis=1)
    if len(shape) == 3 and grid.pool_size[-1] == 1:
        # TensorFlow has an operation for images
        images = tf.reshape(x, (x.shape[0], *shape))
        size, strides = grid.pool_size[:2], grid.strides[:2]
        images = tf.nn.max_pool2d(images, size, strides, grid.padding.upper())
        return tf.reshape(images, (x.shape[0], -1))
    return functools.reduce(tf.maximum, Slices(windows)(x, lacking=x.dtype.min))


def arranged(values, units, windows, columns):
    """Move values of units to where ``columns`` has them; -inf where none is.

    ``values`` and ``units`` are as in `.operators.members.Members`.
    """
    pools = np.arange(windows.n_pools) * (windows.n_inputs + 1)
    at = Gathered(windows).columns + pools
    order = np.argsort(at[units])
    known, found = at[units][order], values[units][order]
    wanted = columns + pools
    nearest = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[nearest] == wanted, found[nearest], -np.inf)
