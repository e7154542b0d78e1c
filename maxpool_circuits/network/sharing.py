"""Comparisons that overlapping windows on a grid share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from math import gcd, prod
from typing import Callable

import numpy as np

#: From its first input to behind its last, along one axis.
Run = tuple[int, int]
#: Lengths of the two parts that runs of one length, with these starts, are split into.
Rule = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Comparisons:
    """What is compared with what, until there is the maximum of each window."""

    #: The inputs that are the values before the first level.
    inputs: np.ndarray
    #: Which two values of the level before each value of a level is the maximum of;
    #: the same one twice for a value that waits.
    levels: list[tuple[np.ndarray, np.ndarray]]
    #: Which value of the last level is the maximum of each window.
    maxima: np.ndarray

    @property
    def number(self) -> int:
        """How many comparisons there are."""
        return sum(int((first != second).sum()) for first, second in self.levels)


def shared_comparisons(
    shape: Sequence[int], ends: Sequence[np.ndarray]
) -> Comparisons | None:
    """Compare along one axis after the other; None if no windows overlap."""
    if not any(np.any(axis[1:, 0] < axis[:-1, 1]) for axis in ends):
        return None
    axes = [along_one_axis(axis) for axis in ends]

    def cost(order: Iterable[int]) -> int:
        """Number of comparisons if the axes are taken in this order."""
        n_values = [len(axis.inputs) for axis in axes]
        total = 0
        for i in order:
            total += axes[i].number * prod(n_values) // n_values[i]
            n_values[i] = len(axes[i].levels[-1][0])
        return total

    longer = [i for i, axis in enumerate(axes) if axis.levels]
    n_values = [len(axis.inputs) for axis in axes]
    levels = []
    for i in min(permutations(longer), key=cost):
        for first, second in axes[i].levels:
            values = np.arange(prod(n_values)).reshape(n_values)
            levels.append(
                (values.take(first, i).ravel(), values.take(second, i).ravel())
            )
            n_values[i] = len(first)
    inputs = np.ravel_multi_index(np.ix_(*(axis.inputs for axis in axes)), shape)
    maxima = np.ravel_multi_index(np.ix_(*(axis.maxima for axis in axes)), n_values)
    return Comparisons(inputs.ravel(), levels, maxima.ravel())


def along_one_axis(windows: np.ndarray) -> Comparisons:
    """Take the way of fewest comparisons that is no deeper than a window alone."""
    runs = as_runs(windows)
    # what no window divides can be compared first, and is one value from then on
    places = [np.unique(windows), np.arange(windows.min(), windows.max() + 1)]
    if len(places[0]) == len(places[1]):
        places.pop()
    ways = [in_places(runs, each, rule) for each in places for rule in RULES]
    depth = int(np.ceil(np.log2(np.diff(windows).max())))
    allowed = (way for way in ways if max(level_of(way).values(), default=0) <= depth)
    return in_levels(runs, min(allowed, key=len))


def as_runs(ends: np.ndarray) -> list[Run]:
    """Rows of an array as pairs of Python's integers."""
    return [(start, stop) for start, stop in ends.tolist()]


def in_places(runs: list[Run], places: np.ndarray, rule: Rule) -> dict[Run, list[Run]]:
    """Split runs by a rule, but between these places only; then what is left."""
    to_split = as_runs(np.searchsorted(places, runs))
    end = places.tolist()
    parts = {
        (end[start], end[stop]): [(end[i], end[j]) for i, j in pair]
        for (start, stop), pair in split(to_split, rule).items()
    }
    left = {part for pair in parts.values() for part in pair}.union(runs) - parts.keys()
    return {**parts, **split(left, at_power_of_two)}


def split(runs: Iterable[Run], rule: Rule) -> dict[Run, list[Run]]:
    """Give the two parts of each run, of their parts, and so on, longest runs first."""
    starts: dict[int, set[int]] = {}
    for start, stop in runs:
        starts.setdefault(length_of((start, stop)), set()).add(start)
    parts = {}
    for length in range(max(starts, default=1), 1, -1):
        of_length = sorted(starts.get(length, ()))
        lefts, rights = rule(np.array(of_length, dtype=int), length)
        for start, left, right in zip(of_length, lefts.tolist(), rights.tolist()):
            stop = start + length
            parts[start, stop] = [(start, start + left), (stop - right, stop)]
            starts.setdefault(left, set()).add(start)
            starts.setdefault(right, set()).add(stop - right)
    return parts


def level_of(parts: dict[Run, list[Run]]) -> dict[Run, int]:
    """The first level in which each run can be compared."""
    level: dict[Run, int] = {}
    # parts come after the runs that they are parts of
    for run, (one, other) in reversed(parts.items()):
        level[run] = 1 + max(level.get(one, 0), level.get(other, 0))
    return level


def in_levels(runs: list[Run], parts: dict[Run, list[Run]]) -> Comparisons:
    """Order the comparisons by level."""
    level = level_of(parts)
    values = sorted(set(runs))
    maxima = positions(values, runs)
    levels = []
    for n in range(max(level.values(), default=0), 0, -1):
        # the longer part comes second: it is more often the larger, so that its
        # comparator is more often silent
        pairs = [
            sorted(parts[run], key=length_of) if level.get(run) == n else [run, run]
            for run in values
        ]
        values = sorted({part for pair in pairs for part in pair})
        first, second = (positions(values, part) for part in zip(*pairs))
        levels.append((first, second))
    inputs = np.array([start for start, _ in values])
    return Comparisons(inputs, levels[::-1], maxima)


def length_of(run: Run) -> int:
    """Number of inputs."""
    return run[1] - run[0]


def positions(values: list[Run], runs: Iterable[Run]) -> np.ndarray:
    """Where each run is among the values."""
    place = {run: i for i, run in enumerate(values)}
    return np.array([place[run] for run in runs])


def overlapping_halves(
    starts: np.ndarray, length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Two parts of one length."""
    half = np.full(len(starts), -(-length // 2))
    return half, half


def at_power_of_two(starts: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """The largest power of two and the rest."""
    power = 1 << ((length - 1).bit_length() - 1)
    return np.full(len(starts), power), np.full(len(starts), length - power)


def around_pairs(offset: int) -> Rule:
    """Let neighbours share a part that starts at every second place."""

    def rule(starts: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
        # the largest power of two that divides the length and all starts
        unit = gcd(length, *(starts - offset).tolist())
        unit &= -unit
        if length == unit or length // unit % 2 == 0:
            return overlapping_halves(starts, length)
        at_pair = (starts - offset) % (2 * unit) == 0
        left = np.where(at_pair, length - unit, unit)
        return left, length - left

    return rule


RULES = around_pairs(0), around_pairs(1), overlapping_halves, at_power_of_two
