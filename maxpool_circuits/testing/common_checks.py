"""What every circuit must do, one function for each rule.

A function gets the circuit under test and, if its rule has several, a case. It fails
as tests of pytest do, by an AssertionError that says what was expected.
"""

from __future__ import annotations

import copy
import functools
import importlib
import pickle
import unittest
from collections.abc import Callable, Mapping
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from ..network.base import MaxPoolNetwork
from ..network.neurons import IntegrateAndFire
from ..network.windows import PoolWindows
from ..registry import find
from .subject import MIXED, NEURON_TYPES, Subject, draw, simulate

#: Most objects of each kind that a circuit may consist of: it is built at once for all
#: pools, so that a layer of thousands builds in a moment.
MOST_OBJECTS = {"ensembles": 3, "nodes": 12, "connections": 24}
#: What NengoDL, which computes in single precision, may add to an error.
SINGLE_PRECISION = 1e-6

#: Windows of every shape.
WINDOWS: dict[str, PoolWindows] = {
    "1-D": PoolWindows((12, 1), pool_size=3),
    "2-D": PoolWindows((4, 6, 2), pool_size=2),
    "3-D": PoolWindows((1, 4, 2, 4), pool_size=2, channels_last=False),
    "smaller at the edges": PoolWindows((5, 5, 1), pool_size=2, padding="same"),
    "overlapping": PoolWindows((4, 5, 1), pool_size=3, strides=1),
    "overlapping, smaller at both edges": PoolWindows(
        (5, 4, 1), pool_size=3, strides=2, padding="same"
    ),
    "gaps": PoolWindows((10, 1), pool_size=2, strides=4),
    "global": PoolWindows.global_pooling((3, 3, 2)),
    "independent": PoolWindows.independent(n_pools=5, window_size=7),
    "from indices": MIXED,
    "one input each": PoolWindows.independent(n_pools=4, window_size=1),
}
#: Bad values of the shared arguments.
BAD_ARGUMENTS: dict[str, list[Any]] = {
    "windows": [None, 4, [[0, 1]], (28, 28, 8), PoolWindows],
    "n_neurons": [0, -1, 2.5, True, "20", None],
    "neuron_type": [nengo.LIF, "LIF", None, nengo.Direct()],
    "max_rate": [0, -5, np.nan, np.inf, "250", None, [250]],
    "input_range": [(1, 0), (1, 1), (0, np.inf), (np.nan, 1), (0,), (0, 1, 2), 5, None],
    "decoders": ["shipped", 3, {"lif": 1}],
    "synapse": ["fast", [0.1], -1, np.nan],
    "input_synapse": ["fast", [0.1], -1, np.nan],
    "seed": ["x", -1],
    "label": [3],
}

#: The rules by name, with the case in brackets.
FUNCTIONS: dict[str, Callable[..., None]] = {}


def common_check(cases: Mapping[str, Any] | None = None) -> Callable[[Any], Any]:
    """Add a function to the rules, once for each case."""

    def add(function):
        name = function.__name__.replace("check_", "", 1)
        if cases is None:
            FUNCTIONS[name] = function
        for case, value in (cases or {}).items():
            FUNCTIONS[f"{name}[{case}]"] = functools.partial(function, case=value)
        return function

    return add


def _same(*values: str) -> dict[str, str]:
    """Cases that are named as they are."""
    return {value: value for value in values}


def _needs_neurons(subject):
    if subject.make(MIXED).n_neurons == 0:
        raise unittest.SkipTest(f"{subject.circuit!r} has no neurons")


def _assert_small(error, tolerance, what):
    assert error < tolerance, (
        f"the error {what} must be below {tolerance:g}, got {error:.4g}; if that is as "
        "good as this circuit gets, state it in its class attribute check_tolerances"
    )


def _assert_same_output(first, second, message):
    # but for rounding: Nengo may add inputs in any order
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-9, err_msg=message)


def count_objects(network: nengo.Network) -> dict[str, int]:
    """Count the Nengo objects of each kind in a network and all networks in it."""
    kinds = ["networks", "nodes", "ensembles", "connections", "probes"]
    return {kind: len(getattr(network, f"all_{kind}")) for kind in kinds}


