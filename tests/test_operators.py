"""Operators that compute whole circuits, in Nengo and in NengoDL."""

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.operators.pairwise_relu import PairwiseReLUStep
from maxpool_circuits.operators.shared_reset import SharedResetStep

W = mpc.PoolWindows
WINDOWS = {
    "independent": W.independent(n_pools=5, window_size=4),
    "odd": W.independent(n_pools=5, window_size=7),
    "tiles": W((5, 4, 3), 2),
    "channels first": W((3, 4, 5), 2, channels_last=False),
    "overlapping": W((7, 7, 2), 3, 2),
    "overlapping, smaller at edges": W((6, 7, 2), 3, 2, "same"),
    "smaller at edges": W((8, 7, 2), 3, padding="same"),
    "single at edges": W((5, 2), 2, padding="same"),
    "global": W.global_pooling((3, 3, 2)),
    "ragged": W.from_indices([[0], [1, 2, 3, 4, 5], [2, 3], [5]], n_inputs=6),
}
OTHER_WINDOWS = {
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
each_window = pytest.mark.parametrize("windows", WINDOWS.values(), ids=list(WINDOWS))
each_circuit = pytest.mark.parametrize(
    "circuit", [mpc.WinnerTakeAll, mpc.SharedResetMax, mpc.PairwiseReLU]
)
pytestmark = pytest.mark.filterwarnings(
    "ignore:no tuned decoders", "ignore:Number of elements"
)


@pytest.fixture
def native():
    """Function that switches operators off."""
    return lambda: nengo.rc.set("maxpool_circuits", "operators", "False")


@pytest.fixture(autouse=True)
def setting():
    """Leave the setting as it was."""
    yield
    nengo.rc.remove_option("maxpool_circuits", "operators")


def model_of(circuit, windows, change=lambda pool: None, **options):
    """Make a network of spiking inputs and a circuit: (network, circuit, probe)."""
    rng = np.random.RandomState(1)
    with nengo.Network(seed=2) as model:
        # of an uneven amplitude, so that thresholds are not met exactly
        spikes = nengo.Ensemble(
            windows.n_inputs,
            1,
            gain=np.full(windows.n_inputs, 250.0),
            bias=250 * rng.uniform(size=windows.n_inputs),
            neuron_type=nengo.SpikingRectifiedLinear(amplitude=0.0041234),
        )
        pool = circuit(windows, **options)
        nengo.Connection(spikes.neurons, pool.input, synapse=None)
        probe = nengo.Probe(pool.output)
        change(pool)
    return model, pool, probe


def is_ours(operator):
    """Whether an operator, also of NengoDL, computes a whole circuit."""
    steps = PairwiseReLUStep, SharedResetStep
    names = "step_pairwise_relu", "step_shared_reset"
    return isinstance(operator, steps) or operator.tag in names


def operators_in(simulator):
    """Operators of a simulator that compute whole circuits."""
    if hasattr(simulator, "tensor_graph"):
        operators = [each for plan in simulator.tensor_graph.plan for each in plan]
    else:
        operators = simulator.model.operators
    return [each for each in operators if is_ours(each)]


def simulate(made, n_steps=150, Simulator=nengo.Simulator):
    """Run a model: outputs, and how many operators computed circuits."""
    model, _, probe = made
    with Simulator(model, progress_bar=False) as simulator:
        simulator.run_steps(n_steps)
        return simulator.data[probe], len(operators_in(simulator))


# --- same spikes ----------------------------------------------------------------------


@each_circuit
@each_window
@pytest.mark.parametrize(
    "options",
    [{}, {"input_synapse": 0.004, "max_rate": 130, "input_range": (-1, 1)}],
    ids=["default", "options"],
)
def test_operator_has_the_spikes_of_the_circuit(circuit, windows, options, native):
    outputs, n_operators = simulate(model_of(circuit, windows, **options))
    native()
    expected, n_native = simulate(model_of(circuit, windows, **options))
    # comparators that windows share are left as they are
    shares = circuit is mpc.PairwiseReLU and windows in OVERLAPPING
    assert (n_operators, n_native) == (not shares, 0)
    assert expected.any()
    np.testing.assert_allclose(outputs, expected, rtol=1e-9, atol=1e-9)


def test_amplitude_and_tuned_decoders_of_units(native):
    sizes = WINDOWS["odd"].sizes
    neuron_type = mpc.AboveMean(sizes[sizes > 1], -2.3, 0.002, amplitude=0.7)
    options = {"neuron_type": neuron_type, "max_rate": 250}
    setup = mpc.WinnerTakeAll(WINDOWS["odd"], decoders=None, **options).setup
    tuned = mpc.TunedDecoders(setup, {"unit": [[-0.35]]}, {})
    made = model_of(mpc.WinnerTakeAll, WINDOWS["odd"], decoders=tuned, **options)
    outputs, n_operators = simulate(made)
    native()
    expected, _ = simulate(made)
    assert n_operators == 1 and expected.any()
    np.testing.assert_allclose(outputs, expected, rtol=1e-9, atol=1e-9)


def test_other_networks_around_it_get_and_give_values(native):
    def change(pool):
        # its input and output may be used by others too
        other = nengo.Node(size_in=pool.input.size_out)
        nengo.Connection(pool.input, other, synapse=None)
        nengo.Connection(
            nengo.Node(0.25),
            pool.output,
            transform=np.ones((pool.output.size_in, 1)),
            synapse=None,
        )

    made = model_of(mpc.WinnerTakeAll, WINDOWS["tiles"], change)
    outputs, n_operators = simulate(made)
    native()
    expected, _ = simulate(made)
    assert n_operators == 1
    np.testing.assert_allclose(outputs, expected, rtol=1e-9, atol=1e-9)


@each_circuit
def test_reset_starts_again(circuit):
    model, pool, probe = model_of(circuit, WINDOWS["tiles"])
    with nengo.Simulator(model, progress_bar=False) as simulator:
        simulator.run_steps(50)
        first = simulator.data[probe].copy()
        simulator.reset()
        simulator.run_steps(50)
        np.testing.assert_array_equal(simulator.data[probe], first)
        # what was built of native objects can still be looked at
        assert simulator.data[pool.all_ensembles[0]].gain.any()


# --- when there is none ---------------------------------------------------------------


def units_of(pool):
    """Neurons of a circuit."""
    return pool.all_ensembles[0].neurons


def connection_of(pool):
    """The connection from the input to the output, or to the first neurons."""
    return pool.connections[0]


def drive(pool):
    """Let a node add to the input of units."""
    nengo.Connection(
        nengo.Node(0.1), units_of(pool), transform=np.ones((units_of(pool).size_in, 1))
    )


def drive_inside(pool):
    """Let a node of the circuit add to the input of units."""
    with pool:
        drive(pool)


CHANGES = {
    "probe": lambda pool: nengo.Probe(units_of(pool)),
    "probed voltage": lambda pool: nengo.Probe(units_of(pool), "voltage"),
    "probed connection": lambda pool: nengo.Probe(connection_of(pool)),
    "probe inside": lambda pool: pool.probes.append(
        nengo.Probe(pool.output, add_to_container=False)
    ),
    "read": lambda pool: nengo.Connection(
        units_of(pool), nengo.Node(size_in=units_of(pool).size_out)
    ),
    "driven": drive,
    "node inside": drive_inside,
    "noise": lambda pool: setattr(
        pool.all_ensembles[0], "noise", nengo.processes.WhiteNoise(seed=0)
    ),
    "bias": lambda pool: setattr(
        pool.all_ensembles[0], "bias", np.ones(units_of(pool).size_in)
    ),
    "other neurons": lambda pool: setattr(
        pool.all_ensembles[0], "neuron_type", nengo.SpikingRectifiedLinear()
    ),
    "synapse": lambda pool: setattr(connection_of(pool), "synapse", 0.02),
    "weights": lambda pool: setattr(
        connection_of(pool),
        "transform",
        nengo.Sparse(
            connection_of(pool).transform.shape,
            init=1.001 * connection_of(pool).transform.init,
        ),
    ),
    "faults": lambda pool: mpc.let_fail(pool, dead=0.5),
}


@each_circuit
@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_anything_unusual_leaves_the_circuit_as_it_is(circuit, change, native):
    windows = WINDOWS["tiles"]
    outputs, n_operators = simulate(model_of(circuit, windows, change), n_steps=20)
    native()
    expected, _ = simulate(model_of(circuit, windows, change), n_steps=20)
    assert n_operators == 0
    np.testing.assert_array_equal(outputs, expected)


class OwnClass(mpc.WinnerTakeAll):
    """Whose author may compute something else."""


@pytest.mark.parametrize(
    "circuit, options",
    [
        (mpc.WinnerTakeAll, {"n_neurons": 2}),
        (mpc.PairwiseReLU, {"neuron_type": nengo.LIF()}),
        (mpc.WinnerTakeAll, {"synapse": 0.002}),
        (mpc.PairwiseReLU, {"synapse": 0.002}),
        (mpc.WinnerTakeAll, {"input_synapse": nengo.Triangle(0.005)}),
        (OwnClass, {}),
    ],
    ids=str,
)
def test_other_setups_have_no_operator(circuit, options):
    options = {"decoders": None, **options}
    assert simulate(model_of(circuit, WINDOWS["tiles"], **options), 2)[1] == 0


def test_no_pools_of_two_have_no_operator():
    assert simulate(model_of(mpc.WinnerTakeAll, W.independent(3, 1)), 2)[1] == 0


def test_circuit_can_be_the_whole_network():
    pool = mpc.WinnerTakeAll(WINDOWS["tiles"])
    with nengo.Simulator(pool, progress_bar=False) as simulator:
        simulator.step()
        assert len(operators_in(simulator)) == 1


def test_setting_must_be_true_or_false():
    nengo.rc.set("maxpool_circuits", "operators", "perhaps")
    with pytest.raises(ValidationError, match="true or false.*perhaps"):
        simulate(model_of(mpc.WinnerTakeAll, WINDOWS["tiles"]))


# --- other backends -------------------------------------------------------------------


def modules_of(model):
    """Packages that the operators of a built model are from."""
    return {type(each).__module__.split(".")[0] for each in model.operators}


@pytest.mark.parametrize("circuit", mpc.circuits())
def test_other_backends_get_native_objects(circuit, native):
    """NengoOCL builds a `Model` of Nengo's itself, and takes operators by name."""
    made = model_of(mpc.circuits()[circuit], WINDOWS["tiles"])
    model = nengo.builder.Model()
    model.build(made[0])
    assert modules_of(model) == {"nengo"}
    native()
    with nengo.Simulator(made[0], progress_bar=False) as simulator:
        assert modules_of(simulator.model) == {"nengo"}


# --- NengoDL --------------------------------------------------------------------------


@pytest.fixture
def nengo_dl():
    """NengoDL, with our operators."""
    try:
        import maxpool_circuits.nengo_dl  # noqa: F401
    except ImportError as error:
        pytest.skip(str(error))
    import nengo_dl

    return nengo_dl


def dl_model_of(nengo_dl, circuit, windows, planner=None, **options):
    """Make a network of inputs, spiking neurons and a circuit."""
    n_inputs = windows.n_inputs
    with nengo.Network(seed=2) as model:
        planner = planner or nengo_dl.graph_optimizer.noop_planner
        nengo_dl.configure_settings(planner=planner)
        inputs = nengo.Node(np.zeros(n_inputs))
        spikes = nengo.Ensemble(
            n_inputs,
            1,
            gain=np.full(n_inputs, 250.0),
            bias=np.zeros(n_inputs),
            neuron_type=nengo.SpikingRectifiedLinear(amplitude=0.0041234),
        )
        pool = circuit(windows, **options)
        nengo.Connection(
            inputs, spikes.neurons, transform=np.ones(n_inputs), synapse=None
        )
        nengo.Connection(spikes.neurons, pool.input, synapse=None)
        probe = nengo.Probe(pool.output)
    return model, inputs, pool, probe


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
@pytest.mark.parametrize(
    "windows", [w for name, w in WINDOWS.items() if name not in ("independent", "odd")]
)
def test_nengo_dl_has_the_spikes_of_the_circuit(circuit, windows, nengo_dl):
    shares = circuit is mpc.PairwiseReLU and windows in OVERLAPPING
    outputs = []
    for allowed in (True, False):
        nengo.rc.set("maxpool_circuits", "operators", str(allowed))
        made = dl_model_of(nengo_dl, circuit, windows)
        with nengo_dl.Simulator(made[0], minibatch_size=2, progress_bar=False) as sim:
            assert len(operators_in(sim)) == (allowed and not shares)
            outputs.append(run(sim, made, shown(windows)))
    assert outputs[1].any()
    np.testing.assert_allclose(*outputs, rtol=1e-4, atol=1e-4)


@each_circuit
@pytest.mark.parametrize("synapse", [nengo.Alpha(0.002), 0.004])
def test_nengo_dl_behind_an_input_synapse(circuit, synapse, nengo_dl):
    windows, outputs = WINDOWS["smaller at edges"], []
    for allowed in (True, False):
        nengo.rc.set("maxpool_circuits", "operators", str(allowed))
        options = {"input_synapse": synapse, "decoders": None}
        made = dl_model_of(nengo_dl, circuit, windows, **options)
        with nengo_dl.Simulator(made[0], minibatch_size=2, progress_bar=False) as sim:
            assert len(operators_in(sim)) == allowed
            outputs.append(run(sim, made, shown(windows)))
    # spikes are larger by far
    np.testing.assert_allclose(*outputs, rtol=1e-3, atol=1e-3)


@each_circuit
def test_nengo_dl_goes_on_and_starts_again(circuit, nengo_dl):
    windows = WINDOWS["smaller at edges"]
    planner = nengo_dl.graph_optimizer.tree_planner
    made = dl_model_of(nengo_dl, circuit, windows, planner, decoders=None)
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
def test_nengo_dl_trains_as_the_circuit(circuit, windows, nengo_dl):
    import tensorflow as tf

    made = dl_model_of(nengo_dl, circuit, windows)
    with made[2]:
        nengo_dl.configure_settings(trainable=False)
    data = shown(windows, n_steps=3)
    gradients = []
    for allowed in (True, False):
        nengo.rc.set("maxpool_circuits", "operators", str(allowed))
        with nengo_dl.Simulator(made[0], minibatch_size=2, progress_bar=False) as sim:
            assert len(operators_in(sim)) == allowed
            sim.compile(tf.optimizers.SGD(0.1), loss="mse")
            targets = np.zeros((2, 3, windows.n_pools))
            sim.fit({made[1]: data}, {made[3]: targets}, epochs=1, verbose=0)
            gradients.append(sim.data[made[0].connections[0]].weights)
    assert np.ptp(gradients[0]) > 1e-4
    np.testing.assert_allclose(*gradients, rtol=1e-4, atol=1e-5)


def test_nengo_dl_has_units_that_know_the_readout(nengo_dl):
    windows = WINDOWS["overlapping"]
    made = dl_model_of(nengo_dl, mpc.WinnerTakeAll, windows, readout=0.02)
    data = shown(windows, n_items=1, n_steps=60)
    with nengo_dl.Simulator(made[0], minibatch_size=1, progress_bar=False) as sim:
        outputs = run(sim, made, data)[0]
    made[1].output = data[0, 0]
    expected, _ = simulate((made[0], made[2], made[3]), len(outputs))
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)


