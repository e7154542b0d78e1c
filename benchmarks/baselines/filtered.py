"""The maximum of filtered inputs, as a TensorNode or a Python node computes it."""

import numpy as np

DT = 0.001


def filtered_maximum(spikes, synapse):
    """Largest of the inputs after a synapse, which takes a time step as in Nengo."""
    now = synapse.filt(spikes, axis=0, dt=DT, y0=0).max(axis=2)
    return np.concatenate([np.zeros_like(now[:1]), now[:-1]])
