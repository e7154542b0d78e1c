"""TensorFlow versions of the neuron type and the transform of this package.

Importing this module makes them known to NengoDL, so that no simulation step leaves
TensorFlow for a Python function.
"""

import tensorflow as tf
from nengo_dl.builder import Builder, OpBuilder
from nengo_dl.neuron_builders import SimNeuronsBuilder, SpikingRectifiedLinearBuilder

from ..neurons import IntegrateAndFire
from ..transforms import MaxPoolInc
from ..windows import window_columns


class IntegrateAndFireBuilder(SpikingRectifiedLinearBuilder):
    """Build a group of `.IntegrateAndFire` neuron operators.

    Spiking is the same as in Nengo, step by step; in training the neurons are the
    rectified linear ones that they approximate.
    """

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


@Builder.register(MaxPoolInc)
class MaxPoolIncBuilder(OpBuilder):
    """Build a `.MaxPoolInc` operator."""

    def build_pre(self, signals, config):
        """Collect the inputs of all windows."""
        super().build_pre(signals, config)
        # operators with different windows are not merged (see OpBuilder.mergeable)
        (op,) = self.ops
        self.X_data = signals[op.X]
        self.Y_data = signals[op.Y]
        self.columns = tf.constant(window_columns(op.windows))

    def build_step(self, signals):
        """Gather the inputs of all windows and take their maxima."""
        members = tf.gather(signals.gather(self.X_data), self.columns, axis=1)
        signals.scatter(self.Y_data, tf.reduce_max(members, axis=1), mode="inc")
