"""Tuning of running circuits, and the files that hold what it found."""

import dataclasses
import functools
import io
import json
import random
import tracemalloc
import zipfile

import joblib
import nengo
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.network.tuned import FORMAT
from maxpool_circuits.tuning import INPUTS, draw, search, trials, tuning_curves
from maxpool_circuits.tuning.journal import Journal
from maxpool_circuits.tuning.least_squares import decoder_changes
from maxpool_circuits.tuning.response_surface import minimise
from maxpool_circuits.tuning.simulate import errors, record_populations
from maxpool_circuits.utils import checked_npz

#: A circuit that tuning improves much, and quickly: noise that it rectifies.
NOISY = {"neuron_type": nengo.SpikingRectifiedLinear()}
QUICK = {"n_pools": 10, "window_size": 4, "progress_bar": False}
WINDOWS = mpc.PoolWindows.independent(n_pools=5, window_size=4)


@pytest.fixture(scope="module", autouse=True)
def short_search():
    """Look for less time than users do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "runs_after_star", lambda n_numbers: 3)
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
    assert set(tuned.report["errors"]) == {"training", "validation", "test"}
    for measured in tuned.report["errors"].values():
        assert set(measured) == {f"{name}, 4 inputs" for name in INPUTS}
        for before, after, low, high in measured.values():
            assert low <= after / before <= high
    text = str(tuned)
    assert "SpikingRectifiedLinear" in text and "validation" in text
    assert set(tuned.report["costs"]) == {"bias", "latency", "spikes"}


def test_test_inputs_are_other_inputs(tuned):
    # all three draws differ, so that no two errors can be the same
    for name in tuned.report["errors"]["test"]:
        befores = {draw[name][0] for draw in tuned.report["errors"].values()}
        assert len(befores) == 3


def test_same_seed_gives_the_same_in_several_processes(tuned):
    again = mpc.tune("pairwise-relu", n_jobs=2, fresh=True, **QUICK, **NOISY)
    np.testing.assert_array_equal(
        again.decoder_changes["comparator"], tuned.decoder_changes["comparator"]
    )
    assert again.parameters == tuned.parameters
    assert again.report["errors"] == tuned.report["errors"]


def test_a_cluster_finds_the_same(tuned, cluster):
    with joblib.parallel_config(backend="dask"):
        again = mpc.tune("pairwise-relu", n_jobs=2, fresh=True, **QUICK, **NOISY)
    # where arrays lie in memory may change the last digit of a sum
    assert again.parameters == pytest.approx(tuned.parameters)
    for draw_name, measured in tuned.report["errors"].items():
        for name, figures in measured.items():
            found = again.report["errors"][draw_name][name]
            assert found == pytest.approx(figures)
    assert cluster.ran_something()


def test_one_comparator_serves_windows_of_all_sizes(tuned):
    for size in (2, 9):
        windows = mpc.PoolWindows.independent(n_pools=2, window_size=size)
        assert mpc.PairwiseReLU(windows, decoders=tuned, **NOISY).decoders is tuned


def test_values_scale_with_the_input_range(tuned, run_circuit):
    x = np.random.RandomState(0).uniform(size=(1, WINDOWS.n_inputs))
    options = {"decoders": tuned, "seed": 0, "steps": 200, **NOISY}
    y = run_circuit("pairwise-relu", WINDOWS, x, **options)
    scaled = run_circuit("pairwise-relu", WINDOWS, 4 * x, input_range=(0, 4), **options)
    np.testing.assert_allclose(scaled, 4 * y, atol=1e-6)


@pytest.mark.parametrize("circuit", ["softmax", "ensemble", "absolute-value"])
def test_populations_are_fitted_to_what_they_did(circuit):
    inputs = draw(4, 250, seed=0, n_pools=20)["constant, values"]
    circuit = functools.partial(mpc.circuits()[circuit], decoders=None)
    recorded = record_populations(circuit, inputs, seed=0)
    for name, changes in decoder_changes([recorded], 0.01).items():
        (*_, ensemble) = recorded[name]
        population = ensemble.population
        asked = population.function(
            ensemble.inputs.reshape(-1, ensemble.inputs.shape[2])
        )
        errors = [
            (ensemble.activities @ values.T).reshape(asked.shape) - asked
            for values in (
                population.decoders,
                population.decoders + changes * population.unit,
            )
        ]
        untuned, tuned = np.sqrt(np.mean(np.square(errors), axis=(1, 2)))
        assert tuned < untuned, name


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
    # tuning curves with infinite slopes are smoothed, which costs some accuracy
    assert np.linalg.norm(gradient - slopes) < 0.2 * np.linalg.norm(slopes)


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
    tuned = mpc.TunedDecoders(
        mpc.EnsembleMax(
            WINDOWS, decoders=None, add_to_container=False, **options
        ).setup,
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
    assert (
        0 < np.linalg.norm(decoder_changes([recorded], 0.01)["ensemble"]) < 0.5 * before
    )


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
    monkeypatch.setattr(search, "TOLERANCE", -10)
    found = mpc.tune("pairwise-relu", fresh=True, **QUICK, **NOISY)
    assert not any(np.any(values) for values in found.decoder_changes.values())
    network = mpc.PairwiseReLU(WINDOWS, decoders=None, **NOISY)
    for tunable in network.free_tunables:
        assert found.parameters[tunable.name] == tunable.default
    for before, after, *_ in found.report["errors"]["test"].values():
        assert before == after


def test_shorter_latency_if_it_is_worth_it(tuned):
    quick = mpc.tune("pairwise-relu", latency_weight=5, **QUICK, **NOISY)
    (_, latency), (_, without) = (t.report["costs"]["latency"] for t in (quick, tuned))
    assert latency < 0.95 * without


# --- interruptions --------------------------------------------------------------------


def test_an_interrupted_run_goes_on(tuned, tmp_path, monkeypatch):
    path = tmp_path / "journal"
    options = {"journal": path, "fresh": True, **QUICK, **NOISY}
    calls = []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return errors(*arguments)

    monkeypatch.setattr(trials, "errors", interrupted)
    with pytest.raises(KeyboardInterrupt):
        mpc.tune("pairwise-relu", **options)
    # as if it had been cut off in the middle of a line
    with open(path, "a") as file:
        file.write("[[0.1, 0.")
    calls.clear()
    calls.extend([None] * 10)
    again = mpc.tune("pairwise-relu", **options)
    assert again.parameters == tuned.parameters
    assert again.report["errors"] == tuned.report["errors"]
    n_all = 2 * len(tuned.report["errors"]) * 2
    assert len(calls) > n_all and not path.exists()


def test_a_journal_of_another_run_is_refused(tmp_path):
    path = tmp_path / "journal"
    Journal(path, {"seed": 0})
    with pytest.raises(ValidationError, match="journal of another run"):
        mpc.tune("pairwise-relu", journal=path, fresh=True, **QUICK, **NOISY)
    assert path.exists()


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
        ("pairwise-relu", {"input_range": (-1, 1)}, "scaled"),
        ("pairwise-relu", {"decoders": None}, "untuned"),
        ("pairwise-relu", {"window_size": 0}, "window_size"),
        ("pairwise-relu", {"window_size": []}, "window_size"),
        ("pairwise-relu", {"window_size": (4, 0.5)}, "window_size"),
        ("ensemble", {"window_size": (4, 9)}, "one window size"),
        ("pairwise-relu", {"spikes_weight": -1}, "spikes_weight"),
        ("pairwise-relu", {"window_size": 1}, "nothing"),
        ("pairwise-relu", {"n_pools": 0.5}, "n_pools"),
        ("pairwise-relu", {"input_rate": -1}, "input_rate"),
        ("pairwise-relu", {"seed": "a"}, "seed"),
        # without one, the result could not be remembered
        ("pairwise-relu", {"seed": None}, "seed"),
        ("no such", {}, "no circuit"),
    ],
)
def test_what_cannot_be_tuned(circuit, options, cause):
    with pytest.raises(ValidationError, match=cause):
        mpc.tune(circuit, progress_bar=False, **options)


# --- the value ------------------------------------------------------------------------


def test_other_setups_are_refused(tuned):
    for options, name in [
        ({"n_neurons": 2}, "n_neurons"),
        ({"neuron_type": nengo.LIF()}, "neuron_type"),
        ({"synapse": 0.003}, "synapse"),
    ]:
        with pytest.raises(ValidationError, match=f"{name} is .*, tuned for"):
            mpc.PairwiseReLU(WINDOWS, decoders=tuned, **{**NOISY, **options})
    with pytest.raises(ValidationError, match="circuit is '.*WinnerTakeAll'"):
        mpc.WinnerTakeAll(WINDOWS, decoders=tuned, **NOISY)


def test_rates_of_proportional_neurons_scale(tuned, run_circuit):
    x = np.random.RandomState(0).uniform(size=(1, WINDOWS.n_inputs))
    for max_rate in (100, 1000):
        options = {"decoders": tuned, "max_rate": max_rate, **NOISY}
        y = run_circuit("pairwise-relu", WINDOWS, x, steps=600, **options)
        error = y[0, 200:].mean(axis=0) - WINDOWS.max(x[0])
        assert np.sqrt(np.mean(error**2)) < 0.1


def test_decoders_that_are_none():
    with pytest.raises(ValidationError, match="TunedDecoders"):
        mpc.WinnerTakeAll(WINDOWS, decoders={"unit": 1})


def test_it_cannot_be_changed(tuned):
    with pytest.raises(dataclasses.FrozenInstanceError):
        tuned.parameters = {}
    with pytest.raises(ValueError):
        tuned.decoder_changes["comparator"][0, 0] = 1


def value(changes=((0.5, 1.5),), speed=2.0, circuit="their.Own", **report):
    """Make a small value."""
    setup = mpc.Setup(circuit, n_neurons=2, max_rate=250.0)
    return mpc.TunedDecoders(setup, {"unit": changes}, {"speed": speed}, report=report)


def test_compares_by_value():
    assert value() == value() and hash(value()) == hash(value())
    assert value() != value(speed=3) and value() != value(changes=[[0.5, 1]])
    assert value() != value(circuit="their.Other") and value() != "text"
    assert value() != value(seed=1)


def test_the_time_that_tuning_took_is_no_part_of_the_value():
    assert value(seconds=1, seed=0) == value(seconds=2, seed=0)


@pytest.mark.parametrize("changes", [[[np.nan]], [[np.inf]], [1.0], [[[1.0]]]])
def test_changes_must_be_matrices_of_finite_numbers(changes):
    with pytest.raises(ValidationError, match="matrix of finite"):
        value(changes)


@pytest.mark.parametrize(
    "change",
    [
        {"decoder_changes": {"comparator": [[1.0, 2.0]]}},
        {"decoder_changes": {"other": [[1.0]]}},
        {"tuning_curves": {"comparator": [[1.0, 0.5]]}},
    ],
)
def test_values_for_another_population_are_refused(tuned, change):
    changed = dataclasses.replace(tuned, **change)
    with pytest.raises(ValidationError, match="of 'comparator' have shape"):
        mpc.PairwiseReLU(WINDOWS, decoders=changed, **NOISY)


@pytest.mark.parametrize("speed", [0, -1, np.nan, np.inf, 1e300, 1e-300, 2**70, "1"])
def test_parameters_must_be_positive(speed):
    with pytest.raises(ValidationError, match="positive"):
        value(speed=speed)


# --- files ----------------------------------------------------------------------------

NUMBERS = st.floats(-1e9, 1e9)


@given(
    decoders=st.dictionaries(st.text("abc", min_size=1), st.lists(NUMBERS, min_size=1)),
    report=st.dictionaries(st.text(), st.none() | st.text() | st.integers() | NUMBERS),
    own=st.dictionaries(st.text(), NUMBERS),
    synapse=st.none() | st.text(),
    speed=st.floats(1e-9, 1e9),
)
@settings(deadline=None, max_examples=50)
def test_files_keep_everything(tmp_path_factory, decoders, report, own, synapse, speed):
    path = tmp_path_factory.mktemp("tuned") / "file.npz"
    decoders = {name: [numbers] for name, numbers in decoders.items()}
    setup = mpc.Setup("their.Own", 2, 250.0, synapse=synapse, own=tuple(own.items()))
    saved = mpc.TunedDecoders(
        setup, decoders, {"speed": speed}, tuning_curves=decoders, report=report
    )
    saved.save(path)
    assert mpc.TunedDecoders.load(path) == saved


def rewritten(path, **changes):
    """Write a file again with other entries."""
    with np.load(path) as file:
        entries = {**file}
    np.savez(path, **{k: v for k, v in {**entries, **changes}.items() if v is not None})


def header(path, **changes):
    """Header of a file with other entries."""
    with np.load(path) as file:
        return np.array(json.dumps({**json.loads(str(file["header"])), **changes}))


#: Name of the decoders in the archive.
UNIT = "decoder_changes.unit"

DAMAGES = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("decoders"),
    "pickled objects": lambda path: rewritten(
        path, **{UNIT: np.array([{}], dtype=object)}
    ),
    "another array file": lambda path: np.savez(path, weights=np.ones(3)),
    "an array": lambda path: path.write_bytes(array_file(path.parent)),
    "wrong shape": lambda path: rewritten(path, **{UNIT: np.ones(2)}),
    "other numbers": lambda path: rewritten(path, **{UNIT: np.array([[0.5, 1.25]])}),
    "NaN": lambda path: rewritten(path, **{UNIT: np.array([[0.5, np.nan]])}),
    "other setup": lambda path: rewritten(path, header=header(path, setup={})),
    "newer format": lambda path: rewritten(
        path, header=header(path, format=FORMAT + 1)
    ),
    "no header": lambda path: rewritten(path, header=None),
    "missing decoders": lambda path: rewritten(path, **{UNIT: None}),
    "an unknown array": lambda path: rewritten(path, own=np.ones((1, 1))),
    "a header that is no dictionary": lambda path: rewritten(
        path, header=np.array("3")
    ),
    "a deep header": lambda path: rewritten(path, header=np.array("[" * 100_000)),
    "a long header": lambda path: rewritten(path, header=np.array(" " * 2**21)),
    "LZMA": lambda path: repacked(path, compression=zipfile.ZIP_LZMA),
    "a bomb": lambda path: repacked(path, b"\0" * 2**29),
    "a bomb that lies": lambda path: repacked(path, bomb()),
    "an array that lies": lambda path: repacked(path, bomb()[:1000]),
    "an encrypted entry": lambda path: encrypted(path),
    **{
        f"numbers of type {name}": functools.partial(
            lambda path, name: rewritten(path, **{UNIT: np.ones((1, 2), name)}),
            name=name,
        )
        for name in ("complex", "float32", ">f8", "int", "bool", "U3", "M8[s]")
    },
    **{
        f"a format of {wrong}": functools.partial(
            lambda path, wrong: checked_npz.write(
                path, value()._header(), value()._arrays(), wrong
            ),
            wrong=wrong,
        )
        for wrong in (0, -5, True, 2.0, "2", None, [2], 10**40)
    },
    **{
        f"numbers of {wrong}": functools.partial(
            lambda path, wrong: checked_npz.write(
                path, value()._header(), {UNIT: [[wrong, 1]]}, FORMAT
            ),
            wrong=wrong,
        )
        for wrong in (1e300, -np.inf, np.nan)
    },
    **{
        f"{name} of {wrong!r:.9}": functools.partial(
            lambda path, name, wrong: checked_npz.write(
                path, {**value()._header(), name: wrong}, value()._arrays(), FORMAT
            ),
            name=name,
            wrong=wrong,
        )
        for name in ("setup", "parameters", "report", "path", "own")
        for wrong in (3, None, [1], "text", {"speed": "fast"}, {"speed": 1e300})
        if (name, wrong) != ("report", wrong) or not isinstance(wrong, dict)
    },
}


def repacked(path, content=None, compression=zipfile.ZIP_DEFLATED):
    """Write the archive again, with other bytes of the decoders."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    if content is not None:
        entries[f"{UNIT}.npy"] = content
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def encrypted(path):
    """Say of the first entry that it is encrypted."""
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)


