"""Circuits as graphs of the Neuromorphic Intermediate Representation (NIR).

Needs the package ``nir``: ``pip install 'maxpool-circuits[nir]'``. The module has the
name of that package, so import it as a part of this one.
"""

from __future__ import annotations

import warnings
from typing import Any

import nengo
import numpy as np
import scipy.sparse
from nengo.exceptions import ValidationError

from .network.base import MaxPoolNetwork
from .network.neurons import IntegrateAndFire
from .network.paths import Arriving, Paths, full_weights, incoming, upstream
from .network.setup import qualified_name
from .network.sparse import selection
from .utils.checks import positive_number, valid_flag
from .version import version

try:
    import nir
except ImportError as error:
    raise ImportError(
        "maxpool_circuits.nir needs the package nir, which cannot be imported "
        f"({error}); what helps: pip install 'maxpool-circuits[nir]'"
    ) from error

__all__ = ["to_nir"]

CAN_EXPORT = (
    "NIR can take circuits whose neurons are all IntegrateAndFire and whose "
    "connections are weights and Lowpass or Alpha synapses, such as pairwise-relu and "
    "winner-take-all with synapse=nengo.Lowpass(0)"
)
#: By how much thresholds are lower than those of the circuit, relative to them: neurons
#: of NIR fire above their threshold, those of Nengo at it.
MARGIN = 2.0**-16


def to_nir(
    circuit: MaxPoolNetwork, spike_value: float, relays: bool = True
) -> nir.NIRGraph:
    r"""Export a circuit of `.IntegrateAndFire` neurons as a graph of standard nodes.

    The graph takes the number of spikes of each input in each time step, and outputs
    numbers in the same unit: a spike of an input and a 1 in the output are both worth
    ``spike_value``. So the graph can stand between two layers of a spiking network.

    Parameters
    ----------
    circuit : MaxPoolNetwork
        The circuit, for any windows, for instance a `.PairwiseReLU` or a
        `.WinnerTakeAll` of such neurons.
    spike_value : float
        What a spike of an input is worth: its value times its duration, in units of the
        input times seconds. That is the ``amplitude`` of the neurons that the input
        comes from; for neurons that fire at 250 Hz where their value is 1, 1 / 250.
    relays : bool, optional (Default: True)
        True: what goes past the neurons of the circuit (the smaller input of a
        comparator, the mean of a pool) goes through relay neurons, each of which fires
        when its source does. The graph is then a chain of ``Affine`` and ``IF`` nodes,
        which every simulator can run. Inputs must be spikes, at most one per time step,
        and the circuit must have no ``input_synapse``. False: these paths have nodes of
        their own, which meet where signals are added up, and synapses are ``LI`` nodes.

    Returns
    -------
    nir.NIRGraph
        The graph, from the node ``"input"`` of ``windows.n_inputs`` numbers to the node
        ``"output"`` of ``windows.n_pools``. Lateral inhibition is a cycle
        (``"feedback_1"``); simulators that go in time steps put one step into it.

    Warns
    -----
    UserWarning
        If one spike brings a neuron to its threshold more than once, which only
        simulators with several spikes in a time step can express. The message says
        which ``max_rate`` is low enough.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the circuit has other neurons, computes something besides, or has synapses
        that do not fit.

    Notes
    -----
    Membrane floors and initial voltages are lost: NIR has neither.

    Examples
    --------
    A tree whose comparators count: their threshold is one spike of an input.

    >>> import numpy as np
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits.nir import to_nir
    >>> windows = mpc.PoolWindows.independent(n_pools=10, window_size=4)
    >>> pool = mpc.PairwiseReLU(
    ...     windows,
    ...     neuron_type=mpc.IntegrateAndFire(min_voltage=-np.inf),
    ...     max_rate=125,
    ...     input_synapse=None,
    ...     decoders=None,
    ...     add_to_container=False,
    ... )
    >>> graph = to_nir(pool, spike_value=1 / 250)
    >>> print(*graph.nodes)
    input weights_1 neurons_1 weights_2 neurons_2 weights_3 output
    """
    spike_value = positive_number(spike_value, "spike_value", unit="value times s")
    _check(circuit)
    relays = valid_flag(relays, "relays")
    layout = _Layout(circuit, spike_value)
    last = layout.add_chain() if relays else layout.add_paths()
    shape = {"output": np.array([circuit.windows.n_pools])}
    layout.add("output", nir.Output(shape), last)
    largest = layout.largest_jump()
    # thresholds that were computed are as exact as floats
    if largest > 1 + 1e-6:
        warnings.warn(
            f"one spike brings neurons of {type(circuit).__name__} to their threshold "
            f"{largest:.3g} times, but in most simulators of NIR a neuron fires once "
            "in a time step at most; build the circuit with a max_rate of at most "
            f"{circuit.max_rate / largest:.4g} Hz for spikes that are worth "
            f"{spike_value:.4g}",
            stacklevel=2,
        )
    metadata = {
        "circuit": qualified_name(type(circuit)),
        "spike_value": spike_value,
        "maxpool_circuits": version,
    }
    return nir.NIRGraph(layout.nodes, layout.edges, metadata=metadata)


