"""The tree of pairs in Nengo GUI: ``nengo docs/gui/pairwise_relu.py``.

The comparator of a pair fires by how much its first input exceeds its second, and is
silent otherwise: lower the third slider below the fourth.
"""

import nengo

import maxpool_circuits as mpc

with nengo.Network(seed=0) as model:
    inputs = nengo.Node([0.2, 0.4, 0.9, 0.6], label="inputs")
    carriers = nengo.Ensemble(
        4,
        dimensions=1,
        gain=[250] * 4,
        bias=[0] * 4,
        neuron_type=nengo.SpikingRectifiedLinear(amplitude=1 / 250),
        label="spikes of the inputs",
    )
    windows = mpc.PoolWindows.independent(n_pools=1, window_size=4)
    pool = mpc.PairwiseReLU(windows, label="pairwise-relu")
    values = nengo.Node(size_in=2, label="true maximum, output")

    nengo.Connection(inputs, carriers.neurons, synapse=None)
    nengo.Connection(carriers.neurons, pool.input, synapse=None)
    nengo.Connection(inputs, values[0], function=max, synapse=None)
    nengo.Connection(pool.output, values[1], synapse=None)
