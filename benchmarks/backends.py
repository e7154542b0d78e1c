"""Error of every circuit on every backend that is installed, by neuron type.

Pools of four spiking inputs that change every 50 ms, as in ``maxpool-circuits
compare``; each output is read through the filter that suits it best. ::

    python benchmarks/backends.py --csv docs/backends [CIRCUIT ...]

No environment has all backends: NengoOCL and NengoLoihi need NumPy 1. So a run replaces
what it measures in ``docs/backends.csv`` and leaves the rest, notes in
``docs/backends_runs.csv`` what ran when, and in ``docs/backends_refusals.csv`` what
backends refuse, with their words. It takes minutes; circuits can be named.
"""

import argparse
import datetime
import functools
import importlib.metadata
import os
import platform
import sys
import warnings

# TensorFlow reads this when it is imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import nengo  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from tqdm import tqdm  # noqa: E402

import maxpool_circuits as mpc  # noqa: E402
from maxpool_circuits.comparison import presentations  # noqa: E402
from maxpool_circuits.testing.check import takes  # noqa: E402

PACKAGES = {
    "Nengo": "nengo",
    "NengoDL": "nengo-dl",
    "nengo-torch": "nengo-torch",
    "NengoOCL": "nengo-ocl",
    "NengoLoihi's emulator": "nengo-loihi",
}


def backends():
    """What makes a simulator of a network, by name of the backend, if installed."""
    found = {}
    for name, make in {
        "Nengo": lambda: None,
        "NengoDL": nengo_dl_simulator,
        "nengo-torch": nengo_torch_simulator,
        "NengoOCL": nengo_ocl_simulator,
        "NengoLoihi's emulator": nengo_loihi_emulator,
    }.items():
        try:
            found[name] = make()
        except ImportError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
    return found


def nengo_dl_simulator():
    """Simulator of NengoDL."""
    # first: makes NengoDL run beside any TensorFlow, and IntegrateAndFire known to it
    import maxpool_circuits.nengo_dl  # noqa: F401

    # isort: split
    import nengo_dl

    return nengo_dl.Simulator


def nengo_torch_simulator():
    """Simulator of nengo-torch, of the precision of Nengo's."""
    import nengo_torch
    import torch

    import maxpool_circuits.nengo_torch  # noqa: F401

    def simulator(network, dt, progress_bar):
        for node in network.all_nodes:
            if isinstance(node.output, nengo.processes.PresentInput):
                # nengo-torch 0.1 rounds times, and shows some of the inputs a step late
                inputs = node.output.inputs
                node.output = lambda t, inputs=inputs: inputs[round(t / dt) - 1]
        return nengo_torch.Simulator(network, dt=dt, dtype=torch.float64)

    return simulator


def nengo_ocl_simulator():
    """Simulator of NengoOCL, on the first OpenCL device there is."""
    import nengo_ocl
    import pyopencl

    context = pyopencl.create_some_context(interactive=False)
    return functools.partial(nengo_ocl.Simulator, context=context)


def nengo_loihi_emulator():
    """Emulator of NengoLoihi, which wants dense weights."""
    import nengo_loihi

    def emulator(network, dt, progress_bar):
        for connection in network.all_connections:
            if isinstance(connection.transform, nengo.Sparse):
                connection.transform = connection.transform.init.toarray()
        options = {"target": "sim", "remove_passthrough": False}
        return nengo_loihi.Simulator(
            network, dt=dt, progress_bar=progress_bar, **options
        )

    return emulator


def neuron_types():
    """Neuron types by name; None is each circuit's own default."""
    chosen = {
        "default": None,
        "LIF": nengo.LIF(),
        "SpikingRectifiedLinear": nengo.SpikingRectifiedLinear(),
    }
    try:
        from nengo_loihi.neurons import LoihiLIF, LoihiSpikingRectifiedLinear
    except ImportError:
        return chosen
    return {
        **chosen,
        "LoihiLIF": LoihiLIF(),
        "LoihiSpikingRectifiedLinear": LoihiSpikingRectifiedLinear(),
    }


def error(simulator, circuit, neuron_type, workload):
    """Root-mean-square error of one circuit on one backend."""
    # not tuned: decoders are tuned on Nengo, and not all of these neurons have any
    options = {"decoders": None}
    if neuron_type is not None:
        options["neuron_type"] = neuron_type
    if circuit == "exact":
        # what users of an exact maximum of spikes get
        options["input_synapse"] = 0.005
    made = functools.partial(mpc.circuits()[circuit], **options)
    table = mpc.compare({circuit: made}, workload=workload, simulator=simulator)
    return table[circuit].rmse


def keep(path, lines, index):
    """Write lines into a file, in the place of those of the same index."""
    lines = pd.DataFrame(lines).set_index(index)
    if os.path.exists(path):
        before = pd.read_csv(path, index_col=index, dtype=str)
        rows = before.index.union(lines.index, sort=False)
        columns = before.columns.union(lines.columns, sort=False)
        lines = lines.combine_first(before).reindex(index=rows, columns=columns)
    lines.to_csv(path, lineterminator="\n")


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("circuits", nargs="*", default=[*mpc.circuits()])
    parser.add_argument("--pools", type=int, default=10, metavar="N")
    parser.add_argument("--csv", default="backends", metavar="STEM")
    options = parser.parse_args()
    warnings.simplefilter("ignore")

    workload = presentations(window_size=4, n_pools=options.pools)
    simulators = backends()
    types = neuron_types()
    jobs = [
        (circuit, name)
        for name, neuron_type in types.items()
        for circuit in options.circuits
        # the exact maximum has no neurons
        if name == "default" or circuit != "exact" and takes(circuit, neuron_type)
    ]
    for circuit, name in tqdm(jobs, file=sys.stderr):
        row = {"circuit": circuit, "neuron type": name}
        for backend, simulator in simulators.items():
            try:
                row[backend] = f"{error(simulator, circuit, types[name], workload):.3f}"
            except Exception as refusal:
                row[backend] = "refused"
                words = f"{type(refusal).__name__}: {' '.join(str(refusal).split())}"
                line = {"backend": backend, "says": words, "of": f"{circuit}, {name}"}
                keep(f"{options.csv}_refusals.csv", [line], ["backend", "says"])
        keep(f"{options.csv}.csv", [row], ["circuit", "neuron type"])
    runs = [
        {
            "backend": backend,
            "version": importlib.metadata.version(PACKAGES[backend]),
            "Python": platform.python_version(),
            "NumPy": np.__version__,
            "run on": datetime.date.today().isoformat(),
        }
        for backend in simulators
    ]
    keep(f"{options.csv}_runs.csv", runs, ["backend"])


if __name__ == "__main__":
    main()
