"""Tuned decoders: the value, its file, what ships, and setups that none ship for."""

import copy
import dataclasses
import json
import pickle
import sys
import warnings
from pathlib import Path

import joblib
import nengo
import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.network import decoders
from maxpool_circuits.network.decoders import FOLDER, FORMAT, INDEX
from maxpool_circuits.network.populations import PopulationArray, rectifier
from maxpool_circuits.network.setup import describe

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
if not BENCHMARKS.exists():
    pytest.skip("the source archive has no benchmarks", allow_module_level=True)
sys.path.insert(0, str(BENCHMARKS))
from presets import file_name, gains_nothing, presets, write  # noqa: E402

WINDOWS = mpc.PoolWindows.independent(n_pools=3, window_size=4)
NO_CONTAINER = {"add_to_container": False}
LIF = {"neuron_type": nengo.LIF()}
RECTIFIER = {"neuron_type": nengo.SpikingRectifiedLinear()}
#: A setup that nothing ships for.
UNUSUAL = {"neuron_type": nengo.SpikingRectifiedLinear(), "synapse": 0.003}


def made(circuit, options):
    """The circuit of a preset."""
    windows = mpc.PoolWindows.independent(2, options.get("window_size", 9))
    options = {k: v for k, v in options.items() if k != "window_size"}
    return mpc.make(circuit, windows, **NO_CONTAINER, **options)


ENTRIES = json.loads((FOLDER / INDEX).read_text())
SHIPPED = [entry["file"] for entry in ENTRIES if entry["file"]]
PRESETS = list(presets())


# --- the value ------------------------------------------------------------------------


def value(changes=((0.5, 1.5),), speed=2.0, circuit="their.Own", **report):
    """Make a small value."""
    setup = mpc.Setup(circuit, n_neurons=2, max_rate=250.0)
    return mpc.TunedDecoders(setup, {"unit": changes}, {"speed": speed}, report=report)


def test_compares_by_value():
    assert value() == value() and hash(value()) == hash(value())
    assert value() != value(speed=3) and value() != value(changes=[[0.5, 1]])
    assert value() != value(circuit="their.Other") and value() != "text"
    assert value() != value(seed=1)
    # the time that tuning took is no part of the value
    assert value(seconds=1, seed=0) == value(seconds=2, seed=0)


def test_it_cannot_be_changed():
    tuned = mpc.PairwiseReLU(WINDOWS, **LIF, **NO_CONTAINER).decoders
    with pytest.raises(dataclasses.FrozenInstanceError):
        tuned.parameters = {}
    with pytest.raises(ValueError):
        tuned.decoder_changes["comparator"][0, 0] = 1
    with pytest.raises(TypeError):
        tuned.parameters["synapse"] = 1
    # nor what is inside of it: all networks share one value
    with pytest.raises(TypeError):
        tuned.report["errors"]["test"] = {}
    with pytest.raises(TypeError):
        tuned.report["window_sizes"][0] = 1


def test_copies_are_equal():
    tuned = value(errors={"test": [1, 2]})
    for again in (copy.deepcopy(tuned), pickle.loads(pickle.dumps(tuned))):
        assert again == tuned and again.report == tuned.report


@pytest.mark.parametrize(
    "field, wrong",
    [
        ("setup", {}),
        ("decoder_changes", {"unit": [1.0]}),
        ("decoder_changes", {"unit": np.ma.array([[1.0]], mask=True)}),
        ("tuning_curves", {"unit": "text"}),
        ("parameters", {"speed": np.inf}),
        ("report", {"a": {1, 2}}),
    ],
    ids=str,
)
def test_other_values_are_refused(field, wrong):
    with pytest.raises(ValidationError, match=field):
        dataclasses.replace(value(), **{field: wrong})


def test_circuit_of_a_setup_must_be_a_name():
    with pytest.raises(ValidationError, match="circuit: must be the module and.*got 5"):
        mpc.Setup(5, 5, 5)


