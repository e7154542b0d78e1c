"""TensorFlow versions of the neuron type, the transform and the filter of this package.

Importing this module makes them known to NengoDL, so that no simulation step leaves
TensorFlow for a Python function.
"""

import tensorflow as tf
from nengo.builder import Operator
from nengo_dl.builder import Builder, NengoModel, OpBuilder
from nengo_dl.neuron_builders import SimNeuronsBuilder, SpikingRectifiedLinearBuilder

from ..network import transform
from ..network.neurons import IntegrateAndFire
from ..operators.declared import enabled
from ..operators.filters import AlphaFilter
from .members import maxima


class IntegrateAndFireBuilder(SpikingRectifiedLinearBuilder):
    """Spikes as in Nengo, step by step; in training, rectified linear rates."""

    def build_pre(self, signals, config):
        """Collect the membrane floors of all neurons."""
        super().build_pre(signals, config)
        self.min_voltage = signals.op_constant(
            [op.neurons for op in self.ops],
            [op.J.shape[0] for op in self.ops],
            "min_voltage",
            signals.dtype,
        )

    def step(self, J, dt, voltage):
        """Integrate with sign, fire, and subtract one threshold per spike."""
        voltage = tf.maximum(voltage + J * dt, self.min_voltage)
        n_spikes = tf.nn.relu(tf.floor(voltage))
        return n_spikes * self.alpha, voltage - n_spikes


SimNeuronsBuilder.TF_NEURON_IMPL[IntegrateAndFire] = IntegrateAndFireBuilder


class MaxPoolSet(Operator):
    """Set one signal to the maxima of the windows of another."""

    def __init__(self, x, y, windows):
        super().__init__(tag="max_pool")
        self.sets, self.incs, self.reads, self.updates = [y], [], [x], []
        self.windows = windows


@Builder.register(MaxPoolSet)
class MaxPoolSetBuilder(OpBuilder):
    """Build a `MaxPoolSet`."""

    def build_pre(self, signals, config):
        """Look up signals."""
        super().build_pre(signals, config)
        # operators with different windows are not merged (see OpBuilder.mergeable)
        (op,) = self.ops
        self.x, self.y, self.windows = (
            signals[op.reads[0]],
            signals[op.sets[0]],
            op.windows,
        )

    def build_step(self, signals):
        """Take the maxima of all windows."""
        signals.scatter(self.y, maxima(signals.gather(self.x), self.windows))


def _add_max_pool(model, x, y, windows):
    if enabled():
        model.add_op(MaxPoolSet(x, y, windows))
    else:
        transform.add_function(model, x, y, windows)


transform.ADD[NengoModel] = _add_max_pool


@Builder.register(AlphaFilter)
class AlphaFilterBuilder(OpBuilder):
    """Build an `AlphaFilter`."""

    def build_pre(self, signals, config):
        """Look up signals and constants."""
        super().build_pre(signals, config)
        (op,) = self.ops
        self.x = signals[op.reads[0]]
        self.y, self.w = (signals[each] for each in op.updates)
        constants = op.constants(signals.dt_val)
        self.constants = [tf.constant(each, signals.dtype) for each in constants]

    def build_step(self, signals):
        """Compute a time step."""
        p, a, c = self.constants
        x, y, w = (signals.gather(each) for each in (self.x, self.y, self.w))
        signals.scatter(self.y, p * y + (a * x + c * w))
        signals.scatter(self.w, p * w + x)
