"""A converted Keras network, layer by layer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from nengo.exceptions import ValidationError

from .figure import saved

if TYPE_CHECKING:
    import pandas as pd


def layers(table: pd.DataFrame, path: str | os.PathLike[str] | None = None) -> Figure:
    """Draw how close each layer of a converted network is to Keras.

    Parameters
    ----------
    table : pandas.DataFrame
        What `maxpool_circuits.nengo_dl.compare_layers` returned: indexed by layer, with
        a column ``error``.
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
    >>> import matplotlib.pyplot as plt
    >>> import pandas as pd
    >>> from maxpool_circuits import plots
    >>> figure = plots.layers(pd.DataFrame({"error": [0.1]}, index=["conv"]))
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['conv']
    >>> plt.close(figure)
    """
    if "error" not in getattr(table, "columns", ()):
        raise ValidationError(
            "must be a table that maxpool_circuits.nengo_dl.compare_layers made, got a "
            f"{type(table).__name__}",
            attr="table",
        )
    height = 1.5 + 0.3 * len(table)
    figure, ax = plt.subplots(figsize=(8, height), layout="constrained")
    # layers may share a name, so that bars are put by number
    positions = range(len(table))
    ax.barh(positions, table["error"])
    ax.set_yticks(positions, table.index)
    ax.invert_yaxis()
    ax.set_ylabel("layer")
    ax.set_xlabel("distance to Keras (of the spread of the layer's values)")
    return saved(figure, path)
