"""What is special to each circuit; what all have in common is in test_common.py."""

import dataclasses

import nengo
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.circuits.mean_path import divide
from maxpool_circuits.circuits.overlap import shared_comparisons
from maxpool_circuits.comparison.encodings import input_spikes
from maxpool_circuits.comparison.metrics import best_readout
from maxpool_circuits.comparison.workloads import constant, find_workload, natural
from maxpool_circuits.network.sparse import weights_of

DT = 0.001
EXACT_RECTIFIERS = {
    "neuron_type": nengo.RectifiedLinear(),
    "synapse": None,
    "input_synapse": None,
}


def independent(window_size, n_pools=3):
    """Windows of one size."""
    return mpc.PoolWindows.independent(n_pools, window_size)


@st.composite
def geometries(draw):
    """Windows of every kind: overlapping, with gaps, smaller at edges, of one input."""
    spatial_shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    return mpc.PoolWindows(
        (*spatial_shape, draw(st.integers(1, 2))),
        pool_size=[draw(st.integers(1, length)) for length in spatial_shape],
        strides=draw(st.none() | st.integers(1, 3)),
        padding=draw(st.sampled_from(["valid", "same"])),
    )


def rate_of_first(neurons_of, pool, x):
    """Firing rate in Hz of the first neuron of an ensemble, with constant inputs."""
    with pool:
        nengo.Connection(nengo.Node(x), pool.input, synapse=None)
        probe = nengo.Probe(neurons_of(pool).neurons[:1])
    with nengo.Simulator(pool, progress_bar=False) as sim:
        sim.run(2)
    return sim.data[probe][1000:].mean()


# --- exact circuits -------------------------------------------------------------------


@settings(max_examples=40)
@given(geometries(), st.integers(0, 1000))
@pytest.mark.parametrize("circuit", ["pairwise-relu", "absolute-value", "exact"])
def test_rectified_linear_rates_are_exact_from_the_first_step(
    circuit, run_circuit, windows, seed
):
    x = np.random.RandomState(seed).uniform(-1, 1, size=(3, windows.n_inputs))
    y = run_circuit(circuit, windows, x, input_range=(-1, 1), **EXACT_RECTIFIERS)
    np.testing.assert_allclose(y[:, 0], windows.max(x), rtol=0, atol=1e-6)


@pytest.mark.parametrize("circuit", ["pairwise-relu", "absolute-value", "exact"])
@pytest.mark.parametrize(
    "windows",
    [
        mpc.PoolWindows.from_indices([[4, 0, 7], [1], [2, 3], [5, 6]], n_inputs=8),
        mpc.PoolWindows.independent(n_pools=2, window_size=49),
        mpc.PoolWindows.global_pooling((3, 3, 3, 2), channels_last=False),
    ],
    ids=["from indices", "large", "global"],
)
def test_rectified_linear_rates_are_exact_beyond_the_input_range(
    circuit, windows, run_circuit
):
    x = np.random.RandomState(0).normal(scale=10, size=(5, windows.n_inputs))
    y = run_circuit(circuit, windows, x, **EXACT_RECTIFIERS)
    np.testing.assert_allclose(y[:, 0], windows.max(x), rtol=0, atol=1e-6)


# --- size -----------------------------------------------------------------------------


