"""Axes, files, colors and markers of all pictures."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from nengo.exceptions import ValidationError

from ..registry import circuits
from ..utils.checks import look_up
from ..utils.files import atomic_write

#: A `ComparisonTable`; tables draw themselves, so pictures do not import them.
Table = Any


def axes_or_new(ax: Axes | None) -> Axes:
    """Given Axes, or those of a new figure."""
    if not isinstance(ax, (Axes, type(None))):
        raise ValidationError(f"must be matplotlib Axes, got {ax!r}", attr="ax")
    return plt.subplots(layout="constrained")[1] if ax is None else ax


def legend_below(ax: Axes) -> None:
    """Say what lines are, where none is hidden by it."""
    ax.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.15),
        ncols=2,
        fontsize="small",
        frameon=False,
    )


def as_label(name: str) -> str:
    """A name as it is: no formula, and in legends, which leave out "_names"."""
    return " " * name.startswith("_") + name.replace("$", r"\$")


def checked_table(table: Table, needed: str = "workload") -> Table:
    """A table with outputs, or another need; this module does not know its class."""
    if getattr(table, needed, None) is None:
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
            form = unfinished.suffix[1:].lower() or "png"
            look_up(form, figure.canvas.get_supported_filetypes(), "format of path")
            figure.savefig(unfinished, dpi=150, format=form)
    return figure


#: Color and marker of the circuits of this package. In grey too, each is lighter than
#: the one before or is the last; those who see no red or no green tell all apart.
STYLES = {
    "shared-reset": ("#332288", "p"),
    "pairwise-relu": ("#005a9c", "o"),
    "softmax": ("#0d7a5f", "^"),
    "winner-take-all": ("#d55e00", "s"),
    "ensemble": ("#cc79a7", "D"),
    "absolute-value": ("#e69f00", "v"),
    "exact": ("#88ccee", "P"),
}
REFERENCE_STYLES = {"oracle": ("0.2", "d"), "average": ("0.6", "h")}
#: What others get, in this order, if it is free.
FREE_STYLES = (
    ("#661133", "*"),
    ("#999933", "<"),
    ("#ddcc77", ">"),
    *STYLES.values(),
)


def styles_of(table: Table) -> dict[str, dict[str, Any]]:
    """Color and marker of each row of a table, by the class of its circuit."""
    return styles(table.means.index, table.made_by)


def styles(
    names: Iterable[str], made_by: Mapping[str, str | None] | None = None
) -> dict[str, dict[str, Any]]:
    """Color and marker of each circuit, the same in all pictures.

    Parameters
    ----------
    names : iterable of str
        Names of rows of a table. Those of a circuit of this package or of its class,
        alone or with a remark ("winner-take-all at 1000 Hz", "exact (after 5 ms)"),
        have its color; others get the next free ones.
    made_by : dict of {str: str}, optional
        Names of the classes of rows, as in `.ComparisonTable`: a row has the color of
        its class, whatever it is called.

    Returns
    -------
    dict of {str: dict}
        By name, options of `matplotlib.axes.Axes.plot`.

    Raises
    ------
    nengo.exceptions.ValidationError
        If ``names`` are not names, or ``made_by`` is not a dict.

    Examples
    --------
    >>> from maxpool_circuits import plots
    >>> styles = plots.styles(["mine", "winner-take-all"])
    >>> styles["winner-take-all"]
    {'color': '#d55e00', 'marker': 's'}
    >>> styles["mine"]["marker"]
    '*'
    >>> plots.styles(["mine"], {"mine": "WinnerTakeAll"})["mine"]
    {'color': '#d55e00', 'marker': 's'}
    """
    of_class = {getattr(c, "__name__", None): name for name, c in circuits().items()}
    known = {**STYLES, **REFERENCE_STYLES}
    found: dict[str, tuple[str, str]] = {}
    # a text has letters, which are no names
    alone = isinstance(names, str) or not isinstance(names, Iterable)
    rows: list[Any] = [None] if alone else list(names)
    rest: list[str] = []
    if not all(isinstance(row, str) for row in rows):
        raise ValidationError(f"must be names of rows, got {names!r}", attr="names")
    if not isinstance(made_by, (Mapping, type(None))):
        raise ValidationError(f"must be a dict by row, got {made_by!r}", attr="made_by")
    for row in rows:
        bare = re.split(r",? \(|, | at ", row)[0]
        style = known.get(of_class.get(str((made_by or {}).get(row) or bare), bare))
        if style is None:
            rest.append(row)
            continue
        # other rows of the same circuit have its color, and another marker
        others = [(style[0], marker) for _, marker in FREE_STYLES]
        new = (each for each in (style, *others) if each not in found.values())
        found[row] = next(new, style)
    free = [style for style in FREE_STYLES if style not in found.values()]
    found.update(zip(rest, itertools.cycle(free or FREE_STYLES)))
    return {row: dict(zip(("color", "marker"), found[row])) for row in rows}
