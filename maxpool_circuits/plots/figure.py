"""Axes and files of all pictures."""

from __future__ import annotations

import os
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from nengo.exceptions import ValidationError

from ..utils.files import atomic_write

#: A `ComparisonTable`; tables draw themselves, so pictures do not import them.
Table = Any


def axes_or_new(ax: Axes | None) -> Axes:
    """Given Axes, or those of a new figure."""
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


def saved(figure: Figure, path: str | os.PathLike[str] | None) -> Figure:
    """Write a figure to a file, if there is one, in the format of its ending."""
    if path is not None:
        with atomic_write(path) as unfinished:
            form = unfinished.suffix[1:] or "png"
            figure.savefig(unfinished, dpi=150, format=form)
    return figure
