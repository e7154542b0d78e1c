"""Keras networks with max pooling in NengoDL, and the TensorFlow builders."""

import functools
import subprocess
import sys
import warnings
from pathlib import Path

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc

try:
    from maxpool_circuits.nengo_dl import (
        Converter,
        ConvertMaxPool,
        compare_layers,
        compare_outputs,
        firing_rates,
        load_model,
        register,
    )
except ImportError as error:
    pytest.skip(str(error), allow_module_level=True)

import nengo_dl
import tensorflow as tf
from nengo_dl.config import get_setting
from nengo_dl.graph_optimizer import noop_planner
from tensorflow.keras import layers

from maxpool_circuits.nengo_dl.calibration import counting_error
from maxpool_circuits.nengo_dl.layers import MAX_POOL_LAYERS
from maxpool_circuits.nengo_dl.pooling import LOWEST_RATE, by_channel
from maxpool_circuits.nengo_dl.spike_amplitude import SpikeAmplitude, through

pytestmark = [
    pytest.mark.filterwarnings("ignore:Unknown incer type"),
    pytest.mark.filterwarnings("ignore:Number of elements .* does not match number"),
]

SHAPES = {1: (7, 2), 2: (5, 6, 2), 3: (3, 3, 3, 1)}  # of inputs, by spatial axes
MAX_POOL = {1: layers.MaxPool1D, 2: layers.MaxPool2D, 3: layers.MaxPool3D}
GLOBAL_MAX_POOL = {
    1: layers.GlobalMaxPool1D,
    2: layers.GlobalMaxPool2D,
    3: layers.GlobalMaxPool3D,
}
SPIKING = nengo.SpikingRectifiedLinear()
FILTER = nengo.Lowpass(0.005)
OPTIONS = {
    "allow_fallback": False,
    "swap_activations": {"relu": SPIKING},
    "scale_firing_rates": 100,
    "synapse": 0.005,
}


class UsersMaxPool(layers.MaxPool2D):
    """A user's own subclass of a layer."""


@pytest.fixture(autouse=True)
def reproducible():
    """Give every model the same random weights in every run."""
    tf.keras.utils.set_random_seed(0)


@pytest.fixture
def eagerly():
    """Compile no functions, which takes longer than a few time steps."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def functional(*steps, shape=(6, 6, 2)):
    """Make a model of layers one after another."""
    inputs = x = tf.keras.Input(shape)
    for layer in steps:
        x = layer(x)
    return tf.keras.Model(inputs, x)


def conv_model(pools=(layers.MaxPool2D,), activation=tf.nn.relu):
    """Make a small convolutional network."""
    return functional(
        layers.Conv2D(4, 3, activation=activation),
        *[pool() for pool in pools],
        layers.Flatten(),
        layers.Dense(10, activation=activation),
        layers.Dense(3),
        shape=(8, 8, 1),
    )


def batch_norm(slopes, offset=0.3):
    """Make a BatchNorm layer that multiplies channels by slopes, and adds a number."""
    slopes = np.array(slopes, dtype=float)
    norm = layers.BatchNormalization(epsilon=0)
    norm.build((None, 1, 1, len(slopes)))
    ones = np.ones_like(slopes)
    norm.set_weights([slopes, offset * ones, 0 * ones, ones])
    return norm


def noise(*shape):
    """Sample inputs of both signs."""
    return np.random.RandomState(0).uniform(-1, 1, shape).astype(np.float32)


def images(n=8, shape=(6, 6, 2), top=1):
    """Sample positive inputs."""
    return np.random.RandomState(0).uniform(0, top, (n, *shape)).astype(np.float32)


def pools_in(converter):
    """List the pools of a converted network."""
    networks = converter.net.all_networks
    return [each for each in networks if isinstance(each, mpc.MaxPoolNetwork)]


def connections(converter, **ends):
    """List the connections with a pre_obj or post_obj."""
    return [
        each
        for each in converter.net.all_connections
        if all(getattr(each, end) is obj for end, obj in ends.items())
    ]


def synapses(converter, **ends):
    """List the synapses of connections with a pre_obj or post_obj."""
    return [each.synapse for each in connections(converter, **ends)]


def keras(model, x):
    """Outputs of a Keras model, without the seconds that `predict` compiles for."""
    return [np.array(y) for y in tf.nest.flatten(model(x, training=False))]


def simulate(converter, x, steps=1, simulator=nengo.Simulator):
    """Simulate a converted network on one input: outputs, each (n_steps, size)."""
    (node,) = converter.inputs.values()
    node.output = np.ravel(x)
    converter.net.seed = 0
    with simulator(converter.net, progress_bar=False) as sim:
        sim.run_steps(steps)
        outputs = [np.array(sim.data[probe]) for probe in converter.outputs.values()]
    return [output.reshape(steps, -1) for output in outputs]


def check_rate_network(model, x, **options):
    """Check that Nengo computes what Keras does, one input in each time step."""
    converter = Converter(model, allow_fallback=False, **options)
    values = x.reshape(len(x), -1)
    (node,) = converter.inputs.values()
    node.output = nengo.processes.PresentInput(values, 0.001)
    with nengo.Simulator(converter.net, progress_bar=False) as sim:
        sim.run_steps(len(x))
    for probe, expected in zip(converter.outputs.values(), keras(model, x)):
        y = sim.data[probe].reshape(expected.shape)
        np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    return converter


# --- rate networks --------------------------------------------------------------------


def pooling_layers(n_axes, **options):
    """Make pooling layers of a dimension, with all kinds of arguments."""
    pool, global_pool = MAX_POOL[n_axes], GLOBAL_MAX_POOL[n_axes]
    return [
        pool(**options),
        pool(3, strides=1, **options),
        pool(3, strides=2, padding="same", **options),
        pool(1, strides=2, **options),
        pool((2,) if n_axes == 1 else tuple(range(1, n_axes + 1)), **options),
        global_pool(**options),
        global_pool(keepdims=True, **options),
    ]


def model_with(pools, shape, n_inputs=3):
    """Make a model whose outputs are pools of a trained layer's (linear) values."""
    inputs = tf.keras.Input((n_inputs,))
    values = layers.Reshape(shape)(layers.Dense(np.prod(shape))(inputs))
    return tf.keras.Model(inputs, [pool(values) for pool in pools])


@pytest.mark.parametrize("n_axes", [1, 2, 3])
def test_every_layer_is_exact_in_rate_networks(n_axes):
    model = model_with(pooling_layers(n_axes), SHAPES[n_axes])
    check_rate_network(model, noise(4, 3))


def test_rate_networks_train_as_keras_does(eagerly):
    before = dict(Converter.converters)
    pools = [functools.partial(layers.MaxPool2D, 3, 2, "same"), UsersMaxPool]
    converter = Converter(conv_model(pools), allow_fallback=False)
    assert converter.verify(training=True, inputs=[noise(4, 8, 8, 1)], atol=1e-6)
    assert Converter.converters == before


def test_channels_first():
    # Keras cannot run it on the CPU, but the same with channels last
    shape = 2, 5, 6
    pools = pooling_layers(2, data_format="channels_first")
    model = model_with(pools, shape, np.prod(shape))
    dense = model.layers[1]
    dense.set_weights([np.eye(np.prod(shape)), np.zeros(np.prod(shape))])
    x = noise(*shape)
    outputs = simulate(Converter(model, allow_fallback=False), x)
    for pool, y in zip(pooling_layers(2), outputs):
        expected = pool(np.moveaxis(x, 0, -1)[np.newaxis])[0]
        np.testing.assert_allclose(y[0], np.ravel(np.moveaxis(expected, -1, 0)))


def test_layer_that_is_applied_twice():
    pool = layers.MaxPool2D()
    inputs = tf.keras.Input((8, 8, 1))
    model = tf.keras.Model(inputs, [pool(inputs), pool(pool(inputs))])
    check_rate_network(model, noise(4, 8, 8, 1))


def test_time_distributed():
    model = functional(
        layers.TimeDistributed(layers.Conv2D(2, 3, activation="relu")),
        layers.TimeDistributed(layers.MaxPool2D()),
        layers.TimeDistributed(layers.GlobalMaxPool2D()),
        layers.Dense(2),
        shape=(3, 6, 6, 1),
    )
    converter = Converter(model, allow_fallback=False, temporal_model=True)
    assert converter.verify(inputs=[noise(4, 3, 6, 6, 1)])


