"""Circuits in nengo-torch, and their rules as functions of arrays."""

import functools
import warnings

import nengo
import numpy as np
import pytest
from test_operators import OVERLAPPING, W, each_circuit, each_window, model_of

import maxpool_circuits as mpc
from maxpool_circuits import rules

torch = pytest.importorskip("torch")
nengo_torch = pytest.importorskip("nengo_torch")
ours = pytest.importorskip("maxpool_circuits.nengo_torch")

pytestmark = pytest.mark.filterwarnings("ignore:no tuned decoders")
TorchSimulator = functools.partial(
    nengo_torch.Simulator, dtype=torch.float64, progress_bar=False
)


def run(made, n_steps, Simulator):
    """Outputs of a model, and the operators that computed them."""
    model, _, probe = made
    with Simulator(model) as simulator:
        simulator.run_steps(n_steps)
        found = getattr(simulator, "operators", [])
        return np.reshape(simulator.data[probe], (n_steps, -1)), found


NengoSimulator = functools.partial(nengo.Simulator, progress_bar=False)


@pytest.fixture
def native():
    """Switch operators off."""
    nengo.rc.set("maxpool_circuits", "operators", "False")
    yield
    nengo.rc.remove_option("maxpool_circuits", "operators")


@each_circuit
@each_window
@pytest.mark.parametrize(
    "options",
    [{}, {"input_synapse": 0.004, "max_rate": 130, "input_range": (-1, 1)}],
    ids=["default", "options"],
)
def test_operator_has_the_spikes_of_nengo(circuit, windows, options):
    outputs, operators = run(model_of(circuit, windows, **options), 60, TorchSimulator)
    expected, _ = run(model_of(circuit, windows, **options), 60, NengoSimulator)
    n_ours = sum(isinstance(each, ours.Circuit) for each in operators)
    assert n_ours == (circuit is not mpc.PairwiseReLU or windows not in OVERLAPPING)
    assert expected.any()
    np.testing.assert_allclose(outputs, expected, atol=1e-9)


@each_circuit
@each_window
def test_neurons_have_the_spikes_of_nengo(circuit, windows, native):
    outputs, operators = run(model_of(circuit, windows), 40, TorchSimulator)
    expected, _ = run(model_of(circuit, windows), 40, NengoSimulator)
    assert any(isinstance(each, ours.Neurons) for each in operators)
    np.testing.assert_allclose(outputs, expected, atol=1e-9)
