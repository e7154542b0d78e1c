"""Decoders that ship with the package, and setups that none ship for."""

import dataclasses
import os
import subprocess
import sys
import warnings

import joblib
import nengo
import numpy as np
import pytest
import scipy.optimize
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.network import shelf
from maxpool_circuits.network.populations import PopulationArray, rectifier
from maxpool_circuits.tuning.presets import (
    gains_nothing,
    make_preset,
    path_of,
    presets,
)
from maxpool_circuits.tuning.search import Search
from maxpool_circuits.utils.describe import describe

WINDOWS = mpc.PoolWindows.independent(n_pools=3, window_size=4)
NO_CONTAINER = {"add_to_container": False}
LIF = {"neuron_type": nengo.LIF()}
RECTIFIER = {"neuron_type": nengo.SpikingRectifiedLinear()}
#: A setup that nothing ships for.
UNUSUAL = {"neuron_type": nengo.SpikingRectifiedLinear(), "synapse": 0.003}

SHIPPED = shelf.FOLDER
#: Names of the files that would change nothing.
FORMULAS = (SHIPPED / shelf.FORMULAS).read_text().splitlines()
#: Presets with a file, and those without.
PRESETS = [each for each in presets() if path_of(*each).name not in FORMULAS]
BY_FORMULA = [each for each in presets() if path_of(*each).name in FORMULAS]
IDS = [path_of(*preset).stem for preset in PRESETS]


@pytest.fixture
def unwarned(monkeypatch):
    """No warning was given yet."""
    monkeypatch.setattr(shelf, "_warned", set())


# --- what ships -----------------------------------------------------------------------


def test_there_is_a_file_for_each_preset_and_no_other():
    assert sorted(IDS) == sorted(path.stem for path in SHIPPED.glob("*.npz"))
    assert sorted(path_of(*each).name for each in BY_FORMULA) == FORMULAS
    assert {path.suffix for path in SHIPPED.iterdir()} == {".npz", ".txt"}


def test_no_file_changes_nothing():
    shipped = [mpc.TunedDecoders.load(path) for path in SHIPPED.glob("*.npz")]
    assert not [tuned.setup for tuned in shipped if gains_nothing(tuned)]


def test_where_tuning_gains_nothing_there_is_no_warning(unwarned):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for circuit, options, window_size in BY_FORMULA:
            windows = mpc.PoolWindows.independent(2, window_size or 9)
            options = {**NO_CONTAINER, **options}
            assert mpc.make(circuit, windows, **options).decoders is None


def test_formulas_hold_for_the_rates_that_they_are_nearest_to(own_shelf):
    (circuit, options, _), *_ = [each for each in PRESETS if "pairwise-relu" in each]
    setup = mpc.make(circuit, WINDOWS, **options, **NO_CONTAINER, decoders=None).setup
    assert setup.any_rate
    decoders = mpc.TunedDecoders.load(SHIPPED / setup.file_name)
    decoders.save(own_shelf / setup.file_name)
    other = dataclasses.replace(setup, max_rate=10 * setup.max_rate)
    (own_shelf / shelf.FORMULAS).write_text(other.file_name)
    assert shelf.find(setup) == decoders
    assert shelf.find(other) is None


def test_files_are_small():
    assert sum(path.stat().st_size for path in shelf.FOLDER.iterdir()) < 1e6


@pytest.mark.parametrize("preset", PRESETS, ids=IDS)
def test_each_file_serves_its_setup(preset):
    circuit, options, window_size = preset
    windows = mpc.PoolWindows.independent(n_pools=2, window_size=window_size or 9)
    network = mpc.make(circuit, windows, **NO_CONTAINER, **options)
    tuned = mpc.TunedDecoders.load(path_of(*preset))
    assert network.decoders == tuned
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
    for max_rate in (100, 400):
        options = {"max_rate": max_rate, "decoders": tuned, **NO_CONTAINER, **LIF}
        with pytest.raises(ValidationError, match="max_rate is .*, tuned for 250"):
            mpc.PairwiseReLU(WINDOWS, **options)


def test_a_shipped_file_is_checked_as_a_given_one(monkeypatch, tmp_path, unwarned):
    # a valid file of another circuit, under the name that is looked for
    options = {**RECTIFIER, "max_rate": 100, **NO_CONTAINER}
    setup = mpc.PairwiseReLU(WINDOWS, **options).setup
    other = mpc.WinnerTakeAll(WINDOWS, **options).decoders
    other.save(tmp_path / setup.file_name)
    monkeypatch.setattr(shelf, "FOLDER", tmp_path)
    with pytest.warns(UserWarning, match="no tuned decoders ship for PairwiseReLU"):
        assert mpc.PairwiseReLU(WINDOWS, **options).decoders is None


