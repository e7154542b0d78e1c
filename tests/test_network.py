"""What circuits are made of: neurons, wiring, the transform, faults."""

import copy
import math
import pickle
import warnings

import nengo
import numpy as np
import pytest
import scipy.sparse
from nengo.cache import Fingerprint
from nengo.exceptions import BuildError, ReadonlyError, ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.network.populations import PopulationArray, rectifier
from maxpool_circuits.network.sparse import replicate, selection
from maxpool_circuits.network.transform import MaxPool
from maxpool_circuits.network.windows import PoolWindows
from maxpool_circuits.network.wiring import Wiring

pytestmark = pytest.mark.filterwarnings("ignore:no tuned decoders")
DT = 0.001
FLOORS = [0, -0.25, -1, -4, -np.inf]


def reference(currents, voltages, min_voltage, dt=DT, amplitude=1):
    """Spikes of neurons with (n_steps, n_neurons) currents, one at a time."""
    spikes = np.zeros_like(currents)
    voltages = list(voltages)
    for step, row in enumerate(currents):
        for i, current in enumerate(row):
            v = max(voltages[i] + current * dt, min_voltage)
            n_spikes = max(math.floor(v), 0)
            voltages[i] = v - n_spikes
            spikes[step, i] = n_spikes * amplitude / dt
    return spikes, np.array(voltages)


def simulate_neurons(Simulator, neuron_type, currents, dt=DT):
    """Run one neuron for each column of (n_steps, n_neurons) currents.

    Returns
    -------
    spikes, voltages : (n_steps, n_neurons) array
    """
    n_neurons = currents.shape[1]
    with nengo.Network(seed=0) as model:
        neurons = nengo.Ensemble(
            n_neurons,
            dimensions=1,
            neuron_type=neuron_type,
            gain=np.ones(n_neurons),
            bias=np.zeros(n_neurons),
        ).neurons
        source = nengo.Node(nengo.processes.PresentInput(currents, dt))
        nengo.Connection(source, neurons, synapse=None)
        probes = [nengo.Probe(neurons), nengo.Probe(neurons, "voltage")]
    with Simulator(model, dt=dt) as sim:
        sim.run_steps(len(currents))
    return [sim.data[probe] for probe in probes]


def constant(*currents, n_steps=1000):
    """Currents that do not change, one neuron each."""
    return np.tile(np.array(currents, dtype=float), (n_steps, 1))


# --- neurons: steps -------------------------------------------------------------------


@pytest.mark.parametrize("dt", [0.0005, 0.001, 0.004])
@pytest.mark.parametrize("min_voltage", FLOORS)
def test_every_step_equals_the_reference(min_voltage, dt):
    rng = np.random.RandomState(0)
    # up to several spikes per step, and far below the floor
    currents = rng.normal(100, 1500, size=(200, 30))
    voltage = rng.uniform(size=30)
    expected, final_voltage = reference(currents, voltage, min_voltage, dt, amplitude=3)
    assert expected.max() >= 2 * 3 / dt

    neuron_type = mpc.IntegrateAndFire(min_voltage=min_voltage, amplitude=3)
    output = np.empty_like(voltage)
    for step, current in enumerate(currents):
        neuron_type.step(dt, current, output, voltage=voltage)
        np.testing.assert_allclose(output, expected[step])
    np.testing.assert_allclose(voltage, final_voltage, atol=1e-9)


@pytest.mark.parametrize("min_voltage", FLOORS)
def test_simulation_equals_the_reference(min_voltage, Simulator):
    currents = np.random.RandomState(1).normal(0, 400, size=(300, 10))
    start = np.linspace(0, 0.9, 10)
    neuron_type = mpc.IntegrateAndFire(
        min_voltage, initial_state={"voltage": nengo.dists.Samples(start)}
    )
    spikes, voltages = simulate_neurons(Simulator, neuron_type, currents)
    expected, final_voltage = reference(currents, start, min_voltage)
    np.testing.assert_allclose(spikes, expected)
    np.testing.assert_allclose(voltages[-1], final_voltage, atol=1e-9)


