"""Rules of circuits, as functions of arrays."""

import importlib

import nengo
import numpy as np
import pytest

import maxpool_circuits as mpc
from maxpool_circuits import rules

N_STEPS = 100
#: Gain of each rule for ``max_rate`` times the time step and the width of the range.
RULES = {
    "winner-take-all": (rules.winner_take_all, 2),
    "shared-reset": (rules.shared_reset, 1),
    "pairwise-relu": (rules.pairwise_relu, 2),
}


@pytest.fixture(params=["numpy", "torch", "jax.numpy"])
def asarray(request):
    """Function that makes arrays of 64 bits of a library."""
    if request.param != "numpy":
        pytest.importorskip("array_api_compat")
    xp = pytest.importorskip(request.param)
    if request.param == "jax.numpy":
        jax = importlib.import_module("jax")
        jax.config.update("jax_enable_x64", True)
    return xp.asarray


@pytest.mark.parametrize("window_size", [4, 5])
@pytest.mark.parametrize("name", RULES)
def test_rule_has_the_spikes_of_the_circuit(name, window_size, asarray):
    values = np.random.RandomState(0).uniform(-0.3, 1, (N_STEPS, 3 * window_size))
    windows = mpc.PoolWindows.independent(3, window_size)
    with nengo.Network(seed=1) as model:
        pool = mpc.make(name, windows, input_synapse=None, max_rate=180)
        inputs = nengo.Node(lambda t: values[round(t * 1000) - 1])
        nengo.Connection(inputs, pool.input, synapse=None)
        probe = nengo.Probe(pool.output)
    with nengo.Simulator(model, progress_bar=False) as simulator:
        simulator.run_steps(N_STEPS)
    (step,) = (op for op in simulator.model.operators if hasattr(op, "rule"))

    rule, per_range = RULES[name]
    constants = {"gain": per_range * 180 * 0.001, "floor": step.rule.floor}
    if name == "winner-take-all":
        constants["rise"] = step.rule.rise
    state = step.rule.start
    state = [*map(asarray, state)] if isinstance(state, tuple) else asarray(state)
    outputs = []
    for x in values:
        x = asarray(x.reshape(3, window_size).T.copy())
        output, state = rule(x, state, **constants)
        outputs.append(np.asarray(output))
    assert np.ptp(simulator.data[probe]) > 1
    np.testing.assert_allclose(outputs, simulator.data[probe], atol=1e-9)
