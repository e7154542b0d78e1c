"""Tables that were saved."""

from __future__ import annotations

import csv
import os
from dataclasses import fields

from nengo.exceptions import ValidationError

from ..utils.checks import valid_path
from .measures import Row
from .results import FIGURES, SavedTable, mean_row

_COLUMNS = [field.name for field in fields(Row)]


def read_csv(path: str | os.PathLike[str]) -> SavedTable:
    """Read a table that `ComparisonTable.to_csv` wrote.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    SavedTable
        All figures, of each draw; it can be printed and compared ``against`` others.

    Raises
    ------
    OSError
        If the file cannot be read.
    nengo.exceptions.ValidationError
        If it is no such table.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits.comparison import read_csv
    >>> table = mpc.compare(["winner-take-all"], n_pools=5)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table.to_csv(pathlib.Path(folder) / "last.csv")
    ...     last = read_csv(pathlib.Path(folder) / "last.csv")
    >>> last.row("winner-take-all").rmse == table.row("winner-take-all").rmse
    True
    """
    path = valid_path(path)
    try:
        with open(path, newline="", encoding="utf-8") as file:
            records = list(csv.DictReader(file, strict=True))
        return _table_of(records)
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise ValidationError(
            f"{path!r} is no table that compare(...).to_csv wrote: {error}; "
            "name such a file",
            attr="path",
        ) from error


def _table_of(records):
    if not records:
        raise ValueError("it has no rows")
    missing = [name for name in _COLUMNS if name not in records[0]]
    if missing:
        raise ValueError(f"it has no column {missing[0]!r}")
    if any(None in record.values() for record in records):
        raise ValueError("a line of it is cut off")
    draws = {record["circuit"]: _rows_of(record) for record in records}
    fingerprints = tuple((records[0].get("fingerprints") or "").split())
    if any(len(rows) != max(len(fingerprints), 1) for rows in draws.values()):
        raise ValueError("its circuits have different numbers of draws")
    rows = tuple(map(mean_row, draws.values()))
    return SavedTable(rows, draws, fingerprints, records[0].get("comparison") or "")


def _rows_of(record):
    """One row for each draw of a circuit."""
    n_draws = int(record.get("n_draws") or 1)
    readout = float(record["readout"])
    columns = {}
    for figure in FIGURES:
        texts = [record[figure]] if n_draws == 1 else record[f"{figure}_draws"].split()
        numbers = [float(text) for text in texts if text]
        columns[figure] = numbers or [None] * n_draws
        if len(columns[figure]) != n_draws:
            raise ValueError(f"{figure} is not that of {n_draws} draws")
    return tuple(
        Row(record["circuit"], readout, **dict(zip(columns, values)))
        for values in zip(*columns.values())
    )
