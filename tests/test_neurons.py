"""`IntegrateAndFire` against a reference written neuron by neuron."""

import copy
import math
import pickle

import nengo
import numpy as np
import pytest
from nengo.exceptions import ReadonlyError, ValidationError

import maxpool_circuits as mpc

DT = 0.001
FLOORS = [0, -0.25, -1, -4, -np.inf]


@pytest.fixture
def set_precision():
    """Set Nengo's precision in bits, for one test."""
    before = nengo.rc.get("precision", "bits")
    yield lambda bits: nengo.rc.set("precision", "bits", str(bits))
    nengo.rc.set("precision", "bits", before)


def reference(currents, voltages, min_voltage, dt=DT, amplitude=1):
    """Spikes of neurons with (n_steps, n_neurons) currents, one at a time."""
    spikes = np.zeros_like(currents)
    voltages = list(voltages)
    for step, row in enumerate(currents):
        for i, current in enumerate(row):
            v = max(voltages[i] + current * dt, min_voltage)
            n_spikes = max(math.floor(v), 0)
            voltages[i] = v - n_spikes
            spikes[step, i] = n_spikes * amplitude / dt
    return spikes, np.array(voltages)


def simulate(Simulator, neuron_type, currents, dt=DT):
    """Run one neuron for each column of (n_steps, n_neurons) currents.

    Returns
    -------
    spikes, voltages : (n_steps, n_neurons) array
    """
    n_neurons = currents.shape[1]
    with nengo.Network(seed=0) as model:
        neurons = nengo.Ensemble(
            n_neurons,
            dimensions=1,
            neuron_type=neuron_type,
            gain=np.ones(n_neurons),
            bias=np.zeros(n_neurons),
        ).neurons
        source = nengo.Node(nengo.processes.PresentInput(currents, dt))
        nengo.Connection(source, neurons, synapse=None)
        probes = [nengo.Probe(neurons), nengo.Probe(neurons, "voltage")]
    with Simulator(model, dt=dt) as sim:
        sim.run_steps(len(currents))
    return [sim.data[probe] for probe in probes]


def constant(*currents, n_steps=1000):
    """Currents that do not change, one neuron each."""
    return np.tile(np.array(currents, dtype=float), (n_steps, 1))


# --- steps ----------------------------------------------------------------------------


@pytest.mark.parametrize("dt", [0.0005, 0.001, 0.004])
@pytest.mark.parametrize("min_voltage", FLOORS)
def test_every_step_equals_the_reference(min_voltage, dt):
    rng = np.random.RandomState(0)
    # up to several spikes per step, and far below the floor
    currents = rng.normal(100, 1500, size=(200, 30))
    voltage = rng.uniform(size=30)
    expected, final_voltage = reference(currents, voltage, min_voltage, dt, amplitude=3)
    assert expected.max() >= 2 * 3 / dt

    neuron_type = mpc.IntegrateAndFire(min_voltage=min_voltage, amplitude=3)
    output = np.empty_like(voltage)
    for step, current in enumerate(currents):
        neuron_type.step(dt, current, output, voltage=voltage)
        np.testing.assert_allclose(output, expected[step])
    np.testing.assert_allclose(voltage, final_voltage, atol=1e-9)


@pytest.mark.parametrize("min_voltage", FLOORS)
def test_simulation_equals_the_reference(min_voltage, Simulator):
    currents = np.random.RandomState(1).normal(0, 400, size=(300, 10))
    start = np.linspace(0, 0.9, 10)
    neuron_type = mpc.IntegrateAndFire(
        min_voltage, initial_state={"voltage": nengo.dists.Samples(start)}
    )
    spikes, voltages = simulate(Simulator, neuron_type, currents)
    expected, final_voltage = reference(currents, start, min_voltage)
    np.testing.assert_allclose(spikes, expected)
    np.testing.assert_allclose(voltages[-1], final_voltage, atol=1e-9)


