"""The search for the best values of a circuit's parameters."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np

from ..network.decoders import TunedDecoders
from ..network.populations import FittedPopulation
from ..network.tunable import Tunable
from . import simulate
from .inputs import Inputs
from .least_squares import decoder_changes
from .response_surface import minimise
from .tuning_curves import LARGEST, optimise_tuning_curves

#: How much the decoders that a population has are trusted, next to what it does in the
#: running circuit: regularisation of the least squares, which is searched too.
REGULARISATION = Tunable("regularisation", 0.2, 0.01, 3)
#: Errors on values below this, in widths of the input range, are as good as it: what
#: corrects the bias of rectified noise cannot be exact on inputs without noise.
SMALL = 0.01
#: What one kind of input that gets worse weighs against those that get better, and by
#: how much (as a logarithm) it may get worse.
PENALTY, TOLERANCE = 5, 0.01
#: How much worse it may get on other inputs: what one sample tells is this uncertain.
TOLERANCE_IN_VALIDATION = 0.03
#: How much better, as a logarithm, tuned decoders have to be to be worth having.
WORTH_HAVING = 0.01
#: What counts as the logarithm of a ratio that cannot be measured.
WORST = 3.0


def n_runs(n_tunables):
    """Number of runs, at most, of a search for so many parameters: for progress."""
    n_numbers = 1 + n_tunables
    return 10 + 1 + 2 * n_numbers + runs_after_star(n_numbers)


def runs_after_star(n_numbers):
    """Number of runs of the response surface after the first ones."""
    return 4 + 2 * n_numbers


@dataclass(frozen=True)
class Experiment:
    """What candidates are tried out on."""

    #: Makes the circuit from windows and ``decoders``.
    circuit: Callable[..., Any]
    #: The inputs for "training", "validation" and "test", by name.
    sets: dict[str, dict[str, Inputs]]
    #: The inputs that decoders are fitted on.
    fitting: list[Inputs]
    #: Firing rate of the inputs, in Hz per unit value.
    input_rate: float
    seed: int
    #: What "latency" and "spikes" weigh, if they do; without any, no error may grow.
    weights: dict[str, float]
    #: Runs on several inputs at the same time.
    parallel: joblib.Parallel
    #: Takes a question and a function that answers it, to be called if that is new.
    recall: Callable[..., Any]
    #: Is called after each run.
    step: Callable[[], Any]


@dataclass(frozen=True)
class Trial:
    """A candidate, and what it did."""

    candidate: TunedDecoders
    #: Mean squared error of each pool, (n_pools,), by name of the inputs.
    errors: dict[str, np.ndarray]
    #: Bias, latency and spikes, where they count.
    costs: dict[str, float]


# --- runs -----------------------------------------------------------------------------


def try_out(experiment, candidate, name, regularise=None):
    """Run the circuit on a set of inputs, with decoders fitted first or not."""

    seed = experiment.seed

    def run():
        tried = candidate
        if regularise is not None:
            tried = fitted(experiment, candidate, regularise)
        circuit = functools.partial(experiment.circuit, decoders=tried)
        inputs = experiment.sets[name]
        groups = side_by_side(inputs)
        runs = experiment.parallel(
            joblib.delayed(simulate.errors)(circuit, list(group.values()), seed)
            for group in groups
        )
        errors = dict(zip(itertools.chain(*groups), itertools.chain(*runs)))
        costs = {}
        if experiment.weights or name == "test":
            workload = next(iter(inputs.values())).workload
            costs = simulate.costs(circuit, workload, experiment.input_rate, seed)
        return Trial(tried, errors, costs)

    trial = experiment.recall((name, candidate.digest, regularise), run)
    experiment.step()
    return trial


def fitted(experiment, candidate, regularise):
    """A candidate with decoders that suit what its populations do."""
    circuit = functools.partial(experiment.circuit, decoders=candidate)
    runs = experiment.parallel(
        joblib.delayed(simulate.record_populations)(circuit, inputs, experiment.seed)
        for inputs in experiment.fitting
    )
    changes = decoder_changes(runs, regularise)
    return dataclasses.replace(candidate, decoder_changes=changes)


def side_by_side(inputs):
    """Divide inputs into those that one network can run side by side.

    All have windows of one size; there are two groups at least, for two cores.
    """
    by_size = {}
    for name, own in inputs.items():
        by_size.setdefault(own.workload.windows.sizes.max(), {})[name] = own
    if len(by_size) > 1:
        return list(by_size.values())
    items = list(inputs.items())
    return [dict(items[::2]), dict(items[1::2])]


# --- what is minimised ----------------------------------------------------------------


class Objective:
    """How trials compare with one without tuning on the same inputs, by the weights."""

    def __init__(self, before, inputs, weights):
        self.before = before
        self.weights = weights
        self.squares = np.array([own.mean() for own in before.errors.values()])
        kinds = [inputs[name].kind for name in before.errors]
        self.shares = [kind.weight for kind in kinds]
        self.enough = np.array([0 if kind.spikes else SMALL for kind in kinds]) ** 2

    def changes(self, trial):
        """Logarithms of the ratios of errors, then of the costs that have a weight."""
        after = np.array([trial.errors[name].mean() for name in self.before.errors])
        costs = [trial.costs[name] / self.before.costs[name] for name in self.weights]
        changes = np.concatenate([np.log(after / self.squares) / 2, np.log(costs)])
        # a circuit that never settles has no latency
        return np.nan_to_num(changes, nan=WORST, posinf=WORST, neginf=WORST)

    def growths(self, changes):
        """Growth of the errors, as logarithms; all that are small enough are equal."""
        after = self.squares * np.exp(2 * changes[..., : len(self.squares)])
        before = np.maximum(self.squares, self.enough)
        return np.log(np.maximum(after, self.enough) / before) / 2

    def __call__(self, changes):
        """Mean growth, with a penalty on errors that grow if costs have no weight."""
        growths = self.growths(changes)
        mean = np.average(growths, axis=-1, weights=self.shares)
        if not self.weights:
            return mean + PENALTY * np.maximum(growths.max(axis=-1) - TOLERANCE, 0)
        return mean + changes[..., len(self.squares) :] @ list(self.weights.values())

    def of(self, trial):
        """The value for a trial."""
        return self(self.changes(trial))

    def worst(self, trial):
        """Largest growth of an error in a trial."""
        return self.growths(self.changes(trial)).max()

    def accepts(self, trial):
        """Whether a trial is better, and no error grows unless costs have weights."""
        better = self.of(trial) < -WORTH_HAVING
        tolerable = self.worst(trial) <= TOLERANCE_IN_VALIDATION
        return better and bool(self.weights or tolerable)


# --- the search -----------------------------------------------------------------------


def search(experiment, network):
    """The best values for a circuit, with their errors and costs in the report.

    If those that were best in training are worse on other inputs, values half-way to
    them may not be, or the best of those with which no error grew at all in training.
    """
    run = functools.cache(functools.partial(try_out, experiment))
    untuned = unchanged(network)

    def objective_on(name):
        return Objective(run(untuned, name), experiment.sets[name], experiment.weights)

    objective = objective_on("training")
    trials = [objective.before, *explore(experiment, network, untuned, objective, run)]
    best = min(trials, key=objective.of).candidate
    safe = [trial for trial in trials if objective.worst(trial) <= 0]
    safest = min(safe, key=objective.of).candidate

    validation = objective_on("validation")
    candidates = (best, half_way(untuned, best), safest)
    accepted = (c for c in candidates if validation.accepts(run(c, "validation")))
    tuned = next(accepted, untuned)

    errors = {
        name: compared(run(untuned, name), run(tuned, name), inputs, experiment.seed)
        for name, inputs in experiment.sets.items()
    }
    before, after = (run(candidate, "test").costs for candidate in (untuned, tuned))
    costs = {name: [before[name], after[name]] for name in before}
    return dataclasses.replace(tuned, report={"errors": errors, "costs": costs})


def explore(experiment, network, untuned, objective, run):
    """Trials in training of many parameters, with the decoders that suit them best."""
    tunables = (*network.free_tunables, REGULARISATION)
    trials = []

    def trial(point, curves):
        values = dict(zip((tunable.name for tunable in tunables), np.exp(point)))
        regularise = float(values.pop(REGULARISATION.name))
        candidate = dataclasses.replace(
            untuned, parameters=values, tuning_curves=curves
        )
        trials.append(run(candidate, "training", regularise))
        return trials[-1]

    def optimise():
        return {
            name: optimise_tuning_curves(population)
            for name, population in network.untuned_populations.items()
            if isinstance(population, FittedPopulation)
            and population.n_neurons <= LARGEST
        }

    start = np.log([tunable.default for tunable in tunables])
    curves = experiment.recall("tuning curves", optimise)
    # curves are chosen for the noise that the fit assumes; a run tells what it is
    if curves and objective.of(trial(start, curves)) >= objective.of(trial(start, {})):
        curves = {}
    minimise(
        lambda point: objective.changes(trial(point, curves)),
        objective,
        start,
        bounds=np.log([(tunable.low, tunable.high) for tunable in tunables]),
        n_runs=runs_after_star(len(tunables)),
        seed=experiment.seed,
    )
    return trials


def unchanged(network):
    """Values that change nothing in a network that was not tuned."""
    return TunedDecoders(
        network.setup,
        {
            name: np.zeros_like(population.decoders)
            for name, population in network.untuned_populations.items()
        },
        {tunable.name: tunable.default for tunable in network.free_tunables},
    )


def half_way(untuned, best):
    """Values between those by formula and the best ones, whose tuning curves it has."""
    changes = {name: values / 2 for name, values in best.decoder_changes.items()}
    parameters = {
        name: np.sqrt(value * best.parameters[name])
        for name, value in untuned.parameters.items()
    }
    return dataclasses.replace(best, decoder_changes=changes, parameters=parameters)


def compared(before, after, inputs, seed):
    """Errors of two trials, and a confidence interval of their ratio."""
    rng = np.random.RandomState(seed)
    measured = {}
    for name in inputs:
        old, new = before.errors[name], after.errors[name]
        drawn = rng.randint(len(old), size=(1000, len(old)))
        ratios = new[drawn].sum(axis=1) / old[drawn].sum(axis=1)
        measured[name] = [
            float(np.sqrt(old.mean())),
            float(np.sqrt(new.mean())),
            *np.sqrt(np.percentile(ratios, (2.5, 97.5))).tolist(),
        ]
    return measured
