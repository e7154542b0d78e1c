"""The optimiser of circuits."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from typing import Any

import joblib
import nengo
import numpy as np
import scipy
from nengo.exceptions import ValidationError

from ..comparison.simulate import parallel_jobs, progress
from ..network.arrays import RealParam, as_array
from ..network.decoders import TunedDecoders
from ..network.setup import describe
from ..network.windows import PoolWindows
from ..registry import find, make, unwrap_partial, with_defaults
from ..utils.checks import (
    positive_number,
    valid_integer,
    valid_path,
)
from ..version import version
from .inputs import draw
from .memory import remembering
from .search import Experiment, n_runs, search

#: Window sizes that are tuned for at once where one tuning serves all sizes.
WINDOW_SIZES = (4, 16)
#: Sets of inputs, and how many times ``n_pools`` pools they have. Decoders are fitted
#: on other inputs than trials are compared on: the closest fit is not the best one.
SETS = {"training": 1, "validation": 3, "test": 3, "fitting": 1}
#: Arguments of circuits that tuning does not take.
NOT_TUNED = {"decoders", "input_range", "windows"}
#: What else a result depends on, for the report.
VERSIONS = {
    "maxpool_circuits": version,
    "python": platform.python_version(),
    **{module.__name__: module.__version__ for module in (nengo, np, scipy)},
}


def tune(
    circuit: str | Callable[..., Any],
    *,
    window_size: int | Sequence[int] | None = None,
    input_rate: float | None = None,
    n_pools: int = 40,
    seed: int = 0,
    n_jobs: int | None = 1,
    latency_weight: float = 0,
    spikes_weight: float = 0,
    memory: str | os.PathLike[str] | joblib.Memory | None = None,
    progress_bar: bool = True,
    **options: Any,
) -> TunedDecoders:
    """Choose the parameters of a circuit by watching it run.

    Three kinds of values are chosen:

    - *Tuning curves*: encoders and intercepts of populations that approximate a
      function, by gradient descent on the error with the best decoders, if that helps
      in the running circuit.
    - *Tunable parameters* of the circuit, such as time constants and strengths of
      inhibition, by a response surface [1]_ over short runs.
    - *Decoders* of all populations, for each choice of the others, by least squares on
      averaged spikes of the running circuit, so that every stage sees the inputs it
      really gets (the method is known as variable projection [2]_), on a sample of
      inputs of their own.

    What is minimised is the root-mean-square error against the true maximum, after the
    readout filter that suits best, on a mixture of constant and changing inputs, spikes
    and values (see `.tuning.INPUTS`), relative to the error without tuning. A circuit
    must not get worse on any of them, by more than 1 %, nor, by more than 3 %, on a
    second, independent sample of inputs: where it does, less is changed, or nothing.
    The errors of the report are those of a third sample.

    One window is tuned once, whatever the number of pools it will be used for.

    Parameters
    ----------
    circuit : str or callable
        The name of a circuit or a subclass of `.MaxPoolNetwork`.
    window_size : int or sequence of int, optional
        Number of inputs of each pool, or several to tune for at once. The default is 4
        for circuits that need a tuning for each size, such as `.EnsembleMax`, and (4,
        16) for those of which one tuning serves windows of all sizes.
    input_rate : float, optional
        Firing rate of the inputs, in Hz per unit value. The default is ``max_rate``, or
        250 if that is less.
    n_pools : int, optional (Default: 40)
        Number of random windows of 4 inputs in each of the samples that the search
        sees, or as many larger windows as have the same number of inputs; those for
        validation and test have three times as many.
    seed : int, optional (Default: 0)
        Seed of the inputs and of the network. The same seed has the same result.
    n_jobs : int, optional (Default: 1)
        Number of processes, as in `joblib.Parallel`; ``joblib.parallel_config`` may
        choose another backend, such as a cluster. There is work for one process per
        window size, and for two if there is one size.
    latency_weight, spikes_weight : float, optional (Default: 0)
        What a shorter response to a step, and fewer spikes, are worth. With weight 1,
        halving them is worth as much as halving the error; with any weight above 0,
        some errors may grow.
    memory : str or os.PathLike or joblib.Memory, optional (Default: None)
        A folder in which results are kept, those of single runs included: a call with
        the same arguments goes on where an earlier one was stopped, and returns at once
        what that one found. An edit of the circuit's code, of what that imports, or of
        this package makes it a new search. None: nothing is kept.
    progress_bar : bool, optional (Default: True)
        Show a progress bar on standard error if that is a terminal.
    **options
        Options of the circuit, such as ``neuron_type``, ``n_neurons``, ``max_rate``.
        Synapses that are given stay as they are.

    Returns
    -------
    TunedDecoders
        To be given to the circuit as ``decoders``; `print` shows what was reached.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there is nothing to tune (rate neurons, circuits without neurons), if an
        input range is given (all values scale with it), or if an argument is not
        possible.

    References
    ----------
    .. [1] Box, G. E. P. and Wilson, K. B. (1951). On the experimental attainment of
       optimum conditions. Journal of the Royal Statistical Society B 13, 1-45.
       https://doi.org/10.1111/j.2517-6161.1951.tb00067.x
    .. [2] Golub, G. H. and Pereyra, V. (1973). The differentiation of pseudo-inverses
       and nonlinear least squares problems whose variables separate. SIAM Journal on
       Numerical Analysis 10, 413-432. https://doi.org/10.1137/0710036

    Examples
    --------
    >>> import maxpool_circuits as mpc
    >>> options = {"n_neurons": 10, "max_rate": 200, "neuron_type": nengo.LIF()}
    >>> tuned = mpc.tune(
    ...     "ensemble", window_size=2, n_pools=2, progress_bar=False, **options
    ... )
    >>> windows = mpc.PoolWindows.independent(n_pools=100, window_size=2)
    >>> pool = mpc.EnsembleMax(windows, decoders=tuned, **options)
    """
    n_pools = valid_integer(n_pools, "n_pools")
    seed = valid_integer(seed, "seed", lowest=0, highest=2**32 - 2)
    if not isinstance(memory, joblib.Memory):
        folder = None if memory is None else valid_path(memory, "memory")
        memory = joblib.Memory(folder, verbose=0)
    weights = {"latency": latency_weight, "spikes": spikes_weight}
    for name, weight in weights.items():
        RealParam(f"{name}_weight", low=0).coerce(None, weight)
    for name in NOT_TUNED & options.keys():
        raise ValidationError(
            "cannot be given: an untuned circuit for inputs from 0 to 1 is tuned, in "
            "windows of its own, and what is found is scaled to other ranges",
            attr=name,
        )
    circuit = find(circuit)
    if input_rate is not None:
        input_rate = positive_number(input_rate, "input_rate", unit="Hz")
        circuit = with_defaults(circuit, input_rate=input_rate)
    circuit = functools.partial(circuit, **options)
    listed: Any = () if window_size is None else np.atleast_1d(as_array(window_size))
    sizes = tuple(sorted({valid_integer(size, "window_size") for size in listed}))
    if window_size is not None and not sizes:
        raise ValidationError(
            f"must have at least one size, got {window_size!r}", attr="window_size"
        )
    network = untuned_pool(circuit, max(sizes, default=4))
    one_size = network.tuned_per_window_size
    if one_size and len(sizes) > 1:
        raise ValidationError(
            f"{type(network).__name__} must be tuned for one window size at a time, "
            f"got {window_size!r}",
            attr="window_size",
        )
    about = {
        "input_rate": input_rate or 1 / network.inter_spike_interval,
        "n_pools": n_pools,
        "seed": seed,
        "weights": {name: float(weight) for name, weight in weights.items() if weight},
        "window_sizes": sizes or ((4,) if one_size else WINDOW_SIZES),
        "versions": VERSIONS,
    }
    recall = remembering(memory, *_identity(circuit, network, about))

    def find_best():
        started = time.perf_counter()
        bar = progress(
            progress_bar,
            total=n_runs(len(network.free_tunables)),
            desc=f"tuning {network.setup.class_name}",
        )
        with bar, parallel_jobs(n_jobs) as parallel:
            sets = _sets_of_inputs(about)
            fitting = [
                inputs
                for inputs in sets.pop("fitting").values()
                if inputs.kind.settles or (one_size and inputs.kind.all_small)
            ]
            experiment = Experiment(
                circuit,
                sets,
                fitting,
                input_rate=about["input_rate"],
                seed=seed,
                weights=about["weights"],
                parallel=parallel,
                recall=recall,
                step=bar.update,
            )
            tuned = search(experiment, network)
        seconds = round(time.perf_counter() - started, 1)
        report = {**tuned.report, "seconds": seconds, **about}
        return dataclasses.replace(tuned, report=report)

    return recall("the best", find_best)


def untuned_pool(circuit: Callable[..., Any], window_size: int) -> Any:
    """One pool of a circuit that is not tuned, to see what can be.

    Raises `nengo.exceptions.ValidationError` if tuning reaches no spiking neurons.
    """
    windows = PoolWindows.independent(n_pools=1, window_size=window_size)
    with nengo.Network(add_to_container=False):
        network = make(circuit, windows, decoders=None)
    made = getattr(network, "populations", {}).values()
    spiking = (c.population.neuron_type.spiking for copies in made for c in copies)
    if not any(spiking):
        raise ValidationError(
            f"{type(network).__name__} makes no spiking neurons by self.replicate: "
            "there is nothing to tune",
            attr="circuit",
        )
    return network


def _identity(circuit, network, about):
    """Text of all that a result depends on but code, and classes with that code."""
    made_by, options = unwrap_partial(circuit)
    options = {name: describe(value) for name, value in options.items()}
    populations = network.untuned_populations.values()
    formulas = joblib.hash([population.decoders for population in populations])
    text = json.dumps([str(network.setup), formulas, options, about])
    code = [made_by, *type(network).__mro__, *type(network.neuron_type).__mro__]
    return text, code


def _sets_of_inputs(about):
    """The sets of inputs, by name, for windows of all sizes."""
    sets = {}
    for number, (name, factor) in enumerate(SETS.items()):
        seed = seed_of_draw(about["seed"], number)
        n_inputs = 4 * factor * about["n_pools"]
        sets[name] = {
            f"{kind}, {size} inputs": inputs
            for size in about["window_sizes"]
            for kind, inputs in draw(
                size, about["input_rate"], seed, -(-n_inputs // size)
            ).items()
        }
    return sets


def seed_of_draw(seed: int, number: int) -> int:
    """Seed of the draw of a number; no two searches share one."""
    return len(SETS) * seed + number
