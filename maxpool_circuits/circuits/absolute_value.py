"""The maximum of two as their mean plus half their distance (AVAM)."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
import scipy.sparse
from nengo.exceptions import ValidationError
from nengo.params import Default

from ..network.populations import Population, rectifier
from ..network.windows import PoolWindows
from ..utils.checks import positive_number
from .tree import ComparatorTree


class AbsoluteValue(ComparatorTree):
    r"""Tree of comparators that take absolute values: the published AVAM circuit.

    .. math:: \max(a, b) = \frac{a + b}{2} + \left| \frac{a - b}{2} \right|

    Each comparator has one half that fires for :math:`a > b` and one for :math:`b > a`.

    It is here to be compared with, so its defaults are the published ones:
    `nengo.SpikingRectifiedLinear` neurons, ``max_rate`` 250 Hz, ``radius`` 0.2, inner
    synapse 1 ms, 5 ms after the spikes of the input.

    Cost, for :math:`k` inputs: :math:`k - 1` comparators of ``n_neurons`` neurons (6
    neurons for 4 inputs), :math:`\lceil \log_2 k \rceil` levels. Delay: that of
    ``input_synapse`` and one ``synapse`` per level.

    Parameters
    ----------
    n_neurons : int, optional
        Neurons per comparator, an even number. The default is 2 for rectified linear
        neuron types and 40 for others.
    neuron_type : nengo.neurons.NeuronType, optional
        Type of the neurons (Default: ``nengo.SpikingRectifiedLinear()``).
    max_rate : float, optional (Default: 250)
        Firing rate, in Hz, of a neuron where ``(a - b) / 2`` is ``radius``.
    input_rate : float, optional (Default: 250)
        Checked as in `.MaxPoolNetwork`; the published circuit has no input filter.
    input_range : (float, float), optional (Default: (0, 1))
        Lowest and highest value that the inputs take, in units of the input.
    synapse : nengo.synapses.Synapse or float or None, optional (Default: 0.001)
        Synapse after each level.
    input_synapse : nengo.synapses.Synapse or float or None, optional (Default: 0.005)
        Synapse before the first level.
    decoders, label, seed, add_to_container : optional
        As in `.MaxPoolNetwork`.
    radius : float, optional
        Half the difference at which a neuron fires at ``max_rate``, in units of the
        input. A smaller one buys accuracy with spikes. The default is 0.2 of the width
        of ``input_range``.

    Attributes
    ----------
    comparators : list of nengo.Ensemble
        The comparators of each level, from the input to the output.
    radius : float
        The argument ``radius``.

    References
    ----------
    Gaurav and others (2022), https://doi.org/10.48550/arXiv.2205.07076

    Examples
    --------
    >>> import nengo
    >>> import maxpool_circuits as mpc
    >>> windows = mpc.PoolWindows.independent(n_pools=1, window_size=4)
    >>> with nengo.Network(seed=0) as model:
    ...     pool = mpc.AbsoluteValue(
    ...         windows,
    ...         neuron_type=nengo.RectifiedLinear(),
    ...         synapse=None,
    ...         input_synapse=None,
    ...     )
    ...     inputs = nengo.Node([0.1, 0.7, 0.3, 0.2])
    ...     _ = nengo.Connection(inputs, pool.input, synapse=None)
    ...     probe = nengo.Probe(pool.output)
    >>> pool.n_neurons
    6
    >>> with nengo.Simulator(model, progress_bar=False) as sim:
    ...     sim.run_steps(1)
    >>> print(sim.data[probe].round(3))
    [[0.7]]
    """

    #: Largest errors that the common checks allow (see `.checks`).
    check_tolerances = {"constant": 0.2}

    # all but the decoders is as published
    tunables = ()
    default_neuron_type = nengo.SpikingRectifiedLinear()
    default_synapse = 0.001
    default_input_synapse = 0.005

    def __init__(
        self, windows: PoolWindows, *, radius: float = Default, **options: Any
    ) -> None:
        if radius is not Default:
            radius = positive_number(radius, "radius", self, unit="units of the input")
        self._radius = radius
        super().__init__(windows, **options)

    @property
    def radius(self) -> float:
        """Half the difference at which a neuron fires at ``max_rate``."""
        return 0.4 * self.half_range if self._radius is Default else self._radius

    @property
    def tuning_arguments(self) -> dict[str, float]:
        """The radius."""
        return {"radius": self.radius / (2 * self.half_range)}

    @property
    def default_n_neurons(self) -> int:
        """As many in each half as a rectifier has."""
        return 2 * super().default_n_neurons

    def _checked_n_neurons(self, n_neurons):
        n_neurons = super()._checked_n_neurons(n_neurons)
        if n_neurons % 2:
            raise ValidationError(
                "must be even, half of the neurons for a > b and half for b > a, got "
                f"{n_neurons}",
                attr="n_neurons",
                obj=self,
            )
        return n_neurons

    def linear_path(
        self, a: scipy.sparse.csr_matrix, b: scipy.sparse.csr_matrix
    ) -> scipy.sparse.csr_matrix:
        """Mean of the two."""
        return (a + b) / 2

    def comparator(self) -> Population:
        """Two rectifiers of half the difference, one for each sign."""
        half = rectifier(
            self.neuron_type, self.neurons_per_part // 2, self.max_rate, self.radius
        )
        return Population(
            half.neuron_type,
            encoders=np.concatenate([half.encoders, -half.encoders]) / 2,
            gain=np.tile(half.gain, 2),
            bias=np.tile(half.bias, 2),
            decoders=np.tile(half.decoders, 2),
            function=half_absolute,
            unit=half.unit,
        )


def half_absolute(difference: np.ndarray) -> np.ndarray:
    """Half the absolute value of each difference."""
    return np.abs(difference) / 2
