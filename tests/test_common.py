"""What every circuit must do: those of the library, and one of a user's own."""

import copy
import pickle
import re

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.network.populations import Replicas, rectifier
from maxpool_circuits.network.sparse import connect, selection
from maxpool_circuits.network.windows import window_columns

# Largest root mean square error on constant analog inputs, in widths of the input
# range: about twice the largest that was measured over all geometries and ten seeds.
TOLERANCE = {
    "pairwise-relu": 0.05,
    "winner-take-all": 0.03,
    "softmax": 0.07,
    "ensemble": 0.35,
    "absolute-value": 0.2,
    "exact": 1e-12,
    "users-own": 0.02,
}

# Neuron types that every circuit must work with, and the tolerance in windows of 4.
NEURON_TYPES = {
    "LIF": nengo.LIF(),
    "AdaptiveLIF": nengo.AdaptiveLIF(),
    "Sigmoid": nengo.Sigmoid(),
    "Tanh": nengo.Tanh(),
    "LIFRate": nengo.LIFRate(),
    "RectifiedLinear": nengo.RectifiedLinear(),
    "SpikingRectifiedLinear": nengo.SpikingRectifiedLinear(),
    "PoissonSpiking": nengo.PoissonSpiking(nengo.LIFRate()),
    "RegularSpiking": nengo.RegularSpiking(nengo.LIFRate()),
    "IntegrateAndFire": mpc.IntegrateAndFire(amplitude=0.01),
}
NEURON_TOLERANCE = 0.15
# Loops of saturating or very noisy neurons.
NEURON_TOLERANCES = {
    ("softmax", "Sigmoid"): 0.25,
    ("softmax", "Tanh"): 0.5,
    ("softmax", "PoissonSpiking"): 0.6,
}

WINDOWS = {
    "1-D": mpc.PoolWindows((12, 1), pool_size=3),
    "2-D": mpc.PoolWindows((4, 6, 2), pool_size=2),
    "3-D": mpc.PoolWindows((1, 4, 2, 4), pool_size=2, channels_last=False),
    "smaller at the edges": mpc.PoolWindows((5, 5, 1), pool_size=2, padding="same"),
    "overlapping": mpc.PoolWindows((4, 5, 1), pool_size=3, strides=1),
    "overlapping, smaller at both edges": mpc.PoolWindows(
        (5, 4, 1), pool_size=3, strides=2, padding="same"
    ),
    "gaps": mpc.PoolWindows((10, 1), pool_size=2, strides=4),
    "global": mpc.PoolWindows.global_pooling((3, 3, 2)),
    "independent": mpc.PoolWindows.independent(n_pools=5, window_size=7),
    "from indices": mpc.PoolWindows.from_indices(
        [[4, 0, 7], [1], [2, 3], [5, 6, 8, 9, 10], [7, 0]], n_inputs=12
    ),
    "one input each": mpc.PoolWindows.independent(n_pools=4, window_size=1),
}

# Bad values of the shared arguments, and what the message says is allowed.
BAD_ARGUMENTS = [
    ("windows", [None, 4, [[0, 1]], (28, 28, 8), mpc.PoolWindows], "PoolWindows"),
    ("n_neurons", [0, -1, 2.0, True, "20", None], "integer of at least 1"),
    (
        "neuron_type",
        [nengo.LIF, "LIF", None, nengo.Direct()],
        r"Nengo neuron type other than nengo\.Direct",
    ),
    (
        "max_rate",
        [0, -5, np.nan, np.inf, "250", None, True, [250]],
        "finite number above 0, in Hz",
    ),
    (
        "input_range",
        [(1, 0), (1, 1), (0, np.inf), (np.nan, 1), (0,), (0, 1, 2), 5, "01", None],
        r"two finite numbers \(low, high\) with low < high",
    ),
    ("decoders", ["shipped", 3, {"lif": 1}], "None"),
]


class Chain(mpc.MaxPoolNetwork):
    """A user's own circuit: ``m <- m + relu(x - m)``, one input after another."""

    default_synapse = 0.005
    default_input_synapse = 0.005

    def build_circuit(self):
        """Compare each further input with the maximum of those before."""
        firsts, *others = (
            selection(column, self.windows.n_inputs)
            for column in window_columns(self.windows)[:, self.pools]
        )
        comparator = rectifier(
            self.neuron_type, self.neurons_per_part, self.max_rate, self.half_range
        )
        best = nengo.Node(size_in=len(self.pools))
        connect(self.input, best, firsts, self.input_synapse)
        for other in others:
            copies = Replicas(comparator, len(self.pools))
            difference = nengo.Node(size_in=len(self.pools))
            connect(self.input, difference, other, self.input_synapse)
            nengo.Connection(best, difference, transform=-1, synapse=None)
            connect(difference, copies.neurons, copies.encode())
            better = nengo.Node(size_in=len(self.pools))
            nengo.Connection(best, better, synapse=None)
            connect(copies.neurons, better, copies.decode(), self.synapse)
            best = better
        connect(best, self.output, self.scatter)


