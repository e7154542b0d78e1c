"""Workloads, encodings, metrics, costs, `compare` and its tables."""

import contextlib
import dataclasses
import functools
import html.parser
import itertools
import sys
import types

import joblib
import nengo
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.comparison import (
    ENCODINGS,
    WORKLOADS,
    ComparisonTable,
    Workload,
    band_limited,
    images,
    presentations,
    read_csv,
    simulate,
)
from maxpool_circuits.comparison.compare import seed_of_trial, seed_of_values
from maxpool_circuits.comparison.encodings import WITHOUT_SPIKES, input_spikes
from maxpool_circuits.comparison.events import fan_outs
from maxpool_circuits.comparison.metrics import (
    STEP_LENGTH,
    average,
    latency,
    measure,
    oracle,
    read_out,
)
from maxpool_circuits.comparison.simulate import Recording, record
from maxpool_circuits.comparison.table import (
    METRICS,
    difference_of,
    half_width,
    ratio_of,
    with_best_readouts,
)
from maxpool_circuits.comparison.workloads import (
    find_workload,
    gabor,
    hold,
    simple_cell_responses,
)
from maxpool_circuits.network.sparse import connect, selection

RAGGED = [[4, 0, 7], [1], [2, 3]]  # over 8 inputs, 5 and 6 are in no window
TIMES = ["build_time", "simulation_time"]
SMALL = {"circuits": ["winner-take-all"], "n_pools": 10}


@contextlib.contextmanager
def shortened():
    """Comparisons of half the time steps, where no error is looked at."""

    def short(*arguments, **options):
        whole = presentations(*arguments, **options)
        values, is_read = whole.values[:300], whole.is_read[:300]
        return dataclasses.replace(whole, values=values, is_read=is_read)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(WORKLOADS, "presentations", short)
        for module in ("compare", "metrics"):
            full_name = f"maxpool_circuits.comparison.{module}"
            patch.setattr(sys.modules[full_name], "STEP_LENGTH", 200)
        yield


@pytest.fixture
def shorter():
    """As `shortened`."""
    with shortened():
        yield


@pytest.fixture(scope="module")
def table():
    """All circuits on few pools."""
    with shortened():
        return mpc.compare(n_pools=50)


@pytest.fixture(scope="module")
def several():
    """A real table of three trials."""
    with shortened():
        return mpc.compare(**SMALL, n_trials=3)


def first_input(windows):
    """A user's own circuit: not a maximum, but the first input of each pool."""
    with nengo.Network() as network:
        network.input = nengo.Node(size_in=windows.n_inputs)
        network.output = nengo.Node(size_in=windows.n_pools)
        pick = selection(windows.indices[:, 0], windows.n_inputs)
        connect(network.input, network.output, pick)
    return network


def assert_same_outputs(table, other):
    for name, output in table.outputs.items():
        np.testing.assert_array_equal(other.outputs[name], output)


# --- workloads -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "n_pools", "n_steps", "n_reads"),
    [
        ("presentations", 5, 1100, 20),
        ("band-limited", 5, 1500, 1200),
        ("smooth", 5, 1500, 1200),
        ("natural", 300, 1100, 10),
        ("images", None, 800, 7),
    ],
)
def test_workload_has_values_in_range_for_all_inputs(name, n_pools, n_steps, n_reads):
    workload = find_workload(name, window_size=4, n_pools=n_pools)
    n_inputs = workload.windows.n_inputs
    assert workload.name == name
    assert workload.windows.n_pools == (n_pools or 256)
    assert np.all(workload.windows.sizes == 4)
    assert workload.values.shape == (n_steps, n_inputs)
    assert workload.step.shape == (2, n_inputs)
    for values in (workload.values, workload.step):
        assert 0 <= values.min() < 0.1
        assert 0.8 < values.max() <= 1
    assert workload.is_read.shape == (n_steps,)
    assert workload.is_read.sum() == n_reads


def test_natural_inputs_are_mostly_small_and_similar():
    workload = find_workload("natural", window_size=4, n_pools=2000)
    windows = np.sort(workload.values[::100].reshape(-1, 4), axis=1)
    largest = windows[:, -1]
    assert np.mean(windows == 0) == pytest.approx(0.5, abs=0.01)
    assert 0.02 < np.median(largest) < 0.06 and np.quantile(largest, 0.99) > 0.5
    seen = largest > 0.02
    assert 0.5 < np.median(windows[seen, -2] / largest[seen]) < 0.7


@pytest.mark.parametrize("name", WORKLOADS)
def test_workload_follows_from_its_seed(name):
    first, again, other = (find_workload(name, 4, seed=seed) for seed in (3, 3, 4))
    for attribute in ("values", "step"):
        same = getattr(first, attribute)
        np.testing.assert_array_equal(same, getattr(again, attribute))
        assert np.any(same != getattr(other, attribute))


def test_presentations_last_50_ms_and_are_read_at_their_end():
    workload = find_workload("presentations", n_pools=5)
    changes = np.flatnonzero(np.diff(workload.values, axis=0).any(axis=1))
    np.testing.assert_array_equal(changes, np.arange(49, 1099, 50))
    np.testing.assert_array_equal(
        np.flatnonzero(workload.is_read), np.arange(149, 1100, 50)
    )


def test_band_limited_is_clipped_noise_after_100_ms():
    workload = band_limited()
    values = workload.values
    # a normal distribution with an SD of 0.25 is beyond 0 and 1 in 4.55 % of the time
    at_bounds = np.mean((values == 0) | (values == 1))
    assert at_bounds == pytest.approx(0.0455, abs=0.01)
    assert values.mean() == pytest.approx(0.5, abs=0.01)
    assert values.std() == pytest.approx(0.24, abs=0.01)
    # it is in its steady state from the first step, and read after 0.3 s
    assert values[0].std() == pytest.approx(0.24, abs=0.02)
    np.testing.assert_array_equal(workload.is_read, np.arange(1500) >= 300)


@pytest.mark.parametrize("lag", [10, 100, 200])
def test_band_limited_is_correlated_over_100_ms(lag):
    values = band_limited().values - 0.5
    correlation = np.mean(values[lag:] * values[:-lag]) / np.mean(values**2)
    assert correlation == pytest.approx(np.exp(-lag / 100), abs=0.03)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"workload": "speech"},
            "workload: there is no workload 'speech'.*'presentations', 'constant'",
        ),
        ({"window_size": 2.0}, "window_size: must be an integer .* got 2.0"),
        ({"workload": "images", "n_pools": 9}, "n_pools: .* got 9"),
        ({"n_pools": 0}, "n_pools"),
        ({"n_trials": 0}, "n_trials: must be an integer of at least 1"),
        ({"input_rate": np.nan}, "input_rate: must be a finite number above 0, in Hz"),
        ({"seed": 2**32 - 1}, "seed: must be an integer from 0 to 2.*32 - 2, or None"),
        ({"encoding": "Poisson"}, "no encoding 'Poisson' .did you mean 'poisson'"),
        (
            {"encoding": "lif", "input_rate": 500},
            "input_rate: .*500 Hz.*encoding='regular'",
        ),
        ({"simulator": "nengo_dl"}, "simulator.*nengo.Simulator.*got"),
        ({"circuits": ["exact", "nope"]}, "'nope'.*'pairwise-relu'"),
        ({"circuits": {5: "exact"}}, "circuits: names of rows must be text, got 5"),
        ({"progress_bar": "no"}, "progress_bar: must be True or False"),
        ({"input_rate": 1e-300}, "input_rate: .* from 1e-30 to 1e30, got 1e-300"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValidationError, match=message):
        mpc.compare(**{"circuits": ["exact"], **arguments})


