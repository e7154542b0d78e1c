"""Files of comma-separated values, which benchmarks write and pages of docs show."""

import csv

from maxpool_circuits.utils.files import atomic_write


def write_csv(path, rows):
    """Write rows, the first with the names of the columns."""
    with atomic_write(path) as unfinished:
        with open(unfinished, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