# --- how it is made, connected and copied ---------------------------------------------


@common_check(_same("input", "output"))
def check_input_and_output(subject: Subject, case: str) -> None:
    """Input and output are passthrough nodes of the sizes of the windows."""
    pool = subject.make(MIXED)
    assert isinstance(pool, MaxPoolNetwork), (
        f"a circuit must be a MaxPoolNetwork, got {type(pool).__name__}"
    )
    size = {"input": MIXED.n_inputs, "output": MIXED.n_pools}[case]
    node = getattr(pool, case)
    assert isinstance(node, nengo.Node), f"{case} must be a node, got {node}"
    assert node.output is None and node.size_in == node.size_out == size, (
        f"{case} must be a nengo.Node(size_in={size}) without a function, got {node} "
        f"with output={node.output} and size_in={node.size_in}"
    )


@common_check()
def check_shared_arguments(subject: Subject) -> None:
    """All shared arguments are taken, and kept as attributes."""
    options = {
        "neuron_type": nengo.RectifiedLinear(),
        "max_rate": 100.0,
        "input_range": (-1.0, 2.0),
        "synapse": nengo.Lowpass(0.004),
        "input_synapse": nengo.Alpha(0.002),
        "decoders": None,
        "label": "a pool",
        "seed": 3,
    }
    with nengo.Network() as model:
        pool = subject.make(MIXED, n_neurons=6, add_to_container=False, **options)
    assert model.networks == [], "add_to_container=False must keep it out of the model"
    assert pool.windows is MIXED, "windows must be the argument itself"
    for name, value in {"neurons_per_part": 6, **options}.items():
        kept = getattr(pool, name)
        assert kept == value, f"{name} must be the argument {value!r}, got {kept!r}"


@common_check(_same("synapse", "input_synapse"))
def check_number_as_synapse(subject: Subject, case: str) -> None:
    """A number is the time constant of a lowpass."""
    synapse = getattr(subject.make(MIXED, **{case: 0.007}), case)
    assert synapse == nengo.Lowpass(0.007), (
        f"{case}=0.007 must be nengo.Lowpass(0.007), got {synapse}"
    )


@common_check()
def check_only_keywords(subject: Subject) -> None:
    """Further arguments are keywords, and unknown ones are refused."""
    calls = {
        "positional": lambda: find(subject.circuit)(MIXED, 20),
        "n_neuron": lambda: subject.make(MIXED, n_neuron=20),
    }
    for fragment, call in calls.items():
        try:
            call()
        except TypeError as error:
            assert fragment in str(error), f"the error must name {fragment!r}: {error}"
        else:
            raise AssertionError(f"a TypeError about {fragment!r} must be raised")


@common_check()
def check_use_in_a_model(subject: Subject) -> None:
    """Three lines put it between two populations."""
    windows = PoolWindows(input_shape=(4, 4, 2), pool_size=2)
    with nengo.Network(seed=0) as model:
        features = nengo.Ensemble(windows.n_inputs, 1)
        dense = nengo.Ensemble(20, windows.n_pools)
        pool = subject.make(windows)
        nengo.Connection(features.neurons, pool.input)
        nengo.Connection(pool.output, dense)
        probe = nengo.Probe(dense)
    values = simulate(model, 20).data[probe]
    assert np.isfinite(values).all(), "what the pool feeds must stay finite"
    assert np.ptp(values) > 0, "what the pool feeds must change"


@common_check()
def check_given_neuron_type(subject: Subject) -> None:
    """The neuron type is used as it was given."""
    _needs_neurons(subject)
    neuron_type = IntegrateAndFire(min_voltage=-3.5, amplitude=0.5)
    pool = subject.make(MIXED, neuron_type=neuron_type)
    used = {ensemble.neuron_type for ensemble in pool.all_ensembles}
    assert used == {neuron_type}, (
        f"all ensembles must have neuron_type={neuron_type}, got {used}"
    )


