"""Checks of numbers that are shared by everything that takes arguments."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
from nengo.exceptions import ValidationError

#: Integers above are refused, before arrays of that size fail in many ways.
LARGEST_INTEGER = 2**31 - 1

Value = TypeVar("Value")


def is_real(value: Any) -> bool:
    """Whether a value is a finite real number; truth values are not."""
    is_number = is_integer(value) or isinstance(value, (float, np.floating))
    # false for NaN, and for integers that no float can hold
    return is_number and bool(abs(value) <= sys.float_info.max)


def is_integer(value: Any) -> bool:
    """Whether a value is an integer; truth values and floats such as 2.0 are not."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def is_count(value: Any) -> bool:
    """Whether a value is a positive integer that may be the size of an array."""
    return is_integer(value) and 0 < value <= LARGEST_INTEGER


def positive_number(value: Any, attr: str, obj: Any = None, unit: str = "") -> float:
    """Return a number as a float if it is finite and above 0, in a unit or without."""
    # squares and inverses of others may not be finite
    if not is_real(value) or not 1e-30 <= value <= 1e30:
        raise ValidationError(
            f"must be a finite number above 0{unit and f', in {unit}'}, from 1e-30 to "
            f"1e30, got {value!r}",
            attr=attr,
            obj=obj,
        )
    return float(value)


def valid_range(value: Any, attr: str, obj: Any = None) -> tuple[float, float]:
    """Return two finite numbers in ascending order as floats."""
    try:
        low, high = value
        valid = is_real(low) and is_real(high) and low < high and is_real(high - low)
        valid = valid and isinstance(value, (list, tuple, np.ndarray))
    except (TypeError, ValueError):
        valid = False
    if not valid:
        raise ValidationError(
            f"must be two finite numbers (low, high) with low < high, got {value!r}",
            attr=attr,
            obj=obj,
        )
    return float(low), float(high)


def valid_flag(value: Any, attr: str, obj: Any = None) -> bool:
    """Return a truth value; numbers and arrays are refused."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValidationError(
            f"must be True or False, got {value!r}", attr=attr, obj=obj
        )
    return bool(value)


def valid_path(value: Any, attr: str = "path") -> str:
    """Return the path of a file as text; bytes and descriptors are refused."""
    path = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(path, str) or not path or "\0" in path:
        raise ValidationError(f"must be the path of a file, got {value!r}", attr=attr)
    return path


def ordinary_file(value: Any) -> str:
    """Return the path of a file; pipes and devices may never end."""
    path = valid_path(value)
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(f"{path!r} is not an ordinary file; name another one")
    return path


def valid_integer(
    value: Any, attr: str, obj: Any = None, lowest: int = 1, highest: int | None = None
) -> int:
    """Return an integer if it is in range; floats such as 2.0 are refused."""
    limit = LARGEST_INTEGER if highest is None else highest
    if is_integer(value) and lowest <= value <= limit:
        return int(value)
    allowed = f"of at least {lowest}"
    if highest is not None or (is_integer(value) and value > limit):
        allowed = f"from {lowest} to {limit}"
    raise ValidationError(
        f"must be an integer {allowed}, got {value!r}", attr=attr, obj=obj
    )


def did_you_mean(name: Any, known: Iterable[str]) -> str:
    """End of a message about an unknown name: the nearest known one, if one is near."""
    normal = {other.lower().replace("_", "-"): other for other in known}
    wanted = name.lower().replace("_", "-") if isinstance(name, str) else ""
    near = difflib.get_close_matches(wanted, normal, n=1)
    return f" (did you mean {normal[near[0]]!r}?)" if near else ""


class UnknownName(ValidationError, KeyError):
    """A name that is not among the known ones."""

    def __str__(self) -> str:
        """The message; that of a KeyError would be in quotes."""
        return f"{self.attr}: {self.args[0]}"


def look_up(name: Any, known: Mapping[str, Value], attr: str) -> Value:
    """Value of a name; of one that is not there, the error lists those that are."""
    if isinstance(name, str) and name in known:
        return known[name]
    names = ", ".join(map(repr, known))
    message = f"there is no {attr} {name!r}{did_you_mean(name, known)}"
    raise UnknownName(f"{message}; there are {names}", attr=attr)  # type: ignore[call-arg]


def valid_seed(value: Any, obj: Any = None) -> int | None:
    """Return a seed if random number generators take it; None is one."""
    if value is None:
        return None
    # Nengo's simulator draws with the next one too
    if not is_integer(value) or not 0 <= value < 2**32 - 1:
        raise ValidationError(
            f"must be an integer from 0 to 2**32 - 2, or None, got {value!r}",
            attr="seed",
            obj=obj,
        )
    return int(value)
