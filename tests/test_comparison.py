"""Workloads, references, measures, costs, and the table of `compare`."""

import csv
import dataclasses
import functools
import itertools
import subprocess
import sys
import time
from pathlib import Path

import joblib
import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.comparison import READOUTS, WORKLOADS, Workload
from maxpool_circuits.comparison.events import fan_outs
from maxpool_circuits.comparison.images import gabor, images, simple_cell_responses
from maxpool_circuits.comparison.lookup import find_workload
from maxpool_circuits.comparison.measures import (
    STEP_LENGTH,
    best_readout,
    latency,
    measure,
    read_out,
)
from maxpool_circuits.comparison.recording import Recording, input_spikes, record
from maxpool_circuits.comparison.references import (
    average,
    oracle,
    oracle_error,
)
from maxpool_circuits.comparison.workloads import band_limited, hold, presentations
from maxpool_circuits.network.sparse import connect, selection
from maxpool_circuits.tuning import draw

RAGGED = [[4, 0, 7], [1], [2, 3]]  # over 8 inputs, 5 and 6 are in no window


@pytest.fixture(scope="module")
def table():
    """All circuits on few pools."""
    return mpc.compare(n_pools=50)


def first_input(windows):
    """A user's own circuit: no maximum, the first input of each pool."""
    with nengo.Network() as network:
        network.input = nengo.Node(size_in=windows.n_inputs)
        network.output = nengo.Node(size_in=windows.n_pools)
        pick = selection(windows.indices[:, 0], windows.n_inputs)
        connect(network.input, network.output, pick)
    return network


def without_times(row):
    """All of a row that does not depend on the machine, as text: NaN equals NaN."""
    return repr(dataclasses.replace(row, build_time=None, simulation_time=None))


# --- workloads ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "n_pools", "n_steps", "n_reads"),
    [
        ("presentations", 5, 1100, 20),
        ("band-limited", 5, 1500, 1200),
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


@pytest.mark.parametrize("name", ["presentations", "band-limited"])
def test_default_number_of_pools_is_200(name):
    assert find_workload(name, window_size=2).windows.n_pools == 200


def test_target_is_the_maximum_of_each_window():
    workload = find_workload("presentations", window_size=3, n_pools=4)
    expected = workload.values.reshape(-1, 4, 3).max(axis=2)
    np.testing.assert_array_equal(workload.target, expected)


def test_presentations_last_50_ms_and_are_read_at_their_end():
    workload = find_workload("presentations", n_pools=5)
    changes = np.flatnonzero(np.diff(workload.values, axis=0).any(axis=1))
    np.testing.assert_array_equal(changes, np.arange(49, 1099, 50))
    np.testing.assert_array_equal(
        np.flatnonzero(workload.is_read), np.arange(149, 1100, 50)
    )


def test_presentations_are_uniform():
    values = find_workload("presentations").values[::50]
    quantiles = np.linspace(0, 1, 11)
    np.testing.assert_allclose(np.quantile(values, quantiles), quantiles, atol=0.02)


def test_hold_repeats_and_reads_the_last_step_of_each():
    values, is_read = hold(np.array([[1], [2], [3]]), n_steps=2, n_unread=1)
    assert values.ravel().tolist() == [1, 1, 2, 2, 3, 3]
    assert is_read.tolist() == [False, False, False, True, False, True]


def test_band_limited_is_clipped_noise_behind_100_ms():
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
            "'presentations', 'constant', 'band-limited', 'natural', 'images'",
        ),
        ({"workload": "speech"}, "workload: no workload is called 'speech'"),
        ({"window_size": 0}, "window_size: must be an integer of at least 1, got 0"),
        ({"window_size": 2.0}, "window_size: must be an integer .* got 2.0"),
        ({"workload": "images", "n_pools": 9}, "n_pools: .* got 9"),
        ({"n_pools": 0}, "n_pools"),
        ({"input_rate": 0}, "input_rate: must be a finite number above 0, in Hz"),
        ({"input_rate": np.nan}, "input_rate"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32 - 1}, "seed: must be an integer from 0 to 2.*32 - 2, or None"),
    ],
)
def test_impossible_workload_is_refused(arguments, message):
    with pytest.raises(ValidationError, match=message):
        mpc.compare(["exact"], **arguments)


# --- images ---------------------------------------------------------------------------


