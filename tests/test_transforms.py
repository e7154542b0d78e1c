"""`MaxPool` as the transform of Nengo's connections."""

import copy
import pickle
import warnings

import nengo
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nengo.builder import Signal
from nengo.builder.signal import SignalDict
from nengo.exceptions import BuildError, ReadonlyError, ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.network.transform import MaxPool, MaxPoolInc
from maxpool_circuits.network.windows import PoolWindows

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


# --- simulation -----------------------------------------------------------------------


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


@settings(max_examples=25)
@given(st.data())
def test_exact_maximum_for_any_geometry(data):
    spatial_shape = data.draw(st.lists(st.integers(2, 4), min_size=1, max_size=3))
    windows = PoolWindows(
        (*spatial_shape, data.draw(st.integers(1, 2))),
        pool_size=data.draw(st.integers(1, 2)),
        strides=data.draw(st.integers(1, 3)),
        padding=data.draw(st.sampled_from(["valid", "same"])),
    )
    with nengo.Network() as model:
        inputs = noise(windows.n_inputs)
        outputs = nengo.Node(size_in=windows.n_pools)
        nengo.Connection(inputs, outputs, transform=MaxPool(windows), synapse=None)
        x = nengo.Probe(inputs)
        y = nengo.Probe(outputs)
    with nengo.Simulator(model, progress_bar=False) as simulator:
        simulator.run_steps(3)
    np.testing.assert_array_equal(simulator.data[y], windows.max(simulator.data[x]))


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


# --- building -------------------------------------------------------------------------


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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_operator(windows, dtype):
    x = np.random.RandomState(0).normal(size=windows.n_inputs).astype(dtype)
    X = Signal(x, name="X", readonly=True)
    Y = Signal(np.ones(windows.n_pools, dtype=dtype), name="Y")
    operator = MaxPoolInc(X, Y, windows, tag="pool")
    assert (operator.X, operator.Y, operator.windows) == (X, Y, windows)
    assert operator.reads == [X]
    assert operator.incs == [Y]
    assert operator.sets == operator.updates == []
    assert "max_pool" in str(operator)
    assert "pool" in repr(operator)

    signals = SignalDict()
    operator.init_signals(signals)
    step = operator.make_step(signals, dt=0.001, rng=None)
    step()
    step()
    expected = np.ones(windows.n_pools, dtype) + windows.max(x) + windows.max(x)
    np.testing.assert_array_equal(signals[Y], expected)
    np.testing.assert_array_equal(signals[X], x)

    operator.reads, operator.incs = [Y], [X]  # as Nengo's optimizer replaces signals
    assert (operator.X, operator.Y) == (Y, X)


# --- a value --------------------------------------------------------------------------


def test_sizes(windows):
    assert MaxPool(windows).size_in == 12
    assert MaxPool(windows).size_out == windows.n_pools


def test_equal_by_value(windows):
    again = PoolWindows.from_indices(windows.indices, n_inputs=12)
    transform = MaxPool(again)
    assert transform == MaxPool(pickle.loads(pickle.dumps(again)))
    assert hash(transform) == hash(MaxPool(copy.deepcopy(again)))
    assert transform != MaxPool(PoolWindows.independent(12, 1))
    assert transform != again


def test_cannot_be_changed(windows):
    transform = MaxPool(windows)
    with pytest.raises(ReadonlyError):
        transform.windows = windows


@pytest.mark.parametrize(
    "duplicate", [lambda t: pickle.loads(pickle.dumps(t)), copy.copy, copy.deepcopy]
)
def test_pickle_and_copy(windows, duplicate):
    transform = MaxPool(windows)
    other = duplicate(transform)
    assert other == transform
    assert hash(other) == hash(transform)
    assert other.windows == windows


def test_repr():
    windows = WINDOWS["independent"]
    assert repr(MaxPool(windows)) == f"MaxPool(windows={windows!r})"


@pytest.mark.parametrize("bad", [None, 4, [[0, 1]], (28, 28, 8), PoolWindows])
def test_bad_windows(bad):
    with pytest.raises(
        ValidationError, match=r"^MaxPool\.windows: must be PoolWindows.*got"
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
