"""Decoders that ship with the package, and what happens where there are none."""

import multiprocessing

import nengo
import numpy as np
import platformdirs
import pytest
from conftest import real_decoders_for
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
import maxpool_circuits.tuning.memory
from maxpool_circuits.network.shelf import preset_path, presets
from maxpool_circuits.tuning import memory as first_use
from maxpool_circuits.tuning import search
from maxpool_circuits.tuning.presets import make_preset, path_of, setups

WINDOWS = mpc.PoolWindows.independent(n_pools=3, window_size=4)
#: A setup that is not shipped and tuned quickly.
UNUSUAL = {"neuron_type": nengo.SpikingRectifiedLinear(), "synapse": 0.003}

IDS = [path_of(*setup).stem for setup in setups()]


# --- what is shipped ------------------------------------------------------------------


def test_there_is_a_file_for_each_setup_and_no_other():
    assert sorted(IDS) == [path.stem for path in presets()]


def test_files_are_small():
    assert sum(path.stat().st_size for path in presets()) < 1e6


@pytest.mark.parametrize("setup", setups(), ids=IDS)
def test_each_file_serves_its_setup(setup):
    circuit, options, window_size = setup
    windows = mpc.PoolWindows.independent(n_pools=2, window_size=window_size or 9)
    with nengo.Network():
        network = mpc.make(circuit, windows, **options)
    tuned = mpc.TunedDecoders.load(path_of(*setup))
    assert network.decoders == tuned
    ratios = {
        name: after / before
        for name, (before, after, *_) in tuned.report["errors"]["test"].items()
        if "spikes" in name
    }
    # on inputs that nothing was chosen on; some have no more than 40 readings
    assert np.mean(np.log(list(ratios.values()))) < 0.01, ratios
    assert max(ratios.values()) < 1.15, ratios


def test_rates_without_a_file_of_their_own_get_the_nearest():
    for max_rate, nearest in [(30, 100), (150, 100), (170, 250), (5000, 1000)]:
        network = mpc.PairwiseReLU(WINDOWS, max_rate=max_rate, add_to_container=False)
        assert preset_path(network).stem.endswith(f"-{nearest}Hz")
        assert network.decoders is not None
    lif = {"neuron_type": nengo.LIF(), "decoders": None, "add_to_container": False}
    for max_rate, nearest in [(50, 50), (70, 100), (130, 100), (200, 250), (400, 400)]:
        network = mpc.PairwiseReLU(WINDOWS, max_rate=max_rate, **lif)
        assert preset_path(network).stem.endswith(f"-{nearest}Hz")


def test_decoders_for_other_rates_are_refused():
    lif = {"neuron_type": nengo.LIF(), "add_to_container": False}
    tuned = mpc.PairwiseReLU(WINDOWS, **lif).decoders
    assert mpc.PairwiseReLU(WINDOWS, max_rate=200, **lif).decoders == tuned
    for max_rate in (100, 400):
        with pytest.raises(ValidationError, match="max_rate is .*, tuned for 250"):
            mpc.PairwiseReLU(WINDOWS, max_rate=max_rate, decoders=tuned, **lif)


def assert_regenerates(setup, n_jobs):
    """Tuning finds as good values as those that ship.

    On the machine that made these it finds the same. On others sums are rounded in
    another way, which many steps of a search amplify.
    """
    path, again = make_preset(*setup, n_jobs=n_jobs)
    shipped = mpc.TunedDecoders.load(path)
    assert again.tuned_for == shipped.tuned_for
    for draw, measured in shipped.report["errors"].items():
        for name, (_, after, *_) in measured.items():
            assert again.report["errors"][draw][name][1] == pytest.approx(
                after, rel=0.1
            )


def test_a_sample_regenerates():
    assert_regenerates(("ensemble", {"max_rate": 250, "n_neurons": 50}, 5), n_jobs=1)


@pytest.mark.slow
@pytest.mark.parametrize("setup", setups()[::7], ids=IDS[::7])
def test_more_samples_regenerate(setup):
    assert_regenerates(setup, n_jobs=2)


# --- the first use of other setups ----------------------------------------------------


