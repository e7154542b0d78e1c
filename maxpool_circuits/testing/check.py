"""Checks: how they are made and run, and how exact a circuit must be."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Union

import nengo
import numpy as np

from ..comparison.simulate import build_simulator
from ..network.arrays import as_array, numbers
from ..network.neurons import IntegrateAndFire
from ..network.windows import WINDOWS, PoolWindows
from ..registry import find, make, unwrap_partial
from ..utils.checks import look_up, positive_number, valid_integer

#: What `maxpool_circuits.make` takes: a name, a class, or a callable.
Circuit = Union[str, Callable[..., Any]]

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


def tolerances(circuit: Circuit) -> dict[str, float]:
    """What the author of a circuit allows, and the usual for all else.

    "constant" is the largest root mean square error on constant inputs, in widths of
    the input range.
    """
    # A circuit states itself what it is expected to reach: a list here would have to
    # know all circuits, and those of other packages could not be in it.
    author, _ = unwrap_partial(find(circuit))
    stated = getattr(author, "check_tolerances", {})
    for name in stated:
        look_up(name, {"constant": None, **NEURON_TYPES}, "tolerance")
    constant = stated.get("constant", CONSTANT)
    others = dict.fromkeys(NEURON_TYPES, max(constant, OTHER_NEURONS))
    return {"constant": constant, **others, **stated}


def takes(circuit: Circuit, neuron_type: nengo.neurons.NeuronType) -> bool:
    """Whether a circuit can be made of neurons of a type."""
    author, _ = unwrap_partial(find(circuit))
    return isinstance(neuron_type, getattr(author, "made_of", object))


def assert_maximum(
    circuit: Circuit,
    windows: PoolWindows,
    x: Any,
    tolerance: float | None = None,
    steps: int = 300,
    **options: Any,
) -> None:
    """Check the mean output in the second half of the steps of each input."""
    y = run_circuit(circuit, windows, x, steps=steps, **options)
    error = y[:, steps // 2 :].mean(axis=1) - windows.max(x)
    allowed = tolerances(circuit)["constant"] if tolerance is None else tolerance
    assert_small(np.sqrt(np.mean(error**2)), allowed)


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

    Examples
    --------
    >>> from maxpool_circuits import PoolWindows
    >>> from maxpool_circuits.testing import run_circuit
    >>> windows = PoolWindows.independent(n_pools=2, window_size=2)
    >>> print(run_circuit("exact", windows, [[0.25, 0.75, 0.5, 0.1]]))
    [[[0.75 0.5 ]]]
    """
    n_inputs = WINDOWS.coerce(None, windows).n_inputs
    x = numbers(np.atleast_2d(as_array(x)), "x", ("*", n_inputs))
    steps = valid_integer(steps, "steps")
    dt = positive_number(dt, "dt", unit="s")
    with nengo.Network(seed=0, add_to_container=False) as model:
        inputs = nengo.Node(nengo.processes.PresentInput(x, steps * dt))
        pool = make(circuit, windows, **options)
        nengo.Connection(inputs, pool.input, synapse=None)
        probe = nengo.Probe(pool.output)
    with build_simulator(model, simulator, dt) as sim:
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


#: All checks.
CHECKS: list[Check] = []


@dataclass(frozen=True)
class Check:
    """One thing that every circuit must do, in one case.

    Parameters
    ----------
    name : str
        What is checked, and in brackets the case.
    function : callable
        Takes the circuit under test, and raises an AssertionError that says what was
        expected.

    Examples
    --------
    >>> from maxpool_circuits.testing import checks
    >>> check = checks()[0]
    >>> print(check)
    input_and_output
    >>> check("winner-take-all")
    """

    name: str
    function: Callable[..., None]

    def __str__(self) -> str:
        """Show the name."""
        return self.name

    def __call__(self, circuit: Circuit) -> None:
        """Check a circuit.

        Parameters
        ----------
        circuit : str or callable
            The circuit, as in `maxpool_circuits.make`.

        Raises
        ------
        AssertionError
            If the circuit does something else than what every circuit must do.
        unittest.SkipTest
            If the check does not apply to the circuit, or needs a package that is not
            installed. pytest takes it for a test that is skipped.
        """
        with warnings.catch_warnings():
            # copies of nodes and untuned setups warn; that is not what is checked
            warnings.simplefilter("ignore", UserWarning)
            self.function(circuit)


def common_check(cases: Mapping[str, Any] | None = None) -> Callable[[Any], Any]:
    """Add a function to the checks, once for each case."""

    def add(function):
        name = function.__name__.replace("check_", "", 1)
        if cases is None:
            CHECKS.append(Check(name, function))
        for case, value in (cases or {}).items():
            of_case = functools.partial(function, case=value)
            CHECKS.append(Check(f"{name}[{case}]", of_case))
        return function

    return add


def checks() -> list[Check]:
    """Everything that is checked of every circuit.

    A circuit states the largest root mean square errors that it is allowed in the class
    attribute ``check_tolerances``, in widths of the input range: ``constant`` on inputs
    that do not change, and with neuron types that are harder, by their names, such as
    ``Sigmoid``.

    Returns
    -------
    list of Check
        The checks; each is called with a circuit.

    Examples
    --------
    >>> from maxpool_circuits.testing import checks
    >>> len(checks()) > 50
    True

    The tests of a circuit are, with pytest::

        @pytest.mark.parametrize("check", checks(), ids=str)
        def test_my_circuit(check):
            check(MyCircuit)
    """
    return list(CHECKS)
