"""Operators that compute whole circuits, in Nengo."""

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.circuits.winner_take_all import INHIBITION
from maxpool_circuits.operators.pairwise_relu import PairwiseReLUStep
from maxpool_circuits.operators.winner_take_all import WinnerTakeAllStep

W = mpc.PoolWindows
WINDOWS = {
    "independent": W.independent(n_pools=5, window_size=4),
    "odd": W.independent(n_pools=5, window_size=7),
    "tiles": W((5, 4, 3), 2),
    "overlapping": W((7, 7, 2), 3, 2),
    "overlapping, smaller at edges": W((6, 7, 2), 3, 2, "same"),
    "smaller at edges": W((8, 7, 2), 3, padding="same"),
    "single at edges": W((5, 2), 2, padding="same"),
    "global": W.global_pooling((3, 3, 2)),
    "ragged": W.from_indices([[0], [1, 2, 3, 4, 5], [2, 3], [5]], n_inputs=6),
}
each_window = pytest.mark.parametrize("windows", WINDOWS.values(), ids=list(WINDOWS))
pytestmark = pytest.mark.filterwarnings("ignore:no tuned decoders")
each_circuit = pytest.mark.parametrize("circuit", [mpc.WinnerTakeAll, mpc.PairwiseReLU])


@pytest.fixture
def native():
    """Function that switches operators off."""
    return lambda: nengo.rc.set("maxpool_circuits", "operators", "False")


@pytest.fixture(autouse=True)
def setting():
    """Leave the setting as it was."""
    yield
    nengo.rc.remove_option("maxpool_circuits", "operators")


def model_of(circuit, windows, change=lambda pool: None, **options):
    """Make a network of spiking inputs and a circuit: (network, circuit, probe)."""
    rng = np.random.RandomState(1)
    with nengo.Network(seed=2) as model:
        # of an uneven worth, so that thresholds are not met exactly
        spikes = nengo.Ensemble(
            windows.n_inputs,
            1,
            gain=np.full(windows.n_inputs, 250.0),
            bias=250 * rng.uniform(size=windows.n_inputs),
            neuron_type=nengo.SpikingRectifiedLinear(amplitude=0.0041234),
        )
        pool = circuit(windows, **options)
        nengo.Connection(spikes.neurons, pool.input, synapse=None)
        probe = nengo.Probe(pool.output)
        change(pool)
    return model, pool, probe


def has_overlaps(windows):
    """Whether an input is in several windows of a grid."""
    inputs = windows.indices[windows.indices >= 0]
    return windows.axes is not None and len(np.unique(inputs)) < len(inputs)


def operators_in(simulator):
    """Operators of a simulator that compute whole circuits."""
    steps = (PairwiseReLUStep, WinnerTakeAllStep)
    return [each for each in simulator.model.operators if isinstance(each, steps)]


def simulate(made, n_steps=150):
    """Run a model: outputs, and how many operators computed circuits."""
    model, _, probe = made
    with nengo.Simulator(model, progress_bar=False) as simulator:
        simulator.run_steps(n_steps)
        return simulator.data[probe], len(operators_in(simulator))


@each_circuit
@each_window
@pytest.mark.parametrize(
    "options",
    [{}, {"input_synapse": 0.004, "max_rate": 130, "input_range": (-1, 1)}],
    ids=["default", "options"],
)
def test_operator_has_the_spikes_of_the_circuit(circuit, windows, options, native):
    outputs, n_operators = simulate(model_of(circuit, windows, **options))
    native()
    expected, n_native = simulate(model_of(circuit, windows, **options))
    # comparators that windows share are left as they are
    shares = circuit is mpc.PairwiseReLU and has_overlaps(windows)
    assert (n_operators, n_native) == (not shares, 0)
    assert expected.any()
    np.testing.assert_allclose(outputs, expected, rtol=1e-9, atol=1e-9)


class Weaker(mpc.WinnerTakeAll):
    """Units that inhibit each other a little less."""

    def value_of(self, tunable):
        return 0.9 if tunable is INHIBITION else super().value_of(tunable)


def test_inhibition_of_another_strength(native):
    options = {"decoders": None, "neuron_type": mpc.IntegrateAndFire(-2.3, 0.7)}
    outputs, n_operators = simulate(model_of(Weaker, WINDOWS["odd"], **options))
    native()
    expected, _ = simulate(model_of(Weaker, WINDOWS["odd"], **options))
    assert n_operators == 1
    np.testing.assert_allclose(outputs, expected, rtol=1e-9, atol=1e-9)


def units_of(pool):
    """Neurons of a circuit."""
    return pool.all_ensembles[0].neurons