@pytest.mark.parametrize("bits", [32, 64])
def test_both_precisions(bits, set_precision, Simulator):
    set_precision(bits)
    currents = constant(*np.linspace(-100, 3000, 20))
    spikes, voltages = simulate_neurons(Simulator, mpc.IntegrateAndFire(), currents)
    assert spikes.dtype == voltages.dtype == f"float{bits}"
    # rounding may move a spike to the neighbouring step, not make or lose one
    rates = spikes.mean(axis=0)
    np.testing.assert_allclose(rates, np.maximum(currents[0], 0), atol=1.5)
    assert set(np.unique(np.round(spikes * DT, 6))) == {0, 1, 2, 3}


# --- the neuron -----------------------------------------------------------------------


@pytest.mark.parametrize("min_voltage", FLOORS)
def test_rate_under_constant_current_is_rectified_linear(min_voltage, Simulator):
    currents = constant(-500, -1, 0, 1, 10, 123.4, 999, 1000, 2500)
    neuron_type = mpc.IntegrateAndFire(min_voltage=min_voltage)
    spikes, _ = simulate_neurons(Simulator, neuron_type, currents)
    np.testing.assert_allclose(
        spikes.mean(axis=0), np.maximum(currents[0], 0), atol=1 + 1e-9
    )
    rates = neuron_type.rates(currents[:1], gain=np.ones(9), bias=np.zeros(9))
    np.testing.assert_allclose(rates, np.maximum(currents[:1], 0))


def test_gain_and_bias_are_those_of_rectified_linear():
    max_rates, intercepts = np.array([100.0, 250.0]), np.array([-0.5, 0.2])
    ours = mpc.IntegrateAndFire().gain_bias(max_rates, intercepts)
    nengos = nengo.RectifiedLinear().gain_bias(max_rates, intercepts)
    np.testing.assert_array_equal(ours, nengos)
    back = mpc.IntegrateAndFire().max_rates_intercepts(*ours)
    np.testing.assert_allclose(back, [max_rates, intercepts])


def test_initial_voltages_are_drawn_so_that_neurons_do_not_fire_in_step(Simulator):
    spikes, _ = simulate_neurons(
        Simulator, mpc.IntegrateAndFire(), constant(*[100] * 50)
    )
    assert len(np.unique(spikes[:10].argmax(axis=0))) > 5


def test_currents_are_averaged_before_they_are_rectified(Simulator):
    """Jensen's inequality: the mean of rectified currents is larger."""
    currents = np.tile([[300.0], [-200.0]], (1000, 1))  # 50 Hz on average
    rates = [
        simulate_neurons(Simulator, neuron_type, currents)[0].mean()
        for neuron_type in [mpc.IntegrateAndFire(), nengo.SpikingRectifiedLinear()]
    ]
    np.testing.assert_allclose(rates, [50, 150], atol=1)


def test_without_floor_equals_the_rectified_count_of_all_input(Simulator):
    """With no floor the spike count is the running maximum of the summed input."""
    currents = np.random.RandomState(2).normal(20, 300, size=(500, 20))
    neuron_type = mpc.IntegrateAndFire(
        -np.inf, initial_state={"voltage": nengo.dists.Choice([0])}
    )
    spikes, _ = simulate_neurons(Simulator, neuron_type, currents)
    total = np.maximum.accumulate(np.cumsum(currents * DT, axis=0), axis=0)
    counts = np.cumsum(spikes * DT, axis=0)
    np.testing.assert_allclose(counts, np.floor(np.maximum(total, 0) + 1e-9))


# --- neurons: a value -----------------------------------------------------------------


def test_neuron_defaults():
    neuron_type = mpc.IntegrateAndFire()
    assert (neuron_type.min_voltage, neuron_type.amplitude) == (-1, 1)
    assert isinstance(neuron_type, nengo.SpikingRectifiedLinear)
    assert Fingerprint.supports(neuron_type)  # by Nengo's cache of decoders


