"""The interactive page of the documentation: all circuits, and one pool step by step.

``conf.py`` makes it of ``how_it_compares/pareto_fronts.csv``, which ``make bench``
measured, and of ``playback.csv``, which this writes::

    python docs/explore.py
"""

import csv
import json
import re
import warnings
from collections import Counter
from pathlib import Path

import nengo
import numpy as np
from matplotlib.colors import to_hex
from matplotlib.markers import MarkerStyle

import maxpool_circuits as mpc
from maxpool_circuits import plots
from maxpool_circuits.comparison.encodings import input_spikes

HERE = Path(__file__).parent
FRONTS = HERE / "how_it_compares" / "pareto_fronts.csv"
PLAYBACK = HERE / "playback.csv"
#: What is chosen by menus, in their order.
MENUS = ("workload", "window_size", "input_rate")
#: What the horizontal axis may show: metric, label, and factor to its unit.
COSTS = {
    "latency": ("latency after a step (ms)", 1000),
    "neurons": ("neurons per pool", 1),
    "spikes": ("spikes per pool and second", 1),
    "synaptic_operations": ("synaptic operations per pool and second", 1),
}
#: Columns of text; all others are numbers.
TEXTS = ("workload", "circuit", "kind")
#: Markers of what has no neurons, one after the other: a sign each.
GREY = {"rule": "x+12348sXP", "reference": "*dHD"}
#: Values of the four inputs of the pool that is played back, each for 100 steps.
PRESENTED = ((0.2, 0.9, 0.5, 0.6), (0.7, 0.1, 0.3, 0.4))
#: Of larger populations, only so many neurons are shown.
MOST_NEURONS = 6


def measure_playback():
    """One pool of each circuit, in each step."""
    lines = [["circuit", "signal", "number", "step", "value"]]
    values = np.repeat(PRESENTED, 100, axis=0)
    spikes = input_spikes(values, rate=250)
    windows = mpc.PoolWindows.independent(n_pools=1, window_size=4)
    for name, circuit in mpc.circuits().items():
        synapse = {"input_synapse": 0.005} if name == "exact" else {}
        with nengo.Network(seed=0) as model:
            replay = nengo.Node(lambda t: spikes[round(t * 1000) - 1], size_out=4)
            pool = circuit(windows, **synapse)
            nengo.Connection(replay, pool.input, synapse=None)
            signals = {"output": nengo.Probe(pool.output, synapse=0.02)}
            for number, ensemble in enumerate(pool.all_ensembles):
                shown = ensemble.neurons[: max(MOST_NEURONS - 3 * number, 3)]
                for signal, attribute in (("membrane", "voltage"), ("spike", "output")):
                    key = (signal, number)
                    signals[key] = nengo.Probe(shown, attribute)
        with nengo.Simulator(model, progress_bar=False) as simulator:
            simulator.run_steps(len(values))
        seen = {
            "value": values,
            "input": spikes > 0,
            "true maximum": values.max(axis=1),
        }
        seen["output"] = simulator.data[signals.pop("output")]
        for signal in ("membrane", "spike"):
            parts = [
                simulator.data[p] for key, p in signals.items() if key[0] == signal
            ]
            if parts:
                seen[signal] = np.concatenate(parts, axis=1)
        seen["spike"] = np.asarray(seen.get("spike", np.zeros((len(values), 0)))) > 0
        for signal, numbers in seen.items():
            columns = np.reshape(np.asarray(numbers, dtype=float), (len(values), -1)).T
            for number, column in enumerate(columns):
                is_event = signal in ("spike", "input")
                steps = np.flatnonzero(column) if is_event else range(len(column))
                lines += [
                    [name, signal, number, step, f"{column[step]:.3g}"]
                    for step in steps
                ]
    with open(PLAYBACK, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)


def write_page(path):
    """Write the page, which needs neither a server nor a network."""
    costs = ["rmse", *COSTS]
    numbers = [*MENUS[1:], *costs, *(f"{cost}_upper" for cost in costs)]
    fronts = [
        {
            **{name: line[name] for name in TEXTS},
            **{name: _number(line[name]) for name in numbers},
        }
        for line in _read(FRONTS)
    ]
    kinds = {row["circuit"]: row["kind"] for row in fronts}
    families = _families(kinds)
    for row in fronts:
        row["family"] = families[row["circuit"]]
    playback = {}
    for line in _read(PLAYBACK):
        signals = playback.setdefault(line["circuit"], {})
        rows = signals.setdefault(line["signal"], [])
        # a neuron without a spike has no lines
        rows += [[] for _ in range(int(line["number"]) + 1 - len(rows))]
        is_event = line["signal"] in ("input", "spike")
        value = int(line["step"]) + 1 if is_event else float(line["value"])
        rows[int(line["number"])].append(value)
    of_playback = dict.fromkeys(playback, "ours")
    kind_of = {families[name]: kind for name, kind in kinds.items()}
    data = {
        "fronts": fronts,
        "playback": playback,
        "styles": _styles({**of_playback, **kind_of}),
        "costs": COSTS,
        "menus": MENUS,
    }
    # a name with "</script>" would end the script
    text = json.dumps(data, allow_nan=False).replace("<", "\\u003c")
    page = (HERE / "explore_template.html").read_text(encoding="utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page.replace("/* DATA */ null", text), encoding="utf-8")


def _read(path):
    """Lines of a table, one at a time."""
    with open(path, newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _families(kinds):
    """One name for ways to pool that differ by a number only; ours have their own."""
    patterns = {
        name: name if kind == "ours" else re.sub(r"[\d.]+", "…", name)
        for name, kind in kinds.items()
    }
    members = Counter(patterns.values())
    return {
        name: name if members[pattern] == 1 else pattern
        for name, pattern in patterns.items()
    }


def _styles(kinds):
    """Color and sign of each name, as a path of SVG."""
    colored = [name for name, kind in kinds.items() if kind not in GREY]
    looks = plots.styles(colored)
    for kind, markers in GREY.items():
        grey = [name for name in kinds if kinds[name] == kind]
        looks |= {
            name: {"color": "0.4", "marker": marker}
            for name, marker in zip(grey, markers)
        }
    return {
        name: {
            "color": to_hex(look["color"]),
            "path": _path(look["marker"]),
            "filled": kinds[name] == "ours",
        }
        for name, look in looks.items()
    }


def _path(marker):
    """Outline of a marker, about 10 pixels wide."""
    style = MarkerStyle(marker)
    path = style.get_path().transformed(style.get_transform().scale(10))
    return "".join(
        "M" + "L".join(f"{x:.1f} {-y:.1f}" for x, y in line)
        for line in path.to_polygons(closed_only=False)
    )


def _number(text):
    """A number, or None where there is none."""
    value = float(text) if text else None
    return None if value is None or np.isnan(value) else value


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    measure_playback()
