"""The input synapse of circuits, where NengoDL's own is slow."""

import numpy as np
import tensorflow as tf
from nengo.builder import Operator, Signal
from nengo_dl.builder import Builder, OpBuilder


class AlphaFilter(Operator):
    r"""Two equal exponential filters, one after the other.

    NengoDL's synapse moves the batch to the end and back for a product of matrices. For
    an `nengo.Alpha` that is not needed: with :math:`p = e^{-\Delta t / \tau}` both have
    the same numbers,

    .. math:: w \leftarrow p w + x, \qquad y \leftarrow p y + a x + c w_\text{before}

    and what comes out can be scaled without cost.

    1. sets ``[]``
    2. incs ``[]``
    3. reads ``[x]``
    4. updates ``[y, w]``
    """

    def __init__(self, tau, scale, x):
        super().__init__(tag=f"Alpha({tau})")
        self.tau, self.scale = tau, scale
        self.sets, self.incs, self.reads = [], [], [x]
        zeros = np.zeros(x.shape)
        self.updates = [Signal(zeros, name=f"alpha.{each}") for each in "yw"]

    def make_step(self, signals, dt, rng):
        """Not for Nengo, whose own synapse is as fast."""
        raise NotImplementedError("AlphaFilter is for NengoDL only")


@Builder.register(AlphaFilter)
class AlphaFilterBuilder(OpBuilder):
    """Build an `AlphaFilter`."""

    def build_pre(self, signals, config):
        """Look up signals and constants."""
        super().build_pre(signals, config)
        (op,) = self.ops
        self.x = signals[op.reads[0]]
        self.y, self.w = (signals[each] for each in op.updates)
        steps = signals.dt_val / op.tau
        decay = np.exp(-steps)
        first, second = 1 - decay * (1 + steps), decay * steps * (1 - decay)
        constants = decay, op.scale * first, op.scale * second
        self.constants = [tf.constant(each, signals.dtype) for each in constants]

    def build_step(self, signals):
        """Compute a time step."""
        p, a, c = self.constants
        x, y, w = (signals.gather(each) for each in (self.x, self.y, self.w))
        signals.scatter(self.y, p * y + (a * x + c * w))
        signals.scatter(self.w, p * w + x)
