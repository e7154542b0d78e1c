"""How well an output follows the true maximum, and what it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..network.sparse import valid_synapse
from ..network.windows import PoolWindows
from .simulate import Recording
from .workloads import DT, Workload

#: Time constants of the readout filters that are tried for every circuit, in seconds.
READOUTS = (0.005, 0.01, 0.02, 0.03, 0.05)
#: Rows of a comparison that are not circuits.
REFERENCES = ORACLE, AVERAGE = ("oracle", "average")
#: How many time steps the inputs are held before and after each step that the latency
#: is read of.
STEP_LENGTH = 300


def read_out(output: np.ndarray, readout: Any) -> np.ndarray:
    """Filter an output by a linear synapse, as a downstream neuron would.

    It is `nengo.synapses.Synapse.filt` from zero, in a fraction of the time.
    """
    # takes long to import
    from scipy.signal import cont2discrete, lfilter

    synapse = valid_synapse(readout, "readout")
    numerator, denominator, _ = cont2discrete((synapse.num, synapse.den), DT)
    # Nengo's filters show in a time step what comes in it
    return lfilter(numerator.ravel()[1:], denominator, output, axis=0)


def best_readout(
    output: np.ndarray, workload: Workload, readouts: Sequence[float] = READOUTS
) -> tuple[float, np.ndarray]:
    """Filter of the least root-mean-square error, and its (n_reads, n_pools) errors."""
    target = workload.target[workload.is_read]
    output = output[: len(workload.values)]
    errors = {
        readout: read_out(output, readout)[workload.is_read] - target
        for readout in readouts
    }
    readout = min(errors, key=lambda readout: np.mean(errors[readout] ** 2))
    return readout, errors[readout]


def latency(response: np.ndarray) -> float:
    """Seconds until the response to a step stays within 10 % of its final value.

    The filtered ``response``, ((n_steps + 1) * STEP_LENGTH, n_pools), is to inputs that
    change after every ``STEP_LENGTH`` time steps. Steps of each pool have another size;
    all responses together are expressed as one number, 0 before and 1 after, by
    projection onto the change that they end up with. Between time steps, the time is
    interpolated. NaN if it is not within 10 % for the last 100 ms, or if there is no
    response.
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
    return float((last + 1 + crossing) * DT)


def measure(
    recording: Recording, workload: Workload, readouts: Sequence[float] = READOUTS
) -> dict[str, float | None]:
    """Readout and metrics of a recording of a workload and, after it, of its steps."""
    readout, errors = best_readout(recording.output, workload, readouts)
    response = read_out(recording.output, readout)[len(workload.values) :]
    return {
        "readout": readout,
        "rmse": float(np.sqrt(np.mean(errors**2))),
        "bias": float(np.mean(errors)),
        "p99": float(np.percentile(np.abs(errors), 99)),
        "latency": latency(response),
        "neurons": recording.neurons,
        "spikes": recording.spikes,
        "synaptic_operations": recording.synaptic_operations,
        "build_time": recording.build_time,
        "simulation_time": recording.simulation_time,
    }


def oracle(windows: PoolWindows, values: np.ndarray, spikes: np.ndarray) -> np.ndarray:
    """Spike train of whichever input is the largest at the time, (n_steps, n_pools).

    What a perfect switch could pass on: the error of the code itself.
    """
    indices = windows.indices
    members = np.where(indices < 0, -np.inf, values[:, indices])
    winner = np.take_along_axis(
        np.broadcast_to(indices, members.shape),
        members.argmax(axis=2)[:, :, np.newaxis],
        axis=2,
    )
    return np.take_along_axis(spikes, winner[:, :, 0], axis=1)


def average(windows: PoolWindows, spikes: np.ndarray) -> np.ndarray:
    """Average of the inputs of each pool, as average pooling passes it on."""
    members = np.where(windows.indices < 0, 0, spikes[:, windows.indices])
    return members.sum(axis=2) / windows.sizes
