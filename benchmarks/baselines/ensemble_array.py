"""`nengo.networks.EnsembleArray`: a population for each pool, decoded as maximum."""

import nengo
import numpy as np


def ensemble_array(windows, n_neurons=50):
    """Populations of ``n_neurons``, with a radius that all inputs of 1 fit into."""
    size = windows.indices.shape[1]
    with nengo.Network() as network:
        array = nengo.networks.EnsembleArray(
            n_neurons, windows.n_pools, ens_dimensions=size, radius=np.sqrt(size)
        )
        output = array.add_output("maximum", np.max)
        network.input = nengo.Node(size_in=windows.n_inputs)
        members = windows.indices.ravel()
        nengo.Connection(network.input[members], array.input, synapse=0.005)
        network.output = nengo.Node(size_in=windows.n_pools)
        nengo.Connection(output, network.output, synapse=None)
    return network
