"""Pools by hand: what is read from a model, what is warned of, and what goes back."""

import functools
import re
import runpy
import warnings
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import nengo
import numpy as np
import pytest
from nengo.exceptions import NetworkContextError, ValidationError
from nengo.processes import PresentInput

import maxpool_circuits as mpc
from maxpool_circuits.network.arriving import arriving
from maxpool_circuits.network.units import misfit

DOCS = Path(__file__).parent.parent / "docs"
FOUR = mpc.PoolWindows.independent(n_pools=1, window_size=4)
#: Neuron types by name, as functions of their amplitude.
TYPES = {
    each.__name__: each
    for each in (
        nengo.LIF,
        nengo.AdaptiveLIF,
        nengo.SpikingRectifiedLinear,
        mpc.IntegrateAndFire,
    )
}


def neurons(n, rate=250, amplitude=1, neuron_type=nengo.SpikingRectifiedLinear):
    """Neurons that fire at a rate for an input of 1."""
    return nengo.Ensemble(
        n,
        1,
        max_rates=np.full(n, rate),
        intercepts=np.zeros(n),
        encoders=np.ones((n, 1)),
        neuron_type=neuron_type(amplitude=amplitude),
    ).neurons


def driven(values, **options):
    """Neurons that get values, one each."""
    found = neurons(np.size(values), **options)
    nengo.Connection(nengo.Node(values), found, synapse=None)
    return found


def simulate(model, *probes, seconds=1.3):
    """Data of probes."""
    with nengo.Simulator(model, progress_bar=False) as simulator:
        simulator.run(seconds)
    return [simulator.data[probe] for probe in probes]


# --- what max_pool reads from a model -------------------------------------------------


def population():
    return nengo.Ensemble(50, 4, radius=2)


def array():
    return nengo.networks.EnsembleArray(20, 4, radius=3)


def sums():
    node = nengo.Node(size_in=4)
    weights = np.tile([-0.5, 0.5], (4, 32))
    nengo.Connection(driven(np.ones(64)), node, transform=weights, synapse=None)
    return node


def currents():
    found = nengo.Ensemble(4, 1, gain=np.ones(4), bias=np.zeros(4)).neurons
    nengo.Connection(nengo.Node([100] * 4), found)
    return found


@pytest.mark.parametrize(
    "source, circuit, expected",
    [
        (
            lambda: driven(np.ones(4), rate=100),
            mpc.WinnerTakeAll,
            {"input_range": (0, 100), "input_rate": 100, "max_rate": 250},
        ),
        (
            lambda: driven(np.ones(8), amplitude=0.01)[2:6],
            mpc.WinnerTakeAll,
            {"input_range": (0, 2.5), "input_rate": 250},
        ),
        # nothing but the bias, half the rate for 1
        (
            lambda: nengo.Ensemble(4, 1, gain=[100] * 4, bias=[100] * 4).neurons,
            mpc.WinnerTakeAll,
            {"input_range": (0, pytest.approx(320, rel=0.5))},
        ),
        (population, mpc.WinnerTakeAll, {"input_range": (-2, 2), "max_rate": 1250}),
        (array, mpc.WinnerTakeAll, {"input_range": (-3, 3), "input_rate": 1250}),
        # 3 sqrt(64 / 12) 0.5 x 250 Hz, and their square x 4 / (4 x 64 x 0.5^2 x 250)
        (
            sums,
            mpc.WinnerTakeAll,
            {"input_range": (-866, 866), "input_rate": pytest.approx(187.5, abs=0.1)},
        ),
        (
            lambda: mpc.max_pool(driven(np.ones(8), rate=50), (8,)),
            mpc.WinnerTakeAll,
            {"input_range": (0, 50), "input_rate": 50},
        ),
        (lambda: nengo.Node([1, 2, 3, 4]), mpc.ExactMax, {"input_range": (1, 4)}),
        (lambda: nengo.Node(lambda t: [t] * 4), mpc.ExactMax, {}),
        (
            lambda: neurons(4, neuron_type=nengo.RectifiedLinear),
            mpc.ExactMax,
            {},
        ),
    ],
)
def test_what_a_pool_is_told_follows_from_its_source(source, circuit, expected):
    with nengo.Network(seed=0) as model:
        pool = mpc.max_pool(source(), FOUR)
    assert type(pool) is circuit
    assert {name: getattr(pool, name) for name in expected} == expected
    # what it chooses does not make it warn
    assert not pool.n_neurons or not misfit(pool, model)


