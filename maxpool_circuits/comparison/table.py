"""The table that a comparison ends in."""

from __future__ import annotations

import os
from dataclasses import astuple, dataclass, field, fields
from typing import TYPE_CHECKING

import numpy as np

from ..utils.files import write_csv
from .measures import Row, read_out
from .workloads import Workload

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class ComparisonTable:
    """All circuits side by side.

    `print` shows it as text.

    Parameters
    ----------
    workload : Workload
        What the inputs did.
    rows : tuple of Row
        One row per circuit and reference.
    readouts : tuple of float
        Time constants, in seconds, that each row's readout filter was chosen from.
    outputs : dict of {str: (n_steps, n_pools) array}
        Output of each circuit and reference, not filtered.
    spikes : (n_steps, n_inputs) array
        What the circuits got, in units of the input: spikes, or values.
    inputs : str, optional (Default: "regular")
        How the values reached the circuits, as in `.compare`.

    Examples
    --------
    >>> import maxpool_circuits as mpc
    >>> table = mpc.compare(["winner-take-all"], n_pools=5)
    >>> print(table)
    presentations: 5 pools of 4 spiking inputs; readout: best low-pass of ... ms
    ...
    winner-take-all ...
    routed winner ...
    average ...
    >>> table.outputs["winner-take-all"].shape
    (1700, 5)
    """

    workload: Workload
    rows: tuple
    readouts: tuple
    outputs: dict = field(repr=False)
    spikes: np.ndarray = field(repr=False)
    inputs: str = "regular"

    def __str__(self) -> str:
        """All rows, in units that read well."""
        from tabulate import tabulate

        windows = self.workload.windows
        grid = "/".join(f"{readout * 1000:g}" for readout in self.readouts)
        lines = [
            (
                row.circuit,
                f"{row.readout * 1000:g}",
                f"{row.rmse:.4f}",
                f"{row.bias:+.4f}",
                f"{row.p99:.3f}",
                _number(row.latency, "{:.0f}", 1000),
                f"{row.neurons:g}",
                _number(row.spikes, "{:.0f}"),
                _number(row.events, "{:.0f}"),
                _number(row.build_time, "{:.3f}"),
                _number(row.simulation_time, "{:.2f}"),
            )
            for row in self.rows
        ]
        headers = (
            "circuit",
            "readout\n(ms)",
            "RMSE",
            "bias",
            "99th pct.\n|error|",
            "latency\n(ms)",
            "neurons\n/pool",
            "spikes\n/pool/s",
            "events\n/pool/s",
            "build\n(s)",
            "simulate\n(s/s)",
        )
        align = ["left"] + ["right"] * (len(headers) - 1)
        table = tabulate(lines, headers, colalign=align, disable_numparse=True)
        inputs = "spiking inputs"
        if self.inputs != "regular":
            inputs = f"inputs ({self.inputs})"
        return (
            f"{self.workload.name}: {windows.n_pools} pools of {windows.sizes.max()} "
            f"{inputs}; readout: best low-pass of {grid} ms\n\n{table}"
        )

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

    def filtered_output(self, circuit: str) -> np.ndarray:
        """Output of a circuit behind its readout filter.

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
        KeyError
            If there is no row of this name.

        Examples
        --------
        >>> import maxpool_circuits as mpc
        >>> table = mpc.compare(["exact"], n_pools=5)
        >>> table.filtered_output("exact").shape
        (1700, 5)
        """
        return read_out(self.outputs[circuit], self.row(circuit).readout)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write all rows, in SI units, as comma-separated values.

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
        ['exact', 'routed winner', 'average']
        """
        header = [column.name for column in fields(Row)]
        write_csv(path, [header, *(astuple(row) for row in self.rows)])

    def plot(self, path: str | os.PathLike[str] | None = None, pool: int = 0) -> Figure:
        """Draw error against latency, and the traces of one pool.

        Needs matplotlib (``pip install matplotlib``).

        Parameters
        ----------
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
        ImportError
            If matplotlib is not installed.
        nengo.exceptions.ValidationError
            If there is no such pool, or matplotlib has no format for the ending of the
            path.
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import matplotlib.pyplot as plt
        >>> import maxpool_circuits as mpc
        >>> table = mpc.compare(["exact"], n_pools=5)
        >>> figure = table.plot(pool=3)
        >>> figure.axes[1].get_title()
        'pool 3, each circuit behind its readout filter'
        >>> plt.close(figure)
        """
        from .. import plots

        return plots.comparison(self, path=path, pool=pool)


def _number(value, form, factor=1):
    """Text of a number, a dash where there is none."""
    missing = value is None or np.isnan(value)
    return "-" if missing else form.format(value * factor)
