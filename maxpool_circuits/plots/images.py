"""Images, and what pools make of them."""

from __future__ import annotations

import os
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from nengo.exceptions import ValidationError

from ..utils.checks import valid_integer
from .figure import Table, as_label, axes_or_new, checked_table, saved


def pooled_images(maps: np.ndarray, ax: Axes | None = None, **options: Any) -> Axes:
    """Draw the pooled maps of one image next to each other in a square.

    Parameters
    ----------
    maps : (height, width, n_maps) array
        The maps.
    ax : matplotlib.axes.Axes, optional (Default: None)
        Where to draw.
    **options
        Passed on to `matplotlib.axes.Axes.imshow`, such as ``vmax`` and ``cmap``.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes.

    Examples
    --------
    Three maps of 4x4 pixels, in a square of four places, one pixel between them:

    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from maxpool_circuits import plots
    >>> ax = plots.pooled_images(np.zeros((4, 4, 3)), vmax=1)
    >>> ax.images[0].get_array().shape
    (9, 9)
    >>> plt.close(ax.figure)
    """
    ax = axes_or_new(ax)
    if np.ndim(maps) != 3:
        raise ValidationError(
            f"must be an array (height, width, n_maps), got {maps!r}", attr="maps"
        )
    height, width, n_maps = np.shape(maps)
    n_columns = int(np.ceil(np.sqrt(n_maps)))
    n_rows = -(-n_maps // n_columns)
    canvas = np.full((n_rows * (height + 1) - 1, n_columns * (width + 1) - 1), np.nan)
    for i in range(n_maps):
        row, column = divmod(i, n_columns)
        top, left = row * (height + 1), column * (width + 1)
        canvas[top : top + height, left : left + width] = maps[:, :, i]
    ax.imshow(canvas, **options)
    ax.set_axis_off()
    return ax


def image_comparison(
    table: Table,
    path: str | os.PathLike[str] | None = None,
    n_images: int | None = None,
) -> Figure:
    """Draw images, their true pooled maps, and the maps and errors of each circuit.

    Parameters
    ----------
    table : ComparisonTable
        A comparison on images.
    path : str or os.PathLike, optional (Default: None)
        Write the figure to this file too.
    n_images : int, optional (Default: 3, or all if there are fewer)
        How many images are shown, from the last one backward.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the comparison is not on images.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits import plots
    >>> from maxpool_circuits.comparison import images
    >>> table = mpc.compare(["exact"], workload=images(window_size=64, n_images=2))
    >>> figure = plots.image_comparison(table, n_images=1)
    >>> [ax.get_title() for ax in figure.axes[:4]]
    ['image', 'true maximum', 'output', 'error']
    >>> plt.close(figure)
    """
    workload = checked_table(table).workload
    if workload.images is None:
        raise ValidationError(
            f"must be a comparison on images, got one on {workload.name!r}",
            attr="table",
        )
    all_images = len(workload.images)
    n_images = min(3, all_images) if n_images is None else n_images
    n_images = valid_integer(n_images, "n_images", highest=all_images)
    height, width, *_, n_maps = workload.windows.output_shape
    shape = (height, width, n_maps)
    shown = np.arange(all_images)[-n_images:]
    # circuits are read at the end of each presentation
    ends = (shown + 1) * (len(workload.values) // all_images) - 1
    targets = workload.target[ends]
    names = list(table.means.index)

    figure, axes = plt.subplots(
        len(names) + 1,
        2 * n_images,
        figsize=(2 * n_images * 1.25 + 2.2, (len(names) + 1) * 1.25 + 0.5),
        layout="constrained",
    )
    of_value = {"cmap": "viridis", "vmin": 0, "vmax": targets.max()}
    of_error = {"cmap": "RdBu_r", "vmin": -0.25, "vmax": 0.25}
    titles = ("image", "true maximum"), ("output", "error")
    for line, pair in zip(axes, titles):
        for ax, title in zip(line, n_images * pair):
            ax.set_title(title, fontsize="medium")
    for ax, image in zip(axes[0, ::2], workload.images[shown]):
        ax.imshow(image, cmap="gray_r")
        ax.set_axis_off()
    for ax, target in zip(axes[0, 1::2], targets):
        pooled_images(target.reshape(shape), ax, **of_value)
    for line, name in zip(axes[1:], names):
        outputs = table.filtered_output(name)[ends]
        for left, right, output, target in zip(line[::2], line[1::2], outputs, targets):
            pooled_images(output.reshape(shape), left, **of_value)
            pooled_images((output - target).reshape(shape), right, **of_error)
        # an Axes that is switched off does not draw its own label
        line[0].text(
            -0.1,
            0.5,
            f"{as_label(name)}\nRMSE {table.loc[name, 'rmse']:.3f}",
            transform=line[0].transAxes,
            horizontalalignment="right",
            verticalalignment="center",
        )
    for where, what, ax in zip(np.array_split(axes, 2), ("value", "error"), axes[1]):
        label = f"{what} (units of the input)"
        figure.colorbar(ax.images[0], ax=where, label=label, shrink=0.8, extend="both")
    return saved(figure, path)
