"""What the networks of other packages have in common: one of them for each pool."""

import nengo


def one_per_pool(windows, add_pool):
    """A network with the input and output of a circuit; ``add_pool`` makes a pool.

    ``add_pool(size)`` makes the network of one pool and returns its input and a list of
    the connections' arguments that sum up to its output.
    """
    with nengo.Network() as network:
        network.input = nengo.Node(size_in=windows.n_inputs)
        network.output = nengo.Node(size_in=windows.n_pools)
        for pool, members in enumerate(windows.indices):
            members = [int(member) for member in members if member >= 0]
            source, target, transform = add_pool(len(members))
            nengo.Connection(network.input[members], source, synapse=0.005)
            nengo.Connection(
                target, network.output[pool], transform=transform, synapse=None
            )
    return network
