"""How well an output follows the true maximum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import nengo
import numpy as np

from .recording import Recording
from .workloads import DT, Workload

#: Time constants of the readout filters that are tried for every circuit, in seconds.
READOUTS = (0.005, 0.01, 0.02, 0.03, 0.05)
#: Rows of a comparison that are no circuits.
REFERENCES = ORACLE, AVERAGE = ("oracle", "average")
#: How many time steps the inputs are held before and after each step that the latency
#: is read of.
STEP_LENGTH = 300


@dataclass(frozen=True)
class Row:
    """One line of a comparison.

    Parameters
    ----------
    circuit : str
        Name of the circuit or reference.
    readout : float
        Time constant, in seconds, of the low-pass filter that suits it best.
    rmse, bias, p99 : float
        Root-mean-square error, mean error, and 99th percentile of the absolute error,
        in units of the input.
    latency : float
        Time, in seconds, until the response to a step stays within 10 % of its final
        value, readout filter included, over several steps up and down; NaN if it does
        not within 0.2 s.
    neurons : float
        Neurons per pool.
    spikes, events : float or None
        Spikes and synaptic events per pool and second; None without spikes.
    build_time : float or None
        Seconds to make and build the network; None for references.
    simulation_time : float or None
        Seconds per simulated second, probes included; None for references.

    Examples
    --------
    >>> import maxpool_circuits as mpc
    >>> row = mpc.compare(["winner-take-all"], n_pools=5).row("winner-take-all")
    >>> row.neurons
    4.0
    >>> 0 < row.rmse < 0.1
    True
    """

    circuit: str
    readout: float
    rmse: float
    bias: float
    p99: float
    latency: float
    neurons: float
    spikes: float | None
    events: float | None
    build_time: float | None
    simulation_time: float | None

    @property
    def is_reference(self) -> bool:
        """Whether this is no circuit, but something that circuits are compared with."""
        return self.circuit in REFERENCES


def read_out(output: np.ndarray, readout: float) -> np.ndarray:
    """Filter an output as a downstream neuron would.

    Parameters
    ----------
    output : (n_steps, n_pools) array
        Output in each time step.
    readout : float
        Time constant of a low-pass filter, in seconds.

    Returns
    -------
    (n_steps, n_pools) array
        The filtered output.

    Examples
    --------
    An output of 1, seen after one and after two time constants:

    >>> import numpy as np
    >>> from maxpool_circuits.comparison.measures import read_out
    >>> print(read_out(np.ones((20, 1)), readout=0.01)[[9, 19]].round(2))
    [[0.63]
     [0.86]]
    """
    return nengo.Lowpass(readout).filt(output, axis=0, dt=DT, y0=0)


def best_readout(
    output: np.ndarray, workload: Workload, readouts: Sequence[float] = READOUTS
) -> tuple[float, np.ndarray]:
    """Find the readout filter with the least root-mean-square error.

    Parameters
    ----------
    output : (n_steps, n_pools) array
        Output in each time step of the workload, and possibly more.
    workload : Workload
        The workload.
    readouts : sequence of float, optional (Default: `READOUTS`)
        Time constants to choose from, in seconds.

    Returns
    -------
    readout : float
        The best time constant, in seconds.
    errors : (n_reads, n_pools) array
        Output less true maximum, where the workload is read.

    Examples
    --------
    What is right all the time needs no smoothing:

    >>> from maxpool_circuits.comparison.measures import best_readout
    >>> from maxpool_circuits.comparison.workloads import constant
    >>> workload = constant(window_size=2, n_pools=3)
    >>> readout, errors = best_readout(workload.target, workload)
    >>> readout
    0.005
    >>> errors.shape
    (4, 3)
    """
    target = workload.target[workload.is_read]
    output = output[: len(workload.values)]
    errors = {
        readout: read_out(output, readout)[workload.is_read] - target
        for readout in readouts
    }
    readout = min(errors, key=lambda readout: np.mean(errors[readout] ** 2))
    return readout, errors[readout]


def latency(response: np.ndarray) -> float:
    """Time until the response to a step stays within 10 % of its final value.

    Steps of each pool have another size; all responses together are expressed as one
    number, 0 before and 1 after, by projection onto the change that they end up with.
    Between time steps, the time is interpolated.

    Parameters
    ----------
    response : ((n_steps + 1) * STEP_LENGTH, n_pools) array
        Filtered output; the inputs change after every ``STEP_LENGTH`` time steps.

    Returns
    -------
    float
        Time in seconds; NaN if it is not within 10 % for the last 100 ms, or if there
        is no response.

    Examples
    --------
    An exponential response is within 10 % after 2.3 time constants:

    >>> import numpy as np
    >>> from maxpool_circuits.comparison.measures import STEP_LENGTH, latency
    >>> time = 0.001 * np.arange(1, STEP_LENGTH + 1)
    >>> before, after = np.zeros(STEP_LENGTH), 1 - np.exp(-time / 0.02)
    >>> response = np.concatenate([before, after])[:, np.newaxis]
    >>> round(float(latency(response)), 4)
    0.0461
    """
    n_final = 100
    # each step of each pool is one response
    held = response.reshape(-1, STEP_LENGTH, response.shape[1])
    final = held[:, -n_final:].mean(axis=1)
    before, change = final[:-1], np.diff(final, axis=0)
    if not np.any(change):
        return np.nan
    moved = held[1:] - before[:, np.newaxis]
    progress = np.einsum("stp,sp->t", moved, change) / np.sum(change**2)
    distance = np.abs(progress - 1)
    outside = np.flatnonzero(distance > 0.1)
    if len(outside) == 0:
        return 0.0
    last = outside[-1]
    if last >= STEP_LENGTH - n_final:
        return np.nan
    crossing = (distance[last] - 0.1) / (distance[last] - distance[last + 1])
    return (last + 1 + crossing) * DT


def measure(
    circuit: str,
    recording: Recording,
    workload: Workload,
    readouts: Sequence[float] = READOUTS,
) -> Row:
    """Measure a recording.

    Parameters
    ----------
    circuit : str
        Name of the circuit.
    recording : Recording
        Recording of the workload, followed by both halves of its step in turn.
    workload : Workload
        The workload.
    readouts : sequence of float, optional (Default: `READOUTS`)
        Time constants of readout filters to choose from, in seconds.

    Returns
    -------
    Row
        The measurements.

    Examples
    --------
    A circuit without delay and error has the latency of the readout filter:

    >>> import numpy as np
    >>> from maxpool_circuits.comparison.measures import STEP_LENGTH, measure
    >>> from maxpool_circuits.comparison.recording import Recording
    >>> from maxpool_circuits.comparison.workloads import constant
    >>> workload = constant(window_size=2, n_pools=3)
    >>> step = np.repeat(workload.step, STEP_LENGTH, axis=0)
    >>> output = np.concatenate([workload.target, workload.windows.max(step)])
    >>> row = measure("perfect", Recording(output), workload)
    >>> row.readout, round(row.rmse, 3), round(row.latency, 3)
    (0.005, 0.0, 0.012)
    """
    readout, errors = best_readout(recording.output, workload, readouts)
    response = read_out(recording.output, readout)[len(workload.values) :]
    return Row(
        circuit=circuit,
        readout=readout,
        rmse=float(np.sqrt(np.mean(errors**2))),
        bias=float(np.mean(errors)),
        p99=float(np.percentile(np.abs(errors), 99)),
        latency=float(latency(response)),
        neurons=float(recording.neurons),
        spikes=recording.spikes,
        events=recording.events,
        build_time=recording.build_time,
        simulation_time=recording.simulation_time,
    )