def test_pooling_over_time_is_refused():
    model = functional(layers.GlobalMaxPool1D(name="pool"), shape=(6, 2))
    with pytest.raises(ValidationError, match="'pool' must be wrapped in TimeDistrib"):
        Converter(model, temporal_model=True)


# --- the registry and the arguments ---------------------------------------------------


def test_register(monkeypatch):
    registry = dict(nengo_dl.Converter.converters)
    monkeypatch.setattr(nengo_dl.Converter, "converters", registry)
    # importing is not enough
    with pytest.raises(TypeError, match="max_to_avg_pool"):
        nengo_dl.Converter(conv_model(), allow_fallback=False)
    register()
    ours = {layer for layer, made_by in registry.items() if made_by is ConvertMaxPool}
    assert ours == set(MAX_POOL_LAYERS)
    converter = nengo_dl.Converter(conv_model(), allow_fallback=False)
    assert [type(pool) for pool in pools_in(converter)] == [mpc.ExactMax]
    averaging = nengo_dl.Converter(conv_model(), max_to_avg_pool=True)
    assert pools_in(averaging) == []


class Twice(layers.Layer):
    """A user's layer, which NengoDL does not know."""

    def call(self, values):
        """Double the values."""
        return 2 * values


@pytest.mark.parametrize("registry", [nengo_dl.Converter, Converter])
def test_converters_of_users_are_found_whenever_they_are_registered(registry):
    @registry.register(Twice)
    class ConvertTwice(nengo_dl.converter.LayerConverter):
        def convert(self, node_id):
            node = self.add_nengo_obj(node_id)
            self.add_connection(node_id, node, transform=2)
            return node

    try:
        check_rate_network(functional(Twice(), layers.MaxPool2D()), images(2))
    finally:
        del registry.converters[Twice]


def test_averages_as_nengo_dl_does():
    options = {"allow_fallback": False, "max_to_avg_pool": True}
    model = conv_model([layers.GlobalMaxPool2D])
    ours, stock = (
        simulate(make(model, **options), noise(8, 8, 1))[0]
        for make in (Converter, nengo_dl.Converter)
    )
    np.testing.assert_array_equal(ours, stock)
    converter = Converter(conv_model([UsersMaxPool]), **options)
    assert pools_in(converter) == []
    # merged operators are slow where there are pools only
    assert get_setting(converter.net, "planner") is None
    assert get_setting(Converter(conv_model()).net, "planner") is noop_planner


def users_circuit(windows):
    """Make a circuit that takes no options."""
    return mpc.PairwiseReLU(windows, max_rate=7)


@pytest.mark.parametrize(
    "max_pool, kind, max_rate",
    [
        ("pairwise-relu", mpc.PairwiseReLU, 100),
        (mpc.WinnerTakeAll, mpc.WinnerTakeAll, 100),
        (functools.partial(mpc.PairwiseReLU, max_rate=7), mpc.PairwiseReLU, 7),
        (functools.partial(mpc.AbsoluteValue, n_neurons=2), mpc.AbsoluteValue, 100),
        (users_circuit, mpc.PairwiseReLU, 7),
    ],
)
def test_circuit_that_is_asked_for(max_pool, kind, max_rate):
    model = functional(layers.ReLU(), batch_norm([1, 9]), layers.MaxPool2D())
    model = model if max_rate == 7 else conv_model()
    pooling = next(x for x in model.layers if isinstance(x, layers.MaxPool2D))
    for chosen in (max_pool, {pooling: max_pool}):
        converter = Converter(model, max_pool=chosen, **OPTIONS)
        (pool,) = pools_in(converter)
        assert type(pool) is kind
        assert pool.max_rate == max_rate
        # no warning of inputs that the converter knows better
        assert pool.knows_inputs
        (before,) = connections(converter, post_obj=pool.input)
        assert isinstance(before.transform, nengo.transforms.NoTransform)


@pytest.mark.parametrize("key", ["max_pooling2d", "convolution"])
def test_key_that_is_not_a_layer_of_the_kind_is_refused(key):
    model = conv_model()
    key = model.layers[1] if key == "convolution" else key
    with pytest.raises(ValidationError, match="max_pool.*max-pooling layers of the m"):
        Converter(model, max_pool={key: "exact"})
    with pytest.raises(ValidationError, match="scale_firing_rates.*layers of the mod"):
        Converter(model, scale_firing_rates={layers.ReLU(): 100})


@pytest.mark.parametrize(
    "name, value",
    [
        ("calibration", 5),
        ("calibration", np.full((2, 8, 8, 1), np.nan)),
        *[("scale_firing_rates", bad) for bad in (0, True, np.inf, {}, "fast")],
        ("synapse", True),
        ("synapse", -1),
        ("inference_only", "no"),
        ("allow_fallback", 0),
        ("swap_activations", 5),
    ],
)
def test_converter_checks_its_arguments(name, value):
    with pytest.raises(ValidationError, match=f"{name}: must be"):
        Converter(conv_model(), **{**OPTIONS, name: value})


@pytest.mark.parametrize("model", [5, None, "model.keras"])
def test_converter_takes_models_of_keras_only(model):
    with pytest.raises(ValidationError, match="model: must be a Keras model, got"):
        Converter(model)


def test_unknown_circuit_is_refused_before_anything_is_converted():
    model = conv_model()
    with nengo.Network() as container:
        with pytest.raises(ValidationError, match="'quickest'.*'winner-take-all'"):
            Converter(model, max_pool={model.layers[2]: "quickest"})
    assert container.networks == []


# --- the amplitude of spikes ----------------------------------------------------------


def test_channels_with_slopes_of_their_own_are_scaled():
    slopes = [0.5, -2, 8]
    model = functional(
        layers.ReLU(), batch_norm(slopes), layers.MaxPool2D(), shape=(4, 4, 3)
    )
    converter = Converter(model, **OPTIONS)
    (pool,) = pools_in(converter)
    low, high = pool.input_range
    median = np.median(np.abs(slopes))
    assert (high - low) / pool.max_rate == pytest.approx(median / 100)
    (before,) = connections(converter, post_obj=pool.input)
    (after,) = connections(converter, pre_obj=pool.output)
    factors = np.tile(np.abs(slopes) / median, 16)
    np.testing.assert_allclose(before.transform.init, 1 / factors)
    np.testing.assert_allclose(after.transform.init, factors[:12])


def test_amplitude_of_a_channel_is_the_median_of_its_spikes():
    # zeros are padding; the third channel has no spikes
    spikes = np.array([1, 2, 9, 0, 2, 4, 27, 0, 0, 0])
    channels = np.repeat([0, 1, 2], [4, 4, 2])
    amplitude, factors = by_channel(spikes, channels)
    assert amplitude == 3  # the median of 2 and 4
    np.testing.assert_allclose(factors, [2 / 3, 4 / 3, 1])
    assert by_channel(np.array([2, 0, 2]), np.array([0, 1, 2])) == (2, None)


def sums_through(transform, amplitudes):
    """Sums of |weight| x amplitude, and of their squares, after a transform."""
    with nengo.Network():
        ends = (nengo.Node(size_in=n) for n in (transform.size_in, transform.size_out))
        connection = nengo.Connection(*ends, transform=transform)
    return [through(connection, np.power(amplitudes, power), power) for power in (1, 2)]


@pytest.mark.parametrize(
    "transform",
    [
        nengo.Dense((3, 4), np.arange(12).reshape(3, 4) - 5),
        nengo.Sparse((3, 4), indices=[(0, 1), (2, 3), (2, 0)], init=[-2, 3, 0.5]),
        nengo.Dense((4, 4), [1, -2, 3, 0]),
    ],
    ids=["dense", "sparse", "vector"],
)
def test_amplitude_after_a_transform_is_that_of_equal_spikes(transform):
    amplitudes = [0.1, 1, 2, 3]
    weights = transform.sample()
    weights = weights.toarray() if hasattr(weights, "toarray") else weights
    weights = np.diag(weights) if np.ndim(weights) < 2 else weights
    parts = np.abs(weights) * amplitudes
    expected = [parts.sum(axis=1), (parts**2).sum(axis=1)]
    np.testing.assert_allclose(sums_through(transform, amplitudes), expected)


