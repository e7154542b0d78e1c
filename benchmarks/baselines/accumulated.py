"""A spike passes if none of its pool's inputs has had more, as in sinabs.

It is what ``SpikingMaxPooling2dLayer`` computes, https://github.com/synsense/sinabs.
Inputs with equally many spikes all pass theirs, one in each step.
"""

import numpy as np


def leaders_pass(spikes):
    """The spike of a step, if one of those that fire has the largest count."""
    counts = spikes.cumsum(axis=0)
    leads = counts >= counts.max(axis=2, keepdims=True) - 1e-9
    return np.where(leads, spikes, 0).max(axis=2)
