"""Error of every circuit on every backend that is installed, by neuron type.

Pools of four spiking inputs that change every 50 ms, as in ``maxpool-circuits
compare``; each output is read through the filter that suits it best. ::

    pip install '.[nengo-dl]' nengo-loihi==1.1.0 nengo-ocl==3.0.0 'pyopencl[pocl]'
    python benchmarks/backends.py --csv docs/backends.csv

Where a backend refuses a network the table says so, and standard error says why. It all
takes about five minutes.
"""

import argparse
import os
import sys
import warnings

# TensorFlow reads this when it is imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import nengo  # noqa: E402
import numpy as np  # noqa: E402
from tabulate import tabulate  # noqa: E402
from tqdm import tqdm  # noqa: E402

import maxpool_circuits as mpc  # noqa: E402
from maxpool_circuits.comparison import presentations  # noqa: E402
from maxpool_circuits.comparison.measures import best_readout  # noqa: E402
from maxpool_circuits.comparison.recording import input_spikes  # noqa: E402
from maxpool_circuits.utils.files import write_csv  # noqa: E402


def backends():
    """Functions that make a simulator of a model, by name of the backend."""
    available = {"Nengo": on_nengo}
    for name, module, function in [
        ("NengoDL", "maxpool_circuits.nengo_dl", on_nengo_dl),
        ("NengoOCL", "nengo_ocl", on_nengo_ocl),
        ("NengoLoihi's emulator", "nengo_loihi", on_nengo_loihi),
    ]:
        try:
            __import__(module)
        except ImportError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
        else:
            available[name] = function
    return available


def on_nengo(model):
    """Make a simulator of Nengo."""
    return nengo.Simulator(model, progress_bar=False)


def on_nengo_dl(model):
    """Make a simulator of NengoDL."""
    # first: makes NengoDL run beside any TensorFlow, and IntegrateAndFire known to it
    import maxpool_circuits.nengo_dl  # noqa: F401

    # isort: split
    import nengo_dl

    return nengo_dl.Simulator(model, progress_bar=False)


def on_nengo_ocl(model):
    """Make a simulator of NengoOCL, on the first OpenCL device there is."""
    import nengo_ocl
    import pyopencl

    context = pyopencl.create_some_context(interactive=False)
    return nengo_ocl.Simulator(model, context=context, progress_bar=False)


def on_nengo_loihi(model):
    """Make an emulator of NengoLoihi, which wants dense weights."""
    import nengo_loihi

    for connection in model.all_connections:
        transform = connection.transform
        if isinstance(transform, nengo.Sparse):
            connection.transform = transform.init.toarray()
    return nengo_loihi.Simulator(
        model, target="sim", remove_passthrough=False, progress_bar=False
    )


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


def error(make_simulator, circuit, neuron_type, workload, spikes):
    """Root-mean-square error of one circuit on one backend."""
    # not tuned: decoders are tuned on Nengo, and not all of these neurons have any
    options = {"decoders": None}
    if neuron_type is not None:
        options["neuron_type"] = neuron_type
    if circuit == "exact":
        # what users of an exact maximum of spikes get
        options["input_synapse"] = 0.005
    with nengo.Network(seed=0) as model:
        source = nengo.Node(lambda t: spikes[int(round(t / 0.001)) - 1])
        pool = mpc.make(circuit, workload.windows, **options)
        nengo.Connection(source, pool.input, synapse=None)
        output = nengo.Probe(pool.output)
    with make_simulator(model) as simulator:
        simulator.run_steps(len(spikes))
    _, errors = best_readout(np.array(simulator.data[output]), workload)
    return np.sqrt(np.mean(errors**2))


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--pools", type=int, default=10, metavar="N")
    parser.add_argument("--csv", metavar="FILE", help="write the table to FILE")
    options = parser.parse_args()
    warnings.simplefilter("ignore")

    workload = presentations(window_size=4, n_pools=options.pools)
    spikes = input_spikes(workload.values)
    simulators = backends()
    types = neuron_types()
    header = ["circuit", "neuron type", *simulators]
    rows = []
    jobs = [(circuit, name) for circuit in mpc.circuits() for name in types]
    # the exact maximum has no neurons
    jobs = [job for job in jobs if job[0] != "exact" or job[1] == "default"]
    for circuit, name in tqdm(jobs, file=sys.stderr):
        cells = []
        for backend, make_simulator in simulators.items():
            try:
                rmse = error(make_simulator, circuit, types[name], workload, spikes)
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