@pytest.mark.parametrize(
    "attr, value",
    [("min_voltage", v) for v in (0.5, np.inf, np.nan, None)]
    + [("amplitude", v) for v in (0, np.nan, np.inf, None)],
)
def test_bad_arguments_of_neurons(attr, value):
    with pytest.raises(ValidationError) as error:
        mpc.IntegrateAndFire(**{attr: value})
    assert error.value.attr == attr


DUPLICATES = [lambda n: pickle.loads(pickle.dumps(n)), copy.copy, copy.deepcopy]


@pytest.mark.parametrize("duplicate", DUPLICATES)
def test_neuron_types_are_equal_by_value(duplicate):
    neuron_type = mpc.IntegrateAndFire(min_voltage=-2, amplitude=0.5)
    again = duplicate(neuron_type)
    assert again == neuron_type
    assert hash(again) == hash(neuron_type)
    assert repr(again) == "IntegrateAndFire(min_voltage=-2, amplitude=0.5)"
    for other in [
        mpc.IntegrateAndFire(min_voltage=-2),
        mpc.IntegrateAndFire(amplitude=0.5),
        nengo.SpikingRectifiedLinear(amplitude=0.5),
    ]:
        assert neuron_type != other
    with pytest.raises(ReadonlyError):
        neuron_type.min_voltage = -1


# --- populations and matrices ---------------------------------------------------------

NEURON = mpc.IntegrateAndFire()


@pytest.mark.parametrize(
    "make, argument",
    [
        (lambda: rectifier(mpc.IntegrateAndFire, 1, 200, 1), "neuron_type"),
        (lambda: rectifier(NEURON, 0, 200, 1), "n_neurons"),
        (lambda: rectifier(NEURON, 1, -200, 1), "max_rate"),
        (lambda: rectifier(NEURON, 1, 200, -1), "radius"),
        (lambda: PopulationArray(rectifier(NEURON, 1, 200, 1), -1), "n_copies"),
        (lambda: replicate([[1]], -1), "n_copies"),
        # SciPy would write to memory that is not its own
        (lambda: selection([0, 3], 3), "columns"),
        (lambda: selection([-1], 3), "columns"),
        (lambda: selection([0.5], 3), "columns"),
        (lambda: selection(0, 3), "columns"),
        (lambda: selection([0], -1), "n_columns"),
    ],
)
def test_building_blocks_check_their_arguments(make, argument):
    with pytest.raises(ValidationError, match=rf"^{argument}: .* got|Must be of type"):
        make()


# --- wiring ---------------------------------------------------------------------------


def random_weights(n_rows, n_columns, seed=0):
    return np.random.RandomState(seed).normal(size=(n_rows, n_columns))


def built(draw):
    """The network with an input and an output that ``draw`` wires up."""
    with nengo.Network(seed=0) as network:
        network.input = nengo.Node([0.3, -0.2, 0.7])
        network.output = nengo.Node(size_in=2)
        wiring = Wiring()
        draw(wiring, network.input, network.output)
        wiring.build()
    return network


def output_of(network, steps=20):
    with network:
        probe = nengo.Probe(network.output)
    with nengo.Simulator(network, progress_bar=False) as sim:
        sim.run_steps(steps)
    return sim.data[probe]


@pytest.mark.parametrize("before, after", [(None, None), (0.01, None), (None, 0.01)])
def test_removed_junction_computes_the_same(before, after):
    first, second = random_weights(4, 3), random_weights(2, 4, seed=1)

    def draw(wiring, source, target):
        middle = wiring.junction(4, "middle")
        wiring.connect(source, middle, first, before and nengo.Lowpass(before))
        wiring.connect(middle, target, second, after and nengo.Lowpass(after))

    network = built(draw)
    assert len(network.nodes) == 2
    assert len(network.connections) == 1
    expected = second @ first @ [0.3, -0.2, 0.7]
    np.testing.assert_allclose(output_of(network, 300)[-1], expected, atol=1e-9)


