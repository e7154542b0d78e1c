"""The error of the oracle, which only has to read the spikes of the largest input."""

import numpy as np

from maxpool_circuits.comparison.metrics import READOUTS, best_readout, oracle


def oracle_error(workload, spikes, readouts=READOUTS):
    """Root-mean-square error of the oracle after the readout that suits it best."""
    output = oracle(workload.windows, workload.values, spikes)
    _, errors = best_readout(output, workload, readouts)
    return float(np.sqrt(np.mean(errors**2)))