@pytest.mark.parametrize("angle", [0, 45, 90, 135])
def test_gabor_filter_has_zero_mean_and_unit_norm(angle):
    kernel = gabor(9, 4.6, angle)
    assert kernel.shape == (9, 9)
    assert kernel.sum() == pytest.approx(0, abs=1e-12)
    assert np.linalg.norm(kernel) == pytest.approx(1)


@pytest.mark.parametrize("angle", [0, 45, 90, 135])
def test_gabor_filter_prefers_its_own_grating(angle):
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


@pytest.mark.parametrize("n_images", [1, 2.5, None])
def test_fewer_than_two_images_are_refused(n_images):
    with pytest.raises(ValidationError, match="n_images.*at least 2"):
        images(8, n_images=n_images)


def test_images_are_held_for_100_ms_and_all_but_the_first_are_read():
    workload = images(window_size=4)
    assert np.ptp(workload.values.reshape(8, 100, -1), axis=1).max() == 0
    np.testing.assert_array_equal(
        np.flatnonzero(workload.is_read), np.arange(199, 800, 100)
    )


@pytest.mark.parametrize(
    ("window_size", "n_pools"), [(4, 256), (8, 256), (9, 100), (18, 100)]
)
def test_image_windows_of_squares_over_one_or_two_scales(window_size, n_pools):
    windows = images(window_size).windows
    assert windows.n_pools == n_pools
    assert np.all(windows.sizes == window_size)


@pytest.mark.parametrize("window_size", [3, 5, 6, 12, 24, 289, 1000])
def test_image_windows_of_other_sizes_are_refused(window_size):
    with pytest.raises(ValidationError, match=rf"\(4, 9, .*twice one.*{window_size}"):
        mpc.compare(workload="images", window_size=window_size)


# --- spikes of the inputs and references ----------------------------------------------


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


def test_input_spikes_follow_from_their_seed_and_do_not_fire_in_step():
    values = np.full((200, 10), 0.5)
    spikes = input_spikes(values, seed=1)
    np.testing.assert_array_equal(spikes, input_spikes(values, seed=1))
    assert np.any(spikes != input_spikes(values, seed=2))
    assert len(np.unique(spikes.argmax(axis=0))) > 3


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


def test_oracle_error_is_that_of_the_readout_that_suits_best():
    workload = find_workload("presentations", n_pools=20)
    spikes = input_spikes(workload.values)
    output = oracle(workload.windows, workload.values, spikes)
    errors = {
        readout: read_out(output, readout)[workload.is_read]
        - workload.target[workload.is_read]
        for readout in (0.005, 0.02)
    }
    expected = {r: np.sqrt(np.mean(e**2)) for r, e in errors.items()}
    for readout in (0.005, 0.02):
        found = oracle_error(workload, spikes, [readout])
        assert found == pytest.approx(expected[readout])
    found = oracle_error(workload, spikes, [0.005, 0.02])
    assert found == pytest.approx(min(expected.values()))


def test_average_is_the_mean_spike_train(ragged_spikes):
    windows, _, spikes = ragged_spikes
    expected = [
        [sum(spikes[t, i] for i in window) / len(window) for window in RAGGED]
        for t in range(20)
    ]
    np.testing.assert_allclose(average(windows, spikes), expected)


# --- synaptic events ------------------------------------------------------------------


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


def test_fan_out_adds_up_all_targets():
    with network_of(1) as network:
        nengo.Connection(network.input, network.output)
        connect_all(network.input, neurons(2))
        connect_all(network.input, neurons(3))
    assert fan_outs(network)[network.input].tolist() == [1 + 2 + 3]


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


def test_fan_out_of_every_decoded_dimension_counts():
    with network_of(2, 2) as network:
        ensemble = nengo.Ensemble(6, dimensions=2)
        nengo.Connection(network.input, ensemble)
        nengo.Connection(ensemble, network.output)
    counts = fan_outs(network)
    assert counts[network.input].tolist() == [6, 6]
    assert counts[ensemble.neurons].tolist() == [2] * 6


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


def test_exact_maximum_has_no_synapses():
    with nengo.Network():
        network = mpc.ExactMax(mpc.PoolWindows.independent(2, 3))
    counts = fan_outs(network)
    assert list(counts) == [network.input]
    assert counts[network.input].tolist() == [0] * 6


