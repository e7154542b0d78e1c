"""Rules of the whole package: layers, type hints, deprecations, nothing from files."""

import ast
import importlib
import importlib.util
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import maxpool_circuits as mpc

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "maxpool_circuits"
CONFIGURATION = ROOT / "pyproject.toml"


# --- imports go down only -------------------------------------------------------------


def check_layers(folder):
    """Run import-linter in a folder with a copy of the package."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as run; run()",
            "--no-cache",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
    )


@pytest.mark.skipif(
    importlib.util.find_spec("importlinter") is None,
    reason="import-linter is not installed",
)
@pytest.mark.skipif(
    not CONFIGURATION.exists(), reason="the layers are listed in the source archive"
)
def test_imports_that_go_up_fail_lint(tmp_path):
    shutil.copy(CONFIGURATION, tmp_path)
    copied = tmp_path / "maxpool_circuits"
    shutil.copytree(PACKAGE, copied, ignore=shutil.ignore_patterns("*.npz"))
    upward = {
        "network/base.py": "from ..tuning import tune",
        # lazy ones and those of hints count too
        "plots/errors.py": "def f():\n    from ..cli import main",
        "plots/figure.py": "if TYPE_CHECKING:\n    from ..tuning import tune",
    }
    for module, statement in upward.items():
        with open(copied / module, "a", encoding="utf-8") as file:
            file.write(f"\n\n{statement}\n")
    after = check_layers(tmp_path)
    assert after.returncode == 1, after.stdout + after.stderr
    # some versions write in colors
    plain = re.sub(r"\x1b\[[0-9;]*m", "", after.stdout)
    assert "imports go down only BROKEN" in plain
    for module in ("network.base", "plots.errors", "plots.figure"):
        assert f"maxpool_circuits.{module} -> maxpool_circuits." in plain


# --- what is loaded with the package --------------------------------------------------

LOADED = """
import sys
import nengo, numpy, scipy.sparse
before = {*sys.modules}
import maxpool_circuits, maxpool_circuits.comparison
added = {*sys.modules} - before
print({name for name in added if name.startswith("scipy")})
print({name.split(".")[0] for name in added} - {"maxpool_circuits"})
import maxpool_circuits.cli
maxpool_circuits.cli.main(["list"], standalone_mode=False)
print({*sys.modules} & {"matplotlib", "nengo_dl", "nir", "sklearn", "tensorflow"})
"""


@pytest.mark.skipif(sys.version_info < (3, 10), reason="needs sys.stdlib_module_names")
def test_imports_load_nengo_numpy_and_sparse_matrices_only():
    process = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    scipy_parts, packages, *_, optional = process.stdout.splitlines()
    assert scipy_parts == optional == "set()"
    assert ast.literal_eval(packages) <= sys.stdlib_module_names


# --- nothing unpickles, evaluates or runs what a file says ----------------------------

#: What runs or rebuilds whatever a file says.
RUNS_ANYTHING = {"eval", "exec", "compile", "__import__"}
REBUILDS_ANYTHING = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "copyreg"}


def faults_of(source):
    """Names in a text that would run, evaluate or unpickle what a file says."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found |= {node.func.id} & RUNS_ANYTHING
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = ast.unparse(node.func)
            found |= {called} & {"joblib.load", "yaml.load"}
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            is_refused = isinstance(node.value, ast.Constant) and not node.value.value
            found |= set() if is_refused else {"allow_pickle"}
        if isinstance(node, ast.Import):
            names = {alias.name.split(".")[0] for alias in node.names}
            found |= names & REBUILDS_ANYTHING
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module.split(".")[0]} & REBUILDS_ANYTHING
    return found


def test_nothing_unpickles_evaluates_or_runs_what_a_file_says():
    found = {
        path.relative_to(PACKAGE).as_posix(): faults_of(path.read_text("utf-8"))
        for path in PACKAGE.rglob("*.py")
    }
    # a check copies what it has made itself
    found["testing/common_checks.py"].remove("pickle")
    assert not any(found.values()), {k: v for k, v in found.items() if v}


def test_what_would_do_so_is_seen():
    for source in (
        "eval(text)",
        "from pickle import load",
        "np.load(path, allow_pickle=True)",
    ):
        assert faults_of(source)


# --- all that is public has type hints ------------------------------------------------

