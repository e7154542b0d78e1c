"""
Audio in one dimension: a cochlea
=================================

A rising tone is heard by 32 bands; pools of four pass on the loudest of their
neighbours.
"""

import matplotlib.pyplot as plt
import nengo
import numpy as np
import scipy.signal

import maxpool_circuits as mpc

# a tone from 200 to 3000 Hz, heard by 32 bands that are smoothed to loudness
rate = 16000
time = np.arange(rate) / rate
sound = scipy.signal.chirp(time, 200, 1, 3000, method="logarithmic")
centers = np.geomspace(200, 3000, 32)
bands = [
    scipy.signal.lfilter(*scipy.signal.iirpeak(center, 8, fs=rate), sound)
    for center in centers
]
smooth = scipy.signal.butter(2, 10, fs=rate)
loudness = scipy.signal.lfilter(*smooth, np.abs(bands), axis=1)[:, ::16].T
loudness = np.clip(loudness / loudness.max(), 0, 1)

with nengo.Network(seed=0) as model:
    cochlea = nengo.Node(nengo.processes.PresentInput(loudness, 0.001))
    counting = nengo.SpikingRectifiedLinear()
    hair_cells = nengo.Ensemble(
        32, 1, gain=[300] * 32, bias=[0] * 32, neuron_type=counting
    )
    nengo.Connection(cochlea, hair_cells.neurons, synapse=None)
    loudest = mpc.max_pool(hair_cells.neurons, (32,), pool_size=4)
    output = nengo.Probe(loudest.output, synapse=0.02)

with nengo.Simulator(model, progress_bar=False) as simulator:
    simulator.run(1)
true = nengo.Lowpass(0.02).filt(300 * loudest.windows.max(loudness), dt=0.001)
errors = simulator.data[output] - true
print(f"8 groups of bands, up to {true.max():.0f} Hz: ", end="")
print(f"root-mean-square error {np.sqrt(np.mean(errors**2)):.0f} Hz")

figure, axes = plt.subplots(2, sharex=True, figsize=(8, 4), layout="constrained")
for ax, shown, title in (
    (axes[0], 300 * loudness, "hair cells (32 bands)"),
    (axes[1], simulator.data[output], "pools (8 groups of bands)"),
):
    image = ax.imshow(shown.T, aspect="auto", origin="lower", extent=(0, 1, 0, 32))
    ax.set_title(title)
    ax.set_ylabel("band")
    figure.colorbar(image, ax=ax, label="Hz")
axes[1].set_xlabel("time (s)")
plt.show()
