"""TensorFlow versions of the operators that compute whole circuits.

Each member of the windows, or pair of them, is a tensor of its own: that is faster than
sums and maxima over an axis, and slices of large tensors.
"""

import numpy as np
import tensorflow as tf
from nengo.builder import Signal
from nengo_dl.builder import Builder, NengoModel, OpBuilder
from tensorflow.python.framework import smart_cond

from ..operators import serve
from ..operators.pairwise_relu import PairwiseReLURule, PairwiseReLUStep
from ..operators.winner_take_all import WinnerTakeAllRule, WinnerTakeAllStep
from .members import Gathered, arranged, members_of

#: More members than these are stacked in one tensor, so that graphs stay small.
MANY = 16


def grouped(tensors):
    """Tensors (batch, n_pools) as they are, or many of them stacked."""
    return tensors if len(tensors) <= MANY else [tf.stack(tensors, axis=1)]


def ungrouped(tensors):
    """The same tensors again."""
    return [
        each
        for tensor in tensors
        for each in (tf.unstack(tensor, axis=1) if tensor.shape.rank == 3 else [tensor])
    ]


def states(name, rows):
    """Signals of a state that was given by rows, grouped likewise."""
    groups = rows if len(rows) <= MANY else [rows.ravel()]
    return [Signal(np.array(group), name=name) for group in groups]


def spikes_or_rates(config, step, rates):
    """Results of a step, or of its rates in training, which have a gradient."""
    if config.inference_only:
        return step()
    return smart_cond.smart_cond(
        config.training,
        true_fn=rates,
        false_fn=lambda: tf.nest.map_structure(tf.stop_gradient, step()),
    )


class WinnerTakeAllTensors(WinnerTakeAllStep):
    """The same operator, with a signal for each member's membranes."""

    def __init__(self, x, y, rule):
        super().__init__(x, y, rule)
        self.members = members_of(rule.windows)
        units = np.isfinite(rule.start)
        start = arranged(rule.start, units, rule.windows, self.members.columns)
        self.voltages = states("units.voltage", start)
        # what neurons fired last, which takes the place of membranes in training
        self.fired = states("units.fired", np.zeros(start.shape))
        self.updates = [self.updates[1], *self.voltages, *self.fired]


@Builder.register(WinnerTakeAllTensors)
class WinnerTakeAllBuilder(OpBuilder):
    """Build a `WinnerTakeAllTensors` operator."""

    def build_pre(self, signals, config):
        """Look up signals and constants."""
        super().build_pre(signals, config)
        (op,) = self.ops
        self.rule, self.members = op.rule, op.members
        self.x, self.y = signals[op.reads[0]], signals[op.incs[0]]
        self.spikes, *units = (signals[each] for each in op.updates)
        self.voltages = units[: len(op.voltages)]
        self.fired = units[len(op.voltages) :]
        # members that lack never fire
        self.present, self.floors = [], []
        for voltage in op.voltages:
            present = np.isfinite(voltage.initial_value)
            present = present.reshape(-1, op.rule.windows.n_pools)
            present = present if len(present) > 1 else present[0]
            floor = np.where(present, op.rule.floor, -np.inf)
            floor = op.rule.floor if present.all() else floor
            self.present.append(None if present.all() else present)
            self.floors.append(tf.constant(floor, signals.dtype))
        sizes = op.rule.windows.sizes
        self.share = 1 / (sizes if np.ptp(sizes) else sizes[0])

    def build_step(self, signals):
        """Compute a time step."""
        strength, dt = self.rule.strength, signals.dt_val
        gain, height = self.rule.gain * dt, self.rule.area / dt
        members = self.members(signals.gather(self.x))
        mean = tf.add_n(members) * tf.constant(self.share, signals.dtype)
        spikes = signals.gather(self.spikes)
        # what all units of a pool are lowered by
        lowered = gain * mean + (spikes if strength == 1 else strength * spikes)
        members = grouped(members)
        if members[0].shape.rank == 3:
            lowered = tf.expand_dims(lowered, 1)
        currents = [gain * member - lowered for member in members]
        voltages, fired = (
            [tf.reshape(signals.gather(state), member.shape) for state, member in each]
            for each in (zip(self.voltages, members), zip(self.fired, members))
        )

        def step():
            spikes, after = [], []
            for voltage, current, floor in zip(voltages, currents, self.floors):
                voltage = tf.maximum(voltage + current, floor)
                spikes.append(tf.floor(tf.nn.relu(voltage)))
                if strength != 1:
                    voltage -= (1 - strength) * spikes[-1]
                after.append(voltage)
            return tf.add_n(ungrouped(spikes)), after, fired

        def rates():
            after = []
            for last, current, present in zip(fired, currents, self.present):
                rate = tf.nn.relu(current + strength * last)
                # members that lack have a current too
                after.append(rate if present is None else rate * present)
            return tf.add_n(ungrouped(after)), voltages, after

        spikes, *states = spikes_or_rates(self.config, step, rates)
        signals.scatter(self.y, mean + height * spikes, mode="inc")
        signals.scatter(self.spikes, spikes)
        for signal, state in zip(self.voltages + self.fired, tf.nest.flatten(states)):
            signals.scatter(signal, state)


