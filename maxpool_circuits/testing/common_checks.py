"""What every circuit must do, one function for each rule.

A function gets the circuit under test and, if its rule has several, a case. It fails
as tests of pytest do, by an AssertionError that says what was expected.
"""

from __future__ import annotations

import copy
import importlib
import pickle
import unittest
from collections.abc import Callable
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from ..network.base import MaxPoolNetwork
from ..network.neurons import IntegrateAndFire
from ..network.windows import PoolWindows
from ..registry import make
from .check import (
    MIXED,
    NEURON_TYPES,
    Circuit,
    assert_maximum,
    assert_small,
    common_check,
    draw,
    run_circuit,
    simulate,
    takes,
    tolerances,
)

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
    "windows": [None, [[0, 1]], (28, 28, 8), PoolWindows],
    "n_neurons": [0, 2.5, True, "20", None],
    "neuron_type": [nengo.LIF, "LIF", None, nengo.Direct()],
    "max_rate": [0, -5, np.nan, np.inf, "250", None],
    "input_range": [(1, 1), (0, np.inf), (np.nan, 1), (0, 1, 2), 5, None],
    "decoders": ["shipped", 3],
    "synapse": ["fast", [0.1], -1, np.nan],
    "input_synapse": ["fast", [0.1], -1, np.nan],
    "seed": ["x", -1],
    "label": [3],
}


def _needs_neurons(circuit):
    if make(circuit, MIXED).n_neurons == 0:
        raise unittest.SkipTest(f"{circuit!r} has no neurons")


def _assert_same_output(first, second, message):
    # but for rounding: Nengo may add inputs in any order
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-9, err_msg=message)


# --- how it is made, connected and copied ---------------------------------------------


@common_check()
def check_input_and_output(circuit: Circuit) -> None:
    """Input and output are passthrough nodes of the sizes of the windows."""
    pool = make(circuit, MIXED)
    assert isinstance(pool, MaxPoolNetwork), f"must be a MaxPoolNetwork, got {pool}"
    for node, size in [(pool.input, MIXED.n_inputs), (pool.output, MIXED.n_pools)]:
        assert isinstance(node, nengo.Node) and node.output is None, (
            f"input and output must be nodes without a function, got {node}"
        )
        assert node.size_in == size, f"the size of {node} must be {size}"


@common_check()
def check_shared_arguments(circuit: Circuit) -> None:
    """All shared arguments are taken, and kept as attributes."""
    options = {
        "n_neurons": 6,
        "neuron_type": IntegrateAndFire(min_voltage=-3.5, amplitude=0.5),
        "max_rate": 100.0,
        "input_range": (-1.0, 2.0),
        "synapse": 0.004,
        "input_synapse": nengo.Alpha(0.002),
        "decoders": None,
        "label": "a pool",
        "seed": 3,
    }
    if not takes(circuit, options["neuron_type"]):
        del options["n_neurons"], options["neuron_type"]
    with nengo.Network() as model:
        pool = make(circuit, MIXED, add_to_container=False, **options)
    assert model.networks == [], "add_to_container=False must keep it out of the model"
    assert pool.windows is MIXED, "windows must be the argument itself"
    # a number is the time constant of a lowpass
    kept = {**options, "synapse": nengo.Lowpass(0.004)}
    kept["neurons_per_part"] = kept.pop("n_neurons", 1)
    for name, value in kept.items():
        is_kept = getattr(pool, name) == value
        assert is_kept, f"{name} must be {value!r}, got {getattr(pool, name)!r}"
    for ensemble in pool.all_ensembles:
        assert ensemble.neuron_type == pool.neuron_type, (
            f"{ensemble} must have the given neurons, got {ensemble.neuron_type}"
        )


@common_check()
def check_populations_can_be_tuned(circuit: Circuit) -> None:
    """All neurons are in ``populations``, where tuned decoders reach them."""
    pool = make(circuit, MIXED)
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
def check_copies(circuit: Circuit, case: Callable[[Any], Any]) -> None:
    """A copy has the same attributes and output."""
    with nengo.Network(seed=0) as model:
        pool = make(circuit, MIXED)
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
def check_maximum(circuit: Circuit, case: PoolWindows) -> None:
    """The steady output is the maximum, in windows of every shape."""
    assert_maximum(circuit, case, draw(case))


@common_check({"-1 to 1": (-1, 1), "2 to 5": (2, 5), "-3 to -1": (-3, -1)})
def check_input_range(circuit: Circuit, case: tuple[float, float]) -> None:
    """The output is the maximum in any input range, and as exact."""
    low, high = case
    tolerance = tolerances(circuit)["constant"] * (high - low)
    assert_maximum(circuit, MIXED, draw(MIXED, low, high), tolerance, input_range=case)


