"""Arrays and a header in a file that notices every damage, and holds nothing to run."""

import hashlib
import json
import zipfile
import zlib

import numpy as np

from .files import written_whole

#: What can go wrong with the bytes of a file.
UNREADABLE = (
    EOFError,
    KeyError,
    OSError,
    TypeError,
    ValueError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)


def write(path, header, arrays, version):
    """Write a header that JSON can carry, and arrays by name, or nothing at all."""
    text = as_text({"format": version, **header})
    with written_whole(path) as unfinished:
        with open(unfinished, "wb") as file:
            np.savez_compressed(
                file,
                header=np.array(text),
                checksum=np.array(checksum(text, arrays)),
                **arrays,
            )


def read(path, version):
    """Header and arrays of a file; raises one of `UNREADABLE` if it is damaged."""
    with np.load(path, allow_pickle=False) as file:
        names = set(getattr(file, "files", ()))
        if not {"header", "checksum"} <= names:
            raise ValueError("it has no header")
        arrays = {name: file[name] for name in names - {"header", "checksum"}}
        text, expected = str(file["header"]), str(file["checksum"])
    header = json.loads(text)
    found = header.pop("format", None)
    if type(found) is not int or found != version:
        raise ValueError(
            f"its format is {found!r}, this version of the package reads {version}"
        )
    if expected != checksum(text, arrays):
        raise ValueError("its checksum is wrong")
    return header, arrays


def as_text(header):
    """The one text of a header."""
    return json.dumps(header, sort_keys=True)


def checksum(text, arrays):
    """Hash of all that is in a file."""
    digest = hashlib.sha256(text.encode())
    for name, values in sorted(arrays.items()):
        values = np.ascontiguousarray(values, dtype="<f8")
        digest.update(f"{name}{values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()
