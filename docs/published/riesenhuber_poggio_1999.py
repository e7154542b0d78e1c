"""
A view-tuned unit in clutter: Riesenhuber and Poggio (1999)
===========================================================

**Expected.** In the HMAX model (Nature Neuroscience 2, 1019,
https://doi.org/10.1038/14819) a unit is tuned to the complex cells' responses to one
view of an object. If complex cells take maxima, it keeps to its object when that moves,
and when another one stands beside it; if they sum up, what stands beside it adds to
everything.

**Here.** Objects are bent wires. Oriented filters and local maxima lead to 40 features,
each found at all places; the last stage pools each feature over all places, in spikes
by ``winner-take-all``, or by the average. The view-tuned unit is a Gaussian around the
15 strongest responses to its object, whose width is half the distance to the nearest of
20 other wires.
"""

import matplotlib.pyplot as plt
import nengo
import numpy as np
import scipy.ndimage

import maxpool_circuits as mpc
from maxpool_circuits.comparison.workloads import gabor

SIZE, SHIFTS = 48, range(0, 13, 2)


def wire(seed, x=0, corners=6):
    """A picture of a bent wire of random corners, moved to the right."""
    points = np.random.RandomState(seed).uniform(4, 20, size=(corners, 2))
    picture = np.zeros((SIZE, SIZE))
    for start, end in zip(points[:-1], points[1:]):
        for share in np.linspace(0, 1, 60):
            row, column = np.round(start + share * (end - start)).astype(int)
            picture[row + 12, column + x] = 1
    return picture


moved = [wire(0, shift) for shift in SHIFTS]
others = [wire(seed) for seed in range(1, 21)]
clutter = [np.maximum(wire(0), wire(seed, 24)) for seed in range(1, 21)]
pictures = np.array(moved + others + clutter)

filters = [gabor(7, 3.5, angle) for angle in (0, 45, 90, 135)]


def features(pictures, templates=None):
    """Patches of complex cells, or how like they are to templates at each place."""
    simple = [scipy.ndimage.convolve(pictures, each[np.newaxis]) for each in filters]
    simple = np.maximum(simple, 0)
    complex_cells = scipy.ndimage.maximum_filter(simple, (1, 1, 8, 8))[..., ::4, ::4]
    patches = np.lib.stride_tricks.sliding_window_view(complex_cells, (4, 4), (2, 3))
    patches = patches.transpose(1, 2, 3, 0, 4, 5).reshape(len(pictures), -1, 64)
    if templates is None:
        return patches
    squares = ((patches[:, :, np.newaxis] - templates) ** 2).sum(axis=-1)
    return np.exp(-squares / (2 * np.median(squares) / 4))


some = features(np.array([wire(seed) for seed in range(100, 140)]))
templates = some[np.arange(40), some.sum(axis=2).argmax(axis=1)]
shown = features(pictures, templates)
n_places, n_templates = shown.shape[1:]
shown = shown.reshape(len(pictures), -1)

with nengo.Network(seed=0) as model:
    inputs = nengo.Node(nengo.processes.PresentInput(shown, 0.1))
    neurons = nengo.Ensemble(
        shown.shape[1],
        1,
        gain=[250] * shown.shape[1],
        bias=[0] * shown.shape[1],
        neuron_type=nengo.SpikingRectifiedLinear(amplitude=1 / 250),
    ).neurons
    nengo.Connection(inputs, neurons, synapse=None)
    windows = mpc.PoolWindows.global_pooling((n_places, n_templates))
    anywhere = mpc.max_pool(neurons, windows)
    probe = nengo.Probe(anywhere.output, synapse=0.02, sample_every=0.1)

with nengo.Simulator(model, progress_bar=False) as simulator:
    simulator.run(0.1 * len(pictures))
responses = {
    "maximum": simulator.data[probe],
    "average": shown.reshape(-1, n_places, n_templates).mean(axis=1),
}

# %%
# Responses of the view-tuned unit: to its object, moved to the right; and to its object
# beside others.
view_tuned, beside, above = {}, {}, {}
figure, axes = plt.subplots(
    2, 2, figsize=(9, 5), width_ratios=(2, 1), layout="constrained"
)
for ax, number, title in zip(
    axes[:, 1], (0, len(moved + others)), ("its object", "in clutter")
):
    ax.imshow(pictures[number], cmap="gray_r")
    ax.set_title(title)
    ax.set_axis_off()
for name, style in (("maximum", "o-"), ("average", "s--")):
    strongest = np.argsort(responses[name][0])[-15:]
    away = responses[name] - responses[name][0]
    away = np.linalg.norm(away[:, strongest], axis=1)
    width = away[len(moved) : len(moved + others)].min() / 2
    view_tuned[name] = np.exp(-(away**2) / (2 * width**2))
    beside[name] = view_tuned[name][len(moved + others) :]
    above[name] = np.mean(beside[name] > np.exp(-2))
    axes[0, 0].plot(SHIFTS, view_tuned[name][: len(moved)], style, label=name)
    axes[1, 0].plot(np.sort(beside[name])[::-1], style, label=name)
    print(f"{name}: above all other wires in {100 * above[name]:.0f} % of the clutter")
for ax in axes[:, 0]:
    ax.axhline(np.exp(-2), color="0.6", label="the nearest other wire")
    ax.set_ylabel("response")
axes[0, 0].set_xlabel("moved by (pixels)")
axes[1, 0].set_xlabel("its object beside another (20 of them, sorted)")
axes[1, 0].legend()
plt.show()

# %%
# **What came.** In clutter as expected: features that are maxima only grow where the
# other wire has more of them, and the unit answers it more than it answers any other
# wire alone; those that are averages all change, and it is silent. The shift alone does
# not tell them apart: averages over all places keep it even better, but they keep
# little of what the object is.