@common_check()
def check_populations_can_be_tuned(subject: Subject) -> None:
    """All neurons are in ``populations``, where tuned decoders reach them."""
    pool = subject.make(MIXED)
    known = [copies.ensemble for list_ in pool.populations.values() for copies in list_]
    for ensemble in pool.all_ensembles:
        assert ensemble in known, (
            f"{ensemble} must be made by self.replicate(name, population, n_copies), "
            "which puts it into the attribute populations"
        )


@common_check(
    {
        "Network.copy": lambda network: network.copy(),
        "deepcopy": copy.deepcopy,
        "pickle": lambda network: pickle.loads(pickle.dumps(network)),
    }
)
def check_copies(subject: Subject, case: Callable[[Any], Any]) -> None:
    """A copy has the same attributes and output."""
    with nengo.Network(seed=0) as model:
        pool = subject.make(MIXED)
        nengo.Connection(nengo.Node(draw(MIXED)[0]), pool.input, synapse=None)
        nengo.Probe(pool.output)
    other = case(model)
    first, second = (
        simulate(network, 30).data[network.probes[0]] for network in (model, other)
    )
    assert first.any(), "the output must not be zero"
    _assert_same_output(first, second, "a copy must have the same output")
    copied = other.networks[0]
    assert copied.input in copied.nodes, "the copied input must be in the copy"
    names = ["windows", "neuron_type", "max_rate", "input_range", "decoders"]
    for name in [*names, "synapse", "input_synapse"]:
        ours, theirs = getattr(pool, name), getattr(copied, name)
        assert ours == theirs, f"{name} of a copy must be {ours!r}, got {theirs!r}"


# --- the output is the maximum --------------------------------------------------------


@common_check(WINDOWS)
def check_maximum(subject: Subject, case: PoolWindows) -> None:
    """The steady output is the maximum, in windows of every shape."""
    error = subject.steady_error(case, draw(case))
    _assert_small(error, subject.constant, f"in {case}")


@common_check({"-1 to 1": (-1, 1), "2 to 5": (2, 5), "-3 to -1": (-3, -1)})
def check_input_range(subject: Subject, case: tuple[float, float]) -> None:
    """The output is the maximum in any input range, and as exact."""
    low, high = case
    error = subject.steady_error(MIXED, draw(MIXED, low, high), input_range=case)
    tolerance = subject.constant * (high - low)
    _assert_small(error, tolerance, f"with input_range={case}")


@common_check()
def check_negative_maximum(subject: Subject) -> None:
    """Windows that are all negative have a negative maximum."""
    windows = PoolWindows.independent(n_pools=5, window_size=4)
    x = draw(windows, -1, -0.1)
    error = subject.steady_error(windows, x, input_range=(-1, 1))
    _assert_small(error, 2 * subject.constant, "where all inputs are negative")


