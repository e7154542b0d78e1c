"""Running a circuit on its inputs, on any backend."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.cache import NoDecoderCache
from nengo.exceptions import ValidationError
from nengo.processes import PresentInput

from ..network.windows import PoolWindows
from ..registry import make
from ..utils.checks import valid_flag, valid_integer
from .events import fan_outs
from .workloads import DT

#: More processes than a machine has cores.
MOST_JOBS = 2**12


@dataclass(frozen=True)
class Recording:
    """Output of pools, (n_steps, n_pools), and costs per pool and second."""

    output: np.ndarray
    neurons: float = 0.0
    #: None where neurons do not spike, as the other costs are without a network.
    spikes: float | None = None
    synaptic_operations: float | None = None
    build_time: float | None = None
    simulation_time: float | None = None
    #: Name of the class of the circuit.
    made_by: str | None = None


def progress(shown: bool, **options: Any) -> Any:
    """A progress bar, on terminals."""
    from tqdm import tqdm

    return tqdm(disable=None if valid_flag(shown, "progress_bar") else True, **options)


def parallel_jobs(n_jobs: int | None, **options: Any) -> Any:
    """Processes, as many as joblib takes: negative numbers count from all cores."""
    import joblib

    if n_jobs is not None:
        valid_integer(n_jobs, "n_jobs", lowest=-MOST_JOBS, highest=MOST_JOBS)
    if n_jobs == 0:
        raise ValidationError("must not be 0", attr="n_jobs")

    return joblib.Parallel(n_jobs=n_jobs, **options)


def build_simulator(
    network: nengo.Network,
    simulator: Callable[..., Any] | None = None,
    dt: float = DT,
) -> Any:
    """Build a network with a simulator class or factory, by default with Nengo's."""
    simulator = _nengo_simulator if simulator is None else simulator
    options: dict[str, Any] = {"dt": dt}
    try:
        signature = inspect.signature(simulator)
        if "progress_bar" in signature.parameters:
            options["progress_bar"] = False
        signature.bind(network, **options)
    except (TypeError, ValueError) as error:
        raise ValidationError(
            "must be a simulator class, such as nengo.Simulator, or a function that "
            f"makes a simulator of a network and a dt, or None, got {simulator!r}",
            attr="simulator",
        ) from error
    return simulator(network, **options)


def _nengo_simulator(network, dt):
    """Build a network with Nengo, without its cache of decoders."""
    # circuits bring their decoders, and several processes would lock the cache
    model = nengo.builder.Model(dt=dt, decoder_cache=NoDecoderCache())
    return nengo.Simulator(network, dt=dt, model=model, progress_bar=False)


def record(
    circuit: str | Callable[..., Any],
    windows: PoolWindows,
    inputs: np.ndarray,
    n_counted: int,
    input_rate: float = 250,
    seed: int | None = 0,
    simulator: Callable[..., Any] | None = None,
) -> Recording:
    """Run a circuit on inputs, (n_steps, n_inputs); count spikes in the first steps."""
    from threadpoolctl import threadpool_limits

    # the order of sums, and so spikes, must not depend on the number of threads
    with threadpool_limits(limits=1):
        with nengo.Network(add_to_container=False):
            # what is loaded on first use, in each process, is not to be timed
            make(circuit, windows)
        started = time.perf_counter()
        # what counts spikes is outside of the network with the seed: Nengo seeds
        # objects by their position, and measuring must not change what is measured
        model = nengo.Network(add_to_container=False)
        with model, nengo.Network(seed=seed):
            source = nengo.Node(PresentInput(inputs, DT))
            pool = make(circuit, windows)
            nengo.Connection(source, pool.input, synapse=None)
            output = nengo.Probe(pool.output)
        making = time.perf_counter() - started
        fan_out = fan_outs(pool)
        with model:
            counts = [_count(fan_out, ensemble) for ensemble in pool.all_ensembles]

        started = time.perf_counter()
        simulation = build_simulator(model, simulator)
        building = time.perf_counter() - started
        with simulation:
            started = time.perf_counter()
            simulation.run_steps(len(inputs))
            running = time.perf_counter() - started
            recorded = np.array(simulation.data[output])
            totals = [
                simulation.data[count][:n_counted].sum(axis=0) for count in counts
            ]
    per_pool = 1 / (windows.n_pools * n_counted * DT)
    spikes = operations = None
    if all(ensemble.neuron_type.spiking for ensemble in pool.all_ensembles):
        n_input_spikes = inputs[:n_counted].sum(axis=0) * DT * input_rate
        of_inputs = 0, n_input_spikes @ fan_out[pool.input]
        spikes, operations = map(float, per_pool * np.sum([*totals, of_inputs], axis=0))
    return Recording(
        output=recorded,
        neurons=pool.n_neurons / windows.n_pools,
        spikes=spikes,
        synaptic_operations=operations,
        build_time=making + building,
        simulation_time=running / (len(inputs) * DT),
        made_by=type(pool).__name__,
    )


def _count(fan_out, ensemble):
    """Probe spikes of an ensemble, and the synapses that they reach, in each step."""
    amplitude = getattr(ensemble.neuron_type, "amplitude", 1)
    weights = np.stack([np.ones(ensemble.n_neurons), fan_out[ensemble.neurons]])
    counter = nengo.Node(size_in=2)
    nengo.Connection(
        ensemble.neurons, counter, transform=weights * DT / amplitude, synapse=None
    )
    return nengo.Probe(counter)
