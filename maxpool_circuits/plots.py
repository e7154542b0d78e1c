"""Pictures of comparisons.

Functions that take ``ax`` draw into these Axes, or into new ones, and return them.
Those that take ``path`` return a new figure, and write it to this file if there is one.
Nothing is shown. Needs matplotlib (``pip install maxpool-circuits[plots]``).
"""

import dataclasses
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from nengo.exceptions import ValidationError

from .comparison.measures import REFERENCES
from .comparison.workloads import DT
from .utils.checks import is_integer
from .utils.files import written_whole


def pareto(table, ax=None):
    """Draw the error of each circuit against its latency.

    Parameters
    ----------
    table : ComparisonTable
        The comparison.
    ax : matplotlib.axes.Axes, optional (Default: None)
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits import plots
    >>> table = mpc.compare(["winner-take-all"], n_pools=5)
    >>> ax = plots.pareto(table)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('latency after a step (ms)', 'root-mean-square error')
    >>> len(ax.lines) == len(table.rows)
    True
    >>> plt.close(ax.figure)
    """
    ax = _axes(ax)
    for row in table.rows:
        color = _color(table, row.circuit)
        settles = np.isfinite(row.latency)
        label = row.circuit if settles else f"{row.circuit} (does not settle)"
        ax.plot(row.latency * 1000, row.rmse, "o", color=color, label=label)
    # a legend, since labels next to the points would cover each other
    ax.legend(fontsize="small")
    # no point lies on the frame
    ax.margins(0.15)
    ax.set_xlim(left=0)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("latency after a step (ms)")
    ax.set_ylabel("root-mean-square error")
    ax.set_title("error against latency: lower left is better")
    return ax


def traces(table, pool=0, ax=None, interval=(0.0, 0.5)):
    """Draw the true maximum and the filtered output of each circuit for one pool.

    Parameters
    ----------
    table : ComparisonTable
        The comparison.
    pool : int, optional (Default: 0)
        Which pool.
    ax : matplotlib.axes.Axes, optional (Default: None)
        Where to draw.
    interval : (float, float), optional (Default: (0, 0.5))
        First and last time, in seconds.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there is no such pool.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits import plots
    >>> table = mpc.compare(["winner-take-all"], n_pools=5)
    >>> ax = plots.traces(table, pool=3, interval=(0, 0.2))
    >>> [line.get_label() for line in ax.lines]
    ['winner-take-all', 'true maximum']
    >>> plt.close(ax.figure)
    """
    _check_pool(table, pool)
    ax = _axes(ax)
    steps = _steps(table, interval)
    time = (np.arange(len(table.workload.values))[steps] + 1) * DT
    for row in table.rows:
        if row.circuit in REFERENCES:
            continue
        output = table.filtered_output(row.circuit)[steps, pool]
        color = _color(table, row.circuit)
        ax.plot(time, output, color=color, linewidth=1, label=row.circuit)
    target = table.workload.target[steps, pool]
    ax.plot(time, target, "k", linewidth=2, label="true maximum")
    ax.set_xlabel("time (s)")
    ax.set_ylabel("value")
    ax.set_title(f"pool {pool}, each circuit behind its readout filter")
    ax.legend(fontsize="small", ncols=2)
    return ax


def raster(table, pool=0, ax=None, interval=(0.0, 0.5)):
    """Draw the spikes of the inputs of one pool.

    Parameters
    ----------
    table : ComparisonTable
        The comparison.
    pool : int, optional (Default: 0)
        Which pool.
    ax : matplotlib.axes.Axes, optional (Default: None)
        Where to draw.
    interval : (float, float), optional (Default: (0, 0.5))
        First and last time, in seconds.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there is no such pool.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits import plots
    >>> table = mpc.compare(["winner-take-all"], n_pools=5)
    >>> ax = plots.raster(table, pool=1)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['4', '5', '6', '7']
    >>> plt.close(ax.figure)
    """
    _check_pool(table, pool)
    ax = _axes(ax)
    steps = _steps(table, interval)
    windows = table.workload.windows
    inputs = windows.indices[pool, : windows.sizes[pool]]
    spikes = table.spikes[: len(table.workload.values)][steps][:, inputs]
    times = [
        (np.flatnonzero(train) + 1) * DT + max(interval[0], 0.0) for train in spikes.T
    ]
    ax.eventplot(times, colors="k", linelengths=0.8, linewidths=0.6)
    ax.set_yticks(range(len(inputs)), [str(index) for index in inputs])
    ax.set_xlabel("time (s)")
    ax.set_ylabel("input")
    ax.set_title(f"spikes of the inputs of pool {pool}")
    return ax


