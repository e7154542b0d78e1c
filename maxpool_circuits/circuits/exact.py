"""The exact maximum, without neurons."""

from __future__ import annotations

import nengo
import numpy as np

from ..network.base import MaxPoolNetwork
from ..network.transform import MaxPool
from ..network.windows import flat_windows


class ExactMax(MaxPoolNetwork):
    r"""Maximum of each time step, by a transform: exact for values, but not for spikes.

    .. math:: y(t) = \max_i x_i(t)

    A connection with a `.MaxPool` transform.

    It is the reference for analog inputs and for networks of rate neurons. The maximum
    of fluctuating signals, such as filtered spikes, is too large on average (Jensen's
    inequality); the spiking circuits have no such bias.

    Parameters
    ----------
    n_neurons, neuron_type, max_rate, input_rate : optional
        As the next ones.
    input_range, synapse, decoders : optional
        Checked as in `.MaxPoolNetwork`, so that circuits can be exchanged, but there
        are no neurons and no stages that they could change.
    input_synapse : nengo.synapses.Synapse or float or None, optional (Default: None)
        Synapse from the input, before the maximum.
    label, seed, add_to_container : optional
        As in `nengo.Network`.

    References
    ----------
    Jensen (1906), https://doi.org/10.1007/BF02418571 (the inequality)

    Examples
    --------
    >>> import nengo
    >>> import maxpool_circuits as mpc
    >>> windows = mpc.PoolWindows.independent(n_pools=1, window_size=4)
    >>> with nengo.Network() as model:
    ...     pool = mpc.ExactMax(windows)
    ...     inputs = nengo.Node([0.1, 0.7, 0.3, 0.2])
    ...     _ = nengo.Connection(inputs, pool.input, synapse=None)
    ...     probe = nengo.Probe(pool.output)
    >>> with nengo.Simulator(model, progress_bar=False) as sim:
    ...     sim.run_steps(1)
    >>> print(sim.data[probe])
    [[0.7]]
    """

    #: Largest errors that the common checks allow (see `.checks`).
    check_tolerances = {"constant": 1e-12}

    def build_circuit(self) -> None:
        """Connect the input to the output through the transform."""
        source = self.input
        if self.input_synapse is not None:
            # a connection filters after its transform; the maximum comes last here
            source = nengo.Node(size_in=self.windows.n_inputs, label="filtered")
            nengo.Connection(self.input, source, synapse=self.input_synapse)
        windows, output = self.windows, self.output
        if len(self.pools) < windows.n_pools:
            sizes = windows.sizes
            windows = flat_windows(
                windows.members[np.repeat(sizes > 1, sizes)],
                sizes[self.pools],
                windows.n_inputs,
            )
            # slower than the whole output, on NengoDL
            output = output[self.pools]
        nengo.Connection(source, output, transform=MaxPool(windows), synapse=None)
