"""A circuit under test: how it is made and simulated, and how exact it must be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Callable, Union

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from ..network.neurons import IntegrateAndFire
from ..network.windows import WINDOWS, PoolWindows
from ..registry import find, make, unwrap_partial
from ..utils.checks import look_up, positive_number, valid_integer

#: What `maxpool_circuits.make` takes: a name, a class, or a callable.
Circuit = Union[str, Callable[..., nengo.Network]]

#: Small windows of 1, 2, 3 and 5 inputs that overlap and leave one input out.
MIXED = PoolWindows.from_indices(
    [[4, 0, 7], [1], [2, 3], [5, 6, 8, 9, 10], [7, 0]], n_inputs=12
)
#: Neuron types that every circuit must work with.
NEURON_TYPES: dict[str, nengo.neurons.NeuronType] = {
    "LIF": nengo.LIF(),
    "AdaptiveLIF": nengo.AdaptiveLIF(),
    "Sigmoid": nengo.Sigmoid(),
    "Tanh": nengo.Tanh(),
    "LIFRate": nengo.LIFRate(),
    "RectifiedLinear": nengo.RectifiedLinear(),
    "SpikingRectifiedLinear": nengo.SpikingRectifiedLinear(),
    "PoissonSpiking": nengo.PoissonSpiking(nengo.LIFRate()),
    "RegularSpiking": nengo.RegularSpiking(nengo.LIFRate()),
    "IntegrateAndFire": IntegrateAndFire(amplitude=0.01),
}
#: Tolerance of circuits whose author states none, on inputs that do not change.
CONSTANT = 0.05
#: Least tolerance with neuron types that the circuit was not made for.
OTHER_NEURONS = 0.15


@dataclass(frozen=True)
class Subject:
    """A circuit, with the tolerances that hold for it."""

    circuit: Circuit

    @cached_property
    def tolerances(self) -> dict[str, float]:
        """What the author of the circuit allows, and the usual for all else."""
        # A circuit states itself what it is expected to reach: a list here would have
        # to know all circuits, and those of other packages could not be in it.
        author, _ = unwrap_partial(find(self.circuit))
        stated = getattr(author, "check_tolerances", {})
        for name in stated:
            look_up(name, {"constant": None, **NEURON_TYPES}, "tolerance")
        constant = stated.get("constant", CONSTANT)
        others = dict.fromkeys(NEURON_TYPES, max(constant, OTHER_NEURONS))
        return {"constant": constant, **others, **stated}

    @property
    def constant(self) -> float:
        """Largest root mean square error on constant inputs, in widths of the range."""
        return self.tolerances["constant"]

    def make(self, windows: PoolWindows, **options: Any) -> nengo.Network:
        """Make the network."""
        return make(self.circuit, windows, **options)

    def run(self, windows: PoolWindows, x: Any, **options: Any) -> np.ndarray:
        """Simulate it; see `run_circuit`."""
        return run_circuit(self.circuit, windows, x, **options)

    def assert_maximum(
        self,
        windows: PoolWindows,
        x: Any,
        tolerance: float | None = None,
        steps: int = 300,
        **options: Any,
    ) -> None:
        """Check the mean output in the second half of the steps of each input."""
        y = self.run(windows, x, steps=steps, **options)[:, steps // 2 :].mean(axis=1)
        error = np.sqrt(np.mean((y - windows.max(x)) ** 2))
        assert_small(error, self.constant if tolerance is None else tolerance)


def assert_small(error: float, tolerance: float) -> None:
    """Check an error."""
    assert error < tolerance, (
        f"the error must be below {tolerance:g}, got {error:.4g}; if that is as good "
        "as this circuit gets, state it in its class attribute check_tolerances"
    )


def run_circuit(
    circuit: Circuit,
    windows: PoolWindows,
    x: Any,
    steps: int = 1,
    dt: float = 0.001,
    simulator: Callable[..., Any] = nengo.Simulator,
    **options: Any,
) -> np.ndarray:
    """Simulate a circuit on inputs that are each held for some time steps.

    Parameters
    ----------
    circuit : str or callable
        As in `maxpool_circuits.make`, which also gets the windows and the options.
    windows : PoolWindows
        Which inputs each pool looks at.
    x : (n_presentations, n_inputs) array_like
        Inputs, one after another.
    steps : int, optional (Default: 1)
        Number of time steps that each is held for.
    dt : float, optional (Default: 0.001)
        Time step, in seconds.
    simulator : callable, optional (Default: nengo.Simulator)
        Simulator class of a backend.
    **options
        Further arguments of the circuit.

    Returns
    -------
    (n_presentations, steps, n_pools) array
        Outputs in every time step.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an argument is not as described.

    Examples
    --------
    >>> from maxpool_circuits import PoolWindows
    >>> from maxpool_circuits.testing import run_circuit
    >>> windows = PoolWindows.independent(n_pools=2, window_size=2)
    >>> print(run_circuit("exact", windows, [[0.25, 0.75, 0.5, 0.1]]))
    [[[0.75 0.5 ]]]
    """
    windows = WINDOWS.coerce(None, windows)
    steps, dt = valid_integer(steps, "steps"), positive_number(dt, "dt", unit="s")
    x = np.atleast_2d(x)
    if x.dtype.kind not in "fiu" or x.shape != (len(x), windows.n_inputs):
        raise ValidationError(
            f"must be numbers of shape (n_presentations, {windows.n_inputs}), got "
            f"{x.dtype} of shape {x.shape}",
            attr="x",
        )
    with nengo.Network(seed=0) as model:
        inputs = nengo.Node(nengo.processes.PresentInput(x, steps * dt))
        pool = make(circuit, windows, **options)
        nengo.Connection(inputs, pool.input, synapse=None)
        probe = nengo.Probe(pool.output)
    with simulator(model, dt=dt, progress_bar=False) as sim:
        sim.run_steps(len(x) * steps)
    return np.array(sim.data[probe]).reshape(len(x), steps, -1)


def simulate(model: nengo.Network, steps: int) -> nengo.Simulator:
    """Simulate a model with Nengo."""
    with nengo.Simulator(model, progress_bar=False) as sim:
        sim.run_steps(steps)
    return sim


def draw(
    windows: PoolWindows, low: float = 0, high: float = 1, n: int = 3
) -> np.ndarray:
    """Draw some inputs, the same every time."""
    return np.random.RandomState(0).uniform(low, high, size=(n, windows.n_inputs))