def bomb():
    """Description of a large array, with few numbers."""
    file = io.BytesIO()
    description = {"descr": "<f8", "fortran_order": False, "shape": (2**14, 2**14)}
    np.lib.format.write_array_header_1_0(file, description)
    return file.getvalue() + bytes(1600)


def array_file(folder):
    """Bytes of a single array."""
    np.save(folder / "array.npy", np.ones(3))
    return (folder / "array.npy").read_bytes()


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_refused(tmp_path, damage):
    path = tmp_path / "own.npz"
    value().save(path)
    DAMAGES[damage](path)
    with pytest.raises(ValidationError, match="own.npz: cannot be read") as caught:
        mpc.TunedDecoders.load(path)
    assert len(str(caught.value)) < 1000
    if damage == "newer format":
        assert f"format is {FORMAT + 1}" in str(caught.value)


@pytest.mark.parametrize(
    "options, change, cause",
    [
        # another circuit's, another setup's, and of a population of another size
        ({}, {"setup": mpc.Setup("their.Own", 1, 250)}, "circuit is '.*PairwiseReLU'"),
        ({"n_neurons": 2}, {}, "n_neurons is 2, tuned for 1"),
        ({"synapse": 0.003}, {}, "synapse is '.*Lowpass.*', tuned for its default"),
        ({}, {"decoder_changes": {"comparator": [[1.0, 2.0]]}}, "shape"),
        ({}, {"parameters": {"speed": 1}}, "tunable parameters differ"),
    ],
)
def test_files_of_another_setup_are_refused(tuned, tmp_path, options, change, cause):
    path = tmp_path / "other.npz"
    dataclasses.replace(tuned, **change).save(path)
    other = mpc.TunedDecoders.load(path)
    with pytest.raises(ValidationError, match=f"other.npz: .*{cause}"):
        mpc.PairwiseReLU(WINDOWS, decoders=other, **{**NOISY, **options})


