"""Draws, intervals, and the forms and comparisons of tables."""

import dataclasses
import functools
import html.parser
import importlib.util
import subprocess
import sys

import numpy as np
import pytest
import scipy.stats
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.comparison import Row, SavedTable, read_csv
from maxpool_circuits.comparison.compare import seed_of_values
from maxpool_circuits.comparison.draws import seed_of_draw
from maxpool_circuits.comparison.estimates import difference_of, mean_of, ratio_of
from maxpool_circuits.comparison.results import FIGURES, mean_row

needs_pandas = pytest.mark.skipif(
    importlib.util.find_spec("pandas") is None, reason="pandas is not installed"
)
SMALL = {"circuits": ["winner-take-all"], "n_pools": 10}


@pytest.fixture(scope="module")
def table():
    """A real table of three draws."""
    return mpc.compare(**SMALL, n_draws=3)


def made_up(errors, n_draws=3, inputs="abcdefgh", **figures):
    """A table of circuits with given errors in each draw, and other figures of 1."""
    draws = {}
    for name, rmse in errors.items():
        values = dict.fromkeys(FIGURES, 1.0)
        values.update(figures)
        rows = [Row(name, 0.02, **{**values, "rmse": error}) for error in rmse]
        draws[name] = tuple(rows)
    rows = tuple(mean_row(rows) for rows in draws.values())
    return SavedTable(rows, draws, tuple(inputs[:n_draws]), "made up")


TWO = {"mine": (0.04, 0.05, 0.06), "yours": (0.08, 0.12, 0.1)}


# --- estimates ------------------------------------------------------------------------


def test_mean_has_a_t_interval():
    values = np.random.RandomState(0).normal(3, 1, size=6)
    spread = values.std(ddof=1) / np.sqrt(6)
    lower, upper = scipy.stats.t.interval(0.95, df=5, loc=values.mean(), scale=spread)
    assert mean_of(values) == pytest.approx((values.mean(), lower, upper))


def test_interval_contains_the_mean_in_95_of_100_cases():
    draws = np.random.RandomState(1).normal(size=(2000, 4))
    estimates = [mean_of(values) for values in draws]
    inside = [estimate.lower < 0 < estimate.upper for estimate in estimates]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)


def test_one_draw_has_no_interval():
    for estimate in (mean_of([2]), ratio_of([2], [1], True), ratio_of([2], [1], False)):
        assert estimate.value == 2
        assert np.isnan(estimate.lower) and np.isnan(estimate.upper)
        assert not estimate.has_interval


def test_difference_is_that_of_welch_or_of_pairs():
    rng = np.random.RandomState(0)
    ours, theirs = rng.normal(size=5), rng.normal(size=5)
    for paired, test in (
        (True, scipy.stats.ttest_rel(ours, theirs)),
        (False, scipy.stats.ttest_ind(ours, theirs, equal_var=False)),
    ):
        expected = test.confidence_interval(0.95)
        found = difference_of(ours, theirs, paired)
        assert found.value == pytest.approx(ours.mean() - theirs.mean())
        assert found[1:] == pytest.approx((expected.low, expected.high))


def test_what_draws_have_in_common_cancels_in_pairs():
    hard = np.array([1, 2, 4, 8])
    for bound in ratio_of(0.5 * hard, hard, paired=True):
        assert bound == pytest.approx(0.5)
    assert ratio_of(0.5 * hard, hard, paired=False).upper > 1


def test_ratio_of_what_is_not_above_0_has_no_interval():
    assert ratio_of([0, 0], [2, 4], True)[0] == 0
    assert np.isnan(ratio_of([0, 0], [2, 4], True).upper)
    assert np.isnan(ratio_of([1, 2], [0, 0], True).value)


# --- draws ----------------------------------------------------------------------------


def test_first_draw_is_the_one_of_a_single_draw(table):
    single = mpc.compare(**SMALL)
    assert single.n_draws == 1 and table.n_draws == 3
    np.testing.assert_array_equal(single.spikes, table.spikes)
    for name, output in single.outputs.items():
        np.testing.assert_array_equal(output, table.outputs[name])
    assert single.fingerprints == table.fingerprints[:1]