@pytest.fixture
def own_shelf(monkeypatch, tmp_path, unwarned):
    """An empty folder in place of what ships."""
    monkeypatch.setattr(shelf, "FOLDER", tmp_path)
    shelf.load.cache_clear()
    yield tmp_path
    shelf.load.cache_clear()


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-50]),
        lambda path: path.write_bytes(b""),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), path.symlink_to(path)),
    ],
    ids=["cut off", "empty", "a folder", "a link to itself"],
)
def test_a_damaged_shipped_file_is_one_warning(own_shelf, damage):
    decoders = mpc.TunedDecoders.load(SHIPPED / path_of(*PRESETS[0]).name)
    circuit, options, window_size = PRESETS[0]
    windows = mpc.PoolWindows.independent(n_pools=2, window_size=window_size or 9)
    path = own_shelf / decoders.setup.file_name
    decoders.save(path)
    damage(path)
    with pytest.warns(UserWarning) as caught:
        for _ in range(2):
            network = mpc.make(circuit, windows, **NO_CONTAINER, **options)
            assert network.decoders is None
    (warning,) = caught
    assert path.name in str(warning.message)


@pytest.mark.parametrize(
    "changes",
    [
        {"decoder_changes": {"comparator": np.zeros((2, 3))}},
        {"decoder_changes": {}},
        {"tuning_curves": {"comparator": np.zeros((1, 2))}},
        {"parameters": {}},
    ],
    ids=["shape", "no decoders", "tuning curves", "no parameters"],
)
def test_a_readable_shipped_file_that_does_not_fit_is_one_warning(own_shelf, changes):
    decoders = mpc.TunedDecoders.load(SHIPPED / path_of(*PRESETS[0]).name)
    circuit, options, _ = PRESETS[0]
    assert circuit == "pairwise-relu"
    path = own_shelf / decoders.setup.file_name
    dataclasses.replace(decoders, **changes).save(path)
    with pytest.warns(UserWarning) as caught:
        for _ in range(2):
            network = mpc.make(circuit, WINDOWS, **NO_CONTAINER, **options)
            assert network.decoders is None
    (warning,) = caught
    assert path.name in str(warning.message)
    # given as an argument, it is refused
    with pytest.raises(ValidationError):
        given = mpc.TunedDecoders.load(path)
        mpc.make(circuit, WINDOWS, decoders=given, **NO_CONTAINER, **options)


def test_foreign_files_among_those_that_ship_are_skipped(own_shelf):
    options = {**LIF, **NO_CONTAINER}
    setup = mpc.PairwiseReLU(WINDOWS, decoders=None, **options).setup
    for end in ("fastHz.npz", "-5Hz.npz", "0x1Hz.npz", "250Hz.npz.bak", "Hz.npz"):
        (own_shelf / f"{setup.stem}-{end}").write_text("foreign")
    with pytest.warns(UserWarning, match="no tuned decoders ship"):
        assert mpc.PairwiseReLU(WINDOWS, **options).decoders is None


def test_without_the_shipped_folder_circuits_are_built(own_shelf, monkeypatch):
    monkeypatch.setattr(shelf, "FOLDER", own_shelf / "missing")
    with pytest.warns(UserWarning, match="no tuned decoders ship"):
        assert mpc.PairwiseReLU(WINDOWS, **LIF, **NO_CONTAINER).decoders is None


NO_HOME = """
import maxpool_circuits as mpc
import nengo
windows = mpc.PoolWindows.independent(n_pools=3, window_size=4)
options = {"neuron_type": nengo.LIF(), "add_to_container": False}
assert mpc.PairwiseReLU(windows, **options).decoders is not None
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows needs its environment")
def test_without_a_home_circuits_are_built():
    keep = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")
    environment = {name: os.environ[name] for name in keep if name in os.environ}
    run = subprocess.run(
        [sys.executable, "-c", NO_HOME],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "Warning" not in run.stderr


def assert_regenerates(preset, n_jobs):
    """Tuning finds as good values as those that ship.

    On the machine that made these it finds the same. On others sums are rounded in
    another way, which many steps of a search amplify.
    """
    again = make_preset(*preset, n_jobs=n_jobs)
    shipped = mpc.TunedDecoders.load(path_of(*preset))
    assert again.setup == shipped.setup
    for draw, measured in shipped.report["errors"].items():
        ratios = [
            again.report["errors"][draw][name][1] / after
            for name, (_, after, *_) in measured.items()
        ]
        assert np.mean(np.abs(np.log(ratios))) < 0.2, (draw, ratios)


def test_a_sample_regenerates():
    assert_regenerates(("ensemble", {"max_rate": 250, "n_neurons": 50}, 5), n_jobs=1)


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS[::7], ids=IDS[::7])
def test_more_samples_regenerate(preset):
    assert_regenerates(preset, n_jobs=2)


# --- identity -------------------------------------------------------------------------


class WinnerTakeAll(mpc.WinnerTakeAll):
    """A user's class of a shipped name, with another circuit inside."""


class LIFOfAUser(nengo.LIF):
    """A user's neuron type, to be called LIF."""