CIRCUITS = [*mpc.circuits(), "users-own"]


@pytest.fixture(params=CIRCUITS)
def circuit(request):
    """Name of a circuit."""
    if request.param == "users-own":
        mpc.register("users-own", Chain)
        yield request.param
        mpc.unregister("users-own")
    else:
        yield request.param


with_neurons = pytest.mark.parametrize(
    "circuit", [name for name in CIRCUITS if name != "exact"], indirect=True
)


@pytest.fixture
def windows():
    """Small windows of 1, 2, 3 and 5 inputs that overlap and leave one input out."""
    return WINDOWS["from indices"]


@pytest.fixture
def settled_error(run_circuit):
    """Function: root mean square error of the settled output."""

    def error(circuit, windows, x, **options):
        y = run_circuit(circuit, windows, x, steps=300, **options)[:, 150:].mean(axis=1)
        return np.sqrt(np.mean((y - windows.max(x)) ** 2))

    return error


def draw(windows, low=0, high=1, n=3, seed=0):
    """Draw some inputs."""
    return np.random.RandomState(seed).uniform(low, high, size=(n, windows.n_inputs))


def count_objects(network):
    """Count the Nengo objects of each kind in a network and all networks in it."""
    kinds = ["networks", "nodes", "ensembles", "connections", "probes"]
    return {kind: len(getattr(network, f"all_{kind}")) for kind in kinds}


# --- interface ------------------------------------------------------------------------


def test_input_and_output_are_passthrough_nodes_of_the_windows_sizes(circuit, windows):
    pool = mpc.make(circuit, windows)
    assert isinstance(pool, mpc.MaxPoolNetwork)
    assert isinstance(pool, nengo.Network)
    for node, size in [(pool.input, windows.n_inputs), (pool.output, windows.n_pools)]:
        assert isinstance(node, nengo.Node)
        assert node.output is None
        assert node.size_in == node.size_out == size


def test_all_take_the_same_arguments(circuit, windows):
    options = {
        "neuron_type": nengo.RectifiedLinear(),
        "max_rate": 100.0,
        "input_range": (-1.0, 2.0),
        "synapse": nengo.Lowpass(0.004),
        "input_synapse": nengo.Alpha(0.002),
        "decoders": None,
        "label": "a pool",
        "seed": 3,
    }
    with nengo.Network() as model:
        pool = mpc.make(
            circuit, windows, n_neurons=6, add_to_container=False, **options
        )
    assert pool.windows is windows
    assert pool.neurons_per_part == 6
    assert {name: getattr(pool, name) for name in options} == options
    assert model.networks == []


@pytest.mark.parametrize("argument", ["synapse", "input_synapse"])
def test_a_number_is_the_time_constant_of_a_lowpass(circuit, windows, argument):
    pool = mpc.make(circuit, windows, **{argument: 0.007})
    assert getattr(pool, argument) == nengo.Lowpass(0.007)


def test_further_arguments_are_keywords_and_unknown_ones_are_refused(circuit, windows):
    with pytest.raises(TypeError, match="positional"):
        mpc.circuits()[circuit](windows, 20)
    with pytest.raises(TypeError, match="n_neuron"):
        mpc.make(circuit, windows, n_neuron=20)


def test_three_lines_in_a_model(circuit, Simulator):
    windows = mpc.PoolWindows(input_shape=(4, 4, 2), pool_size=2)
    with nengo.Network(seed=0) as model:
        conv = nengo.Ensemble(windows.n_inputs, 1)
        dense = nengo.Ensemble(20, windows.n_pools)

        pool = mpc.make(circuit, windows)
        nengo.Connection(conv.neurons, pool.input)
        nengo.Connection(pool.output, dense)

        probe = nengo.Probe(dense)
    with Simulator(model) as sim:
        sim.run_steps(20)
    assert np.isfinite(sim.data[probe]).all()
    assert np.ptp(sim.data[probe]) > 0


@with_neurons
def test_users_neuron_type_is_used_as_given(circuit, windows):
    neuron_type = mpc.IntegrateAndFire(min_voltage=-3.5, amplitude=0.5)
    pool = mpc.make(circuit, windows, neuron_type=neuron_type)
    assert pool.all_ensembles
    assert all(ens.neuron_type is neuron_type for ens in pool.all_ensembles)