def connection_of(pool):
    """The connection from the input to the output, or to the first neurons."""
    return pool.connections[0]


def add_inside(pool):
    """Let a node add to the input of units."""
    with pool:
        node = nengo.Node(0.1)
        nengo.Connection(
            node, units_of(pool), transform=np.ones((units_of(pool).size_in, 1))
        )


CHANGES = {
    "probe": lambda pool: nengo.Probe(units_of(pool)),
    "probed voltage": lambda pool: nengo.Probe(units_of(pool), "voltage"),
    "probed connection": lambda pool: nengo.Probe(connection_of(pool)),
    "probe inside": lambda pool: pool.probes.append(
        nengo.Probe(pool.output, add_to_container=False)
    ),
    "read": lambda pool: nengo.Connection(
        units_of(pool), nengo.Node(size_in=units_of(pool).size_out)
    ),
    "driven": lambda pool: nengo.Connection(
        nengo.Node(-1), units_of(pool), transform=np.ones((units_of(pool).size_in, 1))
    ),
    "node inside": add_inside,
    "noise": lambda pool: setattr(
        pool.all_ensembles[0], "noise", nengo.processes.WhiteNoise(seed=0)
    ),
    "bias": lambda pool: setattr(
        pool.all_ensembles[0], "bias", np.ones(units_of(pool).size_in)
    ),
    "other neurons": lambda pool: setattr(
        pool.all_ensembles[0], "neuron_type", nengo.SpikingRectifiedLinear()
    ),
    "synapse": lambda pool: setattr(connection_of(pool), "synapse", 0.02),
    "weights": lambda pool: setattr(
        connection_of(pool),
        "transform",
        nengo.Sparse(
            connection_of(pool).transform.shape,
            init=1.001 * connection_of(pool).transform.init,
        ),
    ),
}


@each_circuit
@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_anything_unusual_leaves_the_circuit_as_it_is(circuit, change, native):
    windows = WINDOWS["tiles"]
    outputs, n_operators = simulate(model_of(circuit, windows, change), n_steps=20)
    native()
    expected, _ = simulate(model_of(circuit, windows, change), n_steps=20)
    assert n_operators == 0
    np.testing.assert_array_equal(outputs, expected)


@each_circuit
@pytest.mark.parametrize(
    "options",
    [{"n_neurons": 2}, {"neuron_type": nengo.LIF()}, {"synapse": 0.002}],
    ids=["n_neurons", "neuron_type", "synapse"],
)
def test_other_setups_have_no_operator(circuit, options):
    options = {"decoders": None, **options}
    _, n_operators = simulate(model_of(circuit, WINDOWS["tiles"], **options), 2)
    assert n_operators == 0


def test_network_without_pools_of_two_has_no_operator():
    _, n_operators = simulate(
        model_of(mpc.WinnerTakeAll, W.independent(n_pools=3, window_size=1)), 2
    )
    assert n_operators == 0


def test_other_networks_around_it_get_and_give_values(native):
    def change(pool):
        # its input and output may be used by others too
        other = nengo.Node(size_in=pool.input.size_out)
        nengo.Connection(pool.input, other, synapse=None)
        nengo.Connection(
            nengo.Node(0.25),
            pool.output,
            transform=np.ones((pool.output.size_in, 1)),
            synapse=None,
        )

    made = model_of(mpc.WinnerTakeAll, WINDOWS["tiles"], change)
    outputs, n_operators = simulate(made)
    native()
    expected, _ = simulate(made)
    assert n_operators == 1
    np.testing.assert_allclose(outputs, expected, rtol=1e-9, atol=1e-9)


def test_circuit_can_be_the_whole_network():
    pool = mpc.WinnerTakeAll(WINDOWS["tiles"])
    with nengo.Simulator(pool, progress_bar=False) as simulator:
        simulator.step()
        assert len(operators_in(simulator)) == 1


@each_circuit
def test_reset_starts_again(circuit):
    model, pool, probe = model_of(circuit, WINDOWS["tiles"])
    with nengo.Simulator(model, progress_bar=False) as simulator:
        simulator.run_steps(50)
        first = simulator.data[probe].copy()
        simulator.reset()
        simulator.run_steps(50)
        np.testing.assert_array_equal(simulator.data[probe], first)
        # what was built of native objects can still be looked at
        assert simulator.data[pool.all_ensembles[0]].gain.any()


def test_setting_must_be_true_or_false():
    nengo.rc.set("maxpool_circuits", "operators", "perhaps")
    with pytest.raises(ValidationError, match="true or false.*'perhaps'"):
        simulate(model_of(mpc.WinnerTakeAll, WINDOWS["tiles"]))