def test_paths_through_removed_junctions_add_up():
    def draw(wiring, source, target):
        chain = [wiring.junction(3, str(i)) for i in range(3)]
        for pre, post in zip([source, *chain], chain):
            wiring.connect(pre, post, 2 * np.eye(3))
            wiring.connect(source, post)
        wiring.connect(chain[-1], target, random_weights(2, 3))

    network = built(draw)
    assert len(network.nodes) == 2
    assert len(network.connections) == 1
    # ((2 + 1) * 2 + 1) * 2 + 1
    expected = 15 * random_weights(2, 3) @ [0.3, -0.2, 0.7]
    np.testing.assert_allclose(output_of(network)[-1], expected)


def test_junction_between_two_synapses_becomes_a_node():
    def draw(wiring, source, target):
        middle = wiring.junction(3, "middle")
        wiring.connect(source, middle, synapse=nengo.Lowpass(0.01))
        wiring.connect(middle, target, random_weights(2, 3), nengo.Lowpass(0.02))

    network = built(draw)
    assert [node.label for node in network.nodes] == [None, None, "middle"]
    assert [connection.synapse.tau for connection in network.connections] == [
        0.01,
        0.02,
    ]


def test_junction_that_feeds_itself_becomes_a_node():
    def draw(wiring, source, target):
        sums = wiring.junction(3, "sums")
        wiring.connect(source, sums)
        wiring.connect(sums, sums, synapse=nengo.Lowpass(0.01))
        wiring.connect(sums, target, random_weights(2, 3))

    assert built(draw).nodes[-1].label == "sums"


def test_junction_whose_removal_needs_many_weights_becomes_a_node():
    with nengo.Network() as network:
        source, target = nengo.Node(size_in=100), nengo.Node(size_in=100)
        wiring = Wiring()
        total = wiring.junction(1, "total")
        wiring.connect(source, total, np.ones((1, 100)))
        wiring.connect(total, target, np.ones((100, 1)))
        wiring.build()
    assert network.nodes[-1].label == "total"


def test_weights_that_cancel_are_not_stored():
    def draw(wiring, source, target):
        middle = wiring.junction(3, "middle")
        wiring.connect(source, middle)
        wiring.connect(source, middle, [[-1, 0, 0], [0, 0, 0], [0, 0, 0]])
        wiring.connect(middle, target, [[1, 1, 0], [0, 0, 1]])

    (connection,) = built(draw).connections
    assert connection.transform.init.nnz == 2


def test_connections_with_different_synapses_stay_apart():
    def draw(wiring, source, target):
        weights = scipy.sparse.csr_matrix(random_weights(2, 3))
        wiring.connect(source, target, weights)
        wiring.connect(source, target, weights, nengo.Lowpass(0.01))
        wiring.connect(source, target, weights, nengo.Lowpass(0.01))

    network = built(draw)
    assert [connection.synapse for connection in network.connections] == [
        None,
        nengo.Lowpass(0.01),
    ]
    expected = 3 * random_weights(2, 3) @ [0.3, -0.2, 0.7]
    np.testing.assert_allclose(output_of(network, 300)[-1], expected)


WINDOWS = {  # over 12 inputs
    "independent": PoolWindows.independent(n_pools=3, window_size=4),
    "overlapping": PoolWindows((3, 2, 2), (2, 2), 1, "same"),
    "ragged": PoolWindows.from_indices([[4, 0, 7], [1], [2, 3]], n_inputs=12),
    "global": PoolWindows.global_pooling((2, 3, 2), channels_last=False),
}


@pytest.fixture(params=WINDOWS.values(), ids=WINDOWS)
def windows(request):
    """Windows of every kind."""
    return request.param


@pytest.fixture(params=[True, False], ids=["optimize", "no-optimize"])
def optimize(request):
    """Whether Nengo merges operators."""
    return request.param


@pytest.fixture
def set_precision():
    """Set Nengo's precision in bits, for one test."""
    before = nengo.rc.get("precision", "bits")
    yield lambda bits: nengo.rc.set("precision", "bits", str(bits))
    nengo.rc.set("precision", "bits", before)


