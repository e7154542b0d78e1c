"""Converted Keras networks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from .figure import saved

if TYPE_CHECKING:
    from pandas import DataFrame


def layers(frame: DataFrame, path: str | os.PathLike[str] | None = None) -> Figure:
    """Plot how close each layer of a converted network is to Keras.

    Parameters
    ----------
    frame : pandas.DataFrame
        What `maxpool_circuits.nengo_dl.compare_layers` returned.
    path : str or os.PathLike, optional (Default: None)
        Write the figure to this file too.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import pandas as pd
    >>> from maxpool_circuits import plots
    >>> figure = plots.layers(pd.DataFrame({"error": {"conv": 0.1}}))
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['conv']
    >>> plt.close(figure)
    """
    height = 1.5 + 0.3 * len(frame)
    figure, ax = plt.subplots(figsize=(8, height), layout="constrained")
    # layers may share a name, so that bars are put by number
    positions = range(len(frame))
    ax.barh(positions, frame["error"])
    ax.set_yticks(positions, frame.index)
    ax.invert_yaxis()
    ax.set_ylabel("layer")
    ax.set_xlabel("distance to Keras (of the spread of the layer's values)")
    return saved(figure, path)
