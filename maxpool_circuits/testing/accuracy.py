"""Checks that the output is the maximum."""

from __future__ import annotations

import importlib
import unittest

import nengo
import numpy as np

from ..network.windows import PoolWindows
from .cases import MIXED, NEURON_TYPES, WINDOWS
from .check import common_check, each
from .interface import needs_neurons
from .subject import Subject, draw, expect, same_output, simulate

#: What NengoDL, which computes in single precision, may add to an error.
SINGLE_PRECISION = 1e-6


def _expect_small(error: float, tolerance: float, what: str) -> None:
    expect(
        error < tolerance,
        f"the error {what} must be below {tolerance:g}, got {error:.4g}; if that is as "
        "good as this circuit gets, state it in its class attribute check_tolerances",
    )


@common_check(each("windows", WINDOWS))
def check_maximum(subject: Subject, windows: PoolWindows) -> None:
    """The settled output is the maximum, in windows of every shape."""
    error = subject.settled_error(windows, draw(windows))
    _expect_small(error, subject.constant, f"in {windows}")


_RANGES = {f"{low} to {high}": (low, high) for low, high in [(-1, 1), (2, 5), (-3, -1)]}


@common_check(each("input_range", _RANGES))
def check_input_range(subject: Subject, input_range: tuple[float, float]) -> None:
    """The output is the maximum in any input range, and as exact."""
    low, high = input_range
    x = draw(MIXED, low, high)
    error = subject.settled_error(MIXED, x, input_range=input_range)
    tolerance = subject.constant * (high - low)
    _expect_small(error, tolerance, f"with input_range={input_range}")


@common_check()
def check_negative_maximum(subject: Subject) -> None:
    """Windows that are all negative have a negative maximum."""
    windows = PoolWindows.independent(n_pools=5, window_size=4)
    x = draw(windows, -1, -0.1)
    error = subject.settled_error(windows, x, input_range=(-1, 1))
    _expect_small(error, 2 * subject.constant, "where all inputs are negative")


_THREE_SHAPES = {name: WINDOWS[name] for name in ("2-D", "overlapping", "from indices")}


@common_check(each("windows", _THREE_SHAPES))
def check_pools_are_independent(subject: Subject, windows: PoolWindows) -> None:
    """A pool depends on its own inputs and on no others."""
    x = draw(windows, 0, 0.5)[0]
    before = subject.run(windows, x, steps=60)[0]
    for changed in (0, windows.n_inputs // 2):
        x_changed = x.copy()
        x_changed[changed] = 1
        after = subject.run(windows, x_changed, steps=60)[0]
        is_own = (windows.indices == changed).any(axis=1)
        expect(
            same_output(before[:, ~is_own], after[:, ~is_own]),
            f"input {changed} must change no pool that it does not belong to",
        )
        rise = (after - before)[30:, is_own].mean(axis=0)
        expect(
            (rise > 0.1).all(),
            f"input {changed} must change all pools that it belongs to: their outputs "
            f"rise by {rise}",
        )


@common_check(each("dt", {"0.5 ms": 0.0005, "2 ms": 0.002}))
def check_time_step(subject: Subject, dt: float) -> None:
    """The output is the maximum with other time steps than 1 ms."""
    error = subject.settled_error(MIXED, draw(MIXED), dt=dt)
    _expect_small(error, subject.constant, f"with dt={dt}")


@common_check(each("neuron_type", {name: name for name in NEURON_TYPES}))
def check_neuron_type(subject: Subject, neuron_type: str) -> None:
    """The output is about the maximum with neurons of every type."""
    needs_neurons(subject)
    windows = PoolWindows.independent(n_pools=8, window_size=4)
    options = {"neuron_type": NEURON_TYPES[neuron_type]}
    error = subject.settled_error(windows, draw(windows), **options)
    _expect_small(error, subject.with_neurons(neuron_type), f"with {neuron_type}")


@common_check()
def check_pools_of_pools(subject: Subject) -> None:
    """The maximum of maxima is the maximum of all."""
    first = PoolWindows((4, 4, 1), pool_size=2)
    second = PoolWindows.global_pooling(first.output_shape)
    x = draw(first)[0]
    with nengo.Network(seed=0) as model:
        pools = [subject.make(first), subject.make(second)]
        nengo.Connection(nengo.Node(x), pools[0].input, synapse=None)
        nengo.Connection(pools[0].output, pools[1].input)
        probe = nengo.Probe(pools[1].output)
    error = abs(simulate(model, 400).data[probe][200:].mean() - x.max())
    # behind the synapse between the two it only comes near
    _expect_small(error, 2 * subject.constant + 1e-6, "of a pool of pools")


@common_check()
def check_nengo_dl(subject: Subject) -> None:
    """NengoDL simulates it, with the maximum as output."""
    try:
        # makes the neurons and the transform of this package known to NengoDL
        importlib.import_module("maxpool_circuits.nengo_dl")
        simulator = importlib.import_module("nengo_dl").Simulator
    except ImportError as missing:
        raise unittest.SkipTest(f"NengoDL cannot be imported: {missing}") from missing
    x = draw(MIXED, n=1)
    y = subject.run(MIXED, x, steps=200, simulator=simulator)
    error = np.sqrt(np.mean((y[0, 100:].mean(axis=0) - MIXED.max(x)) ** 2))
    _expect_small(error, 2 * subject.constant + SINGLE_PRECISION, "on NengoDL")
