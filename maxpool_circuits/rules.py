r"""What circuits compute in a time step, as functions of arrays.

Arrays of NumPy, and with ``array-api-compat`` those of PyTorch, JAX and others that
follow the `array API standard <https://data-apis.org/array-api/>`_. Members of windows
are along the first axis; any other axes may follow, such as a batch and its pools.
Membranes are in thresholds. Circuits draw their first ones from [0, 1), so that pools
do not fire in step. No input synapse is in here.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from reprlib import repr as short_repr
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from .utils.checks import is_real, positive_number

__all__ = ["pairwise_relu", "shared_reset", "winner_take_all"]


def _checked(rule):
    """A rule that refuses what is not for a time step."""
    signature = inspect.signature(rule)

    @functools.wraps(rule)
    def checked(*args, **options):
        _check(**signature.bind(*args, **options).arguments)
        return rule(*args, **options)

    return checked


def _check(x, gain, voltages=None, paired=None, **others):
    """Refuse what is no input of a time step, by name."""
    shape = getattr(x, "shape", ())
    _require(_is_array(x) and len(shape) > 0, "x", x, "an array, members first")
    positive_number(gain, "gain")
    for name, arrays in {"voltages": voltages, "paired": paired}.items():
        if arrays is not None:
            kind = f"a list of arrays of pairs by level, which leave 1 of {len(x)}"
            _require(_n_left(len(x), arrays) == 1, name, arrays, kind)
    for name, value in others.items():
        if name == "voltage":
            right, kind = _is_array(value, shape), f"an array of shape {shape}"
        else:
            # -inf is a floor
            right = is_real(value) or (isinstance(value, float) and value == value)
            right |= _is_array(value, shape[1:])
            right |= value is None and name in ("mean", "spike")
            kind = f"a number, or an array of shape {shape[1:]}"
        _require(right, name, value, kind)


def _is_array(value, shape=None):
    right = hasattr(value, "dtype") and shape in (None, getattr(value, "shape", ()))
    if isinstance(value, (np.ndarray, np.generic)):
        right &= value.dtype.kind in "iufb" and not np.ma.isMaskedArray(value)
    return right


def _n_left(n_values, arrays):
    """How many values are left after pairs by level; 0 of what is no such list."""
    for each in arrays if isinstance(arrays, (list, tuple)) else [None]:
        n_pairs = each.shape[0] if _is_array(each) and len(each.shape) else 0
        n_values = n_values - n_pairs if 0 < n_pairs <= n_values // 2 else 0
    return n_values


def _require(right, name, value, kind):
    if not right:
        raise ValidationError(f"must be {kind}, got {short_repr(value)}", attr=name)


def _namespace(x):
    """The functions for arrays of a kind."""
    if isinstance(x, np.ndarray):
        return np
    from array_api_compat import array_namespace

    return array_namespace(x)


def _clip(x, low, high=None):
    """Bound values: by the method, which PyTorch has in a fraction of the time."""
    return x.clip(low, high) if hasattr(x, "clip") else _namespace(x).clip(x, low, high)


@_checked
def shared_reset(
    x: Any,
    voltage: Any,
    gain: float,
    floor: Any = -1,
    base: Any = 0,
    spike: float | None = None,
) -> tuple[Any, Any]:
    r"""Let the highest membrane of each pool fire, and lower all of the pool.

    .. math::

       v_i \leftarrow \max(v_i + g (x_i - b), f), \quad
       n = \max(\lfloor \max_i v_i \rfloor, 0), \quad
       v_i \leftarrow v_i - n, \quad y = b + h n

    A time step of `.SharedResetMax`.

    Parameters
    ----------
    x, voltage : (window size, ...) array
        Inputs, and membranes after the last time step, in thresholds.
    gain : float
        By how many thresholds an input of 1 lifts a membrane in a time step, :math:`g`:
        ``max_rate`` times the time step, divided by the width of ``input_range``.
    floor : float or (...) array, optional (Default: -1)
        The lowest that membranes get, :math:`f`, in thresholds.
    base : float or (...) array, optional (Default: 0)
        What inputs count from, :math:`b`: the low end of ``input_range``.
    spike : float, optional (Default: 1 / gain)
        What a spike adds to the output of its time step, :math:`h`.

    Returns
    -------
    output, voltage : (...) array, (window size, ...) array
        The output of this time step, and membranes after it.

    Examples
    --------
    >>> import numpy as np
    >>> from maxpool_circuits.rules import shared_reset
    >>> x, voltage, outputs = np.array([0.7, 0.2]), np.zeros(2), []
    >>> for _ in range(1000):
    ...     output, voltage = shared_reset(x, voltage, gain=0.3)
    ...     outputs.append(output)
    >>> print(np.mean(outputs).round(2))
    0.7
    """
    xp = _namespace(x)
    spike = 1 / gain if spike is None else spike
    voltage = _clip(voltage + gain * (x - base), floor)
    n_spikes = _clip(xp.floor(xp.max(voltage, axis=0)), 0)
    return base + n_spikes * spike, voltage - n_spikes


@_checked
def winner_take_all(
    x: Any,
    voltage: Any,
    gain: float,
    floor: float = -1,
    rise: float = 0,
    low: float = 0,
    spike: float | None = None,
    mean: Any = None,
) -> tuple[Any, Any]:
    r"""Add the excess of the winner over the mean to the mean.

    `shared_reset` with the mean of each pool as base, and a floor that rises with it:
    :math:`f = \min(f_0 + r \max(\bar x - \text{low}, 0), 0)`. A time step of
    `.WinnerTakeAll` with its default neurons.

    Parameters
    ----------
    x, voltage, spike
        As in `shared_reset`.
    gain : float
        As in `shared_reset`, but ``max_rate`` is reached half as far up:
        ``max_rate`` times the time step, divided by half the width of ``input_range``.
    floor : float, optional (Default: -1)
        The floor where the mean is ``low``, :math:`f_0`, in thresholds.
    rise : float, optional (Default: 0)
        By how many thresholds it rises with a mean that is larger by 1, :math:`r`.
    low : float, optional (Default: 0)
        The low end of the range of inputs.
    mean : (...) array, optional
        Means of the pools, where windows are padded to one size.

    Returns
    -------
    output, voltage : (...) array, (window size, ...) array
        The output of this time step, and membranes after it.

    Examples
    --------
    Spikes carry only what 0.7 is more than the mean, and so the output is smooth:

    >>> import numpy as np
    >>> from maxpool_circuits.rules import winner_take_all
    >>> x, voltage, outputs = np.array([0.7, 0.5]), np.zeros(2), []
    >>> for _ in range(1000):
    ...     output, voltage = winner_take_all(x, voltage, gain=0.5)
    ...     outputs.append(output)
    >>> print(np.mean(outputs).round(2))
    0.7
    """
    xp = _namespace(x)
    mean = xp.mean(x, axis=0) if mean is None else mean
    lifted = _clip(floor + rise * _clip(mean - low, 0), None, 0)
    return shared_reset.__wrapped__(x, voltage, gain, lifted, mean, spike)


@_checked
def pairwise_relu(
    x: Any,
    voltages: Sequence[Any],
    gain: float,
    floor: float = -1,
    spike: float | None = None,
    paired: Sequence[Any] | None = None,
) -> tuple[Any, list[Any]]:
    r"""Add rectified differences to the second of each pair, level by level.

    .. math::

       v \leftarrow \max(v + g (a - b), f), \quad
       n = \max(\lfloor v \rfloor, 0), \quad v \leftarrow v - n, \quad y = b + h n

    until one value is left. A time step of `.PairwiseReLU` with its default neurons.

    Parameters
    ----------
    x : (window size, ...) array
        Inputs. Neighbours are compared; a last one without partner waits.
    voltages : sequence of (n_pairs, ...) array
        Membranes after the last time step, by level: 2 and 1 for 4 or 5 inputs (and
        then 1 more for 5).
    gain : float
        As in `winner_take_all`.
    floor, spike
        As in `shared_reset`.
    paired : sequence of (n_pairs, ...) array of bool, optional
        Which pairs there are, where windows are padded to one size.

    Returns
    -------
    output, voltages : (...) array, list of (n_pairs, ...) array
        The output of this time step, and membranes after it.

    Examples
    --------
    >>> import numpy as np
    >>> from maxpool_circuits.rules import pairwise_relu
    >>> x, outputs = np.array([0.7, 0.5, 0.2]), []
    >>> voltages = [np.zeros(1), np.zeros(1)]
    >>> for _ in range(1000):
    ...     output, voltages = pairwise_relu(x, voltages, gain=0.5)
    ...     outputs.append(output)
    >>> print(np.mean(outputs).round(2))
    0.7
    """
    xp = _namespace(x)
    spike = 1 / gain if spike is None else spike
    after = []
    for level, voltage in enumerate(voltages):
        end = 2 * voltage.shape[0]
        a, b, left = x[0:end:2], x[1:end:2], x[end:]
        if paired is not None:
            # a value without partner is paired with itself, which makes no spikes
            b = xp.where(paired[level], b, a)
        voltage = _clip(voltage + gain * (a - b), floor)
        n_spikes = _clip(xp.floor(voltage), 0)
        after.append(voltage - n_spikes)
        x = b + spike * n_spikes
        if left.shape[0]:
            x = xp.stack([*(x[i] for i in range(x.shape[0])), left[0]])
    return x[0], after
