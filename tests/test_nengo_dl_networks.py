"""Trained Keras networks as people have them: every fault that was found is a test."""

import functools
import warnings

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc

try:
    from maxpool_circuits.nengo_dl import Converter, compare_layers, firing_rates
except ImportError as error:
    pytest.skip(str(error), allow_module_level=True)

import nengo_dl
import tensorflow as tf
from tensorflow.keras import layers

from maxpool_circuits.nengo_dl.pooling import LOWEST_RATE
from maxpool_circuits.nengo_dl.spike_amplitude import SpikeAmplitude, through

pytestmark = [
    pytest.mark.filterwarnings("ignore:Unknown incer type"),
    pytest.mark.filterwarnings("ignore:Number of elements .* does not match number"),
]
SPIKING = nengo.SpikingRectifiedLinear()
OPTIONS = {
    "allow_fallback": False,
    "swap_activations": {"relu": SPIKING},
    "scale_firing_rates": 100,
    "synapse": 0.005,
}


@pytest.fixture(autouse=True)
def reproducible():
    """Give every model the same random weights in every run."""
    tf.keras.utils.set_random_seed(0)


def functional(*steps, shape=(6, 6, 2)):
    """Make a model of layers one after another."""
    inputs = x = tf.keras.Input(shape)
    for layer in steps:
        x = layer(x)
    return tf.keras.Model(inputs, x)


def batch_norm(slopes, offset=0.3):
    """Make a BatchNorm layer that multiplies channels by slopes, and adds a number."""
    slopes = np.array(slopes, dtype=float)
    norm = layers.BatchNormalization(epsilon=0)
    norm.build((None, 1, 1, len(slopes)))
    ones = np.ones_like(slopes)
    norm.set_weights([slopes, offset * ones, 0 * ones, ones])
    return norm


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


def images(n=8, shape=(6, 6, 2), top=1):
    """Draw inputs."""
    return np.random.RandomState(0).uniform(0, top, (n, *shape)).astype(np.float32)


def run(converter, x, n_steps, simulator=nengo_dl.Simulator):
    """Show one input, and give the output in all time steps."""
    (node,), (probe,) = converter.inputs.values(), converter.outputs.values()
    node.output = np.ravel(x)
    converter.net.seed = 0
    with simulator(converter.net, progress_bar=False) as sim:
        sim.run_steps(n_steps)
        return np.reshape(sim.data[probe], (n_steps, -1))


# --- the worth of a spike -------------------------------------------------------------


@pytest.mark.parametrize("slopes", [[5, 5], [-5, -5]], ids=["positive", "negative"])
def test_worth_of_a_spike_is_followed_through_batch_norm(slopes):
    model = functional(layers.ReLU(), batch_norm(slopes), layers.MaxPool2D())
    (pool,) = pools_in(Converter(model, **OPTIONS))
    low, high = pool.input_range
    # one spike is worth 5/100, and a full range of them arrives at max_rate
    assert (high - low) / pool.max_rate == pytest.approx(0.05)


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


def test_zero_slopes_do_no_harm():
    slopes = [0, 2]
    model = functional(layers.ReLU(), batch_norm(slopes), layers.MaxPool2D())
    x = images(1)
    y = run(Converter(model, **OPTIONS), x, 200)[100:].mean(axis=0)
    np.testing.assert_allclose(y, np.ravel(model.predict(x, verbose=0)), atol=0.1)


def test_circuit_with_a_rate_of_its_own_is_left_alone():
    model = functional(layers.ReLU(), batch_norm([1, 9]), layers.MaxPool2D())
    circuit = functools.partial(mpc.PairwiseReLU, max_rate=70)
    converter = Converter(model, max_pool=circuit, **OPTIONS)
    (pool,) = pools_in(converter)
    assert pool.max_rate == 70
    (before,) = connections(converter, post_obj=pool.input)
    assert isinstance(before.transform, nengo.transforms.NoTransform)


