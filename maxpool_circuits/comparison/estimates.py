"""Means and ratios over several draws, with 95 % intervals.

Intervals are those of Student's t distribution. Each draw is already a mean over many
pools and readings, so that draws are close to normal, and there are few of them: five
draws make a bootstrap interval much too narrow, and t intervals are right from two on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Union

import numpy as np

#: One number of each draw.
Numbers = Union[Sequence[float], np.ndarray]
#: Probability with which an interval contains what many more draws would give.
CONFIDENCE = 0.95


class Estimate(NamedTuple):
    """A number and its 95 % interval.

    Parameters
    ----------
    value : float
        The mean over all draws.
    lower, upper : float
        Bounds of the interval; NaN if there is only one draw.

    Examples
    --------
    >>> from maxpool_circuits.comparison import Estimate
    >>> estimate = Estimate(0.056, 0.054, 0.058)
    >>> estimate.upper
    0.058
    """

    value: float
    lower: float
    upper: float

    @property
    def has_interval(self) -> bool:
        """Whether there are bounds that differ."""
        return bool(self.upper > self.lower)


def mean_of(values: Numbers) -> Estimate:
    """Mean over draws.

    Parameters
    ----------
    values : sequence of float
        One number of each draw.

    Returns
    -------
    Estimate
        The mean and its interval.

    Examples
    --------
    >>> from maxpool_circuits.comparison.estimates import mean_of
    >>> [round(bound, 3) for bound in mean_of([0.05, 0.06, 0.07])]
    [0.06, 0.035, 0.085]
    """
    numbers = np.asarray(values, dtype=float)
    n = len(numbers)
    return _interval(numbers.mean(), _variance(numbers) / n, n - 1)


def difference_of(ours: Numbers, theirs: Numbers, paired: bool) -> Estimate:
    """Difference of two means, of the same draws (``paired``) or of any.

    Parameters
    ----------
    ours, theirs : sequence of float
        One number of each draw.
    paired : bool
        Whether both are of the same draws, in the same order. What the draws have in
        common then cancels.

    Returns
    -------
    Estimate
        The difference and its interval, by Welch's formula if not paired.

    Examples
    --------
    >>> from maxpool_circuits.comparison.estimates import difference_of
    >>> for paired in (True, False):
    ...     difference = difference_of([4, 6, 9], [3, 5, 7], paired)
    ...     print([round(float(number), 1) for number in difference])
    [1.3, -0.1, 2.8]
    [1.3, -3.9, 6.6]
    """
    both = [np.asarray(numbers, dtype=float) for numbers in (ours, theirs)]
    if paired:
        return mean_of(both[0] - both[1])
    difference = both[0].mean() - both[1].mean()
    sizes = np.array([len(numbers) for numbers in both])
    if sizes.min() < 2:
        return Estimate(float(difference), np.nan, np.nan)
    parts = np.array([_variance(numbers) for numbers in both]) / sizes
    variance = parts.sum()
    freedom = variance**2 / np.sum(parts**2 / (sizes - 1)) if variance > 0 else 1
    return _interval(difference, variance, freedom)


def ratio_of(ours: Numbers, theirs: Numbers, paired: bool) -> Estimate:
    """Ratio of two means, of the same draws (``paired``) or of any.

    Parameters
    ----------
    ours, theirs : sequence of float
        One number of each draw.
    paired : bool
        Whether both are of the same draws, in the same order.

    Returns
    -------
    Estimate
        Ratio of the geometric means, and its interval, from the differences of
        logarithms. Numbers that are not all above 0 have the ratio of their means, and
        no interval.

    Examples
    --------
    >>> from maxpool_circuits.comparison.estimates import ratio_of
    >>> ratio = ratio_of([0.05, 0.06, 0.07], [0.1, 0.13, 0.13], paired=True)
    >>> [round(float(number), 2) for number in ratio]
    [0.5, 0.41, 0.6]
    """
    above, below = (np.asarray(numbers, dtype=float) for numbers in (ours, theirs))
    if min(above.min(), below.min()) > 0:
        difference = difference_of(np.log(above), np.log(below), paired)
        return Estimate(*(float(np.exp(bound)) for bound in difference))
    value = above.mean() / below.mean() if below.mean() != 0 else np.nan
    return Estimate(float(value), np.nan, np.nan)


def _variance(values):
    """Variance of what the values are drawn from; NaN for one value."""
    return np.var(values, ddof=1) if len(values) > 1 else np.nan


def _interval(value, variance, freedom):
    """Interval of a value whose variance was estimated."""
    from scipy.special import stdtrit

    half = stdtrit(freedom, (1 + CONFIDENCE) / 2) * np.sqrt(variance)
    return Estimate(float(value), float(value - half), float(value + half))
