"""Max-pooling layers become circuits, once the network around them is known."""

from __future__ import annotations

import copy
import functools
import warnings
from dataclasses import dataclass

import nengo
import nengo_dl
import numpy as np
import pandas as pd
import tensorflow as tf
from nengo.ensemble import Neurons
from nengo_dl.graph_optimizer import noop_planner

from ..circuits import SharedResetMax
from ..network.neurons import SharedReset
from ..network.paths import passes_on, upstream
from ..network.windows import PoolWindows
from ..registry import find, make, unwrap_partial, with_defaults
from .spike_amplitude import SpikeAmplitude

#: Lowest ``input_rate``, in Hz, that a circuit gets where the range of its inputs is
#: not known: so its own synapses, a few intervals between spikes, stay near 10 ms.
LOWEST_RATE = 100
#: By how much more slowly than at the top of the range most inputs of a pool fire.
SLOWER = 2.5
#: Where the membranes of layers start, in units of the threshold. One half would round
#: counts of spikes to the nearest integer; a tenth more makes up for the time that the
#: first spikes take. Those of circuits start at random: with all at one half they were
#: later by some steps.
START = 0.6
#: Floor of a layer that is its own pool, in units of the threshold: after weights of
#: both signs membranes have to average much that cancels.
FLOOR = -4


@dataclass(eq=False)
class Pool:
    """One application of a max-pooling layer, which gets its circuit at the end."""

    layer: tf.keras.layers.Layer
    windows: PoolWindows
    source: object
    output: nengo.Node
    network: nengo.Network
    #: The channel of each input; all inputs of a pool have the same.
    channels: np.ndarray
    circuit: nengo.Network | None = None
    takes_spikes: bool = False
    #: Rate, in Hz, at a value of 1, if the pool is made of the neurons of a layer.
    scale: float | None = None


def channels_of(shape, channels_last=True):
    """The channel of each value of a layer."""
    return np.ravel(np.indices(shape)[-1 if channels_last else 0])


def pools_of(converter):
    """The list of the pools that a converter, perhaps NengoDL's own, has met."""
    return vars(converter).setdefault("_max_pools", [])


def models_in(network):
    """A converted network, and those of the models inside of its model."""
    return [n for n in [network, *network.all_networks] if hasattr(n, "layer_map")]


def finish(network, converter):
    """Build the circuits of all pools, and decide where synapses and membranes are."""
    pools = pools_of(converter)
    for pool in pools:
        layer = getattr(converter, "in_layers", {}).get(pool.layer)
        pool.scale = None if layer is None else scale_of(layer, converter)
    amplitudes = SpikeAmplitude(
        network,
        {pool.output: (pool.source, pool.windows) for pool in pools},
        {pool.output: 1 / pool.scale for pool in pools if pool.scale},
    )
    for pool in pools:
        build(pool, amplitudes, converter)
    if pools:
        with network:
            # merged operators share arrays, and writing to a part of one is slow
            nengo_dl.configure_settings(planner=noop_planner)
    raw = nodes_with_raw_spikes(pools, amplitudes)
    for model in models_in(network):
        for connection in model.connections:
            connection.synapse = synapse_of(connection, raw, converter.synapse)
        for ensemble in model.ensembles:
            start_near_threshold(ensemble)
    filter_outputs(network, raw, converter.synapse)


def build(pool, amplitudes, converter):
    """Make the circuit of a pool for spikes of these amplitudes, and connect it."""
    if pool.scale is not None:
        build_in_layer(pool)
        return
    spiking = bool(amplitudes.at(pool.source).any())
    circuit, factors = with_options(
        circuit_for(pool, spiking, converter), pool, amplitudes, converter
    )
    before, after = {"synapse": None}, {"synapse": None}
    if factors is not None:
        before["transform"] = 1 / factors
        after["transform"] = pool.windows.max(factors)
    if spiking and isinstance(pool.source, Neurons):
        before["synapse"] = converter.synapse
    connect(pool, circuit, before, after)
    pool.takes_spikes = spiking and pool.circuit.n_neurons > 0
    if spiking and not pool.takes_spikes and converter.synapse is None:
        warnings.warn(
            f"the max pooling of {pool.layer.name!r} has no neurons, and takes the "
            "maximum of raw spikes in each time step, which is far too large; give the "
            "converter a synapse, or leave max_pool to its default",
            stacklevel=2,
        )


def connect(pool, circuit, before, after):
    """Make a circuit between the source of a pool and its output."""
    with pool.network:
        pool.circuit = make(circuit, pool.windows)
        pool.circuit.knows_inputs = True
        with pool.circuit:
            nengo_dl.configure_settings(trainable=False)
        for connection in (
            nengo.Connection(pool.source, pool.circuit.input, **before),
            nengo.Connection(pool.circuit.output, pool.output, **after),
        ):
            pool.network.config[connection].trainable = False