# --- files ----------------------------------------------------------------------------

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(
    changes=st.dictionaries(st.text("abc", min_size=1), st.lists(NUMBERS, min_size=1)),
    report=st.dictionaries(st.text(), st.none() | st.text() | st.integers() | NUMBERS),
    own=st.dictionaries(st.text(), NUMBERS),
    synapse=st.none() | st.text(),
    speed=st.floats(1e-9, 1e9),
)
@settings(deadline=None, max_examples=50)
def test_files_keep_everything(tmp_path_factory, changes, report, own, synapse, speed):
    path = tmp_path_factory.mktemp("tuned") / "file.npz"
    changes = {name: [numbers] for name, numbers in changes.items()}
    setup = mpc.Setup("their.Own", 2, 250.0, synapse=synapse, own=tuple(own.items()))
    saved = mpc.TunedDecoders(
        setup, changes, {"speed": speed}, tuning_curves=changes, report=report
    )
    saved.save(path)
    assert mpc.TunedDecoders.load(path) == saved


def rewritten(path, **changes):
    """Write a file again with other entries."""
    with np.load(path) as file:
        entries = {**file, **changes}
    np.savez(path, **{k: v for k, v in entries.items() if v is not None})


def header(path, **changes):
    """Header of a file with other entries."""
    with np.load(path) as file:
        return np.array(json.dumps({**json.loads(str(file["header"])), **changes}))


