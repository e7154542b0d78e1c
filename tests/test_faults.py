"""Circuits on hardware that is not perfect."""

import functools

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.tuning import search

WINDOWS = mpc.PoolWindows.independent(n_pools=100, window_size=4)
CAN_FAIL = [name for name in mpc.circuits() if name != "exact"]
pytestmark = pytest.mark.filterwarnings("ignore:no tuned decoders")


def make(circuit, windows=WINDOWS, **options):
    with nengo.Network(add_to_container=False):
        return mpc.make(circuit, windows, seed=0, **options)


def weights_of(network):
    """Weights of each connection from or to neurons."""
    found = []
    for connection in network.all_connections:
        if any("Neurons" in repr(end) for end in (connection.pre, connection.post)):
            weights = np.ones(connection.size_mid)
            if not isinstance(connection.transform, nengo.transforms.NoTransform):
                weights = connection.transform.sample()
            if hasattr(weights, "allocate"):
                weights = weights.allocate()
            found.append(getattr(weights, "data", weights))
    return found


@pytest.mark.parametrize("circuit", CAN_FAIL)
def test_dead_neurons_never_fire_and_all_others_are_as_they_were(circuit):
    windows = mpc.PoolWindows.independent(n_pools=20, window_size=4)
    x = np.random.RandomState(0).uniform(size=80)
    spikes, bias = {}, {}
    for faults in (None, mpc.Faults(dead=0.3, seed=1)):
        with nengo.Network(seed=0) as model:
            pool = mpc.make(circuit, windows, faults=faults)
            nengo.Connection(nengo.Node(x), pool.input, synapse=None)
            probes = [nengo.Probe(each.neurons) for each in pool.all_ensembles]
        with nengo.Simulator(model, progress_bar=False) as sim:
            sim.run_steps(300)
        spikes[faults] = np.hstack([sim.data[probe].sum(axis=0) for probe in probes])
        bias[faults] = np.hstack([each.bias for each in pool.all_ensembles])
    dead = bias[faults] != bias[None]
    assert dead.mean() == pytest.approx(0.3, abs=0.1)
    assert spikes[None][dead].any()
    assert not spikes[faults][dead].any()
    assert spikes[faults][~dead].any()


def test_weights_are_rounded_to_so_many_bits():
    pool = make("ensemble", faults=mpc.Faults(bits=4))
    for exact, rounded in zip(weights_of(make("ensemble")), weights_of(pool)):
        levels = np.unique(np.abs(rounded))
        assert len(levels) <= 2**3
        step = np.abs(exact).max() / 7
        assert np.abs(rounded - exact).max() <= step / 2 * (1 + 1e-9)


def test_weights_are_off_by_the_noise():
    pool = make("ensemble", faults=mpc.Faults(weight_noise=0.1))
    for exact, noisy in zip(weights_of(make("ensemble")), weights_of(pool)):
        errors = noisy / exact - 1
        assert np.std(errors) == pytest.approx(0.1, rel=0.1)
        assert np.mean(errors) == pytest.approx(0, abs=0.01)


def test_the_same_seed_gives_the_same_faults():
    def network(seed):
        return make("softmax", faults=mpc.Faults(dead=0.1, weight_noise=0.1, seed=seed))

    first, again, other = (
        np.hstack([*weights_of(network(seed)), network(seed).all_ensembles[0].bias])
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("circuit", ["pairwise-relu", "winner-take-all"])
@pytest.mark.parametrize("faults", [{"dead": 0.2}, {"weight_noise": 0.1}, {"bits": 3}])
def test_operators_do_not_hide_faults(circuit, faults):
    x = np.random.RandomState(0).uniform(size=400)
    outputs = []
    for allowed in ("True", "False"):
        nengo.rc.set("maxpool_circuits", "operators", allowed)
        try:
            with nengo.Network(seed=0) as model:
                options = {"decoders": None, "faults": mpc.Faults(**faults)}
                pool = mpc.make(circuit, WINDOWS, **options)
                nengo.Connection(nengo.Node(x), pool.input, synapse=None)
                probe = nengo.Probe(pool.output, synapse=0.02)
            with nengo.Simulator(model, progress_bar=False) as sim:
                sim.run_steps(200)
        finally:
            nengo.rc.remove_option("maxpool_circuits", "operators")
        outputs.append(sim.data[probe])
    assert np.allclose(*outputs, atol=1e-9)


def test_tuning_with_faults_lowers_the_error_with_other_faults(monkeypatch):
    monkeypatch.setattr(search, "runs_after_star", lambda n_numbers: 3)
    options = {"n_neurons": 10, "faults": mpc.Faults(dead=0.3)}
    tuned = mpc.tune(
        "ensemble", window_size=2, n_pools=10, progress_bar=False, **options
    )
    options["faults"] = mpc.Faults(dead=0.3, seed=1)
    circuit = functools.partial(mpc.EnsembleMax, **options)
    table = mpc.compare(
        {
            "perfect": functools.partial(circuit, decoders=None),
            "tuned": functools.partial(circuit, decoders=tuned),
        },
        window_size=2,
        workload="constant",
        n_pools=60,
        seed=2**31,
    )
    rmse = table["rmse"]
    assert rmse["tuned"] < 0.8 * rmse["perfect"]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"dead": 1}, "below 1, got 1"),
        ({"dead": -0.1}, "0 or more, below 1"),
        ({"dead": "0.1"}, "'0.1'"),
        ({"weight_noise": np.inf}, "finite"),
        ({"weight_noise": np.nan}, "finite"),
        ({"bits": 1}, "from 2 to 64"),
        ({"bits": 4.0}, "from 2 to 64"),
        ({"seed": -1}, "seed"),
    ],
)
def test_impossible_faults_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        mpc.Faults(**options)


def test_what_cannot_fail_is_refused():
    with pytest.raises(ValidationError, match="must be maxpool_circuits.Faults"):
        make("winner-take-all", faults=0.1)
    with pytest.raises(ValidationError, match="ExactMax has no neurons"):
        make("exact", faults=mpc.Faults(dead=0.1))


class Decoded(mpc.MaxPoolNetwork):
    """A circuit of somebody who leaves weights to Nengo."""

    def build_circuit(self):
        ensemble = nengo.Ensemble(10, dimensions=self.input.size_out)
        nengo.Connection(self.input, ensemble)
        nengo.Connection(ensemble, self.output, function=max)


def test_what_the_simulator_finds_is_refused():
    windows = mpc.PoolWindows.independent(n_pools=1, window_size=2)
    with pytest.raises(ValidationError, match="cannot be dead.*self.replicate"):
        make(Decoded, windows, faults=mpc.Faults(dead=0.9))
    with pytest.raises(ValidationError, match="cannot fail: they are found when"):
        make(Decoded, windows, faults=mpc.Faults(bits=8))