@pytest.mark.parametrize("bits", [32, 64])
def test_both_precisions(bits, set_precision, Simulator):
    set_precision(bits)
    currents = constant(*np.linspace(-100, 3000, 20))
    spikes, voltages = simulate(Simulator, mpc.IntegrateAndFire(), currents)
    assert spikes.dtype == voltages.dtype == f"float{bits}"
    # rounding may move a spike to the neighbouring step, not make or lose one
    rates = spikes.mean(axis=0)
    np.testing.assert_allclose(rates, np.maximum(currents[0], 0), atol=1.5)
    assert set(np.unique(np.round(spikes * DT, 6))) == {0, 1, 2, 3}


# --- the neuron -----------------------------------------------------------------------


@pytest.mark.parametrize("min_voltage", FLOORS)
def test_rate_under_constant_current_is_rectified_linear(min_voltage, Simulator):
    currents = constant(-500, -1, 0, 1, 10, 123.4, 999, 1000, 2500)
    neuron_type = mpc.IntegrateAndFire(min_voltage=min_voltage)
    spikes, _ = simulate(Simulator, neuron_type, currents)
    np.testing.assert_allclose(
        spikes.mean(axis=0), np.maximum(currents[0], 0), atol=1 + 1e-9
    )
    rates = neuron_type.rates(currents[:1], gain=np.ones(9), bias=np.zeros(9))
    np.testing.assert_allclose(rates, np.maximum(currents[:1], 0))


def test_gain_and_bias_are_those_of_rectified_linear():
    max_rates, intercepts = np.array([100.0, 250.0]), np.array([-0.5, 0.2])
    ours = mpc.IntegrateAndFire().gain_bias(max_rates, intercepts)
    nengos = nengo.RectifiedLinear().gain_bias(max_rates, intercepts)
    np.testing.assert_array_equal(ours, nengos)
    back = mpc.IntegrateAndFire().max_rates_intercepts(*ours)
    np.testing.assert_allclose(back, [max_rates, intercepts])


@pytest.mark.parametrize("min_voltage", FLOORS)
def test_membrane_integrates_negative_current_down_to_its_floor(min_voltage, Simulator):
    currents = constant(-250, n_steps=20)  # 5 thresholds in 20 steps
    neuron_type = mpc.IntegrateAndFire(
        min_voltage, initial_state={"voltage": nengo.dists.Choice([0])}
    )
    spikes, voltages = simulate(Simulator, neuron_type, currents)
    expected = np.maximum(-0.25 * np.arange(1, 21), min_voltage)
    np.testing.assert_allclose(voltages[:, 0], expected)
    assert not spikes.any()


@pytest.mark.parametrize("min_voltage", [0, -1, -3])
def test_neuron_at_its_floor_needs_to_make_up_for_it(min_voltage, Simulator):
    currents = np.concatenate([constant(-1000, n_steps=10), constant(250, n_steps=40)])
    neuron_type = mpc.IntegrateAndFire(min_voltage)
    spikes, _ = simulate(Simulator, neuron_type, currents)
    assert spikes[:, 0].argmax() + 1 == 10 + 4 * (1 - min_voltage)


def test_soft_reset_keeps_the_remainder(Simulator):
    currents = constant(700, n_steps=3)
    neuron_type = mpc.IntegrateAndFire(
        initial_state={"voltage": nengo.dists.Choice([0.5])}
    )
    spikes, voltages = simulate(Simulator, neuron_type, currents)
    np.testing.assert_allclose(spikes[:, 0] * DT, [1, 0, 1])
    np.testing.assert_allclose(voltages[:, 0], [0.2, 0.9, 0.6])


def test_several_spikes_in_one_step(Simulator):
    neuron_type = mpc.IntegrateAndFire(
        initial_state={"voltage": nengo.dists.Choice([0])}
    )
    spikes, voltages = simulate(Simulator, neuron_type, constant(3500, n_steps=2))
    np.testing.assert_allclose(spikes[:, 0] * DT, [3, 4])
    np.testing.assert_allclose(voltages[:, 0], [0.5, 0], atol=1e-9)


