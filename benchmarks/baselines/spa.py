"""`nengo_spa.networks.selection.WTA`: populations that inhibit each other."""

import numpy as np

from .networks import one_per_pool


def spa_winner(windows, n_neurons=50):
    """The sum of the outputs, of which all but the largest are to be 0."""
    from nengo_spa.networks.selection import WTA

    def add_pool(size):
        winner = WTA(n_neurons, size, threshold=0.0)
        return winner.input, winner.output, np.ones((1, size))

    return one_per_pool(windows, add_pool)
