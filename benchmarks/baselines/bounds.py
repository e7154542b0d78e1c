"""What no pool can do better than: the ideal observer, and counting whole spikes."""

import numpy as np
from ideal_observer import observe, root_mean_square

from maxpool_circuits.comparison.workloads import DT

N_PARTICLES = 250


def quantisation_floor(workload, input_rate):
    """Error of a whole number of spikes in the time that values are held, or None.

    A count that is off by a phase, uniform in [0, 1], on either side of the value has a
    standard deviation of 1 / sqrt(6) = 0.41 spikes.
    """
    values = workload.values.reshape(len(workload.values), -1)
    changes = np.flatnonzero(np.diff(values, axis=0).any(axis=1))
    n_steps = np.diff(changes).min()
    changes_always = n_steps == 1
    return None if changes_always else 1 / np.sqrt(6) / (input_rate * n_steps * DT)


def ideal_observer(workload, spikes, input_rate):
    """Least error that the spikes allow; None where so few particles do not tell."""
    if workload.name != "band-limited":
        return None
    target = workload.target[workload.is_read]
    spikes = spikes[: len(workload.values)]
    expected = observe(workload, spikes, input_rate, N_PARTICLES)
    return root_mean_square(expected - target)