def _check(circuit: Any) -> None:
    """Refuse what is not a circuit of weights, filters and integrate-and-fire neurons.

    The message says what can be exported.
    """
    if not isinstance(circuit, MaxPoolNetwork):
        raise ValidationError(
            f"must be a circuit such as mpc.PairwiseReLU(windows), got {circuit!r}",
            attr="circuit",
        )
    reason = next(_reasons_against(circuit), None)
    if reason:
        raise ValidationError(f"{reason}. {CAN_EXPORT}", attr="circuit", obj=circuit)


def _reasons_against(circuit):
    """Yield all that cannot be exported."""
    for ensemble in circuit.all_ensembles:
        if type(ensemble.neuron_type) is not IntegrateAndFire:
            yield f"{ensemble} has neurons of type {ensemble.neuron_type}"
        elif np.any(ensemble.bias):
            yield f"neurons of {ensemble} have bias currents"
    connections = incoming(circuit)
    for node in circuit.all_nodes:
        before = [connection.pre_obj for connection in connections.get(node, ())]
        if node.output is not None:
            yield f"{node} computes something"
        elif any(node in upstream(obj, connections) for obj in before):
            yield f"{node} feeds itself"
    for connection in circuit.all_connections:
        ends = connection.pre_obj, connection.post_obj
        if (
            any(isinstance(end, nengo.Ensemble) for end in ends)
            or connection.learning_rule_type
            or connection.function is not None
            or full_weights(connection) is None
            or _time_constants(connection.synapse) is None
        ):
            yield f"{connection} is more than weights and such a synapse"


def _time_constants(synapse):
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


def _link(connection):
    """A connection with its time constants as filters."""
    filters = _time_constants(connection.synapse)
    return connection.pre_obj, connection.post_obj, full_weights(connection), filters