@pytest.mark.parametrize("amplitude", [1, 0.25])
def test_spikes_and_events_are_those_of_a_direct_probe(amplitude):
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
    n_events = n_spikes * (1 + 3) + n_input_spikes * (4 + 1)

    np.testing.assert_array_equal(recording.output, sim.data[output])
    assert n_spikes > 5
    assert recording.neurons == 4
    assert recording.spikes == pytest.approx(n_spikes / (3 * 0.150))
    assert recording.events == pytest.approx(n_events / (3 * 0.150))


# --- measures -------------------------------------------------------------------------


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


def test_latency_does_not_jump_between_draws():
    latencies = mpc.compare(["exact"], n_draws=4).values("oracle", "latency")
    assert np.ptp(latencies) < 0.006


def test_latency_ends_after_the_last_excursion():
    progress = np.ones(STEP_LENGTH)
    progress[80:90] = 1.2
    assert latency(step_response(progress)) == pytest.approx(0.090, abs=0.001)


def test_latency_of_an_immediate_response_is_none():
    assert latency(step_response(np.ones(STEP_LENGTH))) == 0


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


def test_slow_readout_suits_noise_and_fast_readout_suits_changes():
    workload = find_workload("presentations", n_pools=20)
    exact = workload.target
    noise = np.random.RandomState(0).normal(size=exact.shape)
    assert best_readout(exact, workload)[0] == min(READOUTS)
    assert best_readout(exact + 10 * noise, workload)[0] == max(READOUTS)


def test_best_readout_has_the_least_error_of_all():
    workload = find_workload("presentations", n_pools=20)
    noise = np.random.RandomState(0).normal(size=workload.target.shape)
    output = workload.target + 0.2 * noise
    squares = {
        readout: np.mean(best_readout(output, workload, [readout])[1] ** 2)
        for readout in READOUTS
    }
    readout, errors = best_readout(output, workload)
    assert errors.shape == (20, 20)
    assert np.mean(errors**2) == min(squares.values()) == squares[readout]


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
    row = measure("mine", recording, workload, readouts=[0.02])
    assert row.bias == pytest.approx(0.1)
    assert row.rmse == pytest.approx(np.sqrt(np.mean(errors**2)))
    assert row.p99 == pytest.approx(0.296)
    assert row.readout == 0.02
    assert row.latency == pytest.approx(0.02 * np.log(10), abs=0.002)
    assert (row.circuit, row.neurons, row.spikes, row.events) == ("mine", 2, 3.0, None)


# --- compare --------------------------------------------------------------------------


def test_all_circuits_and_both_references_by_default(table):
    names = [row.circuit for row in table.rows]
    circuits = [name for name in mpc.circuits() if name != "exact"]
    references = ["oracle", "average"]
    assert names == [*circuits, "exact (5 ms synapse)", *references]
    assert [row.circuit for row in table.rows if row.is_reference] == references
    assert list(table.outputs) == names


@pytest.mark.parametrize("circuit", ["pairwise-relu", "winner-take-all"])
@pytest.mark.parametrize("other", ["exact (5 ms synapse)", "average"])
def test_best_circuits_beat_the_exact_maximum_of_spikes_and_the_average(
    table, circuit, other
):
    assert table.row(circuit).rmse < table.row(other).rmse


def test_exact_maximum_of_spikes_is_too_high_and_the_average_too_low(table):
    assert table.row("exact (5 ms synapse)").bias > 0.05
    assert table.row("average").bias < -0.05
    assert abs(table.row("oracle").bias) < 0.02


@pytest.mark.parametrize(
    ("circuit", "n_neurons"),
    [("pairwise-relu", 3), ("winner-take-all", 4), ("absolute-value", 6)],
)
def test_rows_tell_what_a_circuit_costs(table, circuit, n_neurons):
    row = table.row(circuit)
    assert row.neurons == n_neurons
    assert row.events > row.spikes > 0
    assert row.build_time > 0
    assert row.simulation_time > 0


def test_references_cost_nothing(table):
    for row in (table.row("oracle"), table.row("average")):
        assert row.neurons == 0
        assert row.spikes is row.events is row.build_time is row.simulation_time is None


