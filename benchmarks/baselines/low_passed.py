"""The maximum of low-passed inputs, as a TensorNode or a Python node computes it."""

import nengo

DT = 0.001


def low_passed_maximum(spikes, synapse):
    """Largest of the inputs after a low-pass filter of ``synapse`` seconds."""
    return nengo.Lowpass(synapse).filt(spikes, axis=0, dt=DT, y0=0).max(axis=2)
