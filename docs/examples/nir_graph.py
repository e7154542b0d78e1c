"""
NIR: a pool for other simulators
================================

A pool becomes a graph of the Neuromorphic Intermediate Representation, a file that
Norse, sinabs, SpikingJelly and snnTorch read (see :doc:`/nir`). Here its nodes are run
one after the other in NumPy.
"""

import matplotlib.pyplot as plt
import nir
import numpy as np

import maxpool_circuits as mpc
from maxpool_circuits.nir import to_nir

windows = mpc.PoolWindows((8, 8, 1), pool_size=2)
pool = mpc.PairwiseReLU(
    windows,
    neuron_type=mpc.IntegrateAndFire(min_voltage=-np.inf),
    max_rate=125,
    input_synapse=None,
    decoders=None,
    add_to_container=False,
)
graph = to_nir(pool, spike_value=1 / 250)

after = dict(graph.edges)
chain = ["input"]
while chain[-1] in after:
    chain.append(after[chain[-1]])
nodes = [graph.nodes[name] for name in chain[1:-1]]
print(*(type(node).__name__ for node in nodes))

values = np.random.RandomState(0).uniform(size=64)
spikes = np.diff(np.floor(np.outer(np.arange(1001), 0.25 * values)), axis=0)
voltages = [0.0] * len(nodes)
total = 0
for signal in spikes:
    for i, node in enumerate(nodes):
        if isinstance(node, nir.Affine):
            signal = node.weight @ signal + node.bias
        else:
            voltages[i] = voltages[i] + node.r * signal
            signal = (voltages[i] >= node.v_threshold - 1e-6).astype(float)
            voltages[i] = voltages[i] - signal * node.v_threshold
    total = total + signal
output = total / 250
errors = output - windows.max(values)
print(f"16 pools: root-mean-square error {np.sqrt(np.mean(errors**2)):.4f}")

figure, ax = plt.subplots(figsize=(4, 3.5), layout="constrained")
ax.plot([0, 1], [0, 1], "k--", linewidth=1)
ax.plot(windows.max(values), output, "o")
ax.set_xlabel("true maximum")
ax.set_ylabel("output of the graph")
plt.show()