@pytest.mark.parametrize(
    "transform",
    [
        nengo.Dense((3, 4), np.arange(12).reshape(3, 4) - 5),
        nengo.Sparse((3, 4), indices=[(0, 1), (2, 3), (2, 0)], init=[-2, 3, 0.5]),
        nengo.Dense((4, 4), [1, -2, 3, 0]),
        nengo.Dense((4, 4), -2),
        nengo.Convolution(
            3, (4, 5, 2), kernel_size=(2, 2), init=nengo.dists.Uniform(-1, 1)
        ).sample(rng=np.random.RandomState(0)),
    ],
    ids=["dense", "sparse", "vector", "scalar", "array"],
)
def test_worth_of_a_transform_is_that_of_equal_spikes(transform):
    if isinstance(transform, np.ndarray):
        kernel = transform
        transform = nengo.Convolution(3, (4, 5, 2), kernel_size=(2, 2), init=kernel)
        worth = np.tile([0.5, 2], 20)
        single = np.einsum("xyio,i->o", np.abs(kernel), [0.5, 2])
        squares = np.einsum("xyio,i->o", kernel**2, [0.25, 4])
        expected = [np.tile(single, 12), np.tile(squares, 12)]
    else:
        worth = np.array([0.1, 1, 2, 3])
        weights = transform.sample()
        weights = weights.allocate() if hasattr(weights, "allocate") else weights
        weights = weights.toarray() if hasattr(weights, "toarray") else weights
        if np.ndim(weights) < 2:
            weights = np.diag(np.broadcast_to(weights, 4))
        parts = np.abs(weights) * worth
        expected = [parts.sum(axis=1), (parts**2).sum(axis=1)]
    for power in (1, 2):
        np.testing.assert_allclose(
            through(transform, worth, power), expected[power - 1]
        )


def test_worth_of_grouped_convolutions_and_channels_first():
    kernel = np.random.RandomState(0).uniform(-1, 1, (1, 1, 2, 4))
    transform = nengo.Convolution(
        4, (4, 2, 3), kernel_size=(1, 1), init=kernel, channels_last=False, groups=2
    )
    per_channel = np.array([1, 2, 3, 4])
    halves = np.abs(kernel[0, 0])
    expected = [[1, 2] @ halves[:, :2], [3, 4] @ halves[:, 2:]]
    np.testing.assert_allclose(
        through(transform, np.repeat(per_channel, 6), 1),
        np.repeat(np.concatenate(expected), 6),
    )


def test_spikes_that_meet_are_worth_their_mean_by_weight():
    with nengo.Network() as net:
        node = nengo.Node(size_in=1)
        for amplitude in (0.1, 0.3):
            neuron_type = nengo.SpikingRectifiedLinear(amplitude=amplitude)
            neurons = nengo.Ensemble(1, 1, neuron_type=neuron_type).neurons
            nengo.Connection(neurons, node)
    assert SpikeAmplitude(net).at(node) == pytest.approx([(0.01 + 0.09) / 0.4])


# --- one synapse per block ------------------------------------------------------------


def test_linear_node_that_only_feeds_pools_gets_raw_spikes():
    model = functional(layers.ReLU(), batch_norm([2, 2]), layers.MaxPool2D())
    converter = Converter(model, **OPTIONS)
    relu, norm, pool = (converter.layers[layer] for layer in model.layers[1:])
    (circuit,) = pools_in(converter)
    assert [c.synapse for c in connections(converter, pre_obj=relu)] == [None]
    assert [c.synapse for c in connections(converter, pre_obj=norm)] == [None]
    (after,) = connections(converter, pre_obj=circuit.output, post_obj=pool)
    assert after.synapse == nengo.Lowpass(0.005)