# --- a workload of one's own ----------------------------------------------------------

OWN = {
    "name": "mine",
    "windows": mpc.PoolWindows.independent(1, 2),
    "values": np.full((3, 2), 0.5),
    "is_read": np.ones(3, dtype=bool),
    "step": np.array([[0.0, 0.0], [1.0, 1.0]]),
}


def test_workload_keeps_copies_that_cannot_be_changed():
    given = {**OWN, "values": OWN["values"].copy(), "images": np.zeros((1, 2, 2))}
    workload = Workload(**given)
    given["values"][:] = 0
    np.testing.assert_array_equal(workload.values, OWN["values"])
    for name in ("values", "is_read", "step", "images"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(workload, name)[0] = 0
    # a value that is not compared by its arrays
    assert workload == workload and hash(workload)


@pytest.mark.parametrize(
    "name, value",
    [
        ("name", 5),
        ("windows", 4),
        ("values", np.full((3, 2), -5.0)),
        ("values", np.full((3, 2), np.nan)),
        ("values", np.ma.array(OWN["values"], mask=True)),
        ("values", [[0.5], [0.5, 0.5]]),
        ("values", [["0.5", "0.5"]] * 3),
        ("values", np.full((3, 3), 0.5)),
        ("is_read", np.zeros(3, dtype=bool)),
        ("is_read", np.arange(3)),
        ("is_read", np.ones(4, dtype=bool)),
        ("step", [[0, 0], [0, 2]]),
        ("images", np.zeros((2, 2))),
    ],
)
def test_workload_refuses_what_is_not_as_described(name, value):
    with pytest.raises(ValidationError) as error:
        Workload(**{**OWN, name: value})
    assert error.value.attr == name


# --- simple cells and images ---------------------------------------------------------


@pytest.mark.parametrize("angle", [0, 45, 90, 135])
def test_gabor_filter_is_normalised_and_prefers_its_own_grating(angle):
    kernel = gabor(9, 4.6, angle)
    assert kernel.sum() == pytest.approx(0, abs=1e-12)
    assert np.linalg.norm(kernel) == pytest.approx(1)
    y, x = np.mgrid[-3:4, -3:4]
    phase = x * np.cos(np.deg2rad(angle)) + y * np.sin(np.deg2rad(angle))
    grating = np.cos(2 * np.pi * phase / 3.5)
    own, *others = (
        np.sum(gabor(7, 3.5, angle + turn) * grating) for turn in (0, 45, 90, 135)
    )
    assert own > 2 * max(others)


@pytest.mark.parametrize(("preferred", "transposed"), [(0, False), (2, True)])
def test_simple_cells_prefer_bars_of_their_orientation(preferred, transposed):
    bar = np.zeros((1, 8, 8))
    bar[:, :, 4] = 1
    responses = simple_cell_responses(bar.swapaxes(1, 2) if transposed else bar)
    assert responses.shape == (1, 16, 16, 2, 4)
    assert responses.min() == 0
    assert responses.max() == 1
    # away from the edges, where every filter sees an end of the bar
    middle = responses[0, 4:12, 4:12].max(axis=(0, 1))
    assert np.all(middle.argmax(axis=-1) == preferred)


def test_images_are_pooled_over_patches_and_scales():
    workload = images(window_size=8)
    assert workload.images.shape == (8, 8, 8)
    assert workload.windows.output_shape == (8, 8, 1, 4)
    simple_cells = workload.values[::100].reshape(8, 8, 2, 8, 2, 2, 4)
    complex_cells = simple_cells.max(axis=(2, 4, 5)).reshape(8, 256)
    np.testing.assert_array_equal(workload.target[99::100], complex_cells)


def test_images_are_held_for_100_ms_and_all_but_the_first_are_read():
    workload = images(window_size=4)
    assert np.ptp(workload.values.reshape(8, 100, -1), axis=1).max() == 0
    np.testing.assert_array_equal(
        np.flatnonzero(workload.is_read), np.arange(199, 800, 100)
    )
    with pytest.raises(ValidationError, match="n_images.*from 2 to 1797"):
        images(8, n_images=1)


@pytest.mark.parametrize("window_size", [3, 12, 289])
def test_image_windows_of_other_sizes_are_refused(window_size):
    with pytest.raises(ValidationError, match=rf"\(4, 9, .*twice one.*{window_size}"):
        mpc.compare(workload="images", window_size=window_size)


# --- encodings -----------------------------------------------------------------------


RATE = 200
SPIKING = [name for name in ENCODINGS if name not in WITHOUT_SPIKES]
LEVELS = np.array([0, 0.1, 0.3, 0.5, 0.9, 1])


@pytest.mark.parametrize("rate", [100, 250, 1500])
def test_input_spikes_integrate_and_fire(rate):
    values = np.random.RandomState(0).uniform(size=(300, 20))
    spikes = input_spikes(values, rate, seed=0)
    counts = np.cumsum(spikes / 1000 * rate, axis=0)
    drive = np.cumsum(values, axis=0) * rate / 1000
    # one initial potential in [0, 1) must explain the whole train of a neuron
    lowest = np.max(counts - drive, axis=0)
    highest = np.min(counts + 1 - drive, axis=0)
    assert np.all(np.maximum(lowest, 0) < np.minimum(highest, 1) + 1e-9)
    expected = np.floor((lowest + highest) / 2 + drive)
    np.testing.assert_allclose(counts, expected, atol=1e-6)


def encode(name, values, window_size=None, seed=0, rate=RATE):
    """What circuits get; all inputs are one pool, if no size of windows is given."""
    n_inputs = values.shape[1]
    size = window_size or n_inputs
    windows = mpc.PoolWindows.independent(n_inputs // size, size)
    return ENCODINGS[name](values, rate, seed, windows)


def counts(name, level, n_inputs=400, n_steps=500, **options):
    """Number of spikes of inputs that stay at a level, (n_steps, n_inputs)."""
    signals = encode(name, np.full((n_steps, n_inputs), level), **options)
    return signals * RATE / 1000


@pytest.mark.parametrize("name", [*SPIKING, "values"])
def test_mean_is_the_value(name):
    values = np.tile(np.repeat(LEVELS, 50), (1200, 1))
    mean = encode(name, values, window_size=1)[200:].mean(axis=0)
    by_level = mean.reshape(len(LEVELS), 50).mean(axis=1)
    np.testing.assert_allclose(by_level, LEVELS, atol=0.01)


def test_populations_represent_values_from_0_to_1():
    levels = np.array([0, 0.1, 0.3, 0.6, 0.95, 1])
    values = np.tile(np.repeat(levels, 20), (500, 1))
    mean = encode("population", values)[100:].mean(axis=0).reshape(6, 20)
    np.testing.assert_allclose(mean[1:-1].mean(axis=1), levels[1:-1], atol=0.005)
    # regularised decoders draw the ends toward the middle
    np.testing.assert_allclose(mean.mean(axis=1), levels, atol=0.025)
    # each has neurons of its own, so each is decoded with an error of its own
    assert len(np.unique(mean)) == mean.size


@pytest.mark.parametrize("name", SPIKING)
def test_all_spikes_have_the_same_area(name):
    of_step = counts(name, 0.7)
    np.testing.assert_allclose(of_step, of_step.round(), atol=1e-9)
    assert of_step.max() >= 1


@pytest.mark.parametrize("name", ENCODINGS)
def test_signals_follow_from_their_seed_alone(name):
    values = np.random.RandomState(0).uniform(size=(100, 8))
    np.random.seed(0)
    first = encode(name, values, 4, seed=3)
    np.random.seed(1)
    np.testing.assert_array_equal(encode(name, values, 4, seed=3), first)
    if name != "values":
        assert np.any(encode(name, values, 4, seed=4) != first)


@pytest.mark.parametrize("name", ["poisson", "correlated"])
def test_counts_of_poisson_spikes_have_a_fano_factor_of_one(name):
    of_input = counts(name, 0.6, window_size=1).sum(axis=0)
    fano = of_input.var() / of_input.mean()
    assert fano == pytest.approx(1, abs=0.2)


def test_intervals_of_poisson_spikes_are_geometric():
    # spikes of one step count as one: those steps are independent of each other
    fired = counts("poisson", 0.5, n_inputs=50, n_steps=2000) > 0
    intervals = np.concatenate([np.diff(np.flatnonzero(train)) for train in fired.T])
    chance = 1 - np.exp(-0.5 * RATE / 1000)
    assert intervals.mean() == pytest.approx(1 / chance, rel=0.05)
    for length in (1, 2, 5):
        expected = chance * (1 - chance) ** (length - 1)
        assert np.mean(intervals == length) == pytest.approx(expected, abs=0.01)


def test_lif_spikes_keep_the_refractory_period():
    signals = encode(
        "lif", np.random.RandomState(0).uniform(0, 1, (2000, 50)), rate=499
    )
    fired = signals > 0
    assert fired.sum() > 10000
    # 2 ms, and no more than that: the fastest inputs fire in every third step or second
    intervals = np.concatenate([np.diff(np.flatnonzero(train)) for train in fired.T])
    assert intervals.min() == 2


def test_bursts_are_four_spikes_two_milliseconds_apart():
    trains = counts("bursts", 0.2, n_inputs=30).T
    for train in trains:
        first = np.flatnonzero(train)[0]
        burst = train[first : first + 8]
        np.testing.assert_allclose(burst, [1, 0, 1, 0, 1, 0, 1, 0], atol=1e-9)
    # at 0.2 of 200 Hz a burst comes every 100 ms
    starts = np.flatnonzero(trains[0])[::4]
    np.testing.assert_array_equal(np.diff(starts), 100)


def test_inputs_of_a_pool_are_correlated_and_those_of_others_are_not():
    levels = np.array([0.9, 0.4] * 2)
    signals = encode("correlated", np.tile(levels, (20000, 1)), window_size=2)
    correlation = np.corrcoef(signals.T)
    expected = np.eye(4)
    for first, second in ((0, 1), (2, 3)):
        expected[first, second] = expected[second, first] = np.sqrt(0.9 * 0.4)
    np.testing.assert_allclose(correlation, expected, atol=0.03)


def test_inputs_of_several_pools_and_of_none_have_a_source():
    windows = mpc.PoolWindows.from_indices([[0, 1], [1, 2]], n_inputs=5)
    ones = np.ones((300, 5))
    signals = ENCODINGS["correlated"](ones, RATE, 0, windows)
    same = [[np.array_equal(one, two) for two in signals.T] for one in signals.T]
    expected = np.equal.outer([0, 0, 1, 2, 2], [0, 0, 1, 2, 2])
    np.testing.assert_array_equal(same, expected)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"values": np.full((10, 2), -0.5)}, "values: .* numbers from 0 to 1"),
        ({"values": [[0.5, np.nan]]}, "values: .* numbers from 0 to 1"),
        ({"values": [0.5, 0.5]}, "values: .* of shape"),
        ({"rate": 0}, "rate: .* got 0"),
        ({"seed": "a"}, "seed: .* got 'a'"),
    ],
)
@pytest.mark.parametrize("name", sorted(ENCODINGS))
def test_encodings_check_their_arguments(name, options, message):
    windows = mpc.PoolWindows.independent(1, 2)
    given = {"values": [[0.5, 0.5]], "rate": 250, "seed": 0, **options}
    with pytest.raises(ValidationError, match=message):
        ENCODINGS[name](windows=windows, **given)


