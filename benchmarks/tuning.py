"""What tuning gains: circuits with the shipped decoders, and without, on new inputs.

Same neurons, same seed of the network; inputs that no tuning has used. Errors are those
after the readout filter that suits best. ::

    python benchmarks/tuning.py --csv docs/tuning.csv

The oracle is the spike train of the largest input, passed on by a switch that
knows it. Below the table: how long decoders take to load, and with ``--time`` how long
tuning takes.
"""

import argparse
import functools
import time

import nengo
import numpy as np
from csv_files import write_csv
from oracles import oracle_error
from tabulate import tabulate

import maxpool_circuits as mpc
from maxpool_circuits.network import decoders as shipped
from maxpool_circuits.tuning import INPUTS, draw
from maxpool_circuits.tuning.simulate import errors

LIF = {"neuron_type": nengo.LIF()}
#: {row: (circuit, options)}.
SETUPS = {
    "pairwise-relu, SpikingRectifiedLinear": (
        "pairwise-relu",
        {"neuron_type": nengo.SpikingRectifiedLinear()},
    ),
    "pairwise-relu, 5 LIF": ("pairwise-relu", {**LIF, "n_neurons": 5}),
    "pairwise-relu, 20 LIF": ("pairwise-relu", LIF),
    "pairwise-relu, 20 AdaptiveLIF": (
        "pairwise-relu",
        {"neuron_type": nengo.AdaptiveLIF()},
    ),
    "winner-take-all, 20 LIF": ("winner-take-all", LIF),
    "winner-take-all, 20 AdaptiveLIF": (
        "winner-take-all",
        {"neuron_type": nengo.AdaptiveLIF()},
    ),
    "softmax, 20 LIF": ("softmax", {}),
    "ensemble, 50 LIF per pool": ("ensemble", {"n_neurons": 50}),
    "ensemble, 50 LIF per input": ("ensemble", {}),
}
#: Columns of the table.
KINDS = tuple(INPUTS)
#: Another time constant, in seconds, to read the oracle with on constant input.
SLOW, SLOW_KIND = 0.03, "constant, slow"


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--window-sizes", type=int, nargs="+", default=[4, 9])
    parser.add_argument("--inputs", type=int, default=720, help="of each kind")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1000, 1001])
    parser.add_argument("--time", action="store_true", help="tune some setups, too")
    parser.add_argument("--csv", metavar="FILE", help="write the table to FILE")
    options = parser.parse_args()

    rows = []
    for size in options.window_sizes:
        draws = [draw(size, 250, s, options.inputs // size) for s in options.seeds]
        routed = mean([routed_errors(mixture) for mixture in draws])
        rows.append((size, "oracle", *(routed.get(kind) for kind in KINDS)))
        slow = [routed[SLOW_KIND], *[None] * (len(KINDS) - 1)]
        rows.append((size, "oracle, read with 30 ms", *slow))
        for name, (circuit, arguments) in SETUPS.items():
            untuned, tuned = (
                mean(
                    [
                        measure(circuit, seed, mixture, decoders, **arguments)
                        for seed, mixture in zip(options.seeds, draws)
                    ]
                )
                for decoders in (None, "tuned")
            )
            pairs = ((untuned[kind], tuned[kind]) for kind in KINDS)
            rows.append((size, name, *pairs))
    lines = [[_shown(cell) for cell in row] for row in rows]
    headers = ["inputs", "circuit", *KINDS]
    print(tabulate(lines, headers, disable_numparse=True))
    if options.csv:
        write_csv(options.csv, [headers, *lines])
    print(f"\nloading decoders: {1000 * loading_time():.1f} ms at most")
    if options.time:
        for name, seconds in tuning_times().items():
            print(f"tuning {name}, two processes: {seconds:.0f} s")


def measure(circuit, seed, mixture, decoders, **arguments):
    """Mean squared error of a circuit on each kind of input."""
    circuit = functools.partial(mpc.circuits()[circuit], decoders=decoders, **arguments)
    squares = errors(circuit, list(mixture.values()), seed)
    return {name: np.mean(own) for name, own in zip(mixture, squares)}


def routed_errors(mixture):
    """Mean squared error of the oracle's spikes on each kind of input."""
    found = {}
    for name, inputs in mixture.items():
        if not inputs.kind.spikes:
            continue
        found[name] = oracle_error(inputs.workload, inputs.signals) ** 2
        if inputs.kind.settles:
            slow = oracle_error(inputs.workload, inputs.signals, [SLOW])
            found[SLOW_KIND] = slow**2
    return found


def mean(measured):
    """Root of the mean over seeds, by kind of input."""
    return {kind: np.sqrt(np.mean([m[kind] for m in measured])) for kind in measured[0]}


def loading_time():
    """Longest time, in seconds, that decoders add to building one of the setups."""
    windows = mpc.PoolWindows.independent(n_pools=100, window_size=4)
    added = []
    for circuit, arguments in SETUPS.values():
        seconds = {None: [], "tuned": []}
        for _ in range(15):
            for decoders, times in seconds.items():
                # as in the first network of a process
                shipped._load.cache_clear()
                started = time.perf_counter()
                with nengo.Network():
                    mpc.make(circuit, windows, decoders=decoders, **arguments)
                times.append(time.perf_counter() - started)
        added.append(np.median(seconds["tuned"]) - np.median(seconds[None]))
    return max(added)


def tuning_times():
    """Seconds that tuning takes, for the default and the slowest setups."""
    found = {}
    for name in (
        "pairwise-relu, 20 LIF",
        "winner-take-all, 20 LIF",
        "softmax, 20 LIF",
        "ensemble, 50 LIF per input",
    ):
        circuit, arguments = SETUPS[name]
        started = time.perf_counter()
        mpc.tune(circuit, n_jobs=2, progress_bar=False, **arguments)
        found[name] = time.perf_counter() - started
    return found


def _shown(cell):
    """One error, or those before and after with their ratio."""
    if isinstance(cell, tuple):
        before, after = cell
        return f"{before:.4f} to {after:.4f}: {after / before:.2f}"
    return f"{cell:.4f}" if isinstance(cell, float) else cell or ""


if __name__ == "__main__":
    main()