def test_other_consumers_of_a_linear_node_get_filtered_spikes():
    inputs = tf.keras.Input((6, 6, 2))
    norm = batch_norm([2, 2])(layers.ReLU()(inputs))
    outputs = [layers.MaxPool2D()(norm), layers.Conv2D(3, 3)(norm), norm]
    model = tf.keras.Model(inputs, outputs)
    converter = Converter(model, **OPTIONS)
    raw = converter.layers[norm]
    filtered = nengo.Lowpass(0.005)
    by_post = {c.post_obj: c.synapse for c in connections(converter, pre_obj=raw)}
    (circuit,) = pools_in(converter)
    assert by_post.pop(circuit.input) is None
    # the convolution, and the output of the model
    assert list(by_post.values()) == [filtered, filtered]
    assert converter.outputs[norm].obj is not raw


def test_pools_in_a_row_have_one_synapse():
    model = functional(layers.ReLU(), layers.MaxPool2D(), layers.MaxPool2D())
    converter = Converter(model, **OPTIONS)
    first, second = pools_in(converter)
    (after_first,) = connections(converter, pre_obj=first.output)
    (after_second,) = connections(converter, pre_obj=second.output)
    assert after_first.synapse is None
    assert after_second.synapse == nengo.Lowpass(0.005)
    assert second.max_rate == first.max_rate


def test_pool_at_the_start_of_an_inner_model_has_one_synapse():
    inner = functional(batch_norm([3, 3]), layers.MaxPool2D())
    model = functional(layers.ReLU(), inner)
    converter = Converter(model, **OPTIONS)
    (circuit,) = pools_in(converter)
    relu = converter.layers[model.layers[1]]
    (into_inner,) = connections(converter, pre_obj=relu)
    (before,) = connections(converter, post_obj=circuit.input)
    assert into_inner.synapse is before.synapse is None
    low, high = circuit.input_range
    assert (high - low) / circuit.max_rate == pytest.approx(0.03)


def test_exact_pool_behind_batch_norm_has_filtered_spikes():
    model = functional(layers.ReLU(), batch_norm([2, 2]), layers.MaxPool2D())
    converter = Converter(model, max_pool="exact", **OPTIONS)
    (circuit,) = pools_in(converter)
    relu = converter.layers[model.layers[1]]
    (to_norm,) = connections(converter, pre_obj=relu)
    (before,) = connections(converter, post_obj=circuit.input)
    assert to_norm.synapse == nengo.Lowpass(0.005)
    assert before.synapse is None


@pytest.mark.parametrize("slopes", [[6, 6], [2, 40], [-3, 12]], ids=str)
@pytest.mark.parametrize("circuit", ["winner-take-all", "pairwise-relu"])
def test_network_with_batch_norm_computes_what_keras_does(slopes, circuit):
    model = functional(layers.ReLU(), batch_norm(slopes), layers.MaxPool2D())
    x = images(1)
    expected = np.ravel(model.predict(x, verbose=0))
    y = run(Converter(model, max_pool=circuit, **OPTIONS), x, 600)
    error = np.abs(y[100:].mean(axis=0) - expected).reshape(9, 2).max(axis=0)
    assert (error < 0.05 * np.abs(slopes)).all()


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
@pytest.mark.parametrize(
    "layer", ["relu", tf.nn.relu, "ReLU"], ids=["text", "function", "layer"]
)
def test_all_spellings_of_an_activation_are_the_same(key, layer):
    active = layers.ReLU() if layer == "ReLU" else layers.Activation(layer)
    model = functional(active, layers.MaxPool2D())
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "swap_activations|.*exact")
        converter = Converter(model, **{**OPTIONS, "swap_activations": {key: SPIKING}})
    (pool,) = pools_in(converter)
    assert isinstance(pool, mpc.WinnerTakeAll)


def test_activation_that_matches_nothing_is_refused():
    model = functional(layers.ReLU(), layers.MaxPool2D())
    swaps = {"relu": SPIKING, tf.nn.elu: SPIKING}
    with pytest.raises(ValidationError, match="swap_activations.*elu"):
        Converter(model, swap_activations=swaps)


