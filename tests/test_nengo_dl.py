"""Keras's max-pooling layers in NengoDL's converter, and the TensorFlow builders."""

import functools
import subprocess
import sys
import warnings

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc

try:
    from maxpool_circuits.nengo_dl import Converter, ConvertMaxPool, register
except ImportError as error:
    pytest.skip(str(error), allow_module_level=True)

import nengo_dl
import tensorflow as tf
from nengo_dl.config import get_setting
from nengo_dl.graph_optimizer import noop_planner
from tensorflow.keras import layers

from maxpool_circuits.nengo_dl.layers import MAX_POOL_LAYERS

pytestmark = [
    pytest.mark.filterwarnings("ignore:Unknown incer type"),
    pytest.mark.filterwarnings("ignore:Number of elements .* does not match number"),
]

SHAPES = {1: (7, 2), 2: (5, 6, 2), 3: (3, 4, 3, 2)}  # of inputs, by spatial axes
MAX_POOL = {1: layers.MaxPool1D, 2: layers.MaxPool2D, 3: layers.MaxPool3D}
GLOBAL_MAX_POOL = {
    1: layers.GlobalMaxPool1D,
    2: layers.GlobalMaxPool2D,
    3: layers.GlobalMaxPool3D,
}
each_dimension = pytest.mark.parametrize("n_axes", [1, 2, 3], ids="{}-D".format)
SPIKING = {tf.nn.relu: nengo.SpikingRectifiedLinear()}


class UsersMaxPool(layers.MaxPool2D):
    """A user's own subclass of a layer."""


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


@pytest.fixture(autouse=True)
def reproducible():
    """Give every model the same random weights in every run."""
    tf.keras.utils.set_random_seed(0)


def model_with(pools, shape, n_inputs=3):
    """Make a model whose outputs are pools of a trained layer's (linear) values."""
    inputs = tf.keras.Input((n_inputs,))
    values = layers.Reshape(shape)(layers.Dense(np.prod(shape))(inputs))
    return tf.keras.Model(inputs, [pool(values) for pool in pools])


def conv_model(pools=(layers.MaxPool2D,), activation=tf.nn.relu):
    """Make a small convolutional network."""
    inputs = tf.keras.Input((8, 8, 1))
    values = layers.Conv2D(4, 3, activation=activation)(inputs)
    for pool in pools:
        values = pool()(values)
    values = layers.Dense(10, activation=activation)(layers.Flatten()(values))
    return tf.keras.Model(inputs, layers.Dense(3)(values))


def noise(*shape):
    """Draw inputs of both signs."""
    return np.random.RandomState(0).uniform(-1, 1, shape).astype(np.float32)


def circuits_in(converter):
    """List the pools of a converted network."""
    networks = converter.net.all_networks
    return [network for network in networks if isinstance(network, mpc.MaxPoolNetwork)]


def simulate(converter, x, steps=1, simulator=nengo.Simulator):
    """Simulate a converted network on one input: {output tensor's index: data}."""
    (node,) = converter.inputs.values()
    node.output = np.ravel(x)
    with simulator(converter.net, progress_bar=False) as sim:
        sim.run_steps(steps)
        return [np.array(sim.data[probe]) for probe in converter.outputs.values()]


def check_rate_network(model, x, training=True, **options):
    """Check that a converted network computes and trains just as Keras does."""
    converter = Converter(model, allow_fallback=False, **options)
    assert circuits_in(converter)
    expected = tf.nest.flatten(model.predict(x, verbose=0))
    assert converter.verify(inputs=[x])
    if training:
        assert converter.verify(training=True, inputs=[x], atol=1e-6)
    if not options.get("temporal_model"):
        for y, keras in zip(simulate(converter, x[0]), expected):
            np.testing.assert_allclose(y[0], np.ravel(keras[0]), rtol=1e-4, atol=1e-6)


# --- rate networks --------------------------------------------------------------------


