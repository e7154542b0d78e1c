"""Winner-take-all circuits of counting neurons, as one operator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.builder import Signal

from ..circuits.winner_take_all import INHIBITION, WinnerTakeAll
from ..network.windows import PoolWindows
from .declared import CircuitStep, counts
from .members import Members, in_place


@dataclass(frozen=True, eq=False)
class WinnerTakeAllRule:
    r"""What the units of all pools do in a time step.

    With :math:`v_i` the membrane of unit :math:`i` *before* its reset and :math:`S` the
    spikes of its pool in the step before,

    .. math:: v_i \leftarrow \max(v_i + g (x_i - \bar x) - c S, v_\text{min})

    which lowers the unit that fired by its reset and its rivals by inhibition; where
    :math:`c` is not 1, :math:`(1 - c) n_i` is subtracted for the :math:`n_i` spikes of
    the unit itself. The output is :math:`\bar x + h \sum_i n_i`.

    ``area`` is :math:`h` times the time step, and ``start`` has the first membranes,
    (largest window, n_pools).
    """

    windows: PoolWindows
    gain: float
    strength: float
    floor: float
    area: float
    start: np.ndarray


def rule_of(circuit: WinnerTakeAll, model: Any) -> WinnerTakeAllRule | None:
    """What a circuit of one stage of neurons that count computes; None for others."""
    members = Members(circuit.windows)
    if (
        len(circuit.stages) != 1
        or not counts(circuit.units, int(np.count_nonzero(members.units)))
        or circuit.synapse != nengo.Lowpass(0)
    ):
        return None
    unit = circuit.populations["unit"][0].population
    gain, decoder = unit.encoders.item() * unit.gain.item(), unit.decoders.item()
    area = decoder * unit.neuron_type.amplitude
    # 1, but for rounding, where nothing was tuned
    strength = round(circuit.value_of(INHIBITION) * gain * area, 12)
    start = model.sig[circuit.units.neurons]["voltage"].initial_value
    return WinnerTakeAllRule(
        windows=circuit.windows,
        gain=gain,
        strength=strength,
        floor=float(unit.neuron_type.min_voltage),
        area=area,
        # members that lack never rise
        start=in_place(start, members.units, -np.inf),
    )


class WinnerTakeAllStep(CircuitStep):
    """One time step of all pools of a winner-take-all circuit."""

    def __init__(self, x: Signal, y: Signal, rule: WinnerTakeAllRule) -> None:
        spikes = Signal(np.zeros(y.shape), name="units.spikes")
        super().__init__(x, y, rule, [Signal(rule.start, name="units.voltage"), spikes])

    def make_step(self, signals: Any, dt: float, rng: Any) -> Callable[[], None]:
        """Make the function that Nengo calls in every time step."""
        rule, members = self.rule, Members(self.rule.windows)
        x, y = signals[self.reads[0]], signals[self.sets[0]]
        voltage, spikes = (signals[each] for each in self.updates)
        gain, height = rule.gain * dt, rule.area / dt
        # members that lack never fire
        floor = np.where(members.units, rule.floor, -np.inf)
        blocks = []
        for pools in members.blocks():
            columns = np.ascontiguousarray(members.columns[:, pools])
            lowest = rule.floor if members.complete else floor[:, pools]
            states = y[pools], voltage[:, pools], spikes[pools]
            blocks.append((columns, members.sizes[pools], lowest, *states))

        def step_winner_take_all():
            inputs = members.padded(x)
            for columns, sizes, lowest, y, voltage, spikes in blocks:
                values = inputs[columns]
                mean = values.sum(axis=0)
                mean /= sizes
                y[...] = mean
                # what all units of a pool are lowered by
                mean *= gain
                spikes *= rule.strength
                mean += spikes
                values *= gain
                values -= mean
                voltage += values
                np.maximum(voltage, lowest, out=voltage)
                np.floor(voltage, out=values)
                np.maximum(values, 0, out=values)
                np.sum(values, axis=0, out=spikes)
                y += height * spikes
                if rule.strength != 1:
                    values *= 1 - rule.strength
                    voltage -= values

        return step_winner_take_all