def test_rate_neurons_have_no_spikes():
    def rates(windows):
        return mpc.PairwiseReLU(windows, neuron_type=nengo.RectifiedLinear())

    row = mpc.compare(rates, n_pools=2).row("rates")
    assert row.neurons == 3
    assert row.spikes is row.events is None


def test_circuits_by_name_class_callable_and_dict():
    def mine(windows):
        return mpc.PairwiseReLU(windows, max_rate=500)

    circuits = ["exact", mpc.PairwiseReLU, mine]
    names = [row.circuit for row in mpc.compare(circuits, n_pools=2).rows]
    assert names == ["exact", "PairwiseReLU", "mine", "oracle", "average"]
    named = {"a": "exact", "b": mpc.ExactMax}
    names = [row.circuit for row in mpc.compare(named, n_pools=2).rows]
    assert names == ["a", "b", "oracle", "average"]


def test_classes_and_their_partials_are_told_the_rate_of_slow_inputs():
    circuits = {
        "class": mpc.WinnerTakeAll,
        "partial": functools.partial(mpc.WinnerTakeAll),
        "own rate": functools.partial(mpc.WinnerTakeAll, max_rate=250),
        "callable": lambda windows: mpc.WinnerTakeAll(windows),
    }
    table = mpc.compare(circuits, n_pools=20, input_rate=100)
    errors = {name: table.row(name).rmse for name in circuits}
    assert errors["partial"] == errors["class"]
    assert errors["own rate"] < errors["class"] < errors["callable"] / 1.5


@pytest.mark.parametrize("circuit", ["winner-take-all", mpc.WinnerTakeAll])
def test_single_circuit_needs_no_list(circuit):
    assert len(mpc.compare(circuit, n_pools=2).rows) == 3


def test_registered_circuits_are_compared_too(monkeypatch):
    monkeypatch.setattr("maxpool_circuits.registry._circuits", {})
    monkeypatch.setattr("maxpool_circuits.registry._styles", {})
    mpc.register("mine", first_input)
    names = [row.circuit for row in mpc.compare(n_pools=2).rows]
    assert names == ["mine", "oracle", "average"]


@pytest.mark.parametrize(
    "circuits",
    [
        ["exact", "exact"],
        [mpc.ExactMax, mpc.ExactMax],
        {"oracle": mpc.ExactMax},
        {"average": mpc.ExactMax},
    ],
)
def test_rows_of_the_same_name_are_refused(circuits):
    with pytest.raises(
        ValidationError, match="circuits.*(ExactMax|exact|oracle|aver)"
    ):
        mpc.compare(circuits, n_pools=2)


def test_unknown_circuit_is_refused_with_the_known_names():
    with pytest.raises(ValidationError, match="'nope'.*'pairwise-relu'"):
        mpc.compare(["exact", "nope"], n_pools=2)


def test_same_seed_gives_the_same_rows():
    circuits = ["winner-take-all", "softmax"]
    tables = [mpc.compare(circuits, n_pools=5, seed=seed) for seed in (1, 1, 2)]
    first, again, other = ([without_times(row) for row in t.rows] for t in tables)
    assert first == again
    assert all(mine != yours for mine, yours in zip(first, other))


def test_references_do_not_depend_on_the_circuits():
    tables = [mpc.compare([name], n_pools=20) for name in ("exact", "winner-take-all")]
    for reference in ("oracle", "average"):
        one, other = (repr(table.row(reference)) for table in tables)
        assert one == other


def test_every_circuit_gets_the_same_spikes_without_a_synapse(table):
    one = mpc.compare(first_input, n_pools=50)
    np.testing.assert_array_equal(one.spikes, table.spikes)
    np.testing.assert_array_equal(one.outputs["first_input"], one.spikes[:, ::4])
    assert one.row("first_input").bias < -0.1


def test_workload_of_ones_own_with_windows_of_different_sizes():
    rng = np.random.RandomState(0)
    values, is_read = hold(rng.uniform(size=(3, 8)), n_steps=100, n_unread=1)
    windows = mpc.PoolWindows.from_indices(RAGGED, n_inputs=8)
    workload = Workload("mine", windows, values, is_read, rng.uniform(size=(2, 8)))
    table = mpc.compare(["pairwise-relu"], workload=workload)
    assert table.workload is workload
    assert table.row("pairwise-relu").rmse < 0.2
    assert table.outputs["pairwise-relu"].shape == (300 + 5 * STEP_LENGTH, 3)


