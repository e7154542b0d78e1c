"""The figure of error against spikes on the page about tuning."""

import csv

import matplotlib.pyplot as plt
import numpy as np

from maxpool_circuits import plots

CIRCUITS = ("winner-take-all", "pairwise-relu")


def draw(table, path):
    """Draw what ``benchmarks/error_budget.py`` measured."""
    with open(table, newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    styles = plots.styles(CIRCUITS)
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    for ax, kind in zip(axes, ("band-limited", "constant")):
        for circuit in CIRCUITS:
            ratios, halves, fired = np.array(
                [
                    [line[kind], line[f"{kind} ±"], line[f"{kind} spikes"]]
                    for line in lines
                    if line["what"].startswith(circuit) and line["what"].endswith("Hz")
                ],
                dtype=float,
            ).T
            ax.errorbar(fired, ratios, halves, label=circuit, **styles[circuit])
        ax.axhline(1, color="0.6", linestyle="--", linewidth=1, label="oracle")
        ax.set_xscale("log")
        ax.set_xlabel("spikes per pool and second")
        ax.set_title(f"{kind} inputs of 250 Hz")
        ax.set_ylim(bottom=0)
    axes[0].set_ylabel("error over oracle's")
    axes[0].legend(fontsize="small")
    figure.savefig(path)
    plt.close(figure)
