"""The input synapse of circuits, where NengoDL's own is slow."""

import tensorflow as tf
from nengo_dl.builder import Builder, OpBuilder

from ..operators.filters import AlphaFilter


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