def test_progress_is_only_shown_if_asked_for_and_on_a_terminal(capsys, monkeypatch):
    for on_terminal, asked_for in itertools.product([False, True], repeat=2):
        monkeypatch.setattr(sys.stderr, "isatty", lambda answer=on_terminal: answer)
        mpc.compare(["exact"], n_pools=2, progress_bar=asked_for)
        out, err = capsys.readouterr()
        assert out == ""
        assert ("1/1" in err) == (on_terminal and asked_for)


# --- rules ----------------------------------------------------------------------------


def slow_at_first(windows):
    """A circuit that takes long to make for the first time in each process."""
    if not hasattr(nengo, "_prepared_for_test"):
        time.sleep(4)
        nengo._prepared_for_test = True
    return mpc.PairwiseReLU(windows)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_compare_times_prepared_circuits_only(monkeypatch, n_jobs):
    monkeypatch.delattr(nengo, "_prepared_for_test", raising=False)
    circuits = {"one": slow_at_first, "two": slow_at_first}
    table = mpc.compare(circuits, n_pools=2, n_jobs=n_jobs)
    monkeypatch.delattr(nengo, "_prepared_for_test", raising=False)
    for name in circuits:
        # not a benchmark: building takes a moment, also on a machine that is busy
        assert table.row(name).build_time < 3.5


#: Seeds up to the largest one, many of them around those that values are drawn with.
USER_SEEDS = [0, 1, 2, 87381, 87382, 2**18, 2**20 - 1, 2**20, 2**20 + 1, 357913941]
USER_SEEDS += [2**30, 2**31, 2**32 - 2**20 - 1, 2**32 - 2**20, 2**32 - 2]


def seeds_drawn_with(monkeypatch, run):
    """Seeds that all workloads get while a function runs; it draws few pools."""
    seeds = set()

    def drawn(window_size, n_pools, seed):
        seeds.add(seed)
        return presentations(window_size, 2, seed)

    for name in WORKLOADS:
        monkeypatch.setitem(WORKLOADS, name, drawn)
    run()
    return seeds


@pytest.mark.parametrize("window_size", [2, 4])
def test_comparison_inputs_never_equal_tuning_inputs(monkeypatch, window_size):
    def compare():
        for seed in USER_SEEDS:
            mpc.compare(["exact"], window_size, seed=seed)

    def tune():
        for seed in USER_SEEDS:
            # what `tune` makes of it: for fitting, searching and testing
            for number in range(3):
                draw(window_size, 250, 3 * seed + number, n_pools=2)

    compared = seeds_drawn_with(monkeypatch, compare)
    tuned = seeds_drawn_with(monkeypatch, tune)
    assert len(compared) > 10 and len(tuned) > 10
    assert not compared & tuned
    assert max(compared | tuned) < 2**32


def test_values_of_usual_seeds_stay_as_published():
    for seed in (0, 1, 1000):
        values = mpc.compare(["exact"], n_pools=3, seed=seed).workload.values
        expected = presentations(4, 3, 2**20 + seed).values
        np.testing.assert_array_equal(values, expected)


def test_comparison_loads_nothing_but_nengo_numpy_and_sparse_matrices():
    folder = Path(mpc.__file__).parent
    # what the package loads besides its comparison is not looked at
    code = f"""
import sys, types
import nengo, numpy, scipy.sparse
before = set(sys.modules)
package = sys.modules["maxpool_circuits"] = types.ModuleType("maxpool_circuits")
package.__path__ = [{str(folder)!r}]
import maxpool_circuits.comparison
names = {{name for name in set(sys.modules) - before if "maxpool_circuits" not in name}}
files = {{name: getattr(sys.modules[name], "__file__", None) for name in names}}
print(*sorted(name for name, file in files.items() if "site-packages" in (file or "")))
"""
    command = [sys.executable, "-c", code]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    assert process.stdout.split() == []


# --- backends -------------------------------------------------------------------------


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


def test_several_processes_use_the_backend_too():
    options = {"circuits": ["winner-take-all", "softmax"], "n_pools": 3}
    there = mpc.compare(**options, simulator=factory, n_jobs=2)
    assert_same_outputs(mpc.compare(**options), there)


