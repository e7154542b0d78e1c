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
from .figure import Table, axes_or_new, checked_table, saved


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

    Raises
    ------
    nengo.exceptions.ValidationError
        If they are not maps.

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
    maps = np.asarray(maps)
    if maps.ndim != 3 or maps.size == 0 or maps.dtype.kind not in "fiub":
        raise ValidationError(
            f"must be numbers of shape (height, width, n_maps), got {maps!r}",
            attr="maps",
        )
    height, width, n_maps = maps.shape
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
        If the comparison is not on images, or matplotlib has no format for the ending
        of the path.
    OSError
        If the file cannot be written.

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
    checked_table(table)
    workload = table.workload
    if workload.images is None:
        raise ValidationError(
            f"must be a comparison on images, got one on {workload.name!r}",
            attr="table",
        )
    most = len(workload.images)
    if n_images is None:
        n_images = min(3, most)
    n_images = valid_integer(n_images, "n_images", highest=most)
    height, width, *_, n_maps = workload.windows.output_shape
    shape = (height, width, n_maps)
    shown = np.arange(len(workload.images))[-n_images:]
    # circuits are read at the end of each presentation
    ends = (shown + 1) * (len(workload.values) // len(workload.images)) - 1
    targets = workload.target[ends]
    largest = targets.max()
    names = list(table.means.index)

    figure, axes = plt.subplots(
        len(names) + 1,
        2 * n_images,
        figsize=(2 * n_images * 1.25 + 2.2, (len(names) + 1) * 1.25 + 0.5),
        layout="constrained",
    )
    of_value = {"cmap": "viridis", "vmin": 0, "vmax": largest}
    of_error = {"cmap": "RdBu_r", "vmin": -0.25, "vmax": 0.25}
    for column, (image, target) in enumerate(zip(shown, targets)):
        axes[0, 2 * column].imshow(workload.images[image], cmap="gray_r")
        axes[0, 2 * column].set_title("image", fontsize="medium")
        axes[0, 2 * column].set_axis_off()
        pooled_images(target.reshape(shape), axes[0, 2 * column + 1], **of_value)
        axes[0, 2 * column + 1].set_title("true maximum", fontsize="medium")
    for line, name in zip(axes[1:], names):
        outputs = table.filtered_output(name)[ends]
        for column, (output, target) in enumerate(zip(outputs, targets)):
            pooled_images(output.reshape(shape), line[2 * column], **of_value)
            error = (output - target).reshape(shape)
            pooled_images(error, line[2 * column + 1], **of_error)
        # an Axes that is switched off does not draw its own label
        line[0].text(
            -0.1,
            0.5,
            f"{name}\nRMSE {table.loc[name, 'rmse']:.3f}",
            transform=line[0].transAxes,
            horizontalalignment="right",
            verticalalignment="center",
        )
    for column in range(n_images):
        axes[1, 2 * column].set_title("output", fontsize="medium")
        axes[1, 2 * column + 1].set_title("error", fontsize="medium")
    halves = axes[: len(axes) // 2], axes[len(axes) // 2 :]
    for where, label, column in zip(halves, ("value", "error"), (0, 1)):
        drawn = axes[1, column].images[0]
        label += " (units of the input)"
        figure.colorbar(drawn, ax=where, label=label, shrink=0.8, extend="both")
    return saved(figure, path)