def test_rows_are_means_of_draws_behind_one_readout(table):
    for row in table.rows:
        drawn = table.draws[row.circuit]
        assert len(drawn) == 3
        assert {one.readout for one in drawn} == {row.readout}
        assert row.rmse == pytest.approx(np.mean([one.rmse for one in drawn]))
        assert len({one.rmse for one in drawn}) == 3


def test_circuits_and_inputs_are_drawn_anew(table):
    assert len(set(table.fingerprints)) == 3
    assert table.values("winner-take-all", "neurons") == (4, 4, 4)
    assert len(set(table.values("winner-take-all", "spikes"))) == 3


def test_draws_do_not_depend_on_the_number_of_processes(table):
    again = mpc.compare(**SMALL, n_draws=3, n_jobs=2)
    for name in table.draws:
        assert again.values(name, "rmse") == table.values(name, "rmse")


def test_neighbouring_seeds_share_no_draws():
    seeds = [seed_of_draw(seed, number) for seed in range(50) for number in range(20)]
    assert len(set(seeds)) == len(seeds)
    assert len(set(map(seed_of_values, seeds))) == len(seeds)
    assert seed_of_draw(None, 3) is None


@pytest.mark.parametrize("n_draws", [0, 2.0, None, "many"])
def test_impossible_number_of_draws_is_refused(n_draws):
    with pytest.raises(ValidationError, match="n_draws: must be an integer.*at least"):
        mpc.compare(["exact"], n_draws=n_draws)


def test_own_workload_keeps_its_values_in_all_draws(table):
    tables = mpc.compare(["exact"], workload=table.workload, n_draws=2)
    assert len(set(tables.fingerprints)) == 2
    assert tables.workload is table.workload


# --- forms of the table ---------------------------------------------------------------


def test_text_of_several_draws_has_half_widths_below_the_means():
    lines = str(made_up(TWO)).splitlines()
    assert lines[0] == "made up; mean of 3 draws, ± 95 % interval"
    half = mean_of(TWO["mine"]).upper - 0.05
    assert lines[-4].split()[:3] == ["mine", "20", "0.0500"]
    # what is the same in all draws has no interval
    assert lines[-3].split() == [f"±{half:.4f}"]


def test_estimate_is_none_where_there_is_no_figure(table):
    assert table.estimate("average", "spikes") is None
    assert table.estimate("average", "rmse").has_interval


def test_unknown_figure_and_circuit_are_named(table):
    with pytest.raises(ValidationError, match="'RMSE' .did you mean 'rmse'.*'latency'"):
        table.values("average", "RMSE")
    with pytest.raises(KeyError, match="nope"):
        table.estimate("nope", "rmse")


