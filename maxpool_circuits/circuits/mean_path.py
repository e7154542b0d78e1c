"""Circuits that let the mean of a pool go past the neurons."""

import nengo

from ..base import MaxPoolNetwork
from ..layout import connect


class MeanPath(MaxPoolNetwork):
    r"""Base class of circuits that compute by how much the maximum exceeds the mean.

    .. math:: \max_i x_i = \bar x + \max_i (x_i - \bar x)

    The mean :math:`\bar x` of a pool is linear, so it needs no neurons: it goes from
    the input to the output by weights alone, without delay and without quantisation.
    Neurons only carry the excess, which is small, and changes that all inputs share
    (most of those in natural images) never pass through spikes.

    A subclass defines `build_excess`.

    Attributes
    ----------
    mean : nengo.Node
        The mean of the inputs of each pool.
    above_mean : nengo.Node
        Each input less the mean of its pool, pool by pool.
    excess : nengo.Node
        The maximum of each pool less its mean.
    """

    def build_circuit(self):
        """Build the path of the mean, then the circuit for the excess."""
        n_pools, n_units = self.pool_sum.shape
        self.mean = nengo.Node(size_in=n_pools, label="mean")
        self.above_mean = nengo.Node(size_in=n_units, label="above mean")
        self.excess = nengo.Node(size_in=n_pools, label="excess")
        connect(self.input, self.mean, self.pool_mean @ self.gather, self.input_synapse)
        connect(self.input, self.above_mean, self.gather, self.input_synapse)
        connect(self.mean, self.above_mean, -self.pool_sum.T)
        self.build_excess()
        connect(self.mean, self.output, self.scatter)
        connect(self.excess, self.output, self.scatter)

    def build_excess(self):
        """Build the circuit from ``self.above_mean`` to ``self.excess``."""
        raise NotImplementedError(
            f"{type(self).__name__} must define build_excess(self)"
        )