@pytest.mark.parametrize(
    "duplicate",
    [lambda n: n.copy(), copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))],
    ids=["Network.copy", "deepcopy", "pickle"],
)
@pytest.mark.filterwarnings("ignore:'Node.size_out' is being overwritten")
def test_copies_give_the_same_output(circuit, windows, duplicate, Simulator):
    with nengo.Network(seed=0) as model:
        pool = mpc.make(circuit, windows)
        nengo.Connection(nengo.Node(draw(windows)[0]), pool.input, synapse=None)
        nengo.Probe(pool.output)
    other = duplicate(model)
    outputs = []
    for network in (model, other):
        with Simulator(network) as sim:
            sim.run_steps(30)
        outputs.append(sim.data[network.probes[0]])
    assert outputs[0].any()
    np.testing.assert_array_equal(*outputs)

    copied = other.networks[0]
    assert copied.input in copied.nodes
    for name in ["windows", "neuron_type", "max_rate", "input_range", "decoders"]:
        assert getattr(copied, name) == getattr(pool, name)
    for name in ["synapse", "input_synapse"]:
        assert getattr(copied, name) == getattr(pool, name), name


# --- the maximum ----------------------------------------------------------------------


@pytest.mark.parametrize("windows", WINDOWS.values(), ids=WINDOWS)
def test_maximum_of_windows_of_every_shape(circuit, windows, settled_error):
    assert settled_error(circuit, windows, draw(windows)) < TOLERANCE[circuit]


@pytest.mark.parametrize("low, high", [(-1, 1), (2, 5), (-3, -1)])
def test_maximum_in_any_input_range(circuit, windows, low, high, settled_error):
    x = draw(windows, low, high)
    error = settled_error(circuit, windows, x, input_range=(low, high))
    assert error < TOLERANCE[circuit] * (high - low)


def test_all_negative_windows_give_their_negative_maximum(circuit, settled_error):
    windows = mpc.PoolWindows.independent(n_pools=5, window_size=4)
    x = draw(windows, -1, -0.1)
    error = settled_error(circuit, windows, x, input_range=(-1, 1))
    assert error < TOLERANCE[circuit] * 2