@each_dimension
def test_every_layer_is_exact_in_rate_networks(n_axes):
    model = model_with(pooling_layers(n_axes), SHAPES[n_axes])
    check_rate_network(model, noise(4, 3))


@each_dimension
def test_channels_first(n_axes):
    # Keras cannot run it on the CPU, but the same with channels last
    channels, *axes = shape = np.roll(SHAPES[n_axes], 1).tolist()
    model = model_with(
        pooling_layers(n_axes, data_format="channels_first"), shape, np.prod(shape)
    )
    dense = model.layers[1]
    dense.set_weights([np.eye(np.prod(shape)), np.zeros(np.prod(shape))])
    x = noise(*shape)
    outputs = simulate(Converter(model, allow_fallback=False), x)
    for pool, y in zip(pooling_layers(n_axes), outputs):
        expected = pool(np.moveaxis(x, 0, -1)[np.newaxis])[0]
        np.testing.assert_allclose(y[0], np.ravel(np.moveaxis(expected, -1, 0)))


def test_convolutional_network():
    pools = [functools.partial(layers.MaxPool2D, 3, 2, "same"), layers.MaxPool2D]
    check_rate_network(conv_model(pools), noise(4, 8, 8, 1))


def test_layer_that_is_applied_twice():
    pool = layers.MaxPool2D()
    inputs = tf.keras.Input((8, 8, 1))
    outputs = [pool(inputs), pool(pool(inputs))]
    model = tf.keras.Model(inputs, outputs)
    check_rate_network(model, noise(4, 8, 8, 1), training=False)


def test_subclass_of_a_layer():
    before = dict(Converter.converters)
    check_rate_network(conv_model([UsersMaxPool]), noise(4, 8, 8, 1), training=False)
    assert Converter.converters == before


def test_time_distributed():
    inputs = tf.keras.Input((3, 6, 6, 1))
    values = layers.TimeDistributed(layers.Conv2D(2, 3, activation="relu"))(inputs)
    values = layers.TimeDistributed(layers.MaxPool2D())(values)
    values = layers.TimeDistributed(layers.GlobalMaxPool2D())(values)
    model = tf.keras.Model(inputs, layers.Dense(2)(values))
    check_rate_network(model, noise(4, 3, 6, 6, 1), temporal_model=True)


@pytest.mark.parametrize("pool", [layers.MaxPool1D, layers.GlobalMaxPool1D])
def test_pooling_over_time_is_refused(pool):
    inputs = tf.keras.Input((6, 2))
    model = tf.keras.Model(inputs, pool(name="pool")(inputs))
    with pytest.raises(ValidationError, match="'pool' must be wrapped in TimeDistrib"):
        Converter(model, temporal_model=True)


# --- the registry and the arguments ---------------------------------------------------


def test_importing_leaves_nengo_dls_registry_alone():
    assert ConvertMaxPool not in nengo_dl.Converter.converters.values()
    with pytest.raises(TypeError, match="max_to_avg_pool"):
        nengo_dl.Converter(conv_model(), allow_fallback=False)


def test_register(monkeypatch):
    registry = dict(nengo_dl.Converter.converters)
    monkeypatch.setattr(nengo_dl.Converter, "converters", registry)
    register()
    changed = dict(registry)
    ours = {layer for layer, made_by in changed.items() if made_by is ConvertMaxPool}
    assert ours == set(MAX_POOL_LAYERS)
    register()
    assert registry == changed

    x = noise(4, 8, 8, 1)
    converter = nengo_dl.Converter(conv_model(), allow_fallback=False)
    assert [type(pool) for pool in circuits_in(converter)] == [mpc.ExactMax]
    assert converter.verify(inputs=[x])
    averaging = nengo_dl.Converter(conv_model(), max_to_avg_pool=True)
    assert circuits_in(averaging) == []