def test_every_flipped_byte_is_noticed_or_harmless(tmp_path):
    path = tmp_path / "own.npz"
    value().save(path)
    content = path.read_bytes()
    for i in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[i] ^= 0xFF
        path.write_bytes(damaged)
        try:
            # some bytes of the archive, such as dates, mean nothing
            assert mpc.TunedDecoders.load(path) == value()
        except ValidationError as error:
            assert "own.npz" in str(error)


def assert_damage_is_noticed_or_harmless(path, content):
    """A damaged file is refused with its name, or means the same."""
    path.write_bytes(content)
    try:
        assert mpc.TunedDecoders.load(path) == value()
    except ValidationError as error:
        assert path.name in str(error)


def damaged(content, rng):
    """Content with a few flipped bits, or bytes that are other, missing or added."""
    damaged = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        if not damaged:
            break
        i = rng.randrange(len(damaged))
        kind = rng.choice(("bit", "byte", "cut", "end", "insert", "copy"))
        if kind == "bit":
            damaged[i] ^= 1 << rng.randrange(8)
        elif kind == "byte":
            damaged[i] = rng.choice((0, 255, rng.randrange(256)))
        elif kind == "cut":
            del damaged[i : i + rng.randrange(1, 9)]
        elif kind == "end":
            del damaged[i + 1 :]
        elif kind == "insert":
            damaged[i:i] = rng.randbytes(rng.randrange(1, 9))
        else:
            damaged[i : i + 8] = damaged[rng.randrange(len(damaged)) :][:8]
    return bytes(damaged)


