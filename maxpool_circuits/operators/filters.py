"""The input synapse of circuits, where the simulator's own is slow."""

import numpy as np
from nengo.builder import Operator, Signal


class AlphaFilter(Operator):
    r"""Two equal exponential filters, one after the other.

    Synapses of Nengo and NengoDL multiply by a matrix of states. For an `nengo.Alpha`
    that is not needed: with :math:`p = e^{-\Delta t / \tau}` both have the same numbers,

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

    def constants(self, dt):
        """How much is left of y and w, and what x and w add to y, in a time step."""
        steps = dt / self.tau
        decay = np.exp(-steps)
        first, second = 1 - decay * (1 + steps), decay * steps * (1 - decay)
        return decay, self.scale * first, self.scale * second

    def make_step(self, signals, dt, rng):
        """Make the function that Nengo calls in every time step."""
        x, (y, w) = signals[self.reads[0]], (signals[each] for each in self.updates)
        decay, of_x, of_w = self.constants(dt)
        product = np.empty_like(y)

        def step_alpha_filter():
            np.multiply(y, decay, out=y)
            for factor, values in ((of_x, x), (of_w, w)):
                np.multiply(factor, values, out=product)
                np.add(y, product, out=y)
            np.multiply(w, decay, out=w)
            np.add(w, x, out=w)

        return step_alpha_filter