@pytest.mark.parametrize("pool", [layers.MaxPool2D, layers.GlobalMaxPool2D])
def test_averages_as_nengo_dl_does(pool):
    model = conv_model([pool])
    x = noise(8, 8, 1)
    ours, stock = (
        simulate(make(model, allow_fallback=False, max_to_avg_pool=True), x)[0]
        for make in (Converter, nengo_dl.Converter)
    )
    np.testing.assert_array_equal(ours, stock)
    assert not np.allclose(ours, model.predict(x[np.newaxis], verbose=0))


def test_subclass_of_a_layer_averages_too():
    converter = Converter(
        conv_model([UsersMaxPool]), allow_fallback=False, max_to_avg_pool=True
    )
    assert circuits_in(converter) == []


def test_averaging_what_nengo_dl_cannot_is_refused():
    model = conv_model([functools.partial(layers.MaxPool2D, padding="same")])
    with pytest.raises(TypeError, match="padding"):
        Converter(model, allow_fallback=False, max_to_avg_pool=True)


def users_circuit(windows):
    """Make a circuit that takes no options."""
    return mpc.PairwiseReLU(windows, max_rate=7)


@pytest.mark.parametrize(
    "max_pool, kind, max_rate",
    [
        ("pairwise-relu", mpc.PairwiseReLU, 120),
        (mpc.WinnerTakeAll, mpc.WinnerTakeAll, 120),
        (functools.partial(mpc.PairwiseReLU, max_rate=7), mpc.PairwiseReLU, 7),
        (functools.partial(mpc.AbsoluteValue, n_neurons=2), mpc.AbsoluteValue, 120),
        (users_circuit, mpc.PairwiseReLU, 7),
    ],
)
def test_circuit_that_is_asked_for(max_pool, kind, max_rate):
    model = conv_model()
    options = {"swap_activations": SPIKING, "scale_firing_rates": 120}
    for chosen in (max_pool, {model.layers[2]: max_pool}):
        (pool,) = circuits_in(Converter(model, max_pool=chosen, **options))
        assert type(pool) is kind
        assert pool.max_rate == max_rate


def test_circuits_by_layer():
    model = conv_model([layers.MaxPool2D, layers.GlobalMaxPool2D])
    converter = Converter(model, max_pool={model.layers[3]: "softmax"})
    kinds = [type(pool) for pool in circuits_in(converter)]
    assert kinds == [mpc.ExactMax, mpc.SoftmaxApproximation]


@pytest.mark.parametrize("key", ["max_pooling2d", 0, "convolution"])
def test_key_that_is_no_max_pooling_layer_is_refused(key):
    model = conv_model()
    key = model.layers[1] if key == "convolution" else key
    with pytest.raises(ValidationError, match="max_pool.*layers of the model"):
        Converter(model, max_pool={key: "exact"})


@pytest.mark.parametrize("by_layer", [False, True])
def test_unknown_circuit_is_refused_before_anything_is_converted(by_layer):
    model = conv_model()
    max_pool = {model.layers[2]: "quickest"} if by_layer else "quickest"
    with nengo.Network() as container:
        with pytest.raises(ValidationError, match="'quickest'.*'winner-take-all'"):
            Converter(model, max_pool=max_pool)
    assert container.networks == []


# --- spiking networks -----------------------------------------------------------------


@pytest.mark.parametrize("by_layer", [False, True])
def test_default_circuit_behind_spikes(by_layer):
    model = conv_model([layers.MaxPool2D, layers.MaxPool2D])
    scale = {model.layers[1]: 100} if by_layer else 100
    converter = Converter(
        model,
        allow_fallback=False,
        swap_activations=SPIKING,
        scale_firing_rates=scale,
        synapse=0.005,
    )
    pools = circuits_in(converter)
    assert [type(pool) for pool in pools] == [mpc.WinnerTakeAll] * 2
    assert [pool.max_rate for pool in pools] == pytest.approx([100, 100])
    # the second takes the spikes of the first as they are
    for pool, after in zip(pools, [None, nengo.Lowpass(0.005)]):
        synapses = {
            end: [
                connection.synapse
                for connection in converter.net.connections
                if getattr(connection, end) is node
            ]
            for end, node in [("post", pool.input), ("pre", pool.output)]
        }
        assert synapses == {"post": [None], "pre": [after]}


