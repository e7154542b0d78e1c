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
from ..registry import find, make, unwrap_partial, with_defaults
from .spike_amplitude import SpikeAmplitude, is_linear

#: Lowest ``max_rate``, in Hz, that a circuit gets where the range of its inputs is not
#: known: so its own synapses, a few intervals between spikes, stay near 10 ms.
LOWEST_RATE = 100
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


@dataclass(frozen=True, eq=False)
class Circuit:
    """A pool's circuit, with its connections to the layers before and after it."""

    pool: Pool
    network: nengo.Network
    connections: tuple
    takes_spikes: bool


def pools_of(converter):
    """The list of the pools that a converter, perhaps NengoDL's own, has met."""
    return vars(converter).setdefault("_max_pools", [])


def finish(network, converter):
    """Build the circuits of all pools, and decide where synapses and membranes are."""
    pools = pools_of(converter)
    between_layers = list(network.all_connections)
    amplitudes = SpikeAmplitude(
        network, {pool.output: (pool.source, pool.windows) for pool in pools}
    )
    circuits = [build(pool, amplitudes.at(pool.source), converter) for pool in pools]
    if pools:
        with network:
            # merged operators share arrays, and writing to a part of one is slow
            nengo_dl.configure_settings(planner=noop_planner)
    into_circuits = [each for circuit in circuits for each in circuit.connections]
    raw = nodes_with_raw_spikes(circuits, amplitudes)
    for connection in between_layers + into_circuits:
        connection.synapse = synapse_of(connection, raw, converter.synapse)
    filter_outputs(network, raw, converter.synapse)
    for inner in [network, *network.all_networks]:
        if hasattr(inner, "layer_map"):
            for ensemble in inner.ensembles:
                start_half_way(ensemble)


def build(pool, spikes, converter):
    """Make the circuit of a pool for spikes of these amplitudes, and connect it."""
    spiking = bool(spikes.any())
    asked_for = getattr(converter, "max_pool", None)
    if isinstance(asked_for, dict):
        asked_for = asked_for.get(pool.layer)
    if asked_for is None:
        asked_for = "winner-take-all" if spiking else "exact"
        swaps = converter.swap_activations.dict.values()
        if not spiking and any(getattr(swap, "spiking", False) for swap in swaps):
            warnings.warn(
                f"the max pooling of {pool.layer.name!r} is exact, although "
                "swap_activations asks for spiking neurons: none of its inputs come "
                "from neurons that spike",
                stacklevel=2,
            )
    circuit, factors = with_options(find(asked_for), pool, spikes, converter)
    before, after = {}, {}
    if factors is not None:
        before["transform"] = 1 / factors
        after["transform"] = pool.windows.max(factors)
    with pool.network:
        network = make(circuit, pool.windows)
        with network:
            nengo_dl.configure_settings(trainable=False)
        takes_spikes = spiking and network.n_neurons > 0
        if spiking and isinstance(pool.source, Neurons):
            before["synapse"] = converter.synapse
        connections = (
            nengo.Connection(pool.source, network.input, **{"synapse": None, **before}),
            nengo.Connection(network.output, pool.output, synapse=None, **after),
        )
        for connection in connections:
            pool.network.config[connection].trainable = False
    if spiking and not takes_spikes and converter.synapse is None:
        warnings.warn(
            f"the max pooling of {pool.layer.name!r} has no neurons, and takes the "
            "maximum of raw spikes in each time step, which is far too large; give the "
            "converter a synapse, or leave max_pool to its default",
            stacklevel=2,
        )
    return Circuit(pool, network, connections, takes_spikes)


def with_options(circuit, pool, spikes, converter):
    """The circuit with what fits its spikes and values, and factors of its inputs.

    Inputs have to be divided by the factors, and maxima multiplied with them, so that
    spikes of all channels have one amplitude; None if they already have.
    """
    if with_defaults(circuit) is circuit:
        # a callable that is not a class of circuits brings its own options
        return circuit, None
    made_by, given = unwrap_partial(circuit)
    factors = None
    options = {"label": pool.layer.name}
    ranges = getattr(converter, "value_ranges", {}).get(pool.layer)
    if spikes.any():
        if "max_rate" in given:
            amplitude = np.median(spikes[spikes > 0])
        else:
            amplitude, factors = by_channel(spikes, pool.channels)
    if ranges is not None:
        low, high = ranges if factors is None else ranges / factors
        low, high = float(np.min(low)), float(np.max(high))
        if low < high:
            options["input_range"] = (low, high)
    if spikes.any():
        options.setdefault("input_range", (0, max(1, LOWEST_RATE * amplitude)))
        low, high = options["input_range"]
        options["max_rate"] = (high - low) / amplitude
        membranes_average = getattr(made_by, "takes_raw_spikes", False)
        membranes_average = membranes_average and "neuron_type" not in given
        if membranes_average and converter.synapse is not None:
            # the synapse is after the circuit, and each one costs time steps
            options["input_synapse"] = None
    if factors is not None:
        factors = factors[pool.channels]
    return with_defaults(circuit, **options), factors


def by_channel(spikes, channels):
    """Median amplitude of spikes, and that of each channel relative to it, or None."""
    medians = np.full(channels.max() + 1, np.nan)
    for channel in range(len(medians)):
        # zeros are padding, or come from a slope of zero
        present = spikes[(channels == channel) & (spikes > 0)]
        if len(present) > 0:
            medians[channel] = np.median(present)
    amplitude = np.nanmedian(medians)
    factors = np.nan_to_num(medians / amplitude, nan=1)
    return amplitude, factors if np.ptp(factors) > 1e-6 else None


def nodes_with_raw_spikes(circuits, amplitudes):
    """Ends of circuits that take spikes, and linear nodes that lead spikes there."""
    spiking = [circuit for circuit in circuits if circuit.takes_spikes]
    raw = {end for each in spiking for end in (each.network.input, each.network.output)}
    filtered = {c.pool.output for c in circuits if not c.takes_spikes}
    nodes = [circuit.pool.source for circuit in spiking]
    while nodes:
        node = nodes.pop()
        if node in raw | filtered or not is_linear(node):
            continue
        if amplitudes.at(node).any():
            raw.add(node)
            nodes += [each.pre_obj for each in amplitudes.incoming.get(node, ())]
    return raw


def synapse_of(connection, raw, synapse):
    """The synapse of a connection: the converter's once, after the circuits.

    ==================  ========================  ================
    from                to a node of raw spikes   to anything else
    ==================  ========================  ================
    node of raw spikes  None                      the converter's
    neurons             None                      as it is
    anything else       as it is                  as it is
    ==================  ========================  ================
    """
    pre = connection.pre_obj
    if connection.post_obj in raw and (pre in raw or isinstance(pre, Neurons)):
        return None
    return synapse if pre in raw else connection.synapse


def filter_outputs(network, raw, synapse):
    """Filter the outputs of a model that would be raw spikes."""
    for key, output in network.outputs.dict.items():
        if output in raw:
            with network:
                filtered = nengo.Node(size_in=output.size_out, label="filtered")
                connection = nengo.Connection(output, filtered, synapse=synapse)
                network.config[connection].trainable = False
            network.outputs.dict[key] = filtered


def start_half_way(ensemble):
    """Set where membranes start, unless that was given."""
    neuron_type = ensemble.neuron_type
    if isinstance(neuron_type, IntegrateAndFire) and neuron_type.initial_state is None:
        ensemble.neuron_type = IntegrateAndFire(
            neuron_type.min_voltage,
            neuron_type.amplitude,
            initial_state={"voltage": nengo.dists.Choice([START])},
        )
