"""
Tuned populations
=================

``ensemble`` decodes the maximum from one population per pool. By formula its neurons
have random encoders; those that are shipped were tuned, and have them where the maximum
bends.
"""

import functools

import matplotlib.pyplot as plt

import maxpool_circuits as mpc
from maxpool_circuits import plots

table = mpc.compare(
    {
        "by formula": functools.partial(mpc.EnsembleMax, n_neurons=50, decoders=None),
        "tuned": functools.partial(mpc.EnsembleMax, n_neurons=50),
    },
    n_pools=50,
    n_trials=3,
)
ratio = table.against("by formula").loc["tuned", "rmse"]
print("error of the tuned ones by that of the others: ", end="")
print("{value:.2f} ({lower:.2f} to {upper:.2f})".format(**ratio))

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for ax, name in zip(axes, ("by formula", "tuned")):
    plots.error_map(table, name, ax, limit=0.2, colorbar=False)
    ax.set_title(name)
figure.colorbar(ax.collections[0], ax=axes, label="mean error", extend="both")
plt.show()
