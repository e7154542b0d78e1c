"""Files that are either written whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import os
import platform
import re
import secrets
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nengo.exceptions import ValidationError

#: Age, in seconds, at which an unfinished file is left over, whoever wrote it.
OLD = 24 * 3600


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Replace a file only once its new content is complete.

    A link is followed, and the file that was there before passes on its mode and, where
    that is allowed, its owner. What killed processes left unfinished is deleted.

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
        If there is no such folder, it cannot be written to, or the path is that of a
        folder, a device, a pipe or a read-only file.
    nengo.exceptions.ValidationError
        If it is no path at all.

    Examples
    --------
    >>> import os, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = os.path.join(folder.name, "numbers.txt")
    >>> with atomic_write(path) as unfinished:
    ...     _ = unfinished.write_text("1 2 3")
    >>> os.listdir(folder.name)
    ['numbers.txt']
    >>> folder.cleanup()
    """
    target = writable_target(path)
    prefix = _prefix(target)
    _delete_left_over(target.parent, prefix)
    unfinished = target.with_name(
        f"{prefix}{_machine()}-{os.getpid()}-{secrets.token_hex(4)}{target.suffix}"
    )
    try:
        _create_like(target, unfinished)
        yield unfinished
        with open(unfinished, "rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def writable_target(path: str | os.PathLike[str]) -> Path:
    """The file behind a path, if it can be written: for a check before work starts.

    Raises what `atomic_write` does, with the path as it was given.
    """
    if not isinstance(path, (str, os.PathLike)) or "\0" in os.fspath(path):
        raise ValidationError(f"must be the path of a file, got {path!r}", attr="path")
    shown = os.fspath(path)
    target = Path(os.path.realpath(shown))
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder to write {shown!r} to")
    try:
        mode = os.stat(shown).st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{shown!r} is a folder; name a file in it")
    if mode is not None and not stat.S_ISREG(mode):
        raise OSError(f"{shown!r} is a device, a pipe or a socket; name a file")
    # what nobody may write is read-only for an administrator too
    if mode is not None and not (mode & 0o222 and os.access(target, os.W_OK)):
        raise PermissionError(f"{shown!r} is read-only; name another file")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise PermissionError(f"the folder of {shown!r} cannot be written to")
    return target


def _create_like(target, unfinished):
    """An empty file with the mode and owner of another, or of an ordinary new one."""
    try:
        old = os.stat(target)
    except FileNotFoundError:
        old = None
    # the system subtracts the umask itself
    mode = 0o666 if old is None else 0o600
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
    if old is not None:
        if hasattr(os, "chown"):
            # users may not give files away, but may change to another of their groups
            for owner, group in ((-1, old.st_gid), (old.st_uid, -1)):
                with suppress(PermissionError):
                    os.chown(unfinished, owner, group)
        os.chmod(unfinished, stat.S_IMODE(old.st_mode))


def _prefix(target):
    """Start of the names of unfinished files of a target, however long its name."""
    digest = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:12]
    return f".maxpool_circuits-{digest}-"


def _machine():
    """Text for this machine: process numbers of others mean nothing here."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _delete_left_over(folder, prefix):
    """Delete unfinished files whose writer is gone, or that are old."""
    for path in folder.glob(f"{prefix}*"):
        named = re.match(r"([0-9a-f]{8})-(\d+)-[0-9a-f]{8}", path.name[len(prefix) :])
        if named is None:
            continue
        machine, process = named.groups()
        with suppress(FileNotFoundError):
            old = time.time() - path.stat().st_mtime > OLD
            if old or (machine == _machine() and not _is_running(int(process))):
                path.unlink()


def _is_running(process):
    """Whether there is a process of a number; True where it cannot be told."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


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
    with atomic_write(path) as unfinished:
        with open(unfinished, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
