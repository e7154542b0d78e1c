"""What every circuit must do: those of the library, and one of a user's own."""

from itertools import product

import nengo
import numpy as np
import pytest

import maxpool_circuits as mpc
from maxpool_circuits.network.populations import rectifier
from maxpool_circuits.network.sparse import connect, selection
from maxpool_circuits.network.windows import window_columns
from maxpool_circuits.testing import checks


class Chain(mpc.MaxPoolNetwork):
    """A user's own circuit: ``m <- m + relu(x - m)``, one input after another."""

    check_tolerances = {"constant": 0.02}
    default_synapse = 0.005
    default_input_synapse = 0.005

    def build_circuit(self):
        """Compare each further input with the maximum of those before."""
        firsts, *others = (
            selection(column, self.windows.n_inputs)
            for column in window_columns(self.windows)[:, self.pools]
        )
        comparator = rectifier(
            self.neuron_type, self.neurons_per_part, self.max_rate, self.half_range
        )
        best = nengo.Node(size_in=len(self.pools))
        connect(self.input, best, firsts, self.input_synapse)
        for other in others:
            copies = self.replicate("comparator", comparator, len(self.pools))
            difference = nengo.Node(size_in=len(self.pools))
            connect(self.input, difference, other, self.input_synapse)
            nengo.Connection(best, difference, transform=-1, synapse=None)
            connect(difference, copies.neurons, copies.encode())
            better = nengo.Node(size_in=len(self.pools))
            nengo.Connection(best, better, synapse=None)
            connect(copies.neurons, better, copies.decode(), self.synapse)
            best = better
        connect(best, self.output, self.scatter)


#: Windows that differ only for circuits that share comparators along rows and columns;
#: for others all windows are lists of indices.
TILES = ["1-D", "2-D", "3-D", "smaller at the edges", "gaps", "global", "independent"]
SHARING = "pairwise-relu", "absolute-value"


def cases():
    """Every check of every circuit."""
    for circuit, check in product([*mpc.circuits(), Chain], checks()):
        same = circuit not in SHARING and check.name in map("maximum[{}]".format, TILES)
        yield pytest.param(circuit, check, marks=[pytest.mark.slow] if same else [])


@pytest.mark.parametrize("circuit, check", cases(), ids=str)
def test_common(circuit, check):
    check(circuit)


@pytest.mark.parametrize("circuit", mpc.circuits())
def test_the_librarys_circuits_are_the_same_to_the_last_bit(circuit, run_circuit):
    windows = mpc.PoolWindows((5, 4, 1), pool_size=3, strides=2, padding="same")
    x = np.random.RandomState(0).uniform(size=(2, windows.n_inputs))
    first, second = (
        run_circuit(circuit, windows, x, steps=50, seed=7) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
