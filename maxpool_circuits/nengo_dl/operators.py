"""TensorFlow versions of the operators that compute whole circuits.

Each member of the windows, or pair of them, is a tensor of its own: that is faster than
sums and maxima over an axis, and slices of large tensors.
"""

import numpy as np
import tensorflow as tf
from nengo import Alpha
from nengo.builder import Signal
from nengo_dl.builder import Builder, NengoModel, OpBuilder
from nengo_dl.config import get_setting
from tensorflow.python.framework import smart_cond

from ..operators import serve
from ..operators.filters import AlphaFilter
from ..operators.pairwise_relu import PairwiseReLURule, PairwiseReLUStep
from ..operators.winner_take_all import WinnerTakeAllRule, WinnerTakeAllStep
from .members import Gathered, arranged, members_of


def states(name, rows):
    """A signal for each row of a state."""
    return [Signal(np.array(row), name=name) for row in rows]


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

    def __init__(self, x, y, rule, unit, trained):
        super().__init__(x, y, rule)
        self.unit = unit
        self.members = members_of(rule.windows)
        units = np.isfinite(rule.start)
        start = arranged(rule.start, units, rule.windows, self.members.columns)
        self.updates = [self.updates[1], *states("units.voltage", start)]
        if trained:
            # what neurons fired last, which takes the place of membranes
            self.updates += states("units.fired", np.zeros(start.shape))


@Builder.register(WinnerTakeAllTensors)
class WinnerTakeAllBuilder(OpBuilder):
    """Build a `WinnerTakeAllTensors` operator."""

    def build_pre(self, signals, config):
        """Look up signals and constants."""
        super().build_pre(signals, config)
        (op,) = self.ops
        rule, self.members = op.rule, op.members
        self.x, self.y = signals[op.reads[0]], signals[op.sets[0]]
        n_members = len(self.members.columns)
        self.spikes, *units = (signals[each] for each in op.updates)
        self.voltages, self.fired = units[:n_members], units[n_members:]

        def constant(value):
            return tf.constant(value, signals.dtype)

        sizes = rule.windows.sizes
        self.share = constant(1 / (sizes if np.ptp(sizes) else sizes[0]))
        self.unit, gain = constant(op.unit), rule.gain * signals.dt_val * op.unit
        # a product less where it is 1
        self.gain = None if abs(gain - 1) < 1e-12 else constant(gain)
        self.height = constant(rule.area / signals.dt_val)
        self.strength, lowest = constant(rule.strength), constant(rule.floor)
        self.floors, self.present = [], []
        for voltage in op.updates[1 : 1 + n_members]:
            present = np.isfinite(voltage.initial_value)
            self.present.append(None if present.all() else present)
            # members that lack never fire
            floor = constant(np.where(present, rule.floor, -np.inf))
            self.floors.append(lowest if present.all() else floor)

    def build_step(self, signals):
        """Compute a time step."""
        members = self.members(signals.gather(self.x))
        mean = tf.add_n(members) * self.share
        spikes = signals.gather(self.spikes)
        counts = self.ops[0].rule.strength == 1
        # what all units of a pool are lowered by
        lowered = self._scaled(mean) + (spikes if counts else self.strength * spikes)
        currents = [self._scaled(member) - lowered for member in members]
        before = [signals.gather(state) for state in self.voltages]
        fired = [signals.gather(state) for state in self.fired]

        def step():
            spikes, after = [], []
            for voltage, current, floor in zip(before, currents, self.floors):
                voltage = tf.maximum(voltage + current, floor)
                spikes.append(tf.floor(tf.nn.relu(voltage)))
                if not counts:
                    voltage -= (1 - self.strength) * spikes[-1]
                after.append(voltage)
            return tf.add_n(spikes), after, fired

        def rates():
            after = []
            for last, current, present in zip(fired, currents, self.present):
                rate = tf.nn.relu(current + self.strength * last)
                # members that lack have a current too
                after.append(rate if present is None else tf.where(present, rate, 0))
            return tf.add_n(after), before, after

        spikes, voltages, fired = spikes_or_rates(self.config, step, rates)
        signals.scatter(self.y, self.unit * mean + self.height * spikes)
        signals.scatter(self.spikes, spikes)
        for signal, state in zip(self.voltages + self.fired, [*voltages, *fired]):
            signals.scatter(signal, state)

    def _scaled(self, values):
        """Values in units of the threshold."""
        return values if self.gain is None else self.gain * values


class PairwiseReLUTensors(PairwiseReLUStep):
    """The same operator, with a signal for each pair's membranes."""

    def __init__(self, x, y, rule, unit, trained):
        super().__init__(x, y, rule)
        self.unit = unit
        self.levels = [states("comparators", start) for start in rule.start]
        self.updates = [state for level in self.levels for state in level]


@Builder.register(PairwiseReLUTensors)
class PairwiseReLUBuilder(OpBuilder):
    """Build a `PairwiseReLUTensors` operator."""

    def build_pre(self, signals, config):
        """Look up signals."""
        super().build_pre(signals, config)
        (op,) = self.ops
        rule, windows = op.rule, op.rule.windows
        self.gain = tf.constant(rule.gain * signals.dt_val * op.unit, signals.dtype)
        self.height = tf.constant(rule.area / signals.dt_val / op.unit, signals.dtype)
        self.unit = tf.constant(op.unit, signals.dtype)
        self.floor = tf.constant(rule.floor, signals.dtype)
        self.x, self.y = signals[op.reads[0]], signals[op.sets[0]]
        self.levels = [[signals[each] for each in level] for level in op.levels]
        self.members = members_of(windows)
        if np.any(self.members.columns == windows.n_inputs):
            # pairs are of neighbours in what a window has, not of positions
            self.members = Gathered(windows)

    def build_step(self, signals):
        """Compute a time step."""
        values = self.members(signals.gather(self.x))
        for level, paired in zip(self.levels, self.ops[0].rule.paired):
            end = 2 * len(paired)
            maximum = []
            pairs = zip(level, values[:end:2], values[1:end:2], paired)
            for state, a, b, both in pairs:
                if not both.all():
                    # a value without partner is paired with itself
                    b = tf.where(both, b, a)
                voltage = signals.gather(state)
                spikes, voltage = self._compared(self.gain * (a - b), voltage)
                signals.scatter(state, voltage)
                maximum.append(b + self.height * spikes)
            values = maximum + values[end:]
        signals.scatter(self.y, self.unit * values[0])

    def _compared(self, current, voltage):
        """Spikes of comparators, and their membranes after them."""

        def step():
            v = tf.maximum(voltage + current, self.floor)
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


def _add(model, rule, synapse, x, y):
    """What NengoDL computes."""
    unit = 1
    if type(synapse) is Alpha:
        # inputs in units of the threshold
        unit = 1 / (rule.gain * model.dt)
        model.add_op(AlphaFilter(synapse.tau, 1 / unit, x))
        x = model.operators[-1].updates[0]
    elif synapse is not None:
        x = model.build(synapse, x, mode="update")
    trained = not get_setting(model, "inference_only", False)
    model.add_op(TENSORS[type(rule)](x, y, rule, unit, trained))


serve(NengoModel, _add)
