"""LIPooling: a spike for each by which the largest count of spikes grows.

Li, Y. and Zeng, Y. (2022). Efficient and accurate conversion of spiking neural network
with burst spikes. IJCAI, 2485-2491. https://doi.org/10.48550/arXiv.2204.13271

Counts are of all spikes since the beginning. As published they begin anew with each
image; here as for all other ways, nothing tells a pool that new values have come.
"""

import numpy as np


def li_pooling(spikes):
    """Growth of the largest cumulative sum of a pool."""
    largest = spikes.cumsum(axis=0).max(axis=2)
    return np.diff(largest, axis=0, prepend=0)
