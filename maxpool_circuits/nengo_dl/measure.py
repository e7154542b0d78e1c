"""Converting, simulating and timing a Keras network, for all that compares them."""

import time
from dataclasses import dataclass
from typing import Optional

import nengo
import nengo_dl
import numpy as np


@dataclass(frozen=True, eq=False)
class Measurement:
    """What a converted network did.

    Parameters
    ----------
    outputs : (n_inputs, n_steps, n_outputs) array
        The outputs in all time steps.
    neurons : int
        Neurons of the whole network.
    spikes : float or None
        Spikes of the whole network per input; None if some neurons do not spike.
    build_time : float
        Seconds to convert the model and to build the simulator.
    simulation_time : float
        Seconds to simulate all inputs, without TensorFlow's compilation.
    """

    outputs: np.ndarray
    neurons: int
    spikes: Optional[float]
    build_time: float
    simulation_time: float

    def right(self, labels, steps):
        """Whether each input is classified correctly, (n_inputs, n_steps)."""
        at = np.array(steps) - 1
        return self.outputs[:, at].argmax(axis=2) == np.asarray(labels)[:, np.newaxis]

    def distances(self, expected, steps, mean_of=1):
        """Distance to a model's outputs, (n_inputs, n_steps).

        Root mean square, in units of the standard deviation of those outputs. With
        ``mean_of``, that of the outputs' mean over so many time steps, which end at
        ``steps``; NaN where so many have not been.
        """
        from_start = np.insert(
            np.cumsum(self.outputs, axis=1, dtype=float), 0, 0, axis=1
        )
        ends = np.array(steps)
        starts = np.maximum(ends - mean_of, 0)
        means = (from_start[:, ends] - from_start[:, starts]) / mean_of
        found = rms(means - expected[:, np.newaxis], axis=2) / np.std(expected)
        return np.where(ends >= mean_of, found, np.nan)


def rms(x, axis=None):
    """Root mean square."""
    return np.sqrt(np.mean(np.square(x), axis=axis))


def measure(convert, inputs, n_steps, batch_size, seed=0, planner=None):
    """Convert a network and show it inputs, each of them from the start.

    Parameters
    ----------
    convert : callable
        Makes the converter, without arguments.
    inputs : (n_inputs, ...) array
        The inputs.
    n_steps : int
        How long each is shown, in time steps of 1 ms.
    batch_size : int
        How many are simulated at the same time; ``n_inputs`` is a multiple of it.
    seed : int, optional (Default: 0)
        Seed of the simulation.
    planner : callable, optional (Default: None)
        How NengoDL orders operators; None leaves it to the conversion.

    Returns
    -------
    Measurement
        What the network did.
    """
    started = time.perf_counter()
    converted = convert()
    # else it would draw from NumPy's global state, and depend on what ran before
    converted.net.seed = seed
    count = _count_spikes(converted.net)
    with converted.net:
        # every batch starts again
        nengo_dl.configure_settings(stateful=False)
        if planner is not None:
            nengo_dl.configure_settings(planner=planner)
    shown = np.tile(inputs.reshape(len(inputs), 1, -1), (1, n_steps, 1))
    with nengo_dl.Simulator(
        converted.net, minibatch_size=batch_size, seed=seed, progress_bar=False
    ) as simulator:
        built = time.perf_counter()
        # the first call compiles
        simulator.predict(shown[:batch_size], verbose=0)
        compiled = time.perf_counter()
        recorded = simulator.predict(shown, verbose=0)
        finished = time.perf_counter()
    (outputs,) = (recorded[probe] for probe in converted.outputs.values())
    return Measurement(
        outputs=outputs,
        neurons=int(converted.net.n_neurons),
        spikes=None if count is None else float(recorded[count].sum() / len(inputs)),
        build_time=built - started,
        simulation_time=finished - compiled,
    )


def _count_spikes(network, dt=0.001):
    """Probe the number of spikes of all neurons of a network in each time step."""
    ensembles = network.all_ensembles
    if not all(ensemble.neuron_type.spiking for ensemble in ensembles):
        return None
    with network:
        total = nengo.Node(size_in=1)
        for ensemble in ensembles:
            # what a neuron puts out in the time step of a spike
            height = getattr(ensemble.neuron_type, "amplitude", 1) / dt
            weights = np.full((1, ensemble.n_neurons), 1 / height)
            nengo.Connection(ensemble.neurons, total, transform=weights, synapse=None)
        return nengo.Probe(total)