def pooled_images(maps, ax=None, **options):
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
    ax = _axes(ax)
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


def error_map(table, circuit, ax=None, limit=0.25):
    """Draw where a circuit errs: by how close its pools are to a tie, and how large.

    Each hexagon is the mean error of all readings whose two largest inputs differ by
    as much as its place on the horizontal axis and whose maximum is its place on the
    vertical one; blue is too small, red is too large. Hexagons of very few readings
    are left out, as are windows of a single input.

    Parameters
    ----------
    table : ComparisonTable
        The comparison.
    circuit : str
        The name of the circuit, as in the table.
    ax : matplotlib.axes.Axes, optional (Default: None)
        Where to draw.
    limit : float, optional (Default: 0.25)
        Mean error with the darkest colors, in units of the input.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes; its one collection can be given a colorbar.

    Raises
    ------
    nengo.exceptions.ValidationError
        If all windows have one input.
    KeyError
        If the circuit is not in the table.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits import plots
    >>> table = mpc.compare(["winner-take-all"], n_pools=5)
    >>> ax = plots.error_map(table, "winner-take-all", limit=0.1)
    >>> ax.collections[0].get_clim()
    (-0.1, 0.1)
    >>> plt.close(ax.figure)
    """
    ax = _axes(ax)
    gap, maximum = _gaps(table)
    ax.hexbin(
        gap,
        maximum,
        C=_errors(table, circuit),
        reduce_C_function=np.mean,
        mincnt=3,
        gridsize=12,
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        linewidths=0.2,
    )
    # grey, since white is the color of no error
    ax.set_facecolor("0.85")
    ax.set_xlim(left=0)
    ax.set_xlabel("gap between the two largest")
    ax.set_ylabel("true maximum")
    ax.set_title(circuit)
    return ax


def error_by_gap(table, ax=None):
    """Draw the error of each circuit against the gap between the two largest inputs.

    All readings, in order of their gap, are cut into ten parts of equal size; each
    point is the root-mean-square error of one part.

    Parameters
    ----------
    table : ComparisonTable
        The comparison.
    ax : matplotlib.axes.Axes, optional (Default: None)
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes.

    Raises
    ------
    nengo.exceptions.ValidationError
        If all windows have one input.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits import plots
    >>> table = mpc.compare(["winner-take-all"], n_pools=5)
    >>> ax = plots.error_by_gap(table)
    >>> for line in ax.lines:
    ...     print(line.get_label(), len(line.get_ydata()))
    winner-take-all 10
    oracle 10
    average 10
    >>> plt.close(ax.figure)
    """
    ax = _axes(ax)
    gap, _ = _gaps(table)
    parts = np.array_split(np.argsort(gap), 10)
    middles = [gap[part].mean() for part in parts]
    for row in table.rows:
        squares = _errors(table, row.circuit) ** 2
        errors = [np.sqrt(squares[part].mean()) for part in parts]
        color = _color(table, row.circuit)
        ax.plot(middles, errors, "o-", color=color, markersize=3, label=row.circuit)
    ax.legend(fontsize="small")
    ax.set_xlim(left=0)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("gap between the two largest inputs")
    ax.set_ylabel("root-mean-square error")
    ax.set_title("error against the gap: ties are on the left")
    return ax


