"""
256 groups: Gaurav, Tripp and Narayan (2022)
============================================

**Expected.** The AVAM circuit, pairs of neurons that take absolute values, outputs
about the maximum of a group of four values, if its radius suits their differences
(https://doi.org/10.48550/arXiv.2205.07076). So the points of 256 random groups are near
the diagonal.

**Here.** ``absolute-value`` is that circuit; its values come as spikes of 250 Hz, as
those of a converted layer do. Beside it is ``winner-take-all``, on the same spikes.
"""

import matplotlib.pyplot as plt
import nengo
import numpy as np

import maxpool_circuits as mpc
from maxpool_circuits import plots

windows = mpc.PoolWindows.independent(256, window_size=4)
values = np.random.RandomState(0).uniform(size=windows.n_inputs)
truth = windows.max(values)

with nengo.Network(seed=0) as model:
    inputs = nengo.Node(values)
    neurons = nengo.Ensemble(
        windows.n_inputs,
        1,
        gain=[250] * windows.n_inputs,
        bias=[0] * windows.n_inputs,
        neuron_type=nengo.SpikingRectifiedLinear(amplitude=1 / 250),
    ).neurons
    nengo.Connection(inputs, neurons, synapse=None)
    pools = {
        f"AVAM, radius {radius:g}": mpc.AbsoluteValue(windows, radius=radius)
        for radius in (0.1, 0.2, 1)
    }
    pools["winner-take-all"] = mpc.WinnerTakeAll(windows)
    probes = {}
    for name, pool in pools.items():
        nengo.Connection(neurons, pool.input, synapse=None)
        probes[name] = nengo.Probe(pool.output, synapse=0.02)

with nengo.Simulator(model, progress_bar=False) as simulator:
    simulator.run(0.3)

# %%
figure, axes = plt.subplots(1, 4, sharey=True, figsize=(12, 3.4), layout="constrained")
colors = plots.styles(["absolute-value", "winner-take-all"])
biases, errors = {}, {}
for ax, (name, probe) in zip(axes, probes.items()):
    output = simulator.data[probe][-1]
    biases[name] = np.mean(output - truth)
    errors[name] = np.sqrt(np.mean((output - truth) ** 2))
    color = colors.get(name, colors["absolute-value"])["color"]
    ax.plot([0, 1.1], [0, 1.1], "k--", linewidth=1)
    ax.plot(truth, output, ".", color=color)
    ax.set(title=name, xlabel="true maximum")
    print(f"{name:16} bias {biases[name]:+.3f}, RMSE {errors[name]:.3f}")
axes[0].set_ylabel("output after 300 ms")
plt.show()

# %%
# **What came.** As expected for the radius: the smaller, the nearer. But all points of
# AVAM are above the diagonal: spikes fluctuate, and an absolute value of what
# fluctuates is too large (:doc:`/theory`).
