"""The table that a comparison ends in, and tables against each other."""

from __future__ import annotations

import html
import os
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from nengo.exceptions import ValidationError
from scipy import stats

from ..utils.checks import look_up, ordinary_file
from ..utils.files import atomic_write
from .metrics import REFERENCES, read_out

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Header, format and factor of each column, in their order.
COLUMNS = {
    "readout": ("readout\n(ms)", "g", 1000),
    "rmse": ("RMSE", ".4f", 1),
    "bias": ("bias", "+.4f", 1),
    "p99": ("99th pct.\n|error|", ".3f", 1),
    "latency": ("latency\n(ms)", ".0f", 1000),
    "neurons": ("neurons\n/pool", "g", 1),
    "spikes": ("spikes\n/pool/s", ".0f", 1),
    "synaptic_operations": ("syn. ops\n/pool/s", ".0f", 1),
    "build_time": ("build\n(s)", ".3f", 1),
    "simulation_time": ("simulate\n(s/s)", ".2f", 1),
}
#: What is measured in each trial.
METRICS = [name for name in COLUMNS if name != "readout"]
#: Starts of a text that a spreadsheet takes for a formula, also after quotes: one more
#: is put in front, which makes it text.
FORMULA = r"('*[=+@\t-])"
#: Probability with which an interval contains what many more trials would give.
CONFIDENCE = 0.95


def half_width(values: Sequence[float] | np.ndarray) -> float:
    """Half of the 95 % t interval of a mean of trials; NaN for one trial."""
    # a trial is a mean over many pools and readings, so nearly normal, and there are
    # few of them: five make a bootstrap interval much too narrow
    numbers = np.asarray(values, dtype=float)
    n = len(numbers)
    if n < 2:
        return np.nan
    quantile = stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)
    return float(quantile * np.std(numbers, ddof=1) / np.sqrt(n))


def ratio_of(
    ours: np.ndarray, theirs: np.ndarray, paired: bool
) -> tuple[float, float, float]:
    """Ratio of geometric means, of the same trials or of any, and its 95 % interval.

    Numbers that are not all above 0 have the ratio of their means, and no interval.
    """
    if min(np.min(ours), np.min(theirs)) > 0:
        value, low, high = np.exp(difference_of(np.log(ours), np.log(theirs), paired))
        return float(value), float(low), float(high)
    below = np.mean(theirs)
    return float(np.mean(ours) / below) if below != 0 else np.nan, np.nan, np.nan


def difference_of(
    ours: np.ndarray, theirs: np.ndarray, paired: bool
) -> tuple[float, float, float]:
    """Difference of means and its 95 % interval, by Welch's formula if not paired."""
    with warnings.catch_warnings():
        # of one trial, and of numbers that do not vary, as neurons do not
        warnings.simplefilter("ignore", RuntimeWarning)
        if paired:
            test = stats.ttest_rel(ours, theirs)
        else:
            test = stats.ttest_ind(ours, theirs, equal_var=False)
        low, high = test.confidence_interval(CONFIDENCE)
    return float(np.mean(ours) - np.mean(theirs)), float(low), float(high)


