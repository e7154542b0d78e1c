"""How values reach the circuits: each kind of spikes, and what comes without them."""

import functools

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.comparison import ENCODINGS, Workload
from maxpool_circuits.comparison.encodings import find_encoding
from maxpool_circuits.comparison.recording import input_spikes

RATE = 200
SPIKING = [name for name, carrier in ENCODINGS.items() if carrier.spikes]
LEVELS = np.array([0, 0.1, 0.3, 0.5, 0.9, 1])


def carry(name, values, window_size=None, seed=0, rate=RATE):
    """What circuits get; all inputs are one pool, if no size of windows is given."""
    n_inputs = values.shape[1]
    size = window_size or n_inputs
    windows = mpc.PoolWindows.independent(n_inputs // size, size)
    return ENCODINGS[name].carry(values, windows, rate, seed)


def counts(name, level, n_inputs=400, n_steps=500, **options):
    """Number of spikes of inputs that stay at a level, (n_steps, n_inputs)."""
    signals = carry(name, np.full((n_steps, n_inputs), level), **options)
    return signals * RATE / 1000


@pytest.mark.parametrize("name", [*SPIKING, "values"])
def test_mean_is_the_value(name):
    values = np.tile(np.repeat(LEVELS, 50), (1200, 1))
    mean = carry(name, values, window_size=1)[200:].mean(axis=0)
    by_level = mean.reshape(len(LEVELS), 50).mean(axis=1)
    np.testing.assert_allclose(by_level, LEVELS, atol=0.01)


def test_populations_represent_values_from_minus_one_to_one():
    levels = np.array([-1, -0.8, -0.4, 0.2, 0.9, 1])
    values = np.tile(np.repeat(levels, 20), (500, 1))
    mean = carry("population", values)[100:].mean(axis=0).reshape(6, 20)
    np.testing.assert_allclose(mean[1:-1].mean(axis=1), levels[1:-1], atol=0.01)
    # regularised decoders draw the ends toward the middle
    np.testing.assert_allclose(mean.mean(axis=1), levels, atol=0.05)
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
    first = carry(name, values, 4, seed=3)
    np.random.seed(1)
    np.testing.assert_array_equal(carry(name, values, 4, seed=3), first)
    if name != "values":
        assert np.any(carry(name, values, 4, seed=4) != first)


@pytest.mark.parametrize("name", SPIKING)
def test_inputs_of_zero_do_not_fire(name):
    assert not counts(name, 0, n_inputs=20).any()


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


@pytest.mark.parametrize("name", ["regular", "lif"])
def test_other_neurons_fire_regularly(name):
    of_input = counts(name, 0.6).sum(axis=0)
    assert np.ptp(of_input) <= 2


def test_lif_spikes_keep_the_refractory_period():
    signals = carry("lif", np.random.RandomState(0).uniform(0, 1, (2000, 50)), rate=499)
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
    signals = carry("correlated", np.tile(levels, (20000, 1)), window_size=2)
    correlation = np.corrcoef(signals.T)
    expected = np.eye(4)
    for first, second in ((0, 1), (2, 3)):
        expected[first, second] = expected[second, first] = np.sqrt(0.9 * 0.4)
    np.testing.assert_allclose(correlation, expected, atol=0.03)


def test_inputs_of_several_pools_and_of_none_have_a_source():
    windows = mpc.PoolWindows.from_indices([[0, 1], [1, 2]], n_inputs=5)
    ones = np.ones((300, 5))
    signals = ENCODINGS["correlated"].carry(ones, windows, RATE, seed=0)
    same = [[np.array_equal(one, two) for two in signals.T] for one in signals.T]
    expected = np.equal.outer([0, 0, 1, 2, 2], [0, 0, 1, 2, 2])
    np.testing.assert_array_equal(same, expected)


@pytest.mark.parametrize("name", ["poisson", "lif", "correlated"])
@pytest.mark.parametrize("value", [-0.5, 1.5, np.nan])
def test_values_that_are_no_share_of_the_rate_are_refused(name, value):
    values = np.full((10, 2), value)
    with pytest.raises(ValidationError, match="values from 0 to 1.*inputs='values'"):
        carry(name, values)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("Poisson", "inputs: no inputs are called 'Poisson' .did you mean 'poisson'"),
        ("burst", "did you mean 'bursts'.*'regular', 'poisson', 'lif', 'bursts'"),
        (None, "inputs: no inputs are called None; the known ones are 'regular'"),
        (["lif"], r"inputs: no inputs are called \['lif'\]; the known ones"),
    ],
)
def test_unknown_inputs_are_refused(inputs, message):
    with pytest.raises(ValidationError, match=message):
        mpc.compare(["exact"], n_pools=2, inputs=inputs)


