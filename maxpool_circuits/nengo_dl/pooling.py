"""Max-pooling layers become circuits, once the network around them is known."""

import warnings
from dataclasses import dataclass

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf
from nengo.ensemble import Neurons
from nengo_dl.graph_optimizer import noop_planner

from ..network.neurons import IntegrateAndFire
from ..network.windows import PoolWindows
from ..registry import find, make
from .options import options_for
from .spike_amplitude import SpikeAmplitude, is_linear

#: Where the membranes of layers start, in units of the threshold. Counts of spikes are
#: then rounded to the nearest integer. Those of pools start at random: with all at one
#: half they were later by some steps.
START = 0.5


@dataclass(frozen=True, eq=False)
class Pool:
    """One application of a max-pooling layer, before it has its circuit."""

    layer: tf.keras.layers.Layer
    windows: PoolWindows
    source: object
    output: nengo.Node
    network: nengo.Network

    @property
    def channels(self):
        """The channel of each input."""
        shape = self.windows.input_shape
        axis = -1 if self.layer.data_format == "channels_last" else 0
        return np.ravel(np.indices(shape)[axis])


def pools_of(converter):
    """The list of the pools that a converter, perhaps NengoDL's own, has met."""
    return vars(converter).setdefault("_max_pools", [])


def finish(network, converter):
    """Build the circuits of all pools, and settle where synapses and membranes are."""
    pools = pools_of(converter)
    between_layers = list(network.all_connections)
    worth = SpikeAmplitude(
        network, {pool.output: (pool.source, pool.windows) for pool in pools}
    )
    circuits = {}
    for pool in pools:
        circuits[pool.output] = _build(pool, worth, converter)
    if pools:
        with network:
            # merged operators share arrays, and writing to a part of one is slow
            nengo_dl.configure_settings(planner=noop_planner)
    _place_synapses(network, circuits, worth, between_layers, converter.synapse)
    for inner in [network, *network.all_networks]:
        if hasattr(inner, "layer_map"):
            for ensemble in inner.ensembles:
                _start_half_way(ensemble)


@dataclass(frozen=True, eq=False)
class Circuit:
    """A pool's circuit, and its connections to the layers around it."""

    pool: Pool
    network: nengo.Network
    before: nengo.Connection
    after: nengo.Connection
    spiking: bool


def _build(pool, worth, converter):
    """Make the circuit of a pool, and connect it."""
    spikes = worth.at(pool.source)
    spiking = bool(spikes.any())
    asked_for = _asked_for(pool.layer, converter)
    if asked_for is None:
        asked_for = "winner-take-all" if spiking else "exact"
        if not spiking and _wants_spikes(converter):
            warnings.warn(
                f"the max pooling of {pool.layer.name!r} is exact, although "
                "swap_activations asks for spiking neurons: none of its inputs come "
                "from neurons that spike",
                stacklevel=2,
            )
    circuit, factors = options_for(find(asked_for), pool, spikes, converter)
    scaled = factors is not None
    with pool.network:
        network = make(circuit, pool.windows)
        with network:
            nengo_dl.configure_settings(trainable=False)
        before = nengo.Connection(
            pool.source,
            network.input,
            transform=1 / factors if scaled else nengo.params.Default,
            synapse=None,
        )
        after = nengo.Connection(
            network.output,
            pool.output,
            transform=pool.windows.max(factors) if scaled else nengo.params.Default,
            synapse=None,
        )
        for connection in (before, after):
            pool.network.config[connection].trainable = False
    if spiking and network.n_neurons == 0 and converter.synapse is None:
        warnings.warn(
            f"the max pooling of {pool.layer.name!r} has no neurons, and takes the "
            "maximum of raw spikes in each time step, which is far too large; give the "
            "converter a synapse, or leave max_pool to its default",
            stacklevel=2,
        )
    return Circuit(pool, network, before, after, spiking)


def _asked_for(layer, converter):
    circuit = getattr(converter, "max_pool", None)
    return circuit.get(layer) if isinstance(circuit, dict) else circuit


def _wants_spikes(converter):
    swaps = converter.swap_activations
    # NengoDL's own converter has a dict that notes what is read
    given = swaps.dict.values() if hasattr(swaps, "dict") else swaps.chosen
    return any(getattr(activation, "spiking", False) for activation in given)


def _place_synapses(network, circuits, worth, between_layers, synapse):
    """One synapse per block: behind the circuits, not also in front of them.

    Linear nodes that lead to a circuit get the spikes themselves. What else they lead
    to gets them filtered, as it would from neurons.
    """
    raw = set()
    for circuit in circuits.values():
        if circuit.spiking and circuit.network.n_neurons > 0:
            raw |= _upstream(circuit.pool.source, circuits, worth)
    into_exact = [
        circuit.before
        for circuit in circuits.values()
        if circuit.spiking and circuit.network.n_neurons == 0
    ]
    for connection in [*between_layers, *into_exact]:
        pre, post = connection.pre_obj, connection.post_obj
        if post in raw:
            if pre in raw or isinstance(pre, Neurons):
                connection.synapse = None
        elif pre in raw or (connection in into_exact and isinstance(pre, Neurons)):
            connection.synapse = synapse
    for circuit in circuits.values():
        has_spikes = circuit.spiking and circuit.network.n_neurons > 0
        if has_spikes and circuit.pool.output not in raw:
            circuit.after.synapse = synapse
    for key, output in network.outputs.dict.items():
        if output in raw:
            with network:
                filtered = nengo.Node(size_in=output.size_out, label="filtered")
                connection = nengo.Connection(output, filtered, synapse=synapse)
                network.config[connection].trainable = False
            network.outputs.dict[key] = filtered


def _upstream(source, circuits, worth):
    """Linear nodes between neurons and a circuit, with spikes in them."""
    found, sources = set(), [source]
    while sources:
        source = sources.pop()
        linear = not isinstance(source, Neurons) and is_linear(source)
        if source in found or not linear or not worth.at(source).any():
            continue
        if source in circuits:
            if circuits[source].network.n_neurons > 0:
                found.add(source)
            continue
        found.add(source)
        sources += [c.pre_obj for c in worth.incoming.get(source, ())]
    return found


def _start_half_way(ensemble):
    neuron_type = ensemble.neuron_type
    if isinstance(neuron_type, IntegrateAndFire) and neuron_type.initial_state is None:
        ensemble.neuron_type = IntegrateAndFire(
            neuron_type.min_voltage,
            neuron_type.amplitude,
            initial_state={"voltage": nengo.dists.Choice([START])},
        )
