"""The figures of a comparison: their names, units, and what is good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Column:
    """A figure of `Row`, how its column is called, and how its numbers are written."""

    figure: str
    header: str
    form: str
    factor: float = 1
    #: What is least in the best row; None if no value is better than another.
    badness: Callable[[float], float] | None = float

    def text(self, value: float | None) -> str:
        """Text of a value, a dash where there is none."""
        if value is None or np.isnan(value):
            return "-"
        return self.form.format(value * self.factor)


#: The columns of a comparison, in their order.
COLUMNS = (
    Column("readout", "readout\n(ms)", "{:g}", 1000, badness=None),
    Column("rmse", "RMSE", "{:.4f}"),
    Column("bias", "bias", "{:+.4f}", badness=abs),
    Column("p99", "99th pct.\n|error|", "{:.3f}"),
    Column("latency", "latency\n(ms)", "{:.0f}", 1000),
    Column("neurons", "neurons\n/pool", "{:g}"),
    Column("spikes", "spikes\n/pool/s", "{:.0f}"),
    Column("events", "events\n/pool/s", "{:.0f}"),
    Column("build_time", "build\n(s)", "{:.3f}"),
    Column("simulation_time", "simulate\n(s/s)", "{:.2f}"),
)
#: Those that are measured in each draw.
MEASURED = tuple(column for column in COLUMNS if column.figure != "readout")