@common_check({name: WINDOWS[name] for name in ("2-D", "overlapping", "from indices")})
def check_pools_are_independent(subject: Subject, case: PoolWindows) -> None:
    """A pool depends on its own inputs and on no others."""
    x = draw(case, 0, 0.5)[0]
    before = subject.run(case, x, steps=60)[0]
    for changed in (0, case.n_inputs // 2):
        x_changed = x.copy()
        x_changed[changed] = 1
        after = subject.run(case, x_changed, steps=60)[0]
        is_own = (case.indices == changed).any(axis=1)
        _assert_same_output(
            before[:, ~is_own],
            after[:, ~is_own],
            f"input {changed} must change no pool that it does not belong to",
        )
        rise = (after - before)[30:, is_own].mean(axis=0)
        assert (rise > 0.1).all(), (
            f"input {changed} must change all pools that it belongs to: their outputs "
            f"rise by {rise}"
        )


@common_check({"0.5 ms": 0.0005, "2 ms": 0.002})
def check_time_step(subject: Subject, case: float) -> None:
    """The output is the maximum with other time steps than 1 ms."""
    error = subject.steady_error(MIXED, draw(MIXED), dt=case)
    _assert_small(error, subject.constant, f"with dt={case}")


@common_check(_same(*NEURON_TYPES))
def check_neuron_type(subject: Subject, case: str) -> None:
    """The output is about the maximum with neurons of every type."""
    _needs_neurons(subject)
    windows = PoolWindows.independent(n_pools=8, window_size=4)
    options = {"neuron_type": NEURON_TYPES[case]}
    error = subject.steady_error(windows, draw(windows), **options)
    _assert_small(error, subject.with_neurons(case), f"with {case}")


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
    # after the synapse between the two it only comes near
    _assert_small(error, 2 * subject.constant + 1e-6, "of a pool of pools")


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
    _assert_small(error, 2 * subject.constant + SINGLE_PRECISION, "on NengoDL")


# --- seeds, the size of a network, and several in one model ---------------------------


@common_check()
def check_same_seed(subject: Subject) -> None:
    """The same seed has the same output."""
    x = draw(MIXED)
    first, second = (subject.run(MIXED, x, steps=30, seed=7) for _ in range(2))
    assert first.any(), "the output must not be zero"
    _assert_same_output(first, second, "seed=7 must have the same output twice")


@common_check()
def check_another_seed(subject: Subject) -> None:
    """Another seed has other spikes."""
    _needs_neurons(subject)
    x = draw(MIXED)
    first, second = (subject.run(MIXED, x, steps=30, seed=seed) for seed in (7, 8))
    assert (first != second).any(), "seeds 7 and 8 must have different outputs"


@common_check()
def check_number_of_objects(subject: Subject) -> None:
    """The number of Nengo objects is small and does not grow with that of pools."""
    counts = []
    for n_pools in (3, 300):
        rows = np.arange(4 * n_pools).reshape(n_pools, 4)
        windows = [*rows, *rows[:, ::2], *rows[:, 1:2]]
        made = subject.make(PoolWindows.from_indices(windows, n_inputs=4 * n_pools))
        counts.append(count_objects(made))
    few, many = counts
    assert few == many, (
        "pools must share their Nengo objects (copies of one population in one "
        f"ensemble, see MaxPoolNetwork.replicate): {few} for 9 pools, {many} for 900"
    )
    for kind, most in MOST_OBJECTS.items():
        assert many[kind] <= most, f"at most {most} {kind}, got {many[kind]}"


@common_check()
def check_two_in_a_model(subject: Subject) -> None:
    """Two in one model have the outputs that each has alone."""
    x = draw(MIXED, n=2)

    def outputs(used):
        with nengo.Network(seed=0) as model:
            probes = []
            for i in used:
                pool = subject.make(MIXED, seed=i)
                nengo.Connection(nengo.Node(x[i]), pool.input, synapse=None)
                probes.append(nengo.Probe(pool.output))
        sim = simulate(model, 50)
        return [sim.data[probe] for probe in probes]

    alone = [*outputs([0]), *outputs([1])]
    _assert_same_output(
        alone,
        outputs([0, 1]),
        "a second pool in the model must not change the output of the first",
    )
    assert not np.allclose(*alone), "other inputs must have another output"


# --- bad arguments are refused --------------------------------------------------------


_REFUSED = {
    f"{argument}={getattr(value, '__name__', repr(value))}": {argument: value}
    for argument, values in BAD_ARGUMENTS.items()
    for value in values
}
_OUT_OF_REACH = {
    f"{neuron_type} at {rate} Hz": {"max_rate": rate, "neuron_type": neuron_type}
    for neuron_type, rate in [
        (nengo.LIF(), 500),
        (nengo.LIF(tau_ref=0.01), 250),
        (nengo.LIF(), 0.001),
        (nengo.Sigmoid(), 10),
    ]
}


@common_check({**_REFUSED, **_OUT_OF_REACH})
def check_bad_argument(subject: Subject, case: dict[str, Any]) -> None:
    """A bad argument, the first of a case, is refused, and nothing is left of it."""
    argument = next(iter(case))
    given = ", ".join(f"{name}={value!r}" for name, value in case.items())
    with nengo.Network() as model:
        try:
            subject.make(**{"windows": MIXED, **case})
        except ValidationError as error:
            refused = error.attr
        else:
            raise AssertionError(f"{given} must be refused with a ValidationError")
    assert refused == argument, (
        f"refusing {given}, the ValidationError must have attr={argument!r}, got "
        f"{refused!r}"
    )
    left = {kind: n for kind, n in count_objects(model).items() if n}
    assert not left, f"refusing {given} must leave nothing in the model, left {left}"
