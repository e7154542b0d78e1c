"""How large errors are, and where."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from nengo.exceptions import ValidationError

from ..utils.checks import positive_number, valid_flag
from .figure import (
    Table,
    as_label,
    axes_or_new,
    checked_table,
    legend_below,
    styles_of,
)


def pareto(table: Table, ax: Axes | None = None) -> Axes:
    """Draw the error of each circuit against its latency.

    With several trials, bars are 95 % intervals. The scale is that of the circuits:
    what is far beyond it, as average pooling is, is only named.

    Parameters
    ----------
    table : ComparisonTable
        The comparison.
    ax : matplotlib.axes.Axes, optional (Default: None)
        Where to draw.

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
    >>> ax = plots.pareto(table)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('latency after a step (ms)', 'root-mean-square error (units of the input)')
    >>> plt.close(ax.figure)
    """
    checked_table(table, "means")
    ax = axes_or_new(ax)
    looks, halves = styles_of(table), table.half_widths.fillna(0)
    highest = _top(table, table["rmse"] + halves["rmse"])
    for name, latency, rmse in table.means[["latency", "rmse"]].itertuples():
        label = as_label(name)
        if not np.isfinite(latency):
            label += " (does not settle)"
        elif rmse > highest:
            label += f" (error {rmse:.2f}, not shown)"
        style: dict[str, Any] = {"label": label, "linestyle": "none", **looks[name]}
        # of one trial they have no length
        bars = halves.loc[name]
        bars = {"xerr": 1000 * bars["latency"], "yerr": bars["rmse"]}
        ax.errorbar(1000 * latency, rmse, **bars, **style)
    # labels next to the points would cover each other
    legend_below(ax)
    # no point lies on the frame
    ax.margins(0.15)
    ax.set_xlim(left=0)
    ax.set_ylim(0, highest)
    ax.set_xlabel("latency after a step (ms)")
    ax.set_ylabel("root-mean-square error (units of the input)")
    ax.set_title("error against latency: lower left is better")
    return ax


def error_by_gap(table: Table, ax: Axes | None = None) -> Axes:
    """Draw the error of each circuit against the gap between the two largest inputs.

    All readings, in order of their gap, are cut into ten parts of equal size; each
    point is the root-mean-square error of one part. The scale is that of the circuits.

    Parameters
    ----------
    table, ax
        As in `pareto`.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes.

    Raises
    ------
    nengo.exceptions.ValidationError
        If all windows have one input.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits import plots
    >>> table = mpc.compare(["winner-take-all"], n_pools=5)
    >>> ax = plots.error_by_gap(table)
    >>> len(ax.lines[0].get_ydata())
    10
    >>> plt.close(ax.figure)
    """
    checked_table(table)
    ax = axes_or_new(ax)
    gap, _ = _gaps(table)
    parts = np.array_split(np.argsort(gap), 10)
    middles = [gap[part].mean() for part in parts]
    looks, curves = styles_of(table), {}
    for name in table.means.index:
        squares = errors_of(table, name) ** 2
        curves[name] = [np.sqrt(squares[part].mean()) for part in parts]
    highest = _top(table, {name: max(curve) for name, curve in curves.items()})
    for name, errors in curves.items():
        label = as_label(name) + (" (not shown)" if min(errors) > highest else "")
        ax.plot(middles, errors, markersize=4, label=label, **looks[name])
    legend_below(ax)
    ax.set_xlim(left=0)
    ax.set_ylim(0, highest or None)
    ax.set_xlabel("gap between the two largest inputs (units of the input)")
    ax.set_ylabel("root-mean-square error (units of the input)")
    ax.set_title("error against the gap: ties are on the left")
    return ax


def error_map(
    table: Table,
    circuit: str,
    ax: Axes | None = None,
    limit: float = 0.25,
    colorbar: bool = True,
) -> Axes:
    """Draw where a circuit errs: by how close its pools are to a tie, and how large.

    Each hexagon is the mean error of all readings whose two largest inputs differ by
    as much as its place on the horizontal axis and whose maximum is its place on the
    vertical one; blue is too small, red is too large. Hexagons of very few readings
    are left out, as are windows of a single input.

    Parameters
    ----------
    table, ax
        As in `pareto`.
    circuit : str
        The name of the circuit, as in the table.
    limit : float, optional (Default: 0.25)
        Mean error with the darkest colors, in units of the input.
    colorbar : bool, optional (Default: True)
        Draw the scale beside it. Several maps may share one: that of ``ax.collections``
        of any of them.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes, with one collection.

    Raises
    ------
    nengo.exceptions.ValidationError
        If all windows have one input, or the circuit is not in the table.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits import plots
    >>> table = mpc.compare(["winner-take-all"], n_pools=5)
    >>> ax = plots.error_map(table, "winner-take-all", limit=0.1)
    >>> ax.collections[0].get_clim()
    (-0.1, 0.1)
    >>> plt.close(ax.figure)
    """
    checked_table(table)
    limit = positive_number(limit, "limit")
    ax = axes_or_new(ax)
    gap, maximum = _gaps(table)
    drawn = ax.hexbin(
        gap,
        maximum,
        C=errors_of(table, circuit),
        reduce_C_function=np.mean,
        mincnt=3,
        gridsize=12,
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        linewidths=0.2,
    )
    # grey, since white is the color of no error
    ax.set_facecolor("0.85")
    ax.set_xlim(left=0)
    ax.set_xlabel("gap between the two largest (units of the input)")
    ax.set_ylabel("true maximum (units of the input)")
    ax.set_title(as_label(circuit))
    if valid_flag(colorbar, "colorbar"):
        label = "mean error (units of the input)"
        ax.figure.colorbar(drawn, ax=ax, label=label, extend="both")
    return ax


def errors_of(table: Table, circuit: str) -> np.ndarray:
    """Filtered output less true maximum of all readings."""
    output = table.filtered_output(circuit)[: len(table.workload.values)]
    return (output - table.workload.target)[_read(table)]


def _top(table, errors):
    """Top of the scale of errors, from the largest of each row, with a margin."""
    # references may be far off
    far = 2 * max(errors[name] for name in table.circuits or table.means.index)
    return 1.15 * max(errors[name] for name in errors.keys() if errors[name] <= far)


def _gaps(table):
    """Gap between the two largest inputs, and the maximum, of all readings."""
    workload = table.workload
    indices = workload.windows.indices
    if indices.shape[1] < 2:
        raise ValidationError(
            "must be a comparison of windows of two or more inputs", attr="table"
        )
    members = np.where(indices < 0, -np.inf, workload.values[:, indices])
    second, first = np.moveaxis(np.sort(members[_read(table)], axis=-1), -1, 0)[-2:]
    return first - second, first


def _read(table):
    """Which readings, of steps and pools, have two or more inputs."""
    several = table.workload.windows.sizes > 1
    return table.workload.is_read[:, np.newaxis] & several
