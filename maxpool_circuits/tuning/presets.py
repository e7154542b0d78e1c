"""The setups that decoders are shipped for."""

import functools
from itertools import product

import nengo

from ..network import shelf
from ..registry import find
from .trials import untuned_pool
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
        circuit,
        window_size=window_size,
        fresh=True,
        progress_bar=False,
        **tuning,
        **options,
    )


def gains_nothing(tuned):
    """Whether tuning found nothing better than the formulas."""
    errors = tuned.report["errors"]["test"].values()
    return all(untuned == found for untuned, found, *_ in errors)


def path_of(circuit, options, window_size):
    """Where the package has the decoders for a setup."""
    circuit = functools.partial(find(circuit), **options)
    network = untuned_pool(circuit, window_size or 4)
    return shelf.FOLDER / network.setup.file_name
