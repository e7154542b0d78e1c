"""Trees of comparators: the maximum of many as the maximum of two, level by level."""

from __future__ import annotations

import nengo
import numpy as np
import scipy.sparse

from ..network.base import MaxPoolNetwork
from ..network.populations import FittedPopulation, Population
from ..network.sparse import selection
from ..network.wiring import Wiring
from .overlap import shared_comparisons


class ComparatorTree(MaxPoolNetwork):
    r"""Base class of circuits that compare two values at a time.

    In every level each pool pairs up its values :math:`a, b`. A comparator gets their
    *difference*, and what it computes is added to a linear combination of the two that
    goes past the neurons:

    .. math:: \max(a, b) = \text{path}(a, b) + \text{comparator}(a - b)

    A value without a partner waits for the next level, after the same synapses. All
    comparators of a level are one ensemble; there are :math:`\lceil \log_2 k \rceil`
    levels for :math:`k` inputs and :math:`k - 1` comparators.

    Windows that overlap on a grid share comparators where that saves any: maxima are
    taken along one axis after the other, which takes :math:`\lceil \log_2 l \rceil`
    levels for each axis along which windows are :math:`l` inputs long.

    A subclass defines `linear_path` and `comparator`.

    Parameters
    ----------
    n_neurons, neuron_type, max_rate, input_rate, input_range : optional
        As in `.MaxPoolNetwork`.
    synapse, input_synapse : optional
        As in `.MaxPoolNetwork`.
    decoders, label, seed, add_to_container : optional
        As in `.MaxPoolNetwork`.

    Attributes
    ----------
    comparators : list of nengo.Ensemble
        The comparators of each level, from the input to the output.

    Examples
    --------
    A tree that takes the *minimum*, :math:`\min(a, b) = b - \text{relu}(b - a)`; the
    comparator gets :math:`a - b`:

    >>> import dataclasses
    >>> import nengo
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits.circuits.tree import ComparatorTree
    >>> from maxpool_circuits.network.populations import rectifier
    >>> class Minimum(ComparatorTree):
    ...     def linear_path(self, a, b):
    ...         return b
    ...     def comparator(self):
    ...         neuron = rectifier(self.neuron_type, 1, self.max_rate, self.half_range)
    ...         turned = {"encoders": -neuron.encoders, "decoders": -neuron.decoders}
    ...         return dataclasses.replace(neuron, **turned)
    >>> windows = mpc.PoolWindows.independent(n_pools=1, window_size=3)
    >>> with nengo.Network() as model:
    ...     pool = Minimum(windows, neuron_type=nengo.RectifiedLinear())
    ...     inputs = nengo.Node([0.4, 0.9, 0.2])
    ...     _ = nengo.Connection(inputs, pool.input, synapse=None)
    ...     probe = nengo.Probe(pool.output)
    >>> with nengo.Simulator(model, progress_bar=False) as sim:
    ...     sim.run_steps(1)
    >>> print(sim.data[probe])
    [[0.2]]
    """

    # a comparator is a comparator
    tuned_per_window_size = False

    def linear_path(
        self, a: scipy.sparse.csr_matrix, b: scipy.sparse.csr_matrix
    ) -> scipy.sparse.csr_matrix:
        """Combine two values linearly.

        Parameters
        ----------
        a, b : (n_values, n_sources) scipy.sparse.csr_matrix
            Matrices that pick the two values; the same one twice for a value that has
            no partner, which must be left as it is.

        Returns
        -------
        (n_values, n_sources) scipy.sparse.csr_matrix
            The matrix of the linear combination.
        """
        raise NotImplementedError

    def comparator(self) -> Population | FittedPopulation:
        """Make the population that turns ``a - b`` into what the path lacks.

        Returns
        -------
        Population
            A population with one input and one output, both in units of the input.
        """
        raise NotImplementedError

    def build_circuit(self) -> None:
        """Add levels until every pool has one value left."""
        comparator = self.comparator()
        self.comparators: list[nengo.Ensemble] = []
        wiring = Wiring()
        gather, comparisons, scatter = self._compare()
        values = wiring.junction(gather.shape[0], "values 0")
        wiring.connect(self.input, values, gather, self.input_synapse)

        for level, (first, second) in enumerate(comparisons, start=1):
            identity = scipy.sparse.identity(values.size, format="csr")
            a, b = identity[first], identity[second]
            pairs = np.flatnonzero(first != second)

            copies = self.replicate(
                "comparator", comparator, len(pairs), label=f"comparators {level}"
            )
            self.comparators.append(copies.ensemble)
            wiring.connect(values, copies.neurons, copies.encode((a - b)[pairs]))
            maxima = wiring.junction(len(first), f"values {level}")
            wiring.connect(values, maxima, self.linear_path(a, b), self.synapse)
            wiring.connect(
                copies.neurons,
                maxima,
                copies.decode(selection(pairs, len(first)).T),
                self.synapse,
            )
            values = maxima
        wiring.connect(values, self.output, scatter)
        wiring.build()

    def _compare(self):
        """The wiring before, the pairs of each level, and the wiring after."""
        sizes = self.windows.sizes[self.pools]
        self.shares_comparators = False
        if self.windows.axes is not None:
            shared = shared_comparisons(self.windows.axes)
            if shared is not None and shared.number < np.sum(sizes - 1):
                self.shares_comparators = True
                gather = selection(shared.inputs, self.windows.n_inputs)
                n_values = len(shared.levels[-1][0])
                maxima = selection(shared.maxima[self.pools], n_values)
                return gather, shared.levels, self.scatter @ maxima
        pool_of_value, _ = np.nonzero(self.pool_sum)
        levels = []
        while len(pool_of_value) > len(self.pools):
            first, second = pair_up(pool_of_value)
            levels.append((first, second))
            pool_of_value = pool_of_value[first]
        return self.gather, levels, self.scatter


def pair_up(pool_of_value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pair the values of each pool; a value without a partner is paired with itself."""
    n_values = len(pool_of_value)
    _, start, size = np.unique(pool_of_value, return_index=True, return_counts=True)
    position = np.arange(n_values) - np.repeat(start, size)
    first = np.flatnonzero(position % 2 == 0)
    is_last = position[first] == np.repeat(size, size)[first] - 1
    return first, np.where(is_last, first, first + 1)
