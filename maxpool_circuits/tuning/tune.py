"""The optimiser of circuits."""

import functools
import platform
import time

import nengo
import numpy as np
import scipy
import scipy.optimize
from nengo.exceptions import ValidationError
from nengo.utils.progress import Progress, ProgressTracker

from ..checks import positive_integer, positive_number, valid_seed
from ..registry import find, make
from ..tuned import TunedDecoders
from ..version import version
from ..windows import PoolWindows
from .inputs import draw
from .least_squares import decode
from .run import errors, watch

#: Strengths of the regularisation of decoders that are tried.
REGULARISE = (0.003, 0.03)
#: How often decoders and free parameters are tuned in turns.
ROUNDS = 2
#: Runs of the circuit for each free parameter and round.
RUNS_PER_PARAMETER = 7
#: Pools that are watched to fit decoders on.
N_WATCHED = 20
#: What one kind of input that gets worse weighs against those that get better.
PENALTY = 5


def tune(
    circuit,
    *,
    window_size=4,
    input_rate=None,
    n_pools=60,
    seed=0,
    n_jobs=1,
    progress_bar=True,
    **options,
):
    """Choose the parameters of a circuit by watching it run.

    In turns, the decoders of all populations are fitted by least squares on filtered
    spikes of the running circuit (so that every stage sees the inputs it really gets),
    and the circuit's free parameters are searched by the simplex method of Nelder and
    Mead [1]_. What is minimised is the root-mean-square error against the true maximum,
    behind the readout filter that suits best, on a mixture of constant and changing
    inputs, spikes and values (see `.tuning.INPUTS`), relative to the error without
    tuning. A circuit must not get worse on any of them: where it does on a second,
    independent draw of inputs, the result is taken back towards the untuned circuit. A
    third draw gives the errors of the report.

    One window is tuned once, whatever the number of pools it will be used for.

    Parameters
    ----------
    circuit : str or callable
        The name of a circuit or a subclass of `.MaxPoolNetwork`.
    window_size : int, optional (Default: 4)
        Number of inputs of each pool.
    input_rate : float, optional
        Firing rate of the inputs, in Hz per unit value. The default is ``max_rate``.
    n_pools : int, optional (Default: 60)
        Number of random windows in each draw.
    seed : int, optional (Default: 0)
        Seed of the inputs and of the network. The same seed gives the same result.
    n_jobs : int, optional (Default: 1)
        Number of processes, as in `joblib.Parallel`; ``joblib.parallel_config`` may
        choose another backend, such as a cluster.
    progress_bar : bool or nengo.utils.progress.ProgressBar, optional (Default: True)
        As in `nengo.Simulator`.
    **options
        Options of the circuit, such as ``neuron_type``, ``n_neurons``, ``max_rate``.
        Synapses that are given stay as they are.

    Returns
    -------
    TunedDecoders
        To be given to the circuit as ``decoders``; `print` shows what was reached.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there is nothing to tune (rate neurons, circuits without neurons), if an
        input range is given (all values scale with it), or if an argument is not
        possible.

    References
    ----------
    .. [1] Nelder, J. A. and Mead, R. (1965). A simplex method for function
       minimization. The Computer Journal 7, 308-313.
       https://doi.org/10.1093/comjnl/7.4.308

    Examples
    --------
    >>> import maxpool_circuits as mpc
    >>> options = {"n_neurons": 10, "max_rate": 200, "neuron_type": nengo.LIF()}
    >>> tuned = mpc.tune(
    ...     "ensemble", window_size=2, n_pools=10, progress_bar=False, **options
    ... )
    >>> windows = mpc.PoolWindows.independent(n_pools=100, window_size=2)
    >>> pool = mpc.EnsembleMax(windows, decoders=tuned, **options)
    """
    import joblib

    started = time.perf_counter()
    window_size = positive_integer(window_size, "window_size")
    n_pools = positive_integer(n_pools, "n_pools")
    seed = valid_seed(seed)
    circuit = functools.partial(find(circuit), **options)
    network = _example(circuit, window_size, options)
    rate = network.max_rate if input_rate is None else input_rate
    rate = positive_number(rate, "input_rate", unit="Hz")

    training, validation, test = (
        draw(window_size, rate, 3 * seed + number, n_pools) for number in range(3)
    )
    watched = draw(window_size, rate, 3 * seed, N_WATCHED)
    n_free = len(network.free_parameters)
    n_steps = 1 + ROUNDS * (len(REGULARISE) + n_free * RUNS_PER_PARAMETER) + 4

    def each(run, circuit, tasks):
        return parallel(joblib.delayed(run)(circuit, task, seed) for task in tasks)

    tracker = ProgressTracker(progress_bar, Progress("Tuning", "Tuning", n_steps))
    with tracker, joblib.Parallel(n_jobs=n_jobs) as parallel:
        search = _Search(
            circuit, network, seed, each, tracker.total_progress.step, training
        )
        for _ in range(ROUNDS):
            search.tune_decoders(watched)
            search.tune_parameters()
        tuned, measured = search.checked(validation)
        measured = {
            "training": search.compared(tuned, training),
            "validation": measured,
            "test": search.compared(tuned, test),
        }
    report = {
        "errors": measured,
        "input_rate": rate,
        "n_pools": n_pools,
        "seed": seed,
        "seconds": round(time.perf_counter() - started, 1),
        "versions": {
            "maxpool_circuits": version,
            "nengo": nengo.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
            "scipy": scipy.__version__,
        },
    }
    return TunedDecoders(tuned.tuned_for, tuned.decoders, tuned.parameters, report)


