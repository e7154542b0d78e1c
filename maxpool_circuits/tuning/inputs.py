"""The mixture of inputs that circuits are tuned for."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from ..comparison.compare import FIRST_SEED
from ..comparison.lookup import WORKLOADS
from ..comparison.recording import input_spikes
from ..comparison.workloads import Workload

#: What the mixture consists of: {name: (workload, whether its values are spikes, weight
#: of the error)}. All windows are drawn from independent uniform inputs (but for the
#: changing ones, which are normal), so near-ties and clear winners are included as they
#: come: with 4 inputs the two largest are closer than 0.02 in every tenth window.
#: Errors on band-limited spikes count three times, since they can shrink least: most of
#: what is to be known is not in the spikes yet.
INPUTS = {
    "constant, spikes": ("constant", True, 1),
    "presentations, spikes": ("presentations", True, 1),
    "band-limited, spikes": ("band-limited", True, 3),
    "constant, values": ("constant", False, 1),
}


@dataclass(frozen=True)
class Inputs:
    """Something for a circuit to run on.

    Parameters
    ----------
    workload : Workload
        Values, and when errors are read.
    signals : (n_steps, n_inputs) array
        What the circuit gets: the values, or spikes that carry them.
    weight : float, optional (Default: 1)
        How much the error counts.
    """

    workload: Workload
    signals: np.ndarray
    weight: float = 1


def draw(window_size, input_rate, seed, n_pools, any_level=False):
    """Draw the mixture of inputs.

    Parameters
    ----------
    window_size : int
        Number of inputs of each pool.
    input_rate : float
        Firing rate of the inputs that spike, in Hz per unit value.
    seed : int
        Different seeds give independent draws.
    n_pools : int
        Number of pools.
    any_level : bool, optional (Default: False)
        Scale all inputs of every second pool by a factor between 0 and 1, so that small
        maxima are as frequent as large ones in half of the pools.

    Returns
    -------
    dict of {str: Inputs}
        One of each of `INPUTS`.

    Examples
    --------
    >>> from maxpool_circuits.tuning import draw
    >>> mixture = draw(window_size=4, input_rate=250, seed=0, n_pools=3)
    >>> mixture["constant, spikes"].signals.shape
    (1500, 12)
    """
    mixture = {}
    for number, (name, (workload, spikes, weight)) in enumerate(INPUTS.items()):
        # comparisons draw with the seeds from FIRST_SEED on
        seed_of_values = (len(INPUTS) * seed + number) % FIRST_SEED
        drawn = WORKLOADS[workload](window_size, n_pools, seed_of_values)
        if any_level:
            drawn = _dimmed(drawn, window_size, seed_of_values)
        signals = drawn.values
        if spikes:
            signals = input_spikes(signals, input_rate, seed_of_values)
        mixture[name] = Inputs(drawn, signals, weight)
    return mixture


def _dimmed(workload, window_size, seed):
    """The same workload with smaller values in every second pool."""
    factors = np.random.RandomState(seed).uniform(size=workload.windows.n_pools)
    factors[::2] = 1
    factors = np.repeat(factors, window_size)
    return dataclasses.replace(
        workload, values=factors * workload.values, step=factors * workload.step
    )
