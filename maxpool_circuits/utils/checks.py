"""Checks of numbers that are shared by everything that takes arguments."""

import numpy as np
from nengo.exceptions import ValidationError


def is_real(value):
    """Whether a value is a finite real number; truth values are not."""
    is_number = is_integer(value) or isinstance(value, (float, np.floating))
    return is_number and bool(np.isfinite(value))


def is_integer(value):
    """Whether a value is an integer; truth values and floats such as 2.0 are not."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def positive_number(value, attr, obj=None, unit=""):
    """Return a number as a float if it is finite and above 0.

    Parameters
    ----------
    value : object
        What was given.
    attr : str
        Name of the argument.
    obj : object, optional (Default: None)
        Whose argument it is; None if a function's.
    unit : str, optional (Default: "")
        What the number counts, for the message.

    Returns
    -------
    float
        The number.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it is anything else.
    """
    if not is_real(value) or value <= 0:
        raise ValidationError(
            f"must be a finite number above 0{unit and f', in {unit}'}, got {value!r}",
            attr=attr,
            obj=obj,
        )
    return float(value)


def positive_integer(value, attr, obj=None):
    """Return an integer if it is at least 1.

    Parameters
    ----------
    value : object
        What was given.
    attr : str
        Name of the argument.
    obj : object, optional (Default: None)
        Whose argument it is; None if a function's.

    Returns
    -------
    int
        The integer.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it is anything else; floats such as 2.0 and truth values are refused.
    """
    if not is_integer(value) or value < 1:
        raise ValidationError(
            f"must be an integer of at least 1, got {value!r}", attr=attr, obj=obj
        )
    return int(value)


def valid_seed(value, obj=None):
    """Return a seed if random number generators take it.

    Parameters
    ----------
    value : object
        What was given.
    obj : object, optional (Default: None)
        Whose argument it is; None if a function's.

    Returns
    -------
    int or None
        The seed.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it is neither None nor an integer from 0 to 2**32 - 1.
    """
    if value is None:
        return None
    if not is_integer(value) or not 0 <= value < 2**32:
        raise ValidationError(
            f"must be an integer from 0 to 2**32 - 1, or None, got {value!r}",
            attr="seed",
            obj=obj,
        )
    return int(value)