def test_amplitude_after_convolutions():
    kernel = np.random.RandomState(0).uniform(-1, 1, (2, 2, 2, 3))
    transform = nengo.Convolution(3, (4, 5, 2), kernel_size=(2, 2), init=kernel)
    parts = np.abs(kernel) * [[0.5], [2]]
    expected = [np.tile((parts**power).sum((0, 1, 2)), 12) for power in (1, 2)]
    found = sums_through(transform, np.tile([0.5, 2], 20))
    np.testing.assert_allclose(found, expected)
    kernel = np.random.RandomState(0).uniform(-1, 1, (1, 1, 2, 4))
    transform = nengo.Convolution(
        4, (4, 2, 3), kernel_size=(1, 1), init=kernel, channels_last=False, groups=2
    )
    halves = np.abs(kernel[0, 0])
    expected = np.concatenate([[1, 2] @ halves[:, :2], [3, 4] @ halves[:, 2:]])
    found, _ = sums_through(transform, np.repeat([1, 2, 3, 4], 6))
    np.testing.assert_allclose(found, np.repeat(expected, 6))


def test_amplitude_of_spikes_that_meet_is_their_mean_by_weight():
    with nengo.Network() as net:
        node = nengo.Node(size_in=1)
        for amplitude in (0.1, 0.3):
            neuron_type = nengo.SpikingRectifiedLinear(amplitude=amplitude)
            neurons = nengo.Ensemble(1, 1, neuron_type=neuron_type).neurons
            nengo.Connection(neurons, node)
    assert SpikeAmplitude(net).at(node) == pytest.approx([(0.01 + 0.09) / 0.4])


def test_ripple_is_that_of_all_spikes_whatever_their_signs():
    amplitude = 0.5
    with nengo.Network() as net:
        ends = [nengo.Node(size_in=n) for n in (1, 3, 48)]
        neuron_type = nengo.SpikingRectifiedLinear(amplitude=amplitude)
        neurons = nengo.Ensemble(48, 1, neuron_type=neuron_type).neurons
        signs = np.resize([1, -1], 48)
        nengo.Connection(neurons[0], ends[0])
        nengo.Connection(neurons, ends[1], transform=[0.1 * signs, signs, 0 * signs])
        nengo.Connection(neurons[:2], ends[2][:2], transform=np.ones((2, 2)))
        # what one node sums is remembered behind the next
        through_it = nengo.Node(size_in=1)
        nengo.Connection(ends[1][:2], through_it, transform=[[2, 0]])
    spikes = SpikeAmplitude(net)
    assert spikes.ripple(ends[0]) == pytest.approx(amplitude)
    # three standard deviations on each side, of variances of 1/12
    many = amplitude * 6 * np.sqrt(48 / 12)
    assert spikes.ripple(ends[1]) == pytest.approx([0.1 * many, many, 0])
    assert spikes.ripple(ends[2])[:3] == pytest.approx([2 * amplitude] * 2 + [0])
    assert spikes.ripple(through_it) == pytest.approx(0.2 * many)
    assert spikes.at(through_it) == pytest.approx(0.2 * amplitude)


@pytest.mark.parametrize("circuit", ["winner-take-all", "pairwise-relu"])
def test_pool_behind_weights_of_both_signs(circuit):
    tf.keras.utils.set_random_seed(0)
    conv = layers.Conv2D(8, 3)
    pooling = layers.MaxPool2D(name="pool")
    model = functional(layers.ReLU(), conv, pooling, shape=(8, 8, 6))
    x = np.random.RandomState(0).uniform(-1, 1, (4, 8, 8, 6)).astype(np.float32)
    converter = Converter(model, max_pool=circuit, **OPTIONS)
    (pool,) = pools_in(converter)
    low, high = pool.input_range
    squares = np.sum(conv.get_weights()[0] ** 2, axis=(0, 1, 2))
    ripple = np.median(np.sqrt(3 * squares)) / 100
    # inputs of all channels are scaled to one amplitude before
    assert (high - low) / pool.input_rate == pytest.approx(ripple, rel=0.1)
    assert pool.max_rate > 3 * pool.input_rate
    # .6 with the thresholds and the memory of a single train
    assert compare_layers(converter, x, 200, 100).loc["pool", "error"] < 0.15


# --- circuits and synapses in spiking networks ----------------------------------------


@pytest.mark.parametrize("by_layer", [False, True])
def test_pools_in_a_row_have_one_synapse(by_layer):
    model = conv_model([layers.MaxPool2D, layers.MaxPool2D])
    scale = {model.layers[1]: 100} if by_layer else 100
    converter = Converter(model, **{**OPTIONS, "scale_firing_rates": scale})
    pools = pools_in(converter)
    assert [type(pool) for pool in pools] == [mpc.WinnerTakeAll] * 2
    assert [pool.max_rate for pool in pools] == pytest.approx([100, 100])
    # the second takes the spikes of the first as they are
    for pool, after in zip(pools, [None, FILTER]):
        assert synapses(converter, post_obj=pool.input) == [None]
        assert synapses(converter, pre_obj=pool.output) == [after]


UNTUNED_SOFTMAX = functools.partial(mpc.SoftmaxApproximation, decoders=None)
#: Of softmax, in seconds, for inputs of 100 Hz.
TAU = 1.9 * 0.01
LIF_UNITS = functools.partial(mpc.WinnerTakeAll, neuron_type=nengo.LIF(), decoders=None)


@pytest.mark.parametrize(
    "max_pool, synapse, expected",
    [
        ("winner-take-all", 0.005, None),
        ("pairwise-relu", 0.005, None),
        # what the user says holds, others need their filter, and one there must be
        (functools.partial(mpc.PairwiseReLU, input_synapse=0.003), 0.005, 0.003),
        (LIF_UNITS, 0.005, 0.0125),
        (
            UNTUNED_SOFTMAX,
            0.005,
            nengo.LinearFilter([0.6 * TAU, 1], [TAU**2, 2 * TAU, 1]),
        ),
        ("winner-take-all", None, nengo.Alpha(0.0043)),
    ],
)
def test_one_synapse_where_membranes_average(max_pool, synapse, expected):
    options = {**OPTIONS, "synapse": synapse}
    (pool,) = pools_in(Converter(conv_model(), max_pool=max_pool, **options))
    if isinstance(expected, float):
        expected = nengo.Lowpass(expected)
    assert pool.input_synapse == expected


def test_linear_nodes_filter_spikes_for_all_but_pools():
    inputs = tf.keras.Input((6, 6, 2))
    active = layers.ReLU()(inputs)
    norm = batch_norm([2, 2])(active)
    pool = layers.MaxPool2D()(norm)
    outputs = [pool, layers.Conv2D(3, 3)(norm), norm]
    converter = Converter(tf.keras.Model(inputs, outputs), **OPTIONS)
    raw = converter.layers[norm]
    assert synapses(converter, pre_obj=converter.layers[active]) == [None]
    by_post = {c.post_obj: c.synapse for c in connections(converter, pre_obj=raw)}
    (circuit,) = pools_in(converter)
    assert by_post.pop(circuit.input) is None
    assert synapses(converter, pre_obj=circuit.output) == [FILTER]
    # the convolution, and the output of the model
    assert list(by_post.values()) == [FILTER, FILTER]
    assert converter.outputs[norm].obj is not raw


@pytest.mark.parametrize("norm", [False, True])
def test_circuit_without_neurons_gets_filtered_spikes(norm):
    norms = [batch_norm([2, 2])] if norm else []
    model = functional(layers.ReLU(), *norms, layers.MaxPool2D())
    converter = Converter(model, max_pool="exact", **OPTIONS)
    (circuit,) = pools_in(converter)
    relu = converter.layers[model.layers[1]]
    (before,) = synapses(converter, post_obj=circuit.input)
    assert synapses(converter, pre_obj=relu) == [FILTER]
    assert before == (None if norm else FILTER)
    assert synapses(converter, pre_obj=circuit.output) == [None]


@pytest.mark.parametrize("spiking", [False, True])
def test_pool_in_an_inner_model(spiking):
    inner = functional(batch_norm([3, 3]), layers.MaxPool2D())
    model = functional(layers.ReLU(), inner)
    converter = Converter(model, **(OPTIONS if spiking else {}))
    (circuit,) = pools_in(converter)
    assert type(circuit) is (mpc.WinnerTakeAll if spiking else mpc.ExactMax)
    relu = converter.layers[model.layers[1]]
    assert synapses(converter, pre_obj=relu) == [None]
    assert synapses(converter, post_obj=circuit.input) == [None]
    if spiking:
        low, high = circuit.input_range
        assert (high - low) / circuit.max_rate == pytest.approx(0.03)


