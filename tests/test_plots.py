"""Pictures of comparisons."""

import dataclasses
import itertools
from functools import partial

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits import plots
from maxpool_circuits.comparison import ComparisonTable, Workload, read_csv
from maxpool_circuits.comparison.table import METRICS
from maxpool_circuits.plots.figure import FREE_STYLES, STYLES

PNG = b"\x89PNG\r\n\x1a\n"
CIRCUITS = ["pairwise-relu", "winner-take-all"]
NO_TRIALS = pd.DataFrame(columns=["circuit", "trial", "readout", *METRICS])


@pytest.fixture(autouse=True)
def no_screen(monkeypatch):
    """Draw without a screen; showing a figure is an error."""
    plt.switch_backend("Agg")

    def show(*args, **options):
        pytest.fail("a figure was shown")

    monkeypatch.setattr(plt, "show", show)
    monkeypatch.setattr(Figure, "show", show)
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def table():
    """Two circuits and the references."""
    return mpc.compare(CIRCUITS, window_size=3, n_pools=100)


@pytest.fixture(scope="module")
def image_table():
    """Two circuits on images."""
    return mpc.compare(CIRCUITS, window_size=8, workload="images")


def labels(ax):
    """All labels of the legend."""
    return [text.get_text() for text in ax.get_legend().get_texts()]


def table_of(table, names):
    """The same table with some of its rows."""
    trials = table.trials[table.trials["circuit"].isin(names)]
    return dataclasses.replace(table, trials=trials)


# --- one picture ----------------------------------------------------------------------


#: Functions that draw into Axes.
INTO_AXES = [
    plots.pareto,
    plots.error_by_gap,
    plots.traces,
    plots.raster,
    lambda table, ax=None: plots.error_map(table, "pairwise-relu", ax),
]


@pytest.mark.parametrize("function", INTO_AXES)
def test_axes_are_used_if_given_and_made_if_not(table, function):
    figure, (left, right) = plt.subplots(1, 2)
    open_figures = plt.get_fignums()
    assert function(table, ax=right) is right
    assert not left.has_data()
    assert plt.get_fignums() == open_figures
    made = function(table)
    assert made.has_data()
    assert made.figure is not figure


def test_pareto_has_a_point_for_each_row(table):
    ax = plots.pareto(table)
    points = [tuple(line.get_xydata()[0]) for line in ax.get_lines()]
    np.testing.assert_array_equal(
        points, np.transpose([table["latency"] * 1000, table["rmse"]])
    )
    *shown, average = labels(ax)
    assert shown == [*CIRCUITS, "oracle"]
    assert average.startswith("average (error 0.")
    assert ax.get_xlim()[0] == ax.get_ylim()[0] == 0
    assert "(ms)" in ax.get_xlabel()


def test_pareto_says_which_circuits_do_not_settle(table):
    trials = table.trials.copy()
    trials.loc[trials["circuit"] == "winner-take-all", "latency"] = np.nan
    ax = plots.pareto(dataclasses.replace(table, trials=trials))
    assert "winner-take-all (does not settle)" in labels(ax)
    assert "pairwise-relu" in labels(ax)


@pytest.mark.parametrize("pool", [-1, 10**6, 1.0])
def test_unknown_pool_is_refused(table, pool):
    with pytest.raises(ValidationError, match="pool.*0 to"):
        plots.traces(table, pool=pool)
    with pytest.raises(ValidationError, match="pool.*0 to"):
        plots.raster(table, pool=pool)


def test_pictures_of_images_and_over_time_need_them(table, tmp_path):
    with pytest.raises(ValidationError, match="images"):
        plots.image_comparison(table)
    table.to_csv(tmp_path / "table.csv")
    saved = read_csv(tmp_path / "table.csv")
    assert plots.pareto(saved).has_data()
    for draw in (plots.traces, plots.comparison, plots.image_comparison):
        with pytest.raises(ValidationError, match="files keep no outputs"):
            draw(saved)


