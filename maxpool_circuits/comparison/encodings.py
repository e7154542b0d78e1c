"""How values reach the circuits: kinds of spikes, and what comes without them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import nengo
import numpy as np
import scipy.sparse
from nengo.exceptions import ValidationError
from nengo.processes import PresentInput

from ..network.sparse import connect, selection
from ..network.windows import PoolWindows
from ..utils.checks import did_you_mean, valid_flag, valid_range
from .recording import input_spikes
from .simulators import build_simulator
from .workloads import DT, Workload

#: Spikes of a burst, and time steps from each to the next.
SPIKES_PER_BURST, STEPS_BETWEEN = 4, 2
#: Neurons of a population that represents one value.
POPULATION_SIZE = 50


def poisson_spikes(
    values: np.ndarray, rate: float = 250, seed: int | None = 0
) -> np.ndarray:
    r"""Let a Poisson process carry each value.

    The number of spikes in a time step is drawn from a Poisson distribution of mean
    :math:`x r \, \Delta t` for value :math:`x` and rate :math:`r`. It does not depend
    on the spikes before, so that counts have a variance that equals their mean.

    Parameters
    ----------
    values : (n_steps, n_inputs) array
        Values from 0 to 1.
    rate : float, optional (Default: 250)
        Mean number of spikes per second, in Hz per unit value.
    seed : int, optional (Default: 0)
        Seed of the spikes.

    Returns
    -------
    (n_steps, n_inputs) array
        Spikes in units of the input: each has the area ``1 / rate``.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there are values below 0 or above 1.

    Examples
    --------
    >>> import numpy as np
    >>> from maxpool_circuits.comparison.encodings import poisson_spikes
    >>> spikes = poisson_spikes(np.full((1000, 100), 0.5), rate=100)
    >>> counts = spikes.sum(axis=0) / 1000 * 100
    >>> print(45 < counts.mean() < 55, 25 < counts.var() < 100)
    True True
    """
    mean = _checked(values) * rate * DT
    return np.random.RandomState(seed).poisson(mean) / (rate * DT)


def lif_spikes(
    values: np.ndarray, rate: float = 250, seed: int | None = 0
) -> np.ndarray:
    r"""Let one `nengo.LIF` neuron with its refractory period carry each value.

    The neuron gets the constant current at which it fires in proportion to the value:
    for value :math:`x` and rate :math:`r`

    .. math::

       J = \frac{1}{1 - \exp((\tau_\text{ref} - 1 / (x r)) / \tau_\text{rc})}

    in units of the threshold, so :math:`x = 0` holds the membrane at the threshold
    without a spike. Values that stay are carried by regular spikes. After a change
    the spikes are no count of it: the membrane forgets, and is never far from firing.

    Parameters
    ----------
    values : (n_steps, n_inputs) array
        Values from 0 to 1.
    rate : float, optional (Default: 250)
        Firing rate, in Hz per unit value; less than ``1 / tau_ref``, which is 500 Hz.
    seed : int, optional (Default: 0)
        Seed of the neurons' initial potentials.

    Returns
    -------
    (n_steps, n_inputs) array
        Spikes in units of the input: each has the area ``1 / rate``.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there are values below 0 or above 1, or ``rate`` is not possible.

    References
    ----------
    Eliasmith and Anderson (2003), Neural Engineering, MIT Press

    Examples
    --------
    >>> import numpy as np
    >>> from maxpool_circuits.comparison.encodings import lif_spikes
    >>> spikes = lif_spikes(np.full((1000, 3), 0.5), rate=100)
    >>> print(spikes.mean(axis=0).round(1))
    [0.5 0.5 0.5]
    """
    neuron_type = nengo.LIF(amplitude=1 / rate)
    if rate * neuron_type.tau_ref >= 1:
        raise ValidationError(
            f"LIF neurons with a refractory period of {neuron_type.tau_ref * 1000:g} "
            f"ms cannot carry inputs of {rate:g} Hz; must be below "
            f"{1 / neuron_type.tau_ref:g} Hz, or choose inputs without such a period, "
            "for example inputs='regular'",
            attr="input_rate",
        )
    rates = np.maximum(rate * _checked(values), 1e-6)
    # with an intercept of 0 the bias is the threshold, and the gain what exceeds it
    currents, thresholds = neuron_type.gain_bias(rates, np.zeros_like(rates))
    with nengo.Network(seed=seed, add_to_container=False) as model:
        source = nengo.Node(PresentInput(currents, DT))
        neurons = _neurons(neuron_type, np.ones(values.shape[1]), thresholds[0])
        nengo.Connection(source, neurons, synapse=None)
        spikes = nengo.Probe(neurons)
    return _run(model, spikes, len(values))


def bursts(values: np.ndarray, rate: float = 250, seed: int | None = 0) -> np.ndarray:
    """Let one rectified neuron that fires bursts of spikes carry each value.

    As `.input_spikes`, but each spike of a quarter of the rate starts a burst of four,
    2 ms apart. The mean stays; there is news of a value only at every fourth spike.

    Parameters
    ----------
    values : (n_steps, n_inputs) array
        The value of each input in each time step.
    rate : float, optional (Default: 250)
        Number of spikes per second, in Hz per unit value.
    seed : int, optional (Default: 0)
        Seed of the neurons' initial potentials.

    Returns
    -------
    (n_steps, n_inputs) array
        Spikes in units of the input: each has the area ``1 / rate``.

    References
    ----------
    Lisman (1997), https://doi.org/10.1016/S0166-2236(96)10070-9

    Examples
    --------
    >>> import numpy as np
    >>> from maxpool_circuits.comparison.encodings import bursts
    >>> spikes = bursts(np.full((100, 1), 0.5), rate=100)
    >>> print(np.diff(np.flatnonzero(spikes))[:3])
    [2 2 2]
    """
    starts = input_spikes(values, rate / SPIKES_PER_BURST, seed) / SPIKES_PER_BURST
    spikes = np.zeros_like(starts)
    for number in range(SPIKES_PER_BURST):
        lag = number * STEPS_BETWEEN
        spikes[lag:] += starts[: len(starts) - lag]
    return spikes


def correlated_spikes(
    values: np.ndarray,
    rate: float = 250,
    seed: int | None = 0,
    *,
    windows: PoolWindows,
) -> np.ndarray:
    r"""Let the inputs of a pool thin out one common Poisson process.

    The source of a pool fires at ``rate``, and each of its inputs passes on each spike
    with a probability that is its value. So every input alone is as `poisson_spikes`
    makes it, but what two inputs of values :math:`x` and :math:`y` fire has a
    correlation of :math:`\sqrt{x y}`.

    Parameters
    ----------
    values : (n_steps, n_inputs) array
        Values from 0 to 1.
    rate : float, optional (Default: 250)
        Mean number of spikes per second, in Hz per unit value.
    seed : int, optional (Default: 0)
        Seed of the spikes.
    windows : PoolWindows
        Which inputs each pool looks at. Inputs of several pools have the source of the
        first of these, and those of none have one of their own.

    Returns
    -------
    (n_steps, n_inputs) array
        Spikes in units of the input: each has the area ``1 / rate``.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there are values below 0 or above 1.

    References
    ----------
    Kuhn and others (2003), https://doi.org/10.1162/089976603321043702

    Examples
    --------
    Inputs of value 1 pass on everything, and fire together:

    >>> import numpy as np
    >>> from maxpool_circuits import PoolWindows
    >>> from maxpool_circuits.comparison.encodings import correlated_spikes
    >>> windows = PoolWindows.independent(n_pools=2, window_size=2)
    >>> spikes = correlated_spikes(np.ones((200, 4)), windows=windows)
    >>> [np.array_equal(spikes[:, 0], spikes[:, other]) for other in (1, 2)]
    [True, False]
    """
    shares = _checked(values)
    rng = np.random.RandomState(seed)
    source = np.full(windows.n_inputs, windows.n_pools)
    pool = np.repeat(np.arange(windows.n_pools), windows.sizes)
    np.minimum.at(source, windows.members, pool)
    counts = rng.poisson(rate * DT, size=(len(values), windows.n_pools + 1))
    return rng.binomial(counts[:, source], shares) / (rate * DT)


def as_values(
    values: np.ndarray, rate: float = 250, seed: int | None = 0
) -> np.ndarray:
    """Pass values on as they are, without spikes.

    Parameters
    ----------
    values : (n_steps, n_inputs) array
        The value of each input in each time step.
    rate, seed : optional
        Are not used; there are no spikes.

    Returns
    -------
    (n_steps, n_inputs) array
        The values.

    Examples
    --------
    >>> import numpy as np
    >>> from maxpool_circuits.comparison.encodings import as_values
    >>> print(as_values(np.array([[0.25, 0.5]])))
    [[0.25 0.5 ]]
    """
    return values


def decoded_values(
    values: np.ndarray, rate: float = 250, seed: int | None = 0
) -> np.ndarray:
    """Let a population of neurons represent each value, and decode it again.

    Each value has 50 `nengo.LIF` neurons with the tuning curves and the decoders that a
    `nengo.Ensemble` draws and solves by default. What they say comes through Nengo's
    default synapse, a low-pass of 5 ms.

    Parameters
    ----------
    values : (n_steps, n_inputs) array
        Values from -1 to 1.
    rate : optional
        Is not used; the neurons fire at up to 200 to 400 Hz.
    seed : int, optional (Default: 0)
        Seed of the tuning curves and of the neurons' initial potentials.

    Returns
    -------
    (n_steps, n_inputs) array
        The decoded values.

    References
    ----------
    Eliasmith and Anderson (2003), Neural Engineering, MIT Press

    Examples
    --------
    >>> import numpy as np
    >>> from maxpool_circuits.comparison.encodings import decoded_values
    >>> decoded = decoded_values(np.full((200, 3), -0.5))
    >>> print(decoded[100:].mean(axis=0).round(1))
    [-0.5 -0.5 -0.5]
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
    with nengo.Network(seed=seed, add_to_container=False) as model:
        source = nengo.Node(PresentInput(values, DT))
        neurons = _neurons(neuron_type, gain.ravel(), bias.ravel())
        signs = scipy.sparse.diags(encoders.ravel())
        connect(source, neurons, signs @ of_value)
        decoded = nengo.Node(size_in=shape[0])
        connect(neurons, decoded, scipy.sparse.block_diag(decoders))
        probe = nengo.Probe(decoded, synapse=nengo.Lowpass(0.005))
    return _run(model, probe, len(values))


