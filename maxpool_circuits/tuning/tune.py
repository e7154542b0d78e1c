"""The optimiser of circuits."""

from __future__ import annotations

import dataclasses
import functools
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

from ..comparison.simulate import checked_simulator
from ..network.tuned import TunedDecoders
from ..registry import find, with_defaults
from ..utils.checks import (
    is_real,
    positive_integer,
    positive_number,
    valid_flag,
    valid_integer,
    valid_jobs,
    valid_path,
)
from ..utils.progress import make_progress_bar
from ..version import version
from .inputs import draw
from .journal import Journal, forget
from .memory import Memory, name_of, search_key, source_code
from .search import Search, n_questions
from .trials import Trials, untuned_pool

#: Window sizes that are tuned for at once where one tuning serves all sizes.
WINDOW_SIZES = (4, 16)
#: Arguments of circuits that tuning does not take, and why.
NOT_TUNED = {
    "input_range": "tuning is for inputs from 0 to 1, and what it finds is scaled to "
    "the input range of the circuit that uses it",
    "decoders": "tuning starts from the untuned circuit",
    "windows": "tuning makes its own, of window_size inputs",
}


def tune(
    circuit: str | Callable[..., Any],
    *,
    window_size: int | Sequence[int] | None = None,
    input_rate: float | None = None,
    n_pools: int = 40,
    seed: int = 0,
    n_jobs: int | None = 1,
    simulator: Callable[..., Any] | None = None,
    latency_weight: float = 0,
    spikes_weight: float = 0,
    journal: str | os.PathLike[str] | None = None,
    fresh: bool = False,
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
      really gets (the method is known as variable projection [2]_).

    What is minimised is the root-mean-square error against the true maximum, behind the
    readout filter that suits best, on a mixture of constant and changing inputs, spikes
    and values (see `.tuning.INPUTS`), relative to the error without tuning. A circuit
    must not get worse on any of them, by more than 1 %, nor on a second, independent
    draw of inputs: where it does, less is changed, or nothing. A third draw gives the
    errors of the report.

    One window is tuned once, whatever the number of pools it will be used for. The
    result is remembered: asked for the same again, by this process or a later one,
    ``tune`` returns it at once, and of several processes that want it one searches and
    the others wait. It is kept in the user's cache folder, under a key of
    all arguments, the code of the circuit and the version of this package.

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
        Number of random windows of 4 inputs in the first draw, or as many larger
        windows as have the same number of inputs; the other two draws have three times
        as many.
    seed : int, optional (Default: 0)
        Seed of the inputs and of the network. The same seed gives the same result.
    n_jobs : int, optional (Default: 1)
        Number of processes, as in `joblib.Parallel`; ``joblib.parallel_config`` may
        choose another backend, such as a cluster. There is work for one process per
        window size, and for two if there is one size.
    simulator : callable, optional (Default: None)
        What runs the circuit: the simulator class of a backend, or a function that
        makes a simulator, as in `.compare`. The default is Nengo's.
    latency_weight, spikes_weight : float, optional (Default: 0)
        What a shorter response to a step, and fewer spikes, are worth. With weight 1,
        halving them is worth as much as halving the error; with any weight above 0,
        some errors may grow.
    journal : str or os.PathLike, optional
        Where to write intermediate results. A call with the same arguments that finds
        the journal of an interrupted one goes on where that stopped. It is deleted once
        the result is in the cache folder. A file that is no journal is refused.
    fresh : bool, optional (Default: False)
        Search again, even if the result is known.
    progress_bar : bool, optional (Default: True)
        Show a progress bar on standard error if that is a terminal, or in a notebook.
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
    ...     "ensemble", window_size=2, n_pools=10, progress_bar=False, **options
    ... )
    >>> windows = mpc.PoolWindows.independent(n_pools=100, window_size=2)
    >>> pool = mpc.EnsembleMax(windows, decoders=tuned, **options)
    """
    n_pools = positive_integer(n_pools, "n_pools")
    seed = valid_integer(seed, "seed", lowest=0, highest=2**32 - 2)
    simulator = checked_simulator(simulator)
    fresh = valid_flag(fresh, "fresh")
    progress_bar = valid_flag(progress_bar, "progress_bar")
    if journal is not None:
        journal = valid_path(journal, "journal")
    n_jobs = valid_jobs(n_jobs)
    weights = {
        "latency": _weight(latency_weight, "latency_weight"),
        "spikes": _weight(spikes_weight, "spikes_weight"),
    }
    for name, reason in NOT_TUNED.items():
        if name in options:
            raise ValidationError(f"cannot be given: {reason}", attr=name)
    circuit = find(circuit)
    if input_rate is not None:
        input_rate = positive_number(input_rate, "input_rate", unit="Hz")
        circuit = with_defaults(circuit, input_rate=input_rate)
    circuit = functools.partial(circuit, **options)
    sizes = _sizes(window_size)
    network = untuned_pool(circuit, max(sizes or (4,)))
    serves_one_size = network.tuned_per_window_size
    if sizes is None:
        sizes = (4,) if serves_one_size else WINDOW_SIZES
    if serves_one_size and len(sizes) > 1:
        raise ValidationError(
            f"{type(network).__name__} must be tuned for one window size at a time, "
            f"got {window_size!r}",
            attr="window_size",
        )
    rate = 1 / network.inter_spike_interval if input_rate is None else input_rate

    about = {
        "input_rate": rate,
        "n_pools": n_pools,
        "seed": seed,
        "weights": {name: weight for name, weight in weights.items() if weight},
        "window_sizes": sizes,
    }
    if simulator is not None:
        about["simulator"] = name_of(simulator)
    memory = Memory(network, about, simulator)
    known = None if fresh else memory.recall()
    if known is not None:
        return known
    with memory.alone():
        # what was searched for while this process waited
        known = None if fresh else memory.recall()
        if known is not None:
            return known
        running = {
            "simulator": simulator,
            "n_jobs": n_jobs,
            "progress_bar": progress_bar,
        }
        tuned = _search(circuit, network, about, weights, journal, **running)
        if memory.keep(tuned) and journal is not None:
            forget(journal)
        return tuned


def _search(
    circuit, network, about, weights, journal, *, simulator, n_jobs, progress_bar
):
    """What a search finds, which is described by the arguments in ``about``."""
    started = time.perf_counter()
    rate, seed, n_pools = (about[name] for name in ("input_rate", "seed", "n_pools"))
    sizes = about["window_sizes"]
    about = {**about, "versions": _versions()}
    draws = {
        name: _mixture(sizes, rate, seed_of_draw(seed, number), size * 4)
        for number, (name, size) in enumerate(
            [("training", n_pools), ("validation", 3 * n_pools), ("test", 3 * n_pools)]
        )
    }
    key = search_key(network, about, source_code(network, simulator))
    answers = Journal(journal, {**about, "search": key})

    progress = make_progress_bar(
        progress_bar,
        total=n_questions(len(network.free_tunables)),
        desc=f"tuning {network.setup.class_name}",
    )
    with progress, joblib.Parallel(n_jobs=n_jobs) as parallel:
        step = progress.update
        trials = Trials(circuit, draws, rate, seed, simulator, parallel, answers, step)
        search = Search(trials, network, weights)
        search.run()
        tuned = search.checked("validation")
        measured = {name: search.compared(tuned, name) for name in draws}
        before, after = (trials.costs(c, "test") for c in (search.untuned, tuned))
    report = {
        "errors": measured,
        "costs": {name: [before[name], after[name]] for name in before},
        "seconds": round(time.perf_counter() - started, 1),
        **about,
    }
    return dataclasses.replace(tuned, report=report)


def _versions():
    return {
        "maxpool_circuits": version,
        "nengo": nengo.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "scipy": scipy.__version__,
    }


def seed_of_draw(seed: int, number: int) -> int:
    """Seed of the draw of a number; no two searches share one."""
    return 3 * seed + number


def _sizes(window_size):
    """Window sizes, in ascending order; None if they were left open."""
    if window_size is None:
        return None
    several = isinstance(window_size, (list, tuple, range, np.ndarray))
    given = list(window_size) if several else [window_size]
    sizes = tuple(sorted({positive_integer(size, "window_size") for size in given}))
    if not sizes:
        raise ValidationError("must name at least one window size", attr="window_size")
    return sizes


def _weight(weight, name):
    if not is_real(weight) or weight < 0:
        raise ValidationError(f"must be a number of 0 or more, got {weight!r}", name)
    return float(weight)


def _mixture(sizes, rate, seed, n_inputs):
    """Inputs for windows of several sizes, with the same number of inputs each."""
    return {
        f"{name}, {size} inputs": inputs
        for size in sizes
        for name, inputs in draw(size, rate, seed, -(-n_inputs // size)).items()
    }
