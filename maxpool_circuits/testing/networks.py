"""Checks of seeds, of the size of a network, and of several in one model."""

from __future__ import annotations

import nengo
import numpy as np

from ..network.windows import PoolWindows
from .cases import MIXED
from .check import common_check
from .interface import needs_neurons
from .subject import Subject, draw, expect, same_output, simulate

#: Most objects of each kind that a circuit may consist of: it is built at once for all
#: pools, so that a layer of thousands builds in a moment.
MOST_OBJECTS = {"ensembles": 3, "nodes": 12, "connections": 24}


def count_objects(network: nengo.Network) -> dict[str, int]:
    """Count the Nengo objects of each kind in a network and all networks in it."""
    kinds = ["networks", "nodes", "ensembles", "connections", "probes"]
    return {kind: len(getattr(network, f"all_{kind}")) for kind in kinds}


@common_check()
def check_same_seed(subject: Subject) -> None:
    """The same seed gives the same output."""
    x = draw(MIXED)
    first, second = (subject.run(MIXED, x, steps=30, seed=7) for _ in range(2))
    expect(first.any(), "the output must not be zero")
    expect(same_output(first, second), "seed=7 must give the same output twice")


@common_check()
def check_another_seed(subject: Subject) -> None:
    """Another seed gives other spikes."""
    needs_neurons(subject)
    x = draw(MIXED)
    first, second = (subject.run(MIXED, x, steps=30, seed=seed) for seed in (7, 8))
    expect((first != second).any(), "seeds 7 and 8 must give different outputs")


@common_check()
def check_number_of_objects(subject: Subject) -> None:
    """The number of Nengo objects is small and does not grow with that of pools."""
    counts = []
    for n_pools in (3, 300):
        windows = PoolWindows.from_indices(
            [[4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3] for i in range(n_pools)]
            + [[4 * i, 4 * i + 2] for i in range(n_pools)]
            + [[4 * i + 1] for i in range(n_pools)],
            n_inputs=4 * n_pools,
        )
        counts.append(count_objects(subject.make(windows)))
    few, many = counts
    expect(
        few == many,
        "pools must share their Nengo objects (copies of one population in one "
        f"ensemble, see MaxPoolNetwork.replicate): {few} for 9 pools, {many} for 900",
    )
    for kind, most in MOST_OBJECTS.items():
        expect(many[kind] <= most, f"at most {most} {kind}, got {many[kind]}")


@common_check()
def check_two_in_a_model(subject: Subject) -> None:
    """Two in one model give what each gives alone."""
    x = draw(MIXED, n=2)

    def outputs(used: list[int]) -> list[np.ndarray]:
        with nengo.Network(seed=0) as model:
            probes = []
            for i in used:
                pool = subject.make(MIXED, seed=i)
                nengo.Connection(nengo.Node(x[i]), pool.input, synapse=None)
                probes.append(nengo.Probe(pool.output))
        sim = simulate(model, 50)
        return [sim.data[probe] for probe in probes]

    alone = [outputs([i])[0] for i in range(2)]
    for first, second in zip(alone, outputs([0, 1])):
        expect(
            np.allclose(first, second, rtol=0, atol=1e-12),
            "a second pool in the model must not change the output of the first",
        )
    expect(not np.allclose(alone[0], alone[1]), "other inputs must give another output")
