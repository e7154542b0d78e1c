"""Which circuit for which kind of inputs: error and bias of every circuit on each.

Pools of four inputs of 250 Hz that change every 50 ms, as in ``maxpool-circuits
compare``; each output is read through the filter that suits it best. ::

    python benchmarks/inputs.py --csv docs/inputs.csv --choice docs/inputs_choice.csv

Errors are fractions of the input range, which is twice as wide where populations
represent values from -1 to 1: root-mean-square error, with the half-width of its 95 %
confidence interval over seeds (Student's t distribution), and in brackets the bias. It
takes some minutes on two cores.
"""

import argparse
import functools
import sys
import warnings

import joblib
import nengo
import numpy as np
from csv_files import write_csv
from tabulate import tabulate
from tqdm import tqdm

import maxpool_circuits as mpc
from maxpool_circuits.comparison import ENCODINGS, WORKLOADS
from maxpool_circuits.comparison.metrics import REFERENCES
from maxpool_circuits.comparison.table import half_width

#: Settings that are tried besides the defaults.
SETTINGS = {
    "1000 Hz": {"max_rate": 1000},
    "20 LIF": {"neuron_type": nengo.LIF()},
    "20 ms input synapse": {"input_synapse": 0.02},
}
#: The circuits that they are tried with.
WITH_SETTINGS = ("pairwise-relu", "winner-take-all")
#: Rows that are not a choice: references, and what has no neurons.
NO_CHOICE = (*REFERENCES, "exact (two poles of 5 ms)")


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--pools", type=int, default=20, metavar="N")
    parser.add_argument("--seeds", type=int, nargs="+", default=range(1000, 1003))
    parser.add_argument("--workload", choices=list(WORKLOADS), default="presentations")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    parser.add_argument("--csv", metavar="FILE", help="write all errors to FILE")
    parser.add_argument("--choice", metavar="FILE", help="write the best ones to FILE")
    options = parser.parse_args()
    if len(options.seeds) < 2:
        parser.error("confidence intervals need at least two --seeds")

    measured = joblib.Parallel(n_jobs=options.jobs, return_as="generator")(
        joblib.delayed(measure)(encoding, seed, options.pools, options.workload)
        for encoding in ENCODINGS
        for seed in options.seeds
    )
    n_tables = len(ENCODINGS) * len(options.seeds)
    measured = list(tqdm(measured, total=n_tables, file=sys.stderr))
    by_encoding = {}
    for number, encoding in enumerate(ENCODINGS):
        tables = measured[number * len(options.seeds) :][: len(options.seeds)]
        by_encoding[encoding] = {
            circuit: statistics([table[circuit] for table in tables])
            for circuit in tables[0]
        }
    for lines, path in (
        (all_errors(by_encoding), options.csv),
        (choices(by_encoding), options.choice),
    ):
        header, *rows = lines
        print(tabulate(rows, header, disable_numparse=True), end="\n\n")
        if path:
            write_csv(path, lines)


def circuits():
    """All circuits as they are, and some with other settings."""
    chosen = mpc.circuits()
    filtered = nengo.Alpha(0.005)
    exact = functools.partial(chosen.pop("exact"), input_synapse=filtered)
    for circuit in WITH_SETTINGS:
        for setting, arguments in SETTINGS.items():
            made = functools.partial(mpc.circuits()[circuit], **arguments)
            chosen[f"{circuit}, {setting}"] = made
    return {**chosen, "exact (two poles of 5 ms)": exact}


def measure(encoding, seed, n_pools, workload):
    """Errors of all circuits with one seed, {circuit: (RMSE, bias)}."""
    # of setups that have no shipped decoders
    warnings.simplefilter("ignore")
    table = mpc.compare(
        circuits(), workload=workload, encoding=encoding, n_pools=n_pools, seed=seed
    )
    errors = table.means[["rmse", "bias"]]
    return {circuit: tuple(row) for circuit, row in errors.iterrows()}


def statistics(errors):
    """Mean RMSE, half-width of its 95 % confidence interval, and mean bias."""
    rmse, bias = np.transpose(errors)
    return rmse.mean(), half_width(rmse), bias.mean()


def all_errors(by_encoding):
    """A line for each circuit, with a column for each encoding."""
    names = next(iter(by_encoding.values()))
    lines = [["circuit", *by_encoding]]
    for name in names:
        lines.append([f"`{name}`", *(shown(*of[name]) for of in by_encoding.values())])
    return lines


def choices(by_encoding):
    """A line for each encoding: the circuits with the least errors."""
    lines = [["encoding", "take", "it has", "next", "as it is", "oracle"]]
    for encoding, errors in by_encoding.items():
        ranked = sorted(errors, key=lambda name: errors[name][0])
        best, second, *_ = ranked = [name for name in ranked if name not in NO_CHOICE]
        default = next(name for name in ranked if name in mpc.circuits())
        cells = [f"`{name}`: {shown(*errors[name])}" for name in (second, default)]
        reference = shown(*errors["oracle"])
        lines.append(
            [f"`{encoding}`", f"`{best}`", shown(*errors[best]), *cells, reference]
        )
    return lines


def shown(rmse, interval, bias):
    """Text of an error."""
    # no "-0.000"
    return f"{rmse:.3f} ± {interval:.3f} ({round(bias, 3) + 0:+.3f})"


if __name__ == "__main__":
    main()
