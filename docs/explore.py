"""The interactive page of the documentation: all circuits, and one pool step by step.

    python docs/explore.py

measures what the page shows (an hour on two cores) and writes it to ``fronts.csv`` and
``playback.csv`` in this folder. ``conf.py`` makes the page of these files.
"""

import csv
import json
import warnings
from pathlib import Path

import nengo
import numpy as np

import maxpool_circuits as mpc
from maxpool_circuits import plots
from maxpool_circuits.comparison.recording import input_spikes
from maxpool_circuits.utils.files import write_csv

HERE = Path(__file__).parent
FRONTS, PLAYBACK = HERE / "fronts.csv", HERE / "playback.csv"
WORKLOADS, SIZES, RATES = ("presentations", "band-limited"), (2, 4, 9), (100, 250)
#: What the horizontal axis may show: figure, label, and factor to its unit.
COSTS = {
    "latency": ("latency after a step (ms)", 1000),
    "neurons": ("neurons per pool", 1),
    "spikes": ("spikes per pool and second", 1),
    "events": ("synaptic events per pool and second", 1),
}
FIGURES = ("rmse", *COSTS)
#: Values of the four inputs of the pool that is played back, each for 100 steps.
PRESENTED = ((0.2, 0.9, 0.5, 0.6), (0.7, 0.1, 0.3, 0.4))
#: Of larger populations, only so many neurons are shown.
MOST_NEURONS = 6


def measure_fronts(n_pools=20, n_draws=2):
    """All circuits in all settings."""
    lines = [["workload", "window_size", "input_rate", "circuit"]]
    lines[0] += [f"{name}{end}" for name in FIGURES for end in ("", "_lower", "_upper")]
    for workload in WORKLOADS:
        for size in SIZES:
            for rate in RATES:
                table = mpc.compare(
                    window_size=size,
                    workload=workload,
                    n_pools=n_pools,
                    input_rate=rate,
                    n_draws=n_draws,
                    progress_bar=True,
                )
                for row in table.rows:
                    estimates = [table.estimate(row.circuit, f) for f in FIGURES]
                    numbers = [n for e in estimates for n in (e or (None,) * 3)]
                    lines.append([workload, size, rate, row.circuit, *numbers])
    write_csv(FRONTS, lines)


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
    write_csv(PLAYBACK, lines)


def write_page(path):
    """Write the page, which needs neither a server nor a network."""
    from plotly.offline import get_plotlyjs

    with open(FRONTS, newline="", encoding="utf-8") as file:
        fronts = [
            {
                k: v if k in ("workload", "circuit") else _number(v)
                for k, v in line.items()
            }
            for line in csv.DictReader(file)
        ]
    playback = {}
    with open(PLAYBACK, newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            signals = playback.setdefault(line["circuit"], {}).setdefault(
                line["signal"], {}
            )
            points = signals.setdefault(line["number"], {"x": [], "y": []})
            points["x"].append(int(line["step"]) + 1)
            points["y"].append(float(line["value"]))
    names = dict.fromkeys(line["circuit"] for line in fronts)
    symbols = {
        "o": "circle",
        "s": "square",
        "^": "triangle-up",
        "v": "triangle-down",
        "D": "diamond",
        "d": "diamond-tall",
        "P": "cross",
        "h": "hexagon",
    }
    styles = {
        name: {
            "color": _css(style["color"]),
            "symbol": symbols.get(style["marker"], "star"),
        }
        for name, style in plots.styles(names).items()
    }
    data = {
        "fronts": fronts,
        "playback": playback,
        "styles": styles,
        "costs": COSTS,
        "menus": {
            "workload": WORKLOADS,
            "window_size": SIZES,
            "input_rate": RATES,
        },
    }
    # a name with "</script>" would end the script
    text = json.dumps(data, allow_nan=False).replace("<", "\\u003c")
    page = (HERE / "explore_template.html").read_text(encoding="utf-8")
    page = page.replace("/* PLOTLY */", get_plotlyjs()).replace("/* DATA */ null", text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def _number(text):
    """A number, or None where there is none."""
    value = float(text) if text else None
    return None if value is None or np.isnan(value) else value


def _css(color):
    """Color as browsers know it; matplotlib takes greys as numbers."""
    from matplotlib.colors import to_hex

    return to_hex(color)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    measure_playback()
    measure_fronts()