#: Name of the decoders in the archive.
UNIT = "decoder_changes.unit"
DAMAGES = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "lacks its middle": lambda path: path.write_bytes(
        path.read_bytes()[:50] + path.read_bytes()[150:]
    ),
    "text": lambda path: path.write_text("decoders"),
    "pickled objects": lambda path: rewritten(
        path, **{UNIT: np.array([{}], dtype=object)}
    ),
    "other numbers": lambda path: rewritten(path, **{UNIT: np.array([[0.5, 1.25]])}),
    "missing decoders": lambda path: rewritten(path, **{UNIT: None}),
    "another setup": lambda path: rewritten(path, header=header(path, setup={})),
    "another format": lambda path: rewritten(
        path, header=header(path, format=FORMAT + 1)
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_refused(tmp_path, damage):
    path = tmp_path / "own.npz"
    value().save(path)
    DAMAGES[damage](path)
    with pytest.raises(ValidationError, match="own.npz: cannot be .* make it again"):
        mpc.TunedDecoders.load(path)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        mpc.TunedDecoders.load(tmp_path / "none.npz")


# --- what circuits make of them -------------------------------------------------------


@pytest.fixture(scope="module")
def tuned():
    """Decoders of a tree of ordinary spiking rectifiers."""
    return mpc.PairwiseReLU(WINDOWS, **RECTIFIER, **NO_CONTAINER).decoders


@pytest.mark.parametrize(
    "options, change, cause",
    [
        ({"n_neurons": 2}, {}, "n_neurons is 2, tuned for 1"),
        ({"synapse": 0.003}, {}, "synapse is '.*Lowpass.*', tuned for its default"),
        ({}, {"decoder_changes": {"comparator": [[1.0, 2.0]]}}, "comparator.* shape"),
        ({}, {"decoder_changes": {"other": [[1.0]]}}, "comparator.* shape"),
        ({}, {"tuning_curves": {"comparator": [[1.0, 0.5]]}}, "comparator.* shape"),
        ({}, {"parameters": {"speed": 1}}, "tunable parameters differ"),
    ],
)
def test_files_of_another_setup_are_refused(tuned, tmp_path, options, change, cause):
    path = tmp_path / "other.npz"
    dataclasses.replace(tuned, **change).save(path)
    other = mpc.TunedDecoders.load(path)
    with pytest.raises(ValidationError, match=cause):
        mpc.PairwiseReLU(WINDOWS, decoders=other, **{**RECTIFIER, **options})


@pytest.mark.parametrize("given", [{"unit": 1}, "default"])
def test_what_are_not_decoders_is_refused(given):
    with pytest.raises(ValidationError, match="TunedDecoders"):
        mpc.WinnerTakeAll(WINDOWS, decoders=given)


def test_values_scale_with_the_input_range(tuned, run_circuit):
    x = np.random.RandomState(0).uniform(size=(1, WINDOWS.n_inputs))
    options = {"decoders": tuned, "seed": 0, "steps": 200, **RECTIFIER}
    y = run_circuit("pairwise-relu", WINDOWS, x, **options)
    scaled = run_circuit("pairwise-relu", WINDOWS, 4 * x, input_range=(0, 4), **options)
    np.testing.assert_allclose(scaled, 4 * y, atol=1e-6)


def test_rates_of_proportional_neurons_scale(tuned, run_circuit):
    x = np.random.RandomState(0).uniform(size=(1, WINDOWS.n_inputs))
    for max_rate in (100, 1000):
        options = {"decoders": tuned, "max_rate": max_rate, **RECTIFIER}
        y = run_circuit("pairwise-relu", WINDOWS, x, steps=600, **options)
        error = y[0, 200:].mean(axis=0) - WINDOWS.max(x[0])
        assert np.sqrt(np.mean(error**2)) < 0.1


def test_a_tuned_strength_of_inhibition_is_used():
    untuned = mpc.WinnerTakeAll(WINDOWS, decoders=None, **RECTIFIER, **NO_CONTAINER)
    parameters = {tunable.name: tunable.default for tunable in untuned.free_tunables}
    weights = {}
    for strength in (1.0, 0.9):
        tuned = mpc.TunedDecoders(
            untuned.setup, {"unit": [[0.0]]}, {**parameters, "inhibition": strength}
        )
        pool = mpc.WinnerTakeAll(WINDOWS, decoders=tuned, **RECTIFIER, **NO_CONTAINER)
        (inhibition,) = (
            connection.transform.sample().toarray()
            for connection in pool.all_connections
            if connection.pre_obj is connection.post_obj
        )
        weights[strength] = inhibition
    assert weights[1.0].min() < 0
    np.testing.assert_allclose(weights[0.9], 0.9 * weights[1.0])


# --- what ships -----------------------------------------------------------------------


def test_the_index_has_each_file():
    assert len(ENTRIES) == len(PRESETS)
    files = {path.name for path in FOLDER.iterdir()}
    assert files == {*SHIPPED, INDEX} and len(set(SHIPPED)) == len(SHIPPED)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1e6


@pytest.mark.parametrize(
    "entry, preset", list(zip(ENTRIES, PRESETS)), ids=map(str, PRESETS)
)
def test_each_preset_gets_its_file_or_no_warning(entry, preset):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network = made(*preset)
    assert network.setup == mpc.Setup(**entry["setup"])
    tuned = network.decoders
    if entry["file"] is None:
        assert tuned is None
        return
    assert entry["file"] == file_name(network.setup)
    assert mpc.TunedDecoders.load(FOLDER / entry["file"]) == tuned
    assert not gains_nothing(tuned)
    ratios = {
        name: after / before
        for name, (before, after, *_) in tuned.report["errors"]["test"].items()
        if "spikes" in name
    }
    # on inputs that nothing was chosen on; some have no more than 40 readings
    assert np.mean(np.log(list(ratios.values()))) < 0.01, ratios
    assert max(ratios.values()) < 1.15, ratios


def nearest_rate(**options):
    """Rate, in Hz, of the file that a tree gets its decoders from; None without one."""
    network = mpc.PairwiseReLU(WINDOWS, **NO_CONTAINER, **options)
    return network.decoders and network.decoders.setup.max_rate


def test_rates_without_a_file_get_the_nearest_that_serves():
    for max_rate, nearest in [(30, 100), (150, 100), (170, 250), (5000, 1000)]:
        assert nearest_rate(max_rate=max_rate, **RECTIFIER) == nearest
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        few = {**LIF, "n_neurons": 5}
        for max_rate, nearest in [(50, None), (70, 100), (130, 100), (400, None)]:
            assert nearest_rate(max_rate=max_rate, **few) == nearest
        assert nearest_rate(max_rate=150, **LIF) == 250


def test_decoders_for_other_rates_are_refused():
    tuned = mpc.PairwiseReLU(WINDOWS, **NO_CONTAINER, **LIF).decoders
    with pytest.raises(ValidationError, match="max_rate is .*, tuned for 250"):
        mpc.PairwiseReLU(WINDOWS, max_rate=100, decoders=tuned, **LIF)


@pytest.fixture
def own_folder(monkeypatch, tmp_path):
    """An empty folder in place of what ships."""
    monkeypatch.setattr(decoders, "FOLDER", tmp_path)
    decoders._index.cache_clear()
    decoders._load.cache_clear()
    yield tmp_path
    decoders._index.cache_clear()
    decoders._load.cache_clear()


def test_formulas_hold_for_the_rates_that_they_are_nearest_to(tuned, own_folder):
    other = dataclasses.replace(tuned.setup, max_rate=10 * tuned.setup.max_rate)
    nothing = {"errors": {"test": {"constant": [0.5, 0.5, 1, 1]}}}
    formulas = dataclasses.replace(tuned, setup=other, report=nothing)
    write([tuned, formulas], own_folder)
    assert len(list(own_folder.iterdir())) == 2
    for rate, found in ((250, tuned), (3000, None)):
        options = {**RECTIFIER, **NO_CONTAINER, "max_rate": rate}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert mpc.PairwiseReLU(WINDOWS, **options).decoders == found


def test_a_shipped_file_is_checked_as_a_given_one(tuned, own_folder):
    write([tuned], own_folder)
    (path,) = own_folder.glob("*.npz")
    dataclasses.replace(tuned, setup=mpc.Setup("their.Own", 1, 250)).save(path)
    with pytest.raises(ValidationError, match="tuned for another setup"):
        mpc.PairwiseReLU(WINDOWS, **RECTIFIER, **NO_CONTAINER)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED[::7])
