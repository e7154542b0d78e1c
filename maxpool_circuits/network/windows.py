"""Pooling windows: which inputs each pool looks at."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Union

import numpy as np
from nengo.exceptions import ValidationError
from nengo.params import FrozenObject, NdarrayParam, ShapeParam

from ..utils.checks import (
    LARGEST_INTEGER,
    is_count,
    positive_integer,
    valid_flag,
)
from .checked_indices import checked_indices, entries_of
from .grid import Grid, lay_out_grid
from .maxima import maxima

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

#: A number for all spatial axes, or one for each.
PerAxis = Union[int, Sequence[int]]

_PADDINGS = ("valid", "same")


class PoolWindows(FrozenObject):
    """Which inputs each pool looks at.

    A value that cannot change: two windows are equal if they have the same shapes
    and indices, however they were made. Windows may overlap, and may leave inputs
    out. Inputs and outputs are numbered in C order of ``input_shape`` and
    ``output_shape``.

    Parameters
    ----------
    input_shape : (2 to 4,) sequence of int
        Shape of the input: one, two or three spatial axes and the channel axis.
    pool_size : int or (n_spatial_axes,) sequence of int, optional (Default: 2)
        Length of a window along each spatial axis, in inputs.
    strides : int or (n_spatial_axes,) sequence of int, optional (Default: None)
        Distance between neighbouring windows along each spatial axis, in inputs.
        None means ``pool_size``.
    padding : {"valid", "same"}, optional (Default: "valid")
        As in Keras. With "valid", every window lies inside the input. With "same",
        there are ``ceil(length / stride)`` windows along each axis, and those that
        reach past an edge are smaller (the outside is ignored, not zero).
    channels_last : bool, optional (Default: True)
        Whether the channel axis is the last axis of ``input_shape`` or its first.

    Attributes
    ----------
    input_shape : tuple of int
        Shape of the input; ``(n_inputs,)`` for windows over a flat vector.
    output_shape : tuple of int
        Shape of the output; the channel axis is where it is in ``input_shape``.
    n_inputs : int
        Number of inputs.
    n_pools : int
        Number of windows.
    indices : (n_pools, largest_window) array of int, read-only
        Inputs of each window in row-major order of the spatial axes (or as given to
        `from_indices`), then -1 where a window is smaller than the largest. Made when
        it is first asked for: with windows of very different sizes it is mostly -1.
    members : (sum of sizes,) array of int, read-only
        The same without -1, one window after another.
    sizes : (n_pools,) array of int, read-only
        Number of inputs in each window.
    grid : Grid or None
        The grid that the windows were laid out on, over all axes of ``input_shape``:
        ``pool_size``, ``strides`` and ``padding``. None for those of `from_indices`.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a shape, size or stride is not a positive integer or has the wrong number
        of entries, if ``padding`` is unknown, if ``channels_last`` is no bool, or if a
        window is larger than the input and ``padding`` is "valid".

    Examples
    --------
    The 2x2 windows of a 4x4 image with one channel:

    >>> from maxpool_circuits import PoolWindows
    >>> windows = PoolWindows((4, 4, 1))
    >>> windows.output_shape
    (2, 2, 1)
    >>> windows.indices
    array([[ 0,  1,  4,  5],
           [ 2,  3,  6,  7],
           [ 8,  9, 12, 13],
           [10, 11, 14, 15]])

    Overlapping windows, smaller at the end:

    >>> windows = PoolWindows((4, 1), pool_size=3, strides=2, padding="same")
    >>> windows.indices
    array([[ 0,  1,  2],
           [ 2,  3, -1]])
    >>> windows.max([0.3, 0.1, 0.2, 0.4])
    array([0.3, 0.4])
    """

    input_shape = ShapeParam("input_shape")
    output_shape = ShapeParam("output_shape")
    members = NdarrayParam("members", shape=("*",))
    sizes = NdarrayParam("sizes", shape=("*",))

    def __init__(
        self,
        input_shape: Sequence[int],
        pool_size: PerAxis = 2,
        strides: PerAxis | None = None,
        padding: str = "valid",
        channels_last: bool = True,
    ) -> None:
        shape, channel_axis = _check_shape(input_shape, channels_last)
        spatial_shape = shape[:channel_axis] + shape[channel_axis + 1 :]
        pools = _one_per_axis("pool_size", pool_size, len(spatial_shape))
        steps = pools
        if strides is not None:
            steps = _one_per_axis("strides", strides, len(spatial_shape))
        if not isinstance(padding, str) or padding not in _PADDINGS:
            raise _error("padding", f"must be one of {_PADDINGS}; got {padding!r}")
        if padding == "valid" and np.any(np.greater(pools, spatial_shape)):
            raise _error(
                "pool_size",
                f"{pools} does not fit into the spatial shape {spatial_shape} of "
                "the input; use a smaller pool_size or padding='same'",
            )

        # channels are one more axis, along which every window has length 1
        grid = Grid(
            pools[:channel_axis] + (1,) + pools[channel_axis:],
            steps[:channel_axis] + (1,) + steps[channel_axis:],
            padding,
        )
        self._define(
            f"PoolWindows({shape}, pool_size={pools}, strides={steps}, "
            f"padding={padding!r}, channels_last={bool(channels_last)})",
            shape,
            *lay_out_grid(shape, grid),
            grid,
        )

    @classmethod
    def independent(cls, n_pools: int, window_size: int) -> PoolWindows:
        """Make windows of equal size that follow each other.

        Pool 0 looks at inputs 0 to ``window_size - 1``, pool 1 at the next
        ``window_size`` inputs, and so on.

        Parameters
        ----------
        n_pools : int
            Number of windows.
        window_size : int
            Number of inputs in each window.

        Returns
        -------
        PoolWindows
            Windows with ``input_shape == (n_pools * window_size,)`` and
            ``output_shape == (n_pools,)``.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is not a positive integer.

        Examples
        --------
        >>> PoolWindows.independent(n_pools=2, window_size=3).indices
        array([[0, 1, 2],
               [3, 4, 5]])
        """
        n_pools = positive_integer(n_pools, "n_pools", PoolWindows)
        window_size = positive_integer(window_size, "window_size", PoolWindows)
        return cls.__new__(cls)._define(
            f"PoolWindows.independent(n_pools={n_pools}, window_size={window_size})",
            (n_pools * window_size,),
            (n_pools,),
            np.arange(n_pools * window_size),
            np.full(n_pools, window_size),
            Grid((window_size,), (window_size,), "valid"),
        )

    @classmethod
    def global_pooling(
        cls, input_shape: Sequence[int], channels_last: bool = True
    ) -> PoolWindows:
        """Make one window per channel, over all spatial axes.

        Parameters
        ----------
        input_shape : (2 to 4,) sequence of int
            Shape of the input: one, two or three spatial axes and the channel axis.
        channels_last : bool, optional (Default: True)
            Whether the channel axis is the last axis of ``input_shape`` or its first.

        Returns
        -------
        PoolWindows
            Windows with ``output_shape == (n_channels,)``.

        Raises
        ------
        nengo.exceptions.ValidationError
            If ``input_shape`` does not hold two to four positive integers, or
            ``channels_last`` is no bool.

        Examples
        --------
        >>> windows = PoolWindows.global_pooling((2, 2, 3))
        >>> windows.output_shape
        (3,)
        >>> windows.indices
        array([[ 0,  3,  6,  9],
               [ 1,  4,  7, 10],
               [ 2,  5,  8, 11]])
        """
        shape, channel_axis = _check_shape(input_shape, channels_last)
        pool_size = list(shape)
        pool_size[channel_axis] = 1
        grid = Grid(tuple(pool_size), tuple(pool_size), "valid")
        _, members, sizes = lay_out_grid(shape, grid)
        return cls.__new__(cls)._define(
            f"PoolWindows.global_pooling({shape}, channels_last={bool(channels_last)})",
            shape,
            (shape[channel_axis],),
            members,
            sizes,
            grid,
        )

    @classmethod
    def from_indices(
        cls, indices: Sequence[Sequence[int]] | np.ndarray, n_inputs: int
    ) -> PoolWindows:
        """Make windows from the list of inputs of each.

        Parameters
        ----------
        indices : (n_pools,) sequence of sequences of int
            Inputs of each window; their order is kept. Windows may differ in size.
            Entries of -1 at the end of a window are padding, so that a 2-D array like
            the attribute ``indices`` is accepted too.
        n_inputs : int
            Number of inputs; at least the largest index + 1.

        Returns
        -------
        PoolWindows
            Windows with ``input_shape == (n_inputs,)`` and
            ``output_shape == (n_pools,)``.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an index is not an integer, is out of range or is twice in one window,
            if a window is empty or has padding before an index, if there are no
            windows, or if ``n_inputs`` is not a positive integer.

        Examples
        --------
        >>> windows = PoolWindows.from_indices([[0, 1, 2], [2, 3]], n_inputs=4)
        >>> windows.indices
        array([[ 0,  1,  2],
               [ 2,  3, -1]])
        >>> windows
        <PoolWindows: 2 windows of 2 to 3 inputs, n_inputs=4>
        """
        n_inputs = positive_integer(n_inputs, "n_inputs", PoolWindows)
        return flat_windows(*checked_indices(indices, n_inputs, cls), n_inputs)

    def _define(
        self, description, input_shape, output_shape, members, sizes, grid=None
    ):
        """Set all attributes, from the inputs of all windows one after another."""
        super().__init__()
        self.input_shape = input_shape
        self.output_shape = output_shape
        self.members = members
        self.sizes = sizes
        self._description = description
        # no parameters: how windows were made does not matter for what they are
        self._grid = grid
        self._indices = None
        return self

    @property
    def grid(self) -> Grid | None:
        """The grid that the windows were laid out on; None if there is none."""
        return self._grid

    @property
    def indices(self) -> np.ndarray:
        """Inputs of each window, then -1."""
        if self._indices is None:
            indices = np.full((self.n_pools, self.sizes.max()), -1, dtype=np.int64)
            is_member = np.arange(indices.shape[1]) < self.sizes[:, None]
            indices[is_member] = self.members
            indices.setflags(write=False)
            self._indices = indices
        return self._indices

    @property
    def n_inputs(self) -> int:
        """Number of inputs."""
        return prod(self.input_shape)

    @property
    def n_pools(self) -> int:
        """Number of windows."""
        return prod(self.output_shape)

    def __repr__(self) -> str:
        """Show the call that makes these windows, or a summary of their indices."""
        return self._description

    def max(self, x: ArrayLike) -> np.ndarray:
        """Compute the exact maximum of each window.

        Parameters
        ----------
        x : (..., n_inputs) array_like of real numbers
            Inputs, flat in C order of ``input_shape``, after any other axes.

        Returns
        -------
        (..., n_pools) array
            Maximum of each window, flat in C order of ``output_shape``, with the
            type of ``x``. It is NaN where a window contains a NaN.

        Raises
        ------
        nengo.exceptions.ValidationError
            If ``x`` has the wrong length along its last axis, or is no array of
            integers or real numbers.

        Examples
        --------
        >>> windows = PoolWindows((2, 2, 3))
        >>> windows.max([[5, 0, 0, 0, 6, 0, 0, 0, 7, 1, 2, 3]])
        array([[5, 6, 7]])
        """
        try:
            x = np.asarray(x)
        except ValueError as error:
            raise _error("x", f"cannot be made an array: {error}") from error
        if x.dtype.kind not in "iuf":
            raise _error("x", f"must hold real numbers; got dtype {x.dtype}")
        if x.ndim == 0 or x.shape[-1] != self.n_inputs:
            raise _error(
                "x",
                f"must have n_inputs ({self.n_inputs}) entries along its last axis, "
                f"flat in C order of input_shape {self.input_shape}; got shape "
                f"{x.shape}",
            )
        return maxima(self)(x)


def flat_windows(members: np.ndarray, sizes: np.ndarray, n_inputs: int) -> PoolWindows:
    """Make windows over a vector from what is known to be right.

    Parameters
    ----------
    members : (sum of sizes,) array of int
        Inputs of all windows, one window after another.
    sizes : (n_pools,) array of int
        Number of inputs in each window.
    n_inputs : int
        Number of inputs.

    Returns
    -------
    PoolWindows
        As from `.PoolWindows.from_indices`, which checks everything.

    Examples
    --------
    >>> import numpy as np
    >>> from maxpool_circuits.network.windows import flat_windows
    >>> members, sizes = np.array([0, 1, 2, 3]), np.array([3, 1])
    >>> flat_windows(members, sizes, n_inputs=4).indices
    array([[ 0,  1,  2],
           [ 3, -1, -1]])
    """
    return PoolWindows.__new__(PoolWindows)._define(
        f"<PoolWindows: {len(sizes)} windows of {sizes.min()} to {sizes.max()} "
        f"inputs, n_inputs={n_inputs}>",
        (n_inputs,),
        (len(sizes),),
        members,
        sizes,
    )


def _error(argument, message):
    return ValidationError(message, attr=argument, obj=PoolWindows)


def _one_per_axis(argument: str, value: PerAxis, n_axes: int) -> tuple[int, ...]:
    """Check positive integers along the spatial axes; repeat a single one."""
    entries = (value,) * n_axes if is_count(value) else entries_of(value)
    if len(entries) != n_axes or not all(map(is_count, entries)):
        raise _error(
            argument,
            f"must be an integer from 1 to {LARGEST_INTEGER}, or {n_axes} of them (one "
            f"per spatial axis); got {value!r}",
        )
    return tuple(map(int, entries))


def _check_shape(input_shape, channels_last):
    """Check the shape of an input; find its channel axis."""
    entries = entries_of(input_shape)
    valid = len(entries) in (2, 3, 4) and all(map(is_count, entries))
    if not valid or prod(map(int, entries)) > LARGEST_INTEGER:
        raise _error(
            "input_shape",
            "must be 2, 3 or 4 integers (one to three spatial axes and the channel "
            f"axis), for 1 to {LARGEST_INTEGER} inputs in all; got {input_shape!r}",
        )
    valid_flag(channels_last, "channels_last", PoolWindows)
    return tuple(map(int, entries)), len(entries) - 1 if channels_last else 0
