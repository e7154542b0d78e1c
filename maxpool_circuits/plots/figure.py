"""Axes and files of all pictures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure
from nengo.exceptions import ValidationError

from ..utils.checks import valid_path
from ..utils.files import atomic_write

#: A `ComparisonTable`; tables draw themselves, so pictures do not import them.
Table = Any


def axes_or_new(ax: Axes | None) -> Axes:
    """Given Axes, or those of a new figure."""
    if not isinstance(ax, (Axes, type(None))):
        raise ValidationError(
            f"must be matplotlib's Axes to draw in, or None, got {ax!r}", attr="ax"
        )
    return plt.subplots()[1] if ax is None else ax


def checked_table(table: Table) -> Table:
    """A table with outputs; this module does not know its class."""
    if getattr(table, "workload", None) is None:
        raise ValidationError(
            "must be a table that maxpool_circuits.compare made (files keep no "
            f"outputs), got a {type(table).__name__}",
            attr="table",
        )
    return table


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