class Parser(html.parser.HTMLParser):
    """Rows of cells, each with text, title, and whether it is bold."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.open = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            title = dict(attributes).get("title")
            self.rows[-1].append({"text": "", "title": title, "bold": False})
        elif tag == "strong":
            self.rows[-1][-1]["bold"] = True
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"th", "td"} & set(self.open):
            self.rows[-1][-1]["text"] += data


def test_notebook_shows_the_best_in_bold_and_intervals_on_hover():
    errors = {**TWO, "average": (0.01,) * 3}
    header, mine, yours, average = Parser(made_up(errors)._repr_html_()).rows
    assert [cell["text"] for cell in header][:4] == ["circuit", "readout(ms)"] + [
        "RMSE",
        "bias",
    ]
    # references are not the best, but ties are
    assert [row[2]["bold"] for row in (mine, yours, average)] == [True, False, False]
    assert [row[6]["bold"] for row in (mine, yours, average)] == [True, True, False]
    lower, upper = (f"{bound:.4f}" for bound in mean_of(TWO["mine"])[1:])
    assert mine[2]["title"] == f"95 % interval: {lower} to {upper}"
    assert mine[2]["text"].startswith("0.0500±0.0")


def test_bias_nearest_to_0_is_the_best():
    rows = [
        dataclasses.replace(made_up({name: (0.1,)}, 1).rows[0], bias=bias)
        for name, bias in (("a", -0.2), ("b", 0.1), ("c", 0.3))
    ]
    text = SavedTable(tuple(rows), {}, (), "")._repr_html_()
    assert [row[3]["bold"] for row in Parser(text).rows[1:]] == [False, True, False]


def test_without_neurons_nothing_is_the_best():
    table = made_up({"exact": (0.1,), "mine": (0.2,)}, 1)
    rows = (dataclasses.replace(table.rows[0], neurons=0.0), *table.rows[1:])
    text = dataclasses.replace(table, rows=rows)._repr_html_()
    assert not any(cell["bold"] for cell in Parser(text).rows[1])


def test_names_of_circuits_are_escaped_in_notebooks():
    name = '<script>alert("x")</script> & co'
    table = made_up({name: (0.1, 0.2, 0.3), "b": (1, 2, 3)})
    for shown in (table, table.against("b"), table.against(table)):
        text = shown._repr_html_()
        assert "<script>" not in text
        assert Parser(text).rows[1][0]["text"] == name


def test_one_draw_shows_no_intervals():
    table = made_up({"a": (0.1,), "b": (0.2,)}, 1)
    assert "±" not in table._repr_html_() + str(table)
    assert "title" not in table._repr_html_()


@pytest.mark.parametrize("n_draws", [1, 3])
def test_csv_gives_the_table_back(n_draws, table, tmp_path):
    table = table if n_draws == 3 else mpc.compare(**SMALL)
    path = tmp_path / "table.csv"
    table.to_csv(path)
    again = read_csv(path)
    assert repr(again.rows) == repr(table.rows)
    assert repr(again.draws) == repr(table.draws)
    if n_draws > 1:
        assert str(again) == str(table)
        assert again.fingerprints == table.fingerprints


def test_csv_has_the_bounds_of_all_intervals(tmp_path):
    path = tmp_path / "table.csv"
    made_up(TWO).to_csv(path)
    header, mine, _ = (line.split(",") for line in path.read_text().splitlines())
    record = dict(zip(header, mine))
    estimate = mean_of(TWO["mine"])
    assert float(record["rmse"]) == pytest.approx(0.05)
    assert float(record["rmse_lower"]) == pytest.approx(estimate.lower)
    assert float(record["rmse_upper"]) == pytest.approx(estimate.upper)
    assert record["rmse_draws"] == "0.04 0.05 0.06"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "", "has no rows"),
        (lambda text: "a,b\n1,2\n", "no column 'circuit'"),
        (lambda text: text.replace("0.04 0.05", "0.04"), "rmse.* 3 draws"),
        (lambda text: text.replace("0.04 0.05", "0.04 x"), "'x'"),
        (lambda text: text.replace("a b c", "a b"), "numbers of draws"),
        (lambda text: text[:-60], "table"),
        (lambda text: "\0" + text, "table"),
    ],
)
def test_files_that_are_no_tables_are_refused(change, message, tmp_path):
    path = tmp_path / "table.csv"
    made_up(TWO).to_csv(path)
    path.write_text(change(path.read_text()))
    with pytest.raises(ValidationError, match=f"table.csv.*{message}"):
        read_csv(path)


def test_binary_files_are_no_tables(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(ValidationError, match="table.csv.*no table"):
        read_csv(path)


@needs_pandas
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_data_frame_has_all_figures_and_their_bounds(table):
    frame = table.to_dataframe()
    assert frame.index.tolist() == [row.circuit for row in table.rows]
    assert frame.columns[:4].tolist() == ["readout", "rmse", "rmse_lower", "rmse_upper"]
    estimate = table.estimate("average", "rmse")
    columns = ["rmse", "rmse_lower", "rmse_upper"]
    assert tuple(frame.loc["average", columns]) == estimate
    assert np.isnan(frame.loc["average", "spikes"])
    assert set(map(str, frame.dtypes)) == {"float64"}
    ratios = table.against("average").to_dataframe()
    assert ratios.loc["winner-take-all", "rmse"] < 1


@needs_pandas
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_data_frame_of_one_draw_has_figures_only():
    frame = made_up({"mine": (0.04,)}, 1).to_dataframe()
    assert frame.columns.tolist() == ["readout", *FIGURES]


def test_data_frame_names_pandas_if_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    table = made_up(TWO)
    for shown in (table, table.against("mine")):
        with pytest.raises(ImportError, match="pip install pandas"):
            shown.to_dataframe()


# --- tables against each other --------------------------------------------------------


def test_against_pairs_the_draws_that_both_have():
    ratios = made_up(TWO).against(made_up({"mine": (0.02, 0.025, 0.03)}))
    assert ratios.ratio("mine", "rmse") == pytest.approx((2, 2, 2))
    assert "3 draws that both have" in str(ratios)
    # others are matched by their inputs, not by their place
    other = made_up({"mine": (9, 0.03, 0.025, 0.02)}, 4, inputs="xcba")
    ratios = made_up(TWO).against(other)
    assert ratios.ratio("mine", "rmse") == pytest.approx((2, 2, 2))


def test_against_other_inputs_is_not_paired():
    ours, theirs = TWO["mine"], (0.02, 0.025, 0.03, 0.03)
    ratios = made_up(TWO).against(made_up({"mine": theirs}, 4, inputs="wxyz"))
    assert ratios.ratio("mine", "rmse") == ratio_of(ours, theirs, paired=False)
    assert "3 and 4 draws of different inputs" in str(ratios)


def test_against_a_row_of_the_same_table():
    ratios = made_up(TWO).against("yours")
    assert list(ratios.ratios) == ["mine"]
    assert ratios.ratio("mine", "rmse") == ratio_of(*TWO.values(), paired=True)
    assert ratios.ratio("mine", "bias") == (0, 0, 0)
    assert ratios.ratio("mine", "neurons").value == 1


def test_single_circuits_need_not_share_a_name():
    mine, yours = made_up({"mine": TWO["mine"]}), made_up({"yours": TWO["yours"]})
    ratios = mine.against(yours)
    assert ratios.ratio("mine / yours", "rmse") == ratio_of(*TWO.values(), paired=True)


def test_tables_without_a_common_circuit_are_refused():
    with pytest.raises(ValidationError, match="'mine', 'yours', the other 'a', 'b'"):
        made_up(TWO).against(made_up({"a": (1, 2, 3), "b": (1, 2, 3)}))


def test_against_takes_tables_and_names_only():
    with pytest.raises(ValidationError, match="other: must be a table .*got 3"):
        made_up(TWO).against(3)
    with pytest.raises(KeyError, match="nope"):
        made_up(TWO).against("nope")


def test_ratios_are_bold_where_the_interval_is_on_one_side_of_1():
    similar = {"mine": (0.04, 0.05, 0.06), "yours": (0.05, 0.04, 0.06)}
    for errors, is_clear in ((TWO, True), (similar, False)):
        _, row = Parser(made_up(errors).against("yours")._repr_html_()).rows
        assert row[1]["bold"] is is_clear
        assert row[1]["title"].startswith("95 % interval: ")


def test_tuned_against_untuned_in_one_line():
    untuned = functools.partial(mpc.EnsembleMax, decoders=None)
    circuits = {"tuned": mpc.EnsembleMax, "untuned": untuned}
    ratios = mpc.compare(circuits, n_pools=10, n_draws=2).against("untuned")
    assert ratios.ratio("tuned", "rmse").value < 0.9
    assert ratios.ratio("tuned", "neurons").value == 1


def test_figures_of_what_has_none_are_dashes(table):
    ratios = table.against("average")
    assert ratios.ratio("winner-take-all", "spikes") is None
    assert "-" in str(ratios).splitlines()[-2].split()


def test_pandas_is_not_loaded_by_the_package():
    code = "import sys, maxpool_circuits; print('pandas' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stdout.strip() == "False"
