"""Tuning: what is found, how candidates are compared, and what is remembered."""

import dataclasses
import functools
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import joblib
import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.comparison import WORKLOADS
from maxpool_circuits.comparison.compare import seed_of_values
from maxpool_circuits.tuning import INPUTS, draw, memory, search, tuning_curves
from maxpool_circuits.tuning import inputs as inputs_of_tuning
from maxpool_circuits.tuning.inputs import seed_of
from maxpool_circuits.tuning.least_squares import decoder_changes
from maxpool_circuits.tuning.response_surface import minimise
from maxpool_circuits.tuning.search import Objective, Trial, half_way
from maxpool_circuits.tuning.simulate import errors, record_populations
from maxpool_circuits.tuning.tune import SETS, seed_of_draw

#: A circuit that tuning improves much, and quickly: noise that it rectifies.
NOISY = {"neuron_type": nengo.SpikingRectifiedLinear()}
QUICK = {"n_pools": 10, "window_size": 4, "progress_bar": False}
WINDOWS = mpc.PoolWindows.independent(n_pools=5, window_size=4)
ALL_INPUTS = dict(INPUTS)


def shortened(n_steps):
    """Workloads that end after so many steps."""

    def short(make):
        def workload(*arguments):
            whole = make(*arguments)
            values, is_read = whole.values[:n_steps], whole.is_read[:n_steps]
            return dataclasses.replace(whole, values=values, is_read=is_read)

        return workload

    return {name: short(make) for name, make in WORKLOADS.items()}


