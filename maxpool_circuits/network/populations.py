"""Small populations of neurons, solved once and replicated over all pools."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import nengo
import numpy as np
import scipy.sparse
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType, NeuronTypeParam, RectifiedLinear

from ..utils.checks import positive_number, valid_integer
from .arrays import numbers
from .sparse import finite_matrix, replicate


def is_rectified_linear(neuron_type: NeuronType) -> bool:
    """Whether the rate of a neuron is proportional to its positive input current.

    One such neuron is an exact rectifier, others need a population to approximate one.
    """
    # nengo.PoissonSpiking and its like wrap the type that gives their rates
    rate_type = getattr(neuron_type, "base_type", neuron_type)
    if not isinstance(rate_type, RectifiedLinear):
        return False
    current = np.array([[-2.0], [-1.0], [0.5], [1.0], [2.0]])
    rates = neuron_type.rates(current, gain=np.ones(1), bias=np.zeros(1))
    return bool(np.allclose(rates, rates[3] * np.maximum(current, 0)))


@dataclass(frozen=True)
class Population:
    """A population of neurons with encoders and decoders.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        Type of all neurons.
    encoders : (n_neurons, size_in) array
        Currents that one unit of input gives to the neurons, before their gains.
    gain, bias : (n_neurons,) array
        Gains and biases of the neurons.
    decoders : (size_out, n_neurons) array
        Weights that turn the activities into the output.
    function : callable
        What the output approximates: (n_points, size_in) to (n_points, size_out).
    unit : float
        Scale of the decoders: that of the output, in units of the input, divided by the
        firing rate that gives it, in Hz. Tuned decoders are multiplied by it, so that
        they hold for every ``input_range``, and those of neurons whose rate is
        proportional to their input for every ``max_rate``.
    """

    neuron_type: nengo.neurons.NeuronType
    encoders: np.ndarray
    gain: np.ndarray
    bias: np.ndarray
    decoders: np.ndarray
    function: Callable
    unit: float

    def __post_init__(self) -> None:
        """Check all values."""
        n_neurons = len(numbers(self.gain, "gain", ("*",), obj=self))
        shapes = {"encoders": (n_neurons, "*"), "decoders": ("*", n_neurons)}
        _check(self, bias=(n_neurons,), **shapes)

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return len(self.gain)


@dataclass(frozen=True)
class FittedPopulation:
    """A population whose decoders approximate a function.

    Regularised least squares on the tuning curves, as Nengo's own default solver does,
    but once for all copies, and only when the decoders are asked for.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        Type of all neurons.
    encoders : (n_neurons, size_in) array
        Scaled so that an input of ``encoders @ input == 1`` makes a neuron fire at
        ``max_rate``.
    intercepts : (n_neurons,) array
        Value of ``encoders @ input`` at which the neurons start to fire.
    max_rate : float
        Firing rate, in Hz, where ``encoders @ input`` is 1.
    points : callable
        Takes a number and returns at least so many inputs to fit the decoders on,
        (n_points, size_in).
    n_points : int
        The number of inputs that is enough for these neurons.
    function : callable
        What to decode there: (n_points, size_in) to (n_points, size_out).
    regularise : float
        Standard deviation of the noise that the decoders should withstand, as a
        fraction of the largest rate.
    unit : float
        Scale of the decoders, in units of the input per Hz; see `Population`.
    """

    neuron_type: nengo.neurons.NeuronType
    encoders: np.ndarray
    intercepts: np.ndarray
    max_rate: float
    points: Callable
    n_points: int
    function: Callable
    regularise: float
    unit: float

    def __post_init__(self) -> None:
        """Check all values."""
        n_neurons = len(numbers(self.intercepts, "intercepts", ("*",), obj=self))
        _check(self, encoders=(n_neurons, "*"))
        _callable(self.points, "points", self)
        positive_number(self.max_rate, "max_rate", self, unit="Hz")
        positive_number(self.regularise, "regularise", self)
        valid_integer(self.n_points, "n_points", self)

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return len(self.intercepts)

    @property
    def gain(self) -> np.ndarray:
        """Gains of the neurons, (n_neurons,) array."""
        return self._gain_and_bias[0]

    @property
    def bias(self) -> np.ndarray:
        """Biases of the neurons, (n_neurons,) array."""
        return self._gain_and_bias[1]

    @cached_property
    def _gain_and_bias(self):
        max_rates = np.full(self.n_neurons, float(self.max_rate))
        return self.neuron_type.gain_bias(max_rates, self.intercepts)

    @cached_property
    def decoders(self) -> np.ndarray:
        """Weights that turn the activities into the output, (size_out, n_neurons)."""
        points = self.points(self.n_points)
        activities = self.neuron_type.rates(
            points @ self.encoders.T, self.gain, self.bias
        )
        if not np.any(activities):
            raise ValidationError(
                f"{self.neuron_type} does not fire anywhere in its input range; choose "
                "a neuron type whose rate grows with its input current",
                attr="neuron_type",
            )
        solver = nengo.solvers.LstsqL2(reg=self.regularise)
        decoders, _ = solver(activities, self.function(points), rng=np.random)
        return decoders.T

    def with_tuning_curves(self, tuning_curves: np.ndarray) -> FittedPopulation:
        """The same with other tuning curves, in the form of `tuning_curves`."""
        return dataclasses.replace(
            self,
            encoders=tuning_curves[:, :-1] * self.scale,
            intercepts=tuning_curves[:, -1],
        )

    @property
    def tuning_curves(self) -> np.ndarray:
        """Encoders, relative to the largest number in them, and intercepts."""
        return np.column_stack([self.encoders / self.scale, self.intercepts])

    @property
    def scale(self) -> float:
        """Largest number in the encoders."""
        return np.abs(self.encoders).max()


def _check(population, **shapes):
    """Check what all populations have, and arrays of given shapes."""
    NeuronTypeParam("neuron_type").coerce(population, population.neuron_type)
    positive_number(population.unit, "unit", population)
    _callable(population.function, "function", population)
    for name, shape in shapes.items():
        numbers(getattr(population, name), name, shape, obj=population)


def _callable(value, attr, obj):
    """Refuse what cannot be called."""
    if not callable(value):
        raise ValidationError(f"must be callable, got {value!r}", attr=attr, obj=obj)


def rectified(points: np.ndarray) -> np.ndarray:
    """Replace negative values by zero."""
    return np.maximum(points, 0)


def rectifier(
    neuron_type: NeuronType, n_neurons: int, max_rate: float, radius: float
) -> Population | FittedPopulation:
    """Population that decodes ``max(input, 0)`` of a scalar input.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        Type of all neurons. Rectified linear ones, whose rate is proportional to their
        positive input, all get the same tuning curve, so that the result is exact;
        others get intercepts spread over the positive inputs, so that all are silent at
        negative ones.
    n_neurons : int
        Number of neurons.
    max_rate : float
        Firing rate, in Hz, where the input is ``radius``, or for types that are not
        rectified linear, where it is twice that.
    radius : float
        The typical largest input, in units of the input; twice that is the largest.

    Returns
    -------
    Population or FittedPopulation
        The population.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an argument is not as described.

    Examples
    --------
    One neuron that fires at 200 Hz where the input is 0.5:

    >>> neuron = rectifier(nengo.SpikingRectifiedLinear(), 1, max_rate=200, radius=0.5)
    >>> print(neuron.encoders * neuron.gain, neuron.decoders)
    [[400.]] [[0.0025]]
    """
    neuron_type = NeuronTypeParam("neuron_type").coerce(None, neuron_type)
    n_neurons = valid_integer(n_neurons, "n_neurons")
    max_rate = positive_number(max_rate, "max_rate", unit="Hz")
    radius = positive_number(radius, "radius", unit="units of the input")
    if is_rectified_linear(neuron_type):
        encoders = np.full((n_neurons, 1), 1 / radius)
        gain, bias = neuron_type.gain_bias(
            np.full(n_neurons, float(max_rate)), np.zeros(n_neurons)
        )
        activities = neuron_type.rates(np.ones((1, n_neurons)), gain, bias)
        decoders = np.full((1, n_neurons), radius / activities.sum())
        return Population(
            neuron_type, encoders, gain, bias, decoders, rectified, radius / max_rate
        )
    return FittedPopulation(
        neuron_type,
        encoders=np.full((n_neurons, 1), 1 / (2 * radius)),
        intercepts=np.linspace(0, 0.9, n_neurons),
        max_rate=max_rate,
        points=functools.partial(_around_zero, 2 * radius),
        n_points=1000,
        function=rectified,
        regularise=0.02,
        unit=radius / max_rate,
    )


def from_low_end(neurons: Any, low: float) -> Population:
    """The same neurons with currents that count from the low end of a range."""
    bias = -low * neurons.gain * neurons.encoders[:, 0]
    return dataclasses.replace(neurons, bias=bias)


def _around_zero(reach, n_points):
    """Points on a line, (n_points, 1)."""
    return np.linspace(-reach, reach, n_points)[:, np.newaxis]


def container(
    neuron_type: NeuronType, gain: np.ndarray, bias: np.ndarray, label: str | None
) -> nengo.Ensemble:
    """An ensemble of which only the neurons are connected to."""
    return nengo.Ensemble(
        len(gain),
        dimensions=1,
        neuron_type=neuron_type,
        gain=gain,
        bias=bias,
        # these are never used, and take no evaluation points
        encoders=np.ones((len(gain), 1)),
        normalize_encoders=False,
        eval_points=np.zeros((1, 1)),
        label=label,
    )


def valid_population(value: Any) -> Population | FittedPopulation:
    """Refuse what is not a population."""
    if not isinstance(value, (Population, FittedPopulation)):
        raise ValidationError(
            f"must be a Population or a FittedPopulation, got {value!r}",
            attr="population",
        )
    return value


class PopulationArray:
    """Copies of one population, in one ensemble.

    Must be made inside a network, like any Nengo object.

    Parameters
    ----------
    population : Population or FittedPopulation
        What to copy.
    n_copies : int
        Number of copies.
    label : str, optional (Default: None)
        Name of the ensemble.

    Attributes
    ----------
    ensemble : nengo.Ensemble
        All neurons, copy by copy. Only its neurons are meant to be connected to.
    neurons : nengo.ensemble.Neurons
        The neurons of the ensemble.

    Examples
    --------
    >>> neuron = rectifier(nengo.RectifiedLinear(), 1, max_rate=200, radius=0.5)
    >>> with nengo.Network():
    ...     copies = PopulationArray(neuron, n_copies=3)
    >>> copies.ensemble.n_neurons
    3
    >>> print(copies.decode().toarray() * 200)
    [[0.5 0.  0. ]
     [0.  0.5 0. ]
     [0.  0.  0.5]]
    """

    def __init__(
        self,
        population: Population | FittedPopulation,
        n_copies: int,
        label: str | None = None,
    ) -> None:
        self.population = valid_population(population)
        self.n_copies = valid_integer(n_copies, "n_copies")
        self.ensemble = container(
            population.neuron_type,
            np.tile(population.gain, n_copies),
            np.tile(population.bias, n_copies),
            label,
        )
        self.neurons = self.ensemble.neurons

    def encode(self, matrix: Any = None) -> scipy.sparse.csr_matrix:
        """Weights to the neurons that give the inputs of all copies ``matrix`` times x.

        ``matrix`` is (n_copies * size_in, size), the default is the identity: each copy
        gets its own.
        """
        weights = replicate(self.population.encoders, self.n_copies)
        shape = weights.shape[1], "*"
        return weights if matrix is None else weights @ finite_matrix(matrix, shape)

    def decode(self, matrix: Any = None) -> scipy.sparse.csr_matrix:
        """Weights from the neurons for ``matrix`` times the outputs of all copies.

        ``matrix`` is (size, n_copies * size_out), the default is the identity.
        """
        weights = replicate(self.population.decoders, self.n_copies)
        shape = "*", weights.shape[0]
        return weights if matrix is None else finite_matrix(matrix, shape) @ weights
