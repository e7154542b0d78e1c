"""Pooling windows: which inputs each pool looks at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from reprlib import repr as short_repr
from typing import TYPE_CHECKING, Any, Union

import numpy as np
from nengo.exceptions import ValidationError
from nengo.params import FrozenObject, NdarrayParam, Parameter, ShapeParam
from nengo.transforms import ChannelShape

from ..utils.checks import (
    LARGEST_INTEGER,
    is_count,
    is_integer,
    valid_flag,
    valid_integer,
)
from .arrays import as_array
from .grid import Axis, Padding, adaptive_axis, lay_out, regular_axis

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

#: A number for all spatial axes, or one for each.
PerAxis = Union[int, Sequence[int]]
#: Shape of the input of windows on a grid.
InputShape = Union[Sequence[int], ChannelShape]

_PADDINGS: dict[str, Padding] = {"valid": (0, 0), "same": "same"}

#: Arrays with a column for each window may have room for so many times their inputs.
_MOST_EMPTY = 4


class PoolWindows(FrozenObject):
    """Which inputs each pool looks at.

    A value that cannot change: two windows are equal if they have the same shapes
    and indices, however they were made. Windows may overlap, and may leave inputs
    out. Inputs and outputs are numbered in C order of ``input_shape`` and
    ``output_shape``.

    Parameters
    ----------
    input_shape : (1 to 4,) sequence of int or nengo.transforms.ChannelShape
        Shape of the input: one, two or three spatial axes and the channel axis, or
        ``(n_inputs,)`` for a flat vector, which is one spatial axis without channels.
    pool_size : int or (n_spatial_axes,) sequence of int, optional (Default: 2)
        Number of inputs in a window along each spatial axis.
    strides : int or (n_spatial_axes,) sequence of int, optional (Default: None)
        Distance between neighbouring windows along each spatial axis, in inputs.
        None means ``pool_size``.
    padding : str or int or (n_spatial_axes,) sequence, optional (Default: "valid")
        How far windows may reach past the edges. The outside is ignored: windows at
        an edge are smaller. With "valid", not at all. With "same", as in Keras: there
        are ``ceil(length / stride)`` windows along each axis, and what that needs is
        split evenly, the odd one after the end. A number, as in PyTorch, is by how many
        inputs, at both ends of all axes; or one entry per spatial axis, each a number
        or a pair (before, after).
    dilation : int or (n_spatial_axes,) sequence of int, optional (Default: 1)
        Distance between neighbouring inputs of one window along each spatial axis.
    ceil_mode : bool, optional (Default: False)
        As in PyTorch and ONNX: whether one more window may reach past the end of an
        axis (and its padding) where otherwise inputs would be left over. A window
        that would start after the end is left out. Without effect with "same".
    channels_last : bool, optional (Default: True)
        Whether the channel axis is the last axis of ``input_shape`` or its first. A
        ``ChannelShape`` says that itself.

    Attributes
    ----------
    input_shape : tuple of int
        Shape of the input.
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
    axes : tuple of Axis or None
        The windows along each axis of ``input_shape``; None for `from_indices`.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an argument is not as described, if a window is larger than the (padded)
        input or has no input at all, or if windows would hold more than 2**27 inputs
        in all.

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
        input_shape: InputShape,
        pool_size: PerAxis = 2,
        strides: PerAxis | None = None,
        padding: str | int | Sequence[int | Sequence[int]] = "valid",
        dilation: PerAxis = 1,
        ceil_mode: bool = False,
        channels_last: bool = True,
    ) -> None:
        shape, spatial, channels_last = _checked_shape(input_shape, channels_last)
        sizes = _one_per_axis("pool_size", pool_size, len(spatial))
        steps = sizes
        if strides is not None:
            steps = _one_per_axis("strides", strides, len(spatial))
        pads = _padding_per_axis(padding, len(spatial))
        dilations = _one_per_axis("dilation", dilation, len(spatial))
        ceil_mode = valid_flag(ceil_mode, "ceil_mode", PoolWindows)

        lengths = tuple(shape[axis] for axis in spatial)
        axes = [
            regular_axis(length, size, step, pad, gap, ceil_mode)
            for length, size, step, pad, gap in zip(
                lengths, sizes, steps, pads, dilations
            )
        ]
        if not all(len(axis.starts) for axis in axes):
            raise _error(
                "pool_size",
                f"{sizes} (dilation {dilations}) does not fit into the spatial shape "
                f"{lengths} of the input; use a smaller pool_size or padding='same'",
            )
        if not all(axis.sizes.all() for axis in axes):
            raise _error(
                "padding",
                f"{padding!r} makes windows that have no input, only padding; use less "
                "padding or dilation",
            )
        self._on_grid(
            f"PoolWindows({shape}, pool_size={sizes}, strides={steps}, "
            f"padding={padding if isinstance(padding, str) else pads!r}, "
            f"dilation={dilations}, ceil_mode={ceil_mode}, "
            f"channels_last={channels_last})",
            shape,
            dict(zip(spatial, axes)),
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

        Examples
        --------
        >>> PoolWindows.independent(n_pools=2, window_size=3).indices
        array([[0, 1, 2],
               [3, 4, 5]])
        """
        n_pools = valid_integer(n_pools, "n_pools", PoolWindows)
        window_size = valid_integer(window_size, "window_size", PoolWindows)
        n_inputs = n_pools * window_size
        return cls.__new__(cls)._on_grid(
            f"PoolWindows.independent(n_pools={n_pools}, window_size={window_size})",
            (n_inputs,),
            {0: regular_axis(n_inputs, window_size, window_size)},
        )

    @classmethod
    def global_pooling(
        cls, input_shape: InputShape, channels_last: bool = True
    ) -> PoolWindows:
        """Make one window per channel, over all spatial axes.

        Parameters
        ----------
        input_shape, channels_last : optional
            As in `.PoolWindows`.

        Returns
        -------
        PoolWindows
            Windows with ``output_shape == (n_channels,)``.

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
        shape, spatial, channels_last = _checked_shape(input_shape, channels_last)
        axes = {axis: adaptive_axis(shape[axis], 1) for axis in spatial}
        n_channels = prod(shape) // prod(shape[axis] for axis in spatial)
        return cls.__new__(cls)._on_grid(
            f"PoolWindows.global_pooling({shape}, channels_last={channels_last})",
            shape,
            axes,
            (n_channels,),
        )

    @classmethod
    def adaptive(
        cls,
        input_shape: InputShape,
        output_shape: PerAxis,
        channels_last: bool = True,
    ) -> PoolWindows:
        """Make so many windows of nearly one size that cover the input, as PyTorch.

        Window ``i`` of ``n`` along an axis of ``length`` inputs goes from
        ``floor(i * length / n)`` to ``ceil((i + 1) * length / n)``, so that neighbours
        may have an input in common.

        Parameters
        ----------
        input_shape, channels_last : optional
            As in `.PoolWindows`.
        output_shape : int or (n_spatial_axes,) sequence of int
            Number of windows along each spatial axis.

        Returns
        -------
        PoolWindows
            Windows with this spatial shape of the output.

        Examples
        --------
        >>> PoolWindows.adaptive((5,), output_shape=3).indices
        array([[ 0,  1, -1],
               [ 1,  2,  3],
               [ 3,  4, -1]])
        """
        shape, spatial, channels_last = _checked_shape(input_shape, channels_last)
        numbers = _one_per_axis("output_shape", output_shape, len(spatial))
        return cls.__new__(cls)._on_grid(
            f"PoolWindows.adaptive({shape}, output_shape={numbers}, "
            f"channels_last={channels_last})",
            shape,
            {i: adaptive_axis(shape[i], n) for i, n in zip(spatial, numbers)},
        )

    @classmethod
    def over_channels(
        cls, input_shape: InputShape, pool_size: int, channels_last: bool = True
    ) -> PoolWindows:
        """Make windows over groups of neighbouring channels, as in maxout networks.

        Parameters
        ----------
        input_shape, channels_last : optional
            As in `.PoolWindows`; the entries of a flat vector are channels.
        pool_size : int
            Number of channels in each group; it must divide the number of channels.

        Returns
        -------
        PoolWindows
            Windows with the spatial shape of the input and a channel for each group.

        Examples
        --------
        >>> windows = PoolWindows.over_channels((1, 2, 4), pool_size=2)
        >>> windows.output_shape
        (1, 2, 2)
        >>> windows.indices
        array([[0, 1],
               [2, 3],
               [4, 5],
               [6, 7]])
        """
        shape, _, channels_last = _checked_shape(input_shape, channels_last)
        pool_size = valid_integer(pool_size, "pool_size", PoolWindows)
        axis = len(shape) - 1 if channels_last else 0
        if shape[axis] % pool_size:
            raise _error(
                "pool_size",
                f"must divide the number of channels, {shape[axis]}; got {pool_size}",
            )
        return cls.__new__(cls)._on_grid(
            f"PoolWindows.over_channels({shape}, pool_size={pool_size}, "
            f"channels_last={channels_last})",
            shape,
            {axis: regular_axis(shape[axis], pool_size, pool_size)},
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

        Examples
        --------
        >>> windows = PoolWindows.from_indices([[0, 1, 2], [2, 3]], n_inputs=4)
        >>> windows.indices
        array([[ 0,  1,  2],
               [ 2,  3, -1]])
        >>> windows
        <PoolWindows: 2 windows of 2 to 3 inputs, n_inputs=4>
        """
        n_inputs = valid_integer(n_inputs, "n_inputs", PoolWindows)
        return flat_windows(*_checked_indices(indices, n_inputs), n_inputs)

    def _on_grid(self, description, shape, axes, output_shape=None):
        """Set all attributes, from the windows along some axes of the input."""
        every_axis = tuple(
            axes[i] if i in axes else regular_axis(length, 1, 1)
            for i, length in enumerate(shape)
        )
        if output_shape is None:
            output_shape = tuple(len(axis.starts) for axis in every_axis)
        members, sizes = lay_out(every_axis)
        return self._define(
            description, shape, output_shape, members, sizes, every_axis
        )

    def _define(
        self, description, input_shape, output_shape, members, sizes, axes=None
    ):
        """Set all attributes, from the inputs of all windows one after another."""
        super().__init__()
        self.input_shape = input_shape
        self.output_shape = output_shape
        self.members = members
        self.sizes = sizes
        self._description = description
        # no parameters: how windows were made does not matter for what they are
        self._axes = axes
        self._indices = None
        return self

    @property
    def axes(self) -> tuple[Axis, ...] | None:
        """The windows along each axis of the input; None without a grid."""
        return self._axes

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

        Examples
        --------
        >>> windows = PoolWindows((2, 2, 3))
        >>> windows.max([[5, 0, 0, 0, 6, 0, 0, 0, 7, 1, 2, 3]])
        array([[5, 6, 7]])
        """
        is_masked = np.ma.is_masked(x)
        x = as_array(x)
        if x.dtype.kind not in "iuf" or is_masked:
            masked = ", some of them masked" if is_masked else ""
            raise _error("x", f"must hold real numbers; got dtype {x.dtype}{masked}")
        if x.ndim == 0 or x.shape[-1] != self.n_inputs:
            raise _error(
                "x",
                f"must have n_inputs ({self.n_inputs}) entries along its last axis, "
                f"flat in C order of input_shape {self.input_shape}; got shape "
                f"{x.shape}",
            )
        return maxima(self)(x)


class WindowsParam(Parameter):
    """A parameter whose value is a `PoolWindows`."""

    equatable = True

    def coerce(self, instance: Any, value: Any) -> PoolWindows:
        """Refuse everything but windows."""
        if not isinstance(value, PoolWindows):
            raise ValidationError(
                "must be a maxpool_circuits.PoolWindows, such as "
                "PoolWindows((28, 28, 8), pool_size=2) or "
                f"PoolWindows.independent(n_pools=100, window_size=4), got {value!r}",
                attr=self.name,
                obj=instance,
            )
        return super().coerce(instance, value)


#: Checks the windows of circuits and workloads: ``WINDOWS.coerce(network, windows)``.
WINDOWS = WindowsParam("windows")


def flat_windows(members: np.ndarray, sizes: np.ndarray, n_inputs: int) -> PoolWindows:
    """As `PoolWindows.from_indices`, of what is known to be right."""
    return PoolWindows.__new__(PoolWindows)._define(
        f"<PoolWindows: {len(sizes)} windows of {sizes.min()} to {sizes.max()} "
        f"inputs, n_inputs={n_inputs}>",
        (n_inputs,),
        (len(sizes),),
        members,
        sizes,
    )


def is_compact(windows: PoolWindows) -> bool:
    """Whether an array with a column for each window is not mostly empty."""
    return windows.n_pools * windows.sizes.max() <= _MOST_EMPTY * len(windows.members)


def window_columns(windows: PoolWindows, lacking: int | None = None) -> np.ndarray:
    """Inputs of each window as a column, (largest window, n_pools).

    Smaller windows end with ``lacking``; None repeats their first input.
    """
    # maxima along the first axis are many times faster than along short rows
    indices = windows.indices
    fill = indices[:, :1] if lacking is None else np.array(lacking)
    return np.ascontiguousarray(np.where(indices < 0, fill, indices).T)


def maxima(windows: PoolWindows) -> Callable[[np.ndarray], np.ndarray]:
    """Function that takes the maximum of each window, along the last axis."""
    if is_compact(windows):
        # Measured: indexing into a new array is up to twice as fast as np.take into an
        # existing one (the same on NumPy 2), np.maximum.reduceat is slower still.
        columns = window_columns(windows)
        return lambda x: x[..., columns].max(axis=-2)
    starts = np.cumsum(windows.sizes) - windows.sizes
    return lambda x: np.maximum.reduceat(x[..., windows.members], starts, axis=-1)


def _error(argument, message):
    return ValidationError(message, attr=argument, obj=PoolWindows)


def _entries(value: Any) -> tuple[Any, ...]:
    """Entries of a sequence; none of what is not one."""
    value = value.tolist() if isinstance(value, np.ndarray) else value
    return tuple(value) if isinstance(value, (list, tuple)) else ()


def _checked_shape(
    input_shape: InputShape, channels_last: bool
) -> tuple[tuple[int, ...], range, bool]:
    """Check the shape of the input; find its spatial axes."""
    if isinstance(input_shape, ChannelShape):
        channels_last = input_shape.channels_last
        input_shape = input_shape.shape
    entries = _entries(input_shape)
    valid = 1 <= len(entries) <= 4 and all(map(is_count, entries))
    if not valid or prod(map(int, entries)) > LARGEST_INTEGER:
        raise _error(
            "input_shape",
            "must be one to three spatial axes and the channel axis, or the length of "
            f"a flat vector, for 1 to {LARGEST_INTEGER} inputs in all: for example "
            f"(28, 28, 8) or (32,); got {input_shape!r}",
        )
    channels_last = valid_flag(channels_last, "channels_last", PoolWindows)
    n_spatial = max(len(entries) - 1, 1)
    first = 0 if channels_last else len(entries) - n_spatial
    return tuple(map(int, entries)), range(first, first + n_spatial), channels_last


def _one_per_axis(argument: str, value: PerAxis, n_axes: int) -> tuple[int, ...]:
    """Check positive integers along the spatial axes; repeat a single one."""
    entries = (value,) * n_axes if is_count(value) else _entries(value)
    if len(entries) != n_axes or not all(map(is_count, entries)):
        raise _error(
            argument,
            f"must be an integer from 1 to {LARGEST_INTEGER}, or {n_axes} of them (one "
            f"per spatial axis); got {value!r}",
        )
    return tuple(map(int, entries))


def _padding_per_axis(value: Any, n_axes: int) -> tuple[Padding, ...]:
    """Check padding; a pair (before, after), or "same", along each spatial axis."""
    if isinstance(value, str):
        if value in _PADDINGS:
            return (_PADDINGS[value],) * n_axes
    else:
        entries = (value,) * n_axes if is_integer(value) else _entries(value)
        pairs = [(n, n) if is_integer(n) else _entries(n) for n in entries]
        if len(pairs) == n_axes and all(map(_is_pair, pairs)):
            return tuple((int(before), int(after)) for before, after in pairs)
    raise _error(
        "padding",
        f"must be one of {tuple(_PADDINGS)}, a number from 0, or {n_axes} entries (one "
        "per spatial axis), each a number or a pair (before, after), such as "
        f"{((0, 1),) * n_axes}; got {value!r}",
    )


def _is_pair(value):
    return len(value) == 2 and all(
        is_integer(n) and 0 <= n <= LARGEST_INTEGER for n in value
    )


def _checked_indices(indices: Any, n_inputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Check a user's windows; the inputs of all, and the size of each."""
    try:
        indices = indices if np.ma.is_masked(indices) else list(indices)
        rows = [np.asarray(row) for row in indices]
    except (TypeError, ValueError):
        rows = []
    if len(rows) == 0 or np.ma.is_masked(indices):
        raise _error(
            "indices",
            "must be a sequence of one or more windows, each a sequence of input "
            f"indices; got {short_repr(indices)}",
        )
    for i, row in enumerate(rows):
        if row.ndim != 1 or row.size == 0 or row.dtype.kind not in "iu":
            raise _error(
                "indices",
                f"window {i} must be a sequence of one or more integers; got "
                f"{short_repr(indices[i])}",
            )
    values = np.concatenate(rows)
    lengths = np.array([row.size for row in rows])
    window = np.repeat(np.arange(len(rows)), lengths)

    def refuse(wrong, reason):
        if wrong.any():
            at = wrong.argmax()
            raise _error(
                "indices", f"window {window[at]} holds {values[at]}, which {reason}"
            )

    refuse(
        (values < -1) | (values >= n_inputs),
        f"is out of range; inputs are numbered from 0 to {n_inputs - 1}",
    )
    values = values.astype(np.int64)
    is_padding = values == -1
    same_window = window[1:] == window[:-1]
    goes_on = np.append(same_window & ~is_padding[1:], False)
    refuse(is_padding & goes_on, "is padding and may only follow the last index")
    order = np.lexsort((values, window))
    repeats = np.zeros(len(values), dtype=bool)
    repeats[order[1:]] = same_window & (np.diff(values[order]) == 0)
    refuse(repeats & ~is_padding, "is there twice")

    sizes = np.bincount(window[~is_padding], minlength=len(rows))
    if not sizes.all():
        raise _error("indices", f"window {np.argmin(sizes)} has no entries but padding")
    return values[~is_padding], sizes
