"""Checks of how a circuit is made, connected and copied."""

from __future__ import annotations

import copy
import pickle
import unittest
from typing import Any, Callable

import nengo
import numpy as np

from ..network.base import MaxPoolNetwork
from ..network.neurons import IntegrateAndFire
from ..network.windows import PoolWindows
from ..registry import find
from .cases import MIXED
from .check import common_check, each
from .subject import Subject, draw, expect, same_output, simulate


def needs_neurons(subject: Subject) -> None:
    """Skip a check of what neurons do, for a circuit that has none."""
    if subject.make(MIXED).n_neurons == 0:
        raise unittest.SkipTest(f"{subject.circuit!r} has no neurons")


@common_check()
def check_input_and_output(subject: Subject) -> None:
    """Input and output are passthrough nodes of the sizes of the windows."""
    pool = subject.make(MIXED)
    expect(
        isinstance(pool, MaxPoolNetwork),
        f"a circuit must be a MaxPoolNetwork, got {type(pool).__name__}",
    )
    sizes = {"input": MIXED.n_inputs, "output": MIXED.n_pools}
    for name, size in sizes.items():
        node = getattr(pool, name)
        expect(
            isinstance(node, nengo.Node)
            and node.output is None
            and node.size_in == node.size_out == size,
            f"{name} must be a nengo.Node(size_in={size}) without a function, got "
            f"{node} with output={node.output} and size_in={node.size_in}",
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
    expect(pool.windows is MIXED, "windows must be the argument itself")
    expect(
        pool.neurons_per_part == 6,
        f"neurons_per_part must be n_neurons, 6, got {pool.neurons_per_part}",
    )
    for name, value in options.items():
        kept = getattr(pool, name)
        expect(kept == value, f"{name} must be the argument {value!r}, got {kept!r}")
    expect(
        model.networks == [],
        "add_to_container=False must keep the network out of its container",
    )


@common_check(each("argument", {n: n for n in ("synapse", "input_synapse")}))
def check_number_as_synapse(subject: Subject, argument: str) -> None:
    """A number is the time constant of a lowpass."""
    synapse = getattr(subject.make(MIXED, **{argument: 0.007}), argument)
    expect(
        synapse == nengo.Lowpass(0.007),
        f"{argument}=0.007 must give nengo.Lowpass(0.007), got {synapse}",
    )


@common_check()
def check_only_keywords(subject: Subject) -> None:
    """Further arguments are keywords, and unknown ones are refused."""
    circuit = find(subject.circuit)
    _expect_type_error(lambda: circuit(MIXED, 20), "positional")
    _expect_type_error(lambda: subject.make(MIXED, n_neuron=20), "n_neuron")


def _expect_type_error(call: Callable[[], Any], fragment: str) -> None:
    try:
        call()
    except TypeError as error:
        expect(fragment in str(error), f"the TypeError must name {fragment!r}: {error}")
    else:
        expect(False, f"a TypeError about {fragment!r} must be raised")


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
    expect(np.isfinite(values).all(), "what the pool feeds must stay finite")
    expect(np.ptp(values) > 0, "what the pool feeds must change")


@common_check()
def check_given_neuron_type(subject: Subject) -> None:
    """The neuron type is used as it was given."""
    needs_neurons(subject)
    neuron_type = IntegrateAndFire(min_voltage=-3.5, amplitude=0.5)
    pool = subject.make(MIXED, neuron_type=neuron_type)
    used = {ensemble.neuron_type for ensemble in pool.all_ensembles}
    expect(
        used == {neuron_type},
        f"all ensembles must have neuron_type={neuron_type}, got {used}",
    )


@common_check()
def check_populations_can_be_tuned(subject: Subject) -> None:
    """All neurons are in ``populations``, where tuned decoders reach them."""
    pool = subject.make(MIXED)
    known = [copies.ensemble for list_ in pool.populations.values() for copies in list_]
    for ensemble in pool.all_ensembles:
        expect(
            ensemble in known,
            f"{ensemble} must be made by self.replicate(name, population, n_copies), "
            "which puts it into the attribute populations",
        )


_DUPLICATES = {
    "Network.copy": lambda network: network.copy(),
    "deepcopy": copy.deepcopy,
    "pickle": lambda network: pickle.loads(pickle.dumps(network)),
}


@common_check(each("duplicate", _DUPLICATES))
def check_copies(subject: Subject, duplicate: Callable[[Any], Any]) -> None:
    """A copy has the same attributes and gives the same output."""
    with nengo.Network(seed=0) as model:
        pool = subject.make(MIXED)
        nengo.Connection(nengo.Node(draw(MIXED)[0]), pool.input, synapse=None)
        nengo.Probe(pool.output)
    other = duplicate(model)
    first, second = (
        simulate(network, 30).data[network.probes[0]] for network in (model, other)
    )
    expect(first.any(), "the output must not be zero")
    expect(same_output(first, second), "a copy must give the same output")

    copied = other.networks[0]
    expect(copied.input in copied.nodes, "the copied input must be in the copy")
    names = ["windows", "neuron_type", "max_rate", "input_range", "decoders"]
    for name in [*names, "synapse", "input_synapse"]:
        expect(
            getattr(copied, name) == getattr(pool, name),
            f"{name} of a copy must be equal: {getattr(pool, name)!r}, got "
            f"{getattr(copied, name)!r}",
        )
