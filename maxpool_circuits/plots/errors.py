"""How large errors are, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from nengo.exceptions import ValidationError

from .figure import axes_or_new, checked_table, color_of

if TYPE_CHECKING:
    from ..comparison import ComparisonTable


def pareto(table: ComparisonTable, ax: Axes | None = None) -> Axes:
    """Draw the error of each circuit against its latency.

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
    ('latency after a step (ms)', 'root-mean-square error')
    >>> len(ax.lines) == len(table.rows)
    True
    >>> plt.close(ax.figure)
    """
    checked_table(table)
    ax = axes_or_new(ax)
    for row in table.rows:
        color = color_of(table, row.circuit)
        settles = np.isfinite(row.latency)
        label = row.circuit if settles else f"{row.circuit} (does not settle)"
        ax.plot(row.latency * 1000, row.rmse, "o", color=color, label=label)
    # a legend, since labels next to the points would cover each other
    ax.legend(fontsize="small")
    # no point lies on the frame
    ax.margins(0.15)
    ax.set_xlim(left=0)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("latency after a step (ms)")
    ax.set_ylabel("root-mean-square error")
    ax.set_title("error against latency: lower left is better")
    return ax


def error_by_gap(table: ComparisonTable, ax: Axes | None = None) -> Axes:
    """Draw the error of each circuit against the gap between the two largest inputs.

    All readings, in order of their gap, are cut into ten parts of equal size; each
    point is the root-mean-square error of one part.

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
    >>> for line in ax.lines:
    ...     print(line.get_label(), len(line.get_ydata()))
    winner-take-all 10
    routed winner 10
    average 10
    >>> plt.close(ax.figure)
    """
    checked_table(table)
    ax = axes_or_new(ax)
    gap, _ = _gaps(table)
    parts = np.array_split(np.argsort(gap), 10)
    middles = [gap[part].mean() for part in parts]
    for row in table.rows:
        squares = errors_of(table, row.circuit) ** 2
        errors = [np.sqrt(squares[part].mean()) for part in parts]
        color = color_of(table, row.circuit)
        ax.plot(middles, errors, "o-", color=color, markersize=3, label=row.circuit)
    ax.legend(fontsize="small")
    ax.set_xlim(left=0)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("gap between the two largest inputs")
    ax.set_ylabel("root-mean-square error")
    ax.set_title("error against the gap: ties are on the left")
    return ax


def error_map(
    table: ComparisonTable, circuit: str, ax: Axes | None = None, limit: float = 0.25
) -> Axes:
    """Draw where a circuit errs: by how close its pools are to a tie, and how large.

    Each hexagon is the mean error of all readings whose two largest inputs differ by
    as much as its place on the horizontal axis and whose maximum is its place on the
    vertical one; blue is too small, red is too large. Hexagons of very few readings
    are left out, as are windows of a single input.

    Parameters
    ----------
    table : ComparisonTable
        The comparison.
    circuit : str
        The name of the circuit, as in the table.
    ax : matplotlib.axes.Axes, optional (Default: None)
        Where to draw.
    limit : float, optional (Default: 0.25)
        Mean error with the darkest colors, in units of the input.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes; its one collection can be given a colorbar.

    Raises
    ------
    nengo.exceptions.ValidationError
        If all windows have one input.
    KeyError
        If the circuit is not in the table.

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
    ax = axes_or_new(ax)
    gap, maximum = _gaps(table)
    ax.hexbin(
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
    ax.set_xlabel("gap between the two largest")
    ax.set_ylabel("true maximum")
    ax.set_title(circuit)
    return ax


def errors_of(table: ComparisonTable, circuit: str) -> np.ndarray:
    """Filtered output less true maximum of all readings."""
    checked_table(table)
    output = table.filtered_output(circuit)[: len(table.workload.values)]
    return (output - table.workload.target)[_read(table)]


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