def comparison(table, path=None, pool=0):
    """Draw error against latency, and the traces and spikes of one pool.

    Parameters
    ----------
    table : ComparisonTable
        The comparison.
    path : str or os.PathLike, optional (Default: None)
        Write the figure to this file too.
    pool : int, optional (Default: 0)
        The pool whose traces are drawn.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there is no such pool, or matplotlib has no format for the ending of the
        path.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits import plots
    >>> table = mpc.compare(["winner-take-all"], n_pools=5)
    >>> figure = plots.comparison(table, pool=1)
    >>> for ax in figure.axes:
    ...     print(ax.get_title())
    error against latency: lower left is better
    pool 1, each circuit behind its readout filter
    spikes of the inputs of pool 1
    >>> plt.close(figure)
    """
    figure = plt.figure(figsize=(13, 6), layout="constrained")
    axes = figure.subplot_mosaic(
        [["pareto", "traces"], ["pareto", "raster"]],
        width_ratios=(2, 3),
        height_ratios=(3, 1),
    )
    pareto(table, axes["pareto"])
    traces(table, pool, axes["traces"])
    raster(table, pool, axes["raster"])
    axes["traces"].sharex(axes["raster"])
    return _saved(figure, path)


def before_and_after(table, path=None):
    """Draw what tuning changed: error by gap, bias over the inputs, and latency.

    Parameters
    ----------
    table : ComparisonTable
        A comparison of two circuits called "untuned" and "tuned".
    path : str or os.PathLike, optional (Default: None)
        Write the figure to this file too.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    KeyError
        If no circuit is called "untuned", or none "tuned".
    nengo.exceptions.ValidationError
        If all windows have one input, or matplotlib has no format for the ending of the
        path.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import functools
    >>> import matplotlib.pyplot as plt
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits import plots
    >>> untuned = functools.partial(mpc.WinnerTakeAll, decoders=None)
    >>> table = mpc.compare({"untuned": untuned, "tuned": mpc.WinnerTakeAll}, n_pools=5)
    >>> figure = plots.before_and_after(table)
    >>> for ax in figure.axes[:4]:
    ...     print(ax.get_title())
    error against the gap: ties are on the left
    error against latency: lower left is better
    mean error, untuned
    mean error, tuned
    >>> plt.close(figure)
    """
    # the error of average pooling would squeeze the others
    rows = tuple(row for row in table.rows if row.circuit != "average")
    table = dataclasses.replace(table, rows=rows)
    figure = plt.figure(figsize=(12, 8), layout="constrained")
    axes = figure.subplot_mosaic([["gap", "latency"], ["untuned", "tuned"]])
    error_by_gap(table, ax=axes["gap"])
    pareto(table, ax=axes["latency"])
    largest = max(np.abs(_errors(table, c)).mean() for c in ("untuned", "tuned"))
    for circuit in ("untuned", "tuned"):
        ax = error_map(table, circuit, ax=axes[circuit], limit=3 * largest)
        ax.set_title(f"mean error, {circuit}")
    bar = {"label": "mean error", "extend": "both"}
    figure.colorbar(ax.collections[0], ax=[axes["untuned"], axes["tuned"]], **bar)
    return _saved(figure, path)


