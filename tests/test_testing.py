"""The shipped checks find what they are for, and say it."""

import functools
import subprocess
import sys

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.network.populations import PopulationArray, rectifier
from maxpool_circuits.testing import checks, run_circuit

WINDOWS = mpc.PoolWindows.independent(n_pools=2, window_size=2)


def kind(each):
    """Name of a check without the case."""
    return str(each).split("[")[0]


CHECKS = {}
for each in checks():
    CHECKS.setdefault(kind(each), []).append(each)


# --- circuits that are wrong in one way -----------------------------------------------


class WrongMaximum(mpc.WinnerTakeAll):
    """A circuit that gives too much."""

    def build_circuit(self):
        super().build_circuit()
        bias = nengo.Node(np.full(self.windows.n_pools, 0.5))
        nengo.Connection(bias, self.output, synapse=None)


class DependsOnOthers(mpc.WinnerTakeAll):
    """A circuit whose pools get a little of the first input, and no more."""

    def build_circuit(self):
        super().build_circuit()
        first = np.zeros((self.windows.n_pools, self.windows.n_inputs))
        first[:, 0] = 0.01
        nengo.Connection(self.input, self.output, transform=first, synapse=None)


class NoMaximumOfSingles(mpc.ExactMax):
    """A circuit that is right only if no window has one input."""

    def _pass_single_inputs(self):
        pass


class IgnoresRange(mpc.WinnerTakeAll):
    """A circuit that works for inputs from 0 to 1 only."""

    def build_circuit(self):
        super().build_circuit()
        low, high = self.input_range
        bias = nengo.Node(np.full(self.windows.n_pools, (low + high) - 1.0))
        nengo.Connection(bias, self.output, synapse=None)


class LosesSign(mpc.ExactMax):
    """A circuit that gives no negative maximum."""

    def build_circuit(self):
        middle = nengo.Node(lambda t, x: np.maximum(x, 0), size_in=self.windows.n_pools)
        transform = mpc.MaxPool(self.windows)
        nengo.Connection(self.input, middle, transform=transform, synapse=None)
        nengo.Connection(middle, self.output, synapse=None)


class OneEnsemblePerPool(mpc.MaxPoolNetwork):
    """The obvious circuit, which takes seconds to build for a layer."""

    def build_circuit(self):
        for pool in self.pools:
            ensemble = nengo.Ensemble(20, 2)
            inputs = self.windows.indices[pool, :2]
            nengo.Connection(self.input[inputs], ensemble)
            nengo.Connection(ensemble, self.output[pool], function=max)


class Unseeded(mpc.ExactMax):
    """A circuit with randomness of its own."""

    def build_circuit(self):
        super().build_circuit()
        offset = nengo.Node(np.random.uniform(size=self.windows.n_pools))
        nengo.Connection(offset, self.output, synapse=None)


class AlwaysTheSame(mpc.PairwiseReLU):
    """A circuit whose neurons all start at rest, whatever the seed."""

    @property
    def default_neuron_type(self):
        return nengo.RectifiedLinear()


class Shared(mpc.ExactMax):
    """A circuit that is disturbed by others."""

    def build_circuit(self):
        super().build_circuit()
        # depends on how many there are in the model
        others = len(nengo.Network.context[0].networks) - 1
        offset = nengo.Node(np.full(self.windows.n_pools, float(others)))
        nengo.Connection(offset, self.output, synapse=None)


class BadCopy(mpc.ExactMax):
    """A circuit whose copies are other ones."""

    def __getstate__(self):
        return {**super().__getstate__(), "max_rate": 1}


class OwnNeuronType(mpc.PairwiseReLU):
    """A circuit that prefers other neurons than those it was given."""

    def build_circuit(self):
        self.neuron_type = nengo.LIF(tau_rc=0.03)
        super().build_circuit()


class SaturatesSoon(mpc.WinnerTakeAll):
    """A circuit that is right with its default neurons only."""

    def build_circuit(self):
        super().build_circuit()
        if not isinstance(self.neuron_type, mpc.IntegrateAndFire) or (
            self.neuron_type.amplitude != 1
        ):
            bias = nengo.Node(np.full(self.windows.n_pools, 0.5))
            nengo.Connection(bias, self.output, synapse=None)


class HiddenNeurons(mpc.MaxPoolNetwork):
    """A circuit whose neurons tuning does not find."""

    def build_circuit(self):
        comparator = rectifier(
            self.neuron_type, self.neurons_per_part, self.max_rate, self.half_range
        )
        PopulationArray(comparator, len(self.pools))


class WithFunction(mpc.ExactMax):
    """A circuit whose output is no passthrough node."""

    def build_circuit(self):
        super().build_circuit()
        self.output.output = lambda t, x: x


