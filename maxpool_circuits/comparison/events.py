"""How many synaptic events a spike causes."""

import nengo
import numpy as np
import scipy.sparse
from nengo.ensemble import Neurons


def fan_outs(network):
    """Number of synapses that a spike of each neuron, and of each input, reaches.

    A synapse is a non-zero weight onto a neuron or onto an output of the network.
    Nodes that only pass values on are no stages of their own: the weights on both of
    their sides are multiplied, as on hardware that has only neurons.

    Parameters
    ----------
    network : nengo.Network
        A network with an ``input`` and an ``output`` node.

    Returns
    -------
    dict of {nengo.Node or nengo.ensemble.Neurons: (size,) array of int}
        For ``network.input`` and for the neurons of each ensemble, the number of
        synapses that each of its entries reaches.
    """
    outgoing = {}
    for connection in network.all_connections:
        outgoing.setdefault(connection.pre_obj, []).append(connection)
    known = {}

    def targets(source):
        """Weights from the entries of ``source`` to all that they reach, by target."""
        if source in known:
            return known[source]
        # nodes that feed themselves add no synapses on a second round
        known[source] = total = {}
        for connection in outgoing.get(source, []):
            weights = _weights(connection)
            post = connection.post_obj
            if isinstance(post, nengo.Ensemble):
                # every neuron of an ensemble hears every dimension
                weights = _ones(post.n_neurons, weights.shape[0]) @ abs(weights)
                post = post.neurons
            if isinstance(post, Neurons) or post is network.output:
                reached = {post: weights}
            else:
                reached = {end: w @ weights for end, w in targets(post).items()}
            for end, weights in reached.items():
                total[end] = total[end] + weights if end in total else weights
        return total

    def fan_out(source, size):
        counts = np.zeros(size, dtype=int)
        for weights in targets(source).values():
            weights = scipy.sparse.csc_matrix(weights)
            # what cancels but for rounding is no synapse
            weights.data[np.abs(weights.data) < 1e-9] = 0
            counts += weights.getnnz(axis=0) - _zeros(weights)
        return counts

    result = {network.input: fan_out(network.input, network.input.size_out)}
    for ensemble in network.all_ensembles:
        from_neurons = fan_out(ensemble.neurons, ensemble.n_neurons)
        # decoded connections: every neuron takes part in every decoded dimension
        decoded = fan_out(ensemble, ensemble.dimensions).max(initial=0)
        result[ensemble.neurons] = from_neurons + decoded
    return result


def _zeros(weights):
    """Number of stored zeros in each column."""
    stored = weights.copy()
    stored.data = (stored.data == 0).astype(float)
    return np.asarray(stored.sum(axis=0)).ravel().astype(int)


def _ones(n_rows, n_columns):
    return scipy.sparse.csr_matrix(np.ones((n_rows, n_columns)))


def _weights(connection):
    """Weights of a connection between whole objects, slices included."""
    transform = connection.transform
    n_in, n_out = connection.size_mid, connection.size_out
    if isinstance(transform, nengo.transforms.NoTransform):
        matrix = scipy.sparse.identity(n_in, format="csr")
    elif isinstance(transform, nengo.Sparse):
        matrix = transform.sample()
        if not scipy.sparse.issparse(matrix):
            matrix = matrix.allocate()
    elif isinstance(transform, nengo.Dense):
        init = np.asarray(transform.sample())
        matrix = np.diag(np.broadcast_to(init, n_in)) if init.ndim < 2 else init
    else:
        # a transform without a matrix, such as a maximum, has no synapses
        matrix = scipy.sparse.csr_matrix((n_out, n_in))
    matrix = scipy.sparse.csr_matrix(matrix)
    if connection.function is not None:
        matrix = abs(matrix) @ _ones(n_in, connection.size_in)
    pre = scipy.sparse.identity(connection.pre_obj.size_out, format="csr")
    post = scipy.sparse.identity(connection.post_obj.size_in, format="csr")
    return post[connection.post_slice].T @ matrix @ pre[connection.pre_slice]