UNTUNED_SOFTMAX = functools.partial(mpc.SoftmaxApproximation, decoders=None)
LIF_UNITS = functools.partial(mpc.WinnerTakeAll, neuron_type=nengo.LIF(), decoders=None)


@pytest.mark.parametrize(
    "max_pool, synapse, expected",
    [
        ("winner-take-all", 0.005, None),
        ("pairwise-relu", 0.005, None),
        # what the user says holds, others need their filter, and one there must be
        (functools.partial(mpc.PairwiseReLU, input_synapse=0.003), 0.005, 0.003),
        (LIF_UNITS, 0.005, 0.0125),
        (UNTUNED_SOFTMAX, 0.005, nengo.Alpha(0.015)),
        ("winner-take-all", None, nengo.Alpha(0.00375)),
    ],
)
def test_one_synapse_where_membranes_average(max_pool, synapse, expected):
    (pool,) = circuits_in(
        Converter(
            conv_model(),
            max_pool=max_pool,
            swap_activations=SPIKING,
            scale_firing_rates=100,
            synapse=synapse,
        )
    )
    if isinstance(expected, float):
        expected = nengo.Lowpass(expected)
    assert pool.input_synapse == expected


@pytest.mark.parametrize("spiking", [False, True])
def test_default_circuit_in_a_model_in_a_model(spiking):
    def wrap(layer, shape):
        inputs = tf.keras.Input(shape)
        return tf.keras.Model(inputs, layer(inputs))

    features = wrap(layers.Conv2D(2, 3, activation=tf.nn.relu), (8, 8, 1))
    pool = wrap(layers.MaxPool2D(), (6, 6, 2))
    options = {"swap_activations": SPIKING, "scale_firing_rates": 100}
    converter = Converter(
        wrap(lambda x: pool(features(x)), (8, 8, 1)),
        allow_fallback=False,
        **(options if spiking else {}),
    )
    (circuit,) = circuits_in(converter)
    assert type(circuit) is (mpc.WinnerTakeAll if spiking else mpc.ExactMax)
    assert circuit.max_rate == (100 if spiking else 250)


def test_circuit_without_neurons_gets_filtered_spikes():
    converter = Converter(
        conv_model(), max_pool="exact", swap_activations=SPIKING, synapse=0.005
    )
    (pool,) = circuits_in(converter)
    synapses = [
        [c.synapse for c in converter.net.connections if node in (c.pre, c.post)]
        for node in (pool.input, pool.output)
    ]
    assert synapses == [[nengo.Lowpass(0.005)], [None]]


@pytest.mark.parametrize(
    "neuron_type", [nengo.SpikingRectifiedLinear(), mpc.IntegrateAndFire()], ids=str
)
@pytest.mark.parametrize("simulator", [nengo.Simulator, nengo_dl.Simulator])
def test_spiking_network_computes_what_keras_does(neuron_type, simulator):
    pools = [functools.partial(layers.MaxPool2D, 3, 2, "same"), layers.GlobalMaxPool2D]
    model = conv_model(pools)
    x = noise(8, 8, 1)
    expected = model.predict(x[np.newaxis], verbose=0)[0]
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "swap_activations|.*native TensorFlow")
        converter = Converter(
            model,
            allow_fallback=False,
            swap_activations={tf.nn.relu: neuron_type},
            scale_firing_rates=400,
            synapse=0.005,
        )
        (y,) = simulate(converter, x, steps=200, simulator=simulator)
    y = np.reshape(y, (200, -1))
    layer = converter.layers[model.layers[1]].ensemble
    assert type(layer.neuron_type) is type(neuron_type)
    np.testing.assert_allclose(y[100:].mean(axis=0), expected, atol=0.03)


