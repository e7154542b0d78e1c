"""The setups that decoders are shipped for."""

import functools
from itertools import product

import nengo

from ..network.shelf import PROPORTIONAL_RATES, REFRACTORY_RATES, preset_path
from ..network.windows import PoolWindows
from ..registry import find, make
from . import tune

#: Inputs of windows that `EnsembleMax` is tuned for; the others serve all windows.
WINDOW_SIZES = (2, 3, 4, 5, 6, 8, 9, 16, 25, 49)
#: A few neurons, the default, and many.
POPULATIONS = (5, 20, 50)


def setups():
    """All setups, the most common first.

    Returns
    -------
    list of (str, dict, int or None)
        Circuit, its options, and the size of the windows it has to be tuned for.
    """
    rectifier = {"neuron_type": nengo.SpikingRectifiedLinear()}
    refractory = {"neuron_type": nengo.LIF()}, {"neuron_type": nengo.AdaptiveLIF()}
    slow, fast = REFRACTORY_RATES
    comparators = "pairwise-relu", "winner-take-all"

    found = []
    for circuit in comparators:
        for neurons, rate in product(({}, rectifier), PROPORTIONAL_RATES):
            found.append((circuit, {**neurons, "max_rate": rate}, None))
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
            {"max_rate": fast, **few, "neuron_type": nengo.AdaptiveLIF()},
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
        # larger ones at this rate are tuned on first use
        if size < 10:
            found.append(("ensemble", {"max_rate": slow}, size))
    return found


def make_preset(circuit, options, window_size, **tuning):
    """Tune a setup.

    Parameters
    ----------
    circuit, options, window_size
        As `setups` gives them.
    **tuning
        Further arguments of `tune`.

    Returns
    -------
    path : pathlib.Path
        Where the package has the result.
    tuned : TunedDecoders
        The result.
    """
    tuned = tune(
        circuit, window_size=window_size, progress_bar=False, **tuning, **options
    )
    return path_of(circuit, options, window_size), tuned


def path_of(circuit, options, window_size):
    """Where the package has the decoders for a setup."""
    windows = PoolWindows.independent(n_pools=1, window_size=window_size or 4)
    with nengo.Network(add_to_container=False):
        circuit = functools.partial(find(circuit), decoders=None, **options)
        return preset_path(make(circuit, windows))
