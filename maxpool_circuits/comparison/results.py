"""Figures of circuits side by side, in all forms that they are read in."""

from __future__ import annotations

import os
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from nengo.exceptions import ValidationError

from ..utils.checks import did_you_mean
from ..utils.files import write_csv
from .columns import COLUMNS, MEASURED
from .estimates import Estimate, mean_of
from .measures import Row
from .rendering import Cell, as_html, as_text

if TYPE_CHECKING:
    import pandas

    from .ratios import RatioTable

#: Names of the figures, in the order of their columns.
FIGURES = tuple(column.figure for column in MEASURED)


class ResultTable:
    """Figures of circuits, as text, HTML, CSV and data frame.

    Subclasses have these attributes.

    Attributes
    ----------
    rows : tuple of Row
        One row per circuit and reference: means over all draws.
    draws : dict of {str: tuple of Row}
        By circuit, one row for each draw.
    fingerprints : tuple of str
        For each draw, a text that only the same inputs have.
    heading : str
        What was compared.
    """

    rows: tuple[Row, ...]
    draws: dict[str, tuple[Row, ...]]
    fingerprints: tuple[str, ...]
    if TYPE_CHECKING:

        @property
        def heading(self) -> str:
            """What was compared; at run time, a field of one subclass."""

    @property
    def n_draws(self) -> int:
        """Number of draws."""
        return max(len(self.fingerprints), 1)

    def __str__(self) -> str:
        """All rows, in units that read well."""
        return as_text(self._caption, self._headers, self._lines())

    def _repr_html_(self) -> str:
        """All rows, as notebooks show them."""
        about = (
            "Bold: the best of the circuits that have neurons. Errors are in units of "
            "the input."
        )
        return as_html(self._caption, self._headers, self._lines(), about)

    def row(self, circuit: str) -> Row:
        """Find the row of a circuit.

        Parameters
        ----------
        circuit : str
            The name of the circuit, as in the table.

        Returns
        -------
        Row
            Its row.

        Raises
        ------
        KeyError
            If there is none.

        Examples
        --------
        >>> import maxpool_circuits as mpc
        >>> table = mpc.compare(["exact"], n_pools=5)
        >>> table.row("exact").neurons
        0.0
        """
        return {row.circuit: row for row in self.rows}[circuit]

    def values(self, circuit: str, figure: str) -> tuple[float | None, ...]:
        """Figures of all draws.

        Parameters
        ----------
        circuit : str
            The name of the circuit, as in the table.
        figure : str
            The name of an attribute of `Row`, such as "rmse".

        Returns
        -------
        tuple of float or None
            One number for each draw, in the units of `Row`; None where there is none.

        Raises
        ------
        KeyError
            If there is no such circuit.
        nengo.exceptions.ValidationError
            If there is no such figure.

        Examples
        --------
        >>> import maxpool_circuits as mpc
        >>> table = mpc.compare(["winner-take-all"], n_pools=5, n_draws=3)
        >>> table.values("winner-take-all", "neurons")
        (4.0, 4.0, 4.0)
        """
        if figure not in FIGURES:
            known = ", ".join(repr(name) for name in FIGURES)
            raise ValidationError(
                f"no figure is called {figure!r}{did_you_mean(figure, FIGURES)}; the "
                f"figures are {known}",
                attr="figure",
            )
        row = self.row(circuit)
        return tuple(
            getattr(drawn, figure) for drawn in self.draws.get(circuit, (row,))
        )

    def estimate(self, circuit: str, figure: str) -> Estimate | None:
        """A figure and its 95 % interval.

        Parameters
        ----------
        circuit : str
            The name of the circuit, as in the table.
        figure : str
            The name of an attribute of `Row`, such as "rmse".

        Returns
        -------
        Estimate or None
            Mean over all draws and the bounds of its t interval, which are NaN if there
            is only one draw. None if the circuit has no such figure.

        Raises
        ------
        KeyError
            If there is no such circuit.
        nengo.exceptions.ValidationError
            If there is no such figure.

        Examples
        --------
        >>> import maxpool_circuits as mpc
        >>> table = mpc.compare(["winner-take-all"], n_pools=20, n_draws=3)
        >>> rmse = table.estimate("winner-take-all", "rmse")
        >>> rmse.lower < rmse.value < rmse.upper
        True
        """
        values = self.values(circuit, figure)
        if any(value is None for value in values):
            return None
        return mean_of([value for value in values if value is not None])

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write all rows, in SI units, as comma-separated values.

        With several draws, each figure has three more columns: ``..._lower`` and
        ``..._upper``, the bounds of its interval, and ``..._draws``, the numbers of all
        draws with blanks between. `maxpool_circuits.comparison.read_csv` reads the file
        again.

        Parameters
        ----------
        path : str or os.PathLike
            The file; it is written whole or not at all.

        Raises
        ------
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import maxpool_circuits as mpc
        >>> table = mpc.compare(["exact"], n_pools=5)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "comparison.csv"
        ...     table.to_csv(path)
        ...     lines = path.read_text().splitlines()
        >>> lines[0].split(",")[:4]
        ['circuit', 'readout', 'rmse', 'bias']
        >>> [line.split(",")[0] for line in lines[1:]]
        ['exact', 'oracle', 'average']
        """
        if self.n_draws == 1:
            header = [field.name for field in fields(Row)]
            write_csv(path, [header, *(astuple(row) for row in self.rows)])
            return
        records = [self._record(row) for row in self.rows]
        write_csv(path, [records[0], *(record.values() for record in records)])

    def to_dataframe(self) -> pandas.DataFrame:
        """Give all rows, in SI units, as a data frame.

        Needs pandas (``pip install pandas``).

        Returns
        -------
        pandas.DataFrame
            Indexed by circuit, with the attributes of `Row` as columns. With several
            draws, each figure is followed by ``..._lower`` and ``..._upper``, the
            bounds of its 95 % interval.

        Raises
        ------
        ImportError
            If pandas is not installed.

        Examples
        --------
        >>> import maxpool_circuits as mpc
        >>> table = mpc.compare(["winner-take-all"], n_pools=5)
        >>> table.to_dataframe().loc["winner-take-all", "neurons"]  # doctest: +SKIP
        4.0
        """
        bounds = ("lower", "upper") if self.n_draws > 1 else ()
        lines = []
        for row in self.rows:
            line: dict[str, Any] = {"circuit": row.circuit, "readout": row.readout}
            for figure in FIGURES:
                line[figure] = getattr(row, figure)
                estimate = self.estimate(row.circuit, figure)
                for bound in bounds:
                    line[f"{figure}_{bound}"] = estimate and getattr(estimate, bound)
            lines.append(line)
        return data_frame(lines)

    def against(self, other: ResultTable | str) -> RatioTable:
        """Compare with another table, or with one row of this one.

        Each figure is divided by the other's, but for the bias, which has the
        difference. Where both have the same inputs in two draws or more, draws are
        compared one by one, so that what makes a draw easy or hard cancels.

        Parameters
        ----------
        other : ComparisonTable, SavedTable or str
            A table, whose rows are taken by the name of the circuit; two tables of one
            circuit each need not share its name. Or the name of a row of this table,
            which all others are divided by.

        Returns
        -------
        RatioTable
            Ratios below 1 speak for this table, or for the row.

        Raises
        ------
        KeyError
            If there is no row of this name.
        nengo.exceptions.ValidationError
            If the tables have no circuit in common, or ``other`` is neither a table nor
            a name.

        Examples
        --------
        >>> import functools
        >>> import maxpool_circuits as mpc
        >>> fast = functools.partial(mpc.PairwiseReLU, max_rate=1000)
        >>> circuits = {"fast": fast, "as it is": mpc.PairwiseReLU}
        >>> table = mpc.compare(circuits, n_pools=20, n_draws=3)
        >>> ratios = table.against("as it is")
        >>> ratios.ratio("fast", "rmse").upper < 1
        True
        """
        from .ratios import compared

        return compared(self, other)

    @property
    def _caption(self):
        if self.n_draws == 1:
            return self.heading
        draws = f"mean of {self.n_draws} draws, ± 95 % interval"
        return f"{self.heading}; {draws}" if self.heading else draws

    @property
    def _headers(self):
        return ["circuit", *(column.header for column in COLUMNS)]

    def _lines(self):
        """Cells of all rows."""
        best = {column.figure: self._best(column) for column in COLUMNS}
        return [
            [
                Cell(row.circuit),
                *(self._cell(row, column, best[column.figure]) for column in COLUMNS),
            ]
            for row in self.rows
        ]

    def _cell(self, row, column, best):
        """A figure; below it how far its interval goes to both sides."""
        value = getattr(row, column.figure)
        text, is_best = column.text(value), value is not None and value in best
        is_best = is_best and _competes(row)
        if column not in MEASURED:
            return Cell(text)
        estimate = self.estimate(row.circuit, column.figure)
        if estimate is None or not estimate.has_interval:
            return Cell(text, is_marked=is_best)
        lower, upper = column.text(estimate.lower), column.text(estimate.upper)
        half = column.text(estimate.upper - estimate.value).lstrip("+")
        title = f"95 % interval: {lower} to {upper}"
        return Cell(text, f"±{half}", title, is_best)

    def _best(self, column):
        """Values of the best rows in a column."""
        values = [getattr(row, column.figure) for row in self.rows if _competes(row)]
        values = [v for v in values if v is not None and not np.isnan(v)]
        if column.badness is None or len(values) < 2:
            return []
        least = min(map(column.badness, values))
        return [value for value in values if column.badness(value) == least]

    def _record(self, row):
        """A row with intervals and draws, {column: value}."""
        record = {
            "circuit": row.circuit,
            "n_draws": self.n_draws,
            "readout": row.readout,
        }
        for figure in FIGURES:
            estimate = self.estimate(row.circuit, figure)
            values = () if estimate is None else self.values(row.circuit, figure)
            record[figure] = getattr(row, figure)
            record[f"{figure}_lower"] = estimate and estimate.lower
            record[f"{figure}_upper"] = estimate and estimate.upper
            record[f"{figure}_draws"] = " ".join(map(repr, values))
        return {
            **record,
            "fingerprints": " ".join(self.fingerprints),
            "comparison": self.heading,
        }


def _competes(row):
    """Whether a row may be the best: no reference, and not without neurons."""
    return not row.is_reference and row.neurons > 0


def mean_row(rows: tuple[Row, ...]) -> Row:
    """Means over all draws of a circuit."""
    if len(rows) == 1:
        return rows[0]
    means: dict[str, Any] = {}
    for figure in FIGURES:
        values = [getattr(row, figure) for row in rows]
        means[figure] = None if None in values else mean_of(values).value
    return Row(circuit=rows[0].circuit, readout=rows[0].readout, **means)


def data_frame(lines: list[dict[str, Any]]) -> pandas.DataFrame:
    """A data frame of lines, indexed by circuit."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError("data frames need pandas: pip install pandas") from error
    frame = pandas.DataFrame(lines).set_index("circuit")
    # None would make columns of objects
    return frame.astype(float)


@dataclass(frozen=True)
class SavedTable(ResultTable):
    """Figures that were read from a file; what circuits put out is not kept there.

    Parameters
    ----------
    rows, draws, fingerprints
        As in `ComparisonTable`.
    heading : str
        What was compared.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits.comparison import read_csv
    >>> table = mpc.compare(["winner-take-all"], n_pools=5, n_draws=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table.to_csv(pathlib.Path(folder) / "last.csv")
    ...     last = read_csv(pathlib.Path(folder) / "last.csv")
    >>> print(table.against(last))
    presentations: 5 pools of 4 spiking inputs; ...
    """

    rows: tuple[Row, ...]
    draws: dict[str, tuple[Row, ...]]
    fingerprints: tuple[str, ...]
    heading: str