class PairwiseReLUTensors(PairwiseReLUStep):
    """The same operator, with a signal for each pair's membranes."""

    def __init__(self, x, y, rule):
        super().__init__(x, y, rule)
        self.levels = [states("comparators", start) for start in rule.start]
        self.updates = [state for level in self.levels for state in level]


@Builder.register(PairwiseReLUTensors)
class PairwiseReLUBuilder(OpBuilder):
    """Build a `PairwiseReLUTensors` operator."""

    def build_pre(self, signals, config):
        """Look up signals."""
        super().build_pre(signals, config)
        (op,) = self.ops
        self.rule, windows = op.rule, op.rule.windows
        self.x, self.y = signals[op.reads[0]], signals[op.incs[0]]
        self.levels = [[signals[each] for each in level] for level in op.levels]
        self.members = members_of(windows)
        if np.any(self.members.columns == windows.n_inputs):
            # pairs are of neighbours in what a window has, not of positions
            self.members = Gathered(windows)

    def build_step(self, signals):
        """Compute a time step."""
        gain, height = self.rule.gain * signals.dt_val, self.rule.area / signals.dt_val
        values = self.members(signals.gather(self.x))
        for level, paired in zip(self.levels, self.rule.paired):
            end = 2 * len(paired)
            first, second = grouped(values[:end:2]), grouped(values[1:end:2])
            there = paired if len(level) > 1 or len(paired) == 1 else [paired]
            maximum = []
            for state, a, b, both in zip(level, first, second, there):
                if not both.all():
                    # a value without partner is paired with itself
                    b = tf.where(both, b, a)
                voltage = tf.reshape(signals.gather(state), a.shape)
                spikes, voltage = self._compared(gain * (a - b), voltage)
                signals.scatter(state, voltage)
                maximum.append(b + height * spikes)
            values = ungrouped(maximum) + values[end:]
        signals.scatter(self.y, values[0], mode="inc")

    def _compared(self, current, voltage):
        """Spikes of comparators, and their membranes after them."""

        def step():
            v = tf.maximum(voltage + current, self.rule.floor)
            spikes = tf.floor(tf.nn.relu(v))
            return spikes, v - spikes

        def rates():
            return tf.nn.relu(current), voltage

        return spikes_or_rates(self.config, step, rates)


#: Operators by the rule that they compute.
TENSORS = {
    WinnerTakeAllRule: WinnerTakeAllTensors,
    PairwiseReLURule: PairwiseReLUTensors,
}

serve(NengoModel, lambda rule, x, y: TENSORS[type(rule)](x, y, rule))