@pytest.mark.parametrize(
    "neuron_type", [SPIKING, mpc.IntegrateAndFire()], ids=["ReLU", "IntegrateAndFire"]
)
def test_spiking_network_computes_what_keras_does(neuron_type):
    pools = [functools.partial(layers.MaxPool2D, 3, 2, "same"), layers.GlobalMaxPool2D]
    model = conv_model(pools)
    x = noise(8, 8, 1)
    (expected,) = keras(model, x[np.newaxis])[0]
    options = {"swap_activations": {tf.nn.relu: neuron_type}, "scale_firing_rates": 400}
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "swap_activations")
        converter = Converter(model, **{**OPTIONS, **options})
    (y,) = simulate(converter, x, steps=200)
    first = converter.net.ensembles + converter.net.networks[0].ensembles
    assert isinstance(first[0].neuron_type, type(neuron_type))
    np.testing.assert_allclose(y[100:].mean(axis=0), expected, atol=0.03)


@pytest.mark.parametrize("slopes", [[6, 6], [0, 2], [2, 40], [-3, 12]], ids=str)
@pytest.mark.parametrize("circuit", ["winner-take-all", "pairwise-relu"])
def test_network_with_batch_norm_computes_what_keras_does(slopes, circuit):
    model = functional(layers.ReLU(), batch_norm(slopes), layers.MaxPool2D())
    x = images(1)
    expected = np.ravel(keras(model, x))
    (y,) = simulate(Converter(model, max_pool=circuit, **OPTIONS), x, steps=600)
    error = np.abs(y[100:].mean(axis=0) - expected).reshape(9, 2).max(axis=0)
    assert (error <= np.maximum(0.05 * np.abs(slopes), 0.02)).all()


def test_membranes_of_layers_start_near_threshold():
    def starts(neuron_type):
        model = functional(layers.ReLU(), layers.MaxPool2D())
        swaps = {"relu": neuron_type}
        options = {**OPTIONS, "swap_activations": swaps}
        converter = Converter(model, max_pool="winner-take-all", **options)
        (pool,) = pools_in(converter)
        assert pool.units.neuron_type.initial_state is None
        return converter.layers[model.layers[1]].ensemble.neuron_type.initial_state

    near = {"voltage": nengo.dists.Choice([0.6])}
    regular = nengo.RegularSpiking(nengo.RectifiedLinear())
    for neuron_type in (mpc.IntegrateAndFire(), SPIKING, regular):
        assert starts(neuron_type) == near
        assert neuron_type.initial_state is None
    assert starts(nengo.LIF()) is None
    own = {"voltage": nengo.dists.Choice([0.25])}
    assert starts(mpc.IntegrateAndFire(initial_state=own)) == own


@pytest.mark.parametrize(
    "neuron_type", [SPIKING, mpc.IntegrateAndFire()], ids=["ReLU", "IntegrateAndFire"]
)
def test_same_spikes_in_nengo_and_in_nengo_dl(neuron_type):
    # all numbers are exact in single precision, so that not one spike may differ
    image = tf.keras.Input((6, 6, 2))
    conv = layers.Conv2D(3, 3, activation="relu")
    norm = batch_norm([2, 0.5, -4], offset=0.25)(conv(image))
    pools = layers.MaxPool2D(), layers.MaxPool2D(strides=1)
    dense = layers.Dense(5, activation="relu")(layers.Flatten()(pools[0](norm)))
    model = tf.keras.Model(image, [dense, pools[1](norm)])
    rounded = [np.round(16 * each) / 16 for each in model.get_weights()[:2]]
    conv.set_weights(rounded)
    circuits = [
        functools.partial(circuit, decoders=None)
        for circuit in (mpc.WinnerTakeAll, mpc.PairwiseReLU)
    ]
    converter = Converter(
        model,
        max_pool=dict(zip(pools, circuits)),
        swap_activations={"relu": neuron_type},
        scale_firing_rates=512,
    )
    converter.net.seed = 1
    ensembles = [e for pool in pools_in(converter) for e in pool.all_ensembles]
    with converter.net:
        probes = [nengo.Probe(converter.layers[conv])]
        probes += [nengo.Probe(each.neurons) for each in ensembles]
    (node,) = converter.inputs.values()
    node.output = np.round(16 * np.ravel(images(1))) / 16
    spikes = []
    for simulator in (nengo.Simulator, nengo_dl.Simulator):
        with simulator(converter.net, dt=2.0**-10, progress_bar=False) as sim:
            sim.run_steps(100)
            spikes.append([np.squeeze(np.array(sim.data[probe])) for probe in probes])
    for expected, found in zip(*spikes):
        assert np.ptp(expected) > 0
        np.testing.assert_allclose(found, expected, rtol=1e-6)


# --- activations ----------------------------------------------------------------------

RELUS = {
    "text": "relu",
    "tf.nn": tf.nn.relu,
    "keras": tf.keras.activations.relu,
    "nengo": nengo.RectifiedLinear(),
    "layer": layers.ReLU(),
    "layer class": layers.ReLU,
}


@pytest.mark.parametrize("key", RELUS.values(), ids=RELUS)
def test_all_spellings_of_an_activation_are_the_same(key):
    for active in (layers.ReLU(), *map(layers.Activation, ("relu", tf.nn.relu))):
        model = functional(active, layers.MaxPool2D())
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "swap_activations|.*exact")
            options = {**OPTIONS, "swap_activations": {key: SPIKING}}
            (pool,) = pools_in(Converter(model, **options))
        assert isinstance(pool, mpc.WinnerTakeAll)


@pytest.mark.parametrize(
    "swaps, message",
    [
        ({"rellu": SPIKING}, "'rellu' is not an activation"),
        ({"relu": SPIKING, tf.nn.relu: SPIKING}, "the same activation"),
    ],
    ids=["unknown", "given twice"],
)
def test_wrong_keys_of_swapped_activations_are_refused(swaps, message):
    model = functional(layers.ReLU(), layers.MaxPool2D())
    with pytest.raises(ValidationError, match=message):
        Converter(model, swap_activations=swaps)


def test_keys_that_no_layer_has_are_warned_of_with_those_that_would_do():
    model = functional(layers.ReLU(), layers.Activation("elu"), layers.MaxPool2D())
    with pytest.warns(UserWarning) as caught:
        Converter(model, swap_activations={"relu": SPIKING, "tanh": SPIKING})
    messages = [str(each.message) for each in caught]
    assert any("contained {'tanh'}, but there were no layers" in m for m in messages)
    assert "the activations that layers of the model have are elu, relu" in messages


@pytest.mark.parametrize(
    "key, slopes",
    [
        (nengo_dl.LeakyReLU(negative_slope=0.1), [0.1]),
        (layers.LeakyReLU(0.1), [0.1]),
        (layers.LeakyReLU, [0.1, 0.3]),
        ("leaky_relu", [0.1, 0.3]),
        ("LeakyReLU", [0.1, 0.3]),
        (tf.nn.leaky_relu, [0.1, 0.3]),
    ],
)
def test_spellings_of_leaky_relus(key, slopes):
    steps = [layers.LeakyReLU(0.1), layers.LeakyReLU(0.3)]
    swaps = {key: nengo_dl.SpikingLeakyReLU(negative_slope=0.1)}
    model = functional(*steps, layers.MaxPool2D())
    converter = Converter(model, swap_activations=swaps, scale_firing_rates=100)
    spiking = [
        float(layer.alpha)
        for layer in steps
        if converter.layers[layer].ensemble.neuron_type.spiking
    ]
    assert spiking == pytest.approx(slopes)


def test_swaps_follow_each_other():
    model = functional(layers.Activation("elu"), layers.MaxPool2D())
    swaps = {"elu": tf.nn.relu, "relu": SPIKING}
    converter = Converter(model, swap_activations=swaps, scale_firing_rates=100)
    assert converter.layers[model.layers[1]].ensemble.neuron_type.spiking


def test_exact_pools_that_were_not_meant_are_warned_of():
    model = functional(layers.MaxPool2D(name="first"), layers.ReLU())
    with pytest.warns(UserWarning, match="'first' is exact.*none of its inputs"):
        Converter(model, **OPTIONS)
    model = functional(layers.ReLU(), layers.MaxPool2D(name="raw"))
    with pytest.warns(UserWarning, match="'raw' has no neurons.*raw spikes"):
        Converter(model, max_pool="exact", **{**OPTIONS, "synapse": None})


# --- calibration ----------------------------------------------------------------------