@pytest.fixture(scope="module", autouse=True)
def short_search():
    """Look for less time than users do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "runs_after_star", lambda n_numbers: 3)
        patch.setattr(inputs_of_tuning, "WORKLOADS", shortened(900))
        for name in ("presentations, spikes", "natural, spikes"):
            patch.delitem(INPUTS, name)
        yield


@pytest.fixture(scope="module")
def tuned():
    """Decoders of a tree of ordinary spiking rectifiers."""
    return mpc.tune("pairwise-relu", **QUICK, **NOISY)


# --- what tuning finds ----------------------------------------------------------------


def test_error_on_other_inputs_is_smaller(tuned):
    circuit = functools.partial(mpc.PairwiseReLU, decoders=None, **NOISY)
    changed = functools.partial(mpc.PairwiseReLU, decoders=tuned, **NOISY)
    mixture = draw(4, 250, seed=1000, n_pools=30)
    before = errors(circuit, list(mixture.values()), seed=1)
    after = errors(changed, list(mixture.values()), seed=1)
    for name, old, new in zip(mixture, before, after):
        ratio = np.sqrt(new.mean() / old.mean())
        assert ratio < (0.6 if name.startswith("constant") else 1.1), name


def test_inputs_side_by_side_are_the_same_as_alone():
    # neurons that do not spike have no random state
    circuit = functools.partial(mpc.PairwiseReLU, neuron_type=nengo.RectifiedLinear())
    several = list(draw(4, 250, seed=0, n_pools=3).values())
    for inputs, together in zip(several, errors(circuit, several, seed=0)):
        np.testing.assert_allclose(errors(circuit, [inputs], seed=0)[0], together)


def test_report(tuned):
    report = tuned.report["errors"]
    assert set(report) == {"training", "validation", "test"}
    for measured in report.values():
        assert set(measured) == {f"{name}, 4 inputs" for name in INPUTS}
        for before, after, low, high in measured.values():
            assert low <= after / before <= high
    for name in report["test"]:
        # all three trials have other inputs, so that no two errors can be the same
        assert len({measured[name][0] for measured in report.values()}) == 3
    text = str(tuned)
    assert "SpikingRectifiedLinear" in text and "validation" in text
    assert set(tuned.report["costs"]) == {"bias", "latency", "spikes"}


def test_same_seed_gives_the_same_in_several_processes():
    one, again = (mpc.tune("pairwise-relu", n_jobs=n, **REMEMBERED) for n in (1, 2))
    assert again == one
    assert again.report["errors"] == one.report["errors"]


@pytest.mark.slow
def test_a_cluster_finds_the_same(tuned, cluster):
    with joblib.parallel_config(backend="dask"):
        again = mpc.tune("pairwise-relu", n_jobs=2, **QUICK, **NOISY)
    # where arrays lie in memory may change the last digit of a sum
    assert again.parameters == pytest.approx(tuned.parameters)
    for trial, measured in tuned.report["errors"].items():
        for name, metrics in measured.items():
            assert again.report["errors"][trial][name] == pytest.approx(metrics)
    assert cluster.ran_something()


@pytest.mark.parametrize("circuit", ["softmax", "ensemble", "absolute-value"])
def test_populations_are_fitted_to_what_they_did(circuit):
    inputs = draw(4, 250, seed=0, n_pools=20)["constant, values"]
    circuit = functools.partial(mpc.circuits()[circuit], decoders=None)
    recorded = record_populations(circuit, inputs, seed=0)
    for name, changes in decoder_changes([recorded], 0.01).items():
        record = recorded[name][-1]
        population = record.population
        asked = population.function(record.inputs.reshape(-1, record.inputs.shape[2]))
        activities = record.activities.reshape(-1, population.n_neurons)
        untuned = population.decoders
        before, after = (
            np.mean((activities @ decoders.T - asked) ** 2)
            for decoders in (untuned, untuned + changes * population.unit)
        )
        assert after < before, name


def population_of(circuit, window_size=4, **options):
    """The only population of a circuit, as it is by formula."""
    windows = mpc.PoolWindows.independent(n_pools=1, window_size=window_size)
    options = {"decoders": None, "add_to_container": False, **options}
    network = mpc.make(circuit, windows, **options)
    (population,) = network.untuned_populations.values()
    return population


@pytest.mark.parametrize(
    "neuron_type", [nengo.LIF(), nengo.AdaptiveLIF(), nengo.Tanh()], ids=str
)
def test_gradient_of_neurons_is_right(neuron_type):
    options = {"n_neurons": 8, "neuron_type": neuron_type, "max_rate": 0.9}
    if neuron_type.spiking:
        options["max_rate"] = 200
    population = population_of("ensemble", window_size=3, **options)
    problem = tuning_curves._Problem(population, 500)
    start = population.tuning_curves.ravel()
    _, gradient = problem.error_and_gradient(start)
    steps = 1e-5 * np.eye(len(start))
    differences = [
        problem.error_and_gradient(start + step)[0]
        - problem.error_and_gradient(start - step)[0]
        for step in steps
    ]
    slopes = np.array(differences) / 2e-5
    assert np.linalg.norm(gradient - slopes) < 0.01 * np.linalg.norm(slopes)


@pytest.mark.parametrize(
    "circuit, options, ratio",
    [
        ("ensemble", {"n_neurons": 50}, 0.6),
        ("pairwise-relu", {"neuron_type": nengo.LIF(), "n_neurons": 5}, 0.8),
        ("winner-take-all", {"neuron_type": nengo.AdaptiveLIF()}, 0.8),
    ],
)
def test_optimised_tuning_curves_decode_better(circuit, options, ratio):
    population = population_of(circuit, **options)
    curves = tuning_curves.optimise_tuning_curves(population)
    placed = population.with_tuning_curves(curves)
    # points that nothing was fitted on
    size = population.encoders.shape[1]
    points = np.random.RandomState(7).uniform(-0.5, 0.5, size=(2000, size))
    if size > 1:
        # the mean goes past the neurons
        points -= points.mean(axis=1, keepdims=True)
    asked = population.function(points)

    def error(some):
        rates = some.neuron_type.rates(points @ some.encoders.T, some.gain, some.bias)
        return np.sqrt(np.mean((rates @ some.decoders.T - asked) ** 2))

    assert error(placed) < ratio * error(population)
    # nobody fires faster than was asked for
    inside = population.points(4000)
    rates = placed.neuron_type.rates(
        inside @ placed.encoders.T, placed.gain, placed.bias
    )
    assert rates.max() < 1.01 * population.max_rate


def test_tuning_curves_are_kept_in_files_and_scale(tmp_path, run_circuit):
    options = {"n_neurons": 30, "max_rate": 200}
    population = population_of("ensemble", **options)
    network = mpc.EnsembleMax(WINDOWS, decoders=None, add_to_container=False, **options)
    tuned = mpc.TunedDecoders(
        network.setup,
        {"ensemble": np.zeros((1, 30))},
        {"input_time_constant": 1.25},
        {"ensemble": tuning_curves.optimise_tuning_curves(population)},
    )
    tuned.save(tmp_path / "placed.npz")
    loaded = mpc.TunedDecoders.load(tmp_path / "placed.npz")
    assert loaded == tuned and "tuning curves of ensemble" in str(loaded)

    x = np.random.RandomState(0).uniform(size=(8, WINDOWS.n_inputs))
    settings = {"decoders": loaded, "seed": 0, "steps": 200, **options}
    y = run_circuit("ensemble", WINDOWS, x, **settings)
    scaled = run_circuit("ensemble", WINDOWS, 4 * x, input_range=(0, 4), **settings)
    np.testing.assert_allclose(scaled, 4 * y, atol=1e-5)
    untuned = run_circuit("ensemble", WINDOWS, x, **{**settings, "decoders": None})
    error, untuned_error = (
        np.std(each[:, 50:].mean(axis=1) - WINDOWS.max(x)) for each in (y, untuned)
    )
    assert error < 0.8 * untuned_error


def test_what_samples_do_not_tell_stays_as_it_is():
    inputs = draw(4, 250, seed=0, n_pools=2)["constant, values"]
    circuit = functools.partial(mpc.EnsembleMax, decoders=None)
    recorded = record_populations(circuit, inputs, seed=0)
    population = recorded["ensemble"][0].population
    before = np.linalg.norm(population.decoders / population.unit)
    assert np.linalg.norm(decoder_changes([recorded], 1e6)["ensemble"]) < 1e-6 * before
    # 10 samples, 200 neurons: most directions are free
    changes = decoder_changes([recorded], 0.01)["ensemble"]
    assert 0 < np.linalg.norm(changes) < 0.5 * before


def test_response_surface_respects_an_error_that_must_not_grow():
    points = []

    def measure(point):
        points.append(point)
        return np.array([(point[0] - 2) ** 2 + point[1] ** 2, point[0] - 1])

    def objective(values):
        return values[..., 0] + 100 * np.maximum(values[..., 1], 0)

    bounds = np.array([(-3, 3), (-3, 3)])
    minimise(measure, objective, np.array([0, 1.0]), bounds, n_runs=10, seed=0)
    measured = list(points)
    best = min(measured, key=lambda point: objective(measure(point)))
    np.testing.assert_allclose(best, [1, 0], atol=0.1)
    assert np.all(np.abs(measured) <= 3)


def test_what_is_worse_on_other_inputs_is_taken_back(tuned, monkeypatch):
    assert any(np.any(values) for values in tuned.decoder_changes.values())
    # no candidate is ever good enough
    monkeypatch.setattr(search, "TOLERANCE_IN_VALIDATION", -10)
    found = mpc.tune("pairwise-relu", **QUICK, **NOISY)
    assert not any(np.any(values) for values in found.decoder_changes.values())
    network = mpc.PairwiseReLU(WINDOWS, decoders=None, **NOISY)
    for tunable in network.free_tunables:
        assert found.parameters[tunable.name] == tunable.default
    for before, after, *_ in found.report["errors"]["test"].values():
        assert before == after


@pytest.mark.slow
def test_shorter_latency_if_it_is_worth_it(tuned):
    quick = mpc.tune("pairwise-relu", latency_weight=5, **QUICK, **NOISY)
    (_, latency), (_, without) = (t.report["costs"]["latency"] for t in (quick, tuned))
    assert latency < 0.95 * without


#: How much of a value is left.
SHARE = mpc.Tunable("share", 0.7, 0.5, 2)


class Leaky(mpc.PairwiseReLU):
    """A tree that loses a part of each value, which tuning finds out."""

    tunables = (SHARE,)

    def linear_path(self, a, b):
        """Lose a part of the value."""
        return self.value_of(SHARE) * super().linear_path(a, b)


def test_a_users_own_circuit_states_what_is_tunable():
    neuron_type = mpc.IntegrateAndFire()
    options = {"neuron_type": neuron_type, "input_synapse": 0.003, "synapse": None}
    found = mpc.tune(Leaky, **{**QUICK, "window_size": 2}, **options)
    assert abs(found.parameters["share"] - 1) < 0.1
    assert found.setup.circuit == f"{__name__}.Leaky"


@pytest.mark.parametrize(
    "circuit, options, cause",
    [
        ("exact", {}, "nothing"),
        ("pairwise-relu", {"neuron_type": nengo.RectifiedLinear()}, "nothing"),
        ("pairwise-relu", {"window_size": 1}, "nothing"),
        ("pairwise-relu", {"input_range": (-1, 1)}, "scaled"),
        ("pairwise-relu", {"window_size": (4, 0.5)}, "window_size"),
        ("ensemble", {"window_size": (4, 9)}, "one window size"),
        ("pairwise-relu", {"spikes_weight": -1}, "spikes_weight"),
        ("pairwise-relu", {"seed": "a"}, "seed"),
        ("no such", {}, "no circuit"),
    ],
)
def test_what_cannot_be_tuned(circuit, options, cause):
    with pytest.raises(ValidationError, match=cause):
        mpc.tune(circuit, progress_bar=False, **options)


@pytest.mark.parametrize(
    "circuit, kinds",
    [
        ("pairwise-relu", ["constant, spikes", "constant, values"]),
        ("ensemble", ["constant, spikes", "natural, spikes", "constant, values"]),
    ],
)
def test_decoders_are_fitted_on_inputs_of_their_own(circuit, kinds, monkeypatch):
    options = {"neuron_type": nengo.LIF(), "n_neurons": 5}

    class Stopped(Exception):
        """The search that would have been made."""

    def stop(experiment, network):
        raise Stopped(experiment)

    monkeypatch.setattr(sys.modules[seed_of_draw.__module__], "search", stop)
    for name, kind in ALL_INPUTS.items():
        monkeypatch.setitem(INPUTS, name, kind)
    with pytest.raises(Stopped) as stopped:
        mpc.tune(circuit, window_size=2, n_pools=1, progress_bar=False, **options)
    (experiment,) = stopped.value.args
    fitted_on = [inputs.kind for inputs in experiment.fitting]
    assert sorted(map(str, fitted_on)) == sorted(str(INPUTS[kind]) for kind in kinds)
    compared = itertools.chain(*(drawn.values() for drawn in experiment.sets.values()))
    for own, other in itertools.product(experiment.fitting, compared):
        values = own.workload.values, other.workload.values
        assert not np.array_equal(*values), own.kind


# --- how candidates are compared ------------------------------------------------------


def seeds_of_tuning(seeds):
    """All seeds of values that searches with some seeds draw with."""
    numbers = itertools.product(seeds, range(len(SETS)), range(len(INPUTS)))
    return [seed_of(seed_of_draw(seed, draw), number) for seed, draw, number in numbers]


def test_no_two_draws_of_tuning_share_a_seed():
    used = seeds_of_tuning(range(200))
    assert len(set(used)) == len(used)


def test_comparisons_use_other_seeds_than_tuning():
    most = 2**32 - 1
    seeds = [*range(10000), *range(2**18, 2**18 + 1000), most - 1, most]
    compared = {seed_of_values(seed) for seed in seeds}
    assert compared.isdisjoint(seeds_of_tuning(seeds))
    assert max(compared) <= most


def trial(ratios=None, **costs):
    """A trial with errors of 0.01, which is what counts as small, times some ratios."""
    ratios = {name: (ratios or {}).get(name, 1) for name in INPUTS}
    squares = {name: np.full(4, (0.01 * ratio) ** 2) for name, ratio in ratios.items()}
    return Trial(None, squares, costs)


@pytest.fixture
def inputs():
    """One input of each kind, without signals."""
    drawn = draw(2, 250, seed=0, n_pools=1)
    return {name: drawn[name] for name in INPUTS}


def test_errors_on_values_that_are_small_enough_do_not_count(inputs):
    objective = Objective(trial(), inputs, {})
    for name, kind in INPUTS.items():
        halved, doubled = (trial({name: ratio}) for ratio in (0.5, 2))
        assert (objective.of(halved) < 0) == kind.spikes, name
        assert objective.worst(doubled) == pytest.approx(np.log(2))


def test_one_error_that_grows_outweighs_several_that_shrink(inputs):
    objective = Objective(trial(), inputs, {})
    better = dict.fromkeys(INPUTS, 0.95)
    first = next(iter(INPUTS))
    assert objective.accepts(trial(better))
    worse = trial({**better, first: 1.06})
    assert objective.of(worse) > 0 and not objective.accepts(worse)
    # within the tolerance nothing is added
    within = trial({**better, first: 1.01})
    growths = objective.growths(objective.changes(within))
    mean = np.average(growths, weights=[kind.weight for kind in INPUTS.values()])
    assert objective.of(within) == pytest.approx(mean)


def test_costs_count_by_their_weights(inputs):
    objective = Objective(trial(spikes=100), inputs, {"spikes": 0.5})
    assert objective.of(trial(spikes=50)) == pytest.approx(0.5 * np.log(0.5))
    # what never settles has no latency
    objective = Objective(trial(latency=0.1), inputs, {"latency": 1})
    assert objective.of(trial(latency=np.nan)) == search.WORST


def test_half_way_is_the_geometric_mean():
    setup = mpc.Setup("their.Own", 1, 250.0)
    untuned = mpc.TunedDecoders(setup, {"unit": [[0]]}, {"speed": 1})
    best = mpc.TunedDecoders(setup, {"unit": [[3]]}, {"speed": 4}, {"unit": [[1, 2]]})
    expected = mpc.TunedDecoders(
        setup, {"unit": [[1.5]]}, {"speed": 2}, {"unit": [[1, 2]]}
    )
    assert half_way(untuned, best) == expected


# --- what is remembered ---------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch):
    """Numbers of inputs of all runs, of which there are few, and of made-up errors."""
    names = []

    def run(circuit, several, seed):
        names.append(len(several))
        n_pools = [inputs.workload.windows.n_pools for inputs in several]
        return [np.linspace(1e-4, 2e-4, n) for n in n_pools]

    def two_runs(measure, objective, start, bounds, **_):
        measure(start)
        measure(np.mean(bounds, axis=1))

    monkeypatch.setattr(search, "minimise", two_runs)
    monkeypatch.setattr(inputs_of_tuning, "WORKLOADS", shortened(600))
    monkeypatch.setattr(search.simulate, "errors", run)
    costs = {"bias": 0.01, "latency": 0.02, "spikes": 10.0}
    monkeypatch.setattr(search.simulate, "costs", lambda *_: costs)
    return names


REMEMBERED = {"n_pools": 2, "window_size": 2, "progress_bar": False, **NOISY}


def test_tune_needs_no_home(counted, monkeypatch):
    def no_home(*_):
        raise RuntimeError("there is no home")

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    for name in ("home", "expanduser"):
        monkeypatch.setattr(Path, name, no_home)
    assert mpc.tune("pairwise-relu", **REMEMBERED).report


def test_asked_for_the_same_again_tune_runs_nothing(counted, tmp_path):
    with nengo.Network() as model:
        first = mpc.tune("pairwise-relu", memory=tmp_path, **REMEMBERED)
        n_runs = len(counted)
        for same in (tmp_path, joblib.Memory(str(tmp_path), verbose=0)):
            again = mpc.tune(mpc.PairwiseReLU, memory=same, n_jobs=2, **REMEMBERED)
            assert again == first and again.report == first.report
    assert len(counted) == n_runs > 0
    # tuning, which runs many networks, leaves none in the model
    assert model.networks == []


def test_other_arguments_and_edited_code_are_another_search(
    counted, tmp_path, monkeypatch
):
    changes = [{"seed": 1}, {"n_neurons": 2}, {"input_rate": 200}]
    for change in [{}, *changes]:
        n_runs = len(counted)
        mpc.tune("pairwise-relu", memory=tmp_path, **{**REMEMBERED, **change})
        assert len(counted) > n_runs
    n_runs = len(counted)
    monkeypatch.setattr(memory, "source_digest", lambda _: "edited since")
    mpc.tune("pairwise-relu", memory=tmp_path, **REMEMBERED)
    assert len(counted) > n_runs


def test_without_a_folder_nothing_is_remembered(counted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mpc.tune("pairwise-relu", **REMEMBERED)
    assert counted and list(tmp_path.iterdir()) == []


def test_a_search_that_was_stopped_goes_on(counted, tmp_path, monkeypatch):
    whole = mpc.tune("pairwise-relu", memory=tmp_path / "whole", **REMEMBERED)
    n_runs = len(counted)
    counted.clear()
    run = search.simulate.errors

    def stopped(*arguments):
        if len(counted) == 4:
            raise KeyboardInterrupt
        return run(*arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(search.simulate, "errors", stopped)
        mpc.tune("pairwise-relu", memory=tmp_path / "parts", **REMEMBERED)
    assert mpc.tune("pairwise-relu", memory=tmp_path / "parts", **REMEMBERED) == whole
    assert len(counted) == n_runs


@pytest.mark.slow
def test_several_processes_may_use_one_folder(tmp_path):
    several = joblib.Parallel(n_jobs=2)(
        joblib.delayed(mpc.tune)("pairwise-relu", memory=tmp_path, **REMEMBERED)
        for _ in range(2)
    )
    assert several[0] == several[1]


EDITED = """
import sys
from pathlib import Path
folder, *files = map(Path, sys.argv[1:])
sys.path.insert(0, str(folder))
import own_circuit
from maxpool_circuits.tuning.memory import PACKAGE, source_digest
assert PACKAGE.parent == folder
print(source_digest([own_circuit.Own]))
for edited in files:
    with open(folder / edited, "a") as file:
        file.write("# edited")
    print(source_digest([own_circuit.Own]))
