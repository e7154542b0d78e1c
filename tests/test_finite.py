"""A NaN or an infinite value stops a simulation, with the name of the circuit."""

import nengo
import numpy as np
import pytest
from nengo.exceptions import SimulationError

import maxpool_circuits as mpc

BACKENDS = ["nengo", "nengo-dl"]
# two pools, of three inputs and of one
WINDOWS = mpc.PoolWindows.from_indices([[0, 1, 2], [3]], n_inputs=4)


def run_with(Simulator, name, value, entry=1, n_steps=8, label="mine"):
    """Simulate a circuit, one of whose inputs is a value in the fifth time step."""
    inputs = np.full((n_steps, 4), 0.5)
    inputs[4, entry] = value
    with nengo.Network(seed=0) as model:
        source = nengo.Node(nengo.processes.PresentInput(inputs, 0.001))
        pool = mpc.make(name, WINDOWS, label=label, decoders=None)
        nengo.Connection(source, pool.input, synapse=None)
        probe = nengo.Probe(pool.output)
    with Simulator(model) as sim:
        sim.run_steps(n_steps)
    return sim.data[probe]


@pytest.mark.parametrize("name", mpc.circuits())
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_step_that_is_not_finite_is_the_last(Simulator, name, value):
    circuit = type(mpc.make(name, WINDOWS, decoders=None, add_to_container=False))
    with pytest.raises(
        SimulationError,
        match=rf"input of {circuit.__name__} 'mine' \(2 pools\) is not finite.*"
        rf"entry 1 is {value}",
    ):
        run_with(Simulator, name, value)


@pytest.mark.parametrize("name", mpc.circuits())
def test_nengo_dl_stops_too(DLSimulator, name):
    with pytest.raises(Exception, match=r"'mine' \(2 pools\) is not finite"):
        run_with(DLSimulator, name, np.nan)


def test_pools_of_one_input_are_checked(Simulator):
    with pytest.raises(SimulationError, match="entry 3 is nan"):
        run_with(Simulator, "exact", np.nan, entry=3, label=None)


@pytest.mark.parametrize("Simulator", BACKENDS, indirect=True)
def test_large_values_are_no_error(Simulator):
    # whose squares are larger than any number
    assert run_with(Simulator, "exact", 1e30)[4, 0] == pytest.approx(1e30, rel=1e-6)


def test_large_values_are_no_error_on_nengo(Simulator):
    assert run_with(Simulator, "exact", 1e200)[4, 0] == 1e200


def test_no_nengo_object_is_made_for_it():
    with nengo.Network() as model:
        pool = mpc.ExactMax(WINDOWS)
    assert model.all_nodes == [pool.input, pool.output]