def test_traces_are_filtered_outputs_and_the_true_maximum(table):
    ax = plots.traces(table, pool=7, interval=(0.1, 0.3))
    assert labels(ax) == ["true maximum", *CIRCUITS]
    lines = {line.get_label(): line for line in ax.get_lines()}
    for name in CIRCUITS:
        expected = table.filtered_output(name)[100:300, 7]
        np.testing.assert_array_equal(lines[name].get_ydata(), expected)
    target = table.workload.target[100:300, 7]
    np.testing.assert_array_equal(lines["true maximum"].get_ydata(), target)
    for line in lines.values():
        np.testing.assert_allclose(line.get_xdata(), np.arange(101, 301) / 1000)


@pytest.mark.parametrize("interval", [(0, 0.5), (0.2, 0.3)])
def test_raster_has_the_spikes_of_the_inputs_of_a_pool(table, interval):
    ax = plots.raster(table, pool=2, interval=interval)
    steps = np.arange(*np.multiply(interval, 1000).astype(int))
    assert len(ax.collections) == 3
    for trains, index in zip(ax.collections, (6, 7, 8)):
        spikes = steps[table.spikes[steps, index] > 0]
        assert len(spikes) > 0
        np.testing.assert_allclose(trains.get_positions(), (spikes + 1) / 1000)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["6", "7", "8"]


def test_raster_of_a_smaller_window_has_fewer_rows():
    windows = mpc.PoolWindows.from_indices([[0, 1, 2], [4, 3]], n_inputs=5)
    values = np.full((40, 5), 0.5)
    workload = Workload("half", windows, values, np.ones(40, bool), values[:2])
    table = ComparisonTable(NO_TRIALS, "", workload, {}, np.eye(40, 5))
    ax = plots.raster(table, pool=1)
    positions = [trains.get_positions() for trains in ax.collections]
    np.testing.assert_allclose(positions, [[0.005], [0.004]])


def test_color_of_a_circuit_is_the_same_in_all_pictures(table):
    looks = []
    for draw in (plots.pareto, plots.traces, plots.error_by_gap):
        handles, names = draw(table).get_legend_handles_labels()
        # of points with bars, the points
        lines = [each[0] if isinstance(each, tuple) else each for each in handles]
        found = [(line.get_color(), line.get_marker()) for line in lines]
        looks.append(dict(zip(names, found)))
    for name in CIRCUITS:
        expected = tuple(plots.styles([name])[name].values())
        assert [look[name] for look in looks] == [expected] * 3
    assert len({color for color, _ in looks[0].values()}) == 4
    assert len({marker for _, marker in looks[0].values()}) == 4


def test_references_do_not_make_the_scale(table):
    for draw in (plots.pareto, plots.error_by_gap):
        ax = draw(table)
        assert ax.get_ylim()[1] < table["average"].rmse / 2
        assert sum("not shown" in label for label in labels(ax)) == 1
    ax = plots.pareto(table_of(table, ["oracle", "average"]))
    assert ax.get_ylim()[1] > table["average"].rmse


def test_several_trials_have_bars(table):
    first = table.trials
    second = first.assign(trial=1, rmse=1.1 * first.rmse, latency=1.2 * first.latency)
    several = dataclasses.replace(table, trials=pd.concat([first, second]))
    ax = plots.pareto(several)
    (points, _, bars) = ax.containers[0]
    horizontal, vertical = (bar.get_segments()[0] for bar in bars)
    for segment, axis, metric, factor in (
        (horizontal, 0, "latency", 1000),
        (vertical, 1, "rmse", 1),
    ):
        mean, half = several[metric].iloc[0], several.half_widths[metric].iloc[0]
        bounds = mean - half, mean + half
        np.testing.assert_allclose(segment[:, axis], np.multiply(bounds, factor))
    assert several.plot().axes


def test_every_map_has_a_color_bar_with_units(table, image_table):
    figures = (
        plots.error_map(table, "pairwise-relu").figure,
        plots.image_comparison(image_table),
    )
    for figure, n_bars in zip(figures, (1, 2)):
        bars = [ax for ax in figure.axes if ax.get_label() == "<colorbar>"]
        assert len(bars) == n_bars
        assert all("units of the input" in bar.get_ylabel() for bar in bars)