def test_correlated_spikes_need_windows():
    with pytest.raises(ValidationError, match="windows: .* got None"):
        ENCODINGS["correlated"]([[0.5, 0.5]])


def encoded_values(workload):
    """Values of a comparison: the workload, then steps to and fro for the latency."""
    steps = workload.step[[0, 1, 0, 1, 0]].repeat(300, axis=0)
    return np.concatenate([workload.values, steps])


@pytest.mark.parametrize("name", ["regular", "correlated"])
def test_comparison_gives_circuits_what_the_encoding_makes(name):
    table = mpc.compare(["exact"], n_pools=3, seed=5, encoding=name)
    workload = table.workload
    expected = ENCODINGS[name](encoded_values(workload), 250, 5, workload.windows)
    np.testing.assert_array_equal(table.spikes, expected)
    np.testing.assert_allclose(
        table.outputs["exact"], workload.windows.max(table.spikes)
    )
    about = "spiking inputs" if name == "regular" else f"inputs ({name})"
    assert f"3 pools of 4 {about}; readout" in table.heading


@pytest.mark.usefixtures("shorter")
@pytest.mark.parametrize("name", ["values", "population"])
def test_what_comes_without_spikes_causes_no_synaptic_operations_and_has_no_rate(name):
    fast, slow = (
        mpc.compare(
            ["pairwise-relu", "exact"], n_pools=2, encoding=name, input_rate=rate
        )
        for rate in (250, 10)
    )
    assert fast["exact"].synaptic_operations == 0
    assert fast["pairwise-relu"].synaptic_operations > 0
    for circuit, output in fast.outputs.items():
        np.testing.assert_array_equal(slow.outputs[circuit], output)