def test_nengo_dl_is_a_backend(DLSimulator):
    options = {"circuits": ["pairwise-relu", "winner-take-all"], "n_pools": 5}
    nengo_table = mpc.compare(**options)
    table = mpc.compare(**options, simulator=DLSimulator.func)
    for name in options["circuits"]:
        row, expected = table.row(name), nengo_table.row(name)
        assert row.rmse == pytest.approx(expected.rmse, rel=0.05)
        assert row.spikes == pytest.approx(expected.spikes, rel=0.02)
        assert row.events == pytest.approx(expected.events, rel=0.02)


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

    row = mpc.compare(circuit, n_pools=3, simulator=emulator).row("circuit")
    assert row.rmse < 0.15
    assert row.spikes > 10


@pytest.mark.parametrize("simulator", ["nengo_dl", 3])
def test_what_is_no_simulator_is_refused(simulator):
    with pytest.raises(ValidationError, match="simulator.*nengo.Simulator.*got"):
        mpc.compare(["exact"], n_pools=2, simulator=simulator)


# --- several processes ----------------------------------------------------------------


def assert_same_outputs(table, other):
    for name, output in table.outputs.items():
        np.testing.assert_array_equal(other.outputs[name], output)


def test_several_processes_find_the_same():
    options = {"circuits": ["pairwise-relu", "ensemble"], "n_pools": 5, "seed": 3}
    one, two = (mpc.compare(**options, n_jobs=n_jobs) for n_jobs in (1, 2))
    assert_same_outputs(one, two)


def test_a_cluster_finds_the_same(cluster):
    options = {"circuits": ["pairwise-relu", "winner-take-all"], "n_pools": 5}
    with joblib.parallel_config(backend="dask"):
        there = mpc.compare(**options, n_jobs=2)
    # where arrays lie in memory may change the last digit of a sum
    for name, output in mpc.compare(**options).outputs.items():
        np.testing.assert_allclose(there.outputs[name], output, rtol=0, atol=1e-9)
    assert cluster.ran_something()


# --- the table ------------------------------------------------------------------------


def test_text_has_a_line_per_row_and_says_how_it_was_read(table):
    heading, *lines = str(table).splitlines()
    n_rows = len(table.rows)
    header, lines = " ".join(lines[:-n_rows]), lines[-n_rows:]
    assert heading == (
        "presentations: 50 pools of 4 spiking inputs; "
        "readout: best low-pass of 5/10/20/30/50 ms"
    )
    for column in (
        "circuit",
        "readout",
        "RMSE",
        "bias",
        "99th pct.",
        "latency",
        "neurons",
        "spikes",
        "events",
        "build",
        "simulate",
    ):
        assert column in header
    for line, row in zip(lines, table.rows):
        assert line.startswith(row.circuit)
        assert f"{row.rmse:.4f}" in line
        assert f"{row.bias:+.4f}" in line


def test_text_has_dashes_where_references_have_no_costs(table):
    *circuits, winner, average = str(table).splitlines()[-len(table.rows) :]
    assert winner.split()[-4:] == average.split()[-4:] == ["-"] * 4
    assert not any("-" in line.split() for line in circuits)


def test_text_has_a_dash_for_a_latency_that_is_nan(table):
    row = dataclasses.replace(table.row("average"), latency=np.nan)
    lines = str(dataclasses.replace(table, rows=(row,))).splitlines()
    assert lines[-1].split()[5] == "-"


def test_csv_has_all_numbers(table, tmp_path):
    path = tmp_path / "table.csv"
    table.to_csv(path)
    with open(path, newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [line["circuit"] for line in lines] == [row.circuit for row in table.rows]
    for line, row in zip(lines, table.rows):
        for name, value in dataclasses.asdict(row).items():
            if name != "circuit":
                assert line[name] == "" if value is None else float(line[name]) == value


def test_row_of_an_unknown_circuit(table):
    with pytest.raises(KeyError, match="nope"):
        table.row("nope")


def test_filtered_output_is_behind_the_readout_of_its_row(table):
    row = table.row("winner-take-all")
    output = table.filtered_output("winner-take-all")
    expected = read_out(table.outputs["winner-take-all"], row.readout)
    np.testing.assert_array_equal(output, expected)
    n_steps = len(table.workload.values)
    errors = (output[:n_steps] - table.workload.target)[table.workload.is_read]
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(row.rmse)
