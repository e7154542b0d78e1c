"""All circuits on the same spikes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Callable, Union

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from ..registry import circuits as registered_circuits
from ..registry import find, with_defaults
from ..utils.checks import (
    look_up,
    positive_number,
    valid_integer,
    valid_seed,
)
from .encodings import ENCODINGS, WITHOUT_SPIKES
from .metrics import (
    AVERAGE,
    ORACLE,
    READOUTS,
    REFERENCES,
    STEP_LENGTH,
    average,
    measure,
    oracle,
)
from .simulate import Recording, parallel_jobs, progress, record
from .workloads import Workload, find_workload

if TYPE_CHECKING:
    from .table import ComparisonTable

#: Values are drawn with seeds from here on. Tuning draws with those below: what it
#: finds is not to be measured on inputs that it saw.
FIRST_SEED = 2**20
#: How often the inputs step from one half of a workload's step to the other: what
#: spikes happen to do after one step would move the latency by up to 20 ms.
N_STEPS = 4

#: A name, a class, or a callable that takes windows.
Circuit = Union[str, Callable[..., Any]]


def compare(
    circuits: Circuit | Sequence[Circuit] | Mapping[str, Circuit] | None = None,
    window_size: int = 4,
    *,
    workload: str | Workload = "presentations",
    encoding: str = "regular",
    n_pools: int | None = None,
    input_rate: float = 250,
    seed: int | None = 0,
    n_trials: int = 1,
    simulator: Callable[..., Any] | None = None,
    n_jobs: int | None = 1,
    progress_bar: bool = False,
) -> ComparisonTable:
    """Compare circuits on spiking inputs.

    By default each input is carried by one `nengo.SpikingRectifiedLinear` neuron. All
    circuits get the same spikes, without a synapse, and have their default options.
    Only the ``input_rate`` and the ``input_range`` of circuits are those of the inputs,
    and ``max_rate`` is ``input_rate`` if that is less than 250 Hz, for classes and
    partials of them that do not set it. Beside them stand two references: ``oracle``,
    the spike train of the largest input, passed on by a switch that knows which one
    that is, and ``average``, which is what average pooling passes on. The readout
    filter of each row is the one of `.READOUTS` with which it has the least error in
    all trials.

    Parameters
    ----------
    circuits : sequence of (str or callable), or dict of {str: callable}, optional
        Names of circuits, or classes or callables that take windows; a dict names its
        rows itself. The default is all registered circuits, with ``exact`` after
        ``nengo.Alpha(0.005)``, the filter that suits it best: an analog maximum, which
        no neurons hold.
    window_size : int, optional (Default: 4)
        Number of inputs of each pool; a `Workload` brings its own.
    workload : str or Workload, optional (Default: "presentations")
        What the inputs do: a name in `.WORKLOADS`, such as "presentations" (random
        windows held 50 ms each), or a `Workload` of your own.
    encoding : str, optional (Default: "regular")
        How the values reach the circuits: a name in `.ENCODINGS`, such as "poisson".
    n_pools : int, optional
        Number of pools. The default is 200, or all pools of an image; a `Workload`
        brings its own.
    input_rate : float, optional (Default: 250)
        Firing rate of inputs that spike, in Hz per unit value.
    seed : int, optional (Default: 0)
        Seed of the inputs and of the networks. None of the seeds makes the inputs that
        decoders were tuned on.
    n_trials : int, optional (Default: 1)
        How often inputs and networks are sampled. Each metric is the mean over all
        trials, with a 95 % interval if there are two or more. The first trial is that
        of one trial alone. A `Workload` of your own keeps its values: only the spikes
        that carry them, and the networks, are sampled.
    simulator : callable, optional (Default: None)
        What runs the circuits: the simulator class of a backend, or a function that
        makes a simulator. It is called with the network, ``dt=0.001`` and, if it takes
        that, ``progress_bar=False``; options are set with `functools.partial`. None is
        `nengo.Simulator` without its cache of decoders.
    n_jobs : int, optional (Default: 1)
        Number of processes, one circuit and trial each, as in `joblib.Parallel`;
        ``joblib.parallel_config`` may choose another backend, such as a cluster. More
        than one make the times that it takes to build and simulate less comparable.
    progress_bar : bool, optional (Default: False)
        Show a progress bar on standard error if that is a terminal.

    Returns
    -------
    ComparisonTable
        The table: `print` it, ``plot()`` it, or use its data frames.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a circuit, a workload or an encoding is unknown, or an argument is not
        possible.

    Examples
    --------
    >>> import maxpool_circuits as mpc
    >>> table = mpc.compare(["pairwise-relu", mpc.WinnerTakeAll], n_pools=20)
    >>> list(table["rmse"].index)
    ['pairwise-relu', 'WinnerTakeAll', 'oracle', 'average']
    >>> bool(table["pairwise-relu"].rmse < table["average"].rmse)
    True
    """
    import joblib

    from .table import ComparisonTable, with_best_readouts

    chosen = _by_row_name(circuits)
    n_trials = valid_integer(n_trials, "n_trials")
    input_rate = positive_number(input_rate, "input_rate", unit="Hz")
    seed = valid_seed(seed)
    look_up(encoding, ENCODINGS, "encoding")
    options = {} if encoding in WITHOUT_SPIKES else rates_for(input_rate)
    ready: dict[str, Any] = dict.fromkeys([*chosen, *REFERENCES])
    ready.update({name: with_defaults(c, **options) for name, c in chosen.items()})

    lines: list[dict[str, Any]] = []
    recordings: dict[str, Recording] = {}
    first: Any = None
    parallel = parallel_jobs(n_jobs, return_as="generator")
    with parallel, progress(progress_bar, total=len(chosen) * n_trials) as bar:
        # one trial after the other, since few fit into memory at the same time
        for number in range(n_trials):
            own_seed = seed_of_trial(seed, number)
            of_values = seed_of_values(own_seed)
            found = find_workload(workload, window_size, n_pools, of_values)
            trial = Trial.of(found, encoding, input_rate, own_seed)
            first = first or trial
            # kept in the trial, which must not change while it is sent to processes
            fingerprint = trial.fingerprint
            results = parallel(
                joblib.delayed(_measured)(trial, name, circuit, simulator)
                for name, circuit in ready.items()
            )
            for (measured, recording), name in zip(results, ready):
                keys = {"circuit": name, "trial": number, "inputs": fingerprint}
                lines += [{**keys, **metrics} for metrics in measured]
                recordings.setdefault(name, recording)
                if name in chosen:
                    bar.update()
    return ComparisonTable(
        trials=with_best_readouts(lines),
        heading=_heading(first.workload, encoding),
        workload=first.workload,
        outputs={name: each.output for name, each in recordings.items()},
        spikes=first.spikes,
        made_by={name: each.made_by for name, each in recordings.items()},
    )


def rates_for(input_rate: float) -> dict[str, Any]:
    """What circuits are given of the rate of their inputs; nothing at 250 Hz."""
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


def seed_of_trial(seed: int | None, number: int) -> int | None:
    """Seed of the trial of a number: the seed itself, then others far from it."""
    if seed is None or number == 0:
        return seed
    # neighbouring seeds would share trials if one counted on from them
    state = np.random.SeedSequence([seed, number]).generate_state(1)
    return int(state[0]) % (2**32 - 1)


@dataclass(frozen=True)
class Trial:
    """Inputs, their spikes, and the seed of the networks that get them."""

    workload: Workload
    values: np.ndarray
    spikes: np.ndarray
    input_rate: float
    seed: int | None

    @classmethod
    def of(
        cls, workload: Workload, encoding: str, input_rate: float, seed: int | None
    ) -> Trial:
        """Encode a workload, and after it the steps for the latency."""
        held = np.resize(workload.step, (N_STEPS + 1, workload.values.shape[1]))
        steps = np.repeat(held, STEP_LENGTH, axis=0)
        values = np.concatenate([workload.values, steps])
        spikes = ENCODINGS[encoding](values, input_rate, seed, workload.windows)
        # what does not spike reaches no synapses
        rate = 0 if encoding in WITHOUT_SPIKES else input_rate
        return cls(workload, values, spikes, rate, seed)

    @cached_property
    def fingerprint(self) -> str:
        """Text that only equal inputs have."""
        indices = self.workload.windows.indices
        spikes = self.spikes[: len(self.workload.values)]
        parts = repr(indices.shape).encode() + indices.tobytes() + spikes.tobytes()
        return hashlib.sha256(parts).hexdigest()[:12]

    def record(self, name: str, circuit: Any, simulator: Any = None) -> Recording:
        """Run a circuit, or look up a reference."""
        windows = self.workload.windows
        if name == ORACLE:
            return Recording(oracle(windows, self.values, self.spikes))
        if name == AVERAGE:
            return Recording(average(windows, self.spikes))
        return record(
            circuit,
            windows=windows,
            inputs=self.spikes,
            n_counted=len(self.workload.values),
            input_rate=self.input_rate,
            seed=self.seed,
            simulator=simulator,
        )


def _measured(trial, name, circuit, simulator):
    """Metrics of a circuit in a trial after each readout filter, and the recording."""
    recording = trial.record(name, circuit, simulator)
    metrics = [measure(recording, trial.workload, [readout]) for readout in READOUTS]
    return metrics, recording


def _heading(workload, encoding):
    """What was compared, and how it was read."""
    windows = workload.windows
    grid = "/".join(f"{readout * 1000:g}" for readout in READOUTS)
    inputs = "spiking inputs" if encoding == "regular" else f"inputs ({encoding})"
    return (
        f"{workload.name}: {windows.n_pools} pools of {windows.sizes.max()} {inputs}; "
        f"readout: best low-pass of {grid} ms"
    )


def _by_row_name(circuits):
    """Circuits by the name of their row."""
    if circuits is None:
        named = registered_circuits()
        if "exact" in named:
            exact = partial(named.pop("exact"), input_synapse=nengo.Alpha(0.005))
            named["exact (two poles of 5 ms)"] = exact
        return named
    if isinstance(circuits, dict):
        pairs = list(circuits.items())
    else:
        several = circuits if isinstance(circuits, (list, tuple)) else [circuits]
        pairs = [
            (c if isinstance(c, str) else getattr(c, "__name__", repr(c)), c)
            for c in several
        ]
    named = {}
    for name, circuit in pairs:
        if not isinstance(name, str):
            raise ValidationError(
                f"names of rows must be text, got {name!r}", attr="circuits"
            )
        if name in named or name in REFERENCES:
            raise ValidationError(
                f"two rows would be called {name!r}; give a dict of names and circuits",
                attr="circuits",
            )
        named[name] = find(circuit)
    return named