def test_firing_rates_keep_the_error_of_counting_below_a_share_of_the_spread():
    relu = layers.ReLU()
    model = functional(relu, shape=(3000,))
    # heavy tails: the top of a neuron is many times the spread
    values = np.random.RandomState(0).standard_t(3, (1, 3000)).astype(np.float32)
    active = np.maximum(values, 0)
    for error in (0.05, 0.2):
        scale = firing_rates(model, values, error=error)[relu]
        expected = np.sqrt(np.mean(values > 0) / 6) / (error * active.std() * 0.05)
        assert scale == pytest.approx(expected)
        # trains at equal distances, from anywhere between two spikes
        start = np.random.RandomState(1).uniform(size=active.shape)
        counts = np.floor(active * scale * 0.05 + start)
        off = (counts / (scale * 0.05) - active).std() / active.std()
        found = counting_error(active, 1 / scale) / active.std()
        assert found == pytest.approx(off, rel=0.1)
        assert 0.6 * error < off < 1.02 * error


def test_firing_rates_put_the_top_of_each_layer_at_the_rate():
    first, second = layers.ReLU(), layers.Conv2D(3, 2, activation="relu")
    model = functional(first, layers.Dropout(0.5), second)
    data = images(50, top=400)
    scales = firing_rates(model, data, rate=200, quantile=1)
    assert set(scales) == {first, second}
    assert scales[first] * data.max() == pytest.approx(200)
    assert scales[second] * keras(model, data)[0].max() == pytest.approx(200)
    lower = firing_rates(model, data, rate=200, quantile=0.5)[first]
    assert lower * np.median(data) == pytest.approx(200, rel=1e-3)


def test_firing_rates_reach_into_inner_models_and_sequential_ones():
    inner_relu = layers.ReLU()
    inner = functional(inner_relu, layers.MaxPool2D())
    model = tf.keras.Sequential([tf.keras.Input((6, 6, 2)), layers.ReLU(), inner])
    scales = firing_rates(model, images(top=300), quantile=1)
    assert set(scales) == {model.layers[0], inner_relu}


@pytest.mark.parametrize(
    "data, options, message",
    [
        (np.zeros((0, 6, 6, 2)), {}, "data: must be inputs of the model"),
        (np.ones((2, 5, 6, 2)), {}, "data: must be inputs of the model"),
        (-images(), {}, "silent.*above zero"),
        (images(), {"rate": 0}, "rate"),
        (images(), {"error": -0.1}, "error"),
        (images(), {"quantile": 1.5}, "quantile"),
    ],
    ids=["none", "other shape", "silent", "rate", "error", "quantile"],
)
def test_wrong_arguments_of_firing_rates_are_refused(data, options, message):
    model = functional(layers.ReLU(name="silent"))
    with pytest.raises(ValidationError, match=message):
        firing_rates(model, data, **options)


def test_calibration_fits_rates_and_ranges():
    model = functional(layers.ReLU(), batch_norm([3, 3]), layers.MaxPool2D())
    data = images(50, top=500)
    by_error = firing_rates(model, data)[model.layers[1]]
    for scale, max_rate in [(None, 500 * by_error), (2, 1000)]:
        options = {**OPTIONS, "scale_firing_rates": scale}
        (pool,) = pools_in(Converter(model, calibration=data, **options))
        assert pool.max_rate == pytest.approx(max_rate, rel=0.01)
        assert pool.input_range == pytest.approx((0.3, 1500.3), abs=5)


def test_bounded_activations_are_not_scaled():
    head = layers.Dense(2, activation="sigmoid")
    model = functional(layers.ReLU(), layers.MaxPool2D(), layers.Flatten(), head)
    converter = Converter(model, **OPTIONS)
    assert converter.layers[head].ensemble.neuron_type == nengo.Sigmoid(tau_ref=1)
    active = converter.layers[model.layers[1]].ensemble
    assert active.neuron_type.amplitude == pytest.approx(1 / 100)


@pytest.mark.parametrize("circuit", ["pairwise-relu", "winner-take-all"])
def test_without_data_no_synapse_is_absurd_and_a_warning_says_what_to_do(circuit):
    model = functional(layers.ReLU(), layers.MaxPool2D())
    options = {**OPTIONS, "scale_firing_rates": 0.5}
    with pytest.warns(UserWarning, match="scale_firing_rates.*calibration=inputs"):
        converter = Converter(model, max_pool=circuit, **options)
    (pool,) = pools_in(converter)
    assert pool.max_rate == LOWEST_RATE
    assert np.ptp(pool.input_range) / pool.max_rate == pytest.approx(2)
    taus = [getattr(each.synapse, "tau", 0) for each in pool.all_connections]
    assert max(taus) <= 0.015


# --- layers around pools --------------------------------------------------------------

