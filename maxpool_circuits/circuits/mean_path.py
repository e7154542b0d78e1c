"""Circuits that let the mean of a pool go past the neurons."""

from ..network.base import MaxPoolNetwork
from ..network.wiring import Wiring


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
    windows : PoolWindows
        Which inputs each pool looks at.
    n_neurons, neuron_type, max_rate, input_range, synapse, input_synapse : optional
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
    ...     def build_excess(self, wiring, above_mean, excess):
    ...         wiring.connect(above_mean, excess, self.pool_sum)
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
    default_decoders = "tuned"

    def build_circuit(self):
        """Build the path of the mean and the circuit for the excess."""
        n_pools, n_units = self.pool_sum.shape
        wiring = Wiring()
        mean = wiring.junction(n_pools, "mean")
        above_mean = wiring.junction(n_units, "above mean")
        excess = wiring.junction(n_pools, "excess")
        pool_mean = self.pool_mean @ self.gather
        wiring.connect(self.input, mean, pool_mean, self.input_synapse)
        wiring.connect(self.input, above_mean, self.gather, self.input_synapse)
        wiring.connect(mean, above_mean, -self.pool_sum.T)
        self.build_excess(wiring, above_mean, excess)
        wiring.connect(mean, self.output, self.scatter)
        wiring.connect(excess, self.output, self.scatter)
        wiring.build()

    def build_excess(self, wiring, above_mean, excess):
        """Build the circuit that computes the excess.

        Parameters
        ----------
        wiring : Wiring
            Where to add connections.
        above_mean : (n_units,) Junction
            Each input less the mean of its pool, pool by pool.
        excess : (n_circuits,) Junction
            Takes the maximum of each pool less its mean.
        """
        raise NotImplementedError(f"{type(self).__name__} must define build_excess")
