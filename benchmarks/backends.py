"""Error of every circuit on every backend that is installed, by neuron type.

Pools of four spiking inputs that change every 50 ms, as in ``maxpool-circuits
compare``; each output is read through the filter that suits it best. ::

    pip install '.[nengo-dl]' nengo-loihi==1.1.0 nengo-ocl==3.0.0 'pyopencl[pocl]'
    python benchmarks/backends.py --csv docs/backends.csv

Where a backend refuses a network the table says so, and standard error says why. It all
takes about five minutes.
"""

import argparse
import functools
import os
import sys
import warnings

# TensorFlow reads this when it is imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import nengo  # noqa: E402
from csv_files import write_csv  # noqa: E402
from tabulate import tabulate  # noqa: E402
from tqdm import tqdm  # noqa: E402

import maxpool_circuits as mpc  # noqa: E402
from maxpool_circuits.comparison import presentations  # noqa: E402


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

    return functools.partial(nengo_torch.Simulator, dtype=torch.float64)


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


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--pools", type=int, default=10, metavar="N")
    parser.add_argument("--csv", metavar="FILE", help="write the table to FILE")
    options = parser.parse_args()
    warnings.simplefilter("ignore")

    workload = presentations(window_size=4, n_pools=options.pools)
    simulators = backends()
    types = neuron_types()
    header = ["circuit", "neuron type", *simulators]
    rows = []
    jobs = [(circuit, name) for circuit in mpc.circuits() for name in types]
    # the exact maximum has no neurons
    jobs = [job for job in jobs if job[0] != "exact" or job[1] == "default"]
    for circuit, name in tqdm(jobs, file=sys.stderr):
        cells = []
        for backend, simulator in simulators.items():
            try:
                rmse = error(simulator, circuit, types[name], workload)
                cells.append(f"{rmse:.3f}")
            except Exception as refusal:
                reason = " ".join(str(refusal).split())
                tqdm.write(
                    f"{backend}, {circuit}, {name}: {type(refusal).__name__}: {reason}",
                    file=sys.stderr,
                )
                cells.append("refused")
        rows.append([circuit, name, *cells])
    print(tabulate(rows, header, disable_numparse=True))
    if options.csv:
        write_csv(options.csv, [header, *rows])


if __name__ == "__main__":
    main()
