"""How values get from one place of a network to another.

A node that has no function passes on the sum of what arrives. It is not a stage of its
own: what comes before it reaches all that comes after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import nengo
import numpy as np
import scipy.sparse

from .sparse import selection, weights_of

#: From one object to another: (pre, post, weights, filters). The weights are of shape
#: (size of post, size of pre); the filters are a tuple, for example of time constants.
Link = tuple[Any, Any, scipy.sparse.spmatrix, tuple]
#: Weights of all that reaches one place, by source and the filters on the way.
Arriving = dict[tuple[Any, tuple], scipy.sparse.spmatrix]


def passes_on(obj: Any) -> bool:
    """Whether an object is a node that passes on the sum of what arrives."""
    return isinstance(obj, nengo.Node) and obj.output is None


def incoming(network: nengo.Network) -> dict[Any, list[nengo.Connection]]:
    """All connections of a network, by the object that they end at."""
    connections: dict[Any, list[nengo.Connection]] = {}
    for connection in network.all_connections:
        connections.setdefault(connection.post_obj, []).append(connection)
    return connections


def upstream(
    place: Any,
    connections: Mapping[Any, Iterable[nengo.Connection]],
    follow: Callable[[nengo.Connection], bool] = lambda connection: True,
) -> Iterator[Any]:
    """Yield a place and all whose values reach it, by `incoming` connections."""
    seen, waiting = set(), [place]
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        yield place
        if passes_on(place):
            waiting += [c.pre_obj for c in connections.get(place, ()) if follow(c)]


def full_weights(
    connection: nengo.Connection, weights: scipy.sparse.spmatrix | None = None
) -> scipy.sparse.csr_matrix | None:
    """Weights between the whole objects at both ends, whatever parts are connected.

    Without ``weights`` they are `weights_of` the connection, which may be None.
    """
    weights = weights_of(connection) if weights is None else weights
    if weights is None:
        return None
    pre, post = connection.pre_obj, connection.post_obj
    columns = np.arange(pre.size_out)[connection.pre_slice]
    rows = np.arange(post.size_in)[connection.post_slice]
    into = selection(rows, post.size_in).T
    return (into @ weights @ selection(columns, pre.size_out)).tocsr()


class Paths:
    """Weights from the sources of a network to any place in it.

    Nodes that pass values on are multiplied out. A loop of such nodes is followed once.
    """

    def __init__(self, links: Iterable[Link], sources: Iterable[Any]) -> None:
        self._links: dict[Any, list[Link]] = {}
        for link in links:
            self._links.setdefault(link[1], []).append(link)
        self._known: dict[Any, Arriving] = {
            source: {(source, ()): scipy.sparse.identity(source.size_out, format="csr")}
            for source in sources
        }

    def into(self, place: Any) -> Arriving:
        """Weights of all that reaches a place, by (source, filters on the way)."""
        total: Arriving = {}
        for pre, _, weights, filters in self._links.get(place, ()):
            for (source, before), earlier in self._out_of(pre).items():
                key = source, before + filters
                total[key] = weights @ earlier + total.get(key, 0)
        return total

    def _out_of(self, place):
        if place not in self._known:
            self._known[place] = {}
            if passes_on(place):
                self._known[place] = self.into(place)
        return self._known[place]