@pytest.mark.parametrize("window_size", [2, 3, 4, 5, 9, 16])
@pytest.mark.parametrize(
    "circuit, neurons_per_pool",
    [
        ("pairwise-relu", lambda k: k - 1),
        ("winner-take-all", lambda k: k),
        ("shared-reset", lambda k: k),
        ("absolute-value", lambda k: 2 * (k - 1)),
        ("exact", lambda k: 0),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_neurons_per_pool(circuit, neurons_per_pool, window_size):
    expected = 3 * neurons_per_pool(window_size)
    assert mpc.make(circuit, independent(window_size)).n_neurons == expected
    if circuit == "shared-reset":
        return
    if circuit == "winner-take-all" and window_size == 16:
        # groups compete first, and then their winners
        expected += 3 * 4
    lif = mpc.make(circuit, independent(window_size), neuron_type=nengo.LIF())
    assert lif.n_neurons == 20 * expected
    chosen = mpc.make(circuit, independent(window_size), n_neurons=4)
    per_part = 2 if circuit == "absolute-value" else 4  # it already counts two halves
    assert chosen.n_neurons == per_part * expected


@pytest.mark.parametrize(
    "window_size, n_units",
    [(10, [10]), (11, [11, 3]), (16, [16, 4]), (49, [49, 7]), (120, [120, 24, 5])],
)
def test_stages_of_winner_take_all(window_size, n_units):
    neuron_type = mpc.IntegrateAndFire()
    pool = mpc.WinnerTakeAll(independent(window_size), neuron_type=neuron_type)
    assert [stage.n_neurons for stage in pool.stages] == [3 * n for n in n_units]
    assert pool.units is pool.stages[0]
    assert pool.n_neurons == 3 * sum(n_units)
    # with one reset there is one stage
    assert mpc.WinnerTakeAll(independent(window_size)).n_neurons == 3 * window_size


@pytest.mark.parametrize("window_size, n_units", [(50, [50]), (120, [120, 3])])
def test_stages_of_softmax(window_size, n_units, run_circuit):
    windows = independent(window_size)
    pool = mpc.SoftmaxApproximation(windows, decoders=None)
    sizes = [(units.n_neurons, own.n_neurons) for units, own in pool.stages]
    n_maxima = [*n_units[1:], 1]
    assert sizes == [(60 * n, 240 * m) for n, m in zip(n_units, n_maxima)]
    assert (pool.units, pool.accumulators) == pool.stages[0]

    x = np.random.RandomState(1).uniform(size=(1, windows.n_inputs))
    y = run_circuit("softmax", windows, x, steps=400, decoders=None)[0, 200:]
    assert np.abs(y.mean(axis=0) - x.reshape(3, -1).max(axis=1)).max() < 0.04


def test_groups_of_a_pool_are_of_nearly_equal_size():
    pool_of_value = np.repeat([0, 1, 2, 3], [11, 4, 5, 1])
    group = divide(pool_of_value, largest=4)
    assert list(np.bincount(group)) == [4, 4, 3, 4, 3, 2, 1]
    for one in range(7):
        assert len(set(pool_of_value[group == one])) == 1


def test_neurons_per_pool_of_softmax_and_ensemble():
    softmax = mpc.SoftmaxApproximation(independent(4))
    assert softmax.neuron_type == nengo.LIF()
    assert softmax.n_neurons == 3 * (4 + 4) * 20 <= 3 * 200
    assert mpc.SoftmaxApproximation(independent(4), n_neurons=7).n_neurons == 3 * 8 * 7
    assert mpc.EnsembleMax(independent(4)).n_neurons == 3 * 200
    assert mpc.EnsembleMax(independent(4), n_neurons=7).n_neurons == 3 * 7


def test_neurons_are_counted_window_by_window():
    windows = mpc.PoolWindows.from_indices(
        [[4, 0, 7], [1], [2, 3], [5, 6, 8, 9, 10]], n_inputs=11
    )
    assert mpc.PairwiseReLU(windows).n_neurons == 2 + 0 + 1 + 4
    assert mpc.WinnerTakeAll(windows).n_neurons == 3 + 0 + 2 + 5
    assert mpc.AbsoluteValue(windows).n_neurons == 2 * (2 + 0 + 1 + 4)


@pytest.mark.parametrize("circuit", [mpc.PairwiseReLU, mpc.AbsoluteValue])
@pytest.mark.parametrize("window_size", [1, 2, 3, 4, 5, 8, 9, 33])
def test_number_of_levels(circuit, window_size):
    levels = int(np.ceil(np.log2(window_size)))
    pool = circuit(independent(window_size))
    if window_size == 1:
        assert pool.all_ensembles == []
    else:
        assert len(pool.comparators) == len(pool.all_ensembles) == levels
        assert [ensemble.n_neurons for ensemble in pool.comparators] == [
            pool.neurons_per_part * 3 * (-(-window_size // 2**level) // 2)
            for level in range(levels)
        ]


# --- windows that overlap -------------------------------------------------------------


def apart(windows):
    """The same windows, without their grid: each has a tree of its own."""
    return mpc.PoolWindows.from_indices(windows.indices, windows.n_inputs)


@pytest.mark.parametrize(
    "shape, pool_size, strides, padding, expected",
    [
        # pairs at every second place and one more each: 4 + 8 along 8 windows
        ((10,), 3, 1, "valid", 12),
        ((10, 10), 3, 1, "valid", 10 * 12 + 8 * 12),
        # windows share single inputs, so nothing, along an axis of stride 2
        ((17,), 3, 2, "valid", 2 * 8),
        ((17, 17), 3, 2, "valid", 17 * 16 + 8 * 16),
        # the axis that leaves fewer values comes first
        ((10, 17), 3, (1, 2), "valid", 10 * 16 + 8 * 12),
        ((17, 10), 3, (2, 1), "valid", 10 * 16 + 8 * 12),
        ((9, 9), 2, 1, "valid", 9 * 8 + 8 * 8),
        # pairs and fours at every second place, and one more each: 5 + 4 + 8
        ((12, 12), 5, 1, "valid", 12 * 17 + 8 * 17),
        # the two that neighbours share, the one or the two between, and two more each
        ((35,), 5, 3, "valid", 11 * 3 + 1),
        ((10, 10, 10), 3, 1, "valid", 12 * (10 * 10 + 10 * 8 + 8 * 8)),
        # the windows at the edges are pairs that are there anyway
        ((8,), 3, 1, "same", 4 + 6),
        ((8, 8), 3, 1, "same", 8 * 10 + 8 * 10),
    ],
)
def test_overlapping_windows_share_comparators(
    shape, pool_size, strides, padding, expected
):
    for channels_last in (True, False):
        with_channels = (*shape, 2) if channels_last else (2, *shape)
        windows = mpc.PoolWindows(
            with_channels,
            pool_size,
            strides,
            padding,
            channels_last=channels_last,
        )
        assert mpc.PairwiseReLU(windows).n_neurons == 2 * expected
        assert mpc.AbsoluteValue(windows).n_neurons == 4 * expected
        assert mpc.PairwiseReLU(apart(windows)).n_neurons == sum(windows.sizes - 1)


@pytest.mark.parametrize("circuit", [mpc.PairwiseReLU, mpc.AbsoluteValue])
@pytest.mark.parametrize(
    "windows",
    [
        mpc.PoolWindows((6, 6, 2), 2),
        mpc.PoolWindows((5, 7, 1), 3, padding="same"),
        mpc.PoolWindows((7, 7, 1), 2, strides=3),
        # they overlap in single inputs
        mpc.PoolWindows((9, 1), 3, strides=2),
        mpc.PoolWindows.global_pooling((3, 3, 2)),
    ],
    ids=["2x2", "smaller at edges", "gaps", "nothing to share", "global"],
)
def test_other_windows_are_built_one_by_one(circuit, windows, run_circuit):
    pools = [circuit(each, seed=0) for each in (windows, apart(windows))]
    expected = pools[0].neurons_per_part * sum(windows.sizes - 1)
    assert pools[0].n_neurons == expected
    assert len(pools[0].all_connections) == len(pools[1].all_connections)
    for one, other in zip(*(pool.all_connections for pool in pools)):
        assert one.synapse == other.synapse
        assert np.array_equal(*(dense(each.transform) for each in (one, other)))
    x = np.random.RandomState(0).uniform(size=windows.n_inputs)
    outputs = [
        run_circuit(circuit, each, x, steps=50) for each in (windows, apart(windows))
    ]
    assert np.array_equal(*outputs)


def dense(transform):
    """Weights of a connection."""
    if isinstance(transform, nengo.Sparse):
        return transform.init.toarray()
    return getattr(transform, "init", None)


@settings(max_examples=200)
@given(geometries())
def test_shared_comparisons_find_the_maximum_of_each_window(windows):
    check_shared_comparisons(windows)


@pytest.mark.parametrize("strides", range(1, 6))
@pytest.mark.parametrize("pool_size", range(2, 8))
def test_comparisons_along_one_axis_are_few(pool_size, strides):
    windows = mpc.PoolWindows((60,), pool_size, strides)
    number = check_shared_comparisons(windows)
    if number is not None:
        assert number <= int(np.ceil(np.log2(pool_size))) * 59
    # every second input, twice: those of windows with gaps are the same
    if strides == 1:
        apart = mpc.PoolWindows((120,), pool_size, dilation=2, strides=1)
        assert check_shared_comparisons(apart) == (number and 2 * number)


@pytest.mark.parametrize(
    "windows",
    [
        mpc.PoolWindows.adaptive((9, 9, 1), 5),
        mpc.PoolWindows((7, 8, 2), 3, 2, padding=1),
        mpc.PoolWindows((7, 8, 2), 2, 1, dilation=2, padding=((1, 0), (0, 1))),
        mpc.PoolWindows((7, 8, 1), 3, 2, dilation=(1, 2), ceil_mode=True),
    ],
)
def test_windows_of_every_kind_share_comparators(windows, run_circuit):
    assert check_shared_comparisons(windows) < sum(windows.sizes - 1)
    x = np.random.RandomState(0).uniform(size=windows.n_inputs)
    y = run_circuit(mpc.PairwiseReLU, windows, x, **EXACT_RECTIFIERS)
    np.testing.assert_allclose(y.ravel(), windows.max(x))


def check_shared_comparisons(windows):
    """Compare as a tree would; the number of comparisons, None without overlap."""
    shared = shared_comparisons(windows.axes)
    if shared is None:
        assert len(np.unique(windows.members)) == len(windows.members)
        return None
    x = np.random.RandomState(0).normal(size=windows.n_inputs)
    values = x[shared.inputs]
    for first, second in shared.levels:
        values = np.maximum(values[first], values[second])
    assert np.array_equal(values[shared.maxima], windows.max(x))
    assert shared.number <= np.sum(windows.sizes - 1)
    depths = [np.ceil(np.log2(axis.sizes.max())) for axis in windows.axes]
    assert len(shared.levels) == sum(depths)
    return shared.number


def test_size_of_a_network_does_not_depend_on_the_number_of_shared_pools():
    small, large = (
        mpc.PairwiseReLU(mpc.PoolWindows((n, n, 1), 3, strides=1)) for n in (8, 30)
    )
    assert len(small.comparators) == len(large.comparators) == 4
    assert len(small.all_objects) == len(large.all_objects)


def test_shared_comparators_are_no_less_accurate():
    windows = mpc.PoolWindows((10, 10, 1), 3, strides=1)
    workload = mpc.comparison.presentations(1, windows.n_inputs)
    workload = dataclasses.replace(workload, windows=windows)
    table = mpc.compare(
        {"shared": mpc.PairwiseReLU, "apart": lambda w: mpc.PairwiseReLU(apart(w))},
        workload=workload,
    )
    shared, separate = table["shared"], table["apart"]
    assert shared.rmse < 1.03 * separate.rmse
    assert abs(shared.bias) < abs(separate.bias) + 0.005
    assert shared.spikes < 0.4 * separate.spikes
    assert shared.synaptic_operations < 0.7 * separate.synaptic_operations


# --- default neurons and rates --------------------------------------------------------


def front(circuit, max_rate=250, window_size=4, **options):
    """Input synapse and membrane floor of the default neurons."""
    options = {"max_rate": max_rate, "decoders": None, **options}
    pool = circuit(independent(window_size), **options)
    assert isinstance(pool.neuron_type, mpc.IntegrateAndFire)
    assert pool.neuron_type.amplitude == 1
    return pool.input_synapse, pool.neuron_type.min_voltage


@pytest.mark.parametrize(
    "circuit, tau", [(mpc.PairwiseReLU, 0.0015), (mpc.WinnerTakeAll, 0.00172)]
)
def test_input_filter_of_the_default_neurons(circuit, tau):
    filters = {rate: front(circuit, rate)[0] for rate in (25, 100, 250, 500, 1000)}
    assert filters[250] == nengo.Alpha(tau)
    # as many intervals of slow inputs
    assert filters[100].tau == pytest.approx(2.5 * filters[250].tau)
    # slower for neurons that see more of the ripple, but far less than in proportion
    assert filters[250].tau < filters[500].tau < filters[1000].tau < 0.003


def test_floor_is_as_deep_as_the_filter_lets_ripple_through():
    circuit = mpc.PairwiseReLU
    synapses = [None, nengo.Lowpass(0.001), nengo.Lowpass(0.003), nengo.Lowpass(0.02)]
    floors = [front(circuit, input_synapse=synapse)[1] for synapse in synapses]
    assert floors == sorted(floors) and floors[0] < floors[-1]
    for rate in (500, 1000):
        # thresholds are finer, so that ripple is more of them
        assert front(circuit, rate)[1] < front(circuit)[1]
    assert front(circuit, 25)[1] == pytest.approx(front(circuit)[1], abs=0.1)


def test_floor_is_deeper_where_levels_add_up():
    floors = [front(mpc.PairwiseReLU, window_size=size)[1] for size in (2, 4, 9, 100)]
    assert floors[0] == floors[1] > floors[2] > floors[3]


@pytest.mark.parametrize(
    "size, max_rate, synapse, floor",
    [
        # thresholds per spike: 1; all of the ripple, none of it, half of it
        (4, 250, None, -3.5),
        (4, 250, nengo.Lowpass(1), -1.2),
        (4, 250, nengo.Lowpass(0.001103), -2.47),
        # thresholds per spike: 4
        (4, 1000, None, -14),
        (4, 1000, nengo.Lowpass(1), -3.4),
        # the more levels, the deeper
        (36, 250, None, -3.5 * 3**0.5),
        (36, 250, nengo.Lowpass(1), 1 - 2.2 * 3**0.5),
    ],
)
def test_floor_of_comparators(size, max_rate, synapse, floor):
    options = {"max_rate": max_rate, "input_synapse": synapse}
    tree = mpc.PairwiseReLU(independent(size), **options)
    assert tree.neuron_type.min_voltage == pytest.approx(floor, abs=0.05)


@pytest.mark.parametrize("max_rate, memory", [(250, 1), (1000, 7), (100, 1)])
def test_floor_of_units_rises_with_the_mean(max_rate, memory):
    unit = mpc.WinnerTakeAll(independent(4), max_rate=max_rate).neuron_type
    assert unit.min_voltage == pytest.approx(-memory)
    # the filter has two poles of tau, and inputs fire at R
    interval = 1 / min(250, max_rate)
    tau = 0.43 * interval * (max_rate * interval) ** (1 / 3)
    rise = memory * np.pi * tau / interval / (2 * max_rate)
    assert unit.rise == pytest.approx(rise, rel=0.1)
    raw = mpc.WinnerTakeAll(independent(4), max_rate=max_rate, input_synapse=None)
    assert (raw.neuron_type.min_voltage, raw.neuron_type.rise) == (-memory, 0)


def test_published_defaults_of_absolute_value():
    pool = mpc.AbsoluteValue(independent(4))
    assert pool.neuron_type == nengo.SpikingRectifiedLinear()
    assert (pool.max_rate, pool.radius) == (250, 0.2)
    assert pool.synapse == nengo.Lowpass(0.001)
    assert pool.input_synapse == nengo.Lowpass(0.005)


@pytest.mark.parametrize("input_range", [(0, 1), (-1, 1), (2, 5)])
@pytest.mark.parametrize(
    "circuit, neurons_of",
    [
        (mpc.PairwiseReLU, lambda pool: pool.comparators[0]),
        (mpc.WinnerTakeAll, lambda pool: pool.units),
    ],
    ids=["PairwiseReLU", "WinnerTakeAll"],
)
def test_max_rate_is_reached_at_the_top_of_the_input_range(
    circuit, neurons_of, input_range
):
    low, high = input_range
    others = {mpc.PairwiseReLU: (low + high) / 2, mpc.WinnerTakeAll: low}[circuit]
    pool = circuit(independent(2, 1), max_rate=80, input_range=input_range)
    assert abs(rate_of_first(neurons_of, pool, [high, others]) - 80) <= 1


# --- winner-take-all ------------------------------------------------------------------


@pytest.mark.parametrize(
    "neuron_type", [mpc.IntegrateAndFire(min_voltage=-2), nengo.LIF()], ids=str
)
def test_the_unit_that_fires_is_the_winner(neuron_type):
    windows = mpc.PoolWindows.independent(n_pools=20, window_size=4)
    x = np.stack(
        [np.random.RandomState(i).permutation([0.1, 0.3, 0.5, 0.9]) for i in range(20)]
    )
    with nengo.Network(seed=0) as model:
        pool = mpc.WinnerTakeAll(windows, neuron_type=neuron_type)
        nengo.Connection(nengo.Node(x.ravel()), pool.input, synapse=None)
        spikes = nengo.Probe(pool.units.neurons)
    with nengo.Simulator(model, progress_bar=False) as sim:
        sim.run(0.5)
    rates = sim.data[spikes][250:].mean(axis=0).reshape(20, 4, -1).sum(axis=2)
    np.testing.assert_array_equal(rates.argmax(axis=1), x.argmax(axis=1))
    losers = np.sort(rates, axis=1)[:, :-1]
    assert np.all(losers < 0.05 * rates.max(axis=1, keepdims=True))


def test_losers_are_silent_for_default_neurons():
    with nengo.Network(seed=0) as model:
        pool = mpc.WinnerTakeAll(independent(4, 1))
        inputs = nengo.Node([0.1, 0.3, 0.9, 0.5])
        nengo.Connection(inputs, pool.input, synapse=None)
        spikes = nengo.Probe(pool.units.neurons)
    with nengo.Simulator(model, progress_bar=False) as sim:
        sim.run(0.5)
    assert list(np.flatnonzero(sim.data[spikes][100:].any(axis=0))) == [2]


@pytest.mark.parametrize("strength", [1, 0.9])
def test_tuned_strength_of_inhibition(strength):
    options = {"neuron_type": mpc.IntegrateAndFire(), "max_rate": 200}
    windows = independent(2, n_pools=1)
    setup = mpc.WinnerTakeAll(windows, decoders=None, **options).setup
    tuned = mpc.TunedDecoders(setup, {"unit": [[0]]}, {"inhibition": strength})
    pool = mpc.WinnerTakeAll(windows, decoders=tuned, **options)
    (inhibition,) = [
        connection
        for connection in pool.connections
        if connection.synapse == nengo.Lowpass(0)
    ]
    # a spike, of 1 / 400 of the value per Hz, takes one threshold from its rival
    gain = pool.units.gain[0]
    weights = weights_of(inhibition).toarray() * gain
    np.testing.assert_allclose(weights, [[0, -strength], [-strength, 0]], atol=1e-12)


def test_units_that_share_a_reset_have_no_synapse_and_no_company():
    pool = mpc.WinnerTakeAll(independent(4))
    assert type(pool.neuron_type) is mpc.AboveMean and pool.synapse is None
    for options in ({"n_neurons": 2}, {"synapse": 0.002}):
        inhibiting = mpc.WinnerTakeAll(independent(4), **options)
        assert type(inhibiting.neuron_type) is mpc.IntegrateAndFire
        with pytest.raises(ValidationError, match="share"):
            mpc.WinnerTakeAll(independent(4), neuron_type=pool.neuron_type, **options)


def test_units_that_are_read_through_a_known_filter():
    """At 100 Hz: poles of .95 intervals, a zero, a floor of -(s + 1), s = 2."""
    pool = mpc.WinnerTakeAll(
        independent(3), max_rate=100, input_rate=100, readout=0.04, input_range=(-1, 1)
    )
    units, synapse = pool.neuron_type, pool.input_synapse
    assert (units.readout, units.min_voltage, units.leaks_above) == (0.04, -3, 50)
    np.testing.assert_allclose(synapse.num, [0.04, 1])
    np.testing.assert_allclose(np.roots(synapse.den), [-1 / 0.0095] * 3, rtol=1e-3)
    for options in ({"neuron_type": nengo.LIF()}, {"synapse": 0.002}):
        with pytest.raises(ValidationError, match="readout: is for .* share a reset"):
            mpc.WinnerTakeAll(independent(3), readout=1, **options)


@pytest.mark.parametrize("name", ["band-limited", "presentations"])
def test_units_follow_change_better_if_they_know_the_readout(name, run_circuit):
    workload = find_workload(name, 4, 30, seed=3)
    spikes = input_spikes(workload.values, 250, seed=1)
    errors = []
    for options in ({}, {"readout": 0.02}):
        y = run_circuit("winner-take-all", workload.windows, spikes, **options)[:, 0]
        errors.append(np.std(best_readout(y, workload)[1]))
    # measured: 0.83 to 0.89
    assert errors[1] < 0.94 * errors[0]


def test_membranes_that_leak_are_the_error_of_what_is_read():
    """Of constant currents, which are above ``leaks_above`` or below."""
    for leaks in (True, False):
        neuron_type = mpc.LeakyAboveMean(2, 0.02, leaks_above=0 if leaks else 1e6)
        with nengo.Network(seed=0) as model:
            units = nengo.Ensemble(
                2, 1, gain=[1, 1], bias=[0, 0], neuron_type=neuron_type
            ).neurons
            nengo.Connection(nengo.Node([900, 100]), units, synapse=None)
            probe = nengo.Probe(units)
            voltage = nengo.Probe(units, "voltage")
        with nengo.Simulator(model, progress_bar=False) as sim:
            sim.run(0.5)
        read = nengo.Lowpass(0.02).filt(sim.data[probe][:, :1], y0=0)[200:]
        # 400 Hz: a spike adds 50 to what is read, and 0.4 spikes come in a step
        error = (400 - read[:, 0]).mean()
        assert abs(error) < (10 if leaks else 2)
        middle = np.median(sim.data[voltage][200:, 0])
        assert abs(middle - (0 if leaks else 0.5)) < 0.25


def test_default_synapse_of_lateral_inhibition():
    def synapse(window_size, **options):
        options = {"decoders": None, **options}
        return mpc.WinnerTakeAll(independent(window_size), **options).synapse

    assert synapse(49, neuron_type=mpc.IntegrateAndFire()) == nengo.Lowpass(0)
    assert synapse(4, neuron_type=nengo.LIF()) == nengo.Lowpass(0.005)
    assert synapse(9, neuron_type=nengo.LIF()).tau == pytest.approx(0.009)


# --- softmax --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "circuit", ["winner-take-all", "pairwise-relu", "shared-reset", "softmax"]
)
@pytest.mark.parametrize("window_size, rate", [(4, 50), (9, 50)])
def test_slow_inputs_cause_no_bias_where_their_rate_is_given(
    circuit, window_size, rate, run_circuit
):
    workload = constant(window_size, n_pools=20, seed=5)
    spikes = input_spikes(workload.values, rate, seed=1)
    errors = {}
    for given_rate in (rate, 250):
        options = {"input_rate": given_rate, "decoders": None}
        y = run_circuit(circuit, workload.windows, spikes, **options)[:, 0]
        y = nengo.Lowpass(0.05).filt(y, axis=0, dt=0.001)
        errors[given_rate] = (y - workload.target)[workload.is_read].mean()
    assert abs(errors[rate]) < 0.04 < errors[250]


@pytest.mark.parametrize("seed", range(2))
def test_seldom_spikes_hardly_lift_the_softmax(run_circuit, seed):
    """Without a target that is higher where the mean is low, the bias is +0.02."""
    workload = natural(4, n_pools=60, seed=seed)
    spikes = input_spikes(workload.values, 250, seed=seed)
    y = run_circuit("softmax", workload.windows, spikes, decoders=None)[:, 0]
    y = nengo.Lowpass(0.03).filt(y, axis=0, dt=DT)
    assert abs((y - workload.target)[workload.is_read].mean()) < 0.012


def test_steeper_softmax_has_a_smaller_bias(run_circuit):
    windows = independent(4, 30)
    x = np.full((1, windows.n_inputs), 0.5)

    def bias(beta):
        y = run_circuit("softmax", windows, x, steps=400, beta=beta)
        return np.mean(y[:, 200:] - 0.5)

    # the log-sum-exp of equal inputs is too large by log(k) / beta
    assert bias(20) < 0.6 * np.log(4) / 20
    assert bias(40) < bias(20) < bias(10)


def test_estimate_of_softmax_falls_at_its_integration_rate(run_circuit):
    before, after = np.tile([1, 0, 0, 0], 10), np.full(40, 0.3)
    x = np.repeat([before, after], 400, axis=0)
    y = run_circuit("softmax", independent(4, 10), x, decoders=None)[400:, 0]
    # of one entry each: Nengo's filters of single numbers fail with NumPy 2.5
    y = nengo.Lowpass(0.005).filt(y.mean(axis=1, keepdims=True), y0=1, dt=DT)
    # 8 widths of the range per second, times the target of 0.89 at a mean of 0.3
    assert 0.05 < DT * (np.argmax(y < 0.4) - np.argmax(y < 0.9)) < 0.08


def test_default_steepness_follows_the_input_range():
    def beta(**options):
        return mpc.SoftmaxApproximation(independent(4), decoders=None, **options).beta

    assert beta() == 20
    assert beta(input_range=(-1, 1)) == 10
    assert beta(beta=3) == 3


def test_softmax_is_less_steep_in_larger_windows():
    windows = mpc.PoolWindows.from_indices([range(4), range(4, 6), range(6, 38)], 38)

    def steepness(**options):
        pool = mpc.SoftmaxApproximation(windows, decoders=None, **options)
        (connection,) = (
            connection
            for connection in pool.all_connections
            if connection.post == pool.units.neurons
        )
        weights = connection.transform.sample().toarray()
        # of the first neuron of each pool
        return weights[20 * np.array([0, 4, 6])].max(axis=1)

    np.testing.assert_allclose(steepness() / steepness()[0], [1, 1, 0.5])
    given = steepness(beta=20)
    np.testing.assert_allclose(given, given[0])


# --- absolute-value -------------------------------------------------------------------


def test_default_radius_follows_the_input_range():
    assert mpc.AbsoluteValue(independent(4), input_range=(-1, 1)).radius == 0.4
    assert mpc.AbsoluteValue(independent(4), radius=0.3).radius == 0.3


def test_radius_trades_spikes_for_accuracy():
    windows = independent(4, 50)
    x = np.random.RandomState(0).uniform(size=windows.n_inputs)

    def error_and_spikes(radius):
        with nengo.Network(seed=0) as model:
            pool = mpc.AbsoluteValue(windows, radius=radius)
            nengo.Connection(nengo.Node(x), pool.input, synapse=None)
            output = nengo.Probe(pool.output, synapse=0.02)
            spikes = [nengo.Probe(ens.neurons) for ens in pool.comparators]
        with nengo.Simulator(model, progress_bar=False) as sim:
            sim.run(0.4)
        error = sim.data[output][200:] - windows.max(x)
        return np.sqrt(np.mean(error**2)), sum(sim.data[p].sum() for p in spikes)

    errors, spikes = zip(*(error_and_spikes(radius) for radius in (0.1, 0.25, 0.6)))
    assert errors[0] < errors[1] < errors[2]
    assert spikes[0] > 2 * spikes[1] > 4 * spikes[2]


# --- ensemble -------------------------------------------------------------------------


def test_more_neurons_make_the_ensemble_more_accurate(run_circuit):
    windows = independent(3, 30)
    x = np.random.RandomState(0).uniform(size=(1, windows.n_inputs))

    def error(n_neurons):
        options = {"n_neurons": n_neurons, "decoders": None}
        y = run_circuit("ensemble", windows, x, steps=200, **options)
        return np.sqrt(np.mean((y[:, 100:].mean(axis=1) - windows.max(x)) ** 2))

    assert error(400) < 0.8 * error(50)


def test_encoders_of_the_ensemble_are_the_same_in_all_networks():
    # decoders that were tuned for one must fit all
    def weights(seed):
        pool = mpc.EnsembleMax(independent(3), seed=seed)
        (copies,) = pool.populations["ensemble"]
        return copies.population.encoders

    np.testing.assert_array_equal(weights(1), weights(2))


def test_equal_inputs_leave_the_ensemble_to_the_mean(run_circuit):
    windows = independent(4, 5)
    x = np.repeat(np.linspace(0, 1, 5), 4)[np.newaxis]
    y = run_circuit("ensemble", windows, x, steps=1000, decoders=None)
    error = y[:, 200:].mean(axis=1) - windows.max(x)
    # what is decoded from no difference is the same at all levels
    assert np.ptp(error) < 0.01


def test_fewer_neurons_per_input_are_soon_solved():
    pool = mpc.EnsembleMax(independent(101, 1), n_neurons=50, decoders=None)
    assert pool.n_neurons == 50


# --- base class -----------------------------------------------------------------------


INHIBITING = {"neuron_type": mpc.IntegrateAndFire()}
LOWPASS = "must be a nengo.Lowpass with tau > 0"
RATE, TWO = "from 1e-30 to 1e30", "two finite numbers"
MASKED = np.ma.array([0, 1], mask=[False, True])


@pytest.mark.parametrize(
    "circuit, argument, value, allowed",
    [
        (mpc.WinnerTakeAll, "synapse", None, r"loop needs a delay.*Lowpass\(0\).*None"),
        (mpc.WinnerTakeAll, "readout", 0, "above 0"),
        (mpc.WinnerTakeAll, "neuron_type", mpc.AboveMean(3), "in groups"),
        (mpc.PairwiseReLU, "neuron_type", mpc.AboveMean(3), "in groups"),
        *((mpc.SoftmaxApproximation, "synapse", x, LOWPASS) for x in (None, 0)),
        (mpc.SoftmaxApproximation, "synapse", nengo.Alpha(0.005), LOWPASS),
        (mpc.SoftmaxApproximation, "beta", 0, "finite number above 0"),
        (mpc.AbsoluteValue, "n_neurons", 3, "must be even.*got 3"),
        (mpc.AbsoluteValue, "radius", 0, "finite number above 0"),
        (mpc.EnsembleMax, "n_neurons", 5050, "at most 5000, got 5050.*WinnerTakeAll"),
        *((mpc.WinnerTakeAll, "max_rate", rate, RATE) for rate in (1e-300, 1e300)),
        (mpc.WinnerTakeAll, "input_rate", 1e-300, RATE),
        *((mpc.WinnerTakeAll, "input_range", x, TWO) for x in ({0: 0, 1: 1}, MASKED)),
    ],
)
def test_what_circuits_refuse(circuit, argument, value, allowed):
    others = INHIBITING if allowed.startswith("loop") else {}
    with nengo.Network() as model:
        with pytest.raises(ValidationError, match=allowed) as error:
            circuit(independent(4), **{**others, argument: value})
    assert error.value.attr == argument
    assert model.all_networks == model.all_objects == []


def test_base_class_says_what_to_define():
    with pytest.raises(NotImplementedError, match="MaxPoolNetwork.*build_circuit"):
        mpc.MaxPoolNetwork(independent(2))


def test_single_inputs_need_no_circuit(run_circuit):
    windows = independent(1, 4)
    pool = mpc.MaxPoolNetwork(windows)  # which has none
    assert pool.n_neurons == 0
    x = np.array([[0.5, -7, 3, 0]])
    y = run_circuit(mpc.MaxPoolNetwork, windows, x)
    np.testing.assert_array_equal(y[0], x)