def test_unknown_activation_and_one_given_twice_are_refused():
    model = functional(layers.ReLU(), layers.MaxPool2D())
    with pytest.raises(ValidationError, match="'rellu' is no activation"):
        Converter(model, swap_activations={"rellu": SPIKING})
    with pytest.raises(ValidationError, match="the same activation"):
        Converter(model, swap_activations={"relu": SPIKING, tf.nn.relu: SPIKING})


def test_swaps_follow_each_other():
    model = functional(layers.Activation("elu"), layers.MaxPool2D())
    swaps = {"elu": tf.nn.relu, "relu": SPIKING}
    converter = Converter(model, swap_activations=swaps, scale_firing_rates=100)
    assert converter.layers[model.layers[1]].ensemble.neuron_type.spiking


def test_exact_pool_says_so_where_spikes_were_asked_for():
    model = functional(layers.MaxPool2D(name="first"), layers.ReLU())
    with pytest.warns(UserWarning, match="'first' is exact.*none of its inputs"):
        Converter(model, **OPTIONS)


def test_exact_pool_on_raw_spikes_is_warned_of():
    model = functional(layers.ReLU(), layers.MaxPool2D(name="raw"))
    options = {**OPTIONS, "synapse": None}
    with pytest.warns(UserWarning, match="'raw' has no neurons.*raw spikes"):
        Converter(model, max_pool="exact", **options)


# --- calibration ----------------------------------------------------------------------


def test_firing_rates_put_the_top_of_each_layer_at_the_rate():
    first, second = layers.ReLU(), layers.Conv2D(3, 2, activation="relu")
    model = functional(first, layers.Dropout(0.5), second)
    data = images(50, top=400)
    scales = firing_rates(model, data, rate=200, quantile=1)
    assert set(scales) == {first, second}
    assert scales[first] * data.max() == pytest.approx(200)
    assert scales[second] * model.predict(data, verbose=0).max() == pytest.approx(200)
    lower = firing_rates(model, data, rate=200, quantile=0.5)[first]
    assert lower * np.median(data) == pytest.approx(200, rel=1e-3)


def test_firing_rates_reach_into_inner_models_and_sequential_ones():
    inner_relu = layers.ReLU()
    inner = functional(inner_relu, layers.MaxPool2D())
    model = tf.keras.Sequential([tf.keras.Input((6, 6, 2)), layers.ReLU(), inner])
    scales = firing_rates(model, images(top=300), quantile=1)
    assert set(scales) == {model.layers[0], inner_relu}


@pytest.mark.parametrize("data", [np.zeros((0, 6, 6, 2)), np.ones((2, 5, 6, 2))])
def test_data_that_are_no_inputs_are_refused(data):
    model = functional(layers.ReLU(), layers.MaxPool2D())
    with pytest.raises(ValidationError, match="data: must be inputs of the model"):
        firing_rates(model, data)


def test_layers_that_are_silent_on_the_data_are_named():
    model = functional(layers.ReLU(name="silent"))
    with pytest.raises(ValidationError, match="silent.*above zero"):
        firing_rates(model, -images())


@pytest.mark.parametrize("wrong", [{"rate": 0}, {"quantile": 0}, {"quantile": 1.5}])
def test_wrong_arguments_of_firing_rates_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        firing_rates(functional(layers.ReLU()), images(), **wrong)


def test_calibration_fits_rates_and_ranges():
    model = functional(layers.ReLU(), batch_norm([3, 3]), layers.MaxPool2D())
    data = images(50, top=500)
    options = {**OPTIONS, "scale_firing_rates": None}
    converter = Converter(model, calibration=data, **options)
    (pool,) = pools_in(converter)
    assert pool.max_rate == pytest.approx(250, rel=0.01)
    low, high = pool.input_range
    assert (low, high) == pytest.approx((0.3, 1500.3), abs=5)
    given = Converter(model, calibration=data, **{**options, "scale_firing_rates": 2})
    (pool,) = pools_in(given)
    assert pool.input_range == pytest.approx((low, high))
    assert pool.max_rate == pytest.approx(1000, rel=0.01)


