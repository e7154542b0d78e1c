"""Our circuits beside every other way to max-pool spikes, on the same input spikes.

Each way (see ``baselines/ways.py``) is recorded as in `maxpool_circuits.compare` and
read through each of several filters, so that its error can be seen at each latency. The
selection is what takes 4 to 30 minutes on two cores; ``--full`` is every combination
of workload, window size and rate. ::

    python benchmarks/pareto_fronts.py --folder docs/how_it_compares

It writes ``pareto_fronts.csv`` (a line for each way, after the filter that suits it
best), ``readouts.csv`` (a line for each filter too) and ``about.csv`` (how they were
made). Intervals are those of Student's t distribution over the trials, 95 %.
"""

import argparse
import csv
import itertools
import os
import platform
import warnings
from importlib.metadata import version
from pathlib import Path

import joblib
import nengo
import numpy as np
from baselines.bounds import ideal_observer, quantisation_floor
from baselines.ways import ways
from csv_files import write_csv
from tqdm import tqdm

import maxpool_circuits as mpc
from maxpool_circuits.comparison import WORKLOADS, Workload
from maxpool_circuits.comparison.compare import Trial, seed_of_trial, seed_of_values
from maxpool_circuits.comparison.metrics import measure
from maxpool_circuits.comparison.table import half_width
from maxpool_circuits.comparison.workloads import find_workload

WINDOW_SIZES, INPUT_RATES = (2, 4, 9, 25, 49), (50, 100, 250, 500)
#: The filters, of one and of two poles, by the time constant of each, in seconds.
FILTERS = {
    f"{tau:g}{words}": filtered(tau)
    for filtered, words in ((nengo.Lowpass, ""), (nengo.Alpha, ", two poles"))
    for tau in (0.002, 0.005, 0.01, 0.02, 0.03, 0.05)
}
SETTING = ("workload", "window_size", "input_rate", "circuit")
METRICS = ("rmse", "latency", "neurons", "spikes", "synaptic_operations")
#: What no rule is written for, and why.
LEFT_OUT = {
    "temporal multiplexing (https://doi.org/10.3389/fnins.2023.1177592)": (
        "its rule was not at hand"
    ),
    "differential coding (https://doi.org/10.48550/arXiv.2503.00301)": (
        "its neurons send changes, not these spikes"
    ),
    "the first spike wins (https://doi.org/10.48550/arXiv.2212.12522)": (
        "it has to be told when new values come"
    ),
    "Scale-and-Fire (https://doi.org/10.48550/arXiv.2510.23383)": (
        "its spikes carry numbers: steps are no measure of neurons then"
    ),
}


def settings(full):
    """Combinations of workload, window size and rate."""
    if full:
        return list(itertools.product(WORKLOADS, WINDOW_SIZES, INPUT_RATES))
    chosen = [(workload, 4, 250) for workload in WORKLOADS]
    chosen += [("presentations", 4, rate) for rate in INPUT_RATES]
    chosen += [("presentations", size, 250) for size in WINDOW_SIZES]
    # what is read off first comes first, should the rest be broken off
    chosen.sort(key=lambda setting: setting[0] != "presentations" or setting[1] != 4)
    return list(dict.fromkeys(chosen))


def sampled(workload, window_size, input_rate, n_pools, seed):
    """Inputs of one trial; of images, a sample of the pools."""
    of_values = seed_of_values(seed)
    if workload != "images":
        found = find_workload(workload, window_size, n_pools, of_values)
        return Trial.of(found, "regular", input_rate, seed)
    all_pools = find_workload(workload, window_size, seed=of_values)
    sizes = np.sum(all_pools.windows.indices >= 0, axis=1)
    whole = np.flatnonzero(sizes == window_size)
    chosen = np.random.RandomState(seed).choice(whole, n_pools, replace=False)
    members = all_pools.windows.indices[chosen].ravel()
    found = Workload(
        "images",
        mpc.PoolWindows.independent(n_pools, window_size),
        all_pools.values[:, members],
        all_pools.is_read,
        all_pools.step[:, members],
    )
    return Trial.of(found, "regular", input_rate, seed)