def test_nengo_dl_leaves_a_circuit_with_a_probe_inside_as_it_is(nengo_dl):
    made = dl_model_of(nengo_dl, mpc.WinnerTakeAll, WINDOWS["tiles"])
    with made[0]:
        probe = nengo.Probe(made[2].units.neurons)
    with nengo_dl.Simulator(made[0], progress_bar=False) as sim:
        assert not operators_in(sim)
        run(sim, made, shown(WINDOWS["tiles"], n_items=1))
        assert sim.data[probe].any()


@pytest.mark.parametrize(
    "pool, strides", [("winner-take-all", 2), ("pairwise-relu", 3)]
)
def test_pools_of_converted_networks_have_an_operator(pool, strides, nengo_dl):
    import tensorflow as tf

    from maxpool_circuits.nengo_dl import Converter

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


@pytest.mark.parametrize("allowed", [True, False])
@pytest.mark.parametrize("windows", [WINDOWS["overlapping"], WINDOWS["ragged"]])
def test_exact_maximum_in_nengo_dl(windows, allowed, nengo_dl):
    nengo.rc.set("maxpool_circuits", "operators", str(allowed))
    x = np.random.RandomState(0).uniform(-2, -1, windows.n_inputs)
    with nengo.Network() as model:
        pool = mpc.ExactMax(windows)
        nengo.Connection(nengo.Node(x), pool.input, synapse=None)
        probe = nengo.Probe(pool.output)
    with nengo_dl.Simulator(model, progress_bar=False) as sim:
        sim.run_steps(2)
    np.testing.assert_allclose(sim.data[probe][-1], windows.max(x), rtol=1e-6)


@pytest.mark.parametrize(
    "windows",
    [*WINDOWS.values(), *OTHER_WINDOWS.values()],
    ids=[*WINDOWS, *OTHER_WINDOWS],
)
def test_members_are_those_of_the_windows(windows, nengo_dl):
    import tensorflow as tf

    from maxpool_circuits.nengo_dl.members import maxima, members_of

    x = np.random.RandomState(0).uniform(-2, -1, (3, windows.n_inputs))
    members = members_of(windows)
    found = [each.numpy() for each in members(tf.constant(x))]
    padded = np.append(x, np.zeros((3, 1)), axis=1)
    np.testing.assert_array_equal(found, np.moveaxis(padded[:, members.columns], 1, 0))
    for columns, indices in zip(members.columns.T, windows.indices):
        there = columns[columns < windows.n_inputs]
        assert sorted(there) == sorted(indices[indices >= 0])
    np.testing.assert_array_equal(maxima(tf.constant(x), windows), windows.max(x))
