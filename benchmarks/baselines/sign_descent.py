"""Sign gradient descent: y follows the maximum by steps of one size up or down.

Oh, H. and Lee, Y. (2024). Sign gradient descent-based neuronal dynamics: ANN-to-SNN
conversion beyond ReLU network. International Conference on Machine Learning.
https://doi.org/10.48550/arXiv.2407.01645

As published, steps start at 0.15 and shrink by 5 % each, anew for each image, and the
inputs come in the same code. Here inputs are rates, so the maximum is that of
low-passed ones, and since nothing tells a pool that new values have come, steps shrink
down to a least size only.
"""

import nengo
import numpy as np

DT = 0.001


def sign_descent(spikes, synapse, first=0.15, decay=0.95, least=0.01):
    """Output after each step towards the maximum of low-passed inputs."""
    maximum = nengo.Lowpass(synapse).filt(spikes, axis=0, dt=DT, y0=0).max(axis=2)
    output = np.zeros(maximum.shape)
    y = np.zeros(maximum.shape[1])
    for step, target in enumerate(maximum):
        y = y - max(first * decay**step, least) * np.sign(y - target)
        output[step] = y
    return output
