"""How networks grow with the number of pools; how fast they build is benchmarked."""

import nengo
import numpy as np
import pytest

import maxpool_circuits as mpc


def weights(pool):
    """Sparse matrices of all connections of a network that have any."""
    return [
        connection.transform.init
        for connection in pool.all_connections
        if isinstance(connection.transform, nengo.Sparse)
    ]


def count_nonzeros(pool):
    """Number of weights of each connection."""
    return np.array([matrix.nnz for matrix in weights(pool)])


def count_objects(pool):
    """Number of networks, and number of Nengo objects of all kinds."""
    return len(pool.all_networks), len(pool.all_objects)


@pytest.fixture(params=mpc.circuits())
def circuit(request):
    """Name of a circuit."""
    return request.param


@pytest.mark.parametrize("window_size", [2, 9])
def test_weights_grow_linearly_with_the_number_of_pools(circuit, window_size):
    few, many = (
        mpc.make(circuit, mpc.PoolWindows.independent(n_pools, window_size))
        for n_pools in (5, 500)
    )
    assert count_objects(many) == count_objects(few)
    assert many.n_neurons == 100 * few.n_neurons
    np.testing.assert_array_equal(count_nonzeros(many), 100 * count_nonzeros(few))


def test_no_connection_holds_a_dense_matrix(circuit):
    pool = mpc.make(circuit, mpc.PoolWindows.independent(n_pools=5, window_size=4))
    for connection in pool.all_connections:
        transform = connection.transform
        if isinstance(transform, nengo.Dense):
            assert np.ndim(transform.init) == 0  # a factor
        else:
            kinds = (nengo.Sparse, nengo.transforms.NoTransform, mpc.MaxPool)
            assert isinstance(transform, kinds)
