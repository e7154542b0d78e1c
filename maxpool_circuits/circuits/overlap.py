"""Comparisons that overlapping windows on a grid share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, permutations
from math import gcd, prod

import numpy as np

from ..network.grid import Axis, lay_out

#: Neighbouring values along an axis: the first, and the one after the last.
Run = tuple[int, int]
#: For each run that comparisons find the maximum of, the two runs that are compared,
#: which may overlap; before the runs that it is made of.
Plan = dict[Run, tuple[Run, Run]]
#: Lengths of the two runs that runs are split into, from their starts and their length.
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


def shared_comparisons(axes: Sequence[Axis]) -> Comparisons | None:
    """Compare along one axis after the other; None if no windows overlap."""
    if not any(map(_overlap, axes)):
        return None
    orders, runs = zip(*map(_runs, axes))
    along = [_along_axis(each) for each in runs]

    def cost(order: Iterable[int]) -> int:
        """Number of comparisons if the axes are taken in this order."""
        n_values = [len(axis.inputs) for axis in along]
        total = 0
        for i in order:
            total += along[i].number * prod(n_values) // n_values[i]
            n_values[i] = len(along[i].levels[-1][0])
        return total

    longer = [i for i, axis in enumerate(along) if axis.levels]
    n_values = [len(axis.inputs) for axis in along]
    levels = []
    for i in min(permutations(longer), key=cost):
        for first, second in along[i].levels:
            values = np.arange(prod(n_values)).reshape(n_values)
            levels.append(
                (values.take(first, i).ravel(), values.take(second, i).ravel())
            )
            n_values[i] = len(first)
    inputs = np.ix_(*(order[axis.inputs] for order, axis in zip(orders, along)))
    maxima = np.ix_(*(axis.maxima for axis in along))
    return Comparisons(
        np.ravel_multi_index(inputs, [axis.length for axis in axes]).ravel(),
        levels,
        np.ravel_multi_index(maxima, n_values).ravel(),
    )


def _overlap(axis: Axis) -> bool:
    """Whether any two windows have an input in common."""
    inputs, _ = lay_out([axis])
    return bool(np.any(np.bincount(inputs) > 1))


def _runs(axis: Axis) -> tuple[np.ndarray, list[Run]]:
    """An order of the inputs in which each window, with gaps or not, is a run."""
    order = np.argsort(np.arange(axis.length) % axis.step, kind="stable")
    starts = np.argsort(order)[axis.first]
    return order, list(zip(starts.tolist(), (starts + axis.sizes).tolist()))


def _along_axis(runs: list[Run]) -> Comparisons:
    """The fewest comparisons that are no deeper than the tree of one window."""
    # what no window divides can be compared first, and is one value from then on
    ends = tuple(sorted(set(chain.from_iterable(runs))))
    everywhere = tuple(range(ends[0], ends[-1] + 1))
    places = dict.fromkeys([ends, everywhere])
    plans = [_plan(runs, at, rule) for at in places for rule in RULES]
    depth = (max(stop - start for start, stop in runs) - 1).bit_length()
    allowed = (
        plan for plan in plans if max(_levels(plan).values(), default=0) <= depth
    )
    return _in_levels(runs, min(allowed, key=len))


def _plan(runs: list[Run], places: tuple[int, ...], rule: Rule) -> Plan:
    """Split runs by a rule, but at these places only; then what is left."""
    number = {place: i for i, place in enumerate(places)}
    numbered = _split(((number[i], number[j]) for i, j in runs), rule)

    def placed(run: Run) -> Run:
        return places[run[0]], places[run[1]]

    plan = {placed(run): (placed(a), placed(b)) for run, (a, b) in numbered.items()}
    left = {*runs, *chain.from_iterable(plan.values())} - plan.keys()
    return {**plan, **_split(left, at_power_of_two)}


def _split(runs: Iterable[Run], rule: Rule) -> Plan:
    """Split each run in two, and these again, the longest first."""
    starts: dict[int, set[int]] = {}
    for start, stop in runs:
        starts.setdefault(stop - start, set()).add(start)
    plan = {}
    for length in range(max(starts, default=1), 1, -1):
        of_length = sorted(starts.get(length, ()))
        lefts, rights = rule(np.array(of_length, dtype=int), length)
        for start, left, right in zip(of_length, lefts.tolist(), rights.tolist()):
            stop = start + length
            plan[start, stop] = (start, start + left), (stop - right, stop)
            starts.setdefault(left, set()).add(start)
            starts.setdefault(right, set()).add(stop - right)
    return plan


def _levels(plan: Plan) -> dict[Run, int]:
    """The first level in which each run can be compared."""
    level: dict[Run, int] = {}
    for run, (a, b) in reversed(plan.items()):
        level[run] = 1 + max(level.get(a, 0), level.get(b, 0))
    return level


def _in_levels(runs: list[Run], plan: Plan) -> Comparisons:
    """Order comparisons by level, from the last one back."""
    level = _levels(plan)
    values = last = sorted(set(runs))
    levels: list[tuple[np.ndarray, np.ndarray]] = []
    for n in range(max(level.values(), default=0), 0, -1):
        # the longer part comes second: it is more often the larger, so that its
        # comparator is more often silent
        pairs = [
            sorted(plan[run], key=lambda part: part[1] - part[0])
            if level.get(run) == n
            else (run, run)
            for run in values
        ]
        values = sorted(set(chain.from_iterable(pairs)))
        first, second = (_find(part, values) for part in zip(*pairs))
        levels.insert(0, (first, second))
    inputs = np.array([start for start, _ in values])
    return Comparisons(inputs, levels, _find(runs, last))


def _find(runs: Iterable[Run], values: list[Run]) -> np.ndarray:
    """Which of the values each run is."""
    number = {run: i for i, run in enumerate(values)}
    return np.array([number[run] for run in runs])


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
