"""Running a circuit on its inputs, with all that its populations did."""

from dataclasses import dataclass

import nengo
import numpy as np
from nengo.processes import PresentInput
from threadpoolctl import threadpool_limits

from ..comparison.encodings import input_spikes
from ..comparison.metrics import STEP_LENGTH, best_readout, measure
from ..comparison.simulate import build_simulator, record
from ..comparison.workloads import DT
from ..network.windows import PoolWindows
from ..registry import make

#: Time constant, in seconds, of the filter through which populations are watched at the
#: end of each constant input. Long enough for many spikes, so that a population is
#: asked for the function of the *average* of its input (for a rectifier that removes
#: the bias of rectified noise), and so that the noise of the activities, which would
#: make least squares prefer decoders that are too small, averages out.
AVERAGE = 0.05


@dataclass(frozen=True)
class PopulationRecord:
    """What one ensemble of copies of a population did, averaged by `AVERAGE`."""

    population: object
    #: The input of each copy, (n_samples, n_copies, size_in), in units of the input.
    inputs: np.ndarray
    #: Output of all neurons, (n_samples, n_copies, n_neurons), in Hz.
    activities: np.ndarray


@threadpool_limits.wrap(limits=1)
def errors(circuit, several, seed):
    """Mean squared error of each pool, (n_pools,), for each of several inputs.

    They run at the same time, in one network with pools for each, because a time step
    costs about the same for few pools and for many. Each has the readout filter that
    suits it best.
    """
    windows, signals = _beside(several)
    with nengo.Network(add_to_container=False) as model:
        output = nengo.Probe(_connect(circuit, windows, signals, seed).output)
    outputs = _simulate(model, len(signals))[output]
    n_pools = [inputs.workload.windows.n_pools for inputs in several]
    mean_squares = []
    for inputs, own in zip(several, np.split(outputs, np.cumsum(n_pools), axis=1)):
        _, difference = best_readout(own, inputs.workload)
        mean_squares.append(np.mean(difference**2, axis=0))
    return mean_squares


@threadpool_limits.wrap(limits=1)
def record_populations(circuit, inputs, seed):
    """Records of the copies of each population whenever the workload is read."""
    reads = np.flatnonzero(inputs.workload.is_read) + 1
    every = np.gcd.reduce(reads)
    with nengo.Network(add_to_container=False) as model:
        pool = _connect(circuit, inputs.workload.windows, inputs.signals, seed)
        probes = {
            name: [_probe(copies, every) for copies in ensembles]
            for name, ensembles in pool.populations.items()
        }
    data = _simulate(model, len(inputs.signals))
    return {
        name: [_by_copy(copies, data[j], data[a]) for copies, j, a in ensembles]
        for name, ensembles in probes.items()
    }


def costs(circuit, workload, input_rate, seed):
    """Bias, latency and spikes of a circuit, as in `.ComparisonTable`."""
    values = np.concatenate(
        [workload.values, np.repeat(workload.step, STEP_LENGTH, axis=0)]
    )
    recording = record(
        circuit,
        workload.windows,
        input_spikes(values, input_rate, seed),
        n_counted=len(workload.values),
        input_rate=input_rate,
        seed=seed,
    )
    metrics = measure(recording, workload)
    return {name: metrics[name] for name in ("bias", "latency", "spikes")}


def _probe(copies, every):
    """Record what goes into the neurons of some copies, and what comes out."""
    averaged = {"synapse": AVERAGE, "sample_every": every * DT}
    currents = nengo.Probe(copies.neurons, "input", **averaged)
    return copies, currents, nengo.Probe(copies.neurons, **averaged)


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
    source = nengo.Node(PresentInput(signals, DT))
    pool = make(circuit, windows, seed=seed)
    nengo.Connection(source, pool.input, synapse=None)
    return pool


def _simulate(model, n_steps):
    with build_simulator(model) as simulation:
        simulation.run_steps(n_steps)
    return simulation.data


def _by_copy(copies, currents, activities):
    """Sort by copy, and turn input currents back into the input."""
    population = copies.population
    shape = -1, copies.n_copies, population.n_neurons
    # that of dead neurons is not the population's
    currents = (currents - copies.ensemble.bias).reshape(shape)
    weights = population.gain[:, np.newaxis] * population.encoders
    # directions that no neuron listens to stay out of it
    inputs = currents @ np.linalg.pinv(weights, rcond=1e-6).T
    return PopulationRecord(population, inputs, activities.reshape(shape))