# --- builders -------------------------------------------------------------------------


def test_operators_are_merged_in_average_pooling_only():
    settings = {}
    for average in (False, True):
        net = Converter(conv_model(), max_to_avg_pool=average).net
        settings[average] = get_setting(net, "planner")
    assert settings == {False: noop_planner, True: None}


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
    """Train a network that has one node and one probe; give losses and outputs."""
    node, probe = network.all_nodes[0], network.all_probes[0]
    with nengo_dl.Simulator(network, minibatch_size=len(x), progress_bar=False) as sim:
        sim.compile(tf.optimizers.SGD(0.05), loss={probe: "mse"})
        history = sim.fit({node: x}, {probe: y}, epochs=epochs, verbose=0)
        trained = sim.data[network.all_connections[0]].weights
    return history.history["loss"], trained


def test_integrate_and_fire_trains_as_its_rate_version():
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


@pytest.mark.parametrize(
    "windows",
    [
        mpc.PoolWindows((4, 4, 2)),
        mpc.PoolWindows((5, 4, 1), pool_size=3, strides=2, padding="same"),
        mpc.PoolWindows.from_indices([[4, 0, 7], [1], [2, 3, 5, 6]], n_inputs=9),
    ],
    ids=["2-D", "overlapping", "ragged"],
)
def test_max_pool_builder(windows):
    x = noise(3, 5, windows.n_inputs)
    with nengo.Network() as model:
        inputs = nengo.Node(np.zeros(windows.n_inputs))
        maxima = nengo.Node(size_in=windows.n_pools)
        twice = nengo.Node(size_in=windows.n_pools)
        transform = mpc.MaxPool(windows)
        nengo.Connection(inputs, maxima, transform=transform, synapse=None)
        for _ in range(2):
            nengo.Connection(inputs, twice, transform=transform, synapse=None)
        probes = [nengo.Probe(maxima), nengo.Probe(twice)]
    with nengo_dl.Simulator(model, minibatch_size=3, progress_bar=False) as sim:
        sim.run_steps(5, data={inputs: x})
    for factor, probe in enumerate(probes, 1):
        np.testing.assert_array_equal(sim.data[probe], factor * windows.max(x))


@pytest.mark.parametrize("circuit", ["exact", "winner-take-all", "pairwise-relu"])
def test_training_through_a_pool(circuit):
    windows = mpc.PoolWindows.from_indices([[0, 1, 2], [3, 4], [5]], n_inputs=6)
    weights = noise(6, 4)
    with nengo.Network(seed=0) as model:
        inputs = nengo.Node(np.zeros(4))
        values = nengo.Node(size_in=6)
        nengo.Connection(inputs, values, transform=weights, synapse=None)
        pool = mpc.make(circuit, windows, input_range=(-2, 2), input_synapse=None)
        with pool:
            nengo_dl.configure_settings(trainable=False)
        nengo.Connection(values, pool.input, synapse=None)
        nengo.Probe(pool.output)
        # only the first connection is trained
        nengo_dl.configure_settings(trainable=None)
        for connection in model.connections[1:]:
            model.config[connection].trainable = False
    x = noise(8, 1, 4)
    y = windows.max(x @ noise(4, 6) + 0.3)
    losses, trained = train(model, x, y, epochs=30)
    assert losses[-1] < 0.8 * losses[0]
    assert (np.abs(trained - weights) > 1e-4).any(axis=1).all()


# --- installation ---------------------------------------------------------------------


def python(code, folder):
    """Run Python code that sees the modules of a folder first."""
    code = f"import sys; sys.path.insert(0, {str(folder)!r})\n{code}"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )


def test_nengo_dl_is_imported_only_when_asked_for(tmp_path):
    code = "import maxpool_circuits; print({'nengo_dl', 'tensorflow'} & {*sys.modules})"
    assert python(code, tmp_path).stdout.strip() == "set()"
