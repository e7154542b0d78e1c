"""Operators that compute whole circuits, in NengoDL."""

import nengo
import numpy as np
import pytest

import maxpool_circuits as mpc

try:
    from maxpool_circuits.nengo_dl import Converter
except ImportError as error:
    pytest.skip(str(error), allow_module_level=True)

import nengo_dl
import tensorflow as tf
from nengo_dl.graph_optimizer import noop_planner, tree_planner

from maxpool_circuits.nengo_dl.members import maxima, members_of
from maxpool_circuits.nengo_dl.operators import TENSORS

W = mpc.PoolWindows
WINDOWS = {
    "tiles": W((5, 4, 3), 2),
    "channels first": W((3, 4, 5), 2, channels_last=False),
    "overlapping": W((7, 7, 2), 3, 2),
    "overlapping, smaller at edges": W((6, 7, 2), 3, 2, "same"),
    "smaller at edges": W((8, 7, 2), 3, padding="same"),
    "global": W.global_pooling((3, 3, 2)),
    "ragged": W.from_indices([[0], [1, 2, 3, 4, 5], [2, 3], [5]], n_inputs=6),
}
OTHER_WINDOWS = {
    "independent": W.independent(n_pools=3, window_size=4),
    "1-D": W((7, 2), 3, 2, "same"),
    "3-D": W((4, 5, 3, 2), 2, 1),
    "3-D tiles": W((4, 5, 3, 2), 2),
    "far apart": W((11, 2), 2, 5, "same"),
    "larger than the input": W((2, 3, 1), 4, 2, "same"),
    "padded as in ResNet": W((8, 8, 2), 3, 2, padding=1),
    "padded on one side": W((6, 6, 2), 2, 1, padding=((1, 0), (0, 1))),
    "ceil mode": W((6, 7, 2), 3, 2, ceil_mode=True),
    "dilated": W((7, 8, 2), 2, 1, dilation=2),
    "dilated and padded": W((2, 7, 8), 3, 2, 1, (2, 1), channels_last=False),
    "adaptive": W.adaptive((7, 6, 2), (3, 4)),
    "over channels": W.over_channels((2, 2, 6), 3),
    "over channels first": W.over_channels((6, 2, 2), 3, channels_last=False),
    "flat": W((9,), 2),
}
OVERLAPPING = [WINDOWS["overlapping"], WINDOWS["overlapping, smaller at edges"]]
each_circuit = pytest.mark.parametrize("circuit", [mpc.WinnerTakeAll, mpc.PairwiseReLU])
pytestmark = pytest.mark.filterwarnings("ignore:Number of elements")


@pytest.fixture(autouse=True)
def setting():
    """Leave the setting as it was."""
    yield
    nengo.rc.remove_option("maxpool_circuits", "operators")


def use_operators(allowed):
    """Allow operators, or not."""
    nengo.rc.set("maxpool_circuits", "operators", str(allowed))


def model_of(circuit, windows, planner=noop_planner, **options):
    """Make a network of inputs, spiking neurons and a circuit."""
    n_inputs = windows.n_inputs
    with nengo.Network(seed=2) as model:
        nengo_dl.configure_settings(planner=planner)
        inputs = nengo.Node(np.zeros(n_inputs))
        spikes = nengo.Ensemble(
            n_inputs,
            1,
            gain=np.full(n_inputs, 250.0),
            bias=np.zeros(n_inputs),
            # of an uneven worth, so that thresholds are not met exactly
            neuron_type=nengo.SpikingRectifiedLinear(amplitude=0.0041234),
        )
        pool = circuit(windows, **options)
        nengo.Connection(
            inputs, spikes.neurons, transform=np.ones(n_inputs), synapse=None
        )
        nengo.Connection(spikes.neurons, pool.input, synapse=None)
        probe = nengo.Probe(pool.output)
    return model, inputs, pool, probe


def operators_in(simulator):
    """Operators of a simulator that compute whole circuits."""
    operators = [each for plan in simulator.tensor_graph.plan for each in plan]
    return [each for each in operators if type(each) in TENSORS.values()]


def shown(windows, n_items=2, n_steps=30):
    """Inputs of all time steps, another one for each item of a minibatch."""
    values = np.random.RandomState(1).uniform(size=(n_items, 1, windows.n_inputs))
    return np.tile(values, (1, n_steps, 1))


def run(simulator, made, data):
    """Run on inputs: outputs of these steps."""
    _, inputs, _, probe = made
    simulator.run_steps(data.shape[1], data={inputs: data})
    return simulator.data[probe][:, -data.shape[1] :]


@each_circuit
@pytest.mark.parametrize("windows", WINDOWS.values(), ids=list(WINDOWS))
def test_operator_has_the_spikes_of_the_circuit(circuit, windows):
    # comparators that windows share are left as they are
    shares = circuit is mpc.PairwiseReLU and windows in OVERLAPPING
    outputs = []
    for allowed in (True, False):
        use_operators(allowed)
        made = model_of(circuit, windows)
        with nengo_dl.Simulator(made[0], minibatch_size=2, progress_bar=False) as sim:
            assert len(operators_in(sim)) == (allowed and not shares)
            outputs.append(run(sim, made, shown(windows)))
    assert outputs[1].any()
    np.testing.assert_allclose(*outputs, rtol=1e-4, atol=1e-4)


