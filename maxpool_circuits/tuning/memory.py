"""What was found out before, in the folder that a user names."""

import functools
import hashlib
import sys
import sysconfig
import warnings
from pathlib import Path

import joblib

PACKAGE = Path(__file__).parents[1]
STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
#: Folders of installed packages, which are known by their versions.
INSTALLED = {"site-packages", "dist-packages"}


def remembering(memory, about, code):
    """A function of a question and of what computes its answer, if it is a new one.

    Answers depend on ``about``, a text, and on the source of some classes.
    """
    digest = None
    if memory.location is not None:
        try:
            digest = source_digest(code)
        except (AttributeError, LookupError, OSError) as error:
            warnings.warn(
                f"nothing is remembered, because the code of {code[0]} cannot be read "
                f"and may change ({error})",
                stacklevel=3,
            )
            memory = joblib.Memory(None)
    answer = memory.cache(_answer, ignore=["compute"])
    return functools.partial(answer, about, digest)


def _answer(about, digest, question, compute):
    return compute()


def source_digest(code):
    """Digest of this package, of some code, and of what is loaded but not installed."""
    modules = {thing.__module__ for thing in code} - {"builtins"}
    files = {Path(sys.modules[name].__file__) for name in modules}
    files.update(PACKAGE.rglob("*.py"))
    for name, module in list(sys.modules.items()):
        path = Path(getattr(module, "__file__", None) or "")
        # a script that only calls may change
        if name != "__main__" and path.suffix == ".py" and not _is_installed(path):
            files.add(path)
    return hashlib.sha256(b"".join(f.read_bytes() for f in sorted(files))).hexdigest()


def _is_installed(path):
    return STANDARD_LIBRARY in path.parents or not INSTALLED.isdisjoint(path.parts)
