"""Circuits by name."""

import functools
import inspect

import nengo
import pytest
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.registry import find, with_defaults

WINDOWS = mpc.PoolWindows.independent(n_pools=2, window_size=3)
CIRCUITS = mpc.circuits()


class Mine(mpc.MaxPoolNetwork):
    """A user's circuit, which does not compute anything."""

    def build_circuit(self):
        """Build nothing."""


@pytest.fixture
def registered():
    """Name of a user's circuit while it is registered."""
    mpc.register("mine", Mine)
    yield "mine"
    if "mine" in mpc.circuits():
        mpc.unregister("mine")


def assert_refused(argument, fragments, function, *args):
    """Check that an argument is refused with a message that says why."""
    with pytest.raises(ValidationError) as error:
        function(*args)
    assert error.value.attr == argument
    for fragment in fragments:
        assert fragment in str(error.value)


def test_every_circuit_of_the_library_is_registered_and_public():
    exported = {getattr(mpc, name) for name in mpc.__all__}
    classes = {value for value in exported if inspect.isclass(value)}
    found = {c for c in classes if issubclass(c, mpc.MaxPoolNetwork)}
    assert found == {mpc.MaxPoolNetwork, *CIRCUITS.values()}
    assert CIRCUITS["winner-take-all"] is mpc.WinnerTakeAll


def test_circuits_returns_a_copy():
    mpc.circuits().clear()
    mpc.circuits()["mine"] = Mine
    assert mpc.circuits() == CIRCUITS


# --- make -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", CIRCUITS)
def test_make_by_name_or_class(name):
    with nengo.Network() as model:
        pools = [
            mpc.make(circuit, WINDOWS, max_rate=100, label="pool", seed=1)
            for circuit in (name, CIRCUITS[name])
        ]
    assert model.networks == pools
    for pool in pools:
        assert type(pool) is CIRCUITS[name]
        assert pool.windows is WINDOWS
        assert (pool.max_rate, pool.label, pool.seed) == (100, "pool", 1)


def test_make_by_callable():
    fast = functools.partial(mpc.PairwiseReLU, max_rate=1000)
    assert mpc.make(fast, WINDOWS).max_rate == 1000
    assert mpc.make(fast, WINDOWS, max_rate=10).max_rate == 10


@pytest.mark.parametrize("name", ["winner_take_all", "", None, 3, ["exact"]])
def test_unknown_circuit(name):
    for function in (find, lambda name: mpc.make(name, WINDOWS)):
        assert_refused("circuit", [repr(name), *map(repr, CIRCUITS)], function, name)


def no_network(windows):
    """Return something else."""
    return windows


def without_output(windows):
    """Make a network that nobody can connect from."""
    with nengo.Network() as network:
        network.input = nengo.Node(size_in=windows.n_inputs)
    return network


def too_narrow(windows):
    """Make a network whose output has one pool too few."""
    with nengo.Network() as network:
        network.input = nengo.Node(size_in=windows.n_inputs)
        network.output = nengo.Node(size_in=windows.n_pools - 1)
    return network


@pytest.mark.parametrize(
    "circuit, fragments",
    [
        (no_network, ["no_network", "nengo.Network with a node called input"]),
        (without_output, ["without_output", "node called output"]),
        (too_narrow, ["output", "too_narrow", "size 2"]),
    ],
)
def test_callable_that_makes_no_max_pool_network(circuit, fragments):
    assert_refused("circuit", fragments, mpc.make, circuit, WINDOWS)


def test_make_takes_windows_only():
    for circuit in ("exact", too_narrow, mpc.per_window(too_narrow)):
        fragments = ["maxpool_circuits.PoolWindows", "got 5"]
        assert_refused("windows", fragments, mpc.make, circuit, 5)


class Refused(mpc.MaxPoolNetwork):
    """A circuit that is refused while it is built."""

    def build_circuit(self):
        """Make something, then refuse it."""
        nengo.Ensemble(1, dimensions=self.input.size_in)
        raise ValidationError("no", attr="windows")


@pytest.mark.parametrize(
    "make",
    [
        Refused,
        too_narrow,
        functools.partial(mpc.MinPool, circuit=Refused),
        mpc.per_window(no_network),
        lambda windows: mpc.max_pool(nengo.Node([1] * 6), windows, circuit=Refused),
    ],
)
def test_what_is_refused_while_it_is_built_leaves_nothing_in_the_model(make):
    with nengo.Network() as model:
        kept = nengo.Node([1] * 6)
        with pytest.raises(ValidationError):
            mpc.make(make, WINDOWS)
    assert model.all_objects == [kept]


# --- register -------------------------------------------------------------------------


def test_registered_circuit_is_found(registered):
    assert mpc.circuits() == {**CIRCUITS, registered: Mine}
    assert find(registered) is Mine
    assert type(mpc.make(registered, WINDOWS)) is Mine


def test_unregistered_circuit_is_unknown(registered):
    mpc.unregister(registered)
    assert mpc.circuits() == CIRCUITS
    assert_refused("circuit", [repr(registered)], find, registered)
    assert_refused("name", [repr(registered)], mpc.unregister, registered)


def test_taken_name(registered):
    fragments = [repr("exact"), "ExactMax", "another name", "unregister"]
    assert_refused("name", fragments, mpc.register, "exact", Mine)
    assert find("exact") is mpc.ExactMax
    assert find(registered) is Mine


@pytest.mark.parametrize("name", ["", None, 3])
def test_bad_name(name):
    assert_refused("name", [f"got {name!r}"], mpc.register, name, Mine)


@pytest.mark.parametrize("circuit", ["exact", None, Mine(WINDOWS)])
def test_bad_circuit(circuit):
    fragments = ["MaxPoolNetwork", f"got {circuit!r}"]
    assert_refused("circuit", fragments, mpc.register, "mine", circuit)
    assert mpc.circuits() == CIRCUITS


# --- defaults -------------------------------------------------------------------------


class Unusual(functools.partial):
    """A partial that `functools.partial` does not merge with its own."""


TREE = mpc.PairwiseReLU


@pytest.mark.parametrize(
    "circuit, max_rate",
    [
        (TREE, 100),
        (functools.partial(TREE), 100),
        (functools.partial(functools.partial(TREE, n_neurons=2), synapse=0.1), 100),
        (Unusual(functools.partial(TREE)), 100),
        (functools.partial(TREE, max_rate=500), 500),
        (functools.partial(functools.partial(TREE, max_rate=500), n_neurons=2), 500),
        (Unusual(Unusual(TREE, max_rate=500), n_neurons=2), 500),
        (Mine, 100),
    ],
)
def test_defaults_reach_a_class_and_every_partial_of_it(circuit, max_rate):
    pool = with_defaults(circuit, max_rate=100, label="mine")(WINDOWS)
    assert (pool.max_rate, pool.label) == (max_rate, "mine")


def takes_options(windows, **options):
    """Make a circuit with options of its own."""
    return mpc.PairwiseReLU(windows, **options)


@pytest.mark.parametrize(
    "circuit", [takes_options, functools.partial(takes_options), nengo.Network, len]
)
def test_callables_that_are_no_circuit_class_get_no_defaults(circuit):
    assert with_defaults(circuit, max_rate=100) is circuit
