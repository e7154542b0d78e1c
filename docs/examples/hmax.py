"""
Vision: simple and complex cells of HMAX
========================================

Simple cells are oriented filters; complex cells take maxima over position.
"""

import matplotlib.pyplot as plt
import nengo
import numpy as np

import maxpool_circuits as mpc

# a ring, 24 x 24, and filters for edges of four orientations
y, x = np.mgrid[-12:12, -12:12] + 0.5
ring = ((np.hypot(x, y) > 6) & (np.hypot(x, y) < 9)).astype(float)
v, u = np.mgrid[-3:4, -3:4]
angles = np.arange(4) * np.pi / 4
across = u[..., None] * np.cos(angles) + v[..., None] * np.sin(angles)
filters = np.exp(-(u**2 + v**2)[..., None] / 8) * np.cos(across * np.pi / 3)
filters -= filters.mean(axis=(0, 1))
filters /= np.abs(filters).sum(axis=(0, 1)) / 2  # so that responses are at most 1

kernels = filters[:, :, None]
oriented = nengo.Convolution(4, (24, 24, 1), kernel_size=(7, 7), init=kernels)
n_cells = oriented.output_shape.size

with nengo.Network(seed=0) as model:
    image = nengo.Node(ring.ravel())
    simple_cells = nengo.Ensemble(
        n_cells, 1, max_rates=[250] * n_cells, intercepts=[0] * n_cells
    )
    nengo.Connection(image, simple_cells.neurons, transform=oriented, synapse=None)
    complex_cells = mpc.max_pool(
        simple_cells.neurons, oriented.output_shape, pool_size=3, strides=2
    )
    inputs = nengo.Probe(simple_cells.neurons)
    output = nengo.Probe(complex_cells.output)

with nengo.Simulator(model, progress_bar=False) as simulator:
    simulator.run(0.6)
rates, maxima = (simulator.data[p][100:].mean(axis=0) for p in (inputs, output))
errors = maxima - complex_cells.windows.max(rates)
print(f"{len(maxima)} complex cells, {maxima.mean():.0f} Hz on average, ", end="")
print(f"within {np.abs(errors).max():.0f} Hz of the fastest simple cell")

figure, axes = plt.subplots(2, 5, figsize=(9, 4), layout="constrained")
axes[0, 0].imshow(ring, cmap="gray_r")
axes[0, 0].set_title("image")
simple = rates.reshape(oriented.output_shape.shape)
complex_ = maxima.reshape(complex_cells.windows.output_shape)
for i, angle in enumerate((0, 45, 90, 135)):
    axes[0, i + 1].imshow(simple[..., i], vmin=0, vmax=250)
    axes[0, i + 1].set_title(f"simple, {angle}°")
    axes[1, i + 1].imshow(complex_[..., i], vmin=0, vmax=250)
    axes[1, i + 1].set_title(f"complex, {angle}°")
for ax in axes.flat:
    ax.set_axis_off()
figure.colorbar(axes[0, 1].images[0], ax=axes, label="Hz")
plt.show()