def noise(size):
    """Give inputs of both signs that change in every step."""
    process = nengo.processes.WhiteNoise(
        nengo.dists.Uniform(-1, 1), seed=1, scale=False
    )
    return nengo.Node(process, size_out=size)


def simulate(Simulator, model, optimize=True):
    """Run a model for some steps, and give its data."""
    with Simulator(model, optimize=optimize) as simulator:
        simulator.run_steps(5)
    return simulator.data


# --- transform -----------------------------------------------------------------------


@pytest.mark.parametrize("bits", [32, 64])
def test_exact_maximum(Simulator, windows, optimize, bits, set_precision):
    set_precision(bits)
    with nengo.Network() as model:
        inputs = noise(windows.n_inputs)
        outputs = nengo.Node(size_in=windows.n_pools)
        nengo.Connection(inputs, outputs, transform=MaxPool(windows), synapse=None)
        x = nengo.Probe(inputs)
        y = nengo.Probe(outputs)
    data = simulate(Simulator, model, optimize)
    assert data[x].dtype == data[y].dtype == f"float{bits}"
    assert len(np.unique(data[y], axis=0)) == 5  # the inputs did change
    np.testing.assert_array_equal(data[y], windows.max(data[x]))


@pytest.mark.parametrize(
    "synapse", [nengo.Lowpass(0), nengo.Lowpass(0.01), nengo.Alpha(0.005)]
)
def test_synapse_comes_after_the_maximum(Simulator, windows, optimize, synapse):
    with nengo.Network() as model:
        inputs = noise(windows.n_inputs)
        outputs = nengo.Node(size_in=windows.n_pools)
        nengo.Connection(inputs, outputs, transform=MaxPool(windows), synapse=synapse)
        x = nengo.Probe(inputs)
        y = nengo.Probe(outputs)
    data = simulate(Simulator, model, optimize)
    # a connection's synapse is one step late, as in all of Nengo
    expected = synapse.filt(windows.max(data[x]), y0=0)[:-1]
    np.testing.assert_allclose(data[y][0], 0)
    np.testing.assert_allclose(data[y][1:], expected, atol=1e-12)


@pytest.mark.parametrize(
    "pre_slice",
    [slice(3, 15), slice(None, None, 2), slice(11, None, -1), list(range(23, 11, -1))],
    ids=str,
)
def test_slices_of_the_input(Simulator, windows, optimize, pre_slice):
    with nengo.Network() as model:
        inputs = noise(24)
        outputs = nengo.Node(size_in=windows.n_pools)
        nengo.Connection(
            inputs[pre_slice], outputs, transform=MaxPool(windows), synapse=None
        )
        x = nengo.Probe(inputs)
        y = nengo.Probe(outputs)
    data = simulate(Simulator, model, optimize)
    np.testing.assert_array_equal(data[y], windows.max(data[x][:, pre_slice]))


def test_many_connections_into_slices(Simulator, optimize):
    """Nengo's optimizer merges the operators around these, and moves their signals."""
    windows = list(WINDOWS.values())
    with nengo.Network() as model:
        inputs = noise(12)
        outputs = nengo.Node(size_in=2 + sum(w.n_pools for w in windows))
        start = 0
        for w in windows:
            for _ in range(2):  # twice, so that two are added up
                nengo.Connection(
                    inputs,
                    outputs[start : start + w.n_pools],
                    transform=MaxPool(w),
                    synapse=None,
                )
            start += w.n_pools
        nengo.Connection(inputs[:2], outputs[start:], synapse=None)
        x = nengo.Probe(inputs)
        y = nengo.Probe(outputs)
    data = simulate(Simulator, model, optimize)
    maxima = [2 * w.max(data[x]) for w in windows]
    np.testing.assert_array_equal(data[y], np.hstack([*maxima, data[x][:, :2]]))


