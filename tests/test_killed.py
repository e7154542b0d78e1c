"""Processes that are killed at any time: `kill -9` during all that writes files."""

import csv
import random
import signal
import subprocess
import sys
import time

import pytest

import maxpool_circuits as mpc

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal"),
]

SAVE = """
import sys
import maxpool_circuits as mpc
tuned = mpc.TunedDecoders.load(sys.argv[1])
print("ready", flush=True)
for _ in range({times}):
    tuned.save(sys.argv[1])
"""
COMPARE = """
import sys
from maxpool_circuits.cli import main
print("ready", flush=True)
for _ in range({times}):
    main(["compare", "winner-take-all", "--pools", "2", "--csv", sys.argv[1]])
"""
TUNE = """
import sys
import nengo
import maxpool_circuits as mpc
from maxpool_circuits.tuning import search
search.runs_after_star = lambda n_numbers: 3
print("ready", flush=True)
tuned = mpc.tune(
    "ensemble", n_neurons=10, window_size=2, n_pools=5, journal=sys.argv[1], fresh=True
)
tuned.save(sys.argv[2])
"""


def start(code, *arguments):
    """A process that is about to write files."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"ready\n"
    return process


def killed(code, *arguments, within):
    """Start a process and kill it; whether it had not come to its end."""
    process = start(code, *arguments)
    time.sleep(random.uniform(0, within))
    process.kill()
    process.stdout.close()
    return process.wait() == -signal.SIGKILL


def finished(code, *arguments):
    process = start(code, *arguments)
    assert process.communicate() and process.returncode == 0


def figures(path):
    """All numbers of a table but the seconds that it took."""
    with open(path, newline="") as file:
        return [line[:9] for line in csv.reader(file)]


def small_decoders():
    windows = mpc.PoolWindows.independent(n_pools=1, window_size=4)
    return mpc.EnsembleMax(windows).decoders


def test_saved_decoders_are_whole_and_nothing_is_left(tmp_path):
    path = tmp_path / "decoders.npz"
    tuned = small_decoders()
    tuned.save(path)
    n_killed = sum(
        killed(SAVE.format(times=10**6), path, within=0.2) for _ in range(40)
    )
    assert n_killed == 40
    assert mpc.TunedDecoders.load(path) == tuned
    finished(SAVE.format(times=1), path)
    assert [file.name for file in tmp_path.iterdir()] == ["decoders.npz"]
    assert mpc.TunedDecoders.load(path) == tuned


def test_tables_are_whole_and_nothing_is_left(tmp_path):
    path = tmp_path / "table.csv"
    finished(COMPARE.format(times=1), path)
    whole = figures(path)
    n_killed = sum(
        killed(COMPARE.format(times=10**6), path, within=3) for _ in range(40)
    )
    assert n_killed == 40
    assert figures(path) == whole
    finished(COMPARE.format(times=1), path)
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_a_search_that_is_killed_again_and_again_finds_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    journal, path = tmp_path / "journal", tmp_path / "decoders.npz"
    finished(TUNE, tmp_path / "other-journal", path)
    undisturbed = mpc.TunedDecoders.load(path)
    path.unlink()

    n_killed = sum(killed(TUNE, journal, path, within=2) for _ in range(20))
    assert n_killed > 3
    finished(TUNE, journal, path)
    again = mpc.TunedDecoders.load(path)
    assert again.digest == undisturbed.digest
    assert again.report["errors"] == undisturbed.report["errors"]
    left = {file.name for file in tmp_path.iterdir()}
    assert left == {"cache", "decoders.npz"}