@common_check({name: WINDOWS[name] for name in ("2-D", "overlapping", "from indices")})
def check_pools_are_independent(circuit: Circuit, case: PoolWindows) -> None:
    """A pool depends on its own inputs and on no others."""
    x = draw(case, 0, 0.5)[0]
    before = run_circuit(circuit, case, x, steps=60)[0]
    for changed in (0, case.n_inputs // 2):
        x_changed = x.copy()
        x_changed[changed] = 1
        after = run_circuit(circuit, case, x_changed, steps=60)[0]
        is_own = (case.indices == changed).any(axis=1)
        _assert_same_output(
            before[:, ~is_own],
            after[:, ~is_own],
            f"input {changed} must change no pool that it does not belong to",
        )
        rise = (after - before)[30:, is_own].mean(axis=0)
        assert (rise > 0.1).all(), (
            f"input {changed} must change all pools that it belongs to: they rise by "
            f"{rise}"
        )


@common_check({"0.5 ms": 0.0005, "2 ms": 0.002})
def check_time_step(circuit: Circuit, case: float) -> None:
    """The output is the maximum with other time steps than 1 ms."""
    assert_maximum(circuit, MIXED, draw(MIXED), dt=case)


@common_check({name: name for name in NEURON_TYPES})
def check_neuron_type(circuit: Circuit, case: str) -> None:
    """The output is about the maximum with neurons of every type."""
    _needs_neurons(circuit)
    if not takes(circuit, NEURON_TYPES[case]):
        raise unittest.SkipTest(f"{circuit!r} is made of other neurons")
    windows = PoolWindows.independent(n_pools=8, window_size=4)
    options = {"neuron_type": NEURON_TYPES[case]}
    assert_maximum(
        circuit, windows, draw(windows), tolerances(circuit)[case], **options
    )


@common_check()
def check_pools_of_pools(circuit: Circuit) -> None:
    """The maximum of maxima is the maximum of all."""
    first = PoolWindows((4, 4, 1), pool_size=2)
    second = PoolWindows.global_pooling(first.output_shape)
    x = draw(first)[0]
    with nengo.Network(seed=0) as model:
        pools = [make(circuit, first), make(circuit, second)]
        nengo.Connection(nengo.Node(x), pools[0].input, synapse=None)
        nengo.Connection(pools[0].output, pools[1].input)
        probe = nengo.Probe(pools[1].output)
    error = abs(simulate(model, 400).data[probe][200:].mean() - x.max())
    # after the synapse between the two it only comes near
    assert_small(error, 2 * tolerances(circuit)["constant"] + 1e-6)


@common_check()
def check_nengo_dl(circuit: Circuit) -> None:
    """NengoDL simulates it, with the maximum as output."""
    try:
        # makes the neurons and the transform of this package known to NengoDL
        importlib.import_module("maxpool_circuits.nengo_dl")
        simulator = importlib.import_module("nengo_dl").Simulator
    except ImportError as missing:
        raise unittest.SkipTest(f"NengoDL cannot be imported: {missing}") from missing
    options = {"steps": 200, "simulator": simulator}
    tolerance = 2 * tolerances(circuit)["constant"] + SINGLE_PRECISION
    assert_maximum(circuit, MIXED, draw(MIXED, n=1), tolerance, **options)


# --- seeds, the size of a network, and several in one model ---------------------------


@common_check()
def check_same_seed(circuit: Circuit) -> None:
    """The same seed has the same output."""
    x = draw(MIXED)
    first, second = (run_circuit(circuit, MIXED, x, steps=30, seed=7) for _ in range(2))
    assert first.any(), "the output must not be zero"
    _assert_same_output(first, second, "seed=7 must have the same output twice")


@common_check()
def check_another_seed(circuit: Circuit) -> None:
    """Another seed has other spikes, where it draws where membranes start."""
    _needs_neurons(circuit)
    if make(circuit, MIXED).neuron_type.initial_state is not None:
        raise unittest.SkipTest(f"membranes of {circuit!r} start where it says")
    x = draw(MIXED)
    first, second = (
        run_circuit(circuit, MIXED, x, steps=30, seed=seed) for seed in (7, 8)
    )
    assert (first != second).any(), "seeds 7 and 8 must have different outputs"


@common_check()
def check_number_of_objects(circuit: Circuit) -> None:
    """The number of Nengo objects is small and does not grow with that of pools."""
    networks = []
    for n_pools in (3, 30):
        rows = np.arange(4 * n_pools).reshape(n_pools, 4)
        windows = [*rows, *rows[:, ::2], *rows[:, 1:2]]
        networks.append(make(circuit, PoolWindows.from_indices(windows, rows.size)))
    for kind, most in MOST_OBJECTS.items():
        n_few, n_many = (len(getattr(made, f"all_{kind}")) for made in networks)
        assert n_few == n_many <= most, (
            "pools must share their Nengo objects (copies of one population in one "
            f"ensemble, see MaxPoolNetwork.replicate), and have at most {most} {kind}: "
            f"there are {n_few} for 9 pools, {n_many} for 90"
        )


@common_check()
def check_two_in_a_model(circuit: Circuit) -> None:
    """Two in one model have the outputs that each has alone."""
    x = draw(MIXED, n=2)

    def outputs(used):
        with nengo.Network(seed=0) as model:
            probes = []
            for i in used:
                pool = make(circuit, MIXED, seed=i)
                nengo.Connection(nengo.Node(x[i]), pool.input, synapse=None)
                probes.append(nengo.Probe(pool.output))
        sim = simulate(model, 50)
        return [sim.data[probe] for probe in probes]

    alone = [*outputs([0]), *outputs([1])]
    message = "a second pool in the model must not change the output of the first"
    _assert_same_output(alone, outputs([0, 1]), message)
    assert not np.allclose(*alone), "other inputs must have another output"


# --- bad arguments are refused --------------------------------------------------------


@common_check({name: name for name in BAD_ARGUMENTS})
def check_bad_argument(circuit: Circuit, case: str) -> None:
    """Bad values of an argument are refused."""
    for value in BAD_ARGUMENTS[case]:
        _assert_refused(circuit, case, **{case: value})


def _assert_refused(circuit, argument, **options):
    """A ValidationError names the argument, and nothing is left in the model."""
    with nengo.Network() as model:
        try:
            make(circuit, **{"windows": MIXED, **options})
        except ValidationError as error:
            assert error.attr == argument, (
                f"refusing {options}, the ValidationError must have attr={argument!r}, "
                f"got {error.attr!r}"
            )
        else:
            raise AssertionError(f"{options} must be refused with a ValidationError")
    left = model.all_objects + model.all_networks
    assert not left, f"refusing {options} must leave nothing in the model, left {left}"
