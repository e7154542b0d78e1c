"""
Unpooling: an encoder and a decoder
===================================

Pooled maxima go back to where they came from.
"""

import matplotlib.pyplot as plt
import nengo
import numpy as np

import maxpool_circuits as mpc

features = np.random.RandomState(0).uniform(size=(8, 8, 4)) ** 3
n_features = features.size

with nengo.Network(seed=0) as model:
    inputs = nengo.Node(features.ravel())
    neurons = nengo.Ensemble(
        n_features,
        dimensions=1,
        gain=[250] * n_features,
        bias=[0] * n_features,
        neuron_type=nengo.SpikingRectifiedLinear(amplitude=1 / 250),
    ).neurons
    nengo.Connection(inputs, neurons, synapse=None)

    pool = mpc.max_pool(neurons, features.shape)
    unpool = mpc.Unpool(pool)
    nengo.Connection(pool.output, unpool.input, synapse=None)

    pooled = nengo.Probe(pool.output, synapse=0.03)
    unpooled = nengo.Probe(unpool.output, synapse=0.03)

with nengo.Simulator(model, progress_bar=False) as simulator:
    simulator.run(0.5)


def error(decoded):
    """Root-mean-square difference to the features."""
    return np.sqrt(np.mean((decoded.reshape(features.shape) - features) ** 2))


small = simulator.data[pooled][-1].reshape(4, 4, 4)
upsampled = small.repeat(2, axis=0).repeat(2, axis=1)
errors = error(simulator.data[unpooled][-1]), error(upsampled)
print("root-mean-square error: unpooled {:.2f}, upsampled {:.2f}".format(*errors))

figure, axes = plt.subplots(1, 4, figsize=(10, 2.6), layout="constrained")
for ax, shown, title in (
    (axes[0], features, "features (1 of 4 maps)"),
    (axes[1], small, "pooled"),
    (axes[2], simulator.data[unpooled][-1].reshape(features.shape), "unpooled"),
    (axes[3], upsampled, "upsampled"),
):
    image = ax.imshow(shown[..., 0], vmin=0, vmax=1)
    ax.set_title(title)
    ax.set_axis_off()
figure.colorbar(image, ax=axes, label="value")
plt.show()
