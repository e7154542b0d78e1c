"""The search for the best values of a circuit's parameters."""

import functools

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from ..network.populations import FittedPopulation
from ..network.tunable import Free
from ..network.tuned import TunedDecoders
from ..network.windows import PoolWindows
from ..registry import make
from .least_squares import decode
from .response_surface import minimise
from .simulate import costs, errors, watch
from .tuning_curves import LARGEST, place

#: How much the decoders that a population has are trusted, next to what it does in the
#: running circuit: regularisation of the least squares, which is searched too.
REGULARISATION = Free(0.2, 0.01, 3)
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


class NothingToTune(ValidationError):
    """A circuit has no populations of spiking neurons."""


def n_trials(n_free):
    """Number of times that a search of ``n_free`` parameters asks for a result."""
    n_numbers = 1 + n_free
    return 15 + 2 * (1 + 2 * n_numbers + runs_after_star(n_numbers))


def runs_after_star(n_numbers):
    """Number of runs of the response surface after the first ones."""
    return 4 + 2 * n_numbers


def example(circuit, window_size):
    """Make one pool that is not tuned, to see what can be.

    Parameters
    ----------
    circuit : callable
        Takes windows and ``decoders``.
    window_size : int
        Number of inputs.

    Returns
    -------
    MaxPoolNetwork
        The network.

    Raises
    ------
    NothingToTune
        If it has no spiking neurons.
    """
    windows = PoolWindows.independent(n_pools=1, window_size=window_size)
    with nengo.Network(add_to_container=False):
        network = make(circuit, windows, decoders=None)
    populations = getattr(network, "populations", {})
    spiking = [
        copies.population.neuron_type.spiking
        for ensembles in populations.values()
        for copies in ensembles
    ]
    if not any(spiking):
        raise NothingToTune(
            f"{type(network).__name__} has no spiking neurons here: there is nothing "
            "to tune, and decoders=None is what it needs",
            attr="circuit",
        )
    return network


def untuned(network):
    """Values that change nothing in a network that was not tuned."""
    return TunedDecoders(
        network.tuned_for,
        {
            name: np.zeros_like(population.decoders)
            for name, population in network.untuned_populations.items()
        },
        {name: free.default for name, free in network.free_parameters.items()},
    )


def identity(network):
    """Text that is the same for networks that are tuned from the same start."""
    populations = network.untuned_populations.items()
    decoders = {name: population.decoders for name, population in populations}
    start = untuned(network)
    return TunedDecoders(start.tuned_for, decoders, start.parameters).identity


class Trials:
    """Runs of a circuit with candidates, each written down in a journal.

    Parameters
    ----------
    circuit : callable
        Makes the circuit from windows and ``decoders``.
    seed : int
        Seed of all networks.
    parallel : joblib.Parallel
        Runs on several inputs at the same time.
    journal : Journal
        Remembers results.
    step : callable
        Tells about progress.
    """

    def __init__(self, circuit, seed, parallel, journal, step):
        self.circuit = circuit
        self.seed = seed
        self.parallel = parallel
        self.journal = journal
        self.step = step
        self._known = {}

    def errors(self, candidate, mixture):
        """Mean squared error of each pool on each of the inputs."""

        def compute():
            tasks = [list(group.values()) for group in _groups(mixture)]
            runs = self._run(errors, candidate, tasks)
            return [own.tolist() for group in runs for own in group]

        names = [name for group in _groups(mixture) for name in group]
        measured = self._recall_once((candidate, id(mixture)), compute)
        return dict(zip(names, map(np.array, measured)))

    def neurons(self, populations):
        """Neurons that suit better what populations are asked for, if they can be."""

        def compute():
            return {
                name: place(population).tolist()
                for name, population in populations.items()
                if isinstance(population, FittedPopulation)
                and population.n_neurons <= LARGEST
            }

        return self._recall(compute)

    def decoders(self, candidate, mixture, regularise):
        """Decoders that suit better what the populations do."""

        def compute():
            runs = self._run(watch, candidate, mixture.values())
            decoders = decode(runs, regularise)
            return {name: values.tolist() for name, values in decoders.items()}

        return self._recall(compute)

    def costs(self, candidate, workload, input_rate):
        """Bias, latency and spikes."""
        return self._recall_once(
            (candidate, id(workload)),
            lambda: costs(self._with(candidate), workload, input_rate, self.seed),
        )

    def _run(self, run, candidate, tasks):
        import joblib

        circuit = self._with(candidate)
        return self.parallel(
            joblib.delayed(run)(circuit, task, self.seed) for task in tasks
        )

    def _with(self, candidate):
        return functools.partial(self.circuit, decoders=candidate)

    def _recall_once(self, about, compute):
        """As `_recall`, but what was asked for before is known."""
        if about not in self._known:
            self._known[about] = self._recall(compute)
        return self._known[about]

    def _recall(self, compute):
        result = self.journal.recall(compute)
        self.step()
        return result


def _groups(mixture):
    """Divide inputs into those that one network can run side by side.

    All have windows of one size; there are two groups at least, for two cores.
    """
    by_size = {}
    for name, inputs in mixture.items():
        size = inputs.workload.windows.sizes.max()
        by_size.setdefault(size, {})[name] = inputs
    if len(by_size) > 1:
        return list(by_size.values())
    items = list(mixture.items())
    return [dict(items[::2]), dict(items[1::2])]