def lightness_and_color(color):
    """CIELAB coordinates, as seen without the cones for middle wavelengths."""
    standard = np.array(matplotlib.colors.to_rgb(color))
    linear = np.where(
        standard <= 0.04045, standard / 12.92, ((standard + 0.055) / 1.055) ** 2.4
    )
    # Machado, Oliveira and Fernandes (2009), deuteranopia
    seen = np.clip(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
        @ linear,
        0,
        1,
    )
    xyz = [
        [0.4124, 0.3576, 0.1805],
        [0.2126, 0.7152, 0.0722],
        [0.0193, 0.1192, 0.9505],
    ] @ seen
    x, y, z = np.cbrt(xyz / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_circuits_are_told_apart_in_grey_and_by_the_color_blind():
    styles = plots.styles(mpc.circuits())
    markers = {style["marker"] for style in styles.values()}
    assert len(markers) == len(styles)
    seen = [lightness_and_color(style["color"]) for style in styles.values()]
    for one, other in itertools.combinations(seen, 2):
        assert np.linalg.norm(one - other) > 15
        assert abs(one[0] - other[0]) > 4
    # those that users' circuits get are others
    everything = [lightness_and_color(color) for color, _ in FREE_STYLES]
    assert len({marker for _, marker in FREE_STYLES}) == len(FREE_STYLES)
    for one, other in itertools.combinations(everything, 2):
        assert np.linalg.norm(one - other) > 10


def test_names_are_drawn_as_they_are(table, tmp_path):
    names = ["$\\frac{$", "_mine"]
    renamed = table.trials.replace({"circuit": dict(zip(CIRCUITS, names))})
    outputs = dict(zip(names, table.outputs.values()))
    table = dataclasses.replace(
        table, trials=renamed, outputs={**table.outputs, **outputs}
    )
    for draw in (plots.pareto, plots.traces, plots.error_by_gap):
        ax = draw(table)
        ax.figure.savefig(tmp_path / "figure.png")
        # an escaped $ begins no formula
        shown = [label.replace(r"\$", "$").strip() for label in labels(ax)]
        assert set(names) <= set(shown)
    plots.error_map(table, names[0]).figure.savefig(tmp_path / "figure.png")


@pytest.mark.parametrize(
    "draw, argument",
    [
        (lambda table: plots.pareto(5), "table"),
        (lambda table: plots.pareto(table, ax=5), "ax"),
        (lambda table: plots.traces(table, interval=5), "interval"),
        (lambda table: plots.raster(table, interval=(1, 0)), "interval"),
        (lambda table: plots.error_map(table, CIRCUITS[0], limit=-1), "limit"),
        (lambda table: plots.pooled_images(np.zeros((2, 2))), "maps"),
    ],
)
def test_plots_check_their_arguments(table, draw, argument):
    with pytest.raises(ValidationError) as error:
        draw(table)
    assert error.value.attr == argument


def test_own_circuits_get_the_next_free_style():
    names = [*mpc.circuits(), "mine", "yours"]
    styles = {name: tuple(look.values()) for name, look in plots.styles(names).items()}
    assert {name: styles[name] for name in STYLES} == STYLES
    assert [styles["mine"], styles["yours"]] == list(FREE_STYLES[:2])
    assert len(plots.styles([f"circuit {number}" for number in range(25)])) == 25


def test_circuit_named_by_the_user_has_the_style_of_its_class():
    named = {"mine": mpc.WinnerTakeAll, "slow": partial(mpc.WinnerTakeAll, synapse=0.1)}
    named["other"] = lambda windows: mpc.PairwiseReLU(windows)
    ax = plots.pareto(mpc.compare(named, n_pools=5))
    handles, names = ax.get_legend_handles_labels()
    looks = {
        n.split(" (")[0]: (h[0].get_color(), h[0].get_marker())
        for h, n in zip(handles, names)
    }
    assert looks["mine"] == STYLES["winner-take-all"]
    assert looks["other"] == STYLES["pairwise-relu"]
    assert looks["slow"][0] == looks["mine"][0]
    assert looks["slow"][1] != looks["mine"][1]


def test_rows_of_a_circuit_have_its_style():
    rows = ["exact (two poles of 5 ms)", "WinnerTakeAll", "winner-take-all at 9 Hz"]
    exact, by_class, by_name = plots.styles(rows).values()
    assert exact == plots.styles(["exact"])["exact"]
    assert by_class != by_name
    assert by_class == plots.styles(["WinnerTakeAll"])["WinnerTakeAll"] != exact
    assert by_class["color"] == by_name["color"]


def test_pooled_images_stand_in_a_square():
    maps = np.arange(2 * 3 * 3).reshape(2, 3, 3)
    _, ax = plt.subplots()
    assert plots.pooled_images(maps, ax, vmin=-1, vmax=99, cmap="gray") is ax
    (image,) = ax.images
    canvas = image.get_array()
    assert canvas.shape == (5, 7)
    np.testing.assert_array_equal(canvas[:2, :3], maps[:, :, 0])
    np.testing.assert_array_equal(canvas[:2, 4:], maps[:, :, 1])
    np.testing.assert_array_equal(canvas[3:, :3], maps[:, :, 2])
    assert np.ma.count(np.ma.masked_invalid(canvas)) == 18
    assert image.get_clim() == (-1, 99)
    assert image.get_cmap().name == "gray"


def synthetic_table(windows, values, output, is_read=None):
    """A table of one circuit whose outputs are known, read without a filter."""
    is_read = np.ones(len(values), dtype=bool) if is_read is None else is_read
    workload = Workload("synthetic", windows, values, is_read, values[:2])
    row = {
        "circuit": "known",
        "trial": 0,
        "readout": 1e-6,
        **dict.fromkeys(METRICS, 0.0),
    }
    return ComparisonTable(pd.DataFrame([row]), "", workload, {"known": output}, values)


def test_error_map_has_mean_errors_where_gap_and_maximum_say():
    # four readings of each of two pools: a tie at 0.5, and 0.25 beside 1
    windows = mpc.PoolWindows.independent(n_pools=2, window_size=2)
    values = np.tile([0.5, 0.5, 0.25, 1.0], (4, 1))
    output = np.array([[0.6, 0.8], [0.7, 0.9], [0.8, 0.7], [0.7, 0.8]])
    ax = plots.error_map(synthetic_table(windows, values, output), "known", limit=0.3)
    assert ax.get_title() == "known"
    (hexagons,) = ax.collections
    assert hexagons.get_clim() == (-0.3, 0.3)
    errors = dict(zip(hexagons.get_offsets()[:, 1].round(1), hexagons.get_array()))
    assert errors == pytest.approx({0.5: 0.2, 1.0: -0.2})
    gaps = hexagons.get_offsets()[:, 0]
    np.testing.assert_allclose(np.sort(gaps), [0, 0.75], atol=1e-3)


def test_error_map_leaves_out_what_is_not_read_and_windows_of_one_input():
    windows = mpc.PoolWindows.from_indices([[0, 1], [2]], n_inputs=3)
    values = np.tile([0.5, 0.25, 1.0], (8, 1))
    output = np.full((8, 2), 0.5)
    output[:4] = 99
    table = synthetic_table(windows, values, output, is_read=np.arange(8) >= 4)
    (hexagons,) = plots.error_map(table, "known").collections
    np.testing.assert_allclose(hexagons.get_array(), [0], atol=1e-12)


def test_error_by_gap_has_ten_parts_of_equal_size():
    windows = mpc.PoolWindows.from_indices([[0, 1, 2], [3, 4]], n_inputs=5)
    gap = np.linspace(0, 0.5, 50)
    values = np.zeros((50, 5))
    values[:, [1, 3]] = 0.5
    values[:, [2, 4]] = 0.5 + gap[:, np.newaxis]
    # the error is as large as the gap
    output = 0.5 + 2 * np.stack([gap, gap], axis=1)
    ax = plots.error_by_gap(synthetic_table(windows, values, output))
    (line,) = ax.get_lines()
    parts = gap.reshape(10, 5)
    np.testing.assert_allclose(line.get_xdata(), parts.mean(axis=1))
    np.testing.assert_allclose(line.get_ydata(), np.sqrt(np.mean(parts**2, axis=1)))
    assert labels(ax) == ["known"]


def test_windows_of_one_input_have_no_gap():
    table = mpc.compare(CIRCUITS, window_size=1, n_pools=2)
    for draw in (
        plots.error_by_gap,
        lambda table: plots.error_map(table, "oracle"),
    ):
        with pytest.raises(ValidationError, match="two or more inputs"):
            draw(table)


# --- whole figures --------------------------------------------------------------------


def test_comparison_has_error_against_latency_traces_and_spikes(table, tmp_path):
    figure = table.plot(tmp_path / "figure.png", pool=4)
    pareto, traces, raster = figure.axes
    assert len(pareto.get_lines()) == 4
    assert len(traces.get_lines()) == 3
    assert len(raster.collections) == 3
    for ax in (traces, raster):
        assert "pool 4" in ax.get_title()
    assert traces.get_xlim() == raster.get_xlim()
    assert [file.name for file in tmp_path.iterdir()] == ["figure.png"]
    assert (tmp_path / "figure.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize("ending", [".pdf", ".svg"])
def test_ending_of_the_file_chooses_the_format(table, tmp_path, ending):
    table.plot(tmp_path / f"figure{ending}")
    start = (tmp_path / f"figure{ending}").read_bytes()[:100]
    assert {".pdf": b"%PDF", ".svg": b"<?xml"}[ending] in start


@pytest.mark.parametrize("image", [-1, 0])
def test_image_comparison_has_two_pictures_per_row_of_the_table(
    image_table, tmp_path, image
):
    path = tmp_path / "figure.png"
    angles = ["0", "45", "90", "135"]
    figure = plots.image_comparison(image_table, path, image, labels=angles)
    pictures = [ax.images[0].get_array() for ax in figure.axes if ax.images]
    assert len(pictures) == 2 * (1 + len(image_table.means))
    np.testing.assert_array_equal(pictures[0], image_table.workload.images[image])
    assert [text.get_text() for text in figure.axes[1].texts] == angles
    assert path.read_bytes().startswith(PNG)
    with pytest.raises(ValidationError, match="image.*-8 to 7"):
        plots.image_comparison(image_table, image=8)


def test_image_comparison_shows_outputs_and_errors_where_they_are_read(image_table):
    figure = plots.image_comparison(image_table)
    pictures = [ax.images[0].get_array() for ax in figure.axes if ax.images]
    output = image_table.filtered_output("pairwise-relu")[799].reshape(8, 8, 4)
    target = image_table.workload.target[799].reshape(8, 8, 4)
    for picture, maps in zip(pictures[1:4], (target, output, output - target)):
        for i, (top, left) in enumerate([(0, 0), (0, 9), (9, 0), (9, 9)]):
            drawn = picture[top : top + 8, left : left + 8]
            np.testing.assert_array_equal(drawn, maps[:, :, i])


@pytest.mark.parametrize("draw", [plots.comparison, plots.image_comparison])
def test_figure_that_cannot_be_written_leaves_the_old_file(
    image_table, tmp_path, monkeypatch, draw
):
    def savefig(figure, path, **options):
        path.write_bytes(PNG)
        raise OSError("no space left on device")

    monkeypatch.setattr(Figure, "savefig", savefig)
    path = tmp_path / "figure.png"
    path.write_text("old")
    with pytest.raises(OSError, match="no space left"):
        draw(image_table, path)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


def test_names_of_styles_are_checked():
    with pytest.raises(ValidationError, match="names: must be names of rows, got 5"):
        plots.styles(5)