# --- synaptic operations -------------------------------------------------------------


def network_of(n_inputs, n_outputs=1):
    """A network with nothing between input and output."""
    with nengo.Network() as network:
        network.input = nengo.Node(size_in=n_inputs)
        network.output = nengo.Node(size_in=n_outputs)
    return network


def neurons(n_neurons):
    """The neurons of an ensemble."""
    return nengo.Ensemble(n_neurons, dimensions=1).neurons


def connect_all(pre, post, synapse=None):
    """Connect everything with everything."""
    nengo.Connection(
        pre, post, transform=np.ones((post.size_in, pre.size_out)), synapse=synapse
    )


def test_fan_out_counts_non_zero_weights_onto_neurons_and_output():
    with network_of(2) as network:
        two = neurons(2)
        nengo.Connection(network.input, two, transform=[[1, 0], [-2, 3]])
        connect_all(two, network.output)
    counts = fan_outs(network)
    assert counts[network.input].tolist() == [2, 1]
    assert counts[two].tolist() == [1, 1]


def test_fan_out_multiplies_weights_across_passthrough_nodes():
    with network_of(3) as network:
        total = nengo.Node(size_in=1)
        connect_all(network.input, total)
        connect_all(total, neurons(5))
    assert fan_outs(network)[network.input].tolist() == [5, 5, 5]


def test_fan_out_does_not_count_weights_that_cancel():
    with network_of(2) as network:
        two, total = neurons(2), nengo.Node(size_in=1)
        connect_all(network.input, total)
        connect_all(total, two)
        nengo.Connection(network.input, two, transform=-1)
    assert fan_outs(network)[network.input].tolist() == [1, 1]


def test_fan_out_follows_slices():
    with network_of(3) as network:
        five, node = neurons(5), nengo.Node(size_in=4)
        nengo.Connection(network.input[1], node[2])
        nengo.Connection(node[2:], five[:2])
        nengo.Connection(network.input[[2, 0]], five[[4, 4]])
    assert fan_outs(network)[network.input].tolist() == [1, 1, 1]


def test_fan_out_of_decoded_connections_reaches_every_neuron():
    with network_of(1) as network:
        sender, receiver = nengo.Ensemble(4, 1), nengo.Ensemble(7, 1)
        nengo.Connection(network.input, sender)
        nengo.Connection(sender, receiver, function=np.square)
        nengo.Connection(receiver, network.output)
    counts = fan_outs(network)
    assert counts[network.input].tolist() == [4]
    assert counts[sender.neurons].tolist() == [7] * 4
    assert counts[receiver.neurons].tolist() == [1] * 7


def test_fan_out_of_a_node_that_feeds_itself_counts_once():
    with network_of(1) as network:
        integrator = nengo.Node(size_in=1)
        nengo.Connection(network.input, integrator)
        nengo.Connection(integrator, integrator, synapse=0.1)
        connect_all(integrator, neurons(3))
    assert fan_outs(network)[network.input].tolist() == [3]


@pytest.mark.parametrize("size_out", [1, 4])
def test_a_computing_node_is_not_counted_in_the_fan_out(size_out):
    with network_of(4, size_out) as network:
        four = neurons(4)
        node = nengo.Node(lambda t, x: x[:size_out], size_in=4, size_out=size_out)
        for source in (network.input, four):
            nengo.Connection(source, node, synapse=None)
        nengo.Connection(node, network.output, synapse=None)
        connect_all(node, neurons(3))
    counts = fan_outs(network)
    assert counts[network.input].tolist() == counts[four].tolist() == [0] * 4


@pytest.mark.parametrize("amplitude", [1, 0.25])
def test_spikes_and_operations_are_those_of_a_direct_probe(amplitude):
    windows = mpc.PoolWindows.independent(n_pools=3, window_size=4)
    values = np.random.RandomState(0).uniform(size=(200, 12))
    inputs = input_spikes(values, rate=250)
    neuron_type = mpc.IntegrateAndFire(amplitude=amplitude)
    circuit = functools.partial(mpc.WinnerTakeAll, neuron_type=neuron_type, seed=1)
    recording = record(circuit, windows, inputs, n_counted=150, input_rate=250)

    with nengo.Network() as model:
        source = nengo.Node(lambda t: inputs[round(t * 1000) - 1], size_out=12)
        pool = circuit(windows)
        nengo.Connection(source, pool.input, synapse=None)
        output, spikes = nengo.Probe(pool.output), nengo.Probe(pool.units.neurons)
    with nengo.Simulator(model, progress_bar=False) as sim:
        sim.run_steps(200)
    n_spikes = sim.data[spikes][:150].sum() * 0.001 / amplitude
    n_input_spikes = inputs[:150].sum() * 0.001 * 250
    # a unit reaches the output and its 3 rivals; an input all 4 units and the output
    n_operations = n_spikes * (1 + 3) + n_input_spikes * (4 + 1)

    np.testing.assert_array_equal(recording.output, sim.data[output])
    assert n_spikes > 5
    assert recording.neurons == 4
    assert recording.spikes == pytest.approx(n_spikes / (3 * 0.150))
    assert recording.synaptic_operations == pytest.approx(n_operations / (3 * 0.150))


# --- metrics and references ----------------------------------------------------------


@pytest.fixture
def ragged_spikes():
    """Windows of different sizes, and values and spikes for them."""
    rng = np.random.RandomState(0)
    windows = mpc.PoolWindows.from_indices(RAGGED, n_inputs=8)
    return windows, rng.uniform(-1, 1, size=(20, 8)), rng.poisson(1, size=(20, 8))


def test_oracle_is_the_spike_train_of_the_largest_value(ragged_spikes):
    windows, values, spikes = ragged_spikes
    expected = [
        [spikes[t, max(window, key=lambda i: values[t, i])] for window in RAGGED]  # noqa: B023
        for t in range(20)
    ]
    np.testing.assert_array_equal(oracle(windows, values, spikes), expected)


def test_average_is_the_mean_spike_train(ragged_spikes):
    windows, _, spikes = ragged_spikes
    expected = [
        [sum(spikes[t, i] for i in window) / len(window) for window in RAGGED]
        for t in range(20)
    ]
    np.testing.assert_allclose(average(windows, spikes), expected)


def step_response(progress):
    """Response of pools whose steps have different sizes and directions."""
    before, change = np.array([0.2, 0.9, 0.5]), np.array([0.5, -0.7, 0.01])
    progress = np.concatenate([np.zeros(STEP_LENGTH), progress])
    return before + progress[:, np.newaxis] * change


@pytest.mark.parametrize("tau", [0.005, 0.02, 0.04])
def test_latency_of_an_exponential(tau):
    time = 0.001 * np.arange(1, STEP_LENGTH + 1)
    response = step_response(1 - np.exp(-time / tau))
    assert latency(response) == pytest.approx(tau * np.log(10), abs=0.001)


