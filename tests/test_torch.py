"""Circuits in nengo-torch, and the page on PyTorch."""

import functools
import re
from pathlib import Path

import nengo
import numpy as np
import pytest
from test_operators import (
    OVERLAPPING,
    WINDOWS,
    W,
    each_circuit,
    each_options,
    each_window,
    model_of,
)

import maxpool_circuits as mpc

torch = pytest.importorskip("torch")
PAGE = Path(__file__).parent.parent / "docs" / "in_pytorch.md"
N_STEPS = 40

pytestmark = pytest.mark.filterwarnings("ignore:no tuned decoders")


@pytest.fixture
def ours():
    """Our operators for nengo-torch."""
    pytest.importorskip("nengo_torch")
    return pytest.importorskip("maxpool_circuits.nengo_torch")


@pytest.fixture
def native():
    """Switch operators off."""
    nengo.rc.set("maxpool_circuits", "operators", "False")
    yield
    nengo.rc.remove_option("maxpool_circuits", "operators")


def run(made):
    """What is probed in nengo-torch and in Nengo, and nengo-torch's operators."""
    import nengo_torch

    model, _, _ = made
    with nengo.Simulator(model, progress_bar=False) as simulator:
        simulator.run_steps(N_STEPS)
        expected = np.hstack([simulator.data[probe] for probe in model.all_probes])
    with nengo_torch.Simulator(model, dtype=torch.float64) as simulator:
        simulator.run_steps(N_STEPS)
        found = np.hstack([simulator.data[probe] for probe in model.all_probes])
        return found, expected, simulator.operators


@each_circuit
@each_window
@each_options
def test_operator_has_the_spikes_of_nengo(circuit, windows, options, ours):
    outputs, expected, operators = run(model_of(circuit, windows, **options))
    n_ours = sum(isinstance(each, ours.Circuit) for each in operators)
    assert n_ours == (circuit is not mpc.PairwiseReLU or windows not in OVERLAPPING)
    assert expected.any()
    np.testing.assert_allclose(outputs, expected, atol=1e-9)


@each_circuit
@each_window
def test_neurons_have_the_spikes_of_nengo(circuit, windows, ours):
    def look_inside(pool):
        nengo.Probe(pool.all_ensembles[0].neurons)

    outputs, expected, operators = run(model_of(circuit, windows, look_inside))
    assert any(isinstance(each, ours.Neurons) for each in operators)
    np.testing.assert_allclose(outputs, expected, atol=1e-9)


@pytest.mark.parametrize("windows", [WINDOWS["independent"], WINDOWS["ragged"]])
def test_neurons_that_know_the_readout(windows, ours):
    outputs, expected, _ = run(model_of(mpc.WinnerTakeAll, windows, readout=0.02))
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(outputs, expected, atol=1e-9)


@pytest.mark.parametrize("circuit", mpc.circuits())
def test_every_circuit_runs(circuit, ours):
    options = {"decoders": None, "input_synapse": 0.005}
    made = model_of(mpc.circuits()[circuit], WINDOWS["tiles"], **options)
    outputs, expected, _ = run(made)
    np.testing.assert_allclose(outputs, expected, atol=1e-6)


@pytest.mark.parametrize("operators", ["True", "False"])
@pytest.mark.parametrize("windows", [WINDOWS["independent"], WINDOWS["ragged"]])
@pytest.mark.parametrize(
    "circuit", [mpc.ExactMax, mpc.WinnerTakeAll, mpc.SharedResetMax, mpc.PairwiseReLU]
)
def test_gradient_is_that_of_the_exact_maximum(
    circuit, windows, operators, ours, native
):
    import nengo_torch

    if circuit is mpc.PairwiseReLU:
        # the neurons of later levels compare what those before them fire
        operators = "True"
    nengo.rc.set("maxpool_circuits", "operators", operators)
    with nengo.Network(seed=0) as model:
        inputs = nengo.Node(np.zeros(windows.n_inputs))
        pool = circuit(windows, input_synapse=None)
        nengo.Connection(inputs, pool.input, synapse=None)
        probe = nengo.Probe(pool.output)
    rng = np.random.RandomState(0)
    x = torch.tensor(rng.uniform(-0.5, 1, (2, 5, windows.n_inputs)), requires_grad=True)
    make = functools.partial(nengo_torch.Simulator, mode="train", dtype=torch.float64)
    with make(model, minibatch_size=2) as simulator:
        outputs = simulator.forward({inputs: x}, n_steps=5)[probe]
    weights = torch.tensor(rng.uniform(size=outputs.shape))
    (found,) = torch.autograd.grad((outputs * weights).sum(), x)

    members = [each[each >= 0] for each in windows.indices]
    maxima = torch.stack([x[..., each].amax(-1) for each in members], -1)
    if circuit is mpc.SharedResetMax:
        maxima = maxima.clip(min=0)
    (expected,) = torch.autograd.grad((maxima * weights).sum(), x)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def blocks():
    """The page's examples."""
    return re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.M | re.S)


