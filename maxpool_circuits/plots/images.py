"""Images, and what pools make of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
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
    image: int = -1,
    labels: Sequence[str] = (),
) -> Figure:
    """Draw an image, its true pooled maps, and the maps and errors of each circuit.

    Parameters
    ----------
    table : ComparisonTable
        A comparison on images.
    path : str or os.PathLike, optional (Default: None)
        Write the figure to this file too.
    image : int, optional (Default: -1)
        Which image, from the first (0) on or from the last (-1) backward.
    labels : (n_maps,) sequence of str, optional
        Names of the maps, such as the orientations of filters.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the comparison is not on images, there is no such image, or ``labels`` are
        not names of its maps.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits import plots
    >>> from maxpool_circuits.comparison import images
    >>> table = mpc.compare(["exact"], workload=images(window_size=64, n_images=2))
    >>> figure = plots.image_comparison(table)
    >>> [ax.get_title("left") for ax in figure.axes[:3]]
    ['image', 'true maximum', 'exact\\noutput']
    >>> plt.close(figure)
    """
    workload = checked_table(table).workload
    if workload.images is None:
        raise ValidationError(
            f"must be a comparison on images, got one on {workload.name!r}",
            attr="table",
        )
    n_images = len(workload.images)
    image = valid_integer(image, "image", lowest=-n_images, highest=n_images - 1)
    height, width, *_, n_maps = workload.windows.output_shape
    are_names = isinstance(labels, (list, tuple)) and len(labels) <= n_maps
    if not are_names or not all(isinstance(label, str) for label in labels):
        raise ValidationError(
            f"must be names of at most {n_maps} maps, got {labels!r}", attr="labels"
        )
    shape = (height, width, n_maps)
    # circuits are read at the end of each presentation
    end = (image % n_images + 1) * (len(workload.values) // n_images) - 1
    target = workload.target[end]
    names = list(table.means.index)

    n_columns = min(4, len(names) + 1)
    n_rows = -(-(len(names) + 1) // n_columns)
    figure, axes = plt.subplots(
        n_rows,
        2 * n_columns,
        figsize=(3 * n_columns + 1.6, 2.1 * n_rows),
        squeeze=False,
    )
    figure.set_layout_engine("constrained", wspace=0.03)
    for ax in axes.flat:
        ax.set_axis_off()
    of_value = {"cmap": "viridis", "vmin": 0, "vmax": target.max()}
    of_error = {"cmap": "RdBu_r", "vmin": -0.25, "vmax": 0.25}
    (left, right), *pairs = axes.reshape(-1, 2)
    # filters see it enlarged
    left.imshow(workload.images[image], cmap="gray_r", interpolation="bilinear")
    left.set_title("image", loc="left")
    pooled_images(target.reshape(shape), right, **of_value)
    right.set_title("true maximum", loc="left")
    n_across = int(np.ceil(np.sqrt(n_maps)))
    for number, label in enumerate(labels):
        row, column = divmod(number, n_across)
        place = (column * (width + 1), row * (height + 1))
        right.text(*place, label, color="w", fontsize="small", verticalalignment="top")
    for (output_ax, error_ax), name in zip(pairs, names):
        output = table.filtered_output(name)[end]
        pooled_images(output.reshape(shape), output_ax, **of_value)
        pooled_images((output - target).reshape(shape), error_ax, **of_error)
        output_ax.set_title(f"{as_label(name)}\noutput", loc="left")
        error_ax.set_title(f"error {table.loc[name, 'rmse']:.3f}", loc="left")
    for what, shown in (("value", right), ("error", pairs[0][1])):
        label = f"{what} (units of the input)"
        figure.colorbar(
            shown.images[0], ax=axes, label=label, aspect=40, pad=0.01, extend="both"
        )
    return saved(figure, path)