def test_between_neurons(Simulator, windows, optimize):
    with nengo.Network(seed=0) as model:
        pre = nengo.Ensemble(windows.n_inputs, 1)
        post = nengo.Ensemble(
            windows.n_pools,
            1,
            gain=np.full(windows.n_pools, 2.0),
            bias=np.zeros(windows.n_pools),
        )
        nengo.Connection(
            pre.neurons, post.neurons, transform=MaxPool(windows), synapse=None
        )
        x = nengo.Probe(pre.neurons)
        y = nengo.Probe(post.neurons, "input")
    with Simulator(model, optimize=optimize) as simulator:
        simulator.run_steps(50)
    maxima = windows.max(simulator.data[x])
    assert maxima.any()
    # all connections to neurons are multiplied by their gains, 2 here
    np.testing.assert_array_equal(simulator.data[y], 2 * maxima)


def test_from_a_direct_ensemble(Simulator, windows):
    with nengo.Network() as model:
        inputs = noise(windows.n_inputs)
        ensemble = nengo.Ensemble(1, windows.n_inputs, neuron_type=nengo.Direct())
        outputs = nengo.Node(size_in=windows.n_pools)
        nengo.Connection(inputs, ensemble, synapse=None)
        nengo.Connection(ensemble, outputs, transform=MaxPool(windows), synapse=None)
        x = nengo.Probe(inputs)
        y = nengo.Probe(outputs)
    data = simulate(Simulator, model)
    np.testing.assert_array_equal(data[y], windows.max(data[x]))


@pytest.mark.filterwarnings("ignore:'Node.size_out' is being overwritten")  # by copy()
def test_copied_networks_and_reset_simulators_agree(windows):
    with nengo.Network(seed=0) as model:
        inputs = noise(windows.n_inputs)
        outputs = nengo.Node(size_in=windows.n_pools)
        nengo.Connection(inputs, outputs, transform=MaxPool(windows), synapse=0.01)
        model.y = nengo.Probe(outputs)
    runs = []
    for network in (model, model.copy(), pickle.loads(pickle.dumps(model))):
        with nengo.Simulator(network, progress_bar=False) as simulator:
            for _ in range(2):
                simulator.run_steps(5)
                runs.append(simulator.data[network.probes[0]].copy())
                simulator.reset()
    assert runs[0].any()
    for other in runs[1:]:
        np.testing.assert_array_equal(other, runs[0])


# --- transform: building --------------------------------------------------------------


@pytest.mark.parametrize(
    "solver", [nengo.solvers.LstsqL2(), nengo.solvers.LstsqL2(weights=True)]
)
def test_decoded_connections_are_refused(windows, solver):
    with nengo.Network() as model:
        pre = nengo.Ensemble(20, windows.n_inputs)
        post = nengo.Ensemble(20, windows.n_pools)
        nengo.Connection(pre, post, transform=MaxPool(windows), solver=solver)
    with pytest.raises(BuildError, match=r"decoded.*ens\.neurons or a Node"):
        nengo.Simulator(model, progress_bar=False)


@pytest.mark.parametrize("size_in, size_out", [(11, 3), (12, 4)])
def test_sizes_are_checked_by_nengo(size_in, size_out):
    with nengo.Network():
        pre = nengo.Node(size_in=size_in)
        post = nengo.Node(size_in=size_out)
        with pytest.raises(ValidationError, match="transform"):
            nengo.Connection(pre, post, transform=MaxPool(WINDOWS["independent"]))


def test_there_are_no_weights(windows):
    with nengo.Network() as model:
        pre = nengo.Node(size_in=windows.n_inputs)
        post = nengo.Node(size_in=windows.n_pools)
        connection = nengo.Connection(pre, post, transform=MaxPool(windows))
    with nengo.Simulator(model, progress_bar=False) as simulator:
        assert simulator.data[connection].weights.size == 0
    with pytest.raises(TypeError, match="no weights"):
        MaxPool(windows).sample()


# --- transform: a value ---------------------------------------------------------------


