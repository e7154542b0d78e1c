"""What circuits and inputs do over time, alone and beside error and latency."""

from __future__ import annotations

import os
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..utils.checks import valid_integer, valid_range
from .errors import pareto
from .figure import (
    Table,
    as_label,
    axes_or_new,
    checked_table,
    legend_below,
    saved,
    styles_of,
)


def traces(
    table: Table,
    pool: int = 0,
    ax: Axes | None = None,
    interval: tuple[float, float] = (0.0, 0.5),
) -> Axes:
    """Draw the true maximum and the filtered output of each circuit for one pool.

    Parameters
    ----------
    table : ComparisonTable
        The comparison.
    pool : int, optional (Default: 0)
        Which pool.
    ax : matplotlib.axes.Axes, optional (Default: None)
        Where to draw.
    interval : (float, float), optional (Default: (0, 0.5))
        First and last time, in seconds.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there is no such pool.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits import plots
    >>> table = mpc.compare(["winner-take-all"], n_pools=5)
    >>> ax = plots.traces(table, pool=3, interval=(0, 0.2))
    >>> [line.get_label() for line in ax.lines]
    ['true maximum', 'winner-take-all']
    >>> plt.close(ax.figure)
    """
    _check_pool(table, pool)
    ax = axes_or_new(ax)
    steps = _steps(table, interval)
    time = (steps + 1) * table.workload.dt
    target = table.workload.target[steps, pool]
    ax.plot(time, target, "k", linewidth=2, label="true maximum")
    looks, apart = styles_of(table), max(len(time) // 8, 1)
    for number, name in enumerate(table.circuits):
        output = table.filtered_output(name)[steps, pool]
        # markers that are far from each other, and none on that of another circuit
        every = (number * apart // len(table.circuits), apart)
        options: dict[str, Any] = {"linewidth": 1, "markersize": 4, "markevery": every}
        ax.plot(time, output, label=as_label(name), **options, **looks[name])
    ax.set_xlabel("time (s)")
    ax.set_ylabel("value (units of the input)")
    ax.set_title(f"pool {pool}, each circuit after its readout filter{_which(table)}")
    legend_below(ax)
    return ax


def raster(
    table: Table,
    pool: int = 0,
    ax: Axes | None = None,
    interval: tuple[float, float] = (0.0, 0.5),
) -> Axes:
    """Draw the spikes of the inputs of one pool.

    Parameters
    ----------
    table, pool, ax, interval
        As in `traces`.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits import plots
    >>> table = mpc.compare(["winner-take-all"], n_pools=5)
    >>> ax = plots.raster(table, pool=1)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['4', '5', '6', '7']
    >>> plt.close(ax.figure)
    """
    _check_pool(table, pool)
    ax = axes_or_new(ax)
    steps = _steps(table, interval)
    windows = table.workload.windows
    inputs = windows.indices[pool, : windows.sizes[pool]]
    spikes = table.spikes[np.ix_(steps, inputs)] > 0
    times = [(steps[train] + 1) * table.workload.dt for train in spikes.T]
    ax.eventplot(times, colors="k", linelengths=0.8, linewidths=0.6)
    # more labels than these would cover each other
    every = -(-len(inputs) // 10)
    ax.set_yticks(np.arange(len(inputs))[::every], map(str, inputs[::every]))
    ax.set_ylim(len(inputs) - 0.5, -0.5)
    ax.set_xlabel("time (s)")
    ax.set_ylabel("input")
    ax.set_title(f"spikes of the inputs of pool {pool}{_which(table)}")
    return ax


def comparison(
    table: Table, path: str | os.PathLike[str] | None = None, pool: int = 0
) -> Figure:
    """Draw error against latency, and the traces and spikes of one pool.

    Parameters
    ----------
    table : ComparisonTable
        The comparison.
    path : str or os.PathLike, optional (Default: None)
        Write the figure to this file too.
    pool : int, optional (Default: 0)
        The pool whose traces are drawn.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there is no such pool.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits import plots
    >>> table = mpc.compare(["winner-take-all"], n_pools=5)
    >>> figure = plots.comparison(table, pool=1)
    >>> figure.axes[2].get_title()
    'spikes of the inputs of pool 1'
    >>> plt.close(figure)
    """
    _check_pool(table, pool)
    figure = plt.figure(figsize=(13, 6), layout="constrained")
    axes = figure.subplot_mosaic(
        [["pareto", "traces"], ["pareto", "raster"]],
        width_ratios=(2, 3),
        height_ratios=(3, 1),
    )
    pareto(table, axes["pareto"])
    traces(table, pool, axes["traces"])
    raster(table, pool, axes["raster"])
    axes["traces"].sharex(axes["raster"])
    axes["traces"].set_xlabel("")
    # colors are those on the left
    axes["traces"].legend().remove()
    title = f"pool {pool}: outputs, and the true maximum in black{_which(table)}"
    axes["traces"].set_title(title)
    return saved(figure, path)


def _which(table):
    """End of a title that says which of several trials is shown."""
    return f", first of {table.n_trials} trials" if table.n_trials > 1 else ""


def _check_pool(table, pool):
    last = checked_table(table).workload.windows.n_pools - 1
    valid_integer(pool, "pool", lowest=0, highest=last)


def _steps(table, interval):
    """Numbers of the steps of the workload that lie in an interval in seconds."""
    interval = valid_range(interval, "interval")
    first, last = (round(time / table.workload.dt) for time in interval)
    return np.arange(max(first, 0), min(last, len(table.workload.values)))
