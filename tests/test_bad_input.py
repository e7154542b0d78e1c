"""Bad values for public names: each is refused at once, with a message that helps."""

import time

import matplotlib.pyplot as plt
import numpy as np
import pytest
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits import plots
from maxpool_circuits.cli import main
from maxpool_circuits.tuning import draw

#: What is no positive number, no name and no object of this package.
NONSENSE = [-1, 10**400, 1j, np.nan, np.inf, b"ab", {}, object(), np.ones((1, 2))]
WINDOWS = mpc.PoolWindows.independent(n_pools=2, window_size=3)
SETUP = mpc.Setup("a.b", 1, 250.0)

#: A function with good arguments for each public name, and the arguments to spoil.
CALLS = {
    **{
        name: (circuit, {"windows": WINDOWS, "add_to_container": False}, spoiled)
        for name, circuit in mpc.circuits().items()
        for spoiled in [
            ["windows", "max_rate", "input_range", "synapse", "decoders", "seed"]
            + ["neuron_type", "n_neurons", "input_synapse"]
        ]
    },
    "PoolWindows": (
        mpc.PoolWindows,
        {"input_shape": (4, 4, 1), "pool_size": 2},
        ["input_shape", "pool_size", "strides", "padding"],
    ),
    "independent": (
        mpc.PoolWindows.independent,
        {"n_pools": 2, "window_size": 2},
        ["n_pools", "window_size"],
    ),
    "from_indices": (
        mpc.PoolWindows.from_indices,
        {"indices": [[0]], "n_inputs": 2},
        ["indices", "n_inputs"],
    ),
    "Tunable": (
        mpc.Tunable,
        {"name": "a", "default": 2, "low": 1, "high": 3},
        ["name", "default", "low"],
    ),
    "TunedDecoders": (
        mpc.TunedDecoders,
        {"setup": SETUP, "decoder_changes": {}, "parameters": {}},
        ["setup", "path"],
    ),
    "compare": (
        mpc.compare,
        {"circuits": ["exact"], "n_pools": 1},
        ["window_size", "workload", "n_pools", "input_rate", "seed", "simulator"],
    ),
    "draw": (
        draw,
        {"window_size": 2, "input_rate": 250, "seed": 0, "n_pools": 1},
        ["window_size", "input_rate", "seed", "n_pools"],
    ),
    "unregister": (mpc.unregister, {"name": "exact"}, ["name"]),
}


@pytest.mark.parametrize(
    ("name", "argument"),
    [(name, argument) for name, (*_, spoiled) in CALLS.items() for argument in spoiled],
)
def test_nonsense_is_refused_at_once(name, argument):
    call, good, _ = CALLS[name]
    for value in NONSENSE:
        started = time.perf_counter()
        with pytest.raises(ValidationError):
            call(**{**good, argument: value})
            pytest.fail(f"{name}({argument}={value!r}) was accepted")
        assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    "name", ["comparison", "pareto", "error_by_gap", "raster", "traces", "error_map"]
)
def test_pictures_of_no_table_are_refused(name):
    arguments = [3, "exact"] if name == "error_map" else [3]
    with pytest.raises(ValidationError, match="that maxpool_circuits.compare made"):
        getattr(plots, name)(*arguments)
    plt.close("all")


@pytest.mark.parametrize("n_jobs", [0, 2.5, "2", 2**64])
def test_numbers_of_processes_that_are_none_are_refused(n_jobs):
    for call in (mpc.compare, mpc.tune):
        with pytest.raises(ValidationError, match="n_jobs: must be the number"):
            call("exact", n_jobs=n_jobs)


def test_a_comparison_of_nothing_is_refused():
    with pytest.raises(ValidationError, match="at least one circuit"):
        mpc.compare([])


def test_ranges_whose_width_is_no_number_are_refused():
    with pytest.raises(ValidationError, match="input_range"):
        mpc.ExactMax(WINDOWS, input_range=(-1e308, 1e308), add_to_container=False)


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["compare", "winner_take_all"], "'winner-take-all'"),
        (["tune", "softmax", "--out", "x", "--neuron-type", "LIFF"], "'LIF'"),
    ],
)
def test_names_that_are_nearly_right_get_a_hint(words, near, capsys):
    assert main(words) == 2
    assert f"did you mean {near}?" in capsys.readouterr().err


@pytest.mark.parametrize("windows", [[[2**64]], [[0, -(2**64)]], [b"ab"], b"ab"])
def test_indices_that_no_array_holds_are_refused(windows):
    with pytest.raises(ValidationError, match="indices"):
        mpc.PoolWindows.from_indices(windows, 1000)
