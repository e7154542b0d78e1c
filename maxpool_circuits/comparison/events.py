"""How many synaptic events a spike causes."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
import scipy.sparse
from nengo.ensemble import Neurons
from nengo.exceptions import ValidationError

from ..network.sparse import weights_of
from ..network.transform import MaxPool


def fan_outs(network: nengo.Network) -> dict[Any, np.ndarray]:
    """Number of synapses that a spike of each neuron, and of each input, reaches.

    A synapse is a non-zero weight onto a neuron or onto an output of the network.
    Nodes that only pass values on are no stages of their own: the weights on both of
    their sides are multiplied, as on hardware that has only neurons. They may feed
    themselves; a loop of several is followed once.

    Parameters
    ----------
    network : nengo.Network
        A network with an ``input`` and an ``output`` node.

    Returns
    -------
    dict of {nengo.Node or nengo.ensemble.Neurons: (size,) array of int}
        For ``network.input`` and for the neurons of each ensemble, the number of
        synapses that each of its entries reaches.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a connection has a transform that is neither dense nor sparse.

    Examples
    --------
    The first input reaches two neurons, the second one; the third neuron is not read:

    >>> import nengo
    >>> from maxpool_circuits.comparison.events import fan_outs
    >>> to_neurons = [[1, 0], [1, 0], [0, 1]]
    >>> with nengo.Network() as network:
    ...     network.input = nengo.Node(size_in=2)
    ...     network.output = nengo.Node(size_in=1)
    ...     neurons = nengo.Ensemble(3, dimensions=1).neurons
    ...     _ = nengo.Connection(network.input, neurons, transform=to_neurons)
    ...     _ = nengo.Connection(neurons, network.output, transform=[[1, 1, 0]])
    >>> counts = fan_outs(network)
    >>> print(counts[network.input], counts[neurons])
    [2 1] [1 1 0]
    """
    outgoing: dict[Any, list[tuple[Any, Any]]] = {}
    for connection in network.all_connections:
        pre, post, weights = _end_to_end(connection)
        outgoing.setdefault(pre, []).append((post, weights))
    known: dict[Any, dict[Any, Any]] = {}

    def targets(source):
        """Weights from the entries of ``source`` to all that they reach, by target."""
        if source in known:
            return known[source]
        # nodes that feed themselves add no synapses on a second round
        known[source] = total = {}
        for post, weights in outgoing.get(source, []):
            if isinstance(post, Neurons) or post is network.output:
                reached = {post: weights}
            elif post.output is None:
                reached = {end: w @ weights for end, w in targets(post).items()}
            else:
                # what a node computes is not carried by synapses
                reached = {}
            for end, weights in reached.items():
                total[end] = total[end] + weights if end in total else weights
        return total

    counts = {}
    for source in [network.input, *(ens.neurons for ens in network.all_ensembles)]:
        counts[source] = np.zeros(source.size_out, dtype=int)
        for weights in targets(source).values():
            # what cancels but for rounding is no synapse
            counts[source] += np.asarray((abs(weights) > 1e-9).sum(axis=0)).ravel()
    return counts


def _end_to_end(connection):
    """The nodes or neurons at both ends of a connection, and the weights between."""
    pre, post = connection.pre_obj, connection.post_obj
    weights = _weights(connection)
    # every neuron takes part in every decoded dimension, and hears every encoded one
    if isinstance(pre, nengo.Ensemble):
        weights = abs(weights) @ _ones(weights.shape[1], pre.n_neurons)
        pre = pre.neurons
    if isinstance(post, nengo.Ensemble):
        weights = _ones(post.n_neurons, weights.shape[0]) @ abs(weights)
        post = post.neurons
    return pre, post, weights


def _ones(n_rows, n_columns):
    return scipy.sparse.csr_matrix(np.ones((n_rows, n_columns)))


def _weights(connection):
    """Weights of a connection between whole objects, slices included."""
    n_in, n_out = connection.size_mid, connection.size_out
    matrix = weights_of(connection)
    if matrix is None and isinstance(connection.transform, MaxPool):
        # what a computer computes is not carried by synapses
        matrix = scipy.sparse.csr_matrix((n_out, n_in))
    if matrix is None:
        raise ValidationError(
            f"the synapses of {connection.transform} cannot be counted; use a dense or "
            "sparse transform",
            attr="transform",
            obj=connection,
        )
    if connection.function is not None:
        matrix = abs(matrix) @ _ones(n_in, connection.size_in)
    pre = scipy.sparse.identity(connection.pre_obj.size_out, format="csr")
    post = scipy.sparse.identity(connection.post_obj.size_in, format="csr")
    return post[connection.post_slice].T @ matrix @ pre[connection.pre_slice]
