"""A gate that passes the spikes of the input that seems to fire most.

Rueckauer, B., Lungu, I.-A., Hu, Y., Pfeiffer, M. and Liu, S.-C. (2017). Conversion of
continuous-valued deep networks to efficient event-driven networks for image
classification. Frontiers in Neuroscience 11, 682.
https://doi.org/10.3389/fnins.2017.00682

The estimate of the rate is the count of all spikes, or an exponential average.
"""

import nengo
import numpy as np

DT = 0.001


def gated(spikes, synapse=None):
    """Spikes of the input with the largest estimate; of equal ones, the first."""
    if synapse is None:
        estimates = spikes.cumsum(axis=0)
    else:
        estimates = nengo.Lowpass(synapse).filt(spikes, axis=0, dt=DT, y0=0)
    winner = estimates.argmax(axis=2)[:, :, np.newaxis]
    return np.take_along_axis(spikes, winner, axis=2)[:, :, 0]
