"""Numbers that are given, alone or in arrays."""

from __future__ import annotations

from collections.abc import Sequence
from reprlib import repr as short_repr
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError
from nengo.params import NumberParam

from ..utils.checks import is_real

#: The largest finite number.
LARGEST = float(np.finfo(float).max)


class RealParam(NumberParam):
    """A finite number; Nengo's own takes NaN and infinity."""

    def coerce(self, instance: Any, num: Any) -> Any:
        """Refuse all else."""
        if not is_real(num):
            raise ValidationError(
                f"must be a finite number, got {num!r}", attr=self.name, obj=instance
            )
        return super().coerce(instance, num)


def as_array(values: Any) -> np.ndarray:
    """What is given as an array; of None if rows have several lengths."""
    try:
        return np.asarray(values)
    except ValueError:
        return np.array(None)


def numbers(
    values: Any,
    attr: str,
    shape: Sequence[Any],
    low: float = -LARGEST,
    high: float = LARGEST,
    obj: Any = None,
) -> np.ndarray:
    """Read-only copy of an array of finite numbers; "*" is any length above 0."""
    array = as_array(values)
    fits = len(shape) == array.ndim and array.dtype.kind in "iuf" and array.size > 0
    fits = fits and all(n in ("*", m) for n, m in zip(shape, array.shape))
    in_range = fits and np.all((array >= low) & (array <= high))
    if not in_range or np.ma.is_masked(values):
        kind = f"numbers from {low:g} to {high:g}"
        raise ValidationError(
            f"must be an array of {'finite numbers' if high == LARGEST else kind}, of "
            f"shape {tuple(shape)}, got {short_repr(values)}",
            attr=attr,
            obj=obj,
        )
    array = np.array(array, dtype=float)
    array.setflags(write=False)
    return array
