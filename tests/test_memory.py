"""What tuning remembers: in the process, in the cache folder, and in journals."""

import dataclasses
import inspect
import itertools
import multiprocessing
import os
import pathlib
import subprocess
import sys
import time
import warnings

import nengo
import numpy as np
import platformdirs
import pytest
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.comparison.compare import seed_of_values
from maxpool_circuits.tuning import memory, search, trials, tune
from maxpool_circuits.tuning.inputs import INPUTS, seed_of
from maxpool_circuits.tuning.journal import Journal, forget
from maxpool_circuits.tuning.memory import search_key, source_code
from maxpool_circuits.tuning.search import Search
from maxpool_circuits.tuning.trials import unchanged, untuned_pool
from maxpool_circuits.tuning.tune import seed_of_draw
from maxpool_circuits.utils import checked_npz

NOISY = {"neuron_type": nengo.SpikingRectifiedLinear(), "synapse": 0.003}
QUICK = {"window_size": 2, "n_pools": 5, "progress_bar": False, **NOISY}
ABOUT = {"seed": 0}


class OwnTree(mpc.PairwiseReLU):
    """A circuit of a user."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Cache folder of this test; nothing was tuned by this process."""
    path = tmp_path / "cache"
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: path)
    monkeypatch.setattr(memory, "_remembered", {})
    return path


@pytest.fixture
def searches(monkeypatch):
    """Searches that find nothing, in no time; counts them."""
    found = []

    class NoSearch:
        def __init__(self, trials, network, weights):
            found.append(network.setup)
            self.untuned = unchanged(network)

        def run(self):
            """Look nowhere."""

        def checked(self, draw):
            return self.untuned

        def compared(self, tuned, draw):
            return {}

    monkeypatch.setattr(inspect.getmodule(tune), "Search", NoSearch)
    monkeypatch.setattr(trials.Trials, "costs", lambda *_: {"bias": 0})
    return found


def forget_process():
    """As in the next process."""
    memory._remembered.clear()


# --- results --------------------------------------------------------------------------


def test_asked_for_the_same_again_tune_searches_once(folder, searches):
    with nengo.Network() as model:
        first = mpc.tune("pairwise-relu", **QUICK)
        again = mpc.tune(mpc.PairwiseReLU, n_jobs=2, **QUICK)
        forget_process()
        later = mpc.tune("pairwise-relu", **QUICK)
    assert len(searches) == 1 and len(list(folder.glob("*.npz"))) == 1
    assert first == again == later
    # tuning, which runs many networks, leaves none in the model
    assert model.networks == []


def test_a_fresh_search_can_be_asked_for(folder, searches):
    first = mpc.tune("pairwise-relu", **QUICK)
    assert mpc.tune("pairwise-relu", fresh=True, **QUICK) == first
    assert len(searches) == 2 and len(list(folder.glob("*.npz"))) == 1


def test_other_arguments_are_another_search(folder, searches):
    for change in ({}, {"seed": 1}, {"n_neurons": 2}, {"input_rate": 200}):
        mpc.tune("pairwise-relu", **{**QUICK, **change})
    assert len(searches) == 4 and len(list(folder.glob("*.npz"))) == 4


@pytest.mark.parametrize(
    ("name", "changed"),
    [("source_code", lambda *_: "edited since"), ("version", "the next one")],
)
def test_after_a_change_of_code_or_version_tune_searches_again(
    folder, searches, monkeypatch, name, changed
):
    mpc.tune("pairwise-relu", **QUICK)
    monkeypatch.setattr(memory, name, changed)
    mpc.tune("pairwise-relu", **QUICK)
    assert len(searches) == 2 and len(list(folder.glob("*.npz"))) == 2


def test_constructors_do_not_look_into_the_cache(folder, searches):
    mpc.tune("pairwise-relu", **QUICK)
    windows = mpc.PoolWindows.independent(n_pools=1, window_size=2)
    options = {"add_to_container": False, **NOISY}
    assert mpc.PairwiseReLU(windows, **options).decoders is None


def test_without_a_folder_results_are_kept_in_the_process(folder, searches):
    folder.write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match="this process only"):
        first = mpc.tune("pairwise-relu", **QUICK)
    assert mpc.tune("pairwise-relu", **QUICK) == first
    assert len(searches) == 1


