"""`nengo.networks.BasalGanglia`, which shuts the gates of all inputs but the largest.

Gurney, K., Prescott, T. and Redgrave, P. (2001). A computational model of action
selection in the basal ganglia. Biological Cybernetics 84, 401-410.
https://doi.org/10.1007/PL00007984
"""

import nengo
import numpy as np

from .networks import one_per_pool


def gated_by_basal_ganglia(windows, n_neurons=50):
    """Populations of the inputs, silenced where basal ganglia do not choose them."""

    def add_pool(size):
        source = nengo.Node(size_in=size)
        selection = nengo.networks.BasalGanglia(size, n_neurons, input_bias=0)
        gates = nengo.networks.EnsembleArray(
            n_neurons,
            size,
            intercepts=nengo.dists.Uniform(0, 0.9),
            encoders=nengo.dists.Choice([[1]]),
        )
        gates.add_neuron_input()
        nengo.Connection(source, selection.input, synapse=None)
        nengo.Connection(source, gates.input, synapse=None)
        # the output is 0 for what is chosen and negative for all else
        nengo.Connection(
            selection.output,
            gates.neuron_input,
            transform=np.kron(np.eye(size), np.ones((n_neurons, 1))),
            synapse=0.008,
        )
        return source, gates.output, np.ones((1, size))

    return one_per_pool(windows, add_pool)
