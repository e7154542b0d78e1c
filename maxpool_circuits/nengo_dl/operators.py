"""TensorFlow versions of the operators that compute whole circuits."""

import numpy as np
import tensorflow as tf
from nengo.builder import Signal
from nengo_dl.builder import Builder, NengoModel, OpBuilder
from tensorflow.python.framework import smart_cond

from ..operators import serve
from ..operators.pairwise_relu import PairwiseReLUStep
from ..operators.winner_take_all import WinnerTakeAllRule, WinnerTakeAllStep
from .members import Gathered, Slices, layout


class WinnerTakeAllTensors(WinnerTakeAllStep):
    """The same operator, with membranes in the order that suits TensorFlow."""

    def __init__(self, x, y, rule):
        super().__init__(x, y, rule)
        self.layout = layout(rule.windows)
        units = np.isfinite(rule.start)
        start = self.layout.arranged(rule.start, units)
        # in training, what neurons fired last takes the place of membranes
        fired = Signal(np.zeros(len(start)), name="units.fired")
        self.updates = [Signal(start, name="units.voltage"), self.updates[1], fired]


@Builder.register(WinnerTakeAllTensors)
class WinnerTakeAllBuilder(OpBuilder):
    """Build a `WinnerTakeAllTensors` operator."""

    def build_pre(self, signals, config):
        """Look up signals and constants."""
        super().build_pre(signals, config)
        (op,) = self.ops
        self.rule, self.layout = op.rule, op.layout
        self.x, self.y = signals[op.reads[0]], signals[op.incs[0]]
        self.states = [signals[each] for each in op.updates]
        self.is_unit = np.isfinite(op.updates[0].initial_value)
        self.is_unit = self.is_unit.reshape(self.layout.shape)
        self.floor = self.rule.floor
        if not self.is_unit.all():
            # members that lack never fire
            self.floor = np.where(self.is_unit, self.floor, -np.inf)
        self.floor = tf.constant(self.floor, signals.dtype)

    def build_step(self, signals):
        """Compute a time step."""
        rule, layout = self.rule, self.layout
        members = layout.take(signals.gather(self.x))
        voltage, spikes, fired = map(signals.gather, self.states)
        by_member = members.shape
        gain, height = rule.gain * signals.dt_val, rule.area / signals.dt_val
        mean = layout.mean(members)
        # what all units of a pool are lowered by
        lowered = gain * mean
        lowered += spikes if rule.strength == 1 else rule.strength * spikes
        current = gain * members - layout.spread(lowered)

        def step():
            v = tf.maximum(tf.reshape(voltage, by_member) + current, self.floor)
            n = tf.floor(tf.nn.relu(v))
            total = layout.sum(n)
            if rule.windows.sizes.max() & (rule.windows.sizes.max() - 1):
                # an average, multiplied by a size that is no power of two
                total = tf.round(total)
            if rule.strength != 1:
                v -= (1 - rule.strength) * n
            return total, tf.reshape(v, voltage.shape), total, fired

        def rates():
            own = rule.strength * tf.reshape(fired, by_member)
            n = tf.nn.relu(current + own)
            if not self.is_unit.all():
                n *= tf.constant(self.is_unit, n.dtype)
            total = layout.sum(n)
            return total, voltage, total, tf.reshape(n, fired.shape)

        total, *states = spikes_or_rates(self.config, step, rates)
        signals.scatter(self.y, mean + height * total, mode="inc")
        for signal, state in zip(self.states, states):
            signals.scatter(signal, state)


def spikes_or_rates(config, step, rates):
    """Results of a step, or of its rates in training, which have a gradient."""
    if config.inference_only:
        return step()
    return smart_cond.smart_cond(
        config.training,
        true_fn=rates,
        false_fn=lambda: tuple(map(tf.stop_gradient, step())),
    )


@Builder.register(PairwiseReLUStep)
class PairwiseReLUBuilder(OpBuilder):
    """Build a `PairwiseReLUStep` operator."""

    def build_pre(self, signals, config):
        """Look up signals and constants."""
        super().build_pre(signals, config)
        (op,) = self.ops
        self.rule = op.rule
        self.x, self.y = signals[op.reads[0]], signals[op.incs[0]]
        self.states = [signals[each] for each in op.updates]
        windows = op.rule.windows
        on_grid = Slices(windows) if windows.grid else None
        # pairs are of neighbours in what a window has
        complete = on_grid and np.all(on_grid.columns < windows.n_inputs)
        self.layout = on_grid if complete else Gathered(windows)

    def build_step(self, signals):
        """Compute a time step."""
        gain, height = self.rule.gain * signals.dt_val, self.rule.area / signals.dt_val
        values = self.layout.slices(signals.gather(self.x))
        for state, paired in zip(self.states, self.rule.paired):
            end = 2 * len(paired)
            a, b = stacked(values[:end:2]), stacked(values[1:end:2])
            if not paired.all():
                # a value without partner is paired with itself
                b = tf.where(paired, b, a)
            voltage, current = signals.gather(state), gain * (a - b)

            def step(voltage=voltage, current=current):
                v = tf.maximum(voltage + current, self.rule.floor)
                n = tf.floor(tf.nn.relu(v))
                return n, v - n

            def rates(voltage=voltage, current=current):
                return tf.nn.relu(current), voltage

            n, voltage = spikes_or_rates(self.config, step, rates)
            signals.scatter(state, voltage)
            values = tf.unstack(b + height * n, axis=1) + values[end:]
        signals.scatter(self.y, values[0], mode="inc")


def stacked(values):
    """Stack tensors along a second axis."""
    return tf.stack(values, axis=1) if len(values) > 1 else tf.expand_dims(values[0], 1)


serve(
    NengoModel,
    lambda rule, x, y: (
        WinnerTakeAllTensors(x, y, rule)
        if isinstance(rule, WinnerTakeAllRule)
        else rule.operator(x, y)
    ),
)
