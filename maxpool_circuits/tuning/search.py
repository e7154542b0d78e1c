"""The search for the best values of a circuit's parameters."""

import functools

import numpy as np

from ..network.tunable import Tunable
from ..network.tuned import TunedDecoders
from .response_surface import minimise
from .trials import unchanged

#: How much the decoders that a population has are trusted, next to what it does in the
#: running circuit: regularisation of the least squares, which is searched too.
REGULARISATION = Tunable("regularisation", 0.2, 0.01, 3)
#: Errors on values below this, in widths of the input range, are as good as it: what
#: corrects the bias of rectified noise cannot be exact on inputs without noise.
SMALL = 0.01
#: What one kind of input that gets worse weighs against those that get better, and by
#: how much (as a logarithm) it may get worse.
PENALTY, TOLERANCE = 5, 0.01
#: How much better, as a logarithm, tuned decoders have to be to be worth having.
WORTH_HAVING = 0.01
#: What counts as the logarithm of a ratio that cannot be measured.
WORST = 3.0


def n_questions(n_tunables):
    """Number of questions that a search of so many parameters asks, for progress."""
    n_numbers = 1 + n_tunables
    return 15 + 2 * (1 + 2 * n_numbers + runs_after_star(n_numbers))


def runs_after_star(n_numbers):
    """Number of runs of the response surface after the first ones."""
    return 4 + 2 * n_numbers


class Search:
    """The best values so far, and how they are compared with others.

    Parameters
    ----------
    trials : Trials
        Runs the circuit.
    network : MaxPoolNetwork
        One pool of the untuned circuit.
    weights : dict of {str: float}
        What "latency" and "spikes" weigh; without any, no error may grow.
    """

    def __init__(self, trials, network, weights):
        self.trials = trials
        self.weights = {name: weight for name, weight in weights.items() if weight}
        self.tunables = network.free_tunables
        self.untuned = unchanged(network)
        self.populations = network.untuned_populations
        self.tuning_curves = {}
        self.before = trials.errors(self.untuned, "training")
        self.shares = [self._kind(name).weight for name in self.before]
        self.best, self.least = self.untuned, 0.0
        self.safest, self.least_safe = self.untuned, 0.0

    def run(self):
        """Search the parameters, each time with the decoders that suit them best."""
        tunables = (*self.tunables, REGULARISATION)
        names = [tunable.name for tunable in tunables]
        bounds = np.log([(tunable.low, tunable.high) for tunable in tunables])
        start = np.log([tunable.default for tunable in tunables])

        def measure(point):
            values = dict(zip(names, np.exp(point)))
            return self.try_out(values, values.pop(REGULARISATION.name))

        self.tuning_curves = self._better_tuning_curves(lambda: measure(start))
        minimise(
            measure,
            functools.partial(self.objective, before=self.before),
            start,
            bounds,
            n_runs=runs_after_star(len(tunables)),
            seed=self.trials.seed,
        )

    def _better_tuning_curves(self, measure):
        """Tuning curves by formula, or those that suit the function if they do better.

        They are chosen for the function and for the noise that the fit assumes; only a
        run tells what the noise of the circuit makes of it.
        """
        optimised = self.trials.tuning_curves(self.populations)
        if not optimised:
            return {}
        objectives = []
        for curves in ({}, optimised):
            self.tuning_curves = curves
            objectives.append(self.objective(measure(), self.before))
        return optimised if objectives[1] < objectives[0] else {}

    def try_out(self, parameters, regularise):
        """Fit decoders for some parameters, measure, and keep what is the best."""
        candidate = self._candidate(self.untuned.decoder_changes, parameters)
        changes = self.trials.decoder_changes(candidate, "training", regularise)
        candidate = self._candidate(changes, parameters)
        measured = self.measure(candidate, self.before, "training")
        objective = self.objective(measured, self.before)
        if objective < self.least:
            self.best, self.least = candidate, objective
        if objective < self.least_safe and self.gains(measured, self.before).max() <= 0:
            self.safest, self.least_safe = candidate, objective
        return measured

    def _candidate(self, changes, parameters):
        return TunedDecoders(
            self.untuned.setup, changes, parameters, self.tuning_curves
        )

    def measure(self, candidate, before, draw):
        """Logarithms of errors, and of costs that matter, relative to those before."""
        after = self.trials.errors(candidate, draw)
        changes = [
            np.log(after[name].mean() / before[name].mean()) / 2 for name in after
        ]
        if self.weights:
            then, now = (self.trials.costs(c, draw) for c in (self.untuned, candidate))
            changes += [np.log(now[name] / then[name]) for name in self.weights]
        # a circuit that never settles has no latency
        return np.nan_to_num(changes, nan=WORST, posinf=WORST, neginf=WORST)

    def objective(self, measured, before):
        """Mean logarithm of the errors, relative to those before, and of the costs."""
        gains = self.gains(measured, before)
        mean = np.average(gains, axis=-1, weights=self.shares)
        if not self.weights:
            return mean + PENALTY * np.maximum(gains.max(axis=-1) - TOLERANCE, 0)
        return mean + measured[..., len(before) :] @ list(self.weights.values())

    def gains(self, measured, before):
        """Logarithms of the ratios of errors, with those that are small enough."""
        squares = np.array([own.mean() for own in before.values()])
        enough = np.array([0 if self._kind(n).spikes else SMALL for n in before]) ** 2
        after = squares * np.exp(2 * measured[..., : len(before)])
        return np.log(np.maximum(after, enough) / np.maximum(squares, enough)) / 2

    def _kind(self, name):
        """The kind of the inputs of a name, the same in all draws."""
        return self.trials.draws["training"][name].kind

    def checked(self, draw):
        """The best values that are nowhere worse on other inputs either.

        If those that were best in training are not, values half-way to them may be, or
        the best of those with which no error grew at all in training.
        """
        before = self.trials.errors(self.untuned, draw)
        for candidate in (self.best, self._half_way(), self.safest):
            measured = self.measure(candidate, before, draw)
            worst = self.gains(measured, before).max()
            better = self.objective(measured, before) < -WORTH_HAVING
            if better and (self.weights or worst <= TOLERANCE):
                return candidate
        return self.untuned

    def _half_way(self):
        """Values between those by formula and the best ones, with tuning curves of
        these.
        """
        best = self.best
        changes = {name: values / 2 for name, values in best.decoder_changes.items()}
        parameters = {
            name: np.sqrt(value * best.parameters[name])
            for name, value in self.untuned.parameters.items()
        }
        return TunedDecoders(best.setup, changes, parameters, best.tuning_curves)

    def compared(self, tuned, draw):
        """Errors before and after, and a confidence interval of their ratio."""
        before = self.trials.errors(self.untuned, draw)
        after = self.trials.errors(tuned, draw)
        rng = np.random.RandomState(self.trials.seed)
        measured = {}
        for name in self.trials.draws[draw]:
            n_pools = len(before[name])
            drawn = rng.randint(n_pools, size=(1000, n_pools))
            ratios = after[name][drawn].sum(axis=1) / before[name][drawn].sum(axis=1)
            measured[name] = [
                float(np.sqrt(before[name].mean())),
                float(np.sqrt(after[name].mean())),
                *np.sqrt(np.percentile(ratios, (2.5, 97.5))).tolist(),
            ]
        return measured
