"""Tables against each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from nengo.exceptions import ValidationError

from .columns import MEASURED
from .estimates import Estimate, difference_of, ratio_of
from .rendering import Cell, as_html, as_text
from .results import FIGURES, ResultTable, data_frame

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class RatioTable:
    """Figures of circuits, divided by those of others.

    `print` shows it as text, and notebooks as HTML.

    Parameters
    ----------
    heading : str
        What was divided by what.
    ratios : dict of {str: dict of {str: Estimate or None}}
        By circuit and figure, the ratio and its 95 % interval, but for ``bias``, which
        has the difference; None where one of both has no such figure.

    Examples
    --------
    >>> import maxpool_circuits as mpc
    >>> table = mpc.compare(["winner-take-all", "softmax"], n_pools=5, n_draws=3)
    >>> ratios = table.against("winner-take-all")
    >>> list(ratios.ratios)
    ['softmax', 'oracle', 'average']
    """

    heading: str
    ratios: dict[str, dict[str, Estimate | None]] = field(repr=False)

    def ratio(self, circuit: str, figure: str) -> Estimate | None:
        """A ratio and its 95 % interval.

        Parameters
        ----------
        circuit : str
            The name of the circuit, as in the table.
        figure : str
            The name of an attribute of `Row`, such as "rmse".

        Returns
        -------
        Estimate or None
            The ratio, or the difference of biases, and its bounds, which are NaN if
            there is only one draw.

        Raises
        ------
        KeyError
            If there is no such circuit or figure.

        Examples
        --------
        >>> import maxpool_circuits as mpc
        >>> table = mpc.compare(["winner-take-all", "pairwise-relu"], n_pools=5)
        >>> ratios = table.against("winner-take-all")
        >>> round(ratios.ratio("pairwise-relu", "neurons").value, 2)
        0.75
        """
        return self.ratios[circuit][figure]

    def __str__(self) -> str:
        """All ratios and their intervals."""
        return as_text(self.heading, self._headers, self._lines())

    def _repr_html_(self) -> str:
        """All ratios, as notebooks show them."""
        about = "Bold: the interval is on one side of 1, or of 0 for the bias."
        return as_html(self.heading, self._headers, self._lines(), about)

    def to_dataframe(self) -> pandas.DataFrame:
        """Give all ratios as a data frame.

        Needs pandas (``pip install pandas``).

        Returns
        -------
        pandas.DataFrame
            Indexed by circuit; each figure is followed by ``..._lower`` and
            ``..._upper``, the bounds of its 95 % interval.

        Raises
        ------
        ImportError
            If pandas is not installed.

        Examples
        --------
        >>> import maxpool_circuits as mpc
        >>> table = mpc.compare(["winner-take-all", "pairwise-relu"], n_pools=5)
        >>> ratios = table.against("winner-take-all")
        >>> float(ratios.to_dataframe().neurons["pairwise-relu"])  # doctest: +SKIP
        0.75
        """
        lines = []
        for circuit, ratios in self.ratios.items():
            line: dict[str, object] = {"circuit": circuit}
            for figure, ratio in ratios.items():
                line[figure] = ratio and ratio.value
                line[f"{figure}_lower"] = ratio and ratio.lower
                line[f"{figure}_upper"] = ratio and ratio.upper
            lines.append(line)
        return data_frame(lines)

    @property
    def _headers(self):
        # ratios have no units
        names = {"bias": "bias\n(difference)"}
        short = (names.get(c.figure, c.header.split("\n(")[0]) for c in MEASURED)
        return ["circuit", *(header.replace("\n/pool", "") for header in short)]

    def _lines(self):
        return [
            [
                Cell(circuit),
                *(_cell(figure, ratio) for figure, ratio in ratios.items()),
            ]
            for circuit, ratios in self.ratios.items()
        ]


def compared(table: ResultTable, other: ResultTable | str) -> RatioTable:
    """Divide the rows of a table by those of another, or by one of its own."""
    if isinstance(other, str):
        theirs, baseline = table, table.row(other).circuit
        names = [row.circuit for row in table.rows if row.circuit != baseline]
        pairs = {name: (name, baseline) for name in names}
        what = f"each divided by {baseline}"
    elif isinstance(other, ResultTable):
        theirs, pairs = other, _common(table, other)
        what = "this table divided by the other"
    else:
        raise ValidationError(
            "must be a table that compare or read_csv made, or the name of a row of "
            f"this table, got {other!r}",
            attr="other",
        )
    ours, others, are_same = _draws(table, theirs)
    if len(ours) > 1 and len(others) > 1:
        what += ", 95 % interval over " + (
            f"{len(ours)} draws that both have"
            if are_same
            else f"{len(ours)} and {len(others)} draws of different inputs"
        )
    ratios = {
        name: {
            figure: _ratio(
                figure,
                [table.values(mine, figure)[draw] for draw in ours],
                [theirs.values(yours, figure)[draw] for draw in others],
                are_same,
            )
            for figure in FIGURES
        }
        for name, (mine, yours) in pairs.items()
    }
    heading = f"{table.heading}; {what}" if table.heading else what
    return RatioTable(heading, ratios)


def _common(table, other):
    """Names of rows to compare, {new name: (ours, theirs)}."""
    ours, theirs = (
        [row.circuit for row in one.rows if not row.is_reference]
        for one in (table, other)
    )
    common = {name: (name, name) for name in ours if name in theirs}
    if not common and len(ours) == len(theirs) == 1:
        common = {f"{ours[0]} / {theirs[0]}": (ours[0], theirs[0])}
    if not common:
        raise ValidationError(
            "the tables have no circuit in common: this one has "
            f"{', '.join(map(repr, ours))}, the other {', '.join(map(repr, theirs))}; "
            "compare circuits under the same names, such as "
            'compare({"mine": circuit})',
            attr="other",
        )
    return common


def _draws(table, other):
    """Numbers of the draws to compare of both, and whether they are the same ones."""
    # draws of the same values without noise are one
    mine = dict.fromkeys(table.fingerprints)
    shared = [inputs for inputs in mine if inputs in other.fingerprints]
    if len(shared) < 2:
        return range(table.n_draws), range(other.n_draws), False
    ours, theirs = (
        [one.fingerprints.index(inputs) for inputs in shared] for one in (table, other)
    )
    return ours, theirs, True


def _ratio(figure, ours, theirs, are_same):
    if None in ours or None in theirs:
        return None
    measure = difference_of if figure == "bias" else ratio_of
    return measure(ours, theirs, are_same)


def _cell(figure, ratio):
    """A ratio, and its interval below."""
    if ratio is None or np.isnan(ratio.value):
        return Cell("-")
    write = "{:+.4f}".format if figure == "bias" else _text
    value, lower, upper = map(write, ratio)
    if not ratio.has_interval:
        return Cell(value)
    neutral = 0 if figure == "bias" else 1
    is_clear = ratio.lower > neutral or ratio.upper < neutral
    return Cell(
        value,
        f"{lower} to {upper}",
        f"95 % interval: {lower} to {upper}",
        is_clear,
    )


def _text(ratio):
    """Text of a ratio: two decimals, or two digits of small ones."""
    return f"{ratio:.2f}" if ratio >= 0.1 or ratio == 0 else f"{ratio:.2g}"
