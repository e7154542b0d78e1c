"""The input synapse of circuits, where the simulator's own is slow."""

import numpy as np
from nengo.builder import Operator, Signal

#: How many numbers of each kind are worked on at a time, so that a cache holds them.
IN_CACHE = 2**14


class AlphaFilter(Operator):
    r"""Two equal exponential filters, one after the other.

    Synapses of Nengo and NengoDL multiply by a matrix of states, which an `nengo.Alpha`
    does not need: with :math:`p = e^{-\Delta t / \tau}`, both have the same numbers,

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
        n_parts = -(-len(x) // IN_CACHE)
        parts = list(zip(*(np.array_split(each, n_parts) for each in (x, y, w))))
        products = np.empty(min(len(x), IN_CACHE), y.dtype)

        def step_alpha_filter():
            for x, y, w in parts:
                product = products[: len(x)]
                np.multiply(y, decay, out=y)
                np.add(y, np.multiply(of_x, x, out=product), out=y)
                np.add(y, np.multiply(of_w, w, out=product), out=y)
                np.multiply(w, decay, out=w)
                np.add(w, x, out=w)

        return step_alpha_filter