AROUND = {
    "depthwise": [layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")],
    "separable": [layers.SeparableConv2D(3, 2, depth_multiplier=2, activation="relu")],
    "dilated": [layers.Conv2D(3, 2, dilation_rate=2, bias_initializer="ones")],
    "transposed": [layers.Conv2DTranspose(3, 3, strides=2, padding="same")],
    "PReLU": [layers.PReLU(alpha_initializer="random_normal")],
    "bounded ReLU": [layers.ReLU(max_value=0.2, negative_slope=0.1)],
    "identities": [
        layers.Dropout(0.5),
        layers.SpatialDropout2D(0.5),
        layers.GaussianNoise(1.0),
        layers.GaussianDropout(0.5),
        layers.RandomFlip(),
        layers.RandomZoom(0.1),
        layers.MaxPool2D(),
    ],
    "moves": [
        layers.Permute((3, 1, 2)),
        layers.Reshape((4, 9, 2)),
        layers.Cropping2D(1),
        layers.UpSampling2D(2),
        layers.CenterCrop(3, 10),
        layers.ReLU(),
        layers.ZeroPadding2D(1),
        layers.MaxPool2D(3),
        layers.Flatten(data_format="channels_first"),
        layers.Dense(2),
    ],
    "elementwise": [
        layers.BatchNormalization(),
        layers.Rescaling(0.5, offset=-0.1),
        layers.Normalization(mean=[0.1, 0.2], variance=[0.5, 2.0]),
        layers.MaxPool2D(),
        layers.ReLU(),
    ],
    "regularised": [layers.Conv2D(2, 3, kernel_regularizer="l2"), layers.MaxPool2D()],
}


def test_sequential_models():
    def sequence(*steps):
        return tf.keras.Sequential([*steps])

    inner = sequence(layers.Conv2D(3, 3, activation="relu"), layers.MaxPool2D())
    model = sequence(tf.keras.Input((6, 6, 2)), layers.Rescaling(0.5), inner)
    check_rate_network(model, images(4))
    # its own tensors find the outputs, and it may be converted again
    assert model.output in map(lambda ref: ref[0].deref(), Converter(model).outputs)


@pytest.mark.parametrize("steps", AROUND.values(), ids=AROUND)
def test_layers_around_pools(steps):
    model = functional(*[type(s).from_config(s.get_config()) for s in steps])
    check_rate_network(model, images(4) - 0.5)


def test_networks_that_differ_in_training_are_converted_for_inference():
    for steps, inference in [([layers.Dropout(0.5)], True), ([], False)]:
        model = functional(*steps, layers.ReLU())
        converter = Converter(model, allow_fallback=False)
        assert converter.inference_only == inference
    inner = functional(layers.BatchNormalization())
    assert Converter(functional(inner)).inference_only
    model = functional(layers.Dropout(0.5))
    with pytest.raises(TypeError, match="only in inference"):
        Converter(model, allow_fallback=False, inference_only=False)


def test_layer_that_is_left_to_tensorflow_gets_filtered_spikes():
    model = functional(layers.ReLU(), layers.UnitNormalization(), layers.MaxPool2D())
    with pytest.warns(UserWarning, match="TensorNode"):
        converter = Converter(model, **{**OPTIONS, "allow_fallback": True})
    relu = converter.layers[model.layers[1]]
    assert synapses(converter, pre_obj=relu) == [FILTER]


class Subclassed(tf.keras.Model):
    """A model whose layers NengoDL cannot find."""

    def call(self, values):
        """Leave values as they are."""
        return values


def merged(merge):
    """Make a model of two convolutions and what becomes of both."""
    inputs = tf.keras.Input((6, 6, 2))
    options = {"activation": "relu", "bias_initializer": "ones"}
    both = [layers.Conv2D(3, 3, **options)(inputs) for _ in range(2)]
    return tf.keras.Model(inputs, merge(both))


FLAT = functional(layers.Dense(2, "swish", name="a"), shape=(3,))
MAPS = functional(layers.Dense(4, name="a"))
REFUSED = {
    "lambda": (functional(layers.Lambda(abs, name="a")), "to tensors"),
    "multiply": (merged(layers.Multiply(name="a")), "neither a maximum"),
    "jump": (functional(layers.ReLU(threshold=0.5, name="a")), "threshold"),
    "softmax layer": (functional(layers.Softmax(name="a")), "leave it out"),
    "swish": (FLAT, "'swish'"),
    "dense on maps": (MAPS, "of size 1 with 4 filters"),
    "subclassed": (Subclassed(name="a"), r"tf.keras.Model\(inputs, outputs\)"),
}


@pytest.mark.parametrize("model, remedy", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_converted_is_named_with_a_remedy(model, remedy):
    # before any data is used: nothing is active in these
    tensors = model.inputs or ()
    inputs = [np.zeros((1, *(n or 1 for n in x.shape[1:]))) for x in tensors]
    with pytest.raises(TypeError, match=f"'a'.*{remedy}"):
        Converter(model, allow_fallback=False, calibration=inputs)


MAXIMA = {
    "maximum": layers.Maximum(),
    "minimum": layers.Minimum(),
    "tf.maximum": lambda both: tf.maximum(*both),
    "reduce_max": lambda both: tf.reduce_max(both[0], axis=[1, 2]),
    "reduce_min": lambda both: tf.reduce_min(both[0], axis=-1, keepdims=True),
    "max_pool": lambda both: tf.nn.max_pool2d(both[0], 2, 2, "VALID"),
    "same": lambda both: tf.nn.max_pool(both[0], [1, 3, 3, 1], [1, 2, 2, 1], "SAME"),
    "maxout": lambda both: tf.reduce_max(tf.reshape(both[0], (-1, 4, 4, 3, 1)), 3),
}


@pytest.mark.parametrize("merge", MAXIMA.values(), ids=MAXIMA)
def test_other_maxima_become_circuits(merge):
    model, x = merged(merge), images(4)
    check_rate_network(model, x)
    swaps = {"relu": mpc.IntegrateAndFire()}
    converter = Converter(model, swap_activations=swaps, calibration=x, synapse=0.005)
    (pool,) = pools_in(converter)
    assert isinstance(pool, mpc.WinnerTakeAll)
    (y,) = simulate(converter, x[0], steps=150)
    expected = keras(model, x)[0]
    error = y[50:].mean(axis=0) - np.ravel(expected[0])
    assert np.sqrt(np.mean(error**2)) < 0.35 * expected.std()


FUNCTIONS = {
    "subtract": layers.Subtract(),
    "sums": lambda both: 0.5 * both[0] + both[1] / 3.0 - 1.0,
    "moves": lambda both: tf.transpose(both[0][..., ::2], (0, 2, 1, 3)),
    "relu": lambda both: tf.nn.relu(both[0] - both[1]),
    "leaky": lambda both: tf.nn.leaky_relu(both[0] - both[1], 0.1),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_functions_of_tensors(function):
    check_rate_network(merged(function), images(4))


def test_regularizers_that_are_left_out_are_warned_of():
    model = functional(layers.Conv2D(2, 3, kernel_regularizer="l2", name="conv"))
    with pytest.warns(UserWarning, match="regularizers.*'conv'.*inference_only=True"):
        Converter(model)


MISFITS = {
    "LIF": ("relu", nengo.LIF(), r"'relu'.*other rates.*IntegrateAndFire"),
    "random": ("relu", nengo.PoissonSpiking(nengo.RectifiedLinear()), "at random"),
    "tanh": ("tanh", mpc.IntegrateAndFire(), r"'tanh' for nengo.RegularSp"),
    "elu": ("elu", mpc.IntegrateAndFire(), "train with 'relu'"),
}


@pytest.mark.parametrize("key, neuron_type, message", MISFITS.values(), ids=MISFITS)
def test_neurons_that_are_no_stand_in_are_warned_of(key, neuron_type, message):
    model = functional(layers.Conv2D(2, 3, activation=key), layers.MaxPool2D())
    with pytest.warns(UserWarning, match=f"no stand-in.*{message}"):
        Converter(model, swap_activations={key: neuron_type}, scale_firing_rates=100)


@pytest.mark.filterwarnings("error:.*no stand-in")
def test_stand_ins_of_the_warnings_are_not_warned_of():
    tanh = nengo.RegularSpiking(nengo.Tanh(tau_ref=1 / 250), amplitude=1 / 250)
    leaky = nengo_dl.SpikingLeakyReLU(negative_slope=0.1)
    swaps = {"tanh": tanh, "leaky_relu": leaky, "relu": SPIKING}
    steps = layers.Activation("tanh"), layers.LeakyReLU(0.1), layers.ReLU()
    x = images(4)
    converter = Converter(functional(*steps), swap_activations=swaps, calibration=x)
    (first, *_) = converter.net.ensembles
    assert first.neuron_type.amplitude == 1 / 250


def test_softmax_at_the_end_is_left_out_by_the_line_of_the_message():
    model = functional(layers.MaxPool2D(), layers.Flatten(), layers.Dense(3, "softmax"))
    x = images(2)
    (expected,) = keras(model, x)
    with pytest.raises(TypeError, match="softmax") as caught:
        Converter(model, allow_fallback=False)
    exec(str(caught.value).split("by ")[1].split(":")[0])
    (y,) = simulate(Converter(model, allow_fallback=False), x[0])
    np.testing.assert_allclose(tf.nn.softmax(y[0]), expected[0], atol=1e-5)


def test_verify_has_a_tolerance_for_single_precision_and_refuses_spikes():
    model = functional(layers.Conv2D(50, 3, activation="relu"), layers.MaxPool2D())
    model.set_weights([1e3 * each for each in model.get_weights()])
    assert Converter(model, allow_fallback=False).verify(inputs=[images(4)])
    with pytest.raises(ValidationError, match="Only networks of rate neurons"):
        Converter(model, **OPTIONS).verify()


# --- the recipe -----------------------------------------------------------------------


def test_outputs_have_the_shapes_of_keras_and_its_values():
    inputs = tf.keras.Input((6, 6, 2))
    active = layers.ReLU()(inputs)
    ends = layers.MaxPool2D(name="a")(active), layers.GlobalMaxPool2D(name="b")(active)
    model = tf.keras.Model(inputs, ends)
    # more than a minibatch, from dark to bright
    x = images(130) * np.linspace(0.2, 1, 130).reshape(-1, 1, 1, 1)
    swaps = {"relu": mpc.IntegrateAndFire()}
    converter = Converter(model, swap_activations=swaps, calibration=x, synapse=0.005)
    expected = keras(model, x)
    over_time = converter.predict(x, n_steps=60, over_time=True)
    table = compare_outputs(converter, x, n_steps=60)
    assert list(table.index) == ["a", "b"]
    for y, steps, row in zip(expected, over_time, table.itertuples(index=False)):
        assert steps.shape == (130, 60, *y.shape[1:])
        error = np.sqrt(np.mean((steps[:, -1] - y) ** 2)) / y.std()
        assert row.distance == pytest.approx(error, rel=0.2)
        assert row.distance < 0.25
        assert 5 < row.settled < 60
        assert 0.4 < row.agreement < 1


def test_filter_of_outputs_is_a_mean_from_the_first_step_on():
    converter = Converter(functional(layers.ReLU()))
    x = images(2)
    outputs = converter.predict(x, n_steps=3, over_time=True)
    np.testing.assert_allclose(outputs, np.stack(3 * [x], axis=1), rtol=1e-5)
    np.testing.assert_allclose(converter.predict(x, n_steps=3), x, rtol=1e-5)


def test_models_over_time_are_not_shown_one_input():
    model = functional(layers.TimeDistributed(layers.MaxPool1D()))
    converter = Converter(model, temporal_model=True)
    with pytest.raises(ValidationError, match="time steps.*Simulator"):
        converter.predict(images(2))


# --- layer by layer -------------------------------------------------------------------


def test_layers_are_compared_with_keras():
    model = functional(
        layers.Conv2D(3, 3, activation="relu", name="conv"),
        layers.BatchNormalization(name="norm"),
        layers.MaxPool2D(name="pool"),
        functional(layers.ReLU(name="inner"), shape=(2, 2, 3)),
        layers.Flatten(),
        layers.Dense(2, name="dense"),
    )
    x = images(4)
    (conv,) = keras(tf.keras.Model(model.input, model.layers[1].output), x)
    converter = Converter(model, **{**OPTIONS, "scale_firing_rates": 500})
    n_probes = len(converter.net.probes)
    table = compare_layers(converter, x)
    assert len(converter.net.probes) == n_probes
    assert table.index.name == "layer"
    assert list(table.index) == ["conv", "norm", "pool", "inner", "dense"]
    columns = ["error", "counting", "largest", "rate", "spikes"]
    assert list(table.columns) == columns
    assert (table["error"] < 0.1).all()
    assert list(table["rate"].notna()) == [True, False, False, True, False]
    assert table.loc["conv", "largest"] == pytest.approx(conv.max())
    assert table.loc["conv", "rate"] == pytest.approx(500 * conv.max(), rel=0.1)
    spikes = 500 * conv.sum() / len(x)
    assert table.loc["conv", "spikes"] == pytest.approx(spikes, rel=0.05)
    # nothing but counting is in the way of the first layer
    error, counting = table.loc["conv", ["error", "counting"]]
    assert error == pytest.approx(counting, rel=0.2)
    # a layer that is wrong stands out, by so many spreads
    norm = converter.layers[model.layers[2]]
    spread = model.layers[2](conv).numpy().std()
    with converter.net:
        shift = nengo.Node([2 * spread])
        nengo.Connection(shift, norm, transform=np.ones((norm.size_in, 1)))
    errors = compare_layers(converter, x)["error"]
    assert errors["conv"] < 0.1
    assert errors["norm"] == pytest.approx(2, rel=0.05)


def test_average_longer_than_the_run_is_refused():
    converter = Converter(functional(layers.ReLU()))
    with pytest.raises(ValidationError, match="average: .*from 1 to 10, got 20"):
        compare_layers(converter, images(2), n_steps=10, average=20)


# --- builders -------------------------------------------------------------------------


@pytest.mark.filterwarnings("error:.*native TensorFlow implementation")
def test_integrate_and_fire_step_by_step():
    # all numbers are exact in single precision, so that not one spike may differ
    steps, dt = 100, 2.0**-10
    currents = np.random.RandomState(0).randint(-3000, 3000, size=(3, steps, 4))
    currents = currents.astype(float)

    with nengo.Network(seed=0) as model:
        node = nengo.Node(np.zeros(4))
        probes = []
        for floor, amplitude in [(-1, 1), (0, 0.5), (-0.25, 1), (-8, 2), (-np.inf, 1)]:
            neurons = nengo.Ensemble(
                4,
                1,
                gain=np.ones(4),
                bias=np.zeros(4),
                neuron_type=mpc.IntegrateAndFire(
                    min_voltage=floor,
                    amplitude=amplitude,
                    initial_state={"voltage": nengo.dists.Choice([0.25])},
                ),
            ).neurons
            nengo.Connection(node, neurons, synapse=None)
            probes += [nengo.Probe(neurons), nengo.Probe(neurons, "voltage")]

    with nengo_dl.Simulator(
        model, dt=dt, minibatch_size=len(currents), progress_bar=False
    ) as sim:
        sim.run_steps(steps, data={node: currents})
    for i, present in enumerate(currents):
        node.output = nengo.processes.PresentInput(present, dt)
        with nengo.Simulator(model, dt=dt, progress_bar=False) as reference:
            reference.run_steps(steps)
        for probe in probes:
            assert np.ptp(reference.data[probe]) > 0
            np.testing.assert_array_equal(sim.data[probe][i], reference.data[probe])


def train(network, x, y, epochs):
    """Train a network that has one node and one probe; return losses and weights."""
    node, probe = network.all_nodes[0], network.all_probes[0]
    with nengo_dl.Simulator(network, minibatch_size=len(x), progress_bar=False) as sim:
        sim.compile(tf.optimizers.SGD(0.05), loss={probe: "mse"})
        history = sim.fit({node: x}, {probe: y}, epochs=epochs, verbose=0)
        trained = sim.data[network.all_connections[0]].weights
    return history.history["loss"], trained


def test_integrate_and_fire_trains_as_its_rate_version(eagerly):
    x, y = noise(4, 1, 3), noise(4, 1, 5) + 1
    results = []
    for neuron_type in (
        mpc.IntegrateAndFire(amplitude=0.5),
        nengo.RectifiedLinear(amplitude=0.5),
    ):
        with nengo.Network(seed=0) as model:
            inputs = nengo.Node(np.zeros(3))
            neurons = nengo.Ensemble(
                5, 1, gain=np.ones(5), bias=np.ones(5), neuron_type=neuron_type
            ).neurons
            nengo.Connection(inputs, neurons, transform=noise(5, 3), synapse=None)
            nengo.Probe(neurons)
        results.append(train(model, x, y, epochs=5))
    (losses, trained), (rate_losses, rate_trained) = results
    assert losses[-1] < losses[0]
    assert np.abs(trained - noise(5, 3)).max() > 0.01
    np.testing.assert_allclose(losses, rate_losses, rtol=1e-5)
    np.testing.assert_allclose(trained, rate_trained, rtol=1e-5)


def test_maxima_add_up_in_a_minibatch():
    windows = mpc.PoolWindows((4, 4, 2))
    x = noise(3, 5, windows.n_inputs)
    with nengo.Network() as model:
        inputs = nengo.Node(np.zeros(windows.n_inputs))
        twice = nengo.Node(size_in=windows.n_pools)
        for _ in range(2):
            transform = mpc.MaxPool(windows)
            nengo.Connection(inputs, twice, transform=transform, synapse=None)
        probe = nengo.Probe(twice)
    with nengo_dl.Simulator(model, minibatch_size=3, progress_bar=False) as sim:
        sim.run_steps(5, data={inputs: x})
    np.testing.assert_array_equal(sim.data[probe], 2 * windows.max(x))


CIRCUITS = "exact", "winner-take-all", "pairwise-relu"


def test_training_through_pools():
    windows = mpc.PoolWindows.from_indices([[0, 1, 2], [3, 4], [5]], n_inputs=6)
    weights = noise(6, 4)
    with nengo.Network(seed=0) as model:
        nengo_dl.configure_settings(trainable=None)
        inputs = nengo.Node(np.zeros(4))
        trained, probes = [], []
        for circuit in CIRCUITS:
            pool = mpc.make(circuit, windows, input_range=(-2, 2), input_synapse=None)
            with pool:
                nengo_dl.configure_settings(trainable=False)
            options = {"transform": weights, "synapse": None}
            trained.append(nengo.Connection(inputs, pool.input, **options))
            probes.append(nengo.Probe(pool.output))
    x = noise(8, 1, 4)
    y = dict.fromkeys(probes, windows.max(x @ noise(4, 6) + 0.3))
    with nengo_dl.Simulator(model, minibatch_size=8, progress_bar=False) as sim:
        sim.compile(tf.optimizers.SGD(0.05), loss=dict.fromkeys(probes, "mse"))
        _, *losses = sim.fit({inputs: x}, y, epochs=30, verbose=0).history.values()
        after = [sim.data[connection].weights for connection in trained]
    assert len(losses) == len(CIRCUITS)
    for name, loss, changed in zip(CIRCUITS, losses, after):
        assert loss[-1] < 0.8 * loss[0], name
        assert (np.abs(changed - weights) > 1e-4).any(axis=1).all(), name


def test_pools_are_exact_in_training_from_the_first_step_on(eagerly):
    # a global pool has stages of its own
    image = tf.keras.Input((6, 6, 2))
    pools = [layers.GlobalMaxPool2D() for _ in range(2)]
    ends = [pool(layers.Conv2D(2, 3, activation="relu")(image)) for pool in pools]
    model = tf.keras.Model(image, ends)
    circuits = "winner-take-all", functools.partial(mpc.EnsembleMax, n_neurons=10)
    max_pool = dict(zip(pools, circuits))
    converter = Converter(model, max_pool=max_pool, **{**OPTIONS, "synapse": None})
    x, y = images(4), [noise(4, 2), 1 + noise(4, 2)]
    model.compile(tf.optimizers.SGD(0.05), "mse")
    expected = model.fit(x, y, epochs=3, verbose=0).history
    (node,), probes = converter.inputs.values(), converter.outputs.values()
    with nengo_dl.Simulator(converter.net, minibatch_size=4, progress_bar=False) as sim:
        sim.compile(tf.optimizers.SGD(0.05), loss="mse")
        asked = {probe: each[:, np.newaxis] for probe, each in zip(probes, y)}
        found = sim.fit({node: x.reshape(4, 1, -1)}, asked, epochs=3, verbose=0).history
    for losses, keras_losses in zip(found.values(), expected.values()):
        np.testing.assert_allclose(losses, keras_losses, rtol=1e-4)


def test_frozen_networks_have_the_same_outputs_in_nengo():
    image = tf.keras.Input((6, 6, 2))
    active = layers.Conv2D(3, 3, activation="relu")(image)
    pools = [layers.MaxPool2D() for _ in CIRCUITS]
    model = tf.keras.Model(image, [layers.Conv2D(2, 1)(pool(active)) for pool in pools])
    converter = Converter(model, max_pool=dict(zip(pools, CIRCUITS)), **OPTIONS)
    (node,) = converter.inputs.values()
    node.output = np.ravel(images(1))
    converter.net.seed = 0
    with nengo_dl.Simulator(converter.net, progress_bar=False) as sim:
        sim.run_steps(50)
        sim.freeze_params(converter.net)
        expected = [sim.data[probe] for probe in converter.outputs.values()]
    frozen = simulate(converter, images(1), steps=50)
    for y, of_circuit in zip(frozen, expected):
        np.testing.assert_allclose(y, of_circuit.reshape(50, -1), atol=1e-5)


# --- models of Keras 3 ----------------------------------------------------------------

WRITE = """
import keras, numpy as np, sys
from keras import layers
inputs = x = keras.Input((6, 6, 2), name="in")
x = layers.Conv2D(3, 3, activation="relu", padding="same", name="conv")(x)
x = layers.Add(name="add")([x, layers.Conv2D(3, 1, name="skip")(inputs)])
x = layers.LeakyReLU(negative_slope=0.2, name="leaky")(x)
x = layers.BatchNormalization(name="norm")(x)
inner = keras.Sequential(
    [layers.MaxPooling2D(), layers.Flatten(), layers.Dense(2, "softmax")], name="inner"
)
model = keras.Model(inputs, inner(x))
model.layers[5].set_weights([np.arange(1, 4)] * 4)
model.save(sys.argv[1] + "/model.keras")
x = np.random.RandomState(0).uniform(-1, 1, (4, 6, 6, 2))
np.savez(sys.argv[1] + "/values.npz", x=x, y=model.predict(x, verbose=0))
"""


def test_models_that_keras_3_saved(tmp_path):
    code = "import keras, sys; sys.exit(keras.__version__ < '3')"
    if subprocess.run([sys.executable, "-c", code], capture_output=True).returncode:
        pytest.skip("needs Keras 3 beside tf_keras")
    subprocess.run([sys.executable, "-c", WRITE, str(tmp_path)], check=True)
    model = load_model(tmp_path / "model.keras")
    values = np.load(tmp_path / "values.npz")
    found = model.predict(values["x"], verbose=0)
    np.testing.assert_allclose(found, values["y"], atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"save_format": "keras"}])
def test_models_that_keras_2_saved(options, tmp_path):
    model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(2)])
    model.save(tmp_path / "model.keras", **options)
    found = load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(found.get_weights()[0], model.get_weights()[0])