@pytest.mark.parametrize("scale", [0.5, 5])
@pytest.mark.parametrize("circuit", ["pairwise-relu", "winner-take-all"])
def test_without_data_no_synapse_is_absurd_and_a_warning_says_what_to_do(
    scale, circuit
):
    model = functional(layers.ReLU(), layers.MaxPool2D())
    options = {**OPTIONS, "scale_firing_rates": scale}
    with pytest.warns(UserWarning, match="scale_firing_rates.*calibration=inputs"):
        converter = Converter(model, max_pool=circuit, **options)
    (pool,) = pools_in(converter)
    assert pool.max_rate == LOWEST_RATE
    low, high = pool.input_range
    assert (high - low) / pool.max_rate == pytest.approx(1 / scale)
    for connection in pool.all_connections:
        assert getattr(connection.synapse, "tau", 0) <= 0.015


def test_scale_of_no_layer_is_refused():
    model = functional(layers.ReLU(), layers.MaxPool2D())
    options = {**OPTIONS, "scale_firing_rates": {layers.ReLU(): 100}}
    with pytest.raises(ValidationError, match="scale_firing_rates.*layers of the mod"):
        Converter(model, **options)


# --- layers around pools --------------------------------------------------------------

AROUND = {
    "dropout": [layers.ReLU(), layers.Dropout(0.5), layers.MaxPool2D()],
    "spatial dropout": [layers.SpatialDropout2D(0.5), layers.MaxPool2D()],
    "noise": [layers.GaussianNoise(1.0), layers.MaxPool2D()],
    "gaussian dropout": [layers.GaussianDropout(0.5), layers.MaxPool2D()],
    "batch norm": [layers.BatchNormalization(), layers.MaxPool2D(), layers.ReLU()],
    "padding": [layers.ReLU(), layers.ZeroPadding2D(1), layers.MaxPool2D(3)],
    "cropping": [layers.Cropping2D(1), layers.MaxPool2D()],
    "permute": [layers.Permute((3, 1, 2)), layers.MaxPool2D(1, 2)],
    "reshape": [layers.Reshape((4, 9, 2)), layers.MaxPool2D()],
    "up-sampling": [layers.ReLU(), layers.UpSampling2D(2), layers.MaxPool2D(3)],
    "flatten channels first": [
        layers.MaxPool2D(),
        layers.Flatten(data_format="channels_first"),
        layers.Dense(2),
    ],
    "regularised": [layers.Conv2D(2, 3, kernel_regularizer="l2"), layers.MaxPool2D()],
}


@pytest.mark.parametrize("steps", AROUND.values(), ids=AROUND)
def test_layers_around_pools(steps):
    model = functional(*[type(s).from_config(s.get_config()) for s in steps])
    converter = Converter(model, allow_fallback=False)
    assert converter.verify(inputs=[images(4) - 0.5])


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


def test_layers_that_cannot_be_converted_come_with_advice():
    model = functional(layers.DepthwiseConv2D(2, name="deep"), layers.MaxPool2D())
    with pytest.raises(TypeError, match="'deep'.*Conv2D with groups"):
        Converter(model, allow_fallback=False)


def test_layer_that_is_left_to_tensorflow_gets_filtered_spikes():
    model = functional(layers.ReLU(), layers.DepthwiseConv2D(2), layers.MaxPool2D())
    with pytest.warns(UserWarning, match="TensorNode"):
        converter = Converter(model, **{**OPTIONS, "allow_fallback": True})
    relu = converter.layers[model.layers[1]]
    (to_node,) = connections(converter, pre_obj=relu)
    assert to_node.synapse == nengo.Lowpass(0.005)


def test_verify_says_that_spiking_networks_cannot_pass():
    model = functional(layers.ReLU(), layers.MaxPool2D())
    with pytest.raises(ValidationError, match="only networks of rate neurons"):
        Converter(model, **OPTIONS).verify()