def test_amplitude_scales_spikes_and_not_their_number(Simulator):
    currents = constant(100, 500)
    one, small = (
        simulate(Simulator, mpc.IntegrateAndFire(amplitude=amplitude), currents)[0]
        for amplitude in (1, 0.01)
    )
    assert one.any()
    np.testing.assert_allclose(small, 0.01 * one)


def test_initial_voltages_are_drawn_so_that_neurons_do_not_fire_in_step(Simulator):
    spikes, _ = simulate(Simulator, mpc.IntegrateAndFire(), constant(*[100] * 50))
    assert len(np.unique(spikes[:10].argmax(axis=0))) > 5


def test_currents_are_averaged_before_they_are_rectified(Simulator):
    """Jensen's inequality: the mean of rectified currents is larger."""
    currents = np.tile([[300.0], [-200.0]], (1000, 1))  # 50 Hz on average
    rates = [
        simulate(Simulator, neuron_type, currents)[0].mean()
        for neuron_type in [mpc.IntegrateAndFire(), nengo.SpikingRectifiedLinear()]
    ]
    np.testing.assert_allclose(rates, [50, 150], atol=1)


def test_without_floor_equals_the_rectified_count_of_all_input(Simulator):
    """With no floor the spike count is the running maximum of the summed input."""
    currents = np.random.RandomState(2).normal(20, 300, size=(500, 20))
    neuron_type = mpc.IntegrateAndFire(
        -np.inf, initial_state={"voltage": nengo.dists.Choice([0])}
    )
    spikes, _ = simulate(Simulator, neuron_type, currents)
    total = np.maximum.accumulate(np.cumsum(currents * DT, axis=0), axis=0)
    counts = np.cumsum(spikes * DT, axis=0)
    np.testing.assert_allclose(counts, np.floor(np.maximum(total, 0) + 1e-9))


# --- a value --------------------------------------------------------------------------


def test_defaults():
    neuron_type = mpc.IntegrateAndFire()
    assert (neuron_type.min_voltage, neuron_type.amplitude) == (-1, 1)
    assert isinstance(neuron_type, nengo.SpikingRectifiedLinear)
    assert neuron_type.spiking
    assert not neuron_type.negative


@pytest.mark.parametrize("min_voltage", FLOORS)
def test_allowed_floors(min_voltage):
    assert mpc.IntegrateAndFire(min_voltage).min_voltage == min_voltage


@pytest.mark.parametrize("min_voltage", [0.5, np.inf, np.nan, "low", None, [-1]])
def test_bad_floor(min_voltage):
    with pytest.raises(ValidationError) as error:
        mpc.IntegrateAndFire(min_voltage)
    assert error.value.attr == "min_voltage"


@pytest.mark.parametrize("amplitude", [0, -1, "high", None, np.nan, np.inf, 10**400])
def test_bad_amplitude(amplitude):
    with pytest.raises(ValidationError) as error:
        mpc.IntegrateAndFire(amplitude=amplitude)
    assert error.value.attr == "amplitude"


@pytest.mark.parametrize(
    "duplicate", [lambda n: pickle.loads(pickle.dumps(n)), copy.copy, copy.deepcopy]
)
def test_equal_by_value(duplicate):
    neuron_type = mpc.IntegrateAndFire(min_voltage=-2, amplitude=0.5)
    again = duplicate(neuron_type)
    assert again == neuron_type
    assert hash(again) == hash(neuron_type)
    assert again.min_voltage == -2
    assert repr(again) == "IntegrateAndFire(min_voltage=-2, amplitude=0.5)"
    for other in [
        mpc.IntegrateAndFire(min_voltage=-2),
        mpc.IntegrateAndFire(amplitude=0.5),
        nengo.SpikingRectifiedLinear(amplitude=0.5),
    ]:
        assert neuron_type != other


def test_cannot_be_changed():
    with pytest.raises(ReadonlyError):
        mpc.IntegrateAndFire().min_voltage = -2
