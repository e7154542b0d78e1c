"""The picture of README: one pool of four inputs, its wiring and its spikes.

    python docs/pool_figure.py docs/pool.png
"""

import sys

import matplotlib.pyplot as plt
import nengo
import numpy as np
from wiring_diagram import draw

import maxpool_circuits as mpc
from maxpool_circuits import plots

#: The third input is the largest, then the first.
VALUES = ((0.3, 0.6, 0.9, 0.4), (0.8, 0.2, 0.5, 0.6))
TITLES = {
    "in": "spikes of the four inputs",
    "fired": "spikes of the pool: only the winner's unit fires",
    "out": "values, after 10 ms",
}
SMALL = {"fontsize": "small", "frameon": False, "borderpad": 0}
COLORS = ("#9aa7b1", "#6f8596", "#4c6275", "#2b3f50")


def draw_pool(path):
    """Draw what ``winner-take-all`` is made of, and what it does for 200 ms."""
    values = np.repeat(VALUES, 100, axis=0)
    with nengo.Network(seed=0) as model:
        inputs = nengo.Node(nengo.processes.PresentInput(VALUES, 0.1))
        neurons = nengo.Ensemble(
            4,
            1,
            gain=[250] * 4,
            bias=[0] * 4,
            neuron_type=nengo.SpikingRectifiedLinear(amplitude=1 / 250),
        ).neurons
        nengo.Connection(inputs, neurons, synapse=None)
        pool = mpc.max_pool(neurons, (4,), pool_size=4)
        spikes, fired = nengo.Probe(neurons), nengo.Probe(pool.units.neurons)
        output = nengo.Probe(pool.output, synapse=0.01)
    with nengo.Simulator(model, progress_bar=False) as simulator:
        simulator.run(0.2)
    time = 1000 * simulator.trange()

    wiring = draw(pool)
    wiring.set_dpi(200)
    wiring.canvas.draw()
    figure = plt.figure(figsize=(11, 4), layout="constrained")
    axes = figure.subplot_mosaic(
        [["wiring", "in"], ["wiring", "fired"], ["wiring", "out"]],
        width_ratios=(5, 6),
        height_ratios=(1, 1, 1.6),
    )
    axes["wiring"].imshow(wiring.canvas.buffer_rgba())
    axes["wiring"].set_axis_off()
    plt.close(wiring)
    color = plots.styles(["winner-take-all"])["winner-take-all"]["color"]
    for name, probe, colors in (("in", spikes, COLORS), ("fired", fired, color)):
        trains = [time[train > 0] for train in simulator.data[probe].T]
        axes[name].eventplot(trains, colors=colors, linelengths=0.7, linewidths=1.2)
        axes[name].set_yticks(range(4), range(1, 5))
        axes[name].set_ylim(3.6, -0.6)
    for number, value in enumerate(values.T):
        axes["out"].plot(time, value, color=COLORS[number], linewidth=1)
    axes["out"].plot(time, values.max(axis=1), "k--", label="true maximum")
    axes["out"].plot(time, simulator.data[output], color=color, label="pool")
    axes["out"].legend(loc="lower left", bbox_to_anchor=(0.35, 0.97), ncols=2, **SMALL)
    axes["out"].set_ylim(0, 1.05)
    axes["out"].set_xlabel("time (ms)")
    for name, title in TITLES.items():
        axes[name].set_title(title, loc="left", fontsize="medium")
        axes[name].set_xlim(0, 200)
        axes[name].tick_params(labelbottom=name == "out")
        axes[name].spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    draw_pool(sys.argv[1])
