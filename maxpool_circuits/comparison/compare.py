"""All circuits on the same spikes."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Union

from nengo.exceptions import ValidationError

from ..registry import circuits as registered_circuits
from ..registry import find, with_defaults
from ..utils.checks import (
    positive_integer,
    positive_number,
    valid_flag,
    valid_jobs,
    valid_seed,
)
from ..utils.progress import make_progress_bar
from .draws import Draw, measured, seed_of_draw, with_best_readout
from .encodings import find_encoding
from .lookup import find_workload
from .measures import READOUTS, REFERENCES, Row
from .results import mean_row
from .simulators import checked_simulator
from .table import ComparisonTable
from .workloads import Workload

#: Values are drawn with seeds from here on. Tuning draws with those below: what it
#: finds is not to be measured on inputs that it saw.
FIRST_SEED = 2**20

#: A name, a class, or a callable that takes windows.
Circuit = Union[str, Callable[..., Any]]


def compare(
    circuits: Circuit | Sequence[Circuit] | Mapping[str, Circuit] | None = None,
    window_size: int = 4,
    *,
    workload: str | Workload = "presentations",
    inputs: str = "regular",
    n_pools: int | None = None,
    input_rate: float = 250,
    seed: int | None = 0,
    n_draws: int = 1,
    simulator: Callable[..., Any] | None = None,
    n_jobs: int | None = 1,
    progress_bar: bool = False,
) -> ComparisonTable:
    """Compare circuits on spiking inputs.

    By default each input is carried by one `nengo.SpikingRectifiedLinear` neuron. All
    circuits get the same spikes, without a synapse, and have their default options.
    Only the ``input_rate`` and the ``input_range`` of circuits are those of the inputs,
    and ``max_rate`` is ``input_rate`` if that is less than 250 Hz, for classes and
    partials of them that do not set it. Beside them stand two references: ``routed
    winner``, the spike train of the largest input, passed on by a switch that knows
    which one that is, and ``average``, which is what average pooling passes on. The
    readout filter of each row is the one of `READOUTS` with which it has the least
    error in all draws.

    Parameters
    ----------
    circuits : sequence of (str or callable), or dict of {str: callable}, optional
        Names of circuits, or classes or callables that take windows; a dict names its
        rows itself. The default is all registered circuits, with ``exact`` behind a 5
        ms synapse, which is what users of an exact maximum of spikes get.
    window_size : int, optional (Default: 4)
        Number of inputs of each pool; a `Workload` brings its own.
    workload : str or Workload, optional (Default: "presentations")
        What the inputs do: a name in `.WORKLOADS`, such as "presentations" (random
        windows held 50 ms each), or a `Workload` of your own.
    inputs : str, optional (Default: "regular")
        How the values reach the circuits: a name in `.ENCODINGS`, such as "poisson". The
        values of "population" are spread over [-1, 1], so that errors have to be seen
        in relation to a range of 2.
    n_pools : int, optional
        Number of pools. The default is 200, or all pools of an image; a `Workload`
        brings its own.
    input_rate : float, optional (Default: 250)
        Firing rate of inputs that spike, in Hz per unit value.
    seed : int, optional (Default: 0)
        Seed of the inputs and of the networks. No seed gives the inputs that decoders
        were tuned on.
    n_draws : int, optional (Default: 1)
        How often inputs and networks are drawn. Each figure is the mean over all draws,
        and two draws or more give it a 95 % interval. The first draw is that of one
        draw alone. A `Workload` of your own keeps its values: only the spikes that
        carry them, and the networks, are drawn.
    simulator : callable, optional (Default: None)
        What runs the circuits: the simulator class of a backend, or a function that
        makes a simulator. It is called with the network, ``dt=0.001`` and, if it takes
        that, ``progress_bar=False``; options are set with `functools.partial`. None is
        `nengo.Simulator` without its cache of decoders.
    n_jobs : int, optional (Default: 1)
        Number of processes, one circuit and draw each, as in `joblib.Parallel`;
        ``joblib.parallel_config`` may choose another backend, such as a cluster. More
        than one make the times that it takes to build and simulate less comparable.
    progress_bar : bool, optional (Default: False)
        Show a progress bar on standard error if that is a terminal.

    Returns
    -------
    ComparisonTable
        The table: `print` it, look at its ``rows``, ``plot()`` it.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a circuit, a workload or a kind of inputs is unknown, or an argument is not
        possible.
    ImportError
        If the workload is "images" and scikit-learn is not installed.

    Examples
    --------
    >>> import maxpool_circuits as mpc
    >>> table = mpc.compare(["pairwise-relu", mpc.WinnerTakeAll], n_pools=20)
    >>> [row.circuit for row in table.rows]
    ['pairwise-relu', 'WinnerTakeAll', 'oracle', 'average']
    >>> bool(table.row("pairwise-relu").rmse < table.row("average").rmse)
    True
    """
    import joblib

    chosen = _by_row_name(circuits)
    simulator = checked_simulator(simulator)
    progress_bar = valid_flag(progress_bar, "progress_bar")
    n_jobs = valid_jobs(n_jobs)
    n_draws = positive_integer(n_draws, "n_draws")
    input_rate = positive_number(input_rate, "input_rate", unit="Hz")
    seed = valid_seed(seed)
    carrier = find_encoding(inputs)

    def drawn(number):
        own_seed = seed_of_draw(seed, number)
        of_values = seed_of_values(own_seed)
        found = find_workload(workload, window_size, n_pools, of_values)
        return Draw.of(carrier.spread(found), carrier, input_rate, own_seed)

    first = drawn(0)
    options: dict[str, Any] = {}
    if carrier.spikes:
        options.update(rates_for(input_rate))
    if carrier.input_range != (0, 1):
        options["input_range"] = carrier.input_range
    ready: dict[str, Any] = {
        name: with_defaults(circuit, **options) for name, circuit in chosen.items()
    }
    ready.update(dict.fromkeys(REFERENCES))
    fingerprints = []

    def tasks():
        # one draw after the other, since few fit into memory at the same time
        for number in range(n_draws):
            draw = first if number == 0 else drawn(number)
            fingerprints.append(draw.fingerprint)
            for name, circuit in ready.items():
                task = (draw, name, circuit, simulator, number == 0)
                yield joblib.delayed(measured)(*task)

    results = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(tasks())
    candidates: dict[str, list[dict[float, Row]]] = {name: [] for name in ready}
    outputs = {}
    with make_progress_bar(progress_bar, total=len(chosen) * n_draws) as bar:
        for name, (rows, output) in zip(itertools.cycle(ready), results):
            candidates[name].append(rows)
            if output is not None:
                outputs[name] = output
            bar.update(name in chosen)
    draws = {name: with_best_readout(rows) for name, rows in candidates.items()}
    return ComparisonTable(
        workload=first.workload,
        rows=tuple(map(mean_row, draws.values())),
        readouts=READOUTS,
        outputs=outputs,
        spikes=first.spikes,
        draws=draws,
        inputs=inputs,
        fingerprints=tuple(fingerprints),
    )


def rates_for(input_rate: float) -> dict[str, Any]:
    """What circuits are told of the rate of their inputs; nothing at 250 Hz."""
    options: dict[str, Any] = {}
    if input_rate != 250:
        options["input_rate"] = input_rate
    if input_rate < 250:
        # as many spikes as the inputs have, and no more
        options["max_rate"] = input_rate
    return options


def seed_of_values(seed: int | None) -> int | None:
    """Seed that `compare` draws values with, which is none that tuning draws with."""
    return None if seed is None else FIRST_SEED + seed % (2**32 - 1 - FIRST_SEED)


def _by_row_name(circuits):
    """Circuits by the name of their row."""
    if circuits is None:
        named = registered_circuits()
        exact = named.pop("exact", None)
        if exact is not None:
            behind_synapse = functools.partial(exact, input_synapse=0.005)
            named["exact (5 ms synapse)"] = behind_synapse
        return named
    if isinstance(circuits, dict):
        pairs = list(circuits.items())
    elif isinstance(circuits, str) or callable(circuits):
        pairs = [(_name_of(circuits), circuits)]
    elif isinstance(circuits, (list, tuple)):
        pairs = [(_name_of(circuit), circuit) for circuit in circuits]
    else:
        raise ValidationError(
            f"must be a list or a dict of circuits, or None for all, got {circuits!r}",
            attr="circuits",
        )
    if not pairs:
        raise ValidationError(
            "must name at least one circuit, or be None for all", attr="circuits"
        )
    named = {}
    for name, circuit in pairs:
        if name in named or name in REFERENCES:
            raise ValidationError(
                f"two rows would be called {name!r}; give a dict of names and circuits",
                attr="circuits",
            )
        named[name] = find(circuit)
    return named


def _name_of(circuit):
    """Name of a row if none is given."""
    if isinstance(circuit, str):
        return circuit
    return getattr(circuit, "__name__", None) or repr(circuit)
