"""Runs of a circuit with candidates, each asked for once."""

import functools

import joblib
import nengo
import numpy as np
from nengo.exceptions import ValidationError

from ..network.populations import FittedPopulation
from ..network.tuned import TunedDecoders
from ..network.windows import PoolWindows
from ..registry import make
from .least_squares import decoder_changes
from .simulate import costs, errors, record_populations
from .tuning_curves import LARGEST, optimise_tuning_curves


class NothingToTune(ValidationError):
    """A circuit has no populations of spiking neurons."""


def untuned_pool(circuit, window_size):
    """One pool of a circuit that is not tuned, to see what can be.

    Raises `NothingToTune` if it has no spiking neurons that tuning reaches.
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
            f"{type(network).__name__} has no spiking neurons here that were made with "
            "self.replicate: there is nothing to tune, and decoders=None is what it "
            "needs",
            attr="circuit",
        )
    return network


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


class Trials:
    """Answers to all that a search asks of a circuit.

    Parameters
    ----------
    circuit : callable
        Makes the circuit from windows and ``decoders``.
    draws : dict of {str: dict of {str: Inputs}}
        The mixtures of inputs, such as "training".
    input_rate : float
        Firing rate of the inputs, in Hz per unit value.
    seed : int
        Seed of all networks.
    simulator : callable or None
        What runs the circuit.
    parallel : joblib.Parallel
        Runs on several inputs at the same time.
    journal : Journal
        Remembers answers.
    step : callable
        Is called after each new question.
    """

    def __init__(
        self, circuit, draws, input_rate, seed, simulator, parallel, journal, step
    ):
        self.circuit = circuit
        self.draws = draws
        self.input_rate = input_rate
        self.seed = seed
        self.simulator = simulator
        self.parallel = parallel
        self.journal = journal
        self.step = step
        self._asked = set()

    def errors(self, candidate, draw):
        """Mean squared error of each pool on each of the inputs of a draw."""
        groups = side_by_side(self.draws[draw])

        def compute():
            tasks = [list(group.values()) for group in groups]
            runs = self._run(errors, candidate, tasks)
            return [own.tolist() for group in runs for own in group]

        names = [name for group in groups for name in group]
        measured = self._recall(["errors", draw, candidate.digest], compute)
        return dict(zip(names, map(np.array, measured)))

    def tuning_curves(self, populations):
        """Tuning curves that suit better what populations are asked for."""

        def compute():
            return {
                name: optimise_tuning_curves(population).tolist()
                for name, population in populations.items()
                if isinstance(population, FittedPopulation)
                and population.n_neurons <= LARGEST
            }

        return self._recall(["tuning curves"], compute)

    def decoder_changes(self, candidate, draw, regularise):
        """Changes of decoders that suit better what the populations do."""

        def compute():
            settling = [i for i in self.draws[draw].values() if i.kind.settles]
            runs = self._run(record_populations, candidate, settling)
            changes = decoder_changes(runs, regularise)
            return {name: values.tolist() for name, values in changes.items()}

        question = ["decoder changes", draw, candidate.digest, float(regularise)]
        return self._recall(question, compute)

    def costs(self, candidate, draw):
        """Bias, latency and spikes, on the first of the inputs."""

        def compute():
            workload = next(iter(self.draws[draw].values())).workload
            run = self._with(candidate), workload, self.input_rate
            return costs(*run, self.seed, self.simulator)

        return self._recall(["costs", draw, candidate.digest], compute)

    def _run(self, run, candidate, tasks):
        circuit = self._with(candidate)
        return self.parallel(
            joblib.delayed(run)(circuit, task, self.seed, self.simulator)
            for task in tasks
        )

    def _with(self, candidate):
        return functools.partial(self.circuit, decoders=candidate)

    def _recall(self, question, compute):
        answer = self.journal.recall(question, compute)
        if tuple(question) not in self._asked:
            self._asked.add(tuple(question))
            self.step()
        return answer


def side_by_side(mixture):
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
