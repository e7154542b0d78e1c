"""Axes, colors and files of all pictures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure
from nengo.exceptions import ValidationError

from ..utils.files import written_whole

if TYPE_CHECKING:
    from ..comparison import ComparisonTable


def axes_or_new(ax: Axes | None) -> Axes:
    """Given Axes, or those of a new figure."""
    return plt.subplots()[1] if ax is None else ax


def checked_table(table: Any) -> ComparisonTable:
    """A comparison table; told by what it has, for this module knows no such class."""
    if not all(hasattr(table, name) for name in ("rows", "workload", "outputs")):
        raise ValidationError(
            f"must be a table that maxpool_circuits.compare made, got {table!r}",
            attr="table",
        )
    return table


def color_of(table: ComparisonTable, circuit: str) -> str:
    """Color of a circuit, the same in all pictures of a table; references are grey."""
    references = [row.circuit for row in table.rows if row.is_reference]
    if circuit in references:
        return ("0.2", "0.6")[references.index(circuit)]
    names = [row.circuit for row in table.rows]
    return f"C{names.index(circuit) % 10}"


def saved(figure: Figure, path: str | os.PathLike[str] | None) -> Figure:
    """Write a figure to a file, if there is one, in the format of its ending."""
    if path is None:
        return figure
    form = checked_format(path)
    with written_whole(path) as unfinished:
        figure.savefig(unfinished, dpi=150, format=form)
    return figure


def checked_format(path: str | os.PathLike[str]) -> str:
    """Format of the ending of a path, if matplotlib writes it."""
    form = Path(path).suffix[1:].lower() or "png"
    known = FigureCanvasBase.get_supported_filetypes()
    if form not in known:
        raise ValidationError(
            f"the ending of {str(path)!r} must be one of {', '.join(known)}",
            attr="path",
        )
    return form
