"""Build, step and peak memory of each way to pool, against the number of pools.

Each measurement has a process of its own, whose peak memory is what it adds to that of
a process with one pool. Inputs are constant values. ::

    python benchmarks/scale.py --csv docs/how_it_compares/scale.csv

Steps are the median of rounds in one process, with the range of the rounds; they are
not comparable between runs on machines that do other things too. What would take too
long with many pools has a largest number of pools.
"""

import argparse
import resource
import subprocess
import sys
import time
import warnings

import nengo
import numpy as np
from baselines.ensemble_array import ensemble_array
from baselines.spa import spa_winner
from csv_files import write_csv
from speed import numpy_step
from tabulate import tabulate
from tqdm import tqdm

import maxpool_circuits as mpc

N_ROUNDS, SECONDS = 5, 0.1
#: Largest number of pools of each way on NengoCore; what is not here has no limit.
LARGEST = {
    "softmax": 10**3,
    "ensemble": 10**3,
    "EnsembleArray": 10**3,
    "AVAM, a network per pool": 10**2,
    "nengo_spa WTA": 10**2,
}
#: On NengoDL, which compiles.
LARGEST_ON_NENGO_DL = 10**5
HEADER = [
    "simulator",
    "way",
    "pools",
    "inputs",
    "build (s)",
    "ns per pool and step",
    "range",
    "memory (MB)",
]


def avam_per_pool(windows):
    """The published circuit as a subnetwork for each pool."""
    size = windows.indices.shape[1]
    with nengo.Network() as network:
        network.input = nengo.Node(size_in=windows.n_inputs)
        network.output = nengo.Node(size_in=windows.n_pools)
        one = mpc.PoolWindows.independent(1, size)
        for pool, members in enumerate(windows.indices):
            avam = mpc.AbsoluteValue(one)
            nengo.Connection(network.input[list(members)], avam.input, synapse=None)
            nengo.Connection(avam.output, network.output[pool], synapse=None)
    return network


NETWORKS = {
    **mpc.circuits(),
    "EnsembleArray": ensemble_array,
    "AVAM, a network per pool": avam_per_pool,
    "nengo_spa WTA": spa_winner,
}
#: Circuits that are run on NengoDL too, and the plain update of one's rule.
ON_NENGO_DL, NUMPY = ("winner-take-all", "pairwise-relu", "exact"), "NumPy"


def build(simulator, way, n_pools, window_size):
    """A function that runs some steps."""
    x = np.random.RandomState(0).uniform(size=n_pools * window_size)
    if simulator == NUMPY:
        step = numpy_step(x.reshape(-1, window_size))
        return lambda n_steps: [step() for _ in range(n_steps)]
    with nengo.Network(seed=0) as model:
        pool = NETWORKS[way](mpc.PoolWindows.independent(n_pools, window_size))
        nengo.Connection(nengo.Node(x), pool.input, synapse=None)
    if simulator == "NengoDL":
        # first: makes NengoDL run beside any TensorFlow
        import maxpool_circuits.nengo_dl  # noqa: F401

        # isort: split
        import nengo_dl

        running = nengo_dl.Simulator(model, progress_bar=False)
        return lambda n_steps: running.run_steps(n_steps, progress_bar=False)
    return nengo.Simulator(model, progress_bar=False).run_steps


def peak_memory():
    """Of this process so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # kilobytes, but bytes on macOS
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def measure(simulator, way, n_pools, window_size):
    """Print build time, steps and memory; this is all that a process does."""
    # circuits that have no shipped decoders
    warnings.simplefilter("ignore")
    # what is loaded on first use is neither timed nor weighed
    build(simulator, way, 1, window_size)(2)
    before, started = peak_memory(), time.perf_counter()
    run = build(simulator, way, n_pools, window_size)
    built = time.perf_counter() - started
    started = time.perf_counter()
    run(2)
    n_steps = max(2, int(2 * SECONDS / (time.perf_counter() - started)))
    # NengoDL compiles for each number of steps
    run(n_steps)
    rounds = []
    for _ in range(N_ROUNDS):
        started = time.perf_counter()
        run(n_steps)
        rounds.append((time.perf_counter() - started) / n_steps / n_pools * 1e9)
    print(built, *rounds, peak_memory() - before)


def in_own_process(*arguments):
    """A line of the table."""
    command = [sys.executable, __file__, "--only", *map(str, arguments)]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    built, *rounds, memory = map(float, result.stdout.split())
    return [
        *arguments,
        f"{built:.3g}",
        f"{np.median(rounds):.3g}",
        f"{min(rounds):.3g} to {max(rounds):.3g}",
        f"{memory:.0f}",
    ]


def cases(all_pools, window_sizes):
    """Simulator, way, number of pools and window size of each measurement."""
    for window_size in window_sizes:
        for n_pools in all_pools:
            for way in NETWORKS:
                if n_pools <= LARGEST.get(way, np.inf):
                    yield "NengoCore", way, n_pools, window_size
            if n_pools <= LARGEST_ON_NENGO_DL:
                for way in ON_NENGO_DL:
                    yield "NengoDL", way, n_pools, window_size
            yield NUMPY, "winner-take-all", n_pools, window_size


def missing():
    """Ways and simulators that are not installed."""
    from importlib.util import find_spec

    packages = {"nengo_spa WTA": "nengo_spa", "NengoDL": "nengo_dl"}
    return {what for what, package in packages.items() if find_spec(package) is None}


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    every = [10, 100, 1000, 10**4, 10**5, 10**6]
    parser.add_argument("--pools", type=int, nargs="+", default=every, metavar="N")
    parser.add_argument("--window-sizes", type=int, nargs="+", default=[4], metavar="N")
    parser.add_argument("--csv", metavar="FILE", help="write the table to FILE")
    parser.add_argument("--only", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        simulator, way, *sizes = options.only
        measure(simulator, way, *map(int, sizes))
        return
    left_out = missing()
    if left_out:
        print("left out, not installed:", *sorted(left_out))
    lines = [
        in_own_process(*case)
        for case in tqdm(list(cases(options.pools, options.window_sizes)))
        if not left_out & set(case)
    ]
    print(tabulate(lines, HEADER, disable_numparse=True))
    if options.csv:
        write_csv(options.csv, [HEADER, *lines])


if __name__ == "__main__":
    main()
