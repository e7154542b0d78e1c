"""The network imports, builds, runs, and finds maxima."""

import nengo
import numpy as np
from spiking_max_pool import PoolWindows, WinnerTakeAll


def model_of():
    """Two groups of three inputs: network, circuit and probe."""
    with nengo.Network(seed=0) as model:
        inputs = nengo.Node([0.1, 0.7, 0.3, 0.9, 0.2, 0.8])
        pool = WinnerTakeAll(PoolWindows.independent(n_pools=2, window_size=3))
        nengo.Connection(inputs, pool.input, synapse=None)
        return model, pool, nengo.Probe(pool.output)


def test_imports():
    assert WinnerTakeAll is not None


def test_builds():
    _, pool, _ = model_of()
    assert pool.n_neurons == 6


def test_runs_100ms():
    model, _, probe = model_of()
    with nengo.Simulator(model, progress_bar=False) as simulator:
        simulator.run(0.1)
    assert simulator.data[probe].shape == (100, 2)


def test_finds_maxima():
    model, _, probe = model_of()
    with nengo.Simulator(model, progress_bar=False) as simulator:
        simulator.run(1)
    found = simulator.data[probe].mean(axis=0)
    np.testing.assert_allclose(found, [0.7, 0.9], atol=0.03)