@given(rng=st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_random_damage_is_noticed_or_harmless(tmp_path_factory, rng):
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    value().save(path)
    assert_damage_is_noticed_or_harmless(path, damaged(path.read_bytes(), rng))


@pytest.mark.slow
def test_ten_thousand_damaged_files(tmp_path):
    path = tmp_path / "damaged.npz"
    value().save(path)
    content = path.read_bytes()
    rng = random.Random(0)
    for i in range(10_000):
        # every single bit of the file first
        if i < 8 * len(content):
            bits = bytearray(content)
            bits[i // 8] ^= 1 << i % 8
            assert_damage_is_noticed_or_harmless(path, bits)
        else:
            assert_damage_is_noticed_or_harmless(path, damaged(content, rng))


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.npz"
    value().save(path)
    repacked(path, bytes(2**27))
    tracemalloc.start()
    try:
        with pytest.raises(ValidationError, match="bomb.npz"):
            mpc.TunedDecoders.load(path)
        assert tracemalloc.get_traced_memory()[1] < 2e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "field, wrong",
    [
        (field, wrong)
        for field in ("decoder_changes", "parameters", "tuning_curves", "report")
        for wrong in (3, None, [1], "text", {3: 4}, b"x")
    ]
    + [
        ("decoder_changes", {"unit": x})
        for x in (1e300, [["1"]], [[1j]], [[1], [2, 3]])
    ]
    + [("setup", {}), ("path", 3), ("report", {"a": {1, 2}})],
    ids=str,
)
def test_values_of_other_types_are_refused(field, wrong):
    with pytest.raises(ValidationError, match=field.replace("_", "[_ ]")):
        dataclasses.replace(value(), **{field: wrong})


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        mpc.TunedDecoders.load(tmp_path / "none.npz")