class Search:
    """The best values so far, and how they are compared with others.

    Parameters
    ----------
    trials : Trials
        Runs the circuit.
    network : MaxPoolNetwork
        One pool of the untuned circuit.
    training : dict of {str: Inputs}
        What to tune on.
    input_rate : float
        Firing rate of its inputs, in Hz per unit value.
    weights : dict of {str: float}
        What "latency" and "spikes" weigh; without any, no error may grow.
    """

    def __init__(self, trials, network, training, input_rate, weights):
        self.trials = trials
        self.training = training
        self.input_rate = input_rate
        self.weights = {name: weight for name, weight in weights.items() if weight}
        self.constant = {
            name: inputs for name, inputs in training.items() if "constant" in name
        }
        self.free = network.free_parameters
        self.untuned = untuned(network)
        self.populations = network.untuned_populations
        self.neurons = {}
        self.before = trials.errors(self.untuned, training)
        self.shares = [training[name].weight for name in self.before]
        self.best, self.least = self.untuned, 0.0
        self.safest, self.least_safe = self.untuned, 0.0

    def costs(self, candidate, mixture):
        """Bias, latency and spikes of a candidate, on the first of some inputs."""
        workload = next(iter(mixture.values())).workload
        return self.trials.costs(candidate, workload, self.input_rate)

    def run(self):
        """Search the parameters, each time with the decoders that suit them best."""
        free = {**self.free, "regularisation": REGULARISATION}
        bounds = np.log([(number.low, number.high) for number in free.values()])
        start = np.log([number.default for number in free.values()])

        def measure(point):
            values = dict(zip(free, np.exp(point)))
            return self.try_out(values, values.pop("regularisation"))

        self.neurons = self._better_neurons(lambda: measure(start))
        minimise(
            measure,
            functools.partial(self.objective, before=self.before),
            start,
            bounds,
            n_runs=runs_after_star(len(free)),
            seed=self.trials.seed,
        )

    def _better_neurons(self, measure):
        """Neurons by formula, or those that suit the tuning curves if they do better.

        Neurons are chosen for the function and for the noise that the fit assumes; only
        a run tells what the noise of the circuit makes of it.
        """
        placed = self.trials.neurons(self.populations)
        if not placed:
            return {}
        objectives = []
        for neurons in ({}, placed):
            self.neurons = neurons
            objectives.append(self.objective(measure(), self.before))
        return placed if objectives[1] < objectives[0] else {}

    def try_out(self, parameters, regularise):
        """Fit decoders for some parameters, measure, and keep what is the best."""
        candidate = self._candidate(self.untuned.decoders, parameters)
        decoders = self.trials.decoders(candidate, self.constant, regularise)
        candidate = self._candidate(decoders, parameters)
        measured = self.measure(candidate, self.before, self.training)
        objective = self.objective(measured, self.before)
        if objective < self.least:
            self.best, self.least = candidate, objective
        if objective < self.least_safe and self.gains(measured, self.before).max() <= 0:
            self.safest, self.least_safe = candidate, objective
        return measured

    def _candidate(self, decoders, parameters):
        return TunedDecoders(self.untuned.tuned_for, decoders, parameters, self.neurons)

    def measure(self, candidate, before, mixture):
        """Logarithms of errors, and of costs that matter, relative to those before."""
        after = self.trials.errors(candidate, mixture)
        changes = [
            np.log(after[name].mean() / before[name].mean()) / 2 for name in after
        ]
        if self.weights:
            then, now = (self.costs(c, mixture) for c in (self.untuned, candidate))
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
        enough = np.array([SMALL if "values" in name else 0 for name in before]) ** 2
        after = squares * np.exp(2 * measured[..., : len(before)])
        return np.log(np.maximum(after, enough) / np.maximum(squares, enough)) / 2

    def checked(self, validation):
        """The best values that are nowhere worse on other inputs either.

        If those that were best in training are not, values half-way to them may be, or
        the best of those with which no error grew at all in training.
        """
        before = self.trials.errors(self.untuned, validation)
        for candidate in (self.best, self._half_way(), self.safest):
            measured = self.measure(candidate, before, validation)
            worst = self.gains(measured, before).max()
            better = self.objective(measured, before) < -WORTH_HAVING
            if better and (self.weights or worst <= TOLERANCE):
                return candidate
        return self.untuned

    def _half_way(self):
        """Values between those by formula and the best ones, with neurons of these."""
        decoders = {name: values / 2 for name, values in self.best.decoders.items()}
        parameters = {
            name: np.sqrt(value * self.best.parameters[name])
            for name, value in self.untuned.parameters.items()
        }
        return TunedDecoders(
            self.untuned.tuned_for, decoders, parameters, self.best.neurons
        )

    def compared(self, tuned, mixture):
        """Errors before and after, and a confidence interval of their ratio."""
        before = self.trials.errors(self.untuned, mixture)
        after = self.trials.errors(tuned, mixture)
        rng = np.random.RandomState(self.trials.seed)
        measured = {}
        for name in mixture:
            n_pools = len(before[name])
            drawn = rng.randint(n_pools, size=(1000, n_pools))
            ratios = after[name][drawn].sum(axis=1) / before[name][drawn].sum(axis=1)
            measured[name] = [
                float(np.sqrt(before[name].mean())),
                float(np.sqrt(after[name].mean())),
                *np.sqrt(np.percentile(ratios, (2.5, 97.5))).tolist(),
            ]
        return measured