def test_without_a_home_results_are_kept_in_the_process(
    folder, searches, tmp_path, monkeypatch
):
    # what platformdirs answers where nobody knows the user
    unknown = pathlib.Path("~", ".cache", "maxpool_circuits")
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: unknown)
    monkeypatch.chdir(tmp_path)
    mpc.tune("pairwise-relu", **QUICK)
    mpc.tune("pairwise-relu", **QUICK)
    assert len(searches) == 1 and list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_named_and_replaced(folder, searches):
    mpc.tune("pairwise-relu", **QUICK)
    (kept,) = folder.glob("*.npz")
    kept.write_bytes(kept.read_bytes()[:-50])
    forget_process()
    with pytest.warns(UserWarning, match=f"{kept.name}: cannot be read"):
        found = mpc.tune("pairwise-relu", **QUICK)
    assert len(searches) == 2 and mpc.TunedDecoders.load(kept) == found


def test_a_valid_file_of_another_circuit_is_not_used(folder, searches):
    found = mpc.tune("pairwise-relu", **QUICK)
    (kept,) = folder.glob("*.npz")
    other = dataclasses.replace(found.setup, circuit="their.Own")
    dataclasses.replace(found, setup=other).save(kept)
    forget_process()
    with pytest.warns(UserWarning, match=r"holds decoders for Own\("):
        assert mpc.tune("pairwise-relu", **QUICK) == found


def _tune_and_count(folder, counted, results):
    """Tune in a process of its own; a line for each search that it made."""

    def run(search):
        with open(counted, "a") as file:
            file.write("a search\n")
        time.sleep(0.5)

    platformdirs.user_cache_path = lambda *_, **__: folder
    Search.run = run
    Search.checked = lambda search, draw: search.untuned
    Search.compared = lambda search, tuned, draw: {}
    trials.Trials.costs = lambda *_: {"bias": 0}
    results.put(mpc.tune("pairwise-relu", **QUICK).digest)


@pytest.mark.skipif(os.name != "posix", reason="needs fork")
def test_processes_that_want_the_same_search_once(tmp_path):
    context = multiprocessing.get_context("fork")
    results, counted = context.Queue(), tmp_path / "counted"
    arguments = (tmp_path / "cache", counted, results)
    processes = [
        context.Process(target=_tune_and_count, args=arguments) for _ in range(4)
    ]
    for process in processes:
        process.start()
    digests = {results.get(timeout=120) for _ in processes}
    for process in processes:
        process.join()
    assert len(digests) == 1 and counted.read_text() == "a search\n"


HOLDS_THE_LOCK = """
import sys, time, filelock
lock = filelock.FileLock(sys.argv[1])
lock.acquire()
print("locked", flush=True)
time.sleep(600)
"""


@pytest.fixture
def holder(folder, searches):
    """Process that holds the lock of a search that was made once."""
    mpc.tune("pairwise-relu", **QUICK)
    (kept,) = folder.glob("*.npz")
    words = [sys.executable, "-c", HOLDS_THE_LOCK, f"{kept}.lock"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()


def seconds_of_search():
    """How long it takes to make the search once more."""
    started = time.perf_counter()
    mpc.tune("pairwise-relu", fresh=True, **QUICK)
    return time.perf_counter() - started


def test_the_lock_of_a_killed_process_is_free(searches, holder):
    holder.kill()
    holder.wait()
    # not a benchmark: one that is held makes others wait for an hour
    assert seconds_of_search() < 120 and len(searches) == 2


def test_nobody_waits_for_ever(searches, holder, monkeypatch):
    monkeypatch.setattr(memory, "PATIENCE", 3)
    assert seconds_of_search() > 3 and len(searches) == 2


def _save_many(path, seed):
    values = np.random.RandomState(seed).uniform(size=(1, 5000))
    setup = mpc.Setup("their.Own", n_neurons=5000, max_rate=250.0)
    for _ in range(30):
        mpc.TunedDecoders(setup, {"unit": values}, {}).save(path)


def test_two_processes_may_write_the_same_file(tmp_path):
    path = tmp_path / "own.npz"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_save_many, args=(path, i)) for i in range(2)]
    for writer in writers:
        writer.start()
    n_read = 0
    while any(writer.is_alive() for writer in writers):
        if path.exists():
            assert mpc.TunedDecoders.load(path).setup.circuit == "their.Own"
            n_read += 1
    assert all(writer.exitcode == 0 for writer in writers)
    assert n_read > 10 and [p.name for p in tmp_path.iterdir()] == ["own.npz"]