def test_what_is_given_is_kept():
    with nengo.Network():
        pool = mpc.max_pool(
            currents(),
            (2, 2, 1),
            2,
            circuit=functools.partial(mpc.PairwiseReLU, max_rate=500),
            input_range=(0, 50),
        )
    assert isinstance(pool, mpc.PairwiseReLU)
    # at this rate spikes of area 1 are worth the top of the range
    assert (pool.max_rate, pool.input_range, pool.input_rate) == (500, (0, 50), 50)


def test_circuits_of_populations_keep_their_rate():
    with nengo.Network(seed=0):
        pool = mpc.max_pool(population(), FOUR, circuit="ensemble")
    assert (pool.max_rate, pool.input_range) == (250, (-2, 2))


def test_spikes_behind_weights_that_are_not_known_are_no_values():
    kernel = nengo.Convolution(1, (4, 1), kernel_size=(1,), strides=(1,))
    with nengo.Network(seed=0):
        node = nengo.Node(size_in=4)
        nengo.Connection(driven(np.ones(4)), node, transform=kernel, synapse=None)
        with pytest.raises(ValidationError, match="give input_range"):
            mpc.max_pool(node, FOUR)
        pool = mpc.max_pool(node, FOUR, input_range=(-300, 300))
    assert isinstance(pool, mpc.WinnerTakeAll)
    assert pool.input_rate == 250


def two_of_each():
    ensemble = nengo.Ensemble(4, 1)
    return {
        "windows": (ensemble, "take 4 values, but .* has 1; its spikes are those of"),
        "source": ([1, 2, 3, 4], "neurons, an ensemble, a node"),
        "input_range": (currents(), "give input_range"),
    }


@pytest.mark.parametrize("argument", ["windows", "source", "input_range"])
def test_sources_that_are_refused(argument):
    with nengo.Network() as model:
        source, message = two_of_each()[argument]
        with pytest.raises(ValidationError, match=message) as error:
            mpc.max_pool(source, FOUR)
    assert error.value.attr == argument
    assert not model.networks
    with pytest.raises(NetworkContextError):
        mpc.max_pool(source, FOUR)


# --- how accurate it is ---------------------------------------------------------------


def largest_error(source_of, window_size, seed, n_pools=8):
    """Largest error of the mean output, as a fraction of the pool's range."""
    rng = np.random.RandomState(seed)
    with nengo.Network(seed=seed) as model:
        source = source_of(rng, n_pools * window_size)
        windows = mpc.PoolWindows.independent(n_pools, window_size)
        pool = mpc.max_pool(source, windows)
        probes = nengo.Probe(source), nengo.Probe(pool.output)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="what reaches")
        inputs, output = simulate(model, *probes, seconds=2.3)
    true = windows.max(inputs[300:].mean(axis=0))
    return np.abs(output[300:].mean(axis=0) - true).max() / (2 * pool.half_range)


def single(neuron_type, rate, amplitude, rng, n):
    """Neurons, one for each input."""
    options = {"rate": rate, "amplitude": amplitude, "neuron_type": neuron_type}
    return driven(rng.uniform(size=n), **options)


def mixed(neuron_type, rate, amplitude, rng, n):
    """Sums of 54 neurons by weights of both signs."""
    sums = nengo.Node(size_in=n)
    nengo.Connection(
        single(neuron_type, rate, amplitude, rng, 54),
        sums,
        transform=rng.normal(scale=0.3, size=(n, 54)),
        synapse=None,
    )
    return sums


#: Kind, neuron type, rate, whether spikes have an area of 1 / rate, size of windows.
QUICK = [
    *product([single], TYPES, [50], [True], [4]),
    *product([single], TYPES, [250], [False], [4]),
    *product([mixed], ["LIF"], [50, 250], [False], [4]),
]
EVERY = product([single, mixed], TYPES, [50, 100, 250, 400], [False, True], [2, 4, 9])
SLOW = [pytest.param(*each, marks=pytest.mark.slow) for each in EVERY]


