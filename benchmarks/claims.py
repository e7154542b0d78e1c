"""What the comparison with every other way to pool shows, and where it does not.

It reads ``readouts.csv``, which ``pareto_fronts.py`` wrote, and writes ``claims.csv``
and ``errors_over_latency.svg`` beside it::

    python benchmarks/claims.py --folder docs/how_it_compares
"""

import argparse
from pathlib import Path

import numpy as np
from baselines.ways import NETWORK, OURS, RULE
from pareto_fronts import best_filters, read, write
from tabulate import tabulate

from maxpool_circuits.comparison.table import ratio_of
from maxpool_circuits.plots import styles

#: Latencies that errors are compared at, in seconds.
LATENCIES = [milliseconds / 1000 for milliseconds in range(1, 101)]


def by_setting(lines):
    """Lines of each workload, window size and rate."""
    found = {}
    for line in lines:
        setting = line["workload"], int(line["window_size"]), float(line["input_rate"])
        found.setdefault(setting, []).append(line)
    return found


def least_error(lines, latency):
    """The line of least error among those that respond in time; None without any."""
    # without a number it does not reach a steady state
    in_time = [line for line in lines if float(line["latency"] or "nan") <= latency]
    return min(in_time, key=lambda line: float(line["rmse"]), default=None)


def small_ones_of_ours(lines, most_neurons):
    """Our circuits that have no more than so many neurons per pool."""
    return [
        line
        for line in lines
        if line["kind"] == OURS and float(line["neurons"]) <= most_neurons
    ]


def front_claim(lines, window_size, kinds):
    """Whether ours have the least error at each latency, and where they have not."""
    ours = small_ones_of_ours(lines, window_size)
    others = [line for line in lines if line["kind"] in kinds]
    better = {}
    for latency in LATENCIES:
        best, rival = least_error(ours, latency), least_error(others, latency)
        if rival and (best is None or float(rival["rmse"]) < float(best["rmse"])):
            better.setdefault(rival["circuit"], []).append(round(1000 * latency))
    if not better:
        return "yes", "ours at every latency"
    where = [f"{name} at {spans(at)} ms" for name, at in better.items()]
    return "no", "less error: " + "; ".join(where)


def spans(numbers):
    """Rising whole numbers as text, neighbours together."""
    text, first = [], numbers[0]
    for number, following in zip(numbers, [*numbers[1:], None]):
        if following != number + 1:
            text.append(str(first) if first == number else f"{first} to {number}")
            first = following
    return ", ".join(text)


def ratio_claim(lines, peer, neurons_ratio, least_ratio):
    """How many times less error ours has than the best of a peer, with fewer neurons.

    None where the peer was not run.
    """
    best = best_filters([line for line in lines if line["circuit"].startswith(peer)])
    if not best:
        return None
    theirs = min(best, key=lambda line: float(line["rmse"]))
    most = float(theirs["neurons"]) / neurons_ratio
    ours = min(
        best_filters(small_ones_of_ours(lines, most)),
        key=lambda line: float(line["rmse"]),
        default=None,
    )
    if ours is None:
        return "no", "none of ours is as small"
    errors = [np.array(line["rmse_trials"].split(), float) for line in (theirs, ours)]
    ratio, lower, upper = ratio_of(*errors, paired=True)
    neurons = [f"{float(line['neurons']):g}" for line in (ours, theirs)]
    return (
        "yes" if ratio >= least_ratio else "no",
        f"{ratio:.2f} ({lower:.2f} to {upper:.2f}) times less: "
        f"{ours['circuit']} with {neurons[0]} neurons, "
        f"{theirs['circuit']} with {neurons[1]}",
    )


def claims(lines):
    """Lines of ``claims.csv``."""
    found = []
    for setting, of_setting in by_setting(lines).items():
        workload, window_size, input_rate = setting
        about = {
            "workload": workload,
            "inputs": str(window_size),
            "Hz": f"{input_rate:g}",
        }
        results = {
            "least error at every latency up to 100 ms, spiking networks": front_claim(
                of_setting, window_size, (NETWORK,)
            ),
            "the same, array rules included": front_claim(
                of_setting, window_size, (NETWORK, RULE)
            ),
            "as accurate as nengo_spa, 20 times fewer neurons": ratio_claim(
                of_setting, "nengo_spa", 20, 1
            ),
        }
        if input_rate == 250:
            results["3 times less error than AVAM, half its neurons"] = ratio_claim(
                of_setting, "AVAM", 2, 3
            )
        for claim, result in results.items():
            if result is not None:
                holds, measured = result
                found.append(
                    {"claim": claim, **about, "holds": holds, "measured": measured}
                )
    return found


