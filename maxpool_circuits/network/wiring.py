"""Connections that meet in junctions, multiplied out where that is cheap.

A circuit is easiest to read with a node wherever values are summed up. Every such node
costs time in each step, on NengoDL far more than on Nengo. So a circuit is first drawn
with junctions, and those that can be replaced by products of the matrices around them
become no Nengo objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import nengo
import scipy.sparse
from nengo.params import StringParam

from ..utils.checks import valid_integer
from .sparse import connect, finite_matrix, size_of, valid_synapse

#: How many weights the removal of a junction may add, per entry of the junction. Chosen
#: so that means over windows of up to 16 inputs are multiplied out, and decoded values
#: that reach many neurons are not.
MAX_ADDED_WEIGHTS = 250


@dataclass(frozen=True, eq=False)
class Junction:
    """A place where values are summed up; a node of this label, if it stays."""

    size: int
    label: str

    @property
    def size_in(self) -> int:
        """As that of a node."""
        return self.size

    size_out = size_in


@dataclass(frozen=True, eq=False)
class Link:
    """A connection to be made, from a node, neurons or a junction to another."""

    pre: Any
    post: Any
    weights: scipy.sparse.csr_matrix
    synapse: Any


class Wiring:
    """The connections of a circuit, before they are made.

    Attributes
    ----------
    junctions : list of Junction
        All junctions that were added; `build` leaves them in the list.
    links : list of Link
        The connections, at most one between two places with the same synapse.

    Examples
    --------
    What each input differs from the mean by. The mean is multiplied out, so that one
    connection is left:

    >>> import nengo
    >>> import numpy as np
    >>> from maxpool_circuits.network.wiring import Wiring
    >>> with nengo.Network() as model:
    ...     inputs = nengo.Node([0.2, 0.7, 0.6])
    ...     output = nengo.Node(size_in=3)
    ...     wiring = Wiring()
    ...     mean = wiring.junction(1, "mean")
    ...     wiring.connect(inputs, mean, np.full((1, 3), 1 / 3))
    ...     wiring.connect(mean, output, -np.ones((3, 1)))
    ...     wiring.connect(inputs, output)
    ...     wiring.build()
    ...     probe = nengo.Probe(output)
    >>> len(model.nodes), len(model.connections)
    (2, 1)
    >>> with nengo.Simulator(model, progress_bar=False) as sim:
    ...     sim.step()
    >>> print(sim.data[probe].round(3))
    [[-0.3  0.2  0.1]]
    """

    def __init__(self) -> None:
        self.junctions: list[Junction] = []
        self.links: list[Link] = []

    def junction(self, size: int, label: str) -> Junction:
        """Add a junction of so many values, to be connected to and from."""
        StringParam("label").coerce(None, label)
        self.junctions.append(Junction(valid_integer(size, "size"), label))
        return self.junctions[-1]

    def connect(
        self, pre: Any, post: Any, weights: Any = None, synapse: Any = None
    ) -> None:
        """Add a connection; what arrives at one place is summed up.

        ``weights`` are (post size, pre size), None is the identity; a ``synapse`` of
        None has no delay.
        """
        synapse = valid_synapse(synapse, "synapse")
        shape = size_of(post, "post", "in"), size_of(pre, "pre", "out")
        if weights is None:
            weights = scipy.sparse.identity(shape[1])
        self._add(pre, post, finite_matrix(weights, shape, "weights"), synapse)

    def _add(self, pre, post, weights, synapse):
        """Add what was checked, or is a product of such, to what is parallel to it."""
        for i, link in enumerate(self.links):
            parallel = (link.pre, link.post) == (pre, post) and link.synapse == synapse
            if parallel:
                weights = weights + link.weights
                # paths may cancel each other
                weights.eliminate_zeros()
                del self.links[i]
                break
        self.links.append(Link(pre, post, weights, synapse))

    def build(self) -> None:
        """Make all Nengo connections, and nodes of the junctions that remain.

        Called once, inside the network.
        """
        nodes = {}
        for junction in self.junctions:
            if self._is_cheap_to_remove(junction):
                self._remove(junction)
            else:
                nodes[junction] = nengo.Node(
                    size_in=junction.size, label=junction.label
                )
        for link in self.links:
            connect(
                nodes.get(link.pre, link.pre),
                nodes.get(link.post, link.post),
                link.weights,
                link.synapse,
            )

    def _around(self, junction):
        incoming = [link for link in self.links if link.post is junction]
        outgoing = [link for link in self.links if link.pre is junction]
        return incoming, outgoing

    def _is_cheap_to_remove(self, junction):
        incoming, outgoing = self._around(junction)
        two_synapses = any(link.synapse for link in incoming) and any(
            link.synapse for link in outgoing
        )
        if two_synapses or set(incoming) & set(outgoing):
            return False
        # an upper bound, since entries may meet or cancel
        n_in = sum(link.weights.getnnz(axis=1) for link in incoming)
        n_out = sum(link.weights.getnnz(axis=0) for link in outgoing)
        added = n_in @ n_out - n_in.sum() - n_out.sum()
        return added <= MAX_ADDED_WEIGHTS * junction.size

    def _remove(self, junction):
        incoming, outgoing = self._around(junction)
        self.links = [
            link for link in self.links if junction not in (link.pre, link.post)
        ]
        for first in incoming:
            for second in outgoing:
                self._add(
                    first.pre,
                    second.post,
                    second.weights @ first.weights,
                    first.synapse or second.synapse,
                )
