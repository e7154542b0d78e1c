"""What the scripts for Nengo GUI share: one pool of four spiking inputs."""

import nengo

import maxpool_circuits as mpc


def pool_of_four(circuit, **options):
    """Make a model of a circuit by name, and the objects that its layout shows."""
    with nengo.Network(seed=0) as model:
        inputs = nengo.Node([0.2, 0.4, 0.9, 0.6], label="inputs")
        features = nengo.Ensemble(
            4,
            dimensions=1,
            gain=[250] * 4,
            bias=[0] * 4,
            neuron_type=nengo.SpikingRectifiedLinear(amplitude=1 / 250),
            label="spikes of the inputs",
        )
        windows = mpc.PoolWindows.independent(n_pools=1, window_size=4)
        pool = mpc.make(circuit, windows, label=circuit, **options)
        values = nengo.Node(size_in=2, label="true maximum, output")

        nengo.Connection(inputs, features.neurons, synapse=None)
        nengo.Connection(features.neurons, pool.input, synapse=None)
        nengo.Connection(inputs, values[0], function=max, synapse=None)
        nengo.Connection(pool.output, values[1], synapse=None)
    return model, inputs, features, pool, values
