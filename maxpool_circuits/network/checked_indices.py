"""Windows that are given as lists of inputs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from reprlib import repr as short_repr
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from ..utils.checks import is_integer


def entries_of(value: Any) -> tuple[Any, ...]:
    """Give the entries of a sequence or array; none if it is neither."""
    if isinstance(value, (bytes, bytearray)):
        # whose entries are numbers, but not meant as such
        return ()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return tuple(value) if isinstance(value, Sequence) else ()


def checked_indices(
    indices: Any, n_inputs: int, obj: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Check a user's windows; give the inputs of all, and the size of each."""
    is_array = isinstance(indices, np.ndarray) and indices.ndim == 2
    if is_array and indices.dtype.kind in "iu":
        values = indices.ravel()
        lengths = np.full(len(indices), indices.shape[1])
    else:
        rows = [entries_of(row) for row in entries_of(indices)]
        values = list(chain.from_iterable(rows))
        for value in values:
            if not is_integer(value):
                raise _error(obj, f"must hold integers; got {value!r}")
        values = np.array(values)
        lengths = np.array([len(row) for row in rows], dtype=int)
    if len(lengths) == 0:
        raise _error(
            obj,
            "must be a sequence of one or more windows, each a sequence of input "
            f"indices; got {short_repr(indices)}",
        )

    window = np.repeat(np.arange(len(lengths)), lengths)

    def refuse(wrong, reason):
        if wrong.any():
            at = wrong.argmax()
            raise _error(obj, f"window {window[at]} holds {values[at]}, which {reason}")

    refuse(
        (values < -1) | (values >= n_inputs),
        f"is out of range; inputs are numbered from 0 to {n_inputs - 1}",
    )
    is_padding = values == -1
    same_window = window[1:] == window[:-1]
    goes_on = np.append(same_window & ~is_padding[1:], False)
    refuse(is_padding & goes_on, "is padding and may only follow the last index")
    order = np.lexsort((values, window))
    repeats = np.zeros(len(values), dtype=bool)
    repeats[order[1:]] = same_window & (np.diff(values[order]) == 0)
    refuse(repeats & ~is_padding, "is there twice")

    sizes = np.bincount(window[~is_padding], minlength=len(lengths))
    if not sizes.all():
        raise _error(
            obj,
            f"window {np.argmin(sizes)} has no entries; every window must be a "
            "sequence of one or more input indices",
        )
    return values[~is_padding], sizes


def _error(obj, message):
    return ValidationError(message, attr="indices", obj=obj)