# --- the demonstration, and what is imported ------------------------------------------


@pytest.mark.slow
def test_demonstration(monkeypatch):
    pytest.importorskip("sklearn")
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    conversions = pytest.importorskip("conversions")
    settings = {"N_TEST": 50, "BATCH_SIZE": 50, "EPOCHS": 5, "STEPS": (10, 40)}
    for name, value in settings.items():
        monkeypatch.setattr(conversions, name, value)
    table = conversions.conversions(circuits=["winner-take-all"], progress_bar=False)
    assert (table["accuracy_40_steps"] > 0.3).all()
    # one neuron per activation, and those of the circuit
    plain = 6 * 6 * 8 + 2 * 2 * 16 + 64
    assert table.loc["average pooling", "neurons"] == plain
    assert table.loc["winner-take-all", "neurons"] == plain + 4 * 3 * 3 * 8


# --- pools of a layer's own neurons ---------------------------------------------------


def relu_and_pool(*between, first=True, **pool):
    """A convolution, and a ReLU and a pool in either order, with layers between."""
    both = [layers.ReLU(name="relu"), *between, layers.MaxPool2D(name="pool", **pool)]
    return functional(layers.Conv2D(3, 3), *(both if first else both[::-1]))


def spiking(model, scale=100, **options):
    """A converted network of neurons that average."""
    defaults = {
        "swap_activations": {"relu": mpc.IntegrateAndFire()},
        "scale_firing_rates": scale,
        "synapse": 0.005,
    }
    return Converter(model, **{**defaults, **options})


