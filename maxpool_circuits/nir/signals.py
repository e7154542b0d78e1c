"""What of a circuit matters to a graph: its neurons, and the weights between them."""

from __future__ import annotations

from typing import Any, NamedTuple, Union

import nengo
import numpy as np
import scipy.sparse
from nengo.exceptions import ValidationError

from ..network.base import MaxPoolNetwork
from ..network.neurons import integrates
from ..network.sparse import selection

#: Where a signal comes from: the number of an ensemble, or None for the input.
Source = Union[int, None]
CAN_EXPORT = (
    "NIR can take circuits whose neurons are all IntegrateAndFire and whose "
    "connections are weights and Lowpass or Alpha synapses, such as pairwise-relu and "
    "winner-take-all with their default neuron_type"
)
#: Transforms that are weights.
MATRICES = (nengo.transforms.NoTransform, nengo.Dense, nengo.Sparse)


class Path(NamedTuple):
    """How a signal gets somewhere: from a source, through low-pass filters."""

    source: Source
    #: time constants, in seconds
    filters: tuple[float, ...] = ()


#: Weights of all paths to one place, in units of the values: (size, source size).
Paths = dict[Path, scipy.sparse.csr_matrix]


class Signals:
    """Paths to all ensembles of a circuit and to its output, nodes multiplied out."""

    def __init__(self, circuit: MaxPoolNetwork) -> None:
        if not isinstance(circuit, MaxPoolNetwork):
            raise ValidationError(
                f"must be a circuit such as mpc.PairwiseReLU(windows), got {circuit!r}",
                attr="circuit",
            )
        self.circuit = circuit
        self.ensembles = circuit.all_ensembles
        self._known: dict[Any, Paths] = {circuit.input: self._itself(None)}
        for number, ensemble in enumerate(self.ensembles):
            self._check_ensemble(ensemble)
            self._known[ensemble.neurons] = self._itself(number)
        for node in circuit.all_nodes:
            if node.output is not None:
                self._refuse(f"{node} computes something")
        for connection in circuit.all_connections:
            self._check_connection(connection)
        self.output = self._arriving_at(circuit.output)
        #: gains are those of currents, in thresholds per second
        self.inputs = [
            {
                path: scipy.sparse.diags(ensemble.gain) @ weights
                for path, weights in self._arriving_at(ensemble.neurons).items()
            }
            for ensemble in self.ensembles
        ]

    def size(self, source: Source) -> int:
        """Number of signals that come from a source."""
        if source is None:
            return self.circuit.windows.n_inputs
        return self.ensembles[source].n_neurons

    def _itself(self, source):
        """A signal that comes straight from its source."""
        return {Path(source): scipy.sparse.identity(self.size(source), format="csr")}

    def _of(self, place):
        """Paths to a place, which passes signals on."""
        if place not in self._known:
            self._known[place] = self._arriving_at(place)
        return self._known[place]

    def _arriving_at(self, place):
        paths: Paths = {}
        for connection in self.circuit.all_connections:
            if connection.post_obj == place:
                weights, filters = _weights(connection), _filters(connection.synapse)
                for before, earlier in self._of(connection.pre_obj).items():
                    path = Path(before.source, before.filters + filters)
                    paths[path] = weights @ earlier + paths.get(path, 0)
        return paths

    def _check_ensemble(self, ensemble):
        if not integrates(ensemble.neuron_type):
            self._refuse(f"{ensemble} has neurons of type {ensemble.neuron_type}")
        if np.any(ensemble.bias):
            self._refuse(f"neurons of {ensemble} have bias currents")

    def _check_connection(self, connection):
        if connection.pre_obj not in (*self.circuit.all_nodes, *self._known):
            self._refuse(f"{connection} decodes an ensemble")
        if connection.learning_rule_type or connection.function is not None:
            self._refuse(f"{connection} learns or computes a function")
        if not isinstance(connection.transform, MATRICES):
            self._refuse(f"{connection} has the transform {connection.transform}")
        if _filters(connection.synapse) is None:
            self._refuse(f"{connection} has the synapse {connection.synapse}")

    def _refuse(self, what):
        raise ValidationError(f"{what}. {CAN_EXPORT}", attr="circuit", obj=self.circuit)


def _weights(connection):
    """Weights of a connection between whole objects, whatever part it connects."""
    pre, post = connection.pre_obj, connection.post_obj
    rows = np.arange(post.size_in)[connection.post_slice]
    columns = np.arange(pre.size_out)[connection.pre_slice]
    if isinstance(connection.transform, nengo.transforms.NoTransform):
        part = scipy.sparse.identity(len(columns))
    else:
        part = connection.transform.sample()
        # a Sparse transform gives its matrix as it was given, or one of Nengo's own
        part = part.toscipy() if hasattr(part, "toscipy") else part
        if np.ndim(part) < 2 and not scipy.sparse.issparse(part):
            part = scipy.sparse.diags(np.broadcast_to(part, len(columns)))
    into = selection(rows, post.size_in).T
    return (into @ part @ selection(columns, pre.size_out)).tocsr()


def _filters(synapse):
    """Time constants of low-pass filters in a row; None if it is something else.

    One that is 0 is a delay of one time step, which readers put into loops themselves.
    """
    if synapse is None:
        return ()
    if isinstance(synapse, nengo.Lowpass):
        return (synapse.tau,) if synapse.tau > 0 else ()
    if isinstance(synapse, nengo.Alpha):
        return (synapse.tau, synapse.tau)
    return None