def test_verify_has_a_tolerance_for_single_precision():
    model = functional(layers.Conv2D(50, 3, activation="relu"), layers.MaxPool2D())
    model.set_weights([1e3 * each for each in model.get_weights()])
    assert Converter(model, allow_fallback=False).verify(inputs=[images(4)])


# --- membranes, and the whole ---------------------------------------------------------


def test_membranes_of_layers_start_half_way_to_threshold():
    def starts(neuron_type):
        swaps = {"relu": neuron_type}
        model = functional(layers.ReLU(), layers.MaxPool2D())
        converter = Converter(model, **{**OPTIONS, "swap_activations": swaps})
        (pool,) = pools_in(converter)
        assert pool.units.neuron_type.initial_state is None
        return converter.layers[model.layers[1]].ensemble.neuron_type.initial_state

    assert starts(mpc.IntegrateAndFire()) == {"voltage": nengo.dists.Choice([0.5])}
    own = {"voltage": nengo.dists.Choice([0.25])}
    assert starts(mpc.IntegrateAndFire(initial_state=own)) == own


@pytest.mark.parametrize("neuron_type", [SPIKING, mpc.IntegrateAndFire()], ids=str)
@pytest.mark.parametrize("circuit", [mpc.WinnerTakeAll, mpc.PairwiseReLU])
def test_same_spikes_in_nengo_and_in_nengo_dl(neuron_type, circuit):
    # all numbers are exact in single precision, so that not one spike may differ
    model = functional(
        layers.Conv2D(3, 3, activation="relu"),
        batch_norm([2, 0.5, -4], offset=0.25),
        layers.MaxPool2D(),
        layers.Flatten(),
        layers.Dense(5, activation="relu"),
    )
    rounded = [np.round(16 * each) / 16 for each in model.get_weights()[:2]]
    model.layers[1].set_weights(rounded)
    converter = Converter(
        model,
        max_pool=functools.partial(circuit, decoders=None),
        swap_activations={"relu": neuron_type},
        scale_firing_rates=512,
    )
    converter.net.seed = 1
    layer = converter.layers[model.layers[1]]
    (pool,) = pools_in(converter)
    with converter.net:
        probes = [nengo.Probe(layer)]
        probes += [nengo.Probe(each.neurons) for each in pool.all_ensembles]
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


def test_layers_are_compared_with_keras():
    model = functional(
        layers.Conv2D(3, 3, activation="relu", name="conv"),
        layers.BatchNormalization(name="norm"),
        layers.MaxPool2D(name="pool"),
        functional(layers.ReLU(name="inner"), shape=(2, 2, 3)),
        layers.Flatten(),
        layers.Dense(2, name="dense"),
    )
    converter = Converter(model, **{**OPTIONS, "scale_firing_rates": 500})
    n_probes = len(converter.net.probes)
    table = compare_layers(converter, images(4))
    assert [row.layer for row in table.rows] == [
        "conv",
        "norm",
        "pool",
        "inner",
        "dense",
    ]
    assert all(row.error < 0.1 for row in table.rows)
    rates = [row.rate is not None for row in table.rows]
    assert rates == [True, False, False, True, False]
    assert len(converter.net.probes) == n_probes
    assert "conv" in str(table)
    # a layer that is wrong stands out
    wrong = Converter(model, **{**OPTIONS, "scale_firing_rates": 500})
    norm = wrong.layers[model.layers[2]]
    with wrong.net:
        nengo.Connection(nengo.Node([1]), norm, transform=np.ones((norm.size_in, 1)))
    errors = [row.error for row in compare_layers(wrong, images(4)).rows]
    assert errors[0] < 0.1 < errors[1]


def test_average_longer_than_the_run_is_refused():
    converter = Converter(functional(layers.ReLU()))
    with pytest.raises(ValidationError, match="average: must be at most n_steps"):
        compare_layers(converter, images(2), n_steps=10, average=20)