@pytest.fixture
def tuned(monkeypatch):
    """Tune as users do, but with few inputs; counts how often."""
    calls = []

    def quick_tune(network):
        calls.append(network)
        options = {"window_size": 2, "n_pools": 5, "progress_bar": False}
        return mpc.tune(type(network), **options, **network.setup)

    monkeypatch.setattr(first_use, "decoders_for", real_decoders_for)
    monkeypatch.setattr(first_use, "_tune", quick_tune)
    monkeypatch.setattr(search, "runs_after_star", lambda n_numbers: 0)
    return calls


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Cache folder of its own."""
    path = tmp_path / "cache"
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: path)
    return path


def test_other_setups_are_tuned_once_and_kept(tuned, folder):
    with nengo.Network() as model:
        first = mpc.PairwiseReLU(WINDOWS, **UNUSUAL)
        second = mpc.PairwiseReLU(WINDOWS, input_range=(-1, 1), **UNUSUAL)
    assert len(tuned) == 1 and len(list(folder.iterdir())) == 1
    assert first.decoders == second.decoders
    # tuning, which runs many networks, leaves none in the model
    assert model.networks == [first, second]


def test_each_setup_has_a_file_of_its_own(tuned, folder):
    for options in (UNUSUAL, {**UNUSUAL, "n_neurons": 2}):
        mpc.PairwiseReLU(WINDOWS, add_to_container=False, **options)
    assert len(tuned) == 2 and len(list(folder.iterdir())) == 2


def test_no_decoders_skip_tuning(tuned, folder):
    network = mpc.PairwiseReLU(WINDOWS, decoders=None, **UNUSUAL)
    assert network.decoders is None and not tuned and not folder.exists()


def test_what_has_nothing_to_tune_is_not_tuned(tuned, folder):
    rates = {"neuron_type": nengo.RectifiedLinear()}
    for circuit, options in [
        ("exact", {"decoders": "tuned"}),
        ("pairwise-relu", rates),
        ("ensemble", {"neuron_type": nengo.LIFRate()}),
    ]:
        assert mpc.make(circuit, WINDOWS, **options).decoders is None
    assert not tuned


def test_published_circuits_and_ones_own_are_only_tuned_if_asked(tuned, folder):
    class Own(mpc.MaxPoolNetwork):
        def build_circuit(self):
            pass

    for circuit in (Own, mpc.AbsoluteValue):
        assert circuit(WINDOWS, add_to_container=False).decoders is None
    assert not tuned
    asked = mpc.AbsoluteValue(WINDOWS, decoders="tuned", add_to_container=False)
    assert asked.decoders is not None and len(tuned) == 1


def test_damaged_files_are_replaced(tuned, folder):
    mpc.PairwiseReLU(WINDOWS, **UNUSUAL)
    (kept,) = folder.iterdir()
    kept.write_bytes(kept.read_bytes()[:-50])
    first_use._load.cache_clear()
    with pytest.warns(UserWarning, match=f"{kept.name}: cannot be read"):
        mpc.PairwiseReLU(WINDOWS, **UNUSUAL)
    assert len(tuned) == 2
    assert mpc.TunedDecoders.load(kept).tuned_for["circuit"] == "PairwiseReLU"


def test_a_folder_that_cannot_be_written_costs_only_time(tuned, folder):
    folder.write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match="could not be kept"):
        network = mpc.PairwiseReLU(WINDOWS, **UNUSUAL)
    assert network.decoders is not None


def _save_many(path, seed):
    values = np.random.RandomState(seed).uniform(size=(1, 5000))
    tuned = mpc.TunedDecoders({"circuit": "Own"}, {"unit": values}, {})
    for _ in range(30):
        first_use._keep(tuned, path)


def test_two_processes_may_write_the_same_file(folder):
    path = folder / "own.npz"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_save_many, args=(path, i)) for i in range(2)]
    for writer in writers:
        writer.start()
    n_read = 0
    while any(writer.is_alive() for writer in writers):
        if path.exists():
            assert mpc.TunedDecoders.load(path).tuned_for == {"circuit": "Own"}
            n_read += 1
    assert all(writer.exitcode == 0 for writer in writers)
    assert n_read > 10 and [p.name for p in folder.iterdir()] == ["own.npz"]


def test_decoders_of_another_name_are_refused():
    with pytest.raises(ValidationError, match='must be "tuned"'):
        mpc.PairwiseReLU(WINDOWS, decoders="default")
