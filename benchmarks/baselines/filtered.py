"""The maximum of filtered inputs, as a TensorNode or a Python node computes it."""

import nengo
import numpy as np

from maxpool_circuits.comparison.metrics import read_out

DT = 0.001


def poles(number, time_constant):
    """So many equal low-pass filters, one after the other."""
    denominator = np.poly1d([time_constant, 1]) ** number
    return nengo.LinearFilter([1], denominator.coeffs)


def filtered_maximum(spikes, synapse):
    """Largest of the inputs after a synapse, which takes a time step as in Nengo."""
    now = read_out(spikes, synapse).max(axis=2)
    return np.concatenate([np.zeros_like(now[:1]), now[:-1]])


def as_spikes(spikes, filtered, size=1 / 250):
    """Maxima as the spikes of a neuron, of an area of ``size`` each.

    Layers that pool before their neurons do so, as in spikingjelly.
    """
    counts = np.floor(filtered(spikes).cumsum(axis=0) * DT / size + 0.5)
    return np.diff(counts, axis=0, prepend=0) * size / DT