def test_lif_inputs_beyond_their_refractory_period_are_refused():
    with pytest.raises(ValidationError, match="input_rate: .*500 Hz.*inputs='regular'"):
        mpc.compare(["exact"], n_pools=2, inputs="lif", input_rate=500)


def carried_values(workload):
    """Values of a comparison: the workload, then steps to and fro for the latency."""
    steps = workload.step[[0, 1, 0, 1, 0]].repeat(300, axis=0)
    return np.concatenate([workload.values, steps])


def test_regular_inputs_are_the_default_and_as_they_were():
    table = mpc.compare(["winner-take-all"], n_pools=3, seed=5)
    same = mpc.compare(["winner-take-all"], n_pools=3, seed=5, inputs="regular")
    np.testing.assert_array_equal(
        table.spikes, input_spikes(carried_values(table.workload), 250, 5)
    )
    for name, output in table.outputs.items():
        np.testing.assert_array_equal(same.outputs[name], output)
    assert table.inputs == "regular"
    assert "pools of 4 spiking inputs; readout" in str(table)


@pytest.mark.parametrize("name", list(ENCODINGS)[1:])
def test_comparison_gives_circuits_what_the_carrier_makes(name):
    table = mpc.compare(["exact"], n_pools=3, seed=5, inputs=name)
    workload = table.workload
    expected = ENCODINGS[name].carry(carried_values(workload), workload.windows, 250, 5)
    np.testing.assert_array_equal(table.spikes, expected)
    np.testing.assert_allclose(
        table.outputs["exact"], workload.windows.max(table.spikes)
    )
    assert f"3 pools of 4 inputs ({name}); readout" in str(table)


def test_circuits_are_told_the_range_of_populations_unless_they_know_better():
    seen = {}

    class Told(mpc.ExactMax):
        def build_circuit(self):
            seen[self.label] = self.input_range
            super().build_circuit()

    circuits = {
        "told": functools.partial(Told, label="told"),
        "own": functools.partial(Told, label="own", input_range=(-2, 2)),
    }
    table = mpc.compare(circuits, n_pools=2, inputs="population")
    assert seen == {"told": (-1, 1), "own": (-2, 2)}
    usual = mpc.compare(["exact"], n_pools=2).workload
    for name in ("values", "step"):
        expected = 2 * getattr(usual, name) - 1
        np.testing.assert_array_equal(getattr(table.workload, name), expected)


@pytest.mark.parametrize("name", ["values", "population"])
def test_what_comes_without_spikes_causes_no_events_and_has_no_rate(name):
    fast, slow = (
        mpc.compare(["pairwise-relu", "exact"], n_pools=2, inputs=name, input_rate=rate)
        for rate in (250, 10)
    )
    assert fast.row("exact").events == 0
    assert fast.row("pairwise-relu").events > 0
    for circuit, output in fast.outputs.items():
        np.testing.assert_array_equal(slow.outputs[circuit], output)


def test_workloads_of_ones_own_are_carried_too():
    values = np.repeat([[0.2, 0.7]], 300, axis=0)
    workload = Workload(
        name="still",
        windows=mpc.PoolWindows.independent(n_pools=1, window_size=2),
        values=values,
        is_read=np.arange(300) >= 200,
        step=values[:2],
    )
    table = mpc.compare(["exact"], workload=workload, inputs="values")
    row = table.row("exact")
    assert row.rmse == pytest.approx(0)
    assert find_encoding("values").spread(workload) is workload
    told = functools.partial(mpc.PairwiseReLU, neuron_type=nengo.LIF(), decoders=None)
    table = mpc.compare({"told": told}, workload=workload, inputs="population")
    assert table.workload.target[0, 0] == pytest.approx(0.4)
    assert table.row("told").rmse < 0.1
