"""What was found out before, in the folder that a user names."""

import ast
import functools
import hashlib
import importlib.util
import sys
import sysconfig
import warnings
from pathlib import Path

import joblib

PACKAGE = Path(__file__).parents[1]
#: Folders of installed packages.
INSTALLED = {"site-packages", "dist-packages"}


def remembering(memory, about, code):
    """A function of a question and of what computes its answer, if it is a new one.

    Parameters
    ----------
    memory : joblib.Memory
        Where answers are kept.
    about : str
        What all answers depend on.
    code : list
        Classes and functions that answers come from. After an edit of their modules, of
        what these import, or of this package, everything is computed anew.
    """
    digest = None
    if memory.location is not None:
        try:
            digest = source_digest(code)
        except (AttributeError, LookupError, OSError, SyntaxError, ValueError) as error:
            warnings.warn(
                f"nothing is remembered, because some of the code of {code[0]} cannot "
                f"be read and may change ({error})",
                stacklevel=3,
            )
            memory = joblib.Memory(None)
    answer = memory.cache(_answer, ignore=["compute"])
    return functools.partial(answer, about, digest)


def _answer(about, digest, question, compute):
    return compute()


def source_digest(code):
    """Digest of the files of this package and of the modules that some code needs.

    Other installed packages are known by their versions, unless some code is in them.
    """
    files = set(PACKAGE.rglob("*.py"))
    modules = [sys.modules[thing.__module__] for thing in code]
    packages = {_package(module) for module in modules} - {"nengo", "builtins"}
    seen = []
    while modules:
        module = modules.pop()
        is_own = _package(module) in packages or not _is_installed(module)
        if is_own and module not in seen:
            path = Path(module.__file__)
            files.add(path)
            modules += _imported(module, path.read_text("utf-8"))
        seen.append(module)
    return hashlib.sha256(b"".join(f.read_bytes() for f in sorted(files))).hexdigest()


def _package(module):
    return module.__name__.split(".")[0]


def _is_installed(module):
    """Whether a module is one of Python's own, or in a package that was installed."""
    if module is sys.modules["__main__"]:
        return False
    path = Path(getattr(module, "__file__", None) or sysconfig.__file__)
    folder = Path(sysconfig.get_path("stdlib"))
    return folder in path.parents or not INSTALLED.isdisjoint(path.parts)


def _imported(module, source):
    """Modules that a module imports, as far as they are loaded."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            name = importlib.util.resolve_name(name, module.__package__)
            names += [name, *(f"{name}.{alias.name}" for alias in node.names)]
    return [sys.modules[name] for name in names if name in sys.modules]
