"""The mixture of inputs that circuits are tuned for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..comparison.compare import FIRST_SEED
from ..comparison.encodings import input_spikes
from ..comparison.workloads import WORKLOADS, Workload
from ..utils.checks import positive_number, valid_integer


@dataclass(frozen=True)
class Kind:
    """A kind of input, and how much its error counts."""

    workload: str
    #: Whether spikes carry its values.
    spikes: bool
    #: Whether values are held until circuits have settled: the neurons' answers to them
    #: are what decoders are fitted on.
    settles: bool
    weight: float
    #: Whether those of populations that see whole windows are fitted on it as well:
    #: inputs that are all small are what constant ones lack.
    all_small: bool = False


#: What the mixture consists of. Windows of independent uniform inputs have near-ties
#: and clear winners as they come: with 4 inputs the two largest are closer than 0.02 in
#: every tenth window. Natural ones are mostly small, similar or silent, as in images.
#: Errors on band-limited spikes count three times, since they can shrink least: most of
#: what is to be known is not in the spikes yet.
INPUTS = {
    "constant, spikes": Kind("constant", spikes=True, settles=True, weight=1),
    "presentations, spikes": Kind("presentations", True, settles=False, weight=1),
    "band-limited, spikes": Kind("band-limited", True, settles=False, weight=3),
    "natural, spikes": Kind("natural", True, settles=False, weight=1, all_small=True),
    "constant, values": Kind("constant", spikes=False, settles=True, weight=1),
}


@dataclass(frozen=True)
class Inputs:
    """A workload, and the signals that carry it, (n_steps, n_inputs)."""

    kind: Kind
    workload: Workload
    signals: np.ndarray


def draw(
    window_size: int, input_rate: float, seed: int, n_pools: int
) -> dict[str, Inputs]:
    """Draw the mixture of inputs.

    Parameters
    ----------
    window_size : int
        Number of inputs of each pool.
    input_rate : float
        Firing rate of the inputs that spike, in Hz per unit value.
    seed : int
        Different seeds make independent samples.
    n_pools : int
        Number of pools.

    Returns
    -------
    dict of {str: Inputs}
        One of each of `INPUTS`.

    Examples
    --------
    >>> from maxpool_circuits.tuning import draw
    >>> mixture = draw(window_size=4, input_rate=250, seed=0, n_pools=3)
    >>> mixture["constant, spikes"].signals.shape
    (1500, 12)
    """
    input_rate = positive_number(input_rate, "input_rate", unit="Hz")
    seed = valid_integer(seed, "seed", lowest=0, highest=4 * 2**32)
    mixture = {}
    for number, (name, kind) in enumerate(INPUTS.items()):
        seed_of_values = seed_of(seed, number)
        drawn = WORKLOADS[kind.workload](window_size, n_pools, seed_of_values)
        signals = drawn.values
        if kind.spikes:
            signals = input_spikes(signals, input_rate, seed_of_values)
        mixture[name] = Inputs(kind, drawn, signals)
    return mixture


def seed_of(seed: int, number: int) -> int:
    """Seed of the kind of input of a number in a draw; no two draws share one.

    All are below those that comparisons draw with.
    """
    return (len(INPUTS) * seed + number) % FIRST_SEED
