"""How many synaptic operations a spike causes."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
import scipy.sparse
from nengo.ensemble import Neurons
from nengo.exceptions import ValidationError

from ..network.neurons import AboveMean, SharedReset
from ..network.paths import Paths, full_weights
from ..network.sparse import selection, weights_of
from ..network.transform import MaxPool


def fan_outs(network: nengo.Network) -> dict[Any, np.ndarray]:
    """Number of synapses that a spike of each neuron, and of each input, reaches.

    A synapse is a non-zero weight onto a neuron or onto an output of the network.
    Nodes that only pass values on are no stages of their own: the weights on both of
    their sides are multiplied, as on hardware that has only neurons. They may feed
    themselves; a loop of several is followed once. Where neurons share a reset, a spike
    reaches the others of its group, and where they integrate what they get above the
    mean, what one gets reaches all. Transforms must be dense or sparse.
    """
    neurons = [ensemble.neurons for ensemble in network.all_ensembles]
    sources = [network.input, *neurons]
    paths = Paths(map(_link, network.all_connections), sources)
    counts = {source: np.zeros(source.size_out, dtype=int) for source in sources}
    for target in [network.output, *neurons]:
        for (source, _), weights in paths.into(target).items():
            # what cancels but for rounding is not a synapse
            counts[source] += np.asarray((abs(weights) > 1e-9).sum(axis=0)).ravel()
    for ensemble in network.all_ensembles:
        counts[ensemble.neurons] += taken_from(ensemble)
    return counts


def taken_from(ensemble: nengo.Ensemble) -> np.ndarray:
    """Of how many others' membranes a spike of each neuron is taken."""
    return group_sizes(ensemble, SharedReset) - 1


def group_sizes(ensemble: nengo.Ensemble, groups: type[SharedReset]) -> np.ndarray:
    """How many neurons the group of each has; 1 where there are no such groups."""
    if not isinstance(ensemble.neuron_type, groups):
        return np.ones(ensemble.n_neurons, dtype=int)
    sizes = ensemble.neuron_type.all_sizes(ensemble.n_neurons)
    return np.repeat(sizes, sizes)


def _link(connection):
    """A connection as a link between nodes and neurons."""
    pre, post = connection.pre_obj, connection.post_obj
    weights = _weights(connection)
    # every neuron takes part in every decoded dimension, and hears every encoded one
    if isinstance(pre, nengo.Ensemble):
        weights = abs(weights) @ _ones(weights.shape[1], pre.n_neurons)
        pre = pre.neurons
    if isinstance(post, nengo.Ensemble):
        weights = _ones(post.n_neurons, weights.shape[0]) @ abs(weights)
        post = post.neurons
    if isinstance(post, Neurons) and isinstance(post.ensemble.neuron_type, AboveMean):
        sizes = post.ensemble.neuron_type.all_sizes(post.size_in)
        groups = selection(np.repeat(np.arange(len(sizes)), sizes), len(sizes))
        weights = groups @ (groups.T @ abs(weights))
    return pre, post, weights, ()


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
    return full_weights(connection, matrix)
