"""Make the decoders that are shipped: ``python benchmarks/presets.py``."""

import argparse
import json
from dataclasses import asdict
from itertools import product

import joblib
import nengo

import maxpool_circuits as mpc
from maxpool_circuits.network.decoders import FOLDER, INDEX
from maxpool_circuits.utils.files import atomic_write

COMPARATORS = "pairwise-relu", "winner-take-all"
#: Inputs of windows that `EnsembleMax` is tuned for; the others serve all windows.
WINDOW_SIZES = 2, 3, 4, 5, 6, 8, 9, 16, 25, 49
#: What is combined with what, the most common first. None with `.IntegrateAndFire`
#: neurons, where tuning gains nothing. Rates are in Hz: those of rectified linear
#: neurons differ only in how the time step of 1 ms compares with the inter-spike
#: intervals, and those of others, which serve similar rates too, are limited by a
#: refractory period of 2 ms.
GRIDS = (
    # circuits, neuron types, rates, numbers of neurons, window sizes; None: the default
    (COMPARATORS, [nengo.SpikingRectifiedLinear()], [100, 250, 500, 1000], [None]),
    (["softmax"], [None], [250, 100], [None]),
    (["softmax"], [None], [250], [50]),
    (["ensemble"], [None], [250], [None], WINDOW_SIZES),
    (["ensemble"], [None], [250, 100], [50], WINDOW_SIZES),
    (COMPARATORS, [nengo.LIF(), nengo.AdaptiveLIF()], [100, 250], [5, 20, 50]),
    # larger windows gain too little for the size of their files
    (["ensemble"], [None], [100], [None], [2, 3, 4, 5]),
)
OPTIONS = "neuron_type", "max_rate", "n_neurons", "window_size"


def presets():
    """All circuits that are tuned, each with the options of `.tune`."""
    found = []
    for circuit, *values in (each for grid in GRIDS for each in product(*grid)):
        options = {k: v for k, v in zip(OPTIONS, values) if v is not None}
        found.append((circuit, options))
    return found


def gains_nothing(tuned):
    """Whether tuning found nothing better than the formulas."""
    errors = tuned.report["errors"]["test"].values()
    return all(untuned == found for untuned, found, *_ in errors)


def file_name(setup):
    """Name of the file with decoders of a setup."""
    parts = [setup.class_name, f"{setup.n_neurons}"]
    if setup.neuron_type is not None:
        parts.append(setup.neuron_type.split(".")[-1].rstrip("()"))
    if setup.window_size is not None:
        parts.append(f"of-{setup.window_size}")
    return "-".join([*parts, f"{setup.max_rate:g}Hz.npz"])


def main():
    """Tune every setup, several at the same time, and write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=-1, help="number of processes")
    parser.add_argument("--memory", help="folder in which results are kept")
    arguments = parser.parse_args()
    found = joblib.Parallel(n_jobs=arguments.jobs, verbose=10)(
        joblib.delayed(mpc.tune)(
            circuit, memory=arguments.memory, progress_bar=False, **options
        )
        for circuit, options in presets()
    )
    write(found, FOLDER)


def write(found, folder):
    """Write what was found, and the index; what is as good by formula has no file."""
    entries = []
    for tuned in found:
        name = None if gains_nothing(tuned) else file_name(tuned.setup)
        if name is not None:
            tuned.save(folder / name)
        entries.append(json.dumps({"file": name, "setup": asdict(tuned.setup)}))
    with atomic_write(folder / INDEX) as unfinished:
        unfinished.write_text("[\n" + ",\n".join(entries) + "\n]\n", "utf-8")


if __name__ == "__main__":
    main()
