"""How deep a membrane that averages has to be."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np


def membrane_floor(
    memory: float,
    raw_memory: float,
    max_rate: float,
    interval: float,
    input_synapse: Any,
    n_competitors: float,
) -> float:
    """Floor of the membranes of a circuit, in units of the threshold.

    A membrane has to remember what its input synapse lets through of the ripple of
    regular spikes, and no more: a deeper one follows changes late. A spike of an input
    at the top of its range is worth as many thresholds as a neuron at ``max_rate``
    fires in its interval. Whole ones must be remembered where nothing filters them,
    and far less of filtered ones.

    Parameters
    ----------
    memory : float
        Distance between the floor and firing, in thresholds, behind a filter that lets
        no ripple through, with neurons at the rate of the inputs. It grows with the
        square root of their rate, because so many more thresholds are a spike.
    raw_memory : float
        How many spikes of an input must be remembered without a filter.
    max_rate : float
        Rate of the neurons, in Hz.
    interval : float
        Between the spikes of an input at the top of its range, in seconds.
    input_synapse : nengo.synapses.Synapse or None
        What filters the inputs.
    n_competitors : float
        How many inputs compete: from 4 on, the more of them are close to the maximum
        and fire in the same time step, before they can inhibit each other. How much of
        that is left where neurons are fast is for the circuit to say.

    Returns
    -------
    float
        Zero or negative.

    Examples
    --------
    >>> import nengo
    >>> from maxpool_circuits.network.membrane import membrane_floor
    >>> membrane_floor(1.3, 1.5, 250, 0.004, None, n_competitors=4)
    -1.5
    >>> floor = membrane_floor(1.3, 1.5, 250, 0.004, nengo.Alpha(0.0015), 4)
    >>> round(floor, 1)
    -0.5
    """
    spike = max_rate * interval
    filtered = memory * max(spike, n_competitors / 4) ** 0.5
    raw = 1 + raw_memory * spike
    through = let_through(input_synapse, 1 / interval)
    return min(0.0, 1 - (1 - through) * filtered - through * raw)


def floor_in(network: Any) -> float:
    """Floor of the membranes of a `.MaxPoolNetwork` whose other arguments are known."""
    return membrane_floor(
        network.value_of(network.memory),
        network.raw_memory,
        network.max_rate,
        network.inter_spike_interval,
        network.input_synapse,
        network.n_competitors,
    )


@functools.lru_cache(maxsize=64)
def let_through(synapse: Any, frequency: float) -> float:
    """What a synapse lets through of an oscillation, relative to a constant.

    Found once for all networks: it takes as long as building one.
    """
    if synapse is None:
        return 1.0
    dt = 0.001
    # of one entry each: Nengo's filters of single numbers fail with NumPy 2.5
    impulse = np.zeros((1000, 1))
    impulse[0] = 1
    response = synapse.filt(impulse, axis=0, dt=dt, y0=0)[:, 0]
    wave = np.exp(-2j * np.pi * frequency * dt * np.arange(len(response)))
    return float(np.abs(response @ wave) / np.abs(response.sum()))