@pytest.mark.parametrize(
    "windows",
    [WINDOWS[name] for name in ("2-D", "overlapping", "from indices")],
    ids=["2-D", "overlapping", "from indices"],
)
def test_pools_depend_on_their_own_inputs_only(circuit, windows, run_circuit):
    x = draw(windows, 0, 0.5)[0]
    before = run_circuit(circuit, windows, x, steps=60)[0]
    for changed in (0, windows.n_inputs // 2):
        x_changed = x.copy()
        x_changed[changed] = 1
        after = run_circuit(circuit, windows, x_changed, steps=60)[0]
        is_own = (windows.indices == changed).any(axis=1)
        np.testing.assert_array_equal(before[:, ~is_own], after[:, ~is_own])
        assert (after[30:, is_own].mean(0) > before[30:, is_own].mean(0) + 0.1).all()


@pytest.mark.parametrize("dt", [0.0005, 0.002])
def test_maximum_with_other_time_steps(circuit, windows, dt, settled_error):
    assert settled_error(circuit, windows, draw(windows), dt=dt) < TOLERANCE[circuit]


@with_neurons
@pytest.mark.filterwarnings("ignore:Extra state has been modified")  # PoissonSpiking
@pytest.mark.parametrize("neuron_type", NEURON_TYPES)
def test_neuron_types(circuit, neuron_type, settled_error):
    windows = mpc.PoolWindows.independent(n_pools=8, window_size=4)
    options = {"neuron_type": NEURON_TYPES[neuron_type]}
    error = settled_error(circuit, windows, draw(windows), **options)
    tolerance = max(TOLERANCE[circuit], NEURON_TOLERANCE)
    assert error < NEURON_TOLERANCES.get((circuit, neuron_type), tolerance)


# --- networks -------------------------------------------------------------------------


def test_same_seed_gives_the_same_output_bit_for_bit(circuit, windows, run_circuit):
    x = draw(windows)
    runs = [run_circuit(circuit, windows, x, steps=30, seed=7) for _ in range(2)]
    assert runs[0].any()
    np.testing.assert_array_equal(*runs)


@with_neurons
def test_another_seed_gives_other_spikes(circuit, windows, run_circuit):
    x = draw(windows)
    runs = [run_circuit(circuit, windows, x, steps=30, seed=seed) for seed in (7, 8)]
    assert (runs[0] != runs[1]).any()


def test_number_of_objects_does_not_grow_with_the_number_of_pools(circuit):
    counts = []
    for n_pools in (3, 300):
        windows = mpc.PoolWindows.from_indices(
            [[4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3] for i in range(n_pools)]
            + [[4 * i, 4 * i + 2] for i in range(n_pools)]
            + [[4 * i + 1] for i in range(n_pools)],
            n_inputs=4 * n_pools,
        )
        counts.append(count_objects(mpc.make(circuit, windows)))
    assert counts[0] == counts[1]
    assert counts[0]["ensembles"] <= 3
    assert counts[0]["nodes"] <= 12
    assert counts[0]["connections"] <= 24


def test_two_pools_in_one_model_do_not_disturb_each_other(circuit, windows, Simulator):
    x = draw(windows, n=2)

    def outputs(used):
        with nengo.Network(seed=0) as model:
            probes = []
            for i in used:
                pool = mpc.make(circuit, windows, seed=i)
                nengo.Connection(nengo.Node(x[i]), pool.input, synapse=None)
                probes.append(nengo.Probe(pool.output))
        with Simulator(model) as sim:
            sim.run_steps(50)
        return [sim.data[probe] for probe in probes]

    (first,), (second,) = outputs([0]), outputs([1])
    both = outputs([0, 1])
    np.testing.assert_allclose(both[0], first, atol=1e-12)
    np.testing.assert_allclose(both[1], second, atol=1e-12)
    assert not np.allclose(first, second)


def test_pools_of_pools(circuit, Simulator):
    first = mpc.PoolWindows((4, 4, 1), pool_size=2)
    second = mpc.PoolWindows.global_pooling(first.output_shape)
    x = draw(first)[0]
    with nengo.Network(seed=0) as model:
        pools = [mpc.make(circuit, first), mpc.make(circuit, second)]
        nengo.Connection(nengo.Node(x), pools[0].input, synapse=None)
        nengo.Connection(pools[0].output, pools[1].input)
        probe = nengo.Probe(pools[1].output)
    with Simulator(model) as sim:
        sim.run_steps(400)
    assert abs(sim.data[probe][200:].mean() - x.max()) < 2 * TOLERANCE[circuit] + 1e-6


@pytest.mark.filterwarnings("ignore:.*does not have a native TensorFlow")
def test_runs_in_nengo_dl(circuit, windows, DLSimulator, run_circuit):
    x = draw(windows, n=1)
    y = run_circuit(circuit, windows, x, steps=200, simulator=DLSimulator)
    error = np.sqrt(np.mean((y[0, 100:].mean(axis=0) - windows.max(x)) ** 2))
    assert error < 2 * TOLERANCE[circuit] + 1e-6  # NengoDL computes in single precision


# --- bad arguments --------------------------------------------------------------------


def assert_refused(make, argument, *fragments):
    """Check that making something is refused, and leaves nothing in its container."""
    with nengo.Network() as model:
        with pytest.raises(ValidationError) as error:
            make()
    assert error.value.attr == argument
    for fragment in (rf"\.{argument}:", *fragments):
        error.match(fragment)
    assert not any(count_objects(model).values())


@pytest.mark.parametrize(
    "argument, value, allowed",
    [(argument, bad, why) for argument, values, why in BAD_ARGUMENTS for bad in values],
)
def test_bad_argument_is_named_with_what_is_allowed(
    circuit, windows, argument, value, allowed
):
    options = {"windows": windows, argument: value}
    given = re.escape(f"got {value!r}")
    assert_refused(lambda: mpc.make(circuit, **options), argument, allowed, given)


@pytest.mark.parametrize("argument", ["synapse", "input_synapse"])
@pytest.mark.parametrize("value", ["fast", [0.1], -1, np.nan])
def test_bad_synapse(circuit, windows, argument, value):
    assert_refused(lambda: mpc.make(circuit, windows, **{argument: value}), argument)


@pytest.mark.parametrize("argument, value", [("seed", "x"), ("seed", -1), ("label", 3)])
def test_bad_seed_and_label(circuit, windows, argument, value):
    assert_refused(lambda: mpc.make(circuit, windows, **{argument: value}), argument)


@pytest.mark.parametrize(
    "neuron_type, max_rate",
    [
        (nengo.LIF(), 500),
        (nengo.LIF(tau_ref=0.01), 250),
        (nengo.LIF(), 0.001),
        (nengo.Sigmoid(), 10),
    ],
    ids=str,
)
def test_rate_that_the_neurons_cannot_reach(circuit, windows, neuron_type, max_rate):
    options = {"neuron_type": neuron_type, "max_rate": max_rate}
    assert_refused(
        lambda: mpc.make(circuit, windows, **options),
        "max_rate",
        re.escape(str(neuron_type)),
        f"{max_rate:g} Hz",
        "choose a lower max_rate|another neuron_type",
    )
