"""Circuits as NIR graphs: what the graphs compute, here and in other simulators."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"

nir = pytest.importorskip("nir", reason="NIR is not installed (extra nir)")
from maxpool_circuits.nir import to_nir  # noqa: E402

pytestmark = pytest.mark.skipif(
    not BENCHMARKS.exists(), reason="the source archive comes without the benchmarks"
)


def readers():
    """Readers of the benchmark, whose figures the documentation shows."""
    path = BENCHMARKS / "nir_readers.py"
    spec = importlib.util.spec_from_file_location("nir_readers", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def counting(windows, circuit=mpc.PairwiseReLU, **options):
    """A circuit whose threshold is one spike of an input that is worth 1 / 250."""
    given = {
        "neuron_type": mpc.IntegrateAndFire(min_voltage=-np.inf),
        "max_rate": 125,
        "input_synapse": None,
        "decoders": None,
        "add_to_container": False,
        **options,
    }
    return circuit(windows, **given)


def regular_spikes(values, n_steps):
    """Spike counts of neurons that fire at 250 Hz for a value of 1: (n_steps, n)."""
    phases = np.random.RandomState(1).uniform(size=len(values))
    steps = np.arange(n_steps + 1)[:, np.newaxis]
    return np.diff(np.floor(phases + 0.25 * steps * values), axis=0)


def counts_of_trees(windows, spikes):
    """What trees that never forget have passed on so far, (n_steps, n_pools)."""
    counts = np.cumsum(spikes, axis=0)
    pools = []
    for indices in windows.indices:
        values = [counts[:, i] for i in indices if i >= 0]
        while len(values) > 1:
            pairs = [values[i : i + 2] for i in range(0, len(values), 2)]
            values = [
                pair[-1] + np.maximum.accumulate(np.maximum(pair[0] - pair[-1], 0))
                for pair in pairs
            ]
        pools.append(values[0])
    return np.stack(pools, axis=1)


def by_the_book(graph, spikes, **options):
    """Output of the reference for one example."""
    return readers().by_the_book(graph, spikes[:, np.newaxis], **options)[:, 0]


def some_windows():
    """Windows that are ragged, overlap, reach past an edge, or are of one input."""
    return {
        "independent": mpc.PoolWindows.independent(n_pools=3, window_size=4),
        "ragged": mpc.PoolWindows.from_indices([[0, 3, 4], [2], [1, 2, 3, 4, 0]], 6),
        "overlapping": mpc.PoolWindows((5, 5, 2), pool_size=3, strides=1),
        "padded": mpc.PoolWindows((5, 4, 1), pool_size=2, padding="same"),
        "channels first": mpc.PoolWindows((2, 4, 4), channels_last=False),
        "single": mpc.PoolWindows.independent(n_pools=3, window_size=1),
    }


@pytest.mark.parametrize("kind", some_windows())
@pytest.mark.parametrize("relays", [True, False])
def test_a_counting_tree_is_exact_although_neurons_are_reset_to_zero(kind, relays):
    windows = some_windows()[kind]
    values = np.random.RandomState(0).uniform(size=windows.n_inputs)
    spikes = regular_spikes(values, n_steps=200)
    graph = to_nir(counting(windows), 1 / 250, relays=relays)
    output = by_the_book(graph, spikes)
    # every output is a train of spikes
    assert set(np.unique(output)) <= {0, 1}
    counts = np.cumsum(output, axis=0)
    if kind == "overlapping":
        # pools that share comparators pair their inputs up in another order
        excess = counts - windows.max(np.cumsum(spikes, axis=0))
        assert excess.min() >= 0
        # regular trains get ahead by less than two spikes, once per level
        assert excess.max() <= 2 * np.ceil(np.log2(windows.sizes.max()))
    else:
        np.testing.assert_array_equal(counts, counts_of_trees(windows, spikes))
    if relays:
        # a chain: nothing meets, so nothing can be added up in a wrong order
        assert len({post for _, post in graph.edges}) == len(graph.edges)


@pytest.mark.parametrize("circuit", [mpc.PairwiseReLU, mpc.WinnerTakeAll])
@pytest.mark.parametrize("relays", [True, False])
def test_graphs_equal_nengo_in_every_step(circuit, relays):
    """With the soft reset of Nengo, and what NIR has not: membranes that start at 0."""
    windows = some_windows()["ragged"]
    at_rest = {"voltage": nengo.dists.Choice([0])}
    neurons = mpc.IntegrateAndFire(min_voltage=-np.inf, initial_state=at_rest)
    spikes = regular_spikes(np.array([0.9, 0.2, 0.5, 0.85, 0.3, 0.1]), n_steps=200)
    with nengo.Network() as model:
        inputs = nengo.Node(lambda t: spikes[int(round(t * 1000)) - 1] * 4, size_out=6)
        # an odd rate: what is on the brink of a spike depends on rounding
        pool = counting(
            windows,
            circuit,
            neuron_type=neurons,
            max_rate=100 / 1.001,
            add_to_container=True,
        )
        nengo.Connection(inputs, pool.input, synapse=None)
        probe = nengo.Probe(pool.output)
    with nengo.Simulator(model, progress_bar=False) as simulator:
        simulator.run_steps(len(spikes))
    graph = to_nir(pool, spike_value=1 / 250, relays=relays)
    output = by_the_book(graph, spikes, subtract=True)
    np.testing.assert_allclose(output, simulator.data[probe] / 4, atol=1e-4)


@pytest.mark.parametrize("kind", some_windows())
def test_relays_hand_on_only_what_later_layers_use(kind):
    graph = to_nir(counting(some_windows()[kind]), 1 / 250)
    for layer in range(2, len(graph.nodes)):
        if f"weights_{layer}" in graph.nodes:
            assert graph.nodes[f"weights_{layer}"].weight.any(axis=0).all()


def test_weights_are_those_of_the_circuit():
    """Tuned decoders and strengths, the amplitude, and several neurons per part."""
    windows = mpc.PoolWindows.independent(n_pools=1, window_size=2)
    neurons = mpc.IntegrateAndFire(amplitude=0.5)
    pool = counting(windows, neuron_type=neurons, n_neurons=2, max_rate=50)
    graph = to_nir(pool, spike_value=0.01, relays=False)
    # a spike of 0.01 gives a current of 50 Hz per half of the range for 1 s: one spike
    weights = graph.nodes["input_to_neurons_1"].weight
    np.testing.assert_allclose(weights, [[1, -1], [1, -1]])
    # each neuron of two carries half of the difference, 0.5 / 50 / 2 per spike
    decoders = graph.nodes["neurons_1_to_output"].weight
    np.testing.assert_allclose(decoders, [[0.5, 0.5]])
    assert graph.metadata["spike_value"] == 0.01


def test_lateral_inhibition_is_a_cycle_without_its_own_unit():
    windows = mpc.PoolWindows.independent(n_pools=2, window_size=2)
    graph = to_nir(counting(windows, mpc.WinnerTakeAll), 1 / 250)
    assert ("neurons_1", "feedback_1") in graph.edges
    assert ("feedback_1", "neurons_1") in graph.edges
    feedback = graph.nodes["feedback_1"].weight
    expected = np.zeros((8, 8))
    for unit, rival in ((0, 1), (1, 0), (2, 3), (3, 2)):
        expected[unit, rival] = -1
    np.testing.assert_allclose(feedback, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("synapse", "taus"),
    [(0.003, [0.003]), (nengo.Alpha(0.002), [0.002, 0.002])],
)
def test_synapses_are_leaky_integrators(synapse, taus):
    windows = mpc.PoolWindows.independent(n_pools=1, window_size=2)
    pool = counting(windows, input_synapse=synapse)
    graph = to_nir(pool, 1 / 250, relays=False)
    filters = [node for node in graph.nodes.values() if isinstance(node, nir.LI)]
    np.testing.assert_allclose([node.tau[0] for node in filters], taus)
    with pytest.raises(ValidationError, match="input_synapse=None.*relays=False"):
        to_nir(pool, 1 / 250)
    # the mean of the output is the maximum, however the input is filtered
    spikes = regular_spikes(np.array([0.4, 0.8]), n_steps=1000)
    output = by_the_book(graph, spikes, subtract=True)
    assert output[200:].mean() / 0.25 == pytest.approx(0.8, abs=0.02)


class FeedsItself(mpc.PairwiseReLU):
    """A circuit with a loop of nodes."""

    def build_circuit(self):
        super().build_circuit()
        nengo.Connection(self.output, self.output, transform=0.5)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda w: mpc.SoftmaxApproximation(w, decoders=None), "of type LIF"),
        (lambda w: mpc.EnsembleMax(w, decoders=None), "of type LIF"),
        (
            lambda w: mpc.EnsembleMax(
                w, neuron_type=mpc.IntegrateAndFire(), decoders=None
            ),
            "bias currents",
        ),
        (lambda w: mpc.PairwiseReLU(w, neuron_type=nengo.LIF()), "of type LIF"),
        (mpc.AbsoluteValue, "of type SpikingRectifiedLinear"),
        (mpc.ExactMax, "more than weights"),
        (lambda w: counting(w, FeedsItself), "feeds itself"),
        (
            lambda w: counting(w, input_synapse=nengo.synapses.Triangle(0.01)),
            "more than weights",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:nothing ships:UserWarning")
def test_other_circuits_are_refused_with_what_can_be_exported(made, reason):
    windows = mpc.PoolWindows.independent(n_pools=1, window_size=3)
    with nengo.Network():
        circuit = made(windows)
    for relays in (True, False):
        with pytest.raises(ValidationError, match=f"{reason}.*pairwise-relu"):
            to_nir(circuit, 1 / 250, relays=relays)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"spike_value": 0}, "spike_value: must be a finite number above 0"),
        ({"spike_value": None}, "spike_value: must be a finite number above 0"),
        ({"circuit": mpc.PairwiseReLU}, "circuit: must be a circuit such as"),
    ],
)
def test_bad_arguments_are_refused(arguments, reason):
    pool = counting(mpc.PoolWindows.independent(n_pools=1, window_size=2))
    with pytest.raises(ValidationError, match=reason):
        to_nir(**{"circuit": pool, "spike_value": 1 / 250, **arguments})


def test_thresholds_of_less_than_a_spike_are_warned_of_with_a_rate_that_helps():
    windows = mpc.PoolWindows.independent(n_pools=1, window_size=2)
    with pytest.warns(UserWarning, match="2 times.*at most 125 Hz"):
        to_nir(counting(windows, max_rate=250), 1 / 250)


def test_files_are_read_back(tmp_path):
    windows = some_windows()["ragged"]
    graph = to_nir(counting(windows, mpc.WinnerTakeAll), 1 / 250)
    path = tmp_path / "pool.nir"
    nir.write(path, graph)
    back = nir.read(path)
    assert sorted(back.edges) == sorted(graph.edges)
    spikes = regular_spikes(np.linspace(0, 1, windows.n_inputs), n_steps=50)
    expected = by_the_book(graph, spikes)
    np.testing.assert_array_equal(by_the_book(back, spikes), expected)


def test_a_missing_package_is_named(tmp_path):
    (tmp_path / "nir.py").write_text("raise ImportError('not here')")
    code = "import maxpool_circuits.nir"
    paths = [str(tmp_path), str(BENCHMARKS.parent)]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
    )
    assert "pip install 'maxpool-circuits[nir]'" in done.stderr


@pytest.mark.parametrize("circuit", [mpc.PairwiseReLU, mpc.WinnerTakeAll])
@pytest.mark.parametrize("name", ["Norse", "sinabs, floor removed", "SpikingJelly"])
def test_other_simulators_run_the_graph(circuit, name):
    package, reader = readers().READERS[name]
    pytest.importorskip(package, reason=f"the simulator {name} is not installed")
    windows = mpc.PoolWindows.independent(n_pools=3, window_size=4)
    values = np.random.RandomState(0).uniform(size=windows.n_inputs)
    spikes = regular_spikes(values, n_steps=100)
    graph = to_nir(counting(windows, circuit), 1 / 250)
    output = reader(graph, spikes[:, np.newaxis])[:, 0]
    # sinabs subtracts the threshold, the others do as NIR says
    expected = by_the_book(graph, spikes, subtract=name.startswith("sinabs"))
    np.testing.assert_allclose(output, expected, atol=1e-5)


def test_the_page_of_the_documentation_runs(tmp_path, monkeypatch):
    page = (BENCHMARKS.parent / "docs" / "nir.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert os.listdir(tmp_path) == ["pool.nir"]


@pytest.mark.skipif(not hasattr(nir, "NIRGraphData"), reason="needs NIR 1.0.8")
def test_recordings_of_nir_fit_the_nodes_of_a_graph():
    graph = to_nir(counting(mpc.PoolWindows.independent(3, 4)), 1 / 250)
    sizes = {"input": 12, "neurons_1": 12, "output": 3}
    recorded = {
        name: nir.NIRNodeData(
            {"spikes": nir.TimeGriddedData(np.zeros((1, 5, size), bool), 0.001)}
        )
        for name, size in sizes.items()
    }
    nir.NIRGraphData(recorded).check_nodes(graph)