def image_comparison(table, path=None, n_images=3):
    """Draw images, their true pooled maps, and the maps and errors of each circuit.

    Parameters
    ----------
    table : ComparisonTable
        A comparison on images.
    path : str or os.PathLike, optional (Default: None)
        Write the figure to this file too.
    n_images : int, optional (Default: 3)
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
    workload = table.workload
    if workload.images is None:
        raise ValidationError(
            f"must be a comparison on images, got one on {workload.name!r}",
            attr="table",
        )
    height, width, *_, n_maps = workload.windows.output_shape
    shape = (height, width, n_maps)
    shown = np.arange(len(workload.images))[-n_images:]
    # circuits are read at the end of each presentation
    ends = (shown + 1) * (len(workload.values) // len(workload.images)) - 1
    targets = workload.target[ends]
    largest = targets.max()
    names = [row.circuit for row in table.rows]

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
    for line, row in zip(axes[1:], table.rows):
        outputs = table.filtered_output(row.circuit)[ends]
        for column, (output, target) in enumerate(zip(outputs, targets)):
            pooled_images(output.reshape(shape), line[2 * column], **of_value)
            error = (output - target).reshape(shape)
            pooled_images(error, line[2 * column + 1], **of_error)
        # an Axes that is switched off does not draw its own label
        line[0].text(
            -0.1,
            0.5,
            f"{row.circuit}\nRMSE {row.rmse:.3f}",
            transform=line[0].transAxes,
            horizontalalignment="right",
            verticalalignment="center",
        )
    for column in range(n_images):
        axes[1, 2 * column].set_title("output", fontsize="medium")
        axes[1, 2 * column + 1].set_title("error", fontsize="medium")
    bars = ((axes[: len(axes) // 2], "value"), (axes[len(axes) // 2 :], "error"))
    for (where, label), column in zip(bars, (0, 1)):
        drawn = axes[1, column].images[0]
        figure.colorbar(drawn, ax=where, label=label, shrink=0.8)
    return _saved(figure, path)


def conversions(table, steps, path=None):
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
    figure, ax = plt.subplots(figsize=(9, 5), layout="constrained")
    ann = 100 * table.ann_accuracy
    ax.axhline(ann, color="k", linestyle="--", label=f"ANN ({ann:.1f} %)")
    for index, row in enumerate(table.rows):
        accuracies = [100 * accuracy for accuracy in row.accuracies]
        label = f"{row.pooling} ({accuracies[-1]:.1f} %)"
        ax.plot(steps, accuracies, "o-", color=f"C{index % 10}", label=label)
    ax.set_xlabel("time step (of 1 ms)")
    ax.set_ylabel("accuracy (%)")
    ax.set_title("accuracy against time, and in the end")
    figure.legend(loc="outside right center", fontsize="small")
    return _saved(figure, path)


def layers(table, path=None):
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
    height = 1.5 + 0.3 * len(table.rows)
    figure, ax = plt.subplots(figsize=(8, height), layout="constrained")
    # layers may share a name, so that bars are put by number
    positions = range(len(table.rows))
    ax.barh(positions, [row.error for row in table.rows])
    ax.set_yticks(positions, [row.layer for row in table.rows])
    ax.invert_yaxis()
    ax.set_xlabel("distance to Keras (of the spread of the layer's values)")
    return _saved(figure, path)


def _check_pool(table, pool):
    n_pools = table.workload.windows.n_pools
    if not is_integer(pool) or not 0 <= pool < n_pools:
        raise ValidationError(
            f"must be an integer from 0 to {n_pools - 1}, got {pool!r}", attr="pool"
        )


def _axes(ax):
    return plt.subplots()[1] if ax is None else ax


def _color(table, circuit):
    """Color of a circuit, the same in all pictures of a table; references are grey."""
    if circuit in REFERENCES:
        return ("0.2", "0.6")[REFERENCES.index(circuit)]
    names = [row.circuit for row in table.rows]
    return f"C{names.index(circuit) % 10}"


def _read(table):
    """Which readings, of steps and pools, have two or more inputs."""
    several = table.workload.windows.sizes > 1
    return table.workload.is_read[:, np.newaxis] & several


def _gaps(table):
    """Gap between the two largest inputs, and the maximum, of all readings."""
    workload = table.workload
    indices = workload.windows.indices
    if indices.shape[1] < 2:
        raise ValidationError(
            "must be a comparison of windows of two or more inputs", attr="table"
        )
    members = np.where(indices < 0, -np.inf, workload.values[:, indices])
    second, first = np.moveaxis(np.sort(members[_read(table)], axis=-1), -1, 0)[-2:]
    return first - second, first


def _errors(table, circuit):
    """Filtered output less true maximum of all readings."""
    output = table.filtered_output(circuit)[: len(table.workload.values)]
    return (output - table.workload.target)[_read(table)]


def _steps(table, interval):
    first, last = (int(round(time / DT)) for time in interval)
    return slice(max(first, 0), min(last, len(table.workload.values)))


def _saved(figure, path):
    """Write a figure to a file, if there is one, in the format of its ending."""
    if path is None:
        return figure
    form = Path(path).suffix[1:].lower() or "png"
    known = figure.canvas.get_supported_filetypes()
    if form not in known:
        raise ValidationError(
            f"the ending of {str(path)!r} must be one of {', '.join(known)}",
            attr="path",
        )
    with written_whole(path) as unfinished:
        figure.savefig(unfinished, dpi=150, format=form)
    return figure
