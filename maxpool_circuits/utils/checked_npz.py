"""Arrays and a header in a file that notices every damage, and holds nothing to run."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import stat
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from .files import atomic_write

#: Bytes that a file may hold, packed or unpacked.
LARGEST_FILE = 2**28
#: Bytes of text or of the description of an array.
LARGEST_TEXT, LARGEST_DESCRIPTION = 2**22, 2**12
#: Entries of a file.
MOST_ENTRIES = 1000
#: Entries that are text.
TEXTS = ("header", "checksum")
#: How entries may be packed: what `numpy.savez` and `numpy.savez_compressed` do.
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def write(
    path: str | os.PathLike[str],
    header: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    version: int,
) -> None:
    """Write a header that JSON can carry, and arrays by name, or nothing at all."""
    text = as_text({"format": version, **header})
    arrays = {name: np.ascontiguousarray(v, dtype="<f8") for name, v in arrays.items()}
    size = sum(values.nbytes for values in arrays.values())
    if size + len(text) > LARGEST_FILE or 4 * len(text) > LARGEST_TEXT:
        raise ValidationError(
            f"{size} bytes of numbers and {len(text)} of text are more than a file may "
            "hold",
            attr="path",
        )
    texts = {"header": text, "checksum": checksum(text, arrays)}
    entries: dict[str, Any] = {n: np.array(v) for n, v in texts.items()} | arrays
    with atomic_write(path) as unfinished:
        with open(unfinished, "wb") as file:
            np.savez_compressed(file, **entries)


def read(
    path: str | os.PathLike[str], version: int
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a file.

    Raises `nengo.exceptions.ValidationError` with the cause if it is damaged, before
    anything is unpacked that is larger or of another type than such files hold.
    """
    _checked_size(path)
    with open(path, "rb") as file:
        # of this file, not of the one that others may have replaced since
        packed = file.read(_checked_size(file.fileno()))
    try:
        return _parsed(packed, version)
    except ValidationError:
        raise
    except Exception as error:
        # of the modules that take bytes apart, which may raise anything
        raise ValidationError(
            f"{type(error).__name__}: {error}", attr="path"
        ) from error


def _checked_size(path):
    """Size of a file that can be read at once, and without waiting for ever."""
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        raise _damage("it is no ordinary file")
    if found.st_size > LARGEST_FILE:
        raise _damage(f"it has more than {LARGEST_FILE} bytes")
    return found.st_size


def _parsed(packed, version):
    """Header and arrays of the bytes of a file."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        entries = _checked_entries(archive.infolist())
        values = {name: _array(name, archive, e) for name, e in entries.items()}
    text, expected = (str(values.pop(name)) for name in TEXTS)
    header = json.loads(text)
    if not isinstance(header, dict):
        raise _damage("its header is no dictionary")
    found = header.pop("format", None)
    if type(found) is not int or found != version:
        raise _damage(
            f"its format is {found!r}, this version of the package reads {version}"
        )
    if expected != checksum(text, values):
        raise _damage("its checksum is wrong")
    return header, values


def _checked_entries(infos):
    """Entries of an archive by name, if they are what `write` writes."""
    entries = {info.filename[: -len(".npy")]: info for info in infos}
    if len(infos) > MOST_ENTRIES or len(entries) != len(infos):
        raise _damage("it has too many entries, or two of one name")
    if not set(TEXTS) <= entries.keys():
        raise _damage("it has no header")
    for info in infos:
        encrypted = info.flag_bits & 1
        known = info.filename.endswith(".npy") and info.compress_type in PACKED
        if encrypted or not known:
            raise _damage(f"its entry {info.filename!r} is no array")
    size = sum(info.file_size for info in infos)
    if size > LARGEST_FILE:
        raise _damage(f"unpacked it would have {size} bytes")
    return entries


def _array(name, archive, entry):
    """An array of an archive, unpacked only if its description is in order."""
    with archive.open(entry) as file:
        start = file.read(LARGEST_DESCRIPTION)
        beginning = io.BytesIO(start)
        # the only one that is written where descriptions are short
        if np.lib.format.read_magic(beginning) != (1, 0):
            raise _damage(f"{name!r} is of another version of the format of arrays")
        shape, by_column, dtype = np.lib.format.read_array_header_1_0(beginning)
        size = math.prod(shape) * dtype.itemsize
        if name in TEXTS:
            valid = dtype.kind == "U" and shape == () and size <= LARGEST_TEXT
        else:
            valid = dtype == np.dtype("<f8") and len(shape) == 2
        if not valid:
            raise _damage(f"{name!r} has type {dtype} and shape {shape}")
        if beginning.tell() + size != entry.file_size:
            raise _damage(f"{name!r} has another size than it says")
        content = start[beginning.tell() :] + file.read()
    if dtype.itemsize == 0:
        return np.zeros(shape, dtype)
    values = np.frombuffer(content, dtype)
    return values.reshape(shape, order="F" if by_column else "C")


def _damage(cause):
    return ValidationError(cause, attr="path")


def as_text(header: Mapping[str, Any]) -> str:
    """The one text of a header."""
    return json.dumps(header, sort_keys=True)


def checksum(text: str, arrays: Mapping[str, np.ndarray]) -> str:
    """Hash of all that is in a file."""
    digest = hashlib.sha256(text.encode())
    for name, values in sorted(arrays.items()):
        values = np.ascontiguousarray(values, dtype="<f8")
        digest.update(f"{name}{values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()