def _example(circuit, window_size, options):
    """Make one pool, to see what can be tuned."""
    for name in ("input_range", "decoders"):
        if name in options:
            raise ValidationError(
                "cannot be given: tuning is for inputs from 0 to 1, and what it finds "
                "is scaled to the input range of the circuit that uses it"
                if name == "input_range"
                else "cannot be given: tuning starts from the untuned circuit",
                attr=name,
            )
    windows = PoolWindows.independent(n_pools=1, window_size=window_size)
    with nengo.Network():
        network = make(circuit, windows)
    populations = getattr(network, "populations", {})
    spiking = [
        copies.population.neuron_type.spiking
        for ensembles in populations.values()
        for copies in ensembles
    ]
    if not any(spiking):
        raise ValidationError(
            f"{type(network).__name__} has no spiking neurons here: there is nothing "
            "to tune, and decoders=None is what it needs",
            attr="circuit",
        )
    return network


class _Search:
    """The best values so far, and how they are compared with others.

    Parameters
    ----------
    circuit : callable
        Makes the circuit from windows and ``decoders``.
    network : MaxPoolNetwork
        One pool of the untuned circuit.
    seed : int
        Seed of all networks.
    each : callable
        Runs a circuit in several ways at the same time.
    step : callable
        Tells about progress.
    training : dict of {str: Inputs}
        What to tune on.
    """

    def __init__(self, circuit, network, seed, each, step, training):
        self.circuit = circuit
        self.seed = seed
        self.each = each
        self.step = step
        self.training = training
        self.free = network.free_parameters
        self.untuned = TunedDecoders(
            network.tuned_for,
            {
                name: ensembles[0].population.decoders / ensembles[0].population.unit
                for name, ensembles in network.populations.items()
            },
            {name: free.default for name, free in self.free.items()},
        )
        self.before = self.errors(self.untuned, training)
        self.best, self.least = self.untuned, 0.0

    def changed(self, decoders=None, parameters=None):
        """The best values so far with some replaced."""
        return TunedDecoders(
            self.best.tuned_for,
            {**self.best.decoders, **(decoders or {})},
            {**self.best.parameters, **(parameters or {})},
        )

    def errors(self, tuned, mixture):
        """Mean squared error of each pool on each of the inputs."""
        circuit = functools.partial(self.circuit, decoders=tuned)
        # two networks for two cores; more pools in one network cost little
        halves = list(mixture.values())[::2], list(mixture.values())[1::2]
        even, odd = self.each(errors, circuit, halves)
        self.step()
        names = [*list(mixture)[::2], *list(mixture)[1::2]]
        return dict(zip(names, [*even, *odd]))

    def try_out(self, tuned):
        """Measure a candidate, and keep it if it is the best one."""
        after = self.errors(tuned, self.training)
        gains = [
            np.log(after[name].mean() / self.before[name].mean()) / 2 for name in after
        ]
        objective = np.mean(gains) + PENALTY * max(0, *gains)
        if objective < self.least:
            self.best, self.least = tuned, objective
        return objective

    def tune_decoders(self, mixture):
        """Fit decoders to what the populations do in the best circuit so far."""
        circuit = functools.partial(self.circuit, decoders=self.best)
        runs = self.each(watch, circuit, mixture.values())
        fitted = [decode(runs, regularise) for regularise in REGULARISE]
        for decoders in fitted:
            self.try_out(self.changed(decoders=decoders))

    def tune_parameters(self):
        """Search the free parameters, on a logarithmic scale."""
        if not self.free:
            return
        names = list(self.free)
        bounds = np.log([(self.free[n].low, self.free[n].high) for n in names])
        start = np.log([self.best.parameters[name] for name in names])

        def objective(point):
            values = np.exp(np.clip(point, *bounds.T))
            return self.try_out(self.changed(parameters=dict(zip(names, values))))

        # each corner of the first simplex is away from the nearer bound by a half
        towards = np.where(start > bounds.mean(axis=1), -0.4, 0.4)
        scipy.optimize.minimize(
            objective,
            start,
            method="Nelder-Mead",
            bounds=bounds,
            options={
                "initial_simplex": [start, *(start + np.diag(towards))],
                "maxfev": RUNS_PER_PARAMETER * len(names),
                "xatol": 0.02,
                "fatol": 0.002,
            },
        )

    def checked(self, validation):
        """The best values, taken back to where nothing gets worse on other inputs."""
        for share in (1, 0.5):
            tuned = self._towards_best(share)
            measured = self.compared(tuned, validation)
            if all(after <= before for before, after, *_ in measured.values()):
                return tuned, measured
        return self.untuned, self.compared(self.untuned, validation)

    def _towards_best(self, share):
        """Values between the untuned and the best ones."""
        decoders = {
            name: (1 - share) * values + share * self.best.decoders[name]
            for name, values in self.untuned.decoders.items()
        }
        parameters = {
            name: value ** (1 - share) * self.best.parameters[name] ** share
            for name, value in self.untuned.parameters.items()
        }
        return TunedDecoders(self.untuned.tuned_for, decoders, parameters)

    def compared(self, tuned, mixture):
        """Errors before and after, and a confidence interval of their ratio."""
        before = self.errors(self.untuned, mixture)
        after = self.errors(tuned, mixture)
        rng = np.random.RandomState(self.seed)
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
