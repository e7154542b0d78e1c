"""Conversions of a Keras network side by side."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from nengo.exceptions import ValidationError

from ..utils.checks import is_real
from .figure import checked_table, saved
from .figure import styles as drawn_as


def conversions(
    table: Any, steps: Sequence[int], path: str | os.PathLike[str] | None = None
) -> Figure:
    """Draw accuracy against time for each conversion of a Keras network.

    Parameters
    ----------
    table : maxpool_circuits.nengo_dl.demo.ConversionTable
        The conversions.
    steps : sequence of int
        Time steps after which accuracy was read.
    path : str or os.PathLike, optional (Default: None)
        Write the figure to this file too.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    nengo.exceptions.ValidationError
        If matplotlib has no format for the ending of the path.
    OSError
        If the file cannot be written.

    Examples
    --------
    A table with only what is drawn:

    >>> import matplotlib.pyplot as plt
    >>> from types import SimpleNamespace
    >>> from maxpool_circuits import plots
    >>> row = SimpleNamespace(pooling="exact", accuracies=(0.5, 0.9))
    >>> table = SimpleNamespace(ann_accuracy=0.95, rows=[row])
    >>> figure = plots.conversions(table, steps=(10, 20))
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['ANN (95.0 %)', 'exact (90.0 %)']
    >>> plt.close(figure)
    """
    checked_table(table, ("ann_accuracy", "rows"), "nengo_dl.demo")
    read = [len(row.accuracies) for row in table.rows]
    valid = isinstance(steps, Sequence) and not isinstance(steps, (str, bytes))
    valid = valid and all(map(is_real, steps))
    if not valid or any(n != len(steps) for n in read):
        raise ValidationError(
            f"must be numbers of steps, one for each of {read} accuracies, got "
            f"{steps!r}",
            attr="steps",
        )
    figure, ax = plt.subplots(figsize=(9, 5), layout="constrained")
    ann = 100 * table.ann_accuracy
    ax.axhline(ann, color="k", linestyle="--", label=f"ANN ({ann:.1f} %)")
    styles = drawn_as([row.pooling for row in table.rows])
    for row in table.rows:
        accuracies = [100 * accuracy for accuracy in row.accuracies]
        label = f"{row.pooling} ({accuracies[-1]:.1f} %)"
        ax.plot(steps, accuracies, label=label, **styles[row.pooling])
    ax.set_xlabel("time step (of 1 ms)")
    ax.set_ylabel("accuracy (%)")
    ax.set_title("accuracy against time, and in the end")
    figure.legend(loc="outside right center", fontsize="small")
    return saved(figure, path)


def layers(table: Any, path: str | os.PathLike[str] | None = None) -> Figure:
    """Draw how close each layer of a converted network is to Keras.

    Parameters
    ----------
    table : maxpool_circuits.nengo_dl.LayerTable
        The layers.
    path : str or os.PathLike, optional (Default: None)
        Write the figure to this file too.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    nengo.exceptions.ValidationError
        If matplotlib has no format for the ending of the path.
    OSError
        If the file cannot be written.

    Examples
    --------
    A table with only what is drawn:

    >>> import matplotlib.pyplot as plt
    >>> from types import SimpleNamespace
    >>> from maxpool_circuits import plots
    >>> row = SimpleNamespace(layer="conv", error=0.1)
    >>> figure = plots.layers(SimpleNamespace(rows=[row]))
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['conv']
    >>> plt.close(figure)
    """
    checked_table(table, ("rows",), "nengo_dl.compare_layers")
    height = 1.5 + 0.3 * len(table.rows)
    figure, ax = plt.subplots(figsize=(8, height), layout="constrained")
    # layers may share a name, so that bars are put by number
    positions = range(len(table.rows))
    ax.barh(positions, [row.error for row in table.rows])
    ax.set_yticks(positions, [row.layer for row in table.rows])
    ax.invert_yaxis()
    ax.set_ylabel("layer")
    ax.set_xlabel("distance to Keras (of the spread of the layer's values)")
    return saved(figure, path)