#: Rules that are drawn together, by how their names begin.
FAMILIES = {
    "maximum after": "analog maxima (no neurons)",
    "neuron after": "neurons after an analog maximum",
    "gate": "gates (Rueckauer 2017)",
    "signGD": "signGD",
    "AVAM": "AVAM (2022)",
    "EnsembleArray": "EnsembleArray",
}


#: Colors of networks, which are none of those of our circuits.
NETWORK_COLORS = "#7b3294", "#8c510a", "#4d9221", "#c51b7d"


def family(line):
    """What a way is drawn as: several radii, filters, sizes or rates are one line."""
    found = [
        text for start, text in FAMILIES.items() if line["circuit"].startswith(start)
    ]
    return found[0] if found else line["circuit"].split(", ")[0]


def envelope(lines):
    """Latencies in ms and errors of those that are best at their latency."""
    latencies, errors = [], []
    for line in sorted(lines, key=lambda line: float(line["latency"])):
        if not errors or float(line["rmse"]) < errors[-1]:
            latencies.append(1000 * float(line["latency"]))
            errors.append(float(line["rmse"]))
    return latencies, errors


def looks_of(lines):
    """Lines and markers by what is drawn: ours as in all figures, rules grey."""
    names = {
        kind: list(dict.fromkeys(family(x) for x in lines if x["kind"] == kind))
        for kind in (OURS, NETWORK, RULE)
    }
    looks = {
        name: dict(look, linestyle="-") for name, look in styles(names[OURS]).items()
    }
    for name, color in zip(names[NETWORK], NETWORK_COLORS):
        looks[name] = {"linestyle": "--", "marker": "s", "color": color}
    for name in names[RULE]:
        looks[name] = {"linestyle": ":", "marker": ".", "color": "0.4"}
    return looks


def draw_fronts(lines, path):
    """Draw error over latency of all ways that spike, and what circuits cost."""
    import matplotlib

    matplotlib.use("Agg")
    # else every picture would have names of its own inside
    matplotlib.rcParams["svg.hashsalt"] = "fronts"
    import matplotlib.pyplot as plt

    shown = by_setting(lines)["presentations", 4, 250]
    # without a number they do not reach a steady state
    shown = [line for line in shown if float(line["latency"] or "nan") > 0]
    figure, (axis, *costs) = plt.subplots(
        1, 3, figsize=(12, 6), width_ratios=[3, 1, 1], layout="constrained"
    )
    looks = looks_of(shown)
    for name, look in looks.items():
        of_name = [line for line in shown if family(line) == name]
        latencies, errors = envelope(of_name)
        is_rule = of_name[0]["kind"] == RULE
        label = None if is_rule else name
        axis.plot(latencies, errors, markersize=5, label=label, **look)
        if is_rule:
            # named where they are: a legend of so many greys cannot be read
            place = latencies[-1], errors[-1]
            offset = {"xytext": (4, 4), "textcoords": "offset points"}
            axis.annotate(name, place, color="0.3", fontsize=7, **offset)
    axis.set(xlabel="latency (ms)", ylabel="root-mean-square error", yscale="log")
    axis.set_xlim(0, 230)
    axis.grid(alpha=0.3)
    spiking = [line for line in best_filters(shown) if line["spikes"]]
    spiking = [line for line in spiking if line["kind"] in (OURS, NETWORK)]
    spiking.sort(key=lambda line: float(line["rmse"]), reverse=True)
    names = [line["circuit"] for line in spiking]
    colors = [looks[family(line)]["color"] for line in spiking]
    titles = {"spikes": "spikes", "synaptic_operations": "synaptic operations"}
    for number, (axis_of_cost, what) in enumerate(zip(costs, titles)):
        values = [float(line[what]) for line in spiking]
        axis_of_cost.barh(range(len(names)), values, color=colors)
        axis_of_cost.set(xscale="log", xlabel=f"{titles[what]} / s", yticks=[])
        if number == 0:
            axis_of_cost.set_yticks(range(len(names)), names, fontsize=8)
    costs[0].set_title("per pool, the least error on top", fontsize=9, loc="left")
    figure.legend(loc="outside lower center", ncols=4, fontsize=8)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main():
    """Check the claims and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--folder", type=Path, required=True, help="where files are")
    folder = parser.parse_args().folder
    lines = read(folder / "readouts.csv")
    found = claims(lines)
    print(tabulate(found, headers="keys", disable_numparse=True))
    write(folder / "claims.csv", found)
    draw_fronts(lines, folder / "errors_over_latency.svg")


if __name__ == "__main__":
    main()