def measured(setting, number, options):
    """One trial: for each way and filter, error and costs."""
    # circuits that have no shipped decoders
    warnings.simplefilter("ignore")
    _, window_size, input_rate = setting
    trial = sampled(*setting, options.pools, seed_of_trial(options.seed, number))
    metrics = {}
    for name, way in ways().items():
        if way.runs(window_size, options.full):
            recording = way.record(name, trial)
            for readout, synapse in FILTERS.items():
                measures = measure(recording, trial.workload, [synapse])
                line = [measures[metric] for metric in METRICS]
                metrics[name, way.kind, readout] = line
    bounds = {
        "ideal observer": ideal_observer(trial.workload, trial.spikes, input_rate),
        "quantisation floor": quantisation_floor(trial.workload, input_rate),
    }
    for name, error in bounds.items():
        if error is not None:
            metrics[name, "reference", ""] = [error, None, 0, None, None]
    return metrics


def best_filters(lines):
    """Of lines of ``readouts.csv``, the one with the least error of each way."""
    best = {}
    for line in lines:
        key = tuple(line[name] for name in SETTING)
        if key not in best or float(line["rmse"]) < float(best[key]["rmse"]):
            best[key] = line
    return list(best.values())


def with_intervals(setting, trials):
    """Lines of ``readouts.csv`` of a setting, from the metrics of its trials."""
    lines = []
    for name, kind, readout in trials[0]:
        rows = [trial[name, kind, readout] for trial in trials]
        line = dict(zip(SETTING, (*setting, name)))
        for metric, values in zip(METRICS, zip(*rows)):
            has_all = None not in values
            mean, half = (np.mean(values), half_width(values)) if has_all else (0, 0)
            for end, number in (
                ("", mean),
                ("_lower", mean - half),
                ("_upper", mean + half),
            ):
                line[f"{metric}{end}"] = f"{number:.5g}" if has_all else ""
        line.update(kind=kind, readout=readout, n_trials=len(trials))
        line["rmse_trials"] = " ".join(f"{row[0]:.5g}" for row in rows)
        lines.append(line)
    return lines


def front(line):
    """A line of ``pareto_fronts.csv``; the trials are in the other file only."""
    return {key: line[key] for key in line if key != "rmse_trials"}


def about(options, n_done, n_settings):
    """How the files were made, as lines of key and value."""
    command = "make bench-full" if options.full else "make bench"
    packages = ("nengo", "numpy", "scipy", "nengo-spa")
    needed = {way.package for way in ways().values() if not way.is_installed}
    versions = [
        f"{package} {version(package)}"
        for package in packages
        if package.replace("-", "_") not in needed
    ]
    left_out = {**LEFT_OUT, **{package: "not installed" for package in needed}}
    if not options.full:
        slow = [name for name, way in ways().items() if way.is_slow]
        left_out.update(dict.fromkeys(slow, "takes long, see make bench-full"))
    return [
        ["what", "value"],
        ["command", command],
        ["combinations measured", f"{n_done} of {n_settings}"],
        ["seed", options.seed],
        ["trials", options.trials],
        ["pools of each trial", options.pools],
        ["intervals", "95 %, Student's t over the trials"],
        ["Python", platform.python_version()],
        ["packages", ", ".join([f"maxpool-circuits {mpc.__version__}", *versions])],
        ["left out", "; ".join(f"{name}: {why}" for name, why in left_out.items())],
    ]


def read(path):
    """Lines of a CSV file, as dictionaries."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path, lines):
    """Write dictionaries with equal keys."""
    write_csv(path, [list(lines[0]), *(list(line.values()) for line in lines)])


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--full", action="store_true", help="every combination")
    parser.add_argument("--pools", type=int, default=10, metavar="N")
    parser.add_argument("--trials", type=int, default=5, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N")
    parser.add_argument("--folder", type=Path, required=True, help="where files go")
    options = parser.parse_args()
    if options.trials < 2:
        parser.error("confidence intervals need at least two --trials")
    options.folder.mkdir(parents=True, exist_ok=True)
    chosen = settings(options.full)
    tasks = list(itertools.product(chosen, range(options.trials)))
    results = joblib.Parallel(n_jobs=options.jobs, return_as="generator")(
        joblib.delayed(measured)(setting, number, options) for setting, number in tasks
    )
    trials, lines = {setting: [] for setting in chosen}, []
    for (setting, _), result in zip(tasks, tqdm(results, total=len(tasks))):
        trials[setting].append(result)
        if len(trials[setting]) == options.trials:
            lines += with_intervals(setting, trials[setting])
            # what is done stays if the rest is broken off
            write(options.folder / "readouts.csv", lines)
            fronts = list(map(front, best_filters(lines)))
            write(options.folder / "pareto_fronts.csv", fronts)
            n_done = sum(len(done) == options.trials for done in trials.values())
            last = about(options, n_done, len(chosen))
            write_csv(options.folder / "about.csv", last)
    print("left out:", dict(last)["left out"])


if __name__ == "__main__":
    main()