@each_circuit
@pytest.mark.parametrize("synapse", [nengo.Alpha(0.002), 0.004])
def test_operator_behind_an_input_synapse(circuit, synapse):
    windows, outputs = WINDOWS["smaller at edges"], []
    for allowed in (True, False):
        use_operators(allowed)
        options = {"input_synapse": synapse, "decoders": None}
        made = model_of(circuit, windows, **options)
        with nengo_dl.Simulator(made[0], minibatch_size=2, progress_bar=False) as sim:
            assert len(operators_in(sim)) == allowed
            outputs.append(run(sim, made, shown(windows)))
    # spikes are worth far more
    np.testing.assert_allclose(*outputs, rtol=1e-3, atol=1e-3)


@each_circuit
def test_state_goes_on_and_starts_again(circuit):
    windows = WINDOWS["smaller at edges"]
    made = model_of(circuit, windows, planner=tree_planner, decoders=None)
    data = shown(windows)
    with nengo_dl.Simulator(made[0], minibatch_size=2, progress_bar=False) as sim:
        assert operators_in(sim)
        whole = run(sim, made, data)
        sim.reset()
        parts = [run(sim, made, part) for part in (data[:, :11], data[:, 11:])]
        np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-5)
        sim.reset()
        sim.run_steps(11, data={made[1]: data[:, :11]}, stateful=False)
        np.testing.assert_allclose(run(sim, made, data), whole, atol=1e-5)


@each_circuit
@pytest.mark.parametrize("windows", [WINDOWS["smaller at edges"], WINDOWS["global"]])
def test_training_is_that_of_the_circuit(circuit, windows):
    made = model_of(circuit, windows)
    with made[2]:
        nengo_dl.configure_settings(trainable=False)
    data = shown(windows, n_steps=3)
    gradients = []
    for allowed in (True, False):
        use_operators(allowed)
        with nengo_dl.Simulator(made[0], minibatch_size=2, progress_bar=False) as sim:
            assert len(operators_in(sim)) == allowed
            sim.compile(tf.optimizers.SGD(0.1), loss="mse")
            targets = np.zeros((2, 3, windows.n_pools))
            sim.fit({made[1]: data}, {made[3]: targets}, epochs=1, verbose=0)
            gradients.append(sim.data[made[0].connections[0]].weights)
    assert np.ptp(gradients[0]) > 1e-4
    np.testing.assert_allclose(*gradients, rtol=1e-4, atol=1e-5)


def test_a_probe_inside_leaves_the_circuit_as_it_is():
    made = model_of(mpc.WinnerTakeAll, WINDOWS["tiles"])
    with made[0]:
        probe = nengo.Probe(made[2].units.neurons)
    with nengo_dl.Simulator(made[0], progress_bar=False) as sim:
        assert not operators_in(sim)
        run(sim, made, shown(WINDOWS["tiles"], n_items=1))
        assert sim.data[probe].any()


@pytest.mark.parametrize(
    "pool, strides", [("winner-take-all", 2), ("pairwise-relu", 3)]
)
def test_pools_of_converted_networks_are_recognised(pool, strides):
    image = tf.keras.Input((9, 9, 1))
    x = tf.keras.layers.Conv2D(3, 3, activation="relu")(image)
    x = tf.keras.layers.MaxPool2D(3, strides, "same")(x)
    x = tf.keras.layers.MaxPool2D(2)(tf.keras.layers.ReLU()(x))
    converter = Converter(
        tf.keras.Model(image, x),
        swap_activations={"relu": mpc.IntegrateAndFire()},
        scale_firing_rates=100,
        synapse=0.005,
        max_pool=pool,
        inference_only=True,
    )
    with nengo_dl.Simulator(converter.net, progress_bar=False) as sim:
        assert len(operators_in(sim)) == 2


@pytest.mark.parametrize(
    "windows",
    [*WINDOWS.values(), *OTHER_WINDOWS.values()],
    ids=[*WINDOWS, *OTHER_WINDOWS],
)
def test_members_are_those_of_the_windows(windows):
    x = np.random.RandomState(0).uniform(-2, -1, (3, windows.n_inputs))
    members = members_of(windows)
    found = [each.numpy() for each in members(tf.constant(x))]
    padded = np.append(x, np.zeros((3, 1)), axis=1)
    np.testing.assert_array_equal(found, np.moveaxis(padded[:, members.columns], 1, 0))
    for columns, indices in zip(members.columns.T, windows.indices):
        there = columns[columns < windows.n_inputs]
        assert sorted(there) == sorted(indices[indices >= 0])
    np.testing.assert_array_equal(maxima(tf.constant(x), windows), windows.max(x))