@pytest.mark.parametrize("duplicate", DUPLICATES)
def test_transforms_are_equal_by_value(windows, duplicate):
    transform = MaxPool(windows)
    assert (transform.size_in, transform.size_out) == (12, windows.n_pools)
    again = duplicate(transform)
    assert again == transform
    assert hash(again) == hash(transform)
    assert transform != MaxPool(PoolWindows.independent(12, 1))
    assert repr(transform) == f"MaxPool(windows={windows!r})"
    with pytest.raises(ReadonlyError):
        transform.windows = windows


@pytest.mark.parametrize("bad", [None, (28, 28, 8), PoolWindows])
def test_bad_windows(bad):
    with pytest.raises(
        ValidationError, match=r"^MaxPool\.windows: must be a .*PoolWindows.*got"
    ):
        MaxPool(bad)


def carried_by_spikes(**connection):
    """A model: spiking neurons, a node that passes on, and an exact pool."""
    windows = PoolWindows.independent(n_pools=1, window_size=2)
    with nengo.Network(seed=0) as model:
        neurons = nengo.Ensemble(2, 1, gain=[250] * 2, bias=[100] * 2).neurons
        passed_on = nengo.Node(size_in=2)
        pool = mpc.ExactMax(windows)
        nengo.Connection(neurons, passed_on, **connection)
        nengo.Connection(passed_on, pool.input, synapse=None)
    return model


def test_a_maximum_of_raw_spikes_is_warned_of():
    with pytest.warns(UserWarning, match="raw spikes of .* far too large"):
        nengo.Simulator(carried_by_spikes(synapse=None), progress_bar=False).close()


def test_a_maximum_of_filtered_spikes_is_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nengo.Simulator(carried_by_spikes(synapse=0.005), progress_bar=False).close()


# --- faults ---------------------------------------------------------------------------


CAN_FAIL = [name for name in mpc.circuits() if name != "exact"]
FAILING = mpc.PoolWindows.independent(n_pools=100, window_size=4)


def failed(circuit, windows=FAILING, **faults):
    """A circuit, with faults if any are given."""
    with nengo.Network(add_to_container=False):
        pool = mpc.make(circuit, windows, seed=0, decoders=None)
    if faults:
        mpc.let_fail(pool, **faults)
    return pool


def neuron_weights(network):
    """Weights of each connection from or to neurons."""
    found = []
    for connection in network.all_connections:
        if any("Neurons" in repr(end) for end in (connection.pre, connection.post)):
            weights = np.ones(connection.size_mid)
            if not isinstance(connection.transform, nengo.transforms.NoTransform):
                weights = connection.transform.sample()
            if hasattr(weights, "allocate"):
                weights = weights.allocate()
            found.append(getattr(weights, "data", weights))
    return found


@pytest.mark.parametrize("circuit", CAN_FAIL)
def test_dead_neurons_never_fire_and_all_others_are_as_they_were(circuit):
    windows = mpc.PoolWindows.independent(n_pools=20, window_size=4)
    x = np.random.RandomState(0).uniform(size=80)
    spikes, bias = {}, {}
    for faults in (None, 0.3):
        with nengo.Network(seed=0) as model:
            pool = mpc.make(circuit, windows)
            nengo.Connection(nengo.Node(x), pool.input, synapse=None)
            probes = [nengo.Probe(each.neurons) for each in pool.all_ensembles]
        if faults:
            mpc.let_fail(pool, dead=faults, seed=1)
        with nengo.Simulator(model, progress_bar=False) as sim:
            sim.run_steps(300)
        spikes[faults] = np.hstack([sim.data[probe].sum(axis=0) for probe in probes])
        bias[faults] = np.hstack([each.bias for each in pool.all_ensembles])
    dead = bias[faults] != bias[None]
    assert dead.mean() == pytest.approx(0.3, abs=0.1)
    assert spikes[None][dead].any()
    assert not spikes[faults][dead].any()
    assert spikes[faults][~dead].any()
    # the others of its pool do not run away
    assert spikes[faults].max() < 2 * spikes[None].max()