def outside(windows, **options):
    """Make a network that the model does not know of."""
    return mpc.ExactMax(windows, **{**options, "add_to_container": False})


def forgiving(windows, **options):
    """Replace arguments that are bad by the defaults, without a word."""
    try:
        return mpc.WinnerTakeAll(windows, **options)
    except ValidationError:
        return mpc.WinnerTakeAll(WINDOWS)


def seconds_are_milliseconds(windows, **options):
    """Take time constants in another unit."""
    for name in ("synapse", "input_synapse"):
        if isinstance(options.get(name), float):
            options[name] /= 1000
    return mpc.WinnerTakeAll(windows, **options)


def rate_in_kilohertz(windows, max_rate=0.25, **options):
    """Take a rate in another unit."""
    return mpc.WinnerTakeAll(windows, max_rate=1000 * max_rate, **options)


# Checks of a kind that each of them must fail, in at least one case.
FAILING = {
    WrongMaximum: ["maximum", "time_step", "pools_of_pools", "nengo_dl"],
    DependsOnOthers: ["pools_are_independent"],
    NoMaximumOfSingles: ["maximum"],
    IgnoresRange: ["input_range"],
    LosesSign: ["input_range"],
    OneEnsemblePerPool: ["number_of_objects", "populations_can_be_tuned"],
    Unseeded: ["same_seed"],
    AlwaysTheSame: ["another_seed"],
    Shared: ["two_in_a_model"],
    BadCopy: ["copies"],
    OwnNeuronType: ["shared_arguments"],
    SaturatesSoon: ["neuron_type"],
    HiddenNeurons: ["populations_can_be_tuned"],
    WithFunction: ["input_and_output"],
    outside: ["pools_of_pools"],
    forgiving: ["bad_argument"],
    seconds_are_milliseconds: ["shared_arguments"],
    rate_in_kilohertz: ["shared_arguments"],
}


@pytest.mark.parametrize(
    "circuit, name",
    [
        # that one compiles for NengoDL
        pytest.param(
            circuit, name, marks=[pytest.mark.slow] if name == "nengo_dl" else []
        )
        for circuit, names in FAILING.items()
        for name in names
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_check_fails_for_a_circuit_that_is_wrong(circuit, name):
    # one case is enough; some are so wrong that the check cannot be carried out
    with pytest.raises(Exception, match="."):
        for each in CHECKS[name]:
            each(circuit)


def test_every_check_has_a_circuit_that_fails_it():
    assert {name for names in FAILING.values() for name in names} == set(CHECKS)


# --- running them ---------------------------------------------------------------------

MAXIMUM, SIGMOID = "maximum[2-D]", "neuron_type[Sigmoid]"
by_name = {each.name: each for each in checks()}


def test_run_circuit_leaves_nothing_in_the_model():
    windows = mpc.PoolWindows.independent(n_pools=1, window_size=2)
    with nengo.Network() as model:
        run_circuit("exact", windows, [[0, 1]])
    assert model.all_objects == []


# --- tolerances -----------------------------------------------------------------------


class Imprecise(mpc.ExactMax):
    """A circuit that is a little wrong, and states no tolerance."""

    check_tolerances = {}
    error = 0.06

    def build_circuit(self):
        super().build_circuit()
        bias = nengo.Node(np.full(self.windows.n_pools, self.error))
        nengo.Connection(bias, self.output, synapse=None)


class Honest(Imprecise):
    """The same, stated by its author."""

    check_tolerances = {"constant": 0.07}


def test_author_states_the_tolerance():
    maximum = by_name[MAXIMUM]
    with pytest.raises(AssertionError, match=r"below 0.05, got 0.06.*check_tolerances"):
        maximum(Imprecise)
    maximum(Honest)
    maximum(functools.partial(functools.partial(Honest, label="a"), seed=1))


def test_tolerance_of_neuron_types():
    def with_tolerances(**tolerances):
        return type("Own", (SaturatesSoon,), {"check_tolerances": tolerances})

    sigmoid = by_name[SIGMOID]
    with pytest.raises(AssertionError, match="must be below 0.001"):
        sigmoid(with_tolerances(Sigmoid=0.001))
    with pytest.raises(AssertionError, match="must be below 0.15"):
        sigmoid(SaturatesSoon)
    # with other neurons a circuit may be as wrong as it is anyway
    sigmoid(with_tolerances(constant=0.7, LIF=0.001))
    with pytest.raises(ValidationError, match="no tolerance 'sigmoid'.*'Sigmoid'"):
        sigmoid(with_tolerances(sigmoid=0.1))


def test_checks_need_no_pytest():
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "from maxpool_circuits.testing import checks\n"
        "checks()[0]('winner-take-all')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
