"""What reaches a place of a network: how large values are, and how much spikes jitter.

It comes from sources, whose values are not only passed on: neurons, populations, nodes
with an output, pools. The weights between are multiplied out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.dists import get_samples
from nengo.ensemble import Neurons

from .base import MaxPoolNetwork
from .paths import Link, Paths, full_weights, incoming, passes_on, upstream
from .sparse import selection

#: Time, in seconds, over which circuits average spikes; filters before them add to it.
AVERAGED = 0.004
#: How many times as much several trains of spikes jitter as one that is regular, at
#: most: fewer count as many times as there are trains.
MIXED = 4


@dataclass(frozen=True)
class Arriving:
    """What reaches a place, over all of its values.

    Attributes
    ----------
    range : (float, float) or None
        Lowest and highest value of nearly all; None if that cannot be known.
    area : float
        Area of spikes in units of the value: of equal ones that jitter as much.
    jitter : float
        Power of what spikes add to the values, in squared units x seconds: a train of
        spikes of area a and rate r has a^2 r. NaN if rates cannot be known.
    spikes, is_decoded : bool
        Whether there are spikes, and values of populations that spike.
    """

    range: tuple[float, float] | None
    area: float
    jitter: float
    spikes: bool
    is_decoded: bool

    def needed_rate(self, width: float) -> float:
        """The ``input_rate``, in Hz, of a circuit for values over so wide a range."""
        # without a rate, that of the neurons that are at the top of it
        return width / self.area if np.isnan(self.jitter) else width**2 / self.jitter


@dataclass(frozen=True)
class _Source:
    """Values from ``low`` to ``high``, NaN if not known, and the area of a spike."""

    low: Any = np.nan
    high: Any = np.nan
    area: float = 0


def arriving(place: Any, network: nengo.Network) -> Arriving:
    """Find out what reaches a place of a network, or a part such as ``node[:4]``."""
    whole = getattr(place, "obj", place)
    columns = np.arange(whole.size_out)[getattr(place, "slice", slice(None))]
    links: list[Link] = [(whole, None, selection(columns, whole.size_out), ())]
    sources: dict[Any, _Source] = {}
    connections = incoming(network)
    pools = {n.output: n for n in network.all_networks if isinstance(n, MaxPoolNetwork)}
    for output in pools:
        connections.pop(output, None)
    known = True
    for each in upstream(whole, connections):
        if not passes_on(each) or each in pools:
            sources[each] = _source(each, pools, connections)
            continue
        for c in connections.get(each, ()):
            weights = full_weights(c) if c.function is None else None
            if weights is None:
                known = False
            else:
                links.append((c.pre_obj, each, weights, (c.synapse,)))

    mean, reach, variance, sizes, squares, jitter = np.zeros((6, len(columns)))
    for (obj, filters), weights in Paths(links, sources).into(None).items():
        source, size, square = sources[obj], abs(weights), weights.power(2)
        low, high = (
            np.broadcast_to(value, obj.size_out) for value in (source.low, source.high)
        )
        mean += weights @ (low + high) / 2
        reach += size @ (high - low) / 2
        variance += square @ (high - low) ** 2 / 12
        sizes += source.area * np.asarray(size.sum(axis=1)).ravel()
        squares += source.area**2 * np.asarray(square.sum(axis=1)).ravel()
        slower = sum(getattr(synapse, "tau", 0) for synapse in filters) / AVERAGED
        jitter += source.area * (square @ (high - low)) / (1 + slower)
    # of many values that are added up, hardly any sum is as large as it could be
    spread = np.minimum(reach, 3 * np.sqrt(variance))
    ends = np.min(mean - spread), np.max(mean + spread)
    lowest, highest = (float(f"{end:.4g}") for end in ends)
    areas, trains = (
        np.divide(a, b, out=np.zeros(len(a)), where=sizes > 0)
        for a, b in ((squares, sizes), (sizes**2, squares))
    )
    return Arriving(
        range=(lowest, highest) if known and lowest < highest else None,
        area=float(np.max(areas)),
        jitter=float(np.max(np.minimum(trains, MIXED) * jitter)),
        spikes=any(source.area for source in sources.values()),
        is_decoded=any(
            isinstance(obj, nengo.Ensemble) and obj.neuron_type.spiking
            for obj in sources
        ),
    )


def _source(
    obj: Any, pools: Mapping[Any, MaxPoolNetwork], connections: Mapping[Any, Any]
) -> _Source:
    """The values of a source."""
    if obj in pools:
        pool = pools[obj]
        low, high = pool.input_range
        spikes = any(ens.neuron_type.spiking for ens in pool.all_ensembles)
        # as regular as the circuit expects its inputs
        return _Source(low, high, spikes * (high - low) * pool.inter_spike_interval)
    if isinstance(obj, nengo.Ensemble):
        return _Source(-obj.radius, obj.radius)
    if isinstance(obj, Neurons):
        neuron_type = obj.ensemble.neuron_type
        area = float(getattr(neuron_type, "amplitude", 1))
        driven = obj in connections or obj.ensemble in connections
        high = _highest(obj.ensemble, area, float(driven))
        low = -high if neuron_type.negative else 0
        return _Source(low, high, area * neuron_type.spiking)
    if isinstance(obj.output, np.ndarray):
        return _Source(obj.output, obj.output)
    return _Source()


def _highest(ensemble, amplitude, value):
    """What neurons give for an input (1 is the radius); NaN if gains are no choice."""
    rng = np.random.RandomState(0)
    if ensemble.gain is None or ensemble.bias is None:
        rates = ensemble.max_rates
        return amplitude * np.max(get_samples(rates, 1000, rng=rng))
    gain, bias = (
        get_samples(values, ensemble.n_neurons, rng=rng)
        for values in (ensemble.gain, ensemble.bias)
    )
    if value and np.all(gain == 1):
        # currents as they come, whose size is not known
        return np.nan
    return ensemble.neuron_type.rates(np.full((1, len(gain)), value), gain, bias)[0]