MODULES = [
    "maxpool_circuits",
    "maxpool_circuits.circuits.mean_path",
    "maxpool_circuits.circuits.tree",
    "maxpool_circuits.comparison",
    "maxpool_circuits.comparison.encodings",
    "maxpool_circuits.comparison.events",
    "maxpool_circuits.comparison.metrics",
    "maxpool_circuits.comparison.simulate",
    "maxpool_circuits.comparison.table",
    "maxpool_circuits.comparison.workloads",
    "maxpool_circuits.network.paths",
    "maxpool_circuits.network.populations",
    "maxpool_circuits.network.sparse",
    "maxpool_circuits.network.windows",
    "maxpool_circuits.network.wiring",
    "maxpool_circuits.plots",
    "maxpool_circuits.registry",
    "maxpool_circuits.testing",
    "maxpool_circuits.tuning",
    "maxpool_circuits.utils.checks",
    "maxpool_circuits.utils.files",
]


def public_callables(module):
    """Functions and classes that a module exports or defines, {name: callable}."""
    exported = getattr(module, "__all__", None)
    return {
        name: value
        for name in (dir(module) if exported is None else exported)
        if inspect.isclass(value := getattr(module, name)) or inspect.isfunction(value)
        if exported is not None
        or (value.__module__ == module.__name__ and not name.startswith("_"))
    }


def methods(thing):
    """Public methods and properties that a class of the package defines."""
    for name, value in vars(thing).items():
        if not name.startswith("_") or name in ("__init__", "__call__"):
            function = getattr(value, "__func__", getattr(value, "fget", value))
            # dataclasses write their own, from the hints of their fields
            if inspect.isfunction(function) and "<string>" not in (
                function.__code__.co_filename
            ):
                yield name, function


def lacking_hints(function):
    """Parameters without a hint, and "return" where it has none."""
    signature = inspect.signature(function)
    lacking = [
        name
        for name, parameter in signature.parameters.items()
        if parameter.annotation is parameter.empty and name not in ("self", "cls")
    ]
    if signature.return_annotation is signature.empty:
        lacking.append("return")
    return lacking


@pytest.mark.parametrize("name", MODULES)
def test_every_public_callable_has_type_hints(name):
    lacking = {}
    for public, thing in public_callables(importlib.import_module(name)).items():
        functions = methods(thing) if inspect.isclass(thing) else [("", thing)]
        for method, function in functions:
            lacking[f"{public}.{method}".rstrip(".")] = lacking_hints(function)
    assert lacking
    assert {key: value for key, value in lacking.items() if value} == {}


# --- deprecations that Nengo runs into, shown with the tests --------------------------
# Most are of other packages, and ignored elsewhere. docs/versions.md has the list.

#: Begin of a message: what happens when it is an error. Known ones are in the docs too.
KNOWN = {
    "numpy.core is deprecated": "import nengo fails",
    "Setting the shape on a NumPy array": "synapses and scalar Nodes fail",
}

MODEL = """
import json, warnings
found = {}

def note(message, category, filename, lineno, file=None, line=None):
    if issubclass(category, (DeprecationWarning, FutureWarning)):
        found[str(message)] = filename

warnings.simplefilter("always")
warnings.showwarning = note
import nengo
import numpy as np
import maxpool_circuits as mpc

for name in mpc.circuits():
    windows = mpc.PoolWindows.independent(n_pools=2, window_size=4)
    many = {"n_neurons": 10} if name in ("ensemble", "softmax") else {}
    with nengo.Network(seed=0) as model:
        pool = mpc.make(name, windows, decoders=None, **many)
        nengo.Connection(nengo.Node(0.5), pool.input[0], synapse=nengo.Alpha(0.01))
        nengo.Probe(pool.output, synapse=0.01)
    with nengo.Simulator(model, progress_bar=False) as simulator:
        simulator.run_steps(3)
print(json.dumps(found))
"""


def test_deprecations_are_those_that_are_known():
    process = subprocess.run(
        [sys.executable, "-c", MODEL],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.returncode == 0, process.stderr
    found = json.loads(process.stdout.splitlines()[-1])
    package = Path(mpc.__file__).parent
    assert not [text for text, file in found.items() if package in Path(file).parents]
    for text, file in found.items():
        breaks = [what for begin, what in KNOWN.items() if text.startswith(begin)]
        effect = breaks[0] if breaks else "not known yet, see what it breaks"
        # not an error: pytest shows it, until other packages change
        warnings.warn(f"{file}: {text} When this is an error: {effect}", stacklevel=1)


def test_known_deprecations_are_documented():
    page = ROOT / "docs" / "versions.md"
    if page.exists():
        for begin in KNOWN:
            assert begin in page.read_text()