def test_latency_is_interpolated_between_time_steps():
    time = 0.001 * np.arange(1, STEP_LENGTH + 1)
    for crossing in (0.0101, 0.0105, 0.0109):
        response = step_response(np.clip(0.9 * time / crossing, 0, 1))
        assert latency(response) == pytest.approx(crossing)


def test_latency_is_that_of_all_steps_together():
    time = 0.001 * np.arange(1, STEP_LENGTH + 1)
    rise = 1 - np.exp(-time / 0.02)
    bump = 0.3 * (np.abs(time - 0.15) < 0.01)
    # up and down; what one of four responses does late counts a quarter
    one, two = np.zeros(STEP_LENGTH), np.ones(STEP_LENGTH)
    response = np.concatenate([one, rise + bump, 1 - rise, rise, 1 - rise])
    assert latency(response[:, np.newaxis]) == pytest.approx(0.0461, abs=1e-3)
    alone = np.concatenate([one, rise + bump])[:, np.newaxis]
    assert latency(alone) == pytest.approx(0.16, abs=2e-3)
    assert latency(np.concatenate([one, two, one])[:, np.newaxis]) == 0


def test_latency_does_not_jump_between_trials():
    trials = mpc.compare(["exact"], n_trials=4).trials
    assert np.ptp(trials.latency[trials.circuit == "oracle"]) < 0.006


@pytest.mark.parametrize(
    "progress",
    [np.linspace(0, 1, STEP_LENGTH), np.zeros(STEP_LENGTH)],
    ids=["still moving", "no response"],
)
def test_latency_of_a_response_that_does_not_settle_is_nan(progress):
    assert np.isnan(latency(step_response(progress)))


def test_read_out_is_an_exponential_filter():
    output = np.random.RandomState(0).uniform(size=(50, 2))
    decay = np.exp(-0.001 / 0.02)
    state, expected = np.zeros(2), []
    for value in output:
        state = decay * state + (1 - decay) * value
        expected.append(state)
    np.testing.assert_allclose(read_out(output, 0.02), expected)


def constant_workload(n_pools):
    """Inputs of 0.5 for 1 s, read in its last 0.1 s."""
    windows = mpc.PoolWindows.independent(n_pools, window_size=2)
    values = np.full((1000, 2 * n_pools), 0.5)
    step = np.repeat([[0.0], [1.0]], 2 * n_pools, axis=1)
    return Workload("constant", windows, values, np.arange(1000) >= 900, step)