@pytest.mark.parametrize("kind, neuron_type, rate, scaled, window_size", QUICK + SLOW)
def test_one_line_is_right(kind, neuron_type, rate, scaled, window_size):
    amplitude = 1 / rate if scaled else 1
    source = functools.partial(kind, TYPES[neuron_type], rate, amplitude)
    assert largest_error(source, window_size, seed=1) < 0.04


def test_values_of_populations_have_a_small_error():
    values = np.random.RandomState(0).uniform(-1, 1, size=(12, 4))
    with nengo.Network(seed=0) as model:
        source = nengo.networks.EnsembleArray(50, values.size)
        nengo.Connection(nengo.Node(values.ravel()), source.input)
        pool = mpc.max_pool(source, mpc.PoolWindows.independent(12, 4))
        probe = nengo.Probe(pool.output, synapse=0.02)
    (output,) = simulate(model, probe, seconds=0.5)
    # 0.018 on average over seeds
    assert np.sqrt(np.mean((output[250:] - values.max(axis=1)) ** 2)) < 0.023


# --- warnings of what does not fit ----------------------------------------------------


def reaches(source, synapse=None, **options):
    """What a pool by hand says to what reaches it; nothing if that fits."""
    with nengo.Network(seed=0) as model:
        pool = mpc.WinnerTakeAll(FOUR, **options)
        nengo.Connection(source(), pool.input, synapse=synapse)
    return misfit(pool, model)


@pytest.mark.parametrize(
    "source, options, give",
    [
        # one is 250 times as large as the pool thinks
        (lambda: driven(np.ones(4)), {}, "input_range=(0, 250), input_rate=250"),
        (
            lambda: driven(np.ones(4), amplitude=1 / 250),
            {"input_range": (0, 250)},
            "input_range=(0, 1), input_rate=250",
        ),
        # too slow: 0.2 to 0.9 too large
        (
            lambda: driven(np.ones(4), rate=100, amplitude=0.01),
            {},
            "input_range=(0, 1), input_rate=100",
        ),
        (sums, {"input_range": (-100, 100)}, "input_rate="),
        (currents, {}, "input_range=(0, 250), input_rate=250"),
        (population, {}, "input_range=(-2, 2), max_rate=1250, input_rate=1250"),
        (
            lambda: mpc.max_pool(driven(np.ones(8)), (8,)).output,
            {},
            "input_range=(0, 250), input_rate=250",
        ),
    ],
)
def test_what_does_not_fit_is_said_with_what_to_give(source, options, give):
    assert give in reaches(source, **options)


@pytest.mark.parametrize(
    "source, options",
    [
        (lambda: driven(np.ones(4)), {"input_range": (0, 250)}),
        (lambda: driven(np.ones(4), amplitude=1 / 200, rate=200), {}),
        (
            lambda: driven(np.ones(4), rate=50, amplitude=1 / 50),
            {"input_rate": 50},
        ),
        (currents, {"input_range": (0, 250)}),
        (population, {"input_range": (-2, 2), "max_rate": 1250}),
        # made of populations
        (population, {"input_range": (-2, 2), "neuron_type": nengo.LIF()}),
        (lambda: nengo.Node([0.1, 5, 3, 2]), {}),
        (lambda: neurons(4, neuron_type=nengo.RectifiedLinear), {}),
    ],
)
def test_what_fits_is_no_reason_to_warn(source, options):
    assert not reaches(source, **options)


