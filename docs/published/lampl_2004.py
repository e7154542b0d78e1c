"""
Two bars in one complex cell: Lampl and others (2004)
=====================================================

**Expected.** Lampl, Ferster, Poggio and Riesenhuber recorded from complex cells in the
visual cortex of cats (J. Neurophysiol. 92, 2704,
https://doi.org/10.1152/jn.00060.2004). The response to two bars was, in many cells,
close to the larger of the responses to each bar alone, and well below their sum.

**Here.** Eight simple cells with receptive fields side by side see one bar, or two. A
complex cell pools them: ``winner-take-all``, and for comparison a cell that sums them
up. Each stimulus is a pool.
"""

import itertools

import matplotlib.pyplot as plt
import nengo
import numpy as np

import maxpool_circuits as mpc

places = np.arange(8)
contrasts = np.random.RandomState(0).uniform(0.3, 1, size=8)
distance = places[:, None] - places
fields = np.exp(-(distance**2) / 2) * np.cos(np.pi * distance / 2)

pairs = list(itertools.combinations(places, 2))
stimuli = [contrasts * (places == a) for a in places]
stimuli += [contrasts * ((places == a) | (places == b)) for a, b in pairs]
simple_cells = np.clip(np.array(stimuli) @ fields, 0, 1)

with nengo.Network(seed=0) as model:
    inputs = nengo.Node(simple_cells.ravel())
    neurons = nengo.Ensemble(
        simple_cells.size,
        1,
        gain=[100] * simple_cells.size,
        bias=[0] * simple_cells.size,
        neuron_type=nengo.SpikingRectifiedLinear(),
    ).neurons
    nengo.Connection(inputs, neurons, synapse=None)
    windows = mpc.PoolWindows.independent(len(stimuli), window_size=8)
    complex_cells = mpc.max_pool(neurons, windows)
    probes = nengo.Probe(complex_cells.output), nengo.Probe(neurons)

with nengo.Simulator(model, progress_bar=False) as simulator:
    simulator.run(1)
pooled, rates = (simulator.data[probe][200:].mean(axis=0) for probe in probes)
summed = rates.reshape(-1, 8).sum(axis=1)

# %%
# The response to a pair by that to its better bar; 1 is a maximum. A sum of two equal
# ones has 2.
a, b = np.transpose(pairs)
ratios = {}
figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for ax, (name, response) in zip(
    axes, {"winner-take-all": pooled, "sum": summed}.items()
):
    one, two = response[a], response[b]
    ratios[name] = response[8:] / np.maximum(one, two)
    ax.plot(one + two, response[8:], "v", color="0.6", label="over the sum of both")
    ax.plot(np.maximum(one, two), response[8:], "ko", label="over the larger one")
    ax.plot([0, 220], [0, 220], "k--", linewidth=1)
    ax.set(title=name, xlabel="from responses to one bar (Hz)")
axes[0].set_ylabel("response to two bars (Hz)")
axes[0].legend()
for name, ratio in ratios.items():
    print(f"{name:16} two bars by the better one: median {np.median(ratio):.2f}")
plt.show()

# %%
# **What came.** Over the larger response, pairs are on the diagonal, as in those cells.
# The few below it have bars so near to each other that each is on the inhibitory flank
# of the other's simple cell. A cell that sums up is far above.