LIFOfAUser.__name__ = LIFOfAUser.__qualname__ = "LIF"


def test_a_users_class_of_the_same_name_gets_no_shipped_decoders(unwarned):
    options = {**LIF, **NO_CONTAINER}
    assert mpc.WinnerTakeAll(WINDOWS, **options).decoders is not None
    with pytest.warns(UserWarning, match="no tuned decoders"):
        assert WinnerTakeAll(WINDOWS, **options).decoders is None


def test_a_users_neuron_type_of_the_same_name_gets_no_shipped_decoders(unwarned):
    assert nearest_rate(**LIF) == 250
    with pytest.warns(UserWarning, match="no tuned decoders"):
        assert nearest_rate(neuron_type=LIFOfAUser()) is None


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
    assert not usual.matches(other) and usual.stem != other.stem


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


@pytest.mark.parametrize(
    "change",
    [
        {"circuit": 3},
        {"n_neurons": 2.5},
        {"max_rate": -1},
        {"max_rate": "250"},
        {"any_rate": 1},
        {"window_size": "4"},
        {"synapse": 0.005},
        {"own": [("beta", "steep")]},
        {"own": 3},
    ],
    ids=str,
)
def test_setups_of_other_types_are_refused(change):
    values = {"circuit": "their.Own", "n_neurons": 2, "max_rate": 250.0}
    mpc.Setup(**values)
    with pytest.raises(ValidationError, match="numbers and text"):
        mpc.Setup(**{**values, **change})


# --- where nothing ships --------------------------------------------------------------


def test_one_warning_names_the_setup_and_the_line_that_tunes_it(unwarned):
    with pytest.warns(UserWarning) as caught:
        network = mpc.PairwiseReLU(WINDOWS, **NO_CONTAINER, **UNUSUAL)
        mpc.PairwiseReLU(WINDOWS, input_range=(-1, 1), **NO_CONTAINER, **UNUSUAL)
    assert network.decoders is None
    (warning,) = caught
    assert warning.filename == __file__
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
def test_the_line_of_the_warning_tunes_the_setup(
    circuit, options, monkeypatch, unwarned
):
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
def test_building_never_searches(circuit, monkeypatch, unwarned):
    def forbidden(*_, **__):
        raise AssertionError("a constructor must not simulate or optimise")

    for module, name in (
        (nengo, "Simulator"),
        (Search, "run"),
        (scipy.optimize, "minimize"),
        (joblib, "Parallel"),
    ):
        monkeypatch.setattr(module, name, forbidden)
    types = [nengo.LIF(tau_rc=0.07), nengo.AdaptiveLIF(tau_n=0.5)]
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


def test_decoders_of_another_name_are_refused():
    with pytest.raises(ValidationError, match='must be "tuned"'):
        mpc.PairwiseReLU(WINDOWS, decoders="default")


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


class TwoUnits(mpc.MaxPoolNetwork):
    """A circuit with two different populations under one name."""

    def build_circuit(self):
        """Rectifiers of two sizes."""
        for radius in (0.5, 0.25):
            neuron = rectifier(self.neuron_type, 1, self.max_rate, radius)
            self.replicate("unit", neuron, len(self.pools))


def test_another_population_of_the_same_name_is_refused():
    with pytest.raises(ValidationError, match="another population"):
        TwoUnits(WINDOWS, **NO_CONTAINER)


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


class LateDefault(mpc.PairwiseReLU):
    """A circuit whose default reads one that is settled later."""

    @property
    def default_synapse(self):
        """As the one that comes after it."""
        return self.input_synapse


def test_a_default_that_reads_a_later_one_is_told_the_order():
    with pytest.raises(ValidationError, match="input_synapse.*settled before it"):
        LateDefault(WINDOWS, **NO_CONTAINER)


@pytest.mark.parametrize(
    "values",
    [("x", 1, 2, 3), ("x", 1, 0, 3), ("x", 1, -1, 3), ("x", 5, 1, 3), ("", 1, 1, 1)]
    + [("x", "1", 1, 1), ("x", np.nan, 1, 2), (3, 1, 1, 1)],
)
def test_tunables_that_make_no_sense_are_refused(values):
    with pytest.raises(ValidationError):
        mpc.Tunable(*values)


# --- imports --------------------------------------------------------------------------

LOADED = """
import sys
import nengo, numpy, scipy.sparse
before = set(sys.modules)
import maxpool_circuits
added = {name.split(".")[0] for name in set(sys.modules) - before}
scipy_parts = {n for n in set(sys.modules) - before if n.startswith("scipy")}
allowed = {"maxpool_circuits", *sys.stdlib_module_names}
print(sorted((added - allowed) | scipy_parts))
"""


@pytest.mark.skipif(sys.version_info < (3, 10), reason="needs sys.stdlib_module_names")
def test_the_package_loads_nengo_numpy_and_sparse_matrices_only():
    run = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
