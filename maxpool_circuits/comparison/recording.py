"""Running a circuit on spiking inputs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.processes import PresentInput

from ..network.populations import PopulationArray, rectifier
from ..network.windows import PoolWindows
from ..registry import make
from ..utils.threads import one_thread
from .events import fan_outs
from .simulators import build_simulator
from .workloads import DT


@dataclass(frozen=True)
class Recording:
    """What a circuit did, and what it cost.

    Parameters
    ----------
    output : (n_steps, n_pools) array
        Output in each time step, not filtered.
    neurons : float
        Neurons per pool.
    spikes, events : float or None
        Spikes and synaptic events per pool and second; None if the network has neurons
        that do not spike.
    build_time : float or None
        Seconds to make and build the network.
    simulation_time : float or None
        Seconds per simulated second.

    Examples
    --------
    >>> import numpy as np
    >>> from maxpool_circuits.comparison.recording import Recording
    >>> recording = Recording(np.zeros((100, 2)))
    >>> recording.neurons, recording.spikes
    (0, None)
    """

    output: np.ndarray
    neurons: float = 0
    spikes: float | None = None
    events: float | None = None
    build_time: float | None = None
    simulation_time: float | None = None


def input_spikes(
    values: np.ndarray, rate: float = 250, seed: int | None = 0
) -> np.ndarray:
    """Let one rectified spiking neuron carry each value.

    Parameters
    ----------
    values : (n_steps, n_inputs) array
        The value of each input in each time step.
    rate : float, optional (Default: 250)
        Firing rate, in Hz per unit value, of the `nengo.SpikingRectifiedLinear`.
    seed : int, optional (Default: 0)
        Seed of the neurons' initial potentials.

    Returns
    -------
    (n_steps, n_inputs) array
        Spikes in units of the input: each has the area ``1 / rate``.

    Examples
    --------
    About 25 spikes in a second, each of them 1 / (50 Hz x 1 ms) high:

    >>> import numpy as np
    >>> from maxpool_circuits.comparison.recording import input_spikes
    >>> spikes = input_spikes(np.full((1000, 1), 0.5), rate=50)
    >>> print(np.unique(spikes.round(6)))
    [ 0. 20.]
    >>> print(spikes.mean(axis=0).round(1))
    [0.5]
    """
    n_inputs = values.shape[1]
    with nengo.Network(seed=seed, add_to_container=False) as model:
        source = nengo.Node(PresentInput(values, DT))
        neuron_type = nengo.SpikingRectifiedLinear(amplitude=1 / rate)
        neuron = rectifier(neuron_type, n_neurons=1, max_rate=rate, radius=1)
        neurons = PopulationArray(neuron, n_inputs).neurons
        nengo.Connection(source, neurons, synapse=None)
        spikes = nengo.Probe(neurons)
    with build_simulator(model) as simulation:
        simulation.run_steps(len(values))
    return simulation.data[spikes]


@one_thread()
def record(
    circuit: str | Callable[..., Any],
    windows: PoolWindows,
    inputs: np.ndarray,
    n_counted: int,
    input_rate: float = 250,
    seed: int | None = 0,
    simulator: Callable[..., Any] | None = None,
) -> Recording:
    """Run a circuit.

    Parameters
    ----------
    circuit : str or callable
        As in `maxpool_circuits.make`.
    windows : PoolWindows
        Which inputs each pool looks at.
    inputs : (n_steps, n_inputs) array
        What the pools get in each time step, spikes or values.
    n_counted : int
        Number of time steps in which spikes are counted.
    input_rate : float, optional (Default: 250)
        Rate of the input spikes, in Hz per unit value.
    seed : int, optional (Default: 0)
        Seed of the network.
    simulator : callable, optional (Default: None)
        As in `maxpool_circuits.compare`.

    Returns
    -------
    Recording
        What it did.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the circuit is unknown, or refuses the windows.

    Examples
    --------
    >>> import numpy as np
    >>> from maxpool_circuits import PoolWindows
    >>> from maxpool_circuits.comparison.recording import input_spikes, record
    >>> windows = PoolWindows.independent(n_pools=1, window_size=2)
    >>> inputs = input_spikes(np.tile([0.2, 0.8], (1000, 1)))
    >>> recording = record("winner-take-all", windows, inputs, n_counted=1000)
    >>> recording.neurons
    2.0
    >>> print(recording.output.mean(axis=0).round(1))
    [0.8]
    """
    with nengo.Network(add_to_container=False):
        # what is loaded on first use, in each process, is not to be timed
        make(circuit, windows)
    started = time.perf_counter()
    # what counts spikes is outside of the network with the seed: Nengo seeds objects by
    # their position, and measuring must not change what is measured
    model = nengo.Network(add_to_container=False)
    with model, nengo.Network(seed=seed):
        source = nengo.Node(PresentInput(inputs, DT))
        pool = make(circuit, windows)
        nengo.Connection(source, pool.input, synapse=None)
        output = nengo.Probe(pool.output)
    all_spike = all(ens.neuron_type.spiking for ens in pool.all_ensembles)
    making = time.perf_counter() - started

    fan_out = fan_outs(pool)
    counts = [_count(model, fan_out, ens) for ens in pool.all_ensembles if all_spike]

    started = time.perf_counter()
    simulation = build_simulator(model, simulator)
    building = time.perf_counter() - started
    with simulation:
        started = time.perf_counter()
        simulation.run_steps(len(inputs))
        running = time.perf_counter() - started
        recorded = np.array(simulation.data[output])
        totals = [simulation.data[count][:n_counted].sum(axis=0) for count in counts]

    per_pool = 1 / (windows.n_pools * n_counted * DT)
    spikes = events = None
    if all_spike:
        spikes, events = np.sum(totals, axis=0) if totals else (0.0, 0.0)
        n_input_spikes = inputs[:n_counted].sum(axis=0) * DT * input_rate
        spikes = float(spikes * per_pool)
        events = float((events + n_input_spikes @ fan_out[pool.input]) * per_pool)
    return Recording(
        output=recorded,
        neurons=pool.n_neurons / windows.n_pools,
        spikes=spikes,
        events=events,
        build_time=making + building,
        simulation_time=running / (len(inputs) * DT),
    )


def _count(model, fan_out, ensemble):
    """Probe the spikes of an ensemble, and the events they cause, in each step."""
    amplitude = getattr(ensemble.neuron_type, "amplitude", 1)
    weights = np.stack([np.ones(ensemble.n_neurons), fan_out[ensemble.neurons]])
    with model:
        counter = nengo.Node(size_in=2)
        nengo.Connection(
            ensemble.neurons, counter, transform=weights * DT / amplitude, synapse=None
        )
        return nengo.Probe(counter)
