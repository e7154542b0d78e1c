"""Files that are either written whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .checks import ordinary_file


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Replace a file only once its new content is complete.

    Yields another file in the same folder, with the same ending, to be written instead.
    It takes the place of ``path``, with the mode of what was there, if the block ends
    without an exception, and is deleted otherwise. Raises what `writable_target` does.
    """
    target = writable_target(path)
    unfinished = target.with_name(f".{uuid.uuid4().hex}{target.suffix}")
    try:
        # not by tempfile, whose files nobody else may read
        unfinished.touch(exist_ok=False)
        if target.exists():
            shutil.copymode(target, unfinished)
        yield unfinished
        os.replace(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)


def writable_target(path: str | os.PathLike[str]) -> Path:
    """The file that a path leads to, if it can be written: to check before work starts.

    Raises `OSError` if it cannot, and `nengo.exceptions.ValidationError` for what is
    not a path.
    """
    path = ordinary_file(path)
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder to write {path!r} to")
    if not os.access(target if target.exists() else target.parent, os.W_OK):
        raise PermissionError(f"{path!r} cannot be written to; name another file")
    return target
