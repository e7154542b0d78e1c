"""The maxima of two groups of three inputs."""

import nengo
from spiking_max_pool import PoolWindows, WinnerTakeAll

with nengo.Network(seed=0) as model:
    inputs = nengo.Node([0.1, 0.7, 0.3, 0.9, 0.2, 0.8])
    pool = WinnerTakeAll(PoolWindows.independent(n_pools=2, window_size=3))
    nengo.Connection(inputs, pool.input, synapse=None)
    probe = nengo.Probe(pool.output)

if __name__ == "__main__":
    with nengo.Simulator(model, progress_bar=False) as simulator:
        simulator.run(1)
    print(simulator.data[probe].mean(axis=0))  # close to 0.7 and 0.9
