"""Running a circuit on its inputs, with all that its populations did."""

from dataclasses import dataclass

import nengo
import numpy as np
from nengo.cache import NoDecoderCache

from ..comparison.measures import best_readout
from ..comparison.recording import player
from ..comparison.workloads import DT
from ..registry import make
from ..windows import PoolWindows


@dataclass(frozen=True)
class Watched:
    """What one ensemble of copies of a population did.

    Parameters
    ----------
    population : Population
        What was copied.
    inputs : (n_steps, n_copies, size_in) array
        The input of each copy, in units of the input.
    activities : (n_steps, n_copies, n_neurons) array
        Output of all neurons, in Hz.
    """

    population: object
    inputs: np.ndarray
    activities: np.ndarray


def errors(circuit, several, seed):
    """Run a circuit, and read it with the filter that suits it best.

    Parameters
    ----------
    circuit : callable
        Takes windows and ``seed``.
    several : list of Inputs
        What to run it on, all at the same time: one network has pools for each, because
        a time step costs about the same for few pools and for many.
    seed : int
        Seed of the network.

    Returns
    -------
    list of (n_pools,) array
        Mean squared error of each pool, for each of the inputs.
    """
    windows, signals = _beside(several)
    with nengo.Network() as model:
        output = nengo.Probe(_connect(circuit, windows, signals, seed).output)
    outputs = _simulate(model, len(signals))[output]
    n_pools = [inputs.workload.windows.n_pools for inputs in several]
    mean_squares = []
    for inputs, own in zip(several, np.split(outputs, np.cumsum(n_pools), axis=1)):
        _, difference = best_readout(own, inputs.workload)
        mean_squares.append(np.mean(difference**2, axis=0))
    return mean_squares


def watch(circuit, inputs, seed):
    """Run a circuit and record its populations.

    Parameters
    ----------
    circuit, seed
        As in `errors`.
    inputs : Inputs
        What to run it on.

    Returns
    -------
    dict of {str: list of Watched}
        By name of the population, all ensembles of its copies.
    """
    with nengo.Network() as model:
        pool = _connect(circuit, inputs.workload.windows, inputs.signals, seed)
        probes = {
            name: [_probe(copies) for copies in ensembles]
            for name, ensembles in pool.populations.items()
        }
    data = _simulate(model, len(inputs.signals))
    return {
        name: [_watched(copies, data[j], data[a]) for copies, j, a in ensembles]
        for name, ensembles in probes.items()
    }


def _probe(copies):
    """Record what goes into the neurons of some copies, and what comes out."""
    currents = nengo.Probe(copies.neurons, "input")
    return copies, currents, nengo.Probe(copies.neurons)


def _beside(several):
    """Several inputs as one; those that end early hold their last value."""
    n_steps = max(len(inputs.signals) for inputs in several)
    signals = [
        np.pad(signals, ((0, n_steps - len(signals)), (0, 0)), mode="edge")
        for signals in (inputs.signals for inputs in several)
    ]
    all_windows = [inputs.workload.windows for inputs in several]
    windows = PoolWindows.independent(
        sum(windows.n_pools for windows in all_windows), all_windows[0].sizes.max()
    )
    return windows, np.concatenate(signals, axis=1)


def _connect(circuit, windows, signals, seed):
    """Make the circuit and what feeds it, inside the current network."""
    source = nengo.Node(player(signals), size_out=windows.n_inputs)
    pool = make(circuit, windows, seed=seed)
    nengo.Connection(source, pool.input, synapse=None)
    return pool


def _simulate(model, n_steps):
    # several processes would quarrel over Nengo's cache, and nothing is solved here
    built = nengo.builder.Model(dt=DT, decoder_cache=NoDecoderCache())
    with nengo.Simulator(model, dt=DT, model=built, progress_bar=False) as simulator:
        simulator.run_steps(n_steps)
    return simulator.data


def _watched(copies, currents, activities):
    """Sort by copy, and turn input currents back into the input."""
    population = copies.population
    shape = len(currents), copies.n_copies, population.n_neurons
    weights = population.gain[:, np.newaxis] * population.encoders
    inputs = (currents.reshape(shape) - population.bias) @ np.linalg.pinv(weights).T
    return Watched(population, inputs, activities.reshape(shape))