def test_samples_regenerate(name):
    """Tuning finds as good values as those that ship.

    On the machine that made these it finds the same. On others sums are rounded in
    another way, which many steps of a search amplify.
    """
    files = [entry["file"] for entry in ENTRIES]
    circuit, options = PRESETS[files.index(name)]
    again = mpc.tune(circuit, progress_bar=False, **options)
    shipped = mpc.TunedDecoders.load(FOLDER / name)
    assert again.setup == shipped.setup
    for trial, measured in shipped.report["errors"].items():
        ratios = [
            again.report["errors"][trial][name][1] / after
            for name, (_, after, *_) in measured.items()
        ]
        assert np.mean(np.abs(np.log(ratios))) < 0.2, (trial, ratios)


# --- identity -------------------------------------------------------------------------


class WinnerTakeAll(mpc.WinnerTakeAll):
    """A user's class of a shipped name, with another circuit inside."""


class LIFOfAUser(nengo.LIF):
    """A user's neuron type, to be called LIF."""


LIFOfAUser.__name__ = LIFOfAUser.__qualname__ = "LIF"


@pytest.mark.parametrize(
    "circuit, neuron_type",
    [(WinnerTakeAll, nengo.LIF()), (mpc.WinnerTakeAll, LIFOfAUser())],
)
def test_a_users_class_of_the_same_name_gets_no_shipped_decoders(circuit, neuron_type):
    assert mpc.WinnerTakeAll(WINDOWS, **LIF, **NO_CONTAINER).decoders is not None
    with pytest.warns(UserWarning, match="no tuned decoders"):
        network = circuit(WINDOWS, neuron_type=neuron_type, **NO_CONTAINER)
    assert network.decoders is None


def test_a_rate_of_inputs_that_changes_nothing_is_no_part_of_the_setup():
    usual, same, other = (
        mpc.PairwiseReLU(WINDOWS, max_rate=100, input_rate=rate, **NO_CONTAINER).setup
        for rate in (250, 100, 50)
    )
    assert usual == same and not usual.matches(other)