@dataclass(frozen=True)
class Encoding:
    """A way in which values reach a circuit.

    Parameters
    ----------
    signals : callable
        Makes of values, a rate and a seed what the circuits get.
    spikes : bool, optional (Default: True)
        Whether spikes carry the values, at ``input_rate``.
    by_pool : bool, optional (Default: False)
        Whether ``signals`` takes windows too, because inputs of a pool belong together.
    input_range : (float, float), optional (Default: (0, 1))
        Range that the values of workloads are spread over, and that circuits are told.

    Examples
    --------
    >>> from maxpool_circuits.comparison import ENCODINGS
    >>> ENCODINGS["population"].input_range
    (-1, 1)
    """

    signals: Callable[..., np.ndarray]
    spikes: bool = True
    by_pool: bool = False
    input_range: tuple[float, float] = (0, 1)

    def __post_init__(self) -> None:
        """Check all values."""
        if not callable(self.signals):
            raise ValidationError(
                f"must take values, a rate and a seed, got {self.signals!r}",
                attr="signals",
            )
        valid_flag(self.spikes, "spikes")
        valid_flag(self.by_pool, "by_pool")
        valid_range(self.input_range, "input_range")

    def spread(self, workload: Workload) -> Workload:
        """The same workload with values over the whole input range."""
        if self.input_range == (0, 1):
            return workload
        low, high = self.input_range
        return dataclasses.replace(
            workload,
            values=low + (high - low) * workload.values,
            step=low + (high - low) * workload.step,
        )

    def carry(
        self, values: np.ndarray, windows: PoolWindows, rate: float, seed: int | None
    ) -> np.ndarray:
        """What the circuits get, (n_steps, n_inputs) array in units of the input."""
        options = {"windows": windows} if self.by_pool else {}
        return self.signals(values, rate, seed, **options)


