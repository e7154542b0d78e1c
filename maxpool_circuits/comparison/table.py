"""The table that a comparison ends in."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .measures import Row, read_out
from .results import ResultTable
from .workloads import Workload

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class ComparisonTable(ResultTable):
    """All circuits side by side.

    `print` shows it as text, and a notebook as HTML.

    Parameters
    ----------
    workload : Workload
        What the inputs did, in the first draw.
    rows : tuple of Row
        One row per circuit and reference: means over all draws.
    readouts : tuple of float
        Time constants, in seconds, that each row's readout filter was chosen from.
    outputs : dict of {str: (n_steps, n_pools) array}
        Output of each circuit and reference in the first draw, not filtered.
    spikes : (n_steps, n_inputs) array
        What the circuits got in the first draw, in units of the input: spikes, or
        values.
    inputs : str, optional (Default: "regular")
        How the values reached the circuits, as in `.compare`.
    draws : dict of {str: tuple of Row}
        By circuit, one row for each draw.
    fingerprints : tuple of str
        For each draw, a text that only the same inputs have.

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
    >>> table.outputs["winner-take-all"].shape
    (2600, 5)
    """

    workload: Workload
    rows: tuple[Row, ...]
    readouts: tuple[float, ...]
    outputs: dict[str, np.ndarray] = field(repr=False)
    spikes: np.ndarray = field(repr=False)
    inputs: str = "regular"
    draws: dict[str, tuple[Row, ...]] = field(repr=False, default_factory=dict)
    fingerprints: tuple[str, ...] = field(repr=False, default=())

    @property
    def heading(self) -> str:
        """What was compared, and how it was read."""
        windows = self.workload.windows
        grid = "/".join(f"{readout * 1000:g}" for readout in self.readouts)
        inputs = "spiking inputs"
        if self.inputs != "regular":
            inputs = f"inputs ({self.inputs})"
        return (
            f"{self.workload.name}: {windows.n_pools} pools of {windows.sizes.max()} "
            f"{inputs}; readout: best low-pass of {grid} ms"
        )

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
        (2600, 5)
        """
        return read_out(self.outputs[circuit], self.row(circuit).readout)

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
