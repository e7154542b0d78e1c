"""How TensorFlow gets at the inputs of all windows: the faster, the more regular."""

import functools
from itertools import product

import numpy as np
import tensorflow as tf

from ..network.windows import window_columns


def members_of(windows):
    """The fastest way to the members of these windows."""
    return Gathered(windows) if windows.grid is None else OnGrid(windows)


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


class OnGrid:
    """Members of windows on a grid: a slice for each position in a window.

    Slices with strides are slow. So axes are split by the stride first, and taken
    apart, and then slices have no strides. Where windows tile the grid, that is all.
    """

    def __init__(self, windows):
        self.shape = windows.input_shape
        self.crop, self.padding, self.split, positions = [], [], [], []
        for length, size, stride in zip(self.shape, *windows.grid[:2]):
            before, n_windows = 0, (length - size) // stride + 1
            if windows.grid.padding == "same":
                n_windows = -(-length // stride)
                before = max((n_windows - 1) * stride + size - length, 0) // 2
            n_strides = n_windows + (size - 1) // stride
            self.split += [n_strides, stride]
            kept = min(length, n_strides * stride - before)
            self.crop.append(slice(kept))
            self.padding.append((before, n_strides * stride - before - kept))
            parts = [divmod(i, stride) for i in range(size)]
            positions.append(
                [(phase, slice(i, i + n_windows)) for i, phase in parts]
            )
        self.positions = [tuple(zip(*each)) for each in product(*positions)]
        numbers = np.arange(windows.n_inputs).reshape(self.shape)[tuple(self.crop)]
        numbers = np.pad(numbers, self.padding, constant_values=windows.n_inputs)
        numbers = numbers.reshape(self.split)
        every = [slice(None)] * len(self.shape)
        self.columns = np.stack(
            [
                numbers[tuple(i for pair in zip(every, phase) for i in pair)][at].ravel()
                for phase, at in self.positions
            ]
        )

    def __call__(self, x, lacking=0):
        """As `Gathered`; members that lack are what is given."""
        batch = x.shape[0]
        x = tf.reshape(x, (batch, *self.shape))[(slice(None), *self.crop)]
        if any(map(any, self.padding)):
            x = tf.pad(x, [(0, 0), *self.padding], constant_values=lacking)
        phases = {(): tf.reshape(x, (batch, *self.split))}
        # the last axes first: long pieces are copied fast
        for axis in range(len(self.split), 0, -2):
            phases = {
                (i, *phase): part
                for phase, each in phases.items()
                for i, part in enumerate(tf.unstack(each, axis=axis))
            }
        slices = (phases[phase][(slice(None), *at)] for phase, at in self.positions)
        return [tf.reshape(each, (batch, -1)) for each in slices]


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
    return functools.reduce(tf.maximum, OnGrid(windows)(x, lacking=x.dtype.min))


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