def test_weights_are_rounded_to_so_many_bits():
    pool = failed("ensemble", bits=4)
    for exact, rounded in zip(neuron_weights(failed("ensemble")), neuron_weights(pool)):
        levels = np.unique(np.abs(rounded))
        assert len(levels) <= 2**3
        step = np.abs(exact).max() / 7
        assert np.abs(rounded - exact).max() <= step / 2 * (1 + 1e-9)


def test_weights_are_off_by_the_noise():
    pool = failed("ensemble", weight_noise=0.1)
    for exact, noisy in zip(neuron_weights(failed("ensemble")), neuron_weights(pool)):
        errors = noisy / exact - 1
        assert np.std(errors) == pytest.approx(0.1, rel=0.1)
        assert np.mean(errors) == pytest.approx(0, abs=0.01)


def test_the_same_seed_gives_the_same_faults():
    def network(seed):
        return failed("softmax", dead=0.1, weight_noise=0.1, seed=seed)

    first, again, other = (
        np.hstack([*neuron_weights(network(seed)), network(seed).all_ensembles[0].bias])
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("circuit", ["pairwise-relu", "winner-take-all"])
@pytest.mark.parametrize("faults", [{"dead": 0.2}, {"weight_noise": 0.1}, {"bits": 3}])
def test_operators_do_not_hide_faults(circuit, faults):
    x = np.random.RandomState(0).uniform(size=400)
    outputs = []
    for allowed in ("True", "False"):
        nengo.rc.set("maxpool_circuits", "operators", allowed)
        try:
            with nengo.Network(seed=0) as model:
                pool = mpc.make(circuit, FAILING, decoders=None)
                mpc.let_fail(pool, **faults)
                nengo.Connection(nengo.Node(x), pool.input, synapse=None)
                probe = nengo.Probe(pool.output, synapse=0.02)
            with nengo.Simulator(model, progress_bar=False) as sim:
                sim.run_steps(200)
        finally:
            nengo.rc.remove_option("maxpool_circuits", "operators")
        outputs.append(sim.data[probe])
    assert np.allclose(*outputs, atol=1e-9)


def test_noise_comes_after_rounding():
    rounded, both = (
        neuron_weights(failed("ensemble", bits=3, weight_noise=noise))
        for noise in (0, 0.01)
    )
    for exact, noisy in zip(rounded, both):
        assert len(np.unique(np.abs(exact))) <= 2**2
        assert len(np.unique(np.abs(noisy))) > 2**2


@pytest.mark.parametrize(
    "options, message",
    [
        ({"dead": 1}, "dead: .* less than 1"),
        ({"dead": -0.1}, "dead: .* equal to 0"),
        ({"dead": "0.1"}, "'0.1'"),
        ({"weight_noise": np.inf}, "weight_noise: .* got inf"),
        ({"weight_noise": np.nan}, "got nan"),
        ({"bits": 1}, "from 2 to 64"),
        ({"bits": 4.0}, "from 2 to 64"),
        ({"seed": -1}, "seed"),
    ],
)
def test_impossible_faults_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        failed("ensemble", **options)


def test_what_cannot_fail_is_refused():
    with pytest.raises(ValidationError, match="ExactMax has no neurons"):
        failed("exact", dead=0.1)
    with pytest.raises(ValidationError, match="network: str has no neurons"):
        mpc.let_fail("exact")


class Decoded(mpc.MaxPoolNetwork):
    """A circuit of somebody who leaves weights to Nengo."""

    def build_circuit(self):
        ensemble = nengo.Ensemble(10, dimensions=self.input.size_out)
        nengo.Connection(self.input, ensemble)
        nengo.Connection(ensemble, self.output, function=max)


def test_what_the_simulator_finds_is_refused():
    windows = mpc.PoolWindows.independent(n_pools=1, window_size=2)
    with pytest.raises(ValidationError, match="cannot be dead.*self.replicate"):
        failed(Decoded, windows, dead=0.9)
    with pytest.raises(ValidationError, match="cannot fail: they are found when"):
        failed(Decoded, windows, bits=8)
