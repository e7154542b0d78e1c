"""Operators that compute whole circuits, in Nengo and in NengoDL."""

from itertools import product

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
CIRCUITS = mpc.WinnerTakeAll, mpc.SharedResetMax, mpc.PairwiseReLU
each_circuit = pytest.mark.parametrize("circuit", CIRCUITS)
each_options = pytest.mark.parametrize(
    "options",
    [{}, {"input_synapse": 0.004, "max_rate": 130, "input_range": (-1, 1)}],
    ids=["default", "options"],
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
@each_options
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


def dl_model_of(nengo_dl, pools, planner=None):
    """Make a network of inputs and, for each pool, spiking neurons and a circuit.

    Compiling takes longer than running, so that many pools share a simulation.
    """
    planner = planner or nengo_dl.graph_optimizer.noop_planner
    with nengo.Network(seed=2) as model:
        nengo_dl.configure_settings(planner=planner, trainable=None)
        inputs = nengo.Node(np.zeros(max(windows.n_inputs for _, windows, _ in pools)))
        made, probes = [], []
        for circuit, windows, options in pools:
            n_inputs = windows.n_inputs
            spikes = nengo.Ensemble(
                n_inputs,
                1,
                gain=np.full(n_inputs, 250.0),
                bias=np.zeros(n_inputs),
                neuron_type=nengo.SpikingRectifiedLinear(amplitude=0.0041234),
            )
            made.append(circuit(windows, **options))
            with made[-1]:
                nengo_dl.configure_settings(trainable=False)
            ones = np.ones(n_inputs)
            nengo.Connection(
                inputs[:n_inputs], spikes.neurons, transform=ones, synapse=None
            )
            nengo.Connection(spikes.neurons, made[-1].input, synapse=None)
            probes.append(nengo.Probe(made[-1].output))
    return model, inputs, made, probes


def shown(made, n_items=2, n_steps=30):
    """Inputs of all time steps, another one for each item of a minibatch."""
    values = np.random.RandomState(1).uniform(size=(n_items, 1, made[1].size_out))
    return np.tile(values, (1, n_steps, 1))


def run(simulator, made, data):
    """Run on inputs: outputs of these steps, of each pool."""
    _, inputs, _, probes = made
    simulator.run_steps(data.shape[1], data={inputs: data})
    return [simulator.data[probe][:, -data.shape[1] :] for probe in probes]


EDGES = WINDOWS["smaller at edges"]
#: How the members of windows are found has a test below.
SEVERAL = EDGES, WINDOWS["overlapping"], WINDOWS["ragged"]
IN_NENGO_DL = [
    *product((*CIRCUITS, mpc.ExactMax), SEVERAL, [{}]),
    (mpc.WinnerTakeAll, WINDOWS["overlapping"], {"readout": 0.02}),
    *(
        (circuit, EDGES, {"input_synapse": synapse, "decoders": None})
        for circuit, synapse in zip(CIRCUITS, [0.004, nengo.Alpha(0.002), 0.004])
    ),
]


def test_nengo_dl_has_the_spikes_of_the_circuits(nengo_dl, native):
    made = dl_model_of(nengo_dl, IN_NENGO_DL)
    data = shown(made, n_steps=40)
    # who lost wins, and membranes leave their floors
    data = np.concatenate([data, 1 - data], axis=1)
    with nengo_dl.Simulator(made[0], minibatch_size=2, progress_bar=False) as sim:
        # exact pools have other ones, and comparators that windows share have none, nor
        # have units that know the readout
        assert len(operators_in(sim)) == len(IN_NENGO_DL) - len(SEVERAL) - 2
        found = run(sim, made, data)
    native()
    for item, values in enumerate(data):
        made[1].output = nengo.processes.PresentInput(values, 0.001)
        with nengo.Simulator(made[0], progress_bar=False) as sim:
            sim.run_steps(len(values))
        for pool, outputs, probe in zip(IN_NENGO_DL, found, made[3]):
            expected = sim.data[probe]
            assert expected.any()
            # spikes are larger by far than rounding
            np.testing.assert_allclose(
                outputs[item], expected, rtol=1e-3, atol=1e-3, err_msg=str(pool)
            )


def test_nengo_dl_goes_on_and_starts_again(nengo_dl):
    planner = nengo_dl.graph_optimizer.tree_planner
    pools = [(circuit, EDGES, {"decoders": None}) for circuit in CIRCUITS]
    made = dl_model_of(nengo_dl, pools, planner)
    data = shown(made)
    with nengo_dl.Simulator(made[0], minibatch_size=2, progress_bar=False) as sim:
        assert operators_in(sim)
        whole = run(sim, made, data)
        sim.reset()
        parts = [run(sim, made, part) for part in (data[:, :11], data[:, 11:])]
        for first, second, expected in zip(*parts, whole):
            both = np.concatenate([first, second], axis=1)
            np.testing.assert_allclose(both, expected, atol=1e-5)
        sim.reset()
        sim.run_steps(11, data={made[1]: data[:, :11]}, stateful=False)
        for again, expected in zip(run(sim, made, data), whole):
            np.testing.assert_allclose(again, expected, atol=1e-5)


def test_nengo_dl_trains_as_the_circuits(nengo_dl):
    import tensorflow as tf

    pools = list(product(CIRCUITS, [EDGES, WINDOWS["global"]], [{}]))
    made = dl_model_of(nengo_dl, pools)
    model, inputs, _, probes = made
    data = shown(made, n_steps=3)
    targets = {probe: np.zeros((2, 3, probe.size_in)) for probe in probes}
    weights = [each for each in model.connections if each.pre_obj is inputs]
    gradients = []
    tf.config.run_functions_eagerly(True)  # which takes less than to compile
    for allowed in (True, False):
        nengo.rc.set("maxpool_circuits", "operators", str(allowed))
        with nengo_dl.Simulator(model, minibatch_size=2, progress_bar=False) as sim:
            assert len(operators_in(sim)) == allowed * len(pools)
            sim.compile(tf.optimizers.SGD(0.1), loss="mse")
            sim.fit({inputs: data}, targets, epochs=1, verbose=0)
            gradients.append([sim.data[each].weights for each in weights])
    tf.config.run_functions_eagerly(False)
    for ours, theirs in zip(*gradients):
        assert np.ptp(ours) > 1e-4
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_nengo_dl_leaves_a_circuit_with_a_probe_inside_as_it_is(nengo_dl):
    made = dl_model_of(nengo_dl, [(mpc.WinnerTakeAll, WINDOWS["tiles"], {})])
    with made[0]:
        probe = nengo.Probe(made[2][0].units.neurons)
    with nengo_dl.Simulator(made[0], progress_bar=False) as sim:
        assert not operators_in(sim)
        run(sim, made, shown(made, n_items=1))
        assert sim.data[probe].any()


def test_pools_of_converted_networks_have_an_operator(nengo_dl):
    import tensorflow as tf

    from maxpool_circuits.nengo_dl import Converter

    image = tf.keras.Input((9, 9, 1))
    x = tf.keras.layers.Conv2D(3, 3, activation="relu")(image)
    first, second = tf.keras.layers.MaxPool2D(3, 2, "same"), tf.keras.layers.MaxPool2D()
    x = second(tf.keras.layers.ReLU()(first(x)))
    converter = Converter(
        tf.keras.Model(image, x),
        swap_activations={"relu": mpc.IntegrateAndFire()},
        scale_firing_rates=100,
        synapse=0.005,
        max_pool={first: "winner-take-all", second: "pairwise-relu"},
        inference_only=True,
    )
    with nengo_dl.Simulator(converter.net, progress_bar=False) as sim:
        assert len(operators_in(sim)) == 2


def test_exact_maximum_in_nengo_dl_without_operators(nengo_dl, native):
    native()
    windows = WINDOWS["ragged"]
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