def build_in_layer(pool):
    """Let the neurons of a layer be its pool."""
    start = {"voltage": nengo.dists.Choice([START])}
    circuit = functools.partial(
        SharedResetMax,
        neuron_type=SharedReset(pool.windows.sizes, FLOOR, initial_state=start),
        max_rate=pool.scale,
        label=pool.layer.name,
    )
    connect(pool, circuit, {"synapse": None}, {"synapse": None})


def scale_of(layer, converter):
    """The scale of firing rates of a layer, in Hz per unit of activation."""
    return of_layer(converter.scale_firing_rates, layer) or 1


def of_layer(argument, layer):
    """What an argument, which may be a dict by layer, is for a layer."""
    return argument.get(layer) if isinstance(argument, dict) else argument


def circuit_for(pool, spiking, converter):
    """The circuit that was asked for, or the default one."""
    asked_for = of_layer(getattr(converter, "max_pool", None), pool.layer)
    if asked_for is not None:
        return find(asked_for)
    swaps = converter.swap_activations.dict.values()
    if not spiking and any(getattr(swap, "spiking", False) for swap in swaps):
        warnings.warn(
            f"the max pooling of {pool.layer.name!r} is exact, although "
            "swap_activations asks for spiking neurons: none of its inputs come "
            "from neurons that spike",
            stacklevel=2,
        )
    return find("winner-take-all" if spiking else "exact")


def with_options(circuit, pool, amplitudes, converter):
    """The circuit with what fits its spikes and values, and factors of its inputs.

    Thresholds follow the amplitude of a spike, filters and memory the ripple of all
    that arrive: after weights of both signs values are small and traffic is not.

    Inputs have to be divided by the factors, and maxima multiplied with them, so that
    spikes of all channels have one amplitude; None if they already have.
    """
    if with_defaults(circuit) is circuit:
        # a callable that is not a class of circuits brings its own options
        return circuit, None
    made_by, given = unwrap_partial(circuit)
    options, factors = {"label": pool.layer.name}, None
    spikes, ripple = amplitudes.at(pool.source), amplitudes.ripple(pool.source)
    low, high = getattr(converter, "value_ranges", {}).get(pool.layer, (0, 0))
    if spikes.any():
        amplitude, factors = by_channel(spikes, pool.channels)
        if "max_rate" in given:
            factors = None
        elif factors is not None:
            low, high = low / factors, high / factors
            ripple = ripple / factors[pool.channels]
        ripple = float(np.median(ripple[spikes > 0]))
    low, high = float(np.min(low)), float(np.max(high))
    if low < high:
        options["input_range"] = low, high
    if spikes.any():
        low, high = options.setdefault("input_range", (0, max(1, LOWEST_RATE * ripple)))
        options["max_rate"] = (high - low) / amplitude
        options["input_rate"] = (high - low) / ripple
        membranes_average = getattr(made_by, "takes_raw_spikes", False)
        membranes_average = membranes_average and "neuron_type" not in given
        if membranes_average and converter.synapse is not None:
            # the synapse is after the circuit, and each one costs time steps
            options["input_synapse"] = None
            # and membranes may remember slow inputs, since those of a network last
            slow = options["max_rate"] / SLOWER
            options["input_rate"] = min(options["input_rate"], slow)
    if factors is not None:
        factors = factors[pool.channels]
    return with_defaults(circuit, **options), factors


def by_channel(spikes, channels):
    """Median amplitude of spikes, and that of each channel relative to it, or None."""
    # zeros are padding, or come from a slope of zero
    present = pd.Series(spikes[spikes > 0]).groupby(channels[spikes > 0])
    medians = present.median().reindex(range(channels.max() + 1))
    factors = (medians / medians.median()).fillna(1).to_numpy()
    return medians.median(), factors if np.ptp(factors) > 1e-6 else None


def nodes_with_raw_spikes(pools, amplitudes):
    """Ends of circuits that take spikes, and linear nodes that lead spikes there."""
    takers = [pool for pool in pools if pool.takes_spikes]
    raw = {each.circuit.input for each in takers}
    raw |= {each.circuit.output for each in pools if each.takes_spikes or each.scale}
    filtered = {pool.output for pool in pools if not pool.takes_spikes}
    for pool in takers:
        for node in upstream(pool.source, amplitudes.incoming):
            if passes_on(node) and node not in filtered and amplitudes.at(node).any():
                raw.add(node)
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


def start_near_threshold(ensemble):
    """Set where membranes that only integrate start, unless that was given."""
    neuron_type = ensemble.neuron_type
    integrates = neuron_type.spiking and set(neuron_type.state) == {"voltage"}
    if integrates and neuron_type.initial_state is None:
        neuron_type = copy.copy(neuron_type)
        # the copy is nobody else's, so that it may be written to
        start = {"voltage": nengo.dists.Choice([START])}
        type(neuron_type).initial_state.data[neuron_type] = start
        ensemble.neuron_type = neuron_type
