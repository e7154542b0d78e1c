"""All circuits on the same spikes."""

import functools

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from ..registry import circuits as registered_circuits
from ..registry import find, make, with_defaults
from ..utils.checks import positive_number, valid_seed
from .lookup import find_workload
from .measures import READOUTS, REFERENCES, STEP_LENGTH, measure
from .recording import Recording, average, input_spikes, record, routed_winner
from .table import ComparisonTable

#: Added to the seed of the values: tuning draws with small seeds, and what it finds is
#: not to be measured on inputs that it saw.
FIRST_SEED = 2**20


def compare(
    circuits=None,
    window_size=4,
    *,
    workload="presentations",
    n_pools=None,
    input_rate=250,
    seed=0,
    n_jobs=1,
    progress_bar=False,
):
    """Compare circuits on spiking inputs.

    Each input is carried by one `nengo.SpikingRectifiedLinear` neuron. All circuits get
    the same spikes, without a synapse, and have their default options (but for
    ``max_rate``, which is ``input_rate`` if that is below 250 Hz, for classes and
    partials of them that do not set it). Beside them stand
    two references: ``oracle``, the spike train of the winning input, routed by a switch
    that knows it, and ``average``, which is what average pooling passes on. The readout
    filter of each row is the one of `READOUTS` with which it has the least error.

    Parameters
    ----------
    circuits : sequence of (str or callable), or dict of {str: callable}, optional
        Names of circuits, or classes or callables that take windows; a dict names its
        rows itself. The default is all registered circuits, with ``exact`` behind a 5
        ms synapse, which is what users of an exact maximum of spikes get.
    window_size : int, optional (Default: 4)
        Number of inputs of each pool; a `Workload` brings its own.
    workload : str or Workload, optional (Default: "presentations")
        "presentations" (random windows held 50 ms each), "constant" (held 300 ms
        each), "band-limited" (signals that change all the time) or "images" (oriented
        filters on handwritten digits).
    n_pools : int, optional
        Number of pools. The default is 200, or all pools of an image; a `Workload`
        brings its own.
    input_rate : float, optional (Default: 250)
        Firing rate of the inputs, in Hz per unit value.
    seed : int, optional (Default: 0)
        Seed of the inputs and of the networks. Small ones do not give the inputs that
        decoders were tuned on.
    n_jobs : int, optional (Default: 1)
        Number of processes, one circuit each, as in `joblib.Parallel`;
        ``joblib.parallel_config`` may choose another backend, such as a cluster. More
        than one make the times that it takes to build and simulate less comparable.
    progress_bar : bool, optional (Default: False)
        Show a progress bar on standard error.

    Returns
    -------
    ComparisonTable
        The table: `print` it, look at its ``rows``, ``plot()`` it.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a circuit or a workload is unknown, or a number is not possible.
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
    from tqdm import tqdm

    chosen = _named(circuits)
    input_rate = positive_number(input_rate, "input_rate", unit="Hz")
    seed = valid_seed(seed)
    other_seed = (seed + FIRST_SEED) % 2**32
    workload = find_workload(workload, window_size, n_pools, other_seed)
    windows = workload.windows

    # the step that the latency is read of comes after the workload
    values = np.concatenate(
        [workload.values, np.repeat(workload.step, STEP_LENGTH, axis=0)]
    )
    spikes = input_spikes(values, input_rate, seed)
    record_on_spikes = functools.partial(
        record,
        windows=windows,
        inputs=spikes,
        n_counted=len(workload.values),
        input_rate=input_rate,
        seed=seed,
    )
    ready = list(chosen.values())
    if input_rate < 250:
        # a membrane that was made for faster and therefore smaller input spikes forgets
        # too soon
        ready = [with_defaults(circuit, max_rate=input_rate) for circuit in ready]
    for circuit in ready:
        # decoders that are not there yet are made now, and not while others are timed
        with nengo.Network(add_to_container=False):
            make(circuit, windows)
    recorded = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(
        joblib.delayed(record_on_spikes)(circuit) for circuit in ready
    )
    shown = tqdm(recorded, total=len(chosen), disable=not progress_bar)
    recordings = dict(zip(chosen, list(shown)))
    recordings["oracle"] = Recording(routed_winner(windows, values, spikes))
    recordings["average"] = Recording(average(windows, spikes))
    rows = tuple(
        measure(name, recording, workload) for name, recording in recordings.items()
    )
    outputs = {name: recording.output for name, recording in recordings.items()}
    return ComparisonTable(workload, rows, READOUTS, outputs, spikes)


def _named(circuits):
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
        pairs = [(_name(circuits), circuits)]
    elif isinstance(circuits, (list, tuple)):
        pairs = [(_name(circuit), circuit) for circuit in circuits]
    else:
        raise ValidationError(
            f"must be a list or a dict of circuits, or None for all, got {circuits!r}",
            attr="circuits",
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


def _name(circuit):
    """What a circuit is called, or calls itself."""
    if isinstance(circuit, str):
        return circuit
    return getattr(circuit, "__name__", None) or repr(circuit)
