"""Make the decoders that are shipped: ``python -m maxpool_circuits.tuning.presets``."""

import argparse
import json
from dataclasses import asdict
from itertools import product

import joblib
import nengo

from ..network.decoders import FOLDER, INDEX
from ..utils.files import atomic_write
from .tune import tune

#: Inputs of windows that `EnsembleMax` is tuned for; the others serve all windows.
WINDOW_SIZES = (2, 3, 4, 5, 6, 8, 9, 16, 25, 49)
#: Rates, in Hz, that there are decoders for if those of one rate serve all: they only
#: differ in how the time step of 1 ms compares with the inter-spike intervals.
PROPORTIONAL_RATES = (100, 250, 500, 1000)
#: Rates, in Hz, of neurons that have a refractory period: 2 ms, so below 500 Hz. They
#: serve similar rates too.
REFRACTORY_RATES = (100, 250)
#: A few neurons, the default, and many.
POPULATIONS = (5, 20, 50)


def presets():
    """All setups, the most common first: circuit, its options, window size or None.

    None with `.IntegrateAndFire` neurons, where tuning gains nothing.
    """
    rectifier = {"neuron_type": nengo.SpikingRectifiedLinear()}
    refractory = {"neuron_type": nengo.LIF()}, {"neuron_type": nengo.AdaptiveLIF()}
    slow, fast = REFRACTORY_RATES
    comparators = "pairwise-relu", "winner-take-all"
    found = []
    for circuit in comparators:
        for rate in PROPORTIONAL_RATES:
            found.append((circuit, {**rectifier, "max_rate": rate}, None))
    for options in (
        {"max_rate": fast},
        {"max_rate": slow},
        {"max_rate": fast, "n_neurons": 50},
    ):
        found.append(("softmax", options, None))
    few = {"n_neurons": 50}
    for options, size in product(
        (
            {"max_rate": fast},
            {"max_rate": fast, **few},
            {"max_rate": slow, **few},
        ),
        WINDOW_SIZES,
    ):
        found.append(("ensemble", options, size))
    for circuit, neurons, rate, n_neurons in product(
        comparators, refractory, REFRACTORY_RATES, POPULATIONS
    ):
        options = {**neurons, "max_rate": rate, "n_neurons": n_neurons}
        found.append((circuit, options, None))
    for size in WINDOW_SIZES:
        # those of larger ones at this rate gain too little for their size
        if size < 6:
            found.append(("ensemble", {"max_rate": slow}, size))
    return found


def make_preset(circuit, options, window_size, **tuning):
    """Tune a setup, as `presets` gives it; further arguments are those of `.tune`."""
    return tune(
        circuit, window_size=window_size, progress_bar=False, **tuning, **options
    )


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
    parser.add_argument(
        "--jobs", type=int, default=-1, help="number of processes (default: all cores)"
    )
    parser.add_argument(
        "--memory", metavar="FOLDER", help="keep what was found, to go on there"
    )
    arguments = parser.parse_args()
    found = joblib.Parallel(n_jobs=arguments.jobs, verbose=10)(
        joblib.delayed(make_preset)(*preset, memory=arguments.memory)
        for preset in presets()
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