def test_a_file_may_be_replaced_by_a_larger_one_while_it_is_read(tmp_path, monkeypatch):
    smaller, larger = tmp_path / "smaller.npz", tmp_path / "larger.npz"
    for path, n_neurons in ((smaller, 5), (larger, 5000)):
        values = np.random.RandomState(0).uniform(size=(1, n_neurons))
        setup = mpc.Setup("their.Own", n_neurons=n_neurons, max_rate=250.0)
        mpc.TunedDecoders(setup, {"unit": values}, {}).save(path)
    checked_size = checked_npz._checked_size

    def check_and_replace(path):
        size = checked_size(path)
        if path == str(smaller):
            larger.replace(smaller)
        return size

    monkeypatch.setattr(checked_npz, "_checked_size", check_and_replace)
    assert mpc.TunedDecoders.load(smaller).setup.n_neurons == 5000


# --- keys -----------------------------------------------------------------------------


def pool_of(circuit, **options):
    """One pool of a circuit that is not tuned."""
    windows = mpc.PoolWindows.independent(n_pools=1, window_size=2)
    options = {"decoders": None, "add_to_container": False, **options}
    return circuit(windows, **options)


def test_the_key_has_the_version_of_the_package(monkeypatch):
    pool = pool_of(mpc.PairwiseReLU)
    before = search_key(pool, ABOUT, "code")
    assert search_key(pool, ABOUT, "code") == before
    monkeypatch.setattr(memory, "version", "another")
    assert search_key(pool, ABOUT, "code") != before


def test_the_key_has_the_source_code_of_the_circuit():
    own = source_code(pool_of(OwnTree))
    assert "A circuit of a user" in own and "class PairwiseReLU" in own
    pool = pool_of(OwnTree)
    assert search_key(pool, ABOUT, own) != search_key(pool, ABOUT, own + "\n")


def test_the_key_has_the_source_code_of_the_neurons():
    class Tired(nengo.LIF):
        """Neurons of a user."""

    assert "Neurons of a user" in source_code(
        pool_of(OwnTree, neuron_type=Tired(), n_neurons=2)
    )


def test_code_that_cannot_be_read_is_not_remembered_in_files(folder, searches):
    scope = {"mpc": mpc}
    exec("class Typed(mpc.PairwiseReLU):\n    pass", scope)
    scope["Typed"].__module__ = "builtins_of_a_prompt"
    assert source_code(pool_of(scope["Typed"])) is None
    mpc.tune(scope["Typed"], **QUICK)
    mpc.tune(scope["Typed"], **QUICK)
    assert len(searches) == 1 and not folder.exists()


# --- journals -------------------------------------------------------------------------


def test_the_journal_matches_questions_by_content(tmp_path):
    path = tmp_path / "journal"
    first = Journal(path, ABOUT)
    assert first.recall(["a", 1], lambda: "one") == "one"
    assert first.recall(["b", 2], lambda: "two") == "two"

    def forbidden():
        raise AssertionError("was answered before")

    # in another order, and with a new question between
    second = Journal(path, ABOUT)
    assert second.recall(["b", 2], forbidden) == "two"
    assert second.recall(["c", 3], lambda: "three") == "three"
    assert second.recall(["a", 1], forbidden) == "one"


NO_JOURNALS = {
    "notes": b"to do\n",
    "one JSON value": b"{}\n",
    "empty": b"",
    "bytes": bytes(range(256)),
    "deep": b"[" * 100_000,
    "another's": b'{"journal of": "them", "format": 2, "about": {}}\n',
}