#: Ways in which values reach the circuits, by name.
ENCODINGS: dict[str, Encoding] = {
    "regular": Encoding(input_spikes),
    "poisson": Encoding(poisson_spikes),
    "lif": Encoding(lif_spikes),
    "bursts": Encoding(bursts),
    "correlated": Encoding(correlated_spikes, by_pool=True),
    "values": Encoding(as_values, spikes=False),
    "population": Encoding(decoded_values, spikes=False, input_range=(-1, 1)),
}


def find_encoding(inputs: str) -> Encoding:
    """Look up how values are carried."""
    if not isinstance(inputs, str) or inputs not in ENCODINGS:
        known = ", ".join(repr(name) for name in ENCODINGS)
        raise ValidationError(
            f"no inputs are called {inputs!r}{did_you_mean(inputs, ENCODINGS)}; the "
            f"known ones are {known}",
            attr="inputs",
        )
    return ENCODINGS[inputs]


def _checked(values):
    """Values that are shares of the full rate."""
    if np.all((values >= 0) & (values <= 1)):
        return values
    raise ValidationError(
        "inputs of this kind carry values from 0 to 1, as shares of their rate, got "
        f"values from {np.min(values):g} to {np.max(values):g}; scale the workload, or "
        "choose inputs='values'",
        attr="values",
    )


def _neurons(neuron_type, gain, bias):
    """Neurons that are connected to directly, without encoders and decoders."""
    return nengo.Ensemble(
        len(gain),
        dimensions=1,
        neuron_type=neuron_type,
        gain=gain,
        bias=bias,
        encoders=np.ones((len(gain), 1)),
        eval_points=np.zeros((1, 1)),
    ).neurons


def _run(model, probe, n_steps):
    """What is probed in so many steps."""
    with build_simulator(model) as simulation:
        simulation.run_steps(n_steps)
    return np.array(simulation.data[probe])