def test_module_on_the_page_has_the_spikes_of_nengo():
    scope = {}
    exec(blocks()[0], scope)
    pool = scope["SpikingMaxPool"]()
    spikes = np.random.RandomState(0).uniform(size=(60, 1, 2, 4, 4)) < 0.2
    windows = W((2, 4, 4), 2, channels_last=False)
    # the page has the formula for the floor, where Nengo has the filter in time steps
    floor = mpc.AboveMean(4, -1, rise=np.pi * 0.43 / 500)
    with nengo.Network(seed=1) as model:
        circuit = mpc.WinnerTakeAll(windows, neuron_type=floor)
        shown = nengo.Node(lambda t: 4.0 * spikes[round(t * 1000) - 1].ravel())
        nengo.Connection(shown, circuit.input, synapse=None)
        probe = nengo.Probe(circuit.output)
    with nengo.Simulator(model, progress_bar=False) as simulator:
        simulator.run_steps(60)
    (step,) = (op for op in simulator.model.operators if hasattr(op, "rule"))

    x = torch.tensor(spikes, dtype=torch.float64)
    pool(torch.zeros_like(x[0]))
    summed, value, _ = pool.state
    start = torch.tensor(step.rule.start).reshape(4, 1, 2, 2, 2)
    pool.state = summed, value, start
    # Nengo's synapse shows an input from the next step on
    outputs = [np.ravel(pool(each)) for each in x[:-1]]
    outputs = 4 * np.array(outputs)
    np.testing.assert_allclose(outputs, simulator.data[probe][1:], atol=1e-9)


def snntorch_layer(pool):
    leaky = pytest.importorskip("snntorch").Leaky(0.9)
    membrane = leaky.init_leaky()

    def step(x):
        nonlocal membrane
        spikes, membrane = leaky(x, membrane)
        return pool(spikes)

    return step


def spikingjelly_layer(pool):
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    functional = pytest.importorskip("spikingjelly.activation_based.functional")
    layer = torch.nn.Sequential(neuron.IFNode(), pool)
    layer(torch.ones(1, 1, 4, 4))
    functional.reset_net(layer)
    assert pool.state is None
    return layer


def norse_layer(pool):
    norse = pytest.importorskip("norse.torch")
    layer = norse.SequentialState(norse.LIFCell(), pool)
    state = None

    def step(x):
        nonlocal state
        y, state = layer(x, state)
        return y

    return step


def sinabs_layer(pool):
    sinabs = pytest.importorskip("sinabs.layers")
    layer = sinabs.IAF()
    return lambda x: pool(layer(x[:, None])[:, 0])


@pytest.mark.parametrize(
    "layer", [snntorch_layer, spikingjelly_layer, norse_layer, sinabs_layer]
)
def test_module_on_the_page_pools_spikes_of(layer):
    scope = {}
    exec(blocks()[0], scope)
    step = layer(scope["SpikingMaxPool"]())
    x = torch.full((2, 1, 4, 4), 0.3, requires_grad=True)
    outputs = torch.stack([step(4 * x) for _ in range(20)])
    outputs.sum().backward()
    assert outputs.shape == (20, 2, 1, 2, 2) and outputs.mean() > 0.1
    assert x.grad.abs().sum() > 0


@pytest.mark.parametrize("block", [1, 2])
def test_examples_on_the_page_run(block, ours):
    exec(blocks()[block], {})
