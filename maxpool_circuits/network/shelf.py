"""The files of decoders that ship with the package."""

import re
from pathlib import Path

import numpy as np

from .tuned import serves_rate

#: Rates, in Hz, that there are decoders for if those of one rate serve all: they only
#: differ in how the time step of 1 ms compares with the intervals between spikes.
PROPORTIONAL_RATES = (100, 250, 500, 1000)
#: Rates, in Hz, of neurons that have a refractory period: 2 ms, so below 500 Hz. They
#: serve similar rates too.
REFRACTORY_RATES = (100, 250)
#: Where the files are.
FOLDER = Path(__file__).parent / "shipped"


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
    circuit, rate = setup.pop("circuit"), setup.pop("max_rate", None)
    if rate is None:
        # decoders of neurons whose rate is proportional to their input serve all rates
        ratios = np.abs(np.log(np.array(PROPORTIONAL_RATES) / network.max_rate))
        rate = PROPORTIONAL_RATES[np.argmin(ratios)]
    else:
        similar = [other for other in REFRACTORY_RATES if serves_rate(other, rate)]
        rate = similar[0] if similar else rate
    words = [circuit, *(f"{k}_{v}" for k, v in sorted(setup.items())), f"{rate:g}Hz"]
    # a setup with arguments of its own gets a name that no file has
    name = "-".join(re.sub(r"[^\w.]", "", word) for word in words)
    return FOLDER / f"{name}.npz"
