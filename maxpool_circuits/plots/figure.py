"""Axes, colors and files of all pictures."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure
from nengo.exceptions import ValidationError

from ..registry import styles_of
from ..utils.checks import valid_path
from ..utils.files import atomic_write

#: A `.ComparisonTable`. It draws itself, so it is above the plots, which need no name
#: of its type.
Table = Any


def axes_or_new(ax: Axes | None) -> Axes:
    """Given Axes, or those of a new figure."""
    if not isinstance(ax, (Axes, type(None))):
        raise ValidationError(
            f"must be matplotlib's Axes to draw in, or None, got {ax!r}", attr="ax"
        )
    return plt.subplots()[1] if ax is None else ax


def checked_table(
    table: Any,
    parts: Iterable[str] = ("rows", "workload", "outputs"),
    maker: str = "compare",
) -> Any:
    """A table; told by what it has, for this module knows no such class."""
    if not all(hasattr(table, name) for name in parts):
        raise ValidationError(
            f"must be a table that maxpool_circuits.{maker} made, got {table!r}",
            attr="table",
        )
    return table


def checked_row(table: Table, circuit: Any) -> str:
    """Name of a row of a table."""
    names = [row.circuit for row in table.rows]
    if not isinstance(circuit, str) or circuit not in names:
        raise ValidationError(
            f"must be the name of a row of the table, {', '.join(map(repr, names))}, "
            f"got {circuit!r}",
            attr="circuit",
        )
    return circuit


def styles(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Color and marker of each circuit, the same in all pictures.

    Parameters
    ----------
    names : iterable of str
        Names of rows of a table. Those of registered circuits, alone or with a remark
        in brackets behind them, have the style that the circuit was registered with;
        others get the next free ones.

    Returns
    -------
    dict of {str: dict}
        By name, options of `matplotlib.axes.Axes.plot`.

    Raises
    ------
    nengo.exceptions.ValidationError
        If they are no names.

    Examples
    --------
    >>> from maxpool_circuits import plots
    >>> styles = plots.styles(["mine", "winner-take-all"])
    >>> styles["winner-take-all"]
    {'color': '#d55e00', 'marker': 's'}
    >>> styles["mine"]["marker"]
    'o'
    """
    return {name: style._asdict() for name, style in styles_of(names).items()}


def styles_in(table: Table) -> dict[str, dict[str, Any]]:
    """Color and marker of each row of a table."""
    return styles(row.circuit for row in table.rows)


def drawn_of_circuits(table: Table) -> list:
    """Rows that a scale is made for: no references, which may be far off."""
    rows = [row for row in table.rows if not row.is_reference]
    return rows or list(table.rows)


def draw_colorbar(ax: Axes | list[Axes], drawn: Any, label: str) -> None:
    """Draw the scale of maps, with pointed ends for what is beyond it."""
    drawn.axes.figure.colorbar(drawn, ax=ax, label=label, extend="both")


def saved(figure: Figure, path: str | os.PathLike[str] | None) -> Figure:
    """Write a figure to a file, if there is one, in the format of its ending."""
    if path is None:
        return figure
    form = checked_format(path)
    with atomic_write(path) as unfinished:
        figure.savefig(unfinished, dpi=150, format=form)
    return figure


def checked_format(path: str | os.PathLike[str]) -> str:
    """Format of the ending of a path, if matplotlib writes it."""
    form = Path(valid_path(path)).suffix[1:].lower() or "png"
    known = FigureCanvasBase.get_supported_filetypes()
    if form not in known:
        raise ValidationError(
            f"the ending of {str(path)!r} must be one of {', '.join(known)}",
            attr="path",
        )
    return form
