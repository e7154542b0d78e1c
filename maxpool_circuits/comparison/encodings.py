"""How values reach the circuits: kinds of spikes, and what comes without them.

Each function takes values from 0 to 1, (n_steps, n_inputs), a rate in Hz per unit
value, a seed, and windows, for inputs of a pool that belong together. It returns what
circuits get, in units of the input: a spike has the area ``1 / rate``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import nengo
import numpy as np
import scipy.sparse
from nengo.exceptions import ValidationError
from nengo.processes import PresentInput

from ..network.arrays import numbers
from ..network.populations import container
from ..network.sparse import connect, selection
from ..network.windows import WINDOWS, PoolWindows
from ..utils.checks import positive_number, valid_seed
from .simulate import build_simulator
from .workloads import DT

#: Spikes of a burst, and time steps from each to the next.
SPIKES_PER_BURST, STEPS_BETWEEN = 4, 2
#: Neurons of a population that represents one value.
POPULATION_SIZE = 50


def _checked(encode):
    """An encoding that refuses what none of them takes."""

    @functools.wraps(encode)
    def checked(values, rate=250, seed=0, windows=None):
        given = windows is not None
        n_inputs = WINDOWS.coerce(None, windows).n_inputs if given else "*"
        values = numbers(values, "values", ("*", n_inputs), low=0, high=1)
        rate = positive_number(rate, "rate", unit="Hz")
        return encode(values, rate, valid_seed(seed), windows)

    return checked


@_checked
def input_spikes(
    values: np.ndarray, rate: float = 250, seed: int | None = 0, windows: Any = None
) -> np.ndarray:
    """One `nengo.SpikingRectifiedLinear` neuron for each value."""
    neuron_type = nengo.SpikingRectifiedLinear(amplitude=1 / rate)
    n_inputs = values.shape[1]
    return _simulated(
        values, seed, neuron_type, np.full(n_inputs, rate), np.zeros(n_inputs)
    )


@_checked
def poisson_spikes(
    values: np.ndarray, rate: float, seed: int | None, windows: Any = None
) -> np.ndarray:
    """A Poisson process for each value: counts have a variance of their mean."""
    return np.random.RandomState(seed).poisson(values * rate * DT) / (rate * DT)


@_checked
def lif_spikes(
    values: np.ndarray, rate: float, seed: int | None, windows: Any = None
) -> np.ndarray:
    """One `nengo.LIF` neuron for each value, with its refractory period.

    It gets the constant current at which it fires in proportion to the value. Values
    that stay have regular spikes. After a change the membrane forgets, and is never far
    from firing: a value of 0 holds it at the threshold.
    """
    neuron_type = nengo.LIF(amplitude=1 / rate)
    if rate * neuron_type.tau_ref >= 1:
        raise ValidationError(
            f"must be below {1 / neuron_type.tau_ref:g} Hz, as fast as LIF neurons "
            f"fire, or choose encoding='regular', got {rate:g} Hz",
            attr="input_rate",
        )
    rates = np.maximum(rate * values, 1e-6)
    # with an intercept of 0 the bias is the threshold, and the gain what exceeds it
    currents, thresholds = neuron_type.gain_bias(rates, np.zeros_like(rates))
    gains = np.ones(values.shape[1])
    return _simulated(currents, seed, neuron_type, gains, thresholds[0])


@_checked
def bursts(
    values: np.ndarray, rate: float, seed: int | None, windows: Any = None
) -> np.ndarray:
    """As `input_spikes` at a quarter of the rate, but each spike starts four.

    Spikes of a burst are 2 ms apart (Lisman 1997,
    https://doi.org/10.1016/S0166-2236(96)10070-9).
    """
    starts = input_spikes(values, rate / SPIKES_PER_BURST, seed) / SPIKES_PER_BURST
    spikes = np.zeros_like(starts)
    for number in range(SPIKES_PER_BURST):
        lag = number * STEPS_BETWEEN
        spikes[lag:] += starts[: len(starts) - lag]
    return spikes


@_checked
def correlated_spikes(
    values: np.ndarray, rate: float, seed: int | None, windows: PoolWindows
) -> np.ndarray:
    """One Poisson process for each pool, thinned out by each of its inputs.

    An input passes on each spike with a probability that is its value, so that spikes
    of values x and y have a correlation of sqrt(x y) (Kuhn and others 2003,
    https://doi.org/10.1162/089976603321043702). Inputs of several pools have the
    process of the first of these, and those of none have one of their own.
    """
    windows = WINDOWS.coerce(None, windows)
    rng = np.random.RandomState(seed)
    source = np.full(windows.n_inputs, windows.n_pools)
    pool = np.repeat(np.arange(windows.n_pools), windows.sizes)
    np.minimum.at(source, windows.members, pool)
    counts = rng.poisson(rate * DT, size=(len(values), windows.n_pools + 1))
    return rng.binomial(counts[:, source], values) / (rate * DT)


@_checked
def decoded_values(
    values: np.ndarray, rate: float, seed: int | None, windows: Any = None
) -> np.ndarray:
    """A population of `nengo.LIF` neurons for each value, decoded after 5 ms.

    Tuning curves and decoders are those that a `nengo.Ensemble` draws and solves by
    default. They represent -1 to 1, which stands for values from 0 to 1.
    """
    rng = np.random.RandomState(seed)
    shape = values.shape[1], POPULATION_SIZE
    encoders = rng.choice([-1.0, 1.0], size=shape)
    max_rates, intercepts = rng.uniform(200, 400, shape), rng.uniform(-1, 0.9, shape)
    neuron_type, solver = nengo.LIF(), nengo.solvers.LstsqL2()
    gain, bias = neuron_type.gain_bias(max_rates, intercepts)
    points = np.linspace(-1, 1, 200)[:, np.newaxis]
    decoders = [
        scipy.sparse.csr_matrix(
            solver(neuron_type.rates(points * signs, *curves), points, rng=rng)[0].T
        )
        for signs, *curves in zip(encoders, gain, bias)
    ]
    of_value = selection(np.repeat(np.arange(shape[0]), shape[1]), shape[0])
    decoded = _simulated(
        2 * values - 1,
        seed,
        neuron_type,
        gain.ravel(),
        bias.ravel(),
        encoders=scipy.sparse.diags(encoders.ravel()) @ of_value,
        decoders=scipy.sparse.block_diag(decoders),
    )
    return (decoded + 1) / 2


#: Ways in which values reach the circuits, by name.
ENCODINGS: dict[str, Callable[..., np.ndarray]] = {
    "regular": input_spikes,
    "poisson": poisson_spikes,
    "lif": lif_spikes,
    "bursts": bursts,
    "correlated": correlated_spikes,
    "values": _checked(lambda values, *others: values),
    "population": decoded_values,
}
#: Those without spikes: ``input_rate`` does not matter to them.
WITHOUT_SPIKES = {"values", "population"}


def _simulated(values, seed, neuron_type, gain, bias, encoders=None, decoders=None):
    """Spikes of neurons that get values as currents, or what is decoded after 5 ms."""
    with nengo.Network(seed=seed, add_to_container=False) as model:
        source = nengo.Node(PresentInput(values, DT))
        neurons = container(neuron_type, gain, bias, label=None).neurons
        if decoders is None:
            nengo.Connection(source, neurons, synapse=None)
            probe = nengo.Probe(neurons)
        else:
            connect(source, neurons, encoders)
            decoded = nengo.Node(size_in=source.size_out)
            connect(neurons, decoded, decoders)
            probe = nengo.Probe(decoded, synapse=0.005)
    with build_simulator(model) as simulation:
        simulation.run_steps(len(values))
        return np.array(simulation.data[probe])
