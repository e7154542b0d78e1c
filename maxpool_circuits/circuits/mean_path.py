"""Circuits that let the mean of a pool go past the neurons."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
import scipy.sparse

from ..network.base import MaxPoolNetwork
from ..network.sparse import selection
from ..network.wiring import Junction, Wiring

#: Time constant of the zero of `smoothing`, relative to that of its poles.
ZERO = 0.6


class MeanPath(MaxPoolNetwork):
    r"""Base class of circuits that compute by how much the maximum exceeds the mean.

    .. math:: \max_i x_i = \bar x + \max_i (x_i - \bar x)

    The mean :math:`\bar x` of a pool is linear, so it needs no neurons: it goes from
    the input to the output by weights alone, without delay and without quantisation.
    Neurons only carry the excess, which is small, and changes that all inputs share
    (most of those in natural images) never pass through spikes.

    A subclass defines `build_excess`.

    Parameters
    ----------
    n_neurons, neuron_type, max_rate, input_rate, input_range : optional
        As in `.MaxPoolNetwork`.
    synapse, input_synapse : optional
        As in `.MaxPoolNetwork`.
    decoders, label, seed, add_to_container : optional
        As in `.MaxPoolNetwork`.

    Examples
    --------
    Without neurons only the mean is left, since the distances to it sum to zero:

    >>> import nengo
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits.circuits.mean_path import MeanPath
    >>> class OnlyMean(MeanPath):
    ...     default_decoders = None
    ...     def build_excess(self, wiring, above_mean, excess, members):
    ...         wiring.connect(above_mean, excess, members)
    >>> windows = mpc.PoolWindows.independent(n_pools=1, window_size=2)
    >>> with nengo.Network() as model:
    ...     pool = OnlyMean(windows)
    ...     inputs = nengo.Node([0.25, 0.75])
    ...     _ = nengo.Connection(inputs, pool.input, synapse=None)
    ...     probe = nengo.Probe(pool.output)
    >>> with nengo.Simulator(model, progress_bar=False) as sim:
    ...     sim.run_steps(1)
    >>> print(sim.data[probe])
    [[0.5]]
    """

    # a unit is a unit
    tuned_per_window_size = False
    default_decoders: Any = "tuned"
    #: The mean of each pool, in the stage that is being built.
    mean: Junction

    @property
    def largest_group(self) -> int:
        """How many values a stage takes the maximum of, at most: all, in one stage."""
        return int(self.windows.sizes.max())

    def build_circuit(self) -> None:
        """Add stages until every pool has one value left."""
        wiring = Wiring()
        values: Any = self.input
        pick, synapse = self.gather, self.input_synapse
        pool_of_value, _ = np.nonzero(self.pool_sum)
        while pick.shape[0] > len(self.pools):
            group_of_value = divide(pool_of_value, self.largest_group)
            _, first = np.unique(group_of_value, return_index=True)
            pool_of_value = pool_of_value[first]
            members = selection(group_of_value, len(first)).T.tocsr()
            maxima = wiring.junction(len(first), "maxima")
            self._build_stage(wiring, values, maxima, pick, members, synapse)
            values, pick, synapse = maxima, scipy.sparse.identity(len(first)), None
        wiring.connect(values, self.output, self.scatter)
        wiring.build()

    def _build_stage(self, wiring, values, maxima, pick, members, synapse):
        """Take the maximum of groups of values."""
        n_groups, n_values = members.shape
        sizes = members.sum(axis=1)
        mean = self.mean = wiring.junction(n_groups, "mean")
        above_mean = wiring.junction(n_values, "above mean")
        excess = wiring.junction(n_groups, "excess")
        average = members.multiply(1 / sizes)
        wiring.connect(values, mean, average @ pick, synapse)
        wiring.connect(values, above_mean, pick, synapse)
        wiring.connect(mean, above_mean, -members.T)
        self.build_excess(wiring, above_mean, excess, members)
        wiring.connect(mean, maxima)
        wiring.connect(excess, maxima)

    def build_excess(
        self,
        wiring: Wiring,
        above_mean: Junction,
        excess: Junction,
        members: scipy.sparse.csr_matrix,
    ) -> None:
        """Build the circuit that computes the excess.

        Parameters
        ----------
        wiring : Wiring
            Where to add connections.
        above_mean : (n_units,) Junction
            Each input less the mean of its pool, pool by pool.
        excess : (n_circuits,) Junction
            Takes the maximum of each pool less its mean.
        members : (n_circuits, n_units) scipy.sparse.csr_matrix
            Sums over the inputs of each pool.
        """
        raise NotImplementedError(f"{type(self).__name__} must define build_excess")


def smoothing(pole: float) -> nengo.LinearFilter:
    """Filter of two poles, in seconds, and a zero: less delay for the same ripple."""
    return nengo.LinearFilter([ZERO * pole, 1], [pole**2, 2 * pole, 1])


def divide(pool_of_value: np.ndarray, largest: int) -> np.ndarray:
    """Divide the values of each pool into groups of nearly equal size, few of them.

    Returns the group of each value; groups are numbered pool by pool.
    """
    _, start, size = np.unique(pool_of_value, return_index=True, return_counts=True)
    n_groups = -(-size // largest)
    position = np.arange(len(pool_of_value)) - np.repeat(start, size)
    within = position * np.repeat(n_groups, size) // np.repeat(size, size)
    return within + np.repeat(np.cumsum(n_groups) - n_groups, size)
