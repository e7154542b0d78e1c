"""All ways to pool that are recorded side by side, ours and others'."""

from __future__ import annotations

import functools
import importlib.util
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np

import maxpool_circuits as mpc
from maxpool_circuits.comparison.compare import rates_for
from maxpool_circuits.comparison.metrics import AVERAGE, ORACLE
from maxpool_circuits.comparison.simulate import Recording
from maxpool_circuits.registry import with_defaults

from .accumulated import leaders_pass
from .basal_ganglia import gated_by_basal_ganglia
from .ensemble_array import ensemble_array
from .filtered import as_spikes, filtered_maximum, poles
from .gate import gated
from .li_pooling import li_pooling
from .per_step import maximum_per_step
from .sign_descent import sign_descent
from .spa import spa_winner

#: Kinds of ways.
OURS, NETWORK, RULE, REFERENCE = KINDS = ("ours", "network", "rule", "reference")


@dataclass(frozen=True)
class Way:
    """A way to pool: what it is made by, and what it can be run on."""

    kind: str
    made_by: Callable[..., Any] | None = None
    #: Larger windows would take too long.
    largest_window: float = np.inf
    #: The package that it needs besides Nengo.
    package: str | None = None
    #: Whether it takes so long that it is left out of the selection.
    is_slow: bool = False

    @property
    def is_installed(self):
        """Whether its package is there."""
        if self.package is None:
            return True
        return importlib.util.find_spec(self.package) is not None

    def runs(self, window_size, full):
        """Whether it is run on windows of a size."""
        is_quick = full or not self.is_slow
        return self.is_installed and is_quick and window_size <= self.largest_window

    def record(self, name, trial):
        """What it does in a trial."""
        if self.kind == RULE:
            # all windows are of one size
            members = trial.workload.windows.indices
            return Recording(self.made_by(trial.spikes[:, members]))
        circuit = self.made_by
        if self.kind != REFERENCE:
            circuit = with_defaults(circuit, **rates_for(trial.input_rate))
        return trial.record(name, circuit)


def knows_readout(windows, n_intervals=5, input_rate=250, **options):
    """The circuit, read through a low-pass of so many intervals of an input."""
    readout = n_intervals / input_rate
    return mpc.WinnerTakeAll(windows, input_rate=input_rate, readout=readout, **options)


def ways():
    """All ways by name."""
    all_ways = {}
    for name, circuit in mpc.circuits().items():
        if name not in ("exact", "absolute-value"):
            all_ways[name] = Way(OURS, circuit)
    for name in ("pairwise-relu", "winner-take-all"):
        circuit = mpc.circuits()[name]
        fast = functools.partial(circuit, max_rate=1000)
        all_ways[f"{name}, 1000 Hz"] = Way(OURS, fast)
    all_ways["winner-take-all, readout"] = Way(OURS, knows_readout)
    fast = functools.partial(knows_readout, n_intervals=3, max_rate=1000)
    all_ways["winner-take-all, readout, 1000 Hz"] = Way(OURS, fast)
    for radius in (0.1, 0.2, 0.5, 1):
        circuit = functools.partial(mpc.AbsoluteValue, radius=radius)
        all_ways[f"AVAM, radius {radius:g}"] = Way(NETWORK, circuit)
    all_ways["EnsembleArray, 50 neurons"] = Way(NETWORK, ensemble_array)
    larger = functools.partial(ensemble_array, n_neurons=200)
    all_ways["EnsembleArray, 200 neurons"] = Way(NETWORK, larger, largest_window=9)
    all_ways["nengo_spa WTA"] = Way(NETWORK, spa_winner, 4, "nengo_spa")
    all_ways["BasalGanglia and gates"] = Way(
        NETWORK, gated_by_basal_ganglia, largest_window=4, is_slow=True
    )
    for delay in (0.003, 0.006, 0.01, 0.015, 0.02, 0.03, 0.05):
        for n_poles, words in enumerate(("", "two poles, ", "three poles, "), start=1):
            synapse = poles(n_poles, delay / n_poles)
            filtered = functools.partial(filtered_maximum, synapse=synapse)
            all_ways[f"maximum after {words}{1000 * delay:g} ms"] = Way(RULE, filtered)
            if n_poles == 2:
                rule = functools.partial(as_spikes, filtered=filtered)
                all_ways[f"neuron after two poles, {1000 * delay:g} ms"] = Way(
                    RULE, rule
                )
    for synapse in (0.005, 0.01, 0.02, 0.05):
        rule = functools.partial(gated, synapse=synapse)
        all_ways[f"gate, {1000 * synapse:g} ms"] = Way(RULE, rule)
    all_ways["gate, count"] = Way(RULE, gated)
    all_ways["LIPooling"] = Way(RULE, li_pooling)
    all_ways["sinabs"] = Way(RULE, leaders_pass)
    all_ways["maximum per step"] = Way(RULE, maximum_per_step)
    for synapse in (0.01, 0.02):
        rule = functools.partial(sign_descent, synapse=synapse)
        all_ways[f"signGD, {1000 * synapse:g} ms"] = Way(RULE, rule)
    for name in (ORACLE, AVERAGE):
        all_ways[name] = Way(REFERENCE)
    return all_ways
