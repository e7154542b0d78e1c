"""What circuits are compared with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..network.windows import PoolWindows
from .measures import READOUTS, best_readout
from .workloads import Workload


def oracle(
    windows: PoolWindows, values: np.ndarray, spikes: np.ndarray
) -> np.ndarray:
    """The spike train of whichever input is the largest at the time.

    What a perfect switch could pass on: the error of the code itself.

    Parameters
    ----------
    windows : PoolWindows
        Which inputs each pool looks at.
    values, spikes : (n_steps, n_inputs) array
        Values of the inputs, and the spikes that carry them.

    Returns
    -------
    (n_steps, n_pools) array
        Spikes in units of the input.

    Examples
    --------
    The first input wins, then the second:

    >>> import numpy as np
    >>> from maxpool_circuits import PoolWindows
    >>> from maxpool_circuits.comparison.references import oracle
    >>> windows = PoolWindows.independent(n_pools=1, window_size=2)
    >>> values = np.array([[0.9, 0.1], [0.2, 0.8]])
    >>> spikes = np.array([[4, 0], [4, 0]])
    >>> print(oracle(windows, values, spikes))
    [[4]
     [0]]
    """
    indices = windows.indices
    members = np.where(indices < 0, -np.inf, values[:, indices])
    winner = np.take_along_axis(
        np.broadcast_to(indices, members.shape),
        members.argmax(axis=2)[:, :, np.newaxis],
        axis=2,
    )
    return np.take_along_axis(spikes, winner[:, :, 0], axis=1)


def oracle_error(
    workload: Workload, spikes: np.ndarray, readouts: Sequence[float] = READOUTS
) -> float:
    """Error of the oracle's spikes behind the readout filter that suits it best.

    Parameters
    ----------
    workload : Workload
        The workload.
    spikes : (n_steps, n_inputs) array
        Spikes that carry its values.
    readouts : sequence of float, optional (Default: `READOUTS`)
        Time constants to choose from, in seconds.

    Returns
    -------
    float
        Root-mean-square error, in units of the input.

    Examples
    --------
    >>> from maxpool_circuits.comparison import presentations
    >>> from maxpool_circuits.comparison.recording import input_spikes
    >>> from maxpool_circuits.comparison.references import oracle_error
    >>> workload = presentations(window_size=4, n_pools=10)
    >>> spikes = input_spikes(workload.values, rate=250)
    >>> 0.03 < oracle_error(workload, spikes) < 0.09
    True
    """
    output = oracle(workload.windows, workload.values, spikes)
    _, errors = best_readout(output, workload, readouts)
    return float(np.sqrt(np.mean(errors**2)))


def average(windows: PoolWindows, spikes: np.ndarray) -> np.ndarray:
    """The average of all inputs of a pool, as average pooling passes it on.

    Parameters
    ----------
    windows : PoolWindows
        Which inputs each pool looks at.
    spikes : (n_steps, n_inputs) array
        The spikes of the inputs.

    Returns
    -------
    (n_steps, n_pools) array
        Averages in units of the input.

    Examples
    --------
    >>> import numpy as np
    >>> from maxpool_circuits import PoolWindows
    >>> from maxpool_circuits.comparison.references import average
    >>> windows = PoolWindows.independent(n_pools=1, window_size=2)
    >>> print(average(windows, np.array([[4, 0], [4, 4]])))
    [[2.]
     [4.]]
    """
    members = np.where(windows.indices < 0, 0, spikes[:, windows.indices])
    return members.sum(axis=2) / windows.sizes