def test_what_no_tuning_depends_on_is_no_part_of_the_setup():
    start = {"voltage": nengo.dists.Choice([0.5])}
    setups = {
        mpc.PairwiseReLU(WINDOWS, **NO_CONTAINER, **LIF, **other).setup
        for other in ({}, {"seed": 3, "label": "x"}, {"input_range": (-1, 2)})
    }
    options = {"neuron_type": nengo.LIF(initial_state=start), **NO_CONTAINER}
    windows = mpc.PoolWindows.independent(n_pools=7, window_size=9)
    setups.add(mpc.PairwiseReLU(windows, **options).setup)
    assert len(setups) == 1
    assert mpc.PairwiseReLU(windows, **options).decoders is not None


@pytest.mark.parametrize(
    "options",
    [
        {"neuron_type": nengo.LIF(tau_rc=0.05)},
        {"neuron_type": nengo.AdaptiveLIF()},
        {"neuron_type": nengo.PoissonSpiking(nengo.LIFRate(tau_ref=0.001))},
        {"synapse": None, **LIF},
        {"synapse": nengo.Alpha(0.005), **LIF},
        {"input_synapse": 0.002, **LIF},
        {"n_neurons": 7, **LIF},
    ],
    ids=str,
)
def test_all_that_tuning_depends_on_is_a_part_of_the_setup(options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        usual, other = (
            mpc.PairwiseReLU(WINDOWS, **NO_CONTAINER, **each).setup
            for each in (LIF, options)
        )
    assert not usual.matches(other)


@pytest.mark.parametrize(
    "value, text",
    [
        (None, "None"),
        (nengo.LIF(), "nengo.neurons.LIF()"),
        (nengo.Lowpass(0.005), "nengo.synapses.Lowpass(tau=0.005)"),
        (
            nengo.RegularSpiking(nengo.LIFRate(tau_rc=0.1)),
            "nengo.neurons.RegularSpiking(base_type=nengo.neurons.LIFRate(tau_rc=0.1))",
        ),
        (nengo.LIF(tau_rc=np.float64(1)), "nengo.neurons.LIF(tau_rc=1)"),
        (
            mpc.IntegrateAndFire(min_voltage=-np.inf),
            "maxpool_circuits.network.neurons.IntegrateAndFire("
            "min_voltage=float('-inf'))",
        ),
        (
            mpc.IntegrateAndFire(min_voltage=-2, initial_state={"voltage": [0]}),
            "maxpool_circuits.network.neurons.IntegrateAndFire(min_voltage=-2)",
        ),
    ],
    ids=str,
)
def test_described_objects_come_back(value, text):
    assert describe(value) == text
    again = eval(text, {"nengo": nengo, "maxpool_circuits": mpc})
    assert describe(again) == text


# --- where nothing ships --------------------------------------------------------------


def test_one_warning_names_the_setup():
    with pytest.warns(UserWarning) as caught:
        warnings.simplefilter("default")
        network = mpc.PairwiseReLU(WINDOWS, **NO_CONTAINER, **UNUSUAL)
        mpc.PairwiseReLU(WINDOWS, input_range=(-1, 1), **NO_CONTAINER, **UNUSUAL)
    assert network.decoders is None
    (warning,) = caught
    assert str(network.setup) in str(warning.message)


@pytest.mark.parametrize(
    "circuit, options",
    [
        ("pairwise-relu", UNUSUAL),
        ("winner-take-all", {"neuron_type": nengo.LIF(tau_rc=0.01)}),
        ("pairwise-relu", {"neuron_type": nengo.LIF(), "input_rate": 60}),
        ("softmax", {"beta": 15, "input_synapse": nengo.Alpha(0.004)}),
        ("ensemble", {"n_neurons": 30, "neuron_type": nengo.LIF(tau_rc=0.03)}),
    ],
    ids=str,
)
def test_the_line_of_the_warning_tunes_the_setup(circuit, options, monkeypatch):
    calls = []
    monkeypatch.setattr(
        mpc, "tune", lambda *args, **kwargs: calls.append((args, kwargs)), raising=False
    )
    with pytest.warns(UserWarning) as caught:
        network = mpc.make(circuit, WINDOWS, **NO_CONTAINER, **options)
    (line,) = (line for line in str(caught[0].message).splitlines() if "import" in line)
    exec(line.strip(), {})
    (((made_by,), arguments),) = calls
    window_size = arguments.pop("window_size", 4)
    windows = mpc.PoolWindows.independent(n_pools=1, window_size=window_size)
    again = made_by(windows, decoders=None, **NO_CONTAINER, **arguments)
    assert type(again) is type(network) and again.setup == network.setup


def test_no_decoders_need_no_warning():
    rates = {"neuron_type": nengo.RectifiedLinear()}
    single = mpc.PoolWindows.independent(n_pools=2, window_size=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for circuit, windows, options in [
            ("pairwise-relu", WINDOWS, {"decoders": None, **UNUSUAL}),
            ("pairwise-relu", WINDOWS, {}),
            ("winner-take-all", WINDOWS, {"input_synapse": 0.003}),
            ("exact", WINDOWS, {"decoders": "tuned"}),
            ("absolute-value", WINDOWS, {}),
            ("pairwise-relu", WINDOWS, rates),
            ("ensemble", WINDOWS, {"neuron_type": nengo.LIFRate()}),
            ("pairwise-relu", single, UNUSUAL),
        ]:
            assert (
                mpc.make(circuit, windows, **NO_CONTAINER, **options).decoders is None
            )


@pytest.mark.parametrize("circuit", [c for c in mpc.circuits() if c != "exact"])
def test_building_never_searches(circuit, monkeypatch):
    def forbidden(*_, **__):
        raise AssertionError("a constructor must not simulate or optimise")

    for module, name in (
        (nengo, "Simulator"),
        (scipy.optimize, "minimize"),
        (joblib, "Parallel"),
    ):
        monkeypatch.setattr(module, name, forbidden)
    types = [nengo.LIF(tau_rc=0.07), nengo.AdaptiveLIF(tau_n=0.5)]
    if circuit == "shared-reset":
        types = [mpc.SharedReset(WINDOWS.sizes)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for neuron_type in types:
            mpc.make(
                circuit,
                WINDOWS,
                decoders="tuned",
                neuron_type=neuron_type,
                **NO_CONTAINER,
            )


# --- circuits of other people ---------------------------------------------------------


class Direct(mpc.MaxPoolNetwork):
    """A circuit that makes its neurons without ``self.replicate``."""

    def build_circuit(self):
        """One rectifier per pool."""
        neuron = rectifier(self.neuron_type, 1, self.max_rate, self.half_range)
        PopulationArray(neuron, len(self.pools))


def test_decoders_that_cannot_reach_the_neurons_are_refused():
    Direct(WINDOWS, **NO_CONTAINER)
    with pytest.raises(ValidationError, match=r"self\.replicate"):
        Direct(WINDOWS, decoders="tuned", **NO_CONTAINER)


class OwnTunables(mpc.PairwiseReLU):
    """A circuit that does not list the tunables of its base class."""

    tunables = (mpc.Tunable("gain", 1, 0.5, 2),)
    default_decoders = None


def test_tunables_that_are_not_listed_have_their_default():
    usual = mpc.PairwiseReLU(WINDOWS, decoders=None, **NO_CONTAINER)
    own = OwnTunables(WINDOWS, **NO_CONTAINER)
    assert [tunable.name for tunable in own.free_tunables] == ["gain"]
    assert own.neuron_type == usual.neuron_type
    assert own.input_synapse == usual.input_synapse


@pytest.mark.parametrize(
    "values",
    [("x", 1, 2, 3), ("x", 1, 0, 3), ("x", 5, 1, 3), ("x", "1", 1, 1)],
)
def test_tunables_that_make_no_sense_are_refused(values):
    with pytest.raises(ValidationError):
        mpc.Tunable(*values)