@pytest.mark.parametrize("Simulator", ["nengo", "nengo-dl"], indirect=True)
@pytest.mark.parametrize("circuit", [mpc.WinnerTakeAll, mpc.SoftmaxApproximation])
def test_every_simulator_warns_once(Simulator, circuit):
    with nengo.Network(seed=0) as model:
        pool = circuit(FOUR, label="first")
        nengo.Connection(driven(np.ones(4)), pool.input, synapse=None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with Simulator(model):
            pass
    found = [str(each.message) for each in caught]
    found = [text for text in found if text.startswith("what reaches")]
    assert len(found) == 1
    assert re.search('"first".*give input_range=.*mpc.max_pool$', found[0])


def test_filters_before_a_pool_make_spikes_jitter_less():
    with nengo.Network() as model:
        raw, smooth = nengo.Node(size_in=4), nengo.Node(size_in=4)
        source = driven(np.ones(4))
        nengo.Connection(source, raw, synapse=None)
        nengo.Connection(source, smooth, synapse=0.004)
    assert arriving(raw, model).jitter == 250
    assert arriving(smooth, model).jitter == 125


# --- who won --------------------------------------------------------------------------


def windows_with_a_gap(rng, n, window_size, gap=0.1):
    """Windows whose two largest values differ by the gap."""
    top = rng.uniform(0.3, 1, size=(n, 1))
    values = rng.uniform(size=(n, window_size)) * (top - gap)
    values[:, :1], values[:, 1:2] = top, top - gap
    return rng.permuted(values, axis=1)


def pool_of(shown, seconds):
    """A model and its pool, which is shown (n_times, n_pools, window_size) values."""
    n_times, n_pools, window_size = shown.shape
    with nengo.Network(seed=0) as model:
        values = nengo.Node(PresentInput(shown.reshape(n_times, -1), seconds))
        source = neurons(shown[0].size, amplitude=1 / 250)
        nengo.Connection(values, source, synapse=None)
        windows = mpc.PoolWindows.independent(n_pools, window_size)
        pool = mpc.max_pool(source, windows)
    return model, pool


@pytest.mark.parametrize("window_size", [2, 4, 9])
def test_winner_is_right_after_100_ms(window_size):
    rng = np.random.default_rng(0)
    shown = np.array([windows_with_a_gap(rng, 40, window_size) for _ in range(6)])
    model, pool = pool_of(shown, 0.1)
    with model:
        probe = nengo.Probe(pool.winner, synapse=0.02)
    (winner,) = simulate(model, probe, seconds=0.6)
    found = winner[99::100].reshape(shown.shape)
    assert np.mean(found.argmax(axis=-1) == shown.argmax(axis=-1)) >= 0.99
    won = shown == shown.max(axis=-1, keepdims=True)
    assert found[won].mean() > 0.9
    assert found[~won].mean() < 0.1


@pytest.mark.parametrize("window_size", [2, 4, 9])
def test_unpooling_is_as_accurate_as_by_the_true_winner(window_size):
    rng = np.random.default_rng(1)
    shown = np.array([windows_with_a_gap(rng, 30, window_size) for _ in range(4)])
    model, pool = pool_of(shown, 0.3)
    with model:
        unpool = mpc.Unpool(pool)
        nengo.Connection(pool.output, unpool.input, synapse=None)
        probes = nengo.Probe(pool.output), nengo.Probe(unpool.output)
    pooled, unpooled = simulate(model, *probes, seconds=1.2)
    values = shown.repeat(300, axis=0)
    won = values == values.max(axis=-1, keepdims=True)
    late = np.arange(len(values)) % 300 >= 100

    def error(decoded):
        """The least one of several readouts."""
        decoded = decoded.reshape(len(values), 30, -1)
        return min(
            np.sqrt(np.mean((read * chosen - values * won)[late] ** 2))
            for read, chosen in (
                (nengo.Lowpass(tau).filt(decoded, dt=0.001), mask)
                for tau in (0.01, 0.02, 0.03, 0.05)
                for mask in [won if decoded.shape[-1] == 1 else 1]
            )
        )

    # 1.04, 0.75 and 0.79 on average over five seeds
    assert error(unpooled) < 1.2 * error(pooled)


def test_unpooling_of_windows_that_overlap_and_of_one_input():
    windows = mpc.PoolWindows.from_indices([[0, 1], [1, 2], [3]], n_inputs=4)
    with nengo.Network(seed=0) as model:
        pool = mpc.WinnerTakeAll(windows)
        source = driven([0.2, 0.8, 0.4, 0.5], amplitude=1 / 250)
        nengo.Connection(source, pool.input, synapse=None)
        unpool = mpc.Unpool(pool)
        nengo.Connection(pool.output, unpool.input, synapse=None)
        probes = [nengo.Probe(each) for each in (unpool.output, pool.winner)]
    unpooled, winner = (each[300:].mean(axis=0) for each in simulate(model, *probes))
    np.testing.assert_allclose(unpooled, [0, 1.6, 0, 0.5], atol=0.05)
    np.testing.assert_allclose(winner, [0, 2, 0, 1], atol=0.1)


def test_pools_without_a_unit_for_each_input_cannot_be_undone():
    windows = mpc.PoolWindows.independent(1, 12)
    with nengo.Network() as model:
        pools = (
            mpc.PairwiseReLU(FOUR),
            mpc.WinnerTakeAll(windows, neuron_type=mpc.IntegrateAndFire()),
            mpc.WinnerTakeAll(FOUR, neuron_type=nengo.LIF()),
            nengo.Network(),
        )
        for pool in pools:
            with pytest.raises(ValidationError, match="one unit of one neuron"):
                mpc.Unpool(pool)
        with pytest.raises(ValidationError, match="negative values"):
            mpc.Unpool(mpc.WinnerTakeAll(FOUR, input_range=(-1, 1)))
    assert len(model.networks) == 5


# --- minima, and circuits for one window ----------------------------------------------


def test_minima_of_positive_and_negative_values():
    values = np.array([[0.2, -0.5, 0.9, 0.1], [0.3, 0.7, 0.4, 0.5]])
    with nengo.Network(seed=0) as model:
        source = nengo.networks.EnsembleArray(50, 8)
        nengo.Connection(nengo.Node(values.ravel()), source.input)
        pool = mpc.max_pool(source, mpc.PoolWindows.independent(2, 4), minimum=True)
        probe = nengo.Probe(pool.output, synapse=0.02)
    assert pool.circuit.input_range == (-1, 1)
    assert pool.circuit.max_rate == 1250
    (output,) = simulate(model, probe, seconds=0.6)
    np.testing.assert_allclose(output[300:].mean(axis=0), [-0.5, 0.3], atol=0.05)


def test_a_circuit_for_one_window_is_repeated():
    def middle(n_inputs):
        with nengo.Network() as network:
            network.input = nengo.Node(size_in=n_inputs)
            network.output = nengo.Node(lambda t, x: x[1], size_in=n_inputs)
            nengo.Connection(network.input, network.output, synapse=None)
        return network

    windows = mpc.PoolWindows.from_indices([[0, 3], [2, 1, 0]], n_inputs=4)
    with nengo.Network() as model:
        pool = mpc.make(mpc.per_window(middle), windows)
        nengo.Connection(nengo.Node([1, 2, 3, 4]), pool.input, synapse=None)
        probe = nengo.Probe(pool.output)
    (output,) = simulate(model, probe, seconds=0.01)
    np.testing.assert_array_equal(output[-1], [4, 2])
    table = mpc.compare(mpc.per_window(middle), n_pools=2)
    assert "middle" in table["rmse"].index


# --- examples -------------------------------------------------------------------------


@pytest.mark.skipif(
    not DOCS.exists(), reason="the source archive comes without examples"
)
@pytest.mark.parametrize(
    "name, error, largest",
    [
        ("examples/hmax", lambda found: np.abs(found["errors"]).max() / 250, 0.04),
        (
            "examples/audio",
            lambda found: np.sqrt(np.mean(found["errors"] ** 2)) / found["true"].max(),
            0.06,
        ),
        (
            "examples/unpool",
            lambda found: found["errors"][0] / found["errors"][1],
            0.6,
        ),
        ("examples/tuned_populations", lambda found: found["ratio"]["upper"], 0.8),
        ("examples/nir_graph", lambda found: np.abs(found["errors"]).max(), 0.01),
        # two bars are as one, not as their sum
        (
            "published/lampl_2004",
            lambda found: abs(np.median(found["ratios"]["winner-take-all"]) - 1),
            0.05,
        ),
        (
            "published/riesenhuber_poggio_1999",
            lambda found: found["above"]["average"] - found["above"]["maximum"],
            -0.7,
        ),
        # after two intervals, others at half the rate
        (
            "published/oster_2009",
            lambda found: 1 - found["right"]["regular, all from 0"][1, 1],
            0.05,
        ),
        (
            "published/gaurav_2022",
            lambda found: (
                found["errors"]["winner-take-all"] / found["errors"]["AVAM, radius 0.1"]
            ),
            0.6,
        ),
    ],
)
def test_examples_are_right(name, error, largest):
    path = DOCS / f"{name}.py"
    assert len(path.read_text().splitlines()) <= 125
    plt.switch_backend("Agg")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="what reaches")
        assert error(runpy.run_path(str(path))) < largest
