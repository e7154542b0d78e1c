"""The files of decoders that ship with the package."""

import re
from pathlib import Path

import numpy as np

#: Rates, in Hz, that there are decoders for if those of one rate serve all: they only
#: differ in how the time step of 1 ms compares with the intervals between spikes.
PROPORTIONAL_RATES = (100, 250, 500, 1000)
#: Where the files are.
FOLDER = Path(__file__).parent / "decoders"


def presets():
    """All files, in alphabetical order.

    Returns
    -------
    list of pathlib.Path
        Files that `TunedDecoders.load` reads.
    """
    return sorted(FOLDER.glob("*.npz"))


def preset_path(network):
    """Where the decoders for a setup are, if the package has them.

    Parameters
    ----------
    network : MaxPoolNetwork
        A network with all arguments checked.

    Returns
    -------
    pathlib.Path
        The file, which need not exist.
    """
    setup = dict(network.tuned_for)
    words = [setup.pop("circuit"), *(f"{k}_{v}" for k, v in sorted(setup.items()))]
    if "max_rate" in setup:
        return _file(words)
    # decoders of neurons whose rate is proportional to their input serve all rates
    return _file([*words, f"near_{_nearest(PROPORTIONAL_RATES, network.max_rate)}"])


def _nearest(rates, rate):
    """The most similar of some rates, by their ratio."""
    return min(rates, key=lambda other: abs(np.log(other / rate)))


def _file(words):
    # a setup with arguments of its own gets a name that no file has
    name = "-".join(re.sub(r"\.0$|[^\w.]", "", word) for word in words)
    return FOLDER / f"{name}.npz"