@dataclass(frozen=True, eq=False, repr=False)
class ComparisonTable:
    """All circuits side by side.

    `print` shows it as text, and a notebook as HTML. ``table["winner-take-all"]`` is
    the row of a circuit and ``table["rmse"]`` a metric of all circuits
    (`pandas.Series`, in SI units).

    Parameters
    ----------
    trials : pandas.DataFrame
        One line for each circuit and trial, with the columns ``circuit``, ``trial``,
        ``inputs`` (a text that only equal inputs have), ``readout`` (time constant of
        the filter with the least error, in s), ``rmse``, ``bias`` and ``p99`` (99th
        percentile of the absolute error, in units of the input), ``latency`` (in s),
        ``neurons`` (per pool), ``spikes`` and ``synaptic_operations`` (per pool and
        second), ``build_time`` (in s) and ``simulation_time`` (in s per s).
    heading : str
        What was compared, and how it was read.
    workload : Workload, optional
        What the inputs did, in the first trial.
    outputs : dict of {str: (n_steps, n_pools) array}, optional
        Output of each circuit and reference in the first trial, not filtered.
    spikes : (n_steps, n_inputs) array, optional
        What the circuits got in the first trial, in units of the input.
    made_by : dict of {str: str}, optional
        Name of the class of each circuit, for its color in figures.

    Examples
    --------
    >>> import maxpool_circuits as mpc
    >>> table = mpc.compare(["winner-take-all"], n_pools=5)
    >>> print(table)
    presentations: 5 pools of 4 spiking inputs; readout: best low-pass of ... ms
    ...
    winner-take-all ...
    oracle ...
    average ...
    >>> bool(table["winner-take-all"].rmse < table.loc["average", "rmse"])
    True
    """

    trials: pd.DataFrame
    heading: str
    workload: Any = None
    outputs: dict[str, np.ndarray] = field(default_factory=dict)
    spikes: Any = None
    made_by: dict[str, str | None] = field(default_factory=dict)

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return self.trials["trial"].nunique()

    @property
    def circuits(self) -> list[str]:
        """Names of all rows but the references."""
        return [name for name in self.means.index if name not in REFERENCES]

    @cached_property
    def means(self) -> pd.DataFrame:
        """Readout and mean metrics by circuit; NaN where a circuit has none."""
        groups = self.trials.groupby("circuit", sort=False)
        means = groups[METRICS].agg(lambda values: values.mean(skipna=False))
        means.insert(0, "readout", groups["readout"].first())
        return means

    @cached_property
    def half_widths(self) -> pd.DataFrame:
        """How far the 95 % intervals of ``means`` go to both sides, by circuit.

        They are those of Student's t distribution; NaN if there is only one trial.
        """
        return self.trials.groupby("circuit", sort=False)[METRICS].agg(half_width)

    @property
    def loc(self) -> Any:
        """As `pandas.DataFrame.loc` of ``means``: ``table.loc[circuit, metric]``."""
        return self.means.loc

    def __getitem__(self, name: str) -> pd.Series:
        """Row of a circuit, or a metric of all circuits."""
        rows = {circuit: self.means.loc[circuit] for circuit in self.means.index}
        return look_up(name, {**self.means, **rows}, "name")

    def __repr__(self) -> str:
        """All rows, in units that read well."""
        return self._shown()

    def _repr_html_(self) -> str:
        """All rows, as notebooks show them."""
        about = (
            "Bold: the best of the circuits that have neurons. Errors are in units of "
            "the input."
        )
        return self._shown(about)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write ``trials`` and the heading as comma-separated values, for `read_csv`.

        Parameters
        ----------
        path : str or os.PathLike
            The file; it is written whole or not at all. Names that a spreadsheet would
            take for formulas have a quote in front of them there.
        """
        lines = self.trials.assign(comparison=self.heading)
        lines = lines.replace({f"^{FORMULA}": r"'\1"}, regex=True)
        with atomic_write(path) as unfinished:
            lines.to_csv(unfinished, index=False)

    def against(self, other: ComparisonTable | str) -> Ratios:
        """Compare with another table, or with one row of this one.

        Each metric is divided by the other's, but for the bias, which has the
        difference. Where both have the same inputs in two trials or more, trials are
        compared one by one, so that what makes a trial easy or hard cancels.

        Parameters
        ----------
        other : ComparisonTable or str
            A table, whose rows are taken by the name of the circuit; two tables of one
            circuit each need not share its name. Or the name of a row of this table,
            which all others are divided by.

        Returns
        -------
        Ratios
            Ratios below 1 speak for this table, or for the other rows.

        Raises
        ------
        nengo.exceptions.ValidationError
            If there is no row of this name, or the tables have no circuit in common.
        """
        if isinstance(other, ComparisonTable):
            theirs, pairs = other, _common(self.circuits, other.circuits)
            what = "this table divided by the other"
        else:
            rows = list(self.means.index)
            look_up(other, dict.fromkeys(rows), "row")
            theirs, pairs = self, {row: (row, other) for row in rows if row != other}
            what = f"each divided by {other}"
        mine, yours = self.trials, theirs.trials
        shared = set(mine["inputs"]) & set(yours["inputs"])
        # one trial has no interval, so that nothing is gained by leaving out others
        paired = len(shared) > 1
        if paired:
            mine, yours = (_trials_on(shared, trials) for trials in (mine, yours))
            what += f", 95 % interval over {len(shared)} trials that both have"
        elif self.n_trials > 1 and theirs.n_trials > 1:
            numbers = f"{self.n_trials} and {theirs.n_trials}"
            what += f", 95 % interval over {numbers} trials of different inputs"
        numbers_of: dict[tuple[str, str], dict[str, float]] = {}
        for name, (our_name, their_name) in pairs.items():
            one = mine[mine["circuit"] == our_name]
            two = yours[yours["circuit"] == their_name]
            for metric in METRICS:
                compared = difference_of if metric == "bias" else ratio_of
                found = compared(one[metric].array, two[metric].array, paired)
                for part, number in zip(("value", "lower", "upper"), found):
                    numbers_of.setdefault((metric, part), {})[name] = number
        ratios = Ratios(numbers_of)
        ratios.index.name = "circuit"
        ratios.heading = f"{self.heading}; {what}"
        return ratios

    def filtered_output(self, circuit: str) -> np.ndarray:
        """Output of a circuit in the first trial after its readout filter.

        Parameters
        ----------
        circuit : str
            The name of the circuit, as in the table.

        Returns
        -------
        (n_steps, n_pools) array
            Filtered output in each time step, in units of the input.

        Raises
        ------
        nengo.exceptions.ValidationError
            If there is no row of this name, or the table was read from a file.
        """
        look_up(circuit, dict.fromkeys(self.means.index), "circuit")
        if circuit not in self.outputs:
            raise ValidationError(
                "files keep no outputs; make the table with compare", attr="outputs"
            )
        return read_out(self.outputs[circuit], self.loc[circuit, "readout"])

    def plot(self, path: str | os.PathLike[str] | None = None, pool: int = 0) -> Figure:
        """Plot error against latency, and the traces and spikes of one pool.

        As `maxpool_circuits.plots.comparison`.
        """
        from .. import plots

        return plots.comparison(self, path=path, pool=pool)

    def _shown(self, about=None):
        """All means, below them how far their intervals go to both sides."""
        caption, means = self.heading, self.means
        if self.n_trials > 1:
            caption += f"; mean of {self.n_trials} trials, ± 95 % interval"
        cells = {}
        for name, (_, form, factor) in COLUMNS.items():
            cells[name] = [_text(factor * mean, form) for mean in means[name]]
        for name, halves in self.half_widths.items():
            _, form, factor = COLUMNS[name]
            for i, half in enumerate(factor * halves):
                # what is the same in all trials has no interval
                cells[name][i] += f"\n±{half:{form.lstrip('+')}}" if half > 0 else ""
        rivals = means[means["neurons"] > 0]
        # a bias is best near 0, and nothing is where there is no other
        badness = rivals.assign(bias=rivals["bias"].abs(), readout=np.nan)
        is_best = (badness == badness.min()) & (len(rivals) > 1)
        bold = is_best.reindex(means.index, fill_value=False)
        headers = [header for header, _, _ in COLUMNS.values()]
        return _rendered(caption, headers, cells, bold, about)


class Ratios(pd.DataFrame):
    """Metrics of circuits, divided by those of others: a data frame by circuit.

    `print` shows it as text, and notebooks as HTML. Each metric has three columns,
    ``value`` and the bounds of its 95 % interval, ``lower`` and ``upper``, which are
    NaN if there is only one trial. ``bias`` has the difference.

    Parameters
    ----------
    *args, **kwargs
        As in `pandas.DataFrame`.

    Examples
    --------
    >>> import maxpool_circuits as mpc
    >>> table = mpc.compare(["winner-take-all", "pairwise-relu"], n_pools=5)
    >>> ratios = table.against("winner-take-all")
    >>> float(ratios.loc["pairwise-relu", ("neurons", "value")].round(2))
    0.75
    """

    _metadata = ["heading"]

    def __repr__(self) -> str:
        """All ratios and their intervals."""
        return self._shown()

    def _repr_html_(self) -> str:
        """All ratios, as notebooks show them."""
        about = "Bold: the interval is on one side of 1, or of 0 for the bias."
        return self._shown(about)

    def _shown(self, about=None):
        # ratios have no units
        headers = [re.sub(r"\n[(/].*", "", COLUMNS[metric][0]) for metric in METRICS]
        headers[METRICS.index("bias")] += "\n(difference)"
        cells, is_clear = {}, pd.DataFrame(index=self.index)
        for metric in METRICS:
            form, neutral = ("+.4f", 0) if metric == "bias" else (".3g", 1)
            value, lower, upper = self[metric].to_numpy().T
            cells[metric] = [_text(ratio, form) for ratio in value]
            for i in np.flatnonzero(lower < upper):
                cells[metric][i] += f"\n{lower[i]:{form}} to {upper[i]:{form}}"
            outside = (lower > neutral) | (upper < neutral)
            is_clear[metric] = outside & (lower < upper)
        return _rendered(self.heading, headers, cells, is_clear, about)


def _text(number, form):
    """Text of a number, a dash where there is none."""
    return "-" if np.isnan(number) else f"{number:{form}}"


def _rendered(caption, headers, cells, is_bold, about):
    """Cells as text, or as HTML with a line about how to read it below."""
    from tabulate import tabulate

    headers, cells = ["circuit", *headers], pd.DataFrame(cells, index=is_bold.index)
    align = ["left"] + ["right"] * len(is_bold.columns)
    options = {"colalign": align, "disable_numparse": True}
    if about is None:
        return f"{caption}\n\n{tabulate(cells, headers, **options)}"
    cells = cells.mask(is_bold, "<strong>" + cells + "</strong>").rename(html.escape)
    cells = cells.replace("\n", "<br>", regex=True)
    headers = [header.replace("\n", "<br>") for header in headers]
    table = tabulate(cells, headers, tablefmt="unsafehtml", **options)
    caption = html.escape(caption)
    return f"<div>\n<p>{caption}</p>\n{table}\n<p><small>{about}</small></p>\n</div>"


def _trials_on(inputs, trials):
    """Trials on some inputs, in their order; those of equal inputs are one."""
    chosen = trials[trials["inputs"].isin(inputs)]
    return chosen.drop_duplicates(["circuit", "inputs"]).sort_values("inputs")


def _common(ours, theirs):
    """Names of rows to compare, {new name: (ours, theirs)}."""
    if len(ours) == len(theirs) == 1 and ours != theirs:
        return {f"{ours[0]} / {theirs[0]}": (ours[0], theirs[0])}
    common = {name: (name, name) for name in ours if name in theirs}
    if not common:
        raise ValidationError(
            "the tables have no circuit in common: this one has "
            f"{', '.join(map(repr, ours))}, the other {', '.join(map(repr, theirs))}; "
            'name them alike, as in compare({"mine": circuit})',
            attr="other",
        )
    return common


def with_best_readouts(lines: list[dict[str, object]]) -> pd.DataFrame:
    """Lines of each circuit after the one readout of least error in all trials."""
    trials = pd.DataFrame(lines).astype(dict.fromkeys(COLUMNS, float))
    squares = trials.assign(square=trials["rmse"].fillna(np.inf) ** 2)
    totals = squares.groupby(["circuit", "readout"])["square"].sum().unstack()
    is_best = trials["readout"] == trials["circuit"].map(totals.idxmin(axis=1))
    return trials[is_best].reset_index(drop=True)


def _number(text):
    """A number to its last digit; Python alone would take "1_0" and "nan" for one."""
    if not re.fullmatch(r"-?\d+(\.\d*)?(e[-+]\d+)?", text):
        raise ValueError(f"could not convert {text!r} to a number")
    return float(text)


def _number_or_nan(text):
    """The same, or nothing, where something was not measured."""
    return _number(text) if text else np.nan


def read_csv(path: str | os.PathLike[str]) -> ComparisonTable:
    """Read a table that `ComparisonTable.to_csv` wrote, without outputs.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    ComparisonTable
        It can be printed and compared ``against`` others, but not plotted.

    Raises
    ------
    OSError
        If the file cannot be read.
    nengo.exceptions.ValidationError
        If it is not such a table.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits.comparison import read_csv
    >>> table = mpc.compare(["winner-take-all"], n_pools=5)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table.to_csv(pathlib.Path(folder) / "last.csv")
    ...     last = read_csv(pathlib.Path(folder) / "last.csv")
    >>> last.circuits
    ['winner-take-all']
    """
    texts = ["circuit", "inputs", "comparison"]
    try:
        trials = pd.read_csv(
            ordinary_file(path),
            usecols=[*texts, "trial", *COLUMNS],
            dtype={"trial": int, **dict.fromkeys(texts, str)},
            converters={"readout": _number, **dict.fromkeys(METRICS, _number_or_nan)},
            # else a circuit could not be called "None"
            keep_default_na=False,
        )
        trials[texts] = trials[texts].replace({f"^'{FORMULA}": r"\1"}, regex=True)
        numbers = trials[["trial", *COLUMNS]].drop(columns="bias")
        if (numbers < 0).any(axis=None):
            raise ValueError("a number is negative")
        if trials["comparison"].nunique() != 1:
            raise ValueError("it has no rows, or is cut off")
        if any(twice := trials.duplicated(["circuit", "trial"])):
            circuit, trial = trials.loc[twice, ["circuit", "trial"]].iloc[0]
            raise ValueError(f"two rows are trial {trial} of {circuit!r}")
        if trials["circuit"].nunique() * trials["trial"].nunique() != len(trials):
            raise ValueError("a circuit lacks a trial that another one has")
    except ValueError as error:
        raise ValidationError(
            f"{str(path)!r} is not a table that compare(...).to_csv wrote: {error}",
            attr="path",
        ) from error
    heading = trials.pop("comparison")[0]
    return ComparisonTable(trials, heading)
