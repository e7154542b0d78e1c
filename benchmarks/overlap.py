"""What overlapping windows gain from sharing comparators.

The same windows on an image of random values, with the same spikes: as they are, and
each with a tree of its own. Ratios are those of the errors after the readout filter
that suits best, shared to separate, with a 95 % interval over the seeds. ::

    python benchmarks/overlap.py --csv docs/overlap.csv
"""

import argparse
import dataclasses
import functools
import sys

import nengo
import numpy as np
from csv_files import write_csv
from tabulate import tabulate

import maxpool_circuits as mpc
from maxpool_circuits.comparison import WORKLOADS
from maxpool_circuits.comparison.compare import FIRST_SEED
from maxpool_circuits.comparison.table import half_width

#: Windows by row: (spatial axes, size, stride).
WINDOWS = {
    "2x2, stride 1": (2, 2, 1),
    "3x3, stride 2": (2, 3, 2),
    "3x3, stride 1": (2, 3, 1),
    "5x5, stride 1": (2, 5, 1),
    "5x5, stride 2": (2, 5, 2),
    "5x5, stride 4": (2, 5, 4),
    "3x3x3, stride 1": (3, 3, 1),
}
#: Circuits: (name, options).
CIRCUITS = {
    "pairwise-relu": ("pairwise-relu", {}),
    "pairwise-relu, 1000 Hz": ("pairwise-relu", {"max_rate": 1000}),
    "pairwise-relu, 20 LIF": ("pairwise-relu", {"neuron_type": nengo.LIF()}),
    "absolute-value": ("absolute-value", {}),
}
HEADERS = [
    "windows",
    "inputs",
    "comparators",
    "levels",
    "spikes",
    "synaptic operations",
]
HEADERS += ["RMSE", "ratio", "bias", "latency"]


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = functools.partial(parser.add_argument, nargs="+")
    add("--windows", choices=WINDOWS, default=list(WINDOWS)[:4])
    workloads = ["constant", "presentations", "band-limited"]
    add("--workloads", choices=workloads, default=workloads)
    add("--seeds", type=int, default=[0, 1, 2])
    parser.add_argument("--circuit", choices=CIRCUITS, default="pairwise-relu")
    parser.add_argument("--outputs", type=int, default=8, help="along each axis")
    parser.add_argument("--csv", metavar="FILE", help="write the table to FILE")
    options = parser.parse_args()
    rows = []
    for name in options.windows:
        n_axes, size, stride = WINDOWS[name]
        # as many outputs in three dimensions as in two
        n_outputs = round(options.outputs ** (2 / n_axes))
        shape = ((n_outputs - 1) * stride + size,) * n_axes + (1,)
        windows = mpc.PoolWindows(shape, pool_size=size, strides=stride)
        circuit = CIRCUITS[options.circuit]
        for workload in options.workloads:
            figures = measure(windows, *circuit, workload, options.seeds)
            rows.append([name, workload, *figures])
            print(*rows[-1], sep=", ", file=sys.stderr)
    print(tabulate(rows, HEADERS, disable_numparse=True))
    if options.csv:
        write_csv(options.csv, [HEADERS, *rows])


def measure(windows, circuit, arguments, workload, seeds):
    """Figures of one row; of two, those of separate trees come first."""
    shared = functools.partial(mpc.circuits()[circuit], **arguments)
    circuits = {"separate": lambda windows: shared(apart(windows)), "shared": shared}
    pools = [make(windows) for make in circuits.values()]
    per_output = windows.n_pools * pools[0].neurons_per_part
    tables = []
    for seed in seeds:
        values = WORKLOADS[workload](1, windows.n_inputs, FIRST_SEED + seed)
        values = dataclasses.replace(values, windows=windows)
        tables.append(mpc.compare(circuits, workload=values, seed=seed))

    def both(metric):
        return np.array([table.loc[list(circuits), metric] for table in tables])

    errors = both("rmse")
    ratios = errors[:, 1] / errors[:, 0]
    return [
        arrow([pool.n_neurons / per_output for pool in pools], ".2f"),
        arrow([len(pool.comparators) for pool in pools], "d"),
        arrow(both("spikes").mean(axis=0), ".0f"),
        arrow(both("synaptic_operations").mean(axis=0), ".0f"),
        arrow(errors.mean(axis=0), ".4f"),
        f"{ratios.mean():.3f} ± {half_width(ratios):.3f}",
        arrow(both("bias").mean(axis=0), "+.4f"),
        arrow(1000 * both("latency").mean(axis=0), ".0f") + " ms",
    ]


def apart(windows):
    """The same windows, of which nobody knows that they are on a grid."""
    return mpc.PoolWindows.from_indices(windows.indices, windows.n_inputs)


def arrow(pair, form):
    """Show what it was and what it is."""
    return " → ".join(format(value, form) for value in pair)


if __name__ == "__main__":
    main()
