"""Which circuit for which kind of inputs: error and bias of every circuit on each.

Pools of four inputs of 250 Hz that change every 50 ms, as in ``maxpool-circuits
compare``; each output is read through the filter that suits it best. ::

    python benchmarks/inputs.py --csv docs/inputs.csv

Errors are fractions of the input range, which is twice as wide where populations
represent values from -1 to 1. They are means over seeds, with the half-width of the 95
% confidence interval of Student's t distribution. It takes about five minutes on two
cores.
"""

import argparse
import functools
import sys
import warnings

import joblib
import nengo
import numpy as np
import scipy.stats
from tabulate import tabulate
from tqdm import tqdm

import maxpool_circuits as mpc
from maxpool_circuits.comparison import CARRIERS, WORKLOADS
from maxpool_circuits.utils.files import write_csv

#: Settings that are tried besides the defaults.
SETTINGS = {
    "1000 Hz": {"max_rate": 1000},
    "20 LIF": {"neuron_type": nengo.LIF()},
    "20 ms input synapse": {"input_synapse": 0.02},
}
#: The circuits that they are tried with.
WITH_SETTINGS = ("pairwise-relu", "winner-take-all")
HEADER = ("inputs", "circuit", "rmse", "rmse_interval", "bias", "bias_interval")


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--pools", type=int, default=20, metavar="N")
    parser.add_argument("--seeds", type=int, nargs="+", default=range(1000, 1005))
    parser.add_argument("--workload", choices=list(WORKLOADS), default="presentations")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    parser.add_argument("--csv", metavar="FILE", help="write the table to FILE")
    options = parser.parse_args()
    if len(options.seeds) < 2:
        parser.error("confidence intervals need at least two --seeds")

    measured = joblib.Parallel(n_jobs=options.jobs, return_as="generator")(
        joblib.delayed(measure)(inputs, seed, options.pools, options.workload)
        for inputs in CARRIERS
        for seed in options.seeds
    )
    n_tables = len(CARRIERS) * len(options.seeds)
    measured = list(tqdm(measured, total=n_tables, file=sys.stderr))
    rows = []
    for number, inputs in enumerate(CARRIERS):
        tables = measured[number * len(options.seeds) :][: len(options.seeds)]
        for circuit in tables[0]:
            of_circuit = np.array([table[circuit] for table in tables])
            figures = np.column_stack([of_circuit.mean(axis=0), interval(of_circuit)])
            # no "-0.0000"
            texts = [f"{round(figure, 4) + 0:.4f}" for figure in figures.ravel()]
            rows.append([inputs, circuit, *texts])
    print(tabulate(rows, HEADER, disable_numparse=True))
    if options.csv:
        write_csv(options.csv, [HEADER, *rows])


def circuits():
    """All circuits as they are, and some with other settings."""
    chosen = mpc.circuits()
    # what users of an exact maximum of spikes get
    exact = functools.partial(chosen.pop("exact"), input_synapse=0.005)
    for circuit in WITH_SETTINGS:
        for setting, arguments in SETTINGS.items():
            made = functools.partial(mpc.circuits()[circuit], **arguments)
            chosen[f"{circuit}, {setting}"] = made
    return {**chosen, "exact (5 ms synapse)": exact}


def measure(inputs, seed, n_pools, workload):
    """Errors of all circuits with one seed, {circuit: (RMSE, bias)}."""
    # of setups that no decoders ship for
    warnings.simplefilter("ignore")
    table = mpc.compare(
        circuits(), 4, workload=workload, inputs=inputs, n_pools=n_pools, seed=seed
    )
    low, high = CARRIERS[inputs].input_range
    return {
        row.circuit: (row.rmse / (high - low), row.bias / (high - low))
        for row in table.rows
    }


def interval(figures):
    """Half-width of the 95 % confidence interval of the mean over seeds."""
    n_seeds = len(figures)
    quantile = scipy.stats.t.ppf(0.975, n_seeds - 1)
    return quantile * figures.std(axis=0, ddof=1) / np.sqrt(n_seeds)


if __name__ == "__main__":
    main()