@pytest.mark.parametrize(
    "first, pool",
    [
        (True, {}),
        (False, {}),
        (True, {"pool_size": 3, "strides": 2, "padding": "same"}),
        (False, {"pool_size": 4}),
    ],
)
def test_neurons_of_a_layer_are_its_pool(first, pool):
    model, x = relu_and_pool(first=first, **pool), noise(4, 6, 6, 2)
    converter = spiking(model, scale=400)
    (circuit,) = pools_in(converter)
    assert type(circuit) is mpc.SharedResetMax
    assert converter.net.n_neurons == circuit.windows.sizes.sum()
    y = converter.predict(x, n_steps=200, readout=0.05)
    expected = model.predict(x, verbose=0)
    assert np.abs(y - expected).max() < 0.1 * expected.max()


def test_a_layer_is_its_pool_through_what_keeps_zero_and_order():
    between = layers.Dropout(0.5), layers.ZeroPadding2D(1)
    converter = spiking(relu_and_pool(*between))
    assert type(pools_in(converter)[0]) is mpc.SharedResetMax


def another_user():
    """A model in which the activations are used besides."""
    image = tf.keras.Input((6, 6, 2))
    active = layers.ReLU()(layers.Conv2D(3, 3)(image))
    return tf.keras.Model(image, [layers.MaxPool2D()(active), active])


def used_twice():
    """A model in which one layer is applied twice."""
    image, relu = tf.keras.Input((6, 6, 2)), layers.ReLU()
    return tf.keras.Model(
        image, layers.MaxPool2D()(relu(layers.Conv2D(3, 3)(relu(image))))
    )


@pytest.mark.parametrize(
    "model, options",
    [
        (another_user, {}),
        (used_twice, {}),
        (lambda: relu_and_pool(layers.BatchNormalization()), {}),
        (relu_and_pool, {"max_pool": "winner-take-all"}),
        (relu_and_pool, {"swap_activations": {"relu": mpc.IntegrateAndFire(-2)}}),
    ],
)
def test_a_layer_that_others_need_keeps_its_neurons(model, options):
    (pool,) = pools_in(spiking(model(), **options))
    assert type(pool) is mpc.WinnerTakeAll


def test_layers_that_are_pools_train_as_relus():
    model, x = relu_and_pool(), noise(4, 6, 6, 2)
    converter = spiking(model, inference_only=False, synapse=None)
    inputs = dict(zip(converter.inputs.values(), [x.reshape(4, 1, -1)]))
    with nengo_dl.Simulator(converter.net, minibatch_size=4, progress_bar=False) as sim:
        sim.compile(tf.optimizers.SGD(0.0), loss="mse")
        expected = model.predict(x, verbose=0).reshape(4, 1, -1)
        (probe,) = converter.outputs.values()
        loss = sim.evaluate(inputs, {probe: expected}, verbose=0)["loss"]
        trained = sim.fit(inputs, {probe: expected}, verbose=0).history["loss"]
    assert trained[0] < 1e-8 < loss


def test_layers_with_their_pools_are_compared_and_shown():
    model, x = relu_and_pool(), noise(4, 6, 6, 2)
    converter = spiking(model, scale=400)
    assert "pool of the neurons of relu" in repr(converter)
    table = compare_layers(converter, x, n_steps=150)
    assert (table["error"] < 0.1).all()
    assert table["spikes"].notna().sum() == 1
    # what the pool gets: currents
    with converter.net:
        probe = nengo.Probe(converter.layers[model.get_layer("relu")])
    with nengo_dl.Simulator(converter.net, minibatch_size=4, progress_bar=False) as sim:
        data = {node: x.reshape(4, 1, -1) for node in converter.inputs.values()}
        currents = sim.predict(data)[probe]
    assert currents.min() < 0
