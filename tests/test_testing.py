"""The shipped checks find what they are for, and say it."""

import functools
import subprocess
import sys

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError
from nengo.params import Default

import maxpool_circuits as mpc
from maxpool_circuits.network.populations import PopulationArray, rectifier
from maxpool_circuits.testing import (
    check,
    check_circuit,
    checks,
    common_checks,
    parametrize_with_checks,
)

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


def positional(windows, n_neurons=Default, **options):
    """Take what should be a keyword."""
    return mpc.WinnerTakeAll(windows, n_neurons=n_neurons, **options)


def forgiving(windows, **options):
    """Replace arguments that are bad by the defaults, without a word."""
    try:
        return mpc.WinnerTakeAll(windows, **options)
    except ValidationError:
        return mpc.WinnerTakeAll(WINDOWS)


def any_rate(windows, max_rate=250, **options):
    """Take the nearest rate that the default neurons reach."""
    return mpc.WinnerTakeAll(windows, max_rate=min(max_rate, 250))


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
    LosesSign: ["negative_maximum"],
    OneEnsemblePerPool: ["number_of_objects", "populations_can_be_tuned"],
    Unseeded: ["same_seed"],
    AlwaysTheSame: ["another_seed"],
    Shared: ["two_in_a_model"],
    BadCopy: ["copies"],
    OwnNeuronType: ["shared_arguments"],
    SaturatesSoon: ["neuron_type"],
    HiddenNeurons: ["populations_can_be_tuned"],
    WithFunction: ["input_and_output"],
    outside: ["use_in_a_model"],
    positional: ["only_keywords"],
    forgiving: ["bad_argument"],
    seconds_are_milliseconds: ["shared_arguments"],
    any_rate: ["rate_out_of_reach"],
    rate_in_kilohertz: ["shared_arguments"],
}


@pytest.mark.parametrize(
    "circuit, name",
    [(circuit, name) for circuit, names in FAILING.items() for name in names],
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

KEYWORDS, MAXIMUM, SIGMOID = "only_keywords", "maximum[2-D]", "neuron_type[Sigmoid]"
FEW = (KEYWORDS, MAXIMUM, SIGMOID)
by_name = {each.name: each for each in checks()}


@pytest.fixture
def few_checks(monkeypatch):
    """Leave three quick checks; one does not apply where there are no neurons."""
    few = {name: common_checks.FUNCTIONS[name] for name in FEW}
    monkeypatch.setattr(check, "FUNCTIONS", few)


def test_check_circuit_runs_all(few_checks):
    check_circuit("exact")
    with pytest.raises(AssertionError) as error:
        check_circuit(WrongMaximum)
    for part in ("2 checks", "WrongMaximum", MAXIMUM, "must be below 0.03"):
        assert part in str(error.value)
    assert KEYWORDS not in str(error.value)


def test_check_circuit_reports_errors_of_all_kinds(few_checks):
    def broken(windows, **options):
        raise KeyError("synapse")

    with pytest.raises(AssertionError, match="3 checks") as error:
        check_circuit(broken)
    for part in (*FEW, "KeyError: 'synapse'"):
        assert part in str(error.value)


def test_known_failures_must_fail(few_checks):
    known = {MAXIMUM: "adds 0.5", SIGMOID: "adds 0.5"}
    check_circuit(WrongMaximum, known_failures=known)
    with pytest.raises(AssertionError, match=r"known failure \(it is\), but passes"):
        check_circuit(WrongMaximum, known_failures={**known, KEYWORDS: "it is"})


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
    with pytest.raises(AssertionError, match="below 0.01"):
        maximum(Honest, constant=0.01)
    maximum(Imprecise, constant=0.1)


def test_tolerance_of_neuron_types():
    sigmoid = by_name[SIGMOID]
    with pytest.raises(AssertionError, match="must be below 0.001"):
        sigmoid("pairwise-relu", Sigmoid=0.001)
    with pytest.raises(AssertionError, match="must be below 0.15"):
        sigmoid(SaturatesSoon)
    # with other neurons a circuit may be as wrong as it is anyway
    sigmoid(SaturatesSoon, constant=0.7, LIF=0.001)


@pytest.mark.parametrize(
    "options, wrong",
    [
        ({"sigmoid": 0.1}, "no tolerance 'sigmoid'.*did you mean 'Sigmoid'"),
        ({"constant": 0}, "constant: .*above 0.*got 0"),
        ({"known_failures": {"maximun": "misspelt"}}, "no check 'maximun'"),
    ],
)
def test_unknown_names_and_impossible_tolerances_are_refused(options, wrong):
    with pytest.raises(ValidationError, match=wrong):
        check_circuit("exact", **options)


# --- pytest ---------------------------------------------------------------------------


def cases(*args, **options):
    """Parameter sets of the decorator, by their names."""
    mark = parametrize_with_checks(*args, **options).mark
    assert mark.args[0] == ("circuit", "check")
    return {case.id: case for case in mark.args[1]}


def test_one_test_for_each_circuit_and_check():
    fast = functools.partial(mpc.PairwiseReLU, max_rate=1000)
    found = cases(["exact", fast, outside])
    assert len(found) == 3 * len(checks())
    names = ["exact", "PairwiseReLU(max_rate=1000)", "outside"]
    for name, circuit in zip(names, ["exact", fast, outside]):
        for each in checks():
            assert found[f"{name}-{each}"].values == (circuit, each)
            assert not found[f"{name}-{each}"].marks


def test_known_failure_is_an_expected_failure_of_pytest():
    found = cases([WrongMaximum], {"WrongMaximum": {"maximum[2-D]": "adds 0.5"}})
    (mark,) = found.pop("WrongMaximum-maximum[2-D]").marks
    assert (mark.name, mark.kwargs) == ("xfail", {"reason": "adds 0.5", "strict": True})
    assert not any(case.marks for case in found.values())


def test_checks_need_no_pytest():
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "from maxpool_circuits.testing import checks\n"
        "checks()[0]('winner-take-all')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
