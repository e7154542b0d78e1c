"""Junctions are removed where that is cheap, and never change what is computed."""

import nengo
import numpy as np
import pytest
import scipy.sparse

from maxpool_circuits.network.wiring import Wiring


def random_weights(n_rows, n_columns, seed=0):
    return np.random.RandomState(seed).normal(size=(n_rows, n_columns))


def built(draw):
    """The network with an input and an output that ``draw`` wires up."""
    with nengo.Network(seed=0) as network:
        network.input = nengo.Node([0.3, -0.2, 0.7])
        network.output = nengo.Node(size_in=2)
        wiring = Wiring()
        draw(wiring, network.input, network.output)
        wiring.build()
    return network


def output(network, steps=20):
    with network:
        probe = nengo.Probe(network.output)
    with nengo.Simulator(network, progress_bar=False) as sim:
        sim.run_steps(steps)
    return sim.data[probe]


@pytest.mark.parametrize("before, after", [(None, None), (0.01, None), (None, 0.01)])
def test_removed_junction_computes_the_same(before, after):
    first, second = random_weights(4, 3), random_weights(2, 4, seed=1)

    def draw(wiring, source, target):
        middle = wiring.junction(4, "middle")
        wiring.connect(source, middle, first, before and nengo.Lowpass(before))
        wiring.connect(middle, target, second, after and nengo.Lowpass(after))

    network = built(draw)
    assert len(network.nodes) == 2
    assert len(network.connections) == 1
    expected = second @ first @ [0.3, -0.2, 0.7]
    np.testing.assert_allclose(output(network, 300)[-1], expected, atol=1e-9)


def test_paths_through_removed_junctions_add_up():
    def draw(wiring, source, target):
        chain = [wiring.junction(3, str(i)) for i in range(3)]
        for pre, post in zip([source, *chain], chain):
            wiring.connect(pre, post, 2 * np.eye(3))
            wiring.connect(source, post)
        wiring.connect(chain[-1], target, random_weights(2, 3))

    network = built(draw)
    assert len(network.nodes) == 2
    assert len(network.connections) == 1
    # ((2 + 1) * 2 + 1) * 2 + 1
    expected = 15 * random_weights(2, 3) @ [0.3, -0.2, 0.7]
    np.testing.assert_allclose(output(network)[-1], expected)


def test_junction_between_two_synapses_becomes_a_node():
    def draw(wiring, source, target):
        middle = wiring.junction(3, "middle")
        wiring.connect(source, middle, synapse=nengo.Lowpass(0.01))
        wiring.connect(middle, target, random_weights(2, 3), nengo.Lowpass(0.02))

    network = built(draw)
    assert [node.label for node in network.nodes] == [None, None, "middle"]
    assert [connection.synapse.tau for connection in network.connections] == [
        0.01,
        0.02,
    ]


def test_junction_that_feeds_itself_becomes_a_node():
    def draw(wiring, source, target):
        sums = wiring.junction(3, "sums")
        wiring.connect(source, sums)
        wiring.connect(sums, sums, synapse=nengo.Lowpass(0.01))
        wiring.connect(sums, target, random_weights(2, 3))

    assert built(draw).nodes[-1].label == "sums"


def test_junction_whose_removal_needs_many_weights_becomes_a_node():
    with nengo.Network() as network:
        source, target = nengo.Node(size_in=100), nengo.Node(size_in=100)
        wiring = Wiring()
        total = wiring.junction(1, "total")
        wiring.connect(source, total, np.ones((1, 100)))
        wiring.connect(total, target, np.ones((100, 1)))
        wiring.build()
    assert network.nodes[-1].label == "total"


def test_weights_that_cancel_are_not_stored():
    def draw(wiring, source, target):
        middle = wiring.junction(3, "middle")
        wiring.connect(source, middle)
        wiring.connect(source, middle, [[-1, 0, 0], [0, 0, 0], [0, 0, 0]])
        wiring.connect(middle, target, [[1, 1, 0], [0, 0, 1]])

    (connection,) = built(draw).connections
    assert connection.transform.init.nnz == 2


def test_connections_with_different_synapses_stay_apart():
    def draw(wiring, source, target):
        weights = scipy.sparse.csr_matrix(random_weights(2, 3))
        wiring.connect(source, target, weights)
        wiring.connect(source, target, weights, nengo.Lowpass(0.01))
        wiring.connect(source, target, weights, nengo.Lowpass(0.01))

    network = built(draw)
    assert [connection.synapse for connection in network.connections] == [
        None,
        nengo.Lowpass(0.01),
    ]
    expected = 3 * random_weights(2, 3) @ [0.3, -0.2, 0.7]
    np.testing.assert_allclose(output(network, 300)[-1], expected)