def test_measures_of_known_errors():
    workload = constant_workload(n_pools=101)
    errors = np.linspace(-0.1, 0.3, 101)
    after = np.repeat([[0.0], [1.0]], STEP_LENGTH, axis=0) * np.ones(101)
    output = np.concatenate([workload.target + errors, after])
    recording = Recording(output, neurons=2, spikes=3.0)
    row = measure(recording, workload, readouts=[0.02])
    assert row["bias"] == pytest.approx(0.1)
    assert row["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)))
    assert row["p99"] == pytest.approx(0.296)
    assert row["readout"] == 0.02
    assert row["latency"] == pytest.approx(0.02 * np.log(10), abs=0.002)
    assert (row["neurons"], row["spikes"], row["synaptic_operations"]) == (2, 3.0, None)
    assert list(row) == ["readout", *METRICS]


# --- compare -------------------------------------------------------------------------


def test_all_circuits_and_both_references_by_default(table):
    circuits = [name for name in mpc.circuits() if name != "exact"]
    assert table.circuits == [*circuits, "exact (two poles of 5 ms)"]
    names = [*table.circuits, "oracle", "average"]
    assert list(table["rmse"].index) == list(table.outputs) == names


def test_exact_maximum_of_spikes_is_too_high_and_the_average_too_low(table):
    exact = functools.partial(mpc.ExactMax, input_synapse=0.005)
    unfiltered = mpc.compare({"exact": exact}, n_pools=100)
    assert unfiltered["exact"].bias > 0.05 > 3 * table["exact (two poles of 5 ms)"].bias
    assert table["average"].bias < -0.05
    assert abs(table["oracle"].bias) < 0.02


@pytest.mark.parametrize(
    ("circuit", "n_neurons"),
    [("pairwise-relu", 3), ("winner-take-all", 4), ("absolute-value", 6)],
)
def test_rows_tell_what_a_circuit_costs(table, circuit, n_neurons):
    row = table[circuit]
    assert row.neurons == n_neurons
    assert row.synaptic_operations > row.spikes > 0
    assert row.build_time > 0
    assert row.simulation_time > 0


def test_references_cost_nothing_and_have_no_counts(table):
    references = table.loc[["oracle", "average"]]
    assert (references["neurons"] == 0).all()
    assert references[["spikes", "synaptic_operations", *TIMES]].isna().all(axis=None)


@pytest.mark.usefixtures("shorter")
def test_rate_neurons_have_no_spikes():
    def rates(windows):
        return mpc.PairwiseReLU(windows, neuron_type=nengo.RectifiedLinear())

    row = mpc.compare(rates, n_pools=2)["rates"]
    assert row.neurons == 3
    assert np.isnan(row.spikes) and np.isnan(row.synaptic_operations)


@pytest.mark.usefixtures("shorter")
def test_circuits_by_name_class_callable_and_dict():
    def mine(windows):
        return mpc.PairwiseReLU(windows, max_rate=500)

    for circuits, names in (
        (["exact", mpc.PairwiseReLU, mine], ["exact", "PairwiseReLU", "mine"]),
        ({"a": "exact", "b": mpc.ExactMax}, ["a", "b"]),
        ("winner-take-all", ["winner-take-all"]),
        (mpc.WinnerTakeAll, ["WinnerTakeAll"]),
    ):
        assert mpc.compare(circuits, n_pools=2).circuits == names


def test_classes_and_their_partials_are_given_the_rate_of_slow_inputs():
    circuits = {
        "class": mpc.WinnerTakeAll,
        "partial": functools.partial(mpc.WinnerTakeAll),
        "own rate": functools.partial(mpc.WinnerTakeAll, max_rate=250),
        "callable": lambda windows: mpc.WinnerTakeAll(windows),
    }
    table = mpc.compare(circuits, n_pools=20, input_rate=100)
    errors = {name: table[name].rmse for name in circuits}
    assert errors["partial"] == errors["class"]
    assert errors["own rate"] < errors["class"] < errors["callable"] / 1.5


@pytest.mark.parametrize(
    "circuits",
    [
        ["exact", "exact"],
        {"oracle": mpc.ExactMax},
    ],
)
def test_rows_of_the_same_name_are_refused(circuits):
    with pytest.raises(ValidationError, match="circuits.*(exact|oracle)"):
        mpc.compare(circuits, n_pools=2)


@pytest.mark.usefixtures("shorter")
def test_same_seed_gives_the_same_rows():
    circuits = ["winner-take-all", "softmax"]
    tables = [mpc.compare(circuits, n_pools=5, seed=seed) for seed in (1, 1, 2)]
    first, again, other = (table.trials.drop(columns=TIMES) for table in tables)
    pd.testing.assert_frame_equal(first, again)
    assert (first["rmse"] != other["rmse"]).all()


@pytest.mark.usefixtures("shorter")
def test_every_circuit_gets_the_same_spikes_without_a_synapse(table):
    one = mpc.compare(first_input, n_pools=50)
    np.testing.assert_array_equal(one.spikes, table.spikes)
    np.testing.assert_array_equal(one.outputs["first_input"], one.spikes[:, ::4])
    assert one["first_input"].bias < -0.1


def test_workload_of_ones_own_with_windows_of_different_sizes():
    rng = np.random.RandomState(0)
    values, is_read = hold(rng.uniform(size=(3, 8)), n_steps=100, n_unread=1)
    windows = mpc.PoolWindows.from_indices(RAGGED, n_inputs=8)
    workload = Workload("mine", windows, values, is_read, rng.uniform(size=(2, 8)))
    table = mpc.compare(["pairwise-relu"], workload=workload)
    assert table.workload is workload
    assert table["pairwise-relu"].rmse < 0.2
    assert table.outputs["pairwise-relu"].shape == (300 + 5 * STEP_LENGTH, 3)


@pytest.mark.usefixtures("shorter")
def test_progress_is_only_shown_if_asked_for_and_on_a_terminal(capsys, monkeypatch):
    for on_terminal, asked_for in itertools.product([False, True], repeat=2):
        monkeypatch.setattr(sys.stderr, "isatty", lambda answer=on_terminal: answer)
        mpc.compare(["exact"], n_pools=2, progress_bar=asked_for)
        out, err = capsys.readouterr()
        assert out == ""
        assert ("1/1" in err) == (on_terminal and asked_for)


# --- trials --------------------------------------------------------------------------


@pytest.mark.usefixtures("shorter")
def test_first_trial_is_the_one_of_a_single_trial(several):
    single = mpc.compare(**SMALL)
    assert (single.n_trials, several.n_trials) == (1, 3)
    np.testing.assert_array_equal(single.spikes, several.spikes)
    assert_same_outputs(single, several)
    first = several.trials[several.trials["trial"] == 0]
    assert first["inputs"].tolist() == single.trials["inputs"].tolist()


def test_rows_are_means_of_trials_with_inputs_and_networks_of_their_own(several):
    for name, trials in several.trials.groupby("circuit"):
        assert trials["trial"].tolist() == [0, 1, 2]
        assert trials["readout"].nunique() == 1
        assert trials["inputs"].nunique() == trials["rmse"].nunique() == 3
        np.testing.assert_allclose(several[name].rmse, trials["rmse"].mean())
    assert several["winner-take-all"].neurons == 4


def test_readout_has_the_least_error_in_all_trials_not_in_the_first():
    errors = {0.01: (0.1, 0.5), 0.02: (0.2, 0.2)}
    lines = [
        {"circuit": "mine", "trial": trial, "inputs": "ab"[trial], "readout": readout}
        | {**dict.fromkeys(METRICS, 1), "rmse": rmse, "spikes": None}
        for readout, of_trials in errors.items()
        for trial, rmse in enumerate(of_trials)
    ]
    trials = with_best_readouts(lines)
    assert trials["readout"].tolist() == [0.02, 0.02]
    assert trials["rmse"].tolist() == [0.2, 0.2]


def test_neighbouring_seeds_share_no_trials():
    seeds = [seed_of_trial(seed, number) for seed in range(50) for number in range(20)]
    assert len(set(seeds)) == len(seeds)
    assert len(set(map(seed_of_values, seeds))) == len(seeds)
    assert seed_of_trial(None, 3) is None


@pytest.mark.usefixtures("shorter")
def test_own_workload_keeps_its_values_in_all_trials(several):
    again = mpc.compare(["exact"], workload=several.workload, n_trials=2)
    assert again.trials["inputs"].nunique() == 2
    assert again.workload is several.workload


# --- rules ---------------------------------------------------------------------------


@pytest.mark.usefixtures("shorter")
def test_compare_times_prepared_circuits_only(monkeypatch):
    clock = types.SimpleNamespace(seconds=0)
    clock.perf_counter = lambda: clock.seconds
    monkeypatch.setattr(simulate, "time", clock)

    def slow_at_first(windows):
        # what is loaded on first use takes long, once
        clock.seconds = 4
        return mpc.PairwiseReLU(windows)

    assert mpc.compare(slow_at_first, n_pools=2)["slow_at_first"].build_time == 0


def test_values_of_usual_seeds_stay_as_published():
    for seed in (0, 1, 1000):
        values = mpc.compare(["exact"], n_pools=3, seed=seed).workload.values
        expected = presentations(4, 3, 2**20 + seed).values
        np.testing.assert_array_equal(values, expected)


# --- backends and processes ----------------------------------------------------------


class Simulator:
    """A backend whose outputs can only be read while it is open."""

    made = []

    def __init__(self, network, dt=None, progress_bar=True):
        self.made.append((dt, progress_bar))
        self.simulator = nengo.Simulator(network, dt=dt, progress_bar=progress_bar)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.simulator.close()
        self.data = None

    def run_steps(self, n_steps):
        """Simulate."""
        self.simulator.run_steps(n_steps)
        self.data = self.simulator.data


def factory(network, dt):
    """A function that makes a simulator, and takes nothing else."""
    return nengo.Simulator(network, dt=dt, progress_bar=False)


@pytest.mark.usefixtures("shorter")
@pytest.mark.parametrize(
    "simulator", [Simulator, factory, functools.partial(Simulator, dt=99)]
)
def test_backend_is_an_argument(simulator):
    Simulator.made.clear()
    options = {"circuits": ["winner-take-all", "softmax"], "n_pools": 3}
    assert_same_outputs(
        mpc.compare(**options), mpc.compare(**options, simulator=simulator)
    )
    assert Simulator.made == [] if simulator is factory else [(0.001, False)] * 2


@pytest.mark.usefixtures("shorter")
def test_nengo_dl_is_a_backend(DLSimulator):
    options = {"circuits": ["pairwise-relu", "winner-take-all"], "n_pools": 5}
    nengo_table = mpc.compare(**options)
    table = mpc.compare(**options, simulator=DLSimulator.func)
    for name in options["circuits"]:
        row, expected = table[name], nengo_table[name]
        assert row.rmse == pytest.approx(expected.rmse, rel=0.05)
        assert row.spikes == pytest.approx(expected.spikes, rel=0.02)
        assert row.synaptic_operations == pytest.approx(
            expected.synaptic_operations, rel=0.02
        )


def test_nengo_loihi_is_a_backend():
    nengo_loihi = pytest.importorskip("nengo_loihi")
    emulator = functools.partial(
        nengo_loihi.Simulator, target="sim", remove_passthrough=False
    )

    def circuit(windows):
        pool = mpc.WinnerTakeAll(windows, neuron_type=nengo.LIF())
        for connection in pool.all_connections:
            if isinstance(connection.transform, nengo.Sparse):
                connection.transform = connection.transform.init.toarray()
        return pool

    row = mpc.compare(circuit, n_pools=3, simulator=emulator)["circuit"]
    assert row.rmse < 0.15
    assert row.spikes > 10


def test_several_processes_find_the_same():
    options = {"circuits": ["winner-take-all", "softmax"], "n_pools": 5, "n_trials": 2}
    one = mpc.compare(**options)
    two = mpc.compare(**options, simulator=factory, n_jobs=2)
    assert_same_outputs(one, two)
    pd.testing.assert_frame_equal(*(t.trials.drop(columns=TIMES) for t in (one, two)))


@pytest.mark.slow
def test_a_cluster_finds_the_same(cluster):
    options = {"circuits": ["pairwise-relu", "winner-take-all"], "n_pools": 5}
    with joblib.parallel_config(backend="dask"):
        there = mpc.compare(**options, n_jobs=2)
    # where arrays lie in memory may change the last digit of a sum
    for name, output in mpc.compare(**options).outputs.items():
        np.testing.assert_allclose(there.outputs[name], output, rtol=0, atol=1e-9)
    assert cluster.ran_something()


# --- intervals -----------------------------------------------------------------------


def test_means_have_t_intervals():
    values = np.random.RandomState(0).normal(3, 1, size=6)
    _, upper = scipy.stats.t.interval(0.95, 5, values.mean(), scipy.stats.sem(values))
    assert half_width(values) == pytest.approx(upper - values.mean())
    assert np.isnan(half_width([2]))
    assert half_width([2, 2]) == 0


def test_differences_have_the_intervals_of_pairs_or_of_welch():
    ours, theirs = np.array([4, 6, 9]), np.array([3, 5, 7])
    found = difference_of(ours, theirs, paired=True)
    assert found == pytest.approx((4 / 3, -0.1009, 2.7676), abs=1e-4)
    # variances of the means, and Welch's degrees of freedom
    a, b = ours.var(ddof=1) / 3, theirs.var(ddof=1) / 3
    half = scipy.stats.t.ppf(0.975, (a + b) ** 2 / ((a**2 + b**2) / 2)) * np.sqrt(a + b)
    found = difference_of(ours, theirs, paired=False)
    assert found == pytest.approx((4 / 3, 4 / 3 - half, 4 / 3 + half))


def test_what_trials_have_in_common_cancels_in_pairs():
    hard = np.array([1, 2, 4, 8])
    assert ratio_of(0.5 * hard, hard, paired=True) == pytest.approx((0.5, 0.5, 0.5))
    assert ratio_of(0.5 * hard, hard, paired=False)[2] > 1


@pytest.mark.parametrize(
    ("ours", "theirs", "ratio"),
    [([2], [1], 2), ([0, 0], [2, 4], 0), ([1, 2], [0, 0], np.nan)],
)
def test_ratios_of_one_trial_and_of_zeros_have_no_interval(ours, theirs, ratio):
    expected = (ratio, np.nan, np.nan)
    assert ratio_of(ours, theirs, paired=False) == pytest.approx(expected, nan_ok=True)


# --- forms of the table --------------------------------------------------------------


def made_up(errors, inputs="abcdefgh", **metrics):
    """A table of circuits with given errors in each trial, and other metrics of 1."""
    lines = [
        {"circuit": name, "trial": trial, "inputs": inputs[trial], "readout": 0.02}
        | {**dict.fromkeys(METRICS, 1.0), **metrics, "rmse": error}
        for name, of_trials in errors.items()
        for trial, error in enumerate(of_trials)
    ]
    return ComparisonTable(pd.DataFrame(lines), "made up")


TWO = {"mine": (0.04, 0.05, 0.06), "yours": (0.08, 0.12, 0.1)}


def test_rows_columns_and_numbers_are_found_as_in_a_data_frame(several):
    row = several["winner-take-all"]
    assert list(row.index) == ["readout", *METRICS]
    assert row.rmse == several["rmse"]["winner-take-all"]
    assert row.rmse == several.loc["winner-take-all", "rmse"]
    trials = several.trials[several.trials["circuit"] == "winner-take-all"]
    assert several.half_widths.loc["winner-take-all", "rmse"] == pytest.approx(
        half_width(trials["rmse"])
    )


@pytest.mark.parametrize("name", ["winner_take_all", "RMSE", 3])
def test_unknown_name_is_refused_with_the_known_ones(several, name):
    for error in (KeyError, ValidationError):
        with pytest.raises(error, match=f"{name!r}.*'rmse'.*'winner-take-all'"):
            several[name]
    with pytest.raises(ValidationError, match="'nope'.*'winner-take-all'"):
        several.filtered_output("nope")


def test_no_count_is_not_a_count_of_0():
    assert made_up({"mine": (0.1, 0.2)}, spikes=0.0)["mine"].spikes == 0
    table = made_up({"mine": (0.1, 0.2)}, spikes=0.0)
    table.trials.loc[0, "spikes"] = np.nan
    assert np.isnan(table["mine"].spikes)
    assert str(table).splitlines()[-2].split()[-4] == "-"


def test_text_has_a_line_per_row_and_says_how_it_was_read(table):
    heading, *lines = str(table).splitlines()
    n_rows = len(table.means)
    header, lines = " ".join(lines[:-n_rows]), lines[-n_rows:]
    assert heading == (
        "presentations: 50 pools of 4 spiking inputs; "
        "readout: best low-pass of 5/10/20/30/50 ms"
    )
    columns = "circuit readout RMSE bias 99th latency neurons spikes build simulate"
    assert set(columns.split()) < set(header.split())
    for line, (name, row) in zip(lines, table.means.iterrows()):
        assert line.startswith(name)
        assert f"{row.rmse:.4f}" in line
        assert f"{row.bias:+.4f}" in line
    *circuits, winner, average = lines
    assert winner.split()[-4:] == average.split()[-4:] == ["-"] * 4
    assert not any("-" in line.split() for line in circuits)
    assert "±" not in str(table) + table._repr_html_()


def test_text_of_several_trials_has_half_widths_below_the_means():
    lines = str(made_up(TWO)).splitlines()
    assert lines[0] == "made up; mean of 3 trials, ± 95 % interval"
    assert lines[-4].split()[:3] == ["mine", "20", "0.0500"]
    # what is the same in all trials has no interval
    assert lines[-3].split() == [f"±{half_width(TWO['mine']):.4f}"]


class Parser(html.parser.HTMLParser):
    """Rows of cells, each with its text and whether it is bold."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.open = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append({"text": "", "bold": False})
        elif tag == "strong":
            self.rows[-1][-1]["bold"] = True
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"th", "td"} & set(self.open):
            self.rows[-1][-1]["text"] += data


def bold(table, column):
    """Whether a column of the HTML is bold in each row."""
    _, *rows = Parser(table._repr_html_()).rows
    return [row[column]["bold"] for row in rows]


def test_notebook_shows_the_best_in_bold():
    table = made_up({**TWO, "average": (0.01,) * 3})
    table.trials.loc[table.trials["circuit"] == "average", "neurons"] = 0.0
    header, mine, *_ = Parser(table._repr_html_()).rows
    assert header[2]["text"].strip() == "RMSE"
    assert mine[2]["text"].strip().startswith("0.0500±0.0")
    # what has no neurons is not the best, but ties are
    assert bold(table, 2) == [True, False, False]
    assert bold(table, 6) == [True, True, False]


def test_bias_nearest_to_0_is_the_best():
    table = made_up(dict.fromkeys("abc", (0.1,)))
    table.trials["bias"] = [-0.2, 0.1, 0.3]
    assert bold(table, 3) == [False, True, False]


def test_names_of_circuits_are_escaped_in_notebooks():
    name = '<script>alert("x")</script> & co'
    table = made_up({name: (0.1, 0.2, 0.3), "b": (1, 2, 3)})
    for shown in (table, table.against("b"), table.against(table)):
        text = shown._repr_html_()
        assert "<script>" not in text
        assert Parser(text).rows[1][0]["text"].strip() == name


@pytest.mark.usefixtures("shorter")
def test_csv_gives_the_table_back(several, tmp_path):
    path = tmp_path / "table.csv"
    several.to_csv(path)
    again = read_csv(path)
    pd.testing.assert_frame_equal(again.trials, several.trials)
    assert str(again) == str(several)
    assert str(again.against(several)) == str(several.against(again))
    for show in (again.plot, lambda: again.filtered_output("oracle")):
        with pytest.raises(ValidationError, match="files keep no outputs"):
            show()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "", "No columns"),
        (lambda text: "a,b\n1,2\n", "expected but not found.*'trial'"),
        (lambda text: text.splitlines()[0] + "\n", "no rows"),
        (lambda text: text.replace("0.05", "x"), "'x'"),
        (lambda text: text.replace("mine,1,b", "mine,0,a"), "two rows are trial 0"),
        (lambda text: text[:-20], "cut off"),
        (lambda text: text.replace("0.05", "-1"), "negative"),
        (lambda text: text.replace("0.05", "1_0"), "'1_0'"),
        (lambda text: text.replace("0.05", "nan"), "'nan'"),
        (lambda text: text.replace("mine,1,b", "mine,1_0,b"), "cannot safely convert"),
        (lambda text: text.replace("0.02", ""), "could not convert"),
        (lambda text: text[: text.index("yours,2")], "lacks a trial"),
    ],
)
def test_files_that_are_not_tables_are_refused(change, message, tmp_path):
    path = tmp_path / "table.csv"
    made_up(TWO).to_csv(path)
    path.write_text(change(path.read_text()))
    with pytest.raises(ValidationError, match=f"table.csv.* is not a table.*{message}"):
        read_csv(path)


def test_spreadsheets_take_no_name_for_a_formula(tmp_path):
    names = ["=1+1", "+a", "-a", "@a", "\ta", "'=a", "'a", "a=b"]
    table = made_up({name: (0.04, 0.05) for name in names})
    table = dataclasses.replace(table, heading="=HYPERLINK(1)")
    table.to_csv(tmp_path / "table.csv")
    written = pd.read_csv(tmp_path / "table.csv")
    formula = ("=", "+", "-", "@", "\t")
    assert not any(written[["circuit", "comparison"]].stack().str.startswith(formula))
    again = read_csv(tmp_path / "table.csv")
    assert again.circuits == names and again.heading == table.heading


@pytest.mark.usefixtures("shorter")
def test_filtered_output_is_after_the_readout_of_its_row(table):
    row = table["winner-take-all"]
    output = table.filtered_output("winner-take-all")
    expected = read_out(table.outputs["winner-take-all"], row.readout)
    np.testing.assert_array_equal(output, expected)
    n_steps = len(table.workload.values)
    errors = (output[:n_steps] - table.workload.target)[table.workload.is_read]
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(row.rmse)


# --- tables against each other -------------------------------------------------------


def test_against_pairs_the_trials_that_both_have():
    ratios = made_up(TWO).against(made_up({"mine": (0.02, 0.025, 0.03)}))
    assert tuple(ratios.loc["mine", "rmse"]) == pytest.approx((2, 2, 2))
    assert "3 trials that both have" in str(ratios)
    # others are matched by their inputs, not by their place
    other = made_up({"mine": (9, 0.03, 0.025, 0.02)}, inputs="xcba")
    ratios = made_up(TWO).against(other)
    assert tuple(ratios.loc["mine", "rmse"]) == pytest.approx((2, 2, 2))


@pytest.mark.parametrize("inputs", ["wxyz", "axyz"])
def test_against_other_inputs_is_not_paired_and_one_shared_trial_is_no_pair(inputs):
    ours, theirs = TWO["mine"], (0.02, 0.025, 0.03, 0.03)
    ratios = made_up(TWO).against(made_up({"mine": theirs}, inputs=inputs))
    expected = ratio_of(ours, theirs, paired=False)
    assert tuple(ratios.loc["mine", "rmse"]) == pytest.approx(expected)
    assert "3 and 4 trials of different inputs" in str(ratios)


def test_against_a_row_of_the_same_table():
    ratios = made_up(TWO).against("yours")
    assert list(ratios.index) == ["mine"]
    expected = ratio_of(*TWO.values(), paired=True)
    assert tuple(ratios.loc["mine", "rmse"]) == pytest.approx(expected)
    assert tuple(ratios.loc["mine", "bias"]) == (0, 0, 0)
    assert isinstance(ratios, pd.DataFrame)


def test_single_circuits_need_not_share_a_name():
    mine, yours = made_up({"mine": TWO["mine"]}), made_up({"yours": TWO["yours"]})
    expected = made_up(TWO).against("yours").loc["mine", "rmse"]
    found = mine.against(yours).loc["mine / yours", "rmse"]
    assert tuple(found) == pytest.approx(tuple(expected))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (made_up({"a": (1, 2, 3), "b": (1, 2, 3)}), "'mine', 'yours', .* 'a', 'b'"),
        (3, "no row 3; there are 'mine', 'yours'"),
        ("nope", "no row 'nope'"),
    ],
)
def test_against_takes_tables_with_a_common_circuit_and_rows(other, message):
    with pytest.raises(ValidationError, match=message):
        made_up(TWO).against(other)


def test_ratios_are_bold_where_the_interval_is_on_one_side_of_1():
    similar = {"mine": (0.04, 0.05, 0.06), "yours": (0.05, 0.04, 0.06)}
    for errors, is_clear in ((TWO, True), (similar, False)):
        assert bold(made_up(errors).against("yours"), 1) == [is_clear]
