"""
The winner after one interval: Oster, Douglas and Liu (2009)
============================================================

**Expected.** A winner-take-all network of spiking neurons with regular inputs can
select the winner within one inter-spike interval; with Poisson inputs it needs more
spikes, the more the nearer the rates are (Neural Computation 21, 2437,
https://doi.org/10.1162/neco.2009.07-08-829).

**Here.** 100 pools of four inputs, of which one fires at 200 Hz and the others at a
part of that, all from 0 or from random phases. The unit that has fired most is taken
for the winner.
"""

import matplotlib.pyplot as plt
import nengo
import numpy as np

import maxpool_circuits as mpc

RATE, N_POOLS, INTERVALS = 200, 100, (1, 2, 4, 8, 16)
PARTS = (0.25, 0.5, 0.7, 0.8, 0.9)
N_STEPS = 5 * INTERVALS[-1]

rng = np.random.RandomState(0)
rates = np.repeat(PARTS, N_POOLS)[:, np.newaxis] * np.ones(4) * RATE
rates[:, 3] = RATE
per_step = rates.ravel() * 0.001
phases = rng.uniform(size=per_step.size)
integrals = np.outer(np.arange(N_STEPS + 1), per_step)
trains = {
    "regular, all from 0": np.diff(np.floor(integrals + 1e-9), axis=0),
    "regular, random phases": np.diff(np.floor(integrals + phases), axis=0),
    "Poisson": rng.poisson(per_step, size=(N_STEPS, per_step.size)),
}

right = {}
for name, train in trains.items():
    with nengo.Network(seed=0) as model:
        inputs = nengo.Node(nengo.processes.PresentInput(1000 * train / 250, 0.001))
        windows = mpc.PoolWindows.independent(len(rates), window_size=4)
        pool = mpc.WinnerTakeAll(windows)
        nengo.Connection(inputs, pool.input, synapse=None)
        probe = nengo.Probe(pool.units.neurons)
    with nengo.Simulator(model, progress_bar=False) as simulator:
        simulator.run_steps(N_STEPS)
    fired = simulator.data[probe].reshape(N_STEPS, len(rates), 4) > 0
    # units that fired as often as the right one count against it
    is_right = np.cumsum(fired, axis=0).argmax(axis=2) == 3
    right[name] = np.array(
        [
            is_right[5 * n - 1].reshape(len(PARTS), N_POOLS).mean(axis=1)
            for n in INTERVALS
        ]
    )

# %%
figure, axes = plt.subplots(1, 3, sharey=True, figsize=(11, 3.6), layout="constrained")
for ax, (name, shares) in zip(axes, right.items()):
    for part, share in zip(PARTS, shares.T):
        ax.plot(INTERVALS, 100 * share, "o-", label=f"others at {part:g} of its rate")
    ax.axhline(25, color="0.6", linestyle="--")
    ax.set_xscale("log", base=2)
    ax.set_xticks(INTERVALS, INTERVALS)
    ax.set_xlabel("intervals of the winner (5 ms)")
    ax.set_title(name)
    print(f"{name}: right after {INTERVALS} intervals in % of pools")
    print((100 * shares.T).round())
axes[0].set_ylabel("the right unit (% of pools)")
axes[0].legend(fontsize="small")
plt.show()

# %%
# **What came.** From 0, the winner's unit leads after two intervals where the others
# have half its rate or less: one until its first spike, and some of the next since that
# passes a filter and has to lift a membrane by one threshold above the mean. Nearer
# rates, and random phases, need as long as it takes the winner to be a whole spike
# ahead: 10 intervals for 0.9 of its rate. Poisson inputs need far more, as expected,
# and counts that are off by chance lead as often.