@pytest.mark.parametrize("content", NO_JOURNALS.values(), ids=NO_JOURNALS)
def test_a_file_that_is_no_journal_is_refused_and_stays(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(ValidationError, match="notes.txt is no journal"):
        mpc.tune("pairwise-relu", fresh=True, journal=path, **QUICK)
    forget(path)
    assert path.read_bytes() == content and len(list(tmp_path.iterdir())) == 1


def journal_of(path, n_answers):
    """Lines of a journal in which number n answers itself."""
    journal = Journal(path, ABOUT)
    for number in range(n_answers):
        journal.recall(number, lambda number=number: number)
    return path.read_text().splitlines(keepends=True)


@pytest.mark.parametrize(
    "change, lost, message",
    [
        (lambda lines: lines.pop(2), [1], "1 lost before line 3"),
        (lambda lines: lines.insert(3, lines[3]), [], "line 5 is there twice"),
        (lambda lines: lines.__setitem__(3, "null\n"), [2], "line 4 is damaged"),
        (lambda lines: lines.__setitem__(3, "\0\0\n"), [2], "line 4 is damaged"),
        (
            lambda lines: lines.__setitem__(4, lines[4].replace("3", "7")),
            [3],
            "line 5 is damaged",
        ),
    ],
    ids=["lost", "doubled", "null", "null bytes", "changed"],
)
def test_damaged_lines_of_a_journal_are_named(tmp_path, change, lost, message):
    path = tmp_path / "journal"
    lines = journal_of(path, 5)
    change(lines)
    path.write_text("".join(lines))
    with pytest.warns(UserWarning, match=f"journal: {message}; what"):
        again = Journal(path, ABOUT)
    for number in range(5):
        expected = "again" if number in lost else number
        assert again.recall(number, lambda: "again") == expected
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Journal(path, ABOUT)


def test_the_journal_stays_until_the_result_is_in_a_file(folder, searches, tmp_path):
    path = tmp_path / "journal"
    mpc.tune("pairwise-relu", journal=path, **QUICK)
    assert not path.exists()
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    folder.write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match="this process only"):
        mpc.tune("pairwise-relu", journal=path, fresh=True, **QUICK)
    assert path.exists()
    forget(path)
    assert not path.exists()


# --- rules of the search --------------------------------------------------------------


def seeds_of_tuning(seeds):
    """All seeds of values that searches with some seeds draw with."""
    return [
        seed_of(seed_of_draw(seed, draw), number)
        for seed, draw, number in itertools.product(seeds, range(3), range(len(INPUTS)))
    ]


def test_no_two_draws_of_tuning_share_a_seed():
    used = seeds_of_tuning(range(200))
    assert len(set(used)) == len(used)


def test_comparisons_use_other_seeds_than_tuning():
    most = 2**32 - 1
    seeds = [*range(10000), *range(2**18, 2**18 + 1000), most - 1, most]
    compared = {seed_of_values(seed) for seed in seeds}
    assert compared.isdisjoint(seeds_of_tuning(seeds))
    assert max(compared) <= most


@pytest.fixture
def a_search():
    """A search whose circuit was run, but not searched yet."""

    class Fixed:
        """Errors that are the same for all candidates."""

        draws = {
            "training": tune_draws(),
        }

        def errors(self, candidate, draw):
            return {name: np.full(4, 1e-4) for name in self.draws[draw]}

    return Search(Fixed(), untuned_pool(mpc.PairwiseReLU, 2), {})


def tune_draws():
    """One input of each kind, without signals."""

    @dataclasses.dataclass
    class OnlyKind:
        kind: object

    return {name: OnlyKind(kind) for name, kind in INPUTS.items()}


def test_errors_on_values_that_are_small_enough_do_not_count(a_search):
    # errors of 0.01, which is what counts as small, fall or double
    names = list(a_search.before)
    for name, counts in zip(names, (INPUTS[name].spikes for name in names)):
        halved = np.where(np.array(names) == name, np.log(0.5), 0)
        gains = a_search.gains(halved, a_search.before)
        assert (gains < 0).any() == counts, name
        doubled = a_search.gains(-halved, a_search.before)
        assert doubled.max() == pytest.approx(np.log(2))


def test_one_error_that_grows_outweighs_several_that_shrink(a_search):
    better = np.full(len(a_search.shares), -0.05)
    assert a_search.objective(better, a_search.before) < 0
    worse = better.copy()
    worse[0] = search.TOLERANCE + 0.05
    assert a_search.objective(worse, a_search.before) > 0
    # within the tolerance nothing is added
    within = better.copy()
    within[0] = search.TOLERANCE
    gains = a_search.gains(within, a_search.before)
    mean = np.average(gains, weights=a_search.shares)
    assert a_search.objective(within, a_search.before) == pytest.approx(mean)


def test_untuned_pools_without_neurons_have_nothing_to_tune():
    with pytest.raises(trials.NothingToTune, match="nothing"):
        untuned_pool(mpc.ExactMax, 2)
