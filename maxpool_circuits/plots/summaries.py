"""Whole figures: of a comparison, of tuning, and of a converted Keras network."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from .errors import error_by_gap, error_map, errors_of, pareto
from .figure import Table, checked_table, error_bar, saved
from .over_time import raster, traces

if TYPE_CHECKING:
    pass


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
    checked_table(table)
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
    return saved(figure, path)


def before_and_after(
    table: Table, path: str | os.PathLike[str] | None = None
) -> Figure:
    """Draw what tuning changed: error by gap, bias over the inputs, and latency.

    Parameters
    ----------
    table : ComparisonTable
        A comparison of two circuits called "untuned" and "tuned".
    path : str or os.PathLike, optional (Default: None)
        Write the figure to this file too.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    nengo.exceptions.ValidationError
        If no circuit is called "untuned", or none "tuned", or all windows have one
        input.

    Examples
    --------
    >>> import functools
    >>> import matplotlib.pyplot as plt
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits import plots
    >>> untuned = functools.partial(mpc.WinnerTakeAll, decoders=None)
    >>> table = mpc.compare({"untuned": untuned, "tuned": mpc.WinnerTakeAll}, n_pools=5)
    >>> figure = plots.before_and_after(table)
    >>> figure.axes[2].get_title()
    'mean error, untuned'
    >>> plt.close(figure)
    """
    checked_table(table)
    # the error of average pooling would squeeze the others
    trials = table.trials[table.trials["circuit"] != "average"]
    table = dataclasses.replace(table, trials=trials)
    figure = plt.figure(figsize=(12, 8), layout="constrained")
    axes = figure.subplot_mosaic([["gap", "latency"], ["untuned", "tuned"]])
    error_by_gap(table, ax=axes["gap"])
    pareto(table, ax=axes["latency"])
    largest = max(np.abs(errors_of(table, c)).mean() for c in ("untuned", "tuned"))
    for circuit in ("untuned", "tuned"):
        ax = error_map(table, circuit, axes[circuit], 3 * largest, colorbar=False)
        ax.set_title(f"mean error, {circuit}")
    error_bar([axes["untuned"], axes["tuned"]], ax.collections[0])
    return saved(figure, path)
