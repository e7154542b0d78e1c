"""Trees of counting comparators, as one operator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from nengo.builder import Signal

from ..circuits.pairwise_relu import PairwiseReLU
from ..network.windows import PoolWindows
from .declared import CircuitStep, counts
from .members import Members, in_place


@dataclass(frozen=True, eq=False)
class PairwiseReLURule:
    r"""What the comparators of all pools do in a time step, level by level.

    .. math::

       v \leftarrow \max(v + g (a - b), v_\text{min}), \quad
       n = \max(\lfloor v \rfloor, 0), \quad v \leftarrow v - n

    and the value for the next level is :math:`b + h n`.

    ``area`` is :math:`h` times the time step; ``start`` has the first membranes and
    ``paired`` where there are two to compare, (n_pairs, n_pools) each, by level.
    """

    windows: PoolWindows
    gain: float
    floor: float
    area: float
    start: tuple
    paired: tuple


def pairs(sizes: np.ndarray) -> tuple[np.ndarray, ...]:
    """Which pairs of neighbours are complete, by level, (n_pairs, n_pools) each."""
    found = []
    while sizes.max() > 1:
        second = np.arange(1, sizes.max(), 2)[:, np.newaxis]
        found.append(second < sizes)
        sizes = (sizes + 1) // 2
    return tuple(found)


def partners(
    values: np.ndarray, paired: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The two values of each pair, and those that are left.

    A value without partner is paired with itself, which makes no spikes.
    """
    end = 2 * len(paired)
    a, b = values[:end:2], values[1:end:2]
    return a, b if paired.all() else np.where(paired, b, a), values[end:]


def rule_of(circuit: PairwiseReLU, model: Any) -> PairwiseReLURule | None:
    """What a tree of neurons that count computes, if windows share no comparators."""
    levels, paired = circuit.comparators, pairs(circuit.windows.sizes)
    if (
        circuit.shares_comparators
        or not all(counts(e, int(both.sum())) for e, both in zip(levels, paired))
        or circuit.synapse is not None
    ):
        return None
    comparator = circuit.populations["comparator"][0].population
    neuron_type = comparator.neuron_type
    starts = [model.sig[level.neurons]["voltage"].initial_value for level in levels]
    return PairwiseReLURule(
        windows=circuit.windows,
        gain=comparator.encoders.item() * comparator.gain.item(),
        floor=float(neuron_type.min_voltage),
        area=comparator.decoders.item() * neuron_type.amplitude,
        start=tuple(map(in_place, starts, paired)),
        paired=paired,
    )


class PairwiseReLUStep(CircuitStep):
    """One time step of all comparators of a tree."""

    def __init__(self, x: Signal, y: Signal, rule: PairwiseReLURule) -> None:
        states = [Signal(start, name="comparators") for start in rule.start]
        super().__init__(x, y, rule, states)

    def make_step(self, signals: Any, dt: float, rng: Any) -> Callable[[], None]:
        """Make the function that Nengo calls in every time step."""
        rule, members = self.rule, Members(self.rule.windows)
        x, y = signals[self.reads[0]], signals[self.sets[0]]
        gain, height = rule.gain * dt, rule.area / dt
        blocks = []
        for pools in members.blocks():
            columns = np.ascontiguousarray(members.columns[:, pools])
            levels = [
                (signals[voltage][:, pools], paired[:, pools])
                for voltage, paired in zip(self.updates, rule.paired)
            ]
            blocks.append((columns, y[pools], levels))

        def step_pairwise_relu():
            inputs = members.padded(x)
            for columns, y, levels in blocks:
                values = inputs[columns]
                for voltage, paired in levels:
                    a, b, left = partners(values, paired)
                    values = a - b
                    values *= gain
                    voltage += values
                    np.maximum(voltage, rule.floor, out=voltage)
                    np.floor(voltage, out=values)
                    np.maximum(values, 0, out=values)
                    voltage -= values
                    values *= height
                    values += b
                    if len(left) > 0:
                        values = np.concatenate([values, left])
                y[...] = values[0]

        return step_pairwise_relu