"""


def test_an_edit_of_any_module_is_noticed(tmp_path):
    folder = tmp_path / "copy"
    package = folder / "maxpool_circuits"
    shutil.copytree(memory.PACKAGE, package, ignore=lambda *_: ["__pycache__"])
    (folder / "own_circuit.py").write_text(
        "from maxpool_circuits import PairwiseReLU\n"
        "from helper import FACTOR\n"
        "class Own(PairwiseReLU):\n"
        "    pass\n"
    )
    (folder / "helper.py").write_text("FACTOR = 2\n")
    noticed = ["maxpool_circuits/circuits/tree.py", "helper.py", "own_circuit.py"]
    run = [sys.executable, "-c", EDITED, folder, "not_imported.py", *noticed]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    before, after_unused, *after = done.stdout.split()
    assert before == after_unused
    assert len({before, *after}) == 1 + len(noticed)


def test_code_that_cannot_be_read_is_not_remembered(counted, tmp_path):
    scope = {"mpc": mpc, "__name__": "typed_at_a_prompt"}
    exec("class Typed(mpc.PairwiseReLU):\n    pass", scope)
    with pytest.warns(UserWarning, match="nothing is remembered.*Typed"):
        mpc.tune(scope["Typed"], memory=tmp_path, **REMEMBERED)
    assert counted and list(tmp_path.rglob("output.pkl")) == []