class _Layout:
    """Nodes and edges, with signals in units of a spike of their source."""

    def __init__(self, circuit: MaxPoolNetwork, spike_value: float) -> None:
        self.circuit = circuit
        #: names of the nodes that signals come from
        self.names: dict[Any, str] = {circuit.input: "input"}
        units = {circuit.input: spike_value}
        for number, ensemble in enumerate(circuit.all_ensembles, start=1):
            self.names[ensemble.neurons] = f"neurons_{number}"
            units[ensemble.neurons] = float(ensemble.neuron_type.amplitude)
        paths = Paths(map(_link, circuit.all_connections), self.names)

        def arriving_at(place: Any, gain: Any) -> Arriving:
            return {
                (source, filters): scipy.sparse.diags(gain) @ weights * units[source]
                for (source, filters), weights in paths.into(place).items()
            }

        # gains are those of currents, in thresholds per second
        self.inputs = {
            ensemble.neurons: arriving_at(ensemble.neurons, ensemble.gain)
            for ensemble in circuit.all_ensembles
        }
        n_pools = circuit.windows.n_pools
        self.output = arriving_at(circuit.output, np.full(n_pools, 1 / spike_value))
        shape = {"input": np.array([circuit.windows.n_inputs])}
        self.nodes: dict[str, nir.NIRNode] = {"input": nir.Input(shape)}
        self.edges: list[tuple[str, str]] = []

    def largest_jump(self) -> float:
        """How often one spike brings a neuron to its threshold."""
        jumps = [
            weights.max()
            for arriving in self.inputs.values()
            for (_, filters), weights in arriving.items()
            if not filters
        ]
        return max(jumps, default=0)

    def add(self, name: str, node: nir.NIRNode, *before: str) -> str:
        """Add a node after others."""
        self.nodes[name] = node
        self.edges += [(other, name) for other in before]
        return name

    def add_weights(self, name: str, weights: Any, *before: str) -> str:
        """Add weights: Affine, without a bias, since not every reader knows Linear."""
        dense = weights.toarray().astype(np.float32)
        return self.add(name, nir.Affine(dense, np.zeros(len(dense), "f4")), *before)

    def add_neurons(self, name: str, size: int, *before: str) -> str:
        """Add integrate-and-fire neurons with unit thresholds."""
        ones = np.ones(size, np.float32)
        return self.add(name, nir.IF(r=ones, v_threshold=(1 - MARGIN) * ones), *before)

    def add_chain(self) -> str:
        """Add layers of neurons, each of an ensemble and relays for later layers.

        Returns the name of the last node.
        """
        self._check_relays()
        # which signals of which source the last layer hands on, in their order
        present = {self.circuit.input: np.arange(self.circuit.windows.n_inputs)}
        last = "input"
        stages = list(self.inputs)
        for layer, neurons in enumerate(stages, start=1):
            arriving = self.inputs[neurons]
            later = [self.output, *(self.inputs[stage] for stage in stages[layer:])]
            relayed = {
                source: columns[_is_used(source, later)[columns]]
                for source, columns in present.items()
            }
            rows = [_joined(arriving, present, neurons.size_in)]
            for source, columns in relayed.items():
                picked = {(source, ()): selection(columns, source.size_out)}
                rows.append(_joined(picked, present, len(columns)))
            weights = scipy.sparse.vstack(rows)
            last = self.add_weights(f"weights_{layer}", weights, last)
            last = self.add_neurons(f"neurons_{layer}", weights.shape[0], last)
            feedback = arriving.get((neurons, ()))
            if feedback is not None:
                n_relays = weights.shape[0] - neurons.size_in
                nothing = scipy.sparse.csr_matrix((n_relays, n_relays))
                loop = scipy.sparse.block_diag([feedback, nothing])
                loop = self.add_weights(f"feedback_{layer}", loop, last)
                self.edges.append((loop, last))
            present = {neurons: np.arange(neurons.size_out), **relayed}
        weights = _joined(self.output, present, self.circuit.windows.n_pools)
        return self.add_weights(f"weights_{len(stages) + 1}", weights, last)

    def _check_relays(self):
        """Refuse what relays cannot hand on."""
        known = {self.circuit.input}
        for neurons, arriving in [*self.inputs.items(), (None, self.output)]:
            known.add(neurons)
            if any(filters for _, filters in arriving):
                why = (
                    "relays hand on spikes and no filtered signals: build the circuit "
                    "with input_synapse=None (and no synapse between its stages)"
                )
            elif any(source not in known for source, _ in arriving):
                why = "ensembles of the circuit form a loop"
            else:
                continue
            message = f"{why}, or export it with relays=False"
            raise ValidationError(message, attr="relays", obj=self.circuit)

    def add_paths(self) -> str:
        """Add ensembles and the paths between them, each with nodes of its own.

        Signals that meet are added up at the neurons. Returns the last node's name.
        """
        for neurons in self.inputs:
            self.add_neurons(self.names[neurons], neurons.size_in)
        for neurons, arriving in self.inputs.items():
            end = self.names[neurons]
            self.edges += [(last, end) for last in self._add_paths(arriving, end)]
        ends = self._add_paths(self.output, "output")
        if len(ends) == 1:
            return ends[0]
        # not every reader adds up what arrives at the output itself
        same = scipy.sparse.identity(self.circuit.windows.n_pools)
        return self.add_weights("sum", same, *ends)

    def _add_paths(self, arriving, end):
        """Names of the last nodes of all paths to a place."""
        lasts = []
        for (source, filters), weights in arriving.items():
            last = self.names[source]
            for tau in filters:
                # paths share their filters; a name may be that of a Python object
                name = f"{last}_filter_{tau:g}".replace(".", "_").replace("-", "_")
                if name not in self.nodes:
                    size = np.ones(source.size_out, np.float32)
                    self.add(name, nir.LI(tau * size, size, 0 * size), last)
                last = name
            lasts.append(self.add_weights(f"{last}_to_{end}", weights, last))
        return lasts


def _is_used(source, places):
    """Which signals of a source reach any of some places."""
    weights = [arriving.get((source, ())) for arriving in places]
    used = [w.getnnz(axis=0) for w in weights if w is not None]
    return np.sum(used, axis=0, dtype=int) > 0


def _joined(arriving, present, size):
    """Weights from what the last layer hands on, (size, number of signals)."""
    blocks = [
        arriving[source, ()].tocsc()[:, columns]
        if (source, ()) in arriving
        else scipy.sparse.csr_matrix((size, len(columns)))
        for source, columns in present.items()
    ]
    return scipy.sparse.hstack(blocks)
