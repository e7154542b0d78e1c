"""Circuits whose neurons share one reset per pool, as one operator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from nengo.builder import Signal

from ..circuits.shared_reset import SharedResetMax
from ..circuits.winner_take_all import WinnerTakeAll
from ..network.neurons import AboveMean, SharedReset
from ..network.windows import PoolWindows
from .declared import CircuitStep
from .members import Members, in_place


@dataclass(frozen=True, eq=False)
class SharedResetRule:
    r"""What the units of all pools do in a time step.

    .. math::

       v_i \leftarrow \max(v_i + g (x_i - b), f), \quad
       n = \max(\lfloor \max_i v_i \rfloor, 0), \quad
       v_i \leftarrow v_i - n, \quad y = b + h n

    With ``rise``, :math:`b` is the mean of the pool and :math:`f` the lower of 0 and
    ``floor + rise * max(b - low, 0)``; without, :math:`b` is ``low`` and :math:`f` is
    ``floor``. ``area`` is :math:`h` times the time step, and ``gain`` :math:`g` divided
    by it; ``start`` has the first membranes, (largest window, n_pools).
    """

    windows: PoolWindows
    gain: float
    low: float
    floor: float
    rise: float | None
    area: float
    start: np.ndarray


def rule_of(
    circuit: WinnerTakeAll | SharedResetMax, model: Any
) -> SharedResetRule | None:
    """What a circuit whose pools share resets computes; None for others."""
    neuron_type = circuit.units.neuron_type
    if type(neuron_type) not in (SharedReset, AboveMean) or circuit.units.noise:
        return None
    unit = circuit.populations["unit"][0].population
    gain = unit.encoders.item() * unit.gain.item()
    rises = isinstance(neuron_type, AboveMean)
    start = model.sig[circuit.units.neurons]["voltage"].initial_value
    return SharedResetRule(
        windows=circuit.windows,
        gain=gain,
        low=circuit.input_range[0],
        floor=float(neuron_type.min_voltage),
        rise=neuron_type.rise * gain if rises else None,
        area=unit.decoders.item() * neuron_type.amplitude,
        # members that lack never rise
        start=in_place(start, Members(circuit.windows).present(not rises), -np.inf),
    )


class SharedResetStep(CircuitStep):
    """One time step of all pools."""

    def __init__(self, x: Signal, y: Signal, rule: SharedResetRule) -> None:
        super().__init__(x, y, rule, [Signal(rule.start, name="units.voltage")])

    def make_step(self, signals: Any, dt: float, rng: Any) -> Callable[[], None]:
        """Make the function that Nengo calls in every time step."""
        rule, members = self.rule, Members(self.rule.windows)
        x, y = signals[self.reads[0]], signals[self.sets[0]]
        (voltage,) = (signals[each] for each in self.updates)
        gain, height = rule.gain * dt, rule.area / dt
        lacking = np.isneginf(rule.start)
        blocks = []
        for pools in members.blocks():
            columns = np.ascontiguousarray(members.columns[:, pools])
            lack = lacking[:, pools] if lacking.any() else None
            states = y[pools], voltage[:, pools]
            blocks.append((columns, members.sizes[pools], lack, *states))

        def step_shared_reset():
            inputs = members.padded(x)
            for columns, sizes, lack, y, voltage in blocks:
                values = inputs[columns]
                if rule.rise is None:
                    base, floor = rule.low, rule.floor
                else:
                    base = values.sum(axis=0)
                    base /= sizes
                    floor = np.maximum(base - rule.low, 0)
                    floor *= rule.rise
                    floor += rule.floor
                    np.minimum(floor, 0, out=floor)
                values -= base
                values *= gain
                voltage += values
                np.maximum(voltage, floor, out=voltage)
                if lack is not None:
                    voltage[lack] = -np.inf
                n_spikes = voltage.max(axis=0)
                np.floor(n_spikes, out=n_spikes)
                np.maximum(n_spikes, 0, out=n_spikes)
                voltage -= n_spikes
                n_spikes *= height
                np.add(n_spikes, base, out=y)

        return step_shared_reset
