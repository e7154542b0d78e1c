"""Files that are either written whole or not at all."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Replace a file only once its new content is complete.

    Parameters
    ----------
    path : str or os.PathLike
        The file to write.

    Yields
    ------
    pathlib.Path
        A file with the same ending in the same folder, to be written instead. It takes
        the place of ``path`` if the block ends without an exception, and is deleted
        otherwise.

    Raises
    ------
    OSError
        If there is no such folder, or it cannot be written to.

    Examples
    --------
    >>> import os, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = os.path.join(folder.name, "numbers.txt")
    >>> with written_whole(path) as unfinished:
    ...     _ = unfinished.write_text("1 2 3")
    >>> os.listdir(folder.name)
    ['numbers.txt']
    >>> folder.cleanup()
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix
    )
    os.close(handle)
    unfinished = Path(name)
    try:
        # mkstemp makes files that only their owner can read
        umask = os.umask(0)
        os.umask(umask)
        unfinished.chmod(0o666 & ~umask)
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_csv(path: str | os.PathLike[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write rows as comma-separated values.

    Parameters
    ----------
    path : str or os.PathLike
        The file; it is written whole or not at all.
    rows : iterable of sequence
        The rows, the first with the names of the columns.

    Raises
    ------
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import os, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "neurons.csv"
    >>> write_csv(path, [["circuit", "neurons"], ["exact", 0], ["softmax", 24]])
    >>> path.read_text().split()
    ['circuit,neurons', 'exact,0', 'softmax,24']
    >>> folder.cleanup()
    """
    with written_whole(path) as unfinished:
        with open(unfinished, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
