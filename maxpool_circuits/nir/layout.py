"""Nodes and edges of a graph, laid out as a chain or with paths that meet."""

from __future__ import annotations

import nir
import numpy as np
import scipy.sparse
from nengo.exceptions import ValidationError

from ..network.sparse import selection
from .signals import Path, Paths, Signals, Source

#: By how much thresholds are lower than those of the circuit, relative to them: neurons
#: of NIR fire above their threshold, those of Nengo at it.
MARGIN = 2.0**-16


class Layout:
    """Nodes and edges, with signals in units of a spike of their source."""

    def __init__(self, signals: Signals, spike_value: float) -> None:
        self.signals = signals
        units: dict[Source, float] = {
            number: float(ensemble.neuron_type.amplitude)
            for number, ensemble in enumerate(signals.ensembles)
        }
        units[None] = spike_value
        self.inputs = [_scaled(paths, units) for paths in signals.inputs]
        self.output = _scaled(signals.output, units, 1 / spike_value)
        shape = {"input": np.array([signals.size(None)])}
        self.nodes: dict[str, nir.NIRNode] = {"input": nir.Input(shape)}
        self.edges: list[tuple[str, str]] = []

    @property
    def largest_jump(self) -> float:
        """How often one spike brings a neuron to its threshold."""
        jumps = [
            weights.max()
            for paths in self.inputs
            for path, weights in paths.items()
            if not path.filters
        ]
        return max(jumps, default=0)

    def add(self, name: str, node: nir.NIRNode, *before: str) -> str:
        """Add a node behind others."""
        self.nodes[name] = node
        self.edges += [(other, name) for other in before]
        return name

    def add_weights(
        self, name: str, weights: scipy.sparse.spmatrix, *before: str
    ) -> str:
        """Add weights: Affine, without a bias, since not every reader knows Linear."""
        dense = weights.toarray().astype(np.float32)
        return self.add(name, nir.Affine(dense, np.zeros(len(dense), "f4")), *before)

    def add_neurons(self, name: str, size: int, *before: str) -> str:
        """Add integrate-and-fire neurons with unit thresholds."""
        ones = np.ones(size, np.float32)
        return self.add(name, nir.IF(r=ones, v_threshold=(1 - MARGIN) * ones), *before)

    def build(self) -> None:
        """Add what lies between the input and the output."""
        raise NotImplementedError

    def finish(self, last: str) -> None:
        """Add the output node."""
        shape = {"output": np.array([self.signals.circuit.windows.n_pools])}
        self.add("output", nir.Output(shape), last)


class Chain(Layout):
    """Layers of neurons, in which relays hand on what later layers need."""

    def build(self) -> None:
        """Add all layers; a layer is an ensemble and its relays."""
        self._check()
        # which signals of which source the last layer hands on, in their order
        present: dict[Source, np.ndarray] = {None: np.arange(self.signals.size(None))}
        last = "input"
        for number, paths in enumerate(self.inputs):
            size = self.signals.size(number)
            later = [self.output, *self.inputs[number + 1 :]]
            relayed = {
                source: columns[_is_used(source, later)[columns]]
                for source, columns in present.items()
            }
            rows = [_joined(paths, present, size)]
            for source, columns in relayed.items():
                picked = {Path(source): selection(columns, self.signals.size(source))}
                rows.append(_joined(picked, present, len(columns)))
            weights = scipy.sparse.vstack(rows)
            layer = number + 1
            last = self.add_weights(f"weights_{layer}", weights, last)
            last = self.add_neurons(f"neurons_{layer}", weights.shape[0], last)
            feedback = paths.get(Path(number))
            if feedback is not None:
                n_relays = weights.shape[0] - size
                nothing = scipy.sparse.csr_matrix((n_relays, n_relays))
                loop = scipy.sparse.block_diag([feedback, nothing])
                self.edges.append(
                    (self.add_weights(f"feedback_{layer}", loop, last), last)
                )
            present = {number: np.arange(size), **relayed}
        n_pools = self.signals.circuit.windows.n_pools
        weights = _joined(self.output, present, n_pools)
        self.finish(self.add_weights(f"weights_{len(self.inputs) + 1}", weights, last))

    def _check(self):
        """Refuse what relays cannot hand on."""
        everything = [*self.inputs, self.output]
        filtered = any(path.filters for paths in everything for path in paths)
        if filtered:
            self._refuse(
                "relays hand on spikes and no filtered signals: build the circuit with "
                "input_synapse=None (and no synapse between its stages)"
            )
        for number, paths in enumerate(self.inputs):
            sources = [path.source for path in paths if path.source is not None]
            if any(source > number for source in sources):
                self._refuse("ensembles of the circuit form a loop")

    def _refuse(self, why):
        raise ValidationError(
            f"{why}, or export it with relays=False",
            attr="relays",
            obj=self.signals.circuit,
        )


class Meeting(Layout):
    """Ensembles and the paths between them, each with nodes of its own."""

    def build(self) -> None:
        """Add all paths; signals that meet are added up at the neurons."""
        for number in range(len(self.inputs)):
            self.add_neurons(_name(number), self.signals.size(number))
        for number, paths in enumerate(self.inputs):
            for path, weights in paths.items():
                self.edges.append(
                    (self._add_path(path, weights, _name(number)), _name(number))
                )
        ends = [
            self._add_path(path, weights, "output")
            for path, weights in self.output.items()
        ]
        if len(ends) == 1:
            self.finish(ends[0])
        else:
            # not every reader adds up what arrives at the output itself
            n_pools = self.signals.circuit.windows.n_pools
            same = scipy.sparse.identity(n_pools)
            self.finish(self.add_weights("sum", same, *ends))

    def _add_path(self, path: Path, weights, end: str) -> str:
        last = "input" if path.source is None else _name(path.source)
        for tau in path.filters:
            # paths share their filters; a name may be that of a Python object
            name = f"{last}_filter_{tau:g}".replace(".", "_").replace("-", "_")
            if name not in self.nodes:
                size = np.ones(self.signals.size(path.source), np.float32)
                self.add(name, nir.LI(tau * size, size, 0 * size), last)
            last = name
        return self.add_weights(f"{last}_to_{end}", weights, last)


def _name(number: int) -> str:
    return f"neurons_{number + 1}"


def _scaled(paths: Paths, units: dict[Source, float], scale: float = 1) -> Paths:
    """Weights for sources in units of a spike."""
    return {
        path: weights * (units[path.source] * scale) for path, weights in paths.items()
    }


def _is_used(source: Source, places: list[Paths]) -> np.ndarray:
    """Which signals of a source reach any of some places."""
    used = [
        paths[Path(source)].getnnz(axis=0) for paths in places if Path(source) in paths
    ]
    return np.sum(used, axis=0, dtype=int) > 0


def _joined(paths: Paths, present: dict[Source, np.ndarray], size: int):
    """Weights from what the last layer hands on, (size, number of signals)."""
    blocks = [
        paths[Path(source)].tocsc()[:, columns]
        if Path(source) in paths
        else scipy.sparse.csr_matrix((size, len(columns)))
        for source, columns in present.items()
    ]
    return scipy.sparse.hstack(blocks)
