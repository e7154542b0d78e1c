"""NengoDL is imported beside any TensorFlow, and what cannot work says what to do.

Most of it runs on packages that are made up here, in processes of their own, and needs
neither NengoDL nor TensorFlow.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.utils import versions

ROOT = Path(__file__).parent.parent
LAYOUTS = {"2.12.1": "keras", "2.13.1": "keras.src", "2.21.0": "tf_keras.src"}
PACKAGE = mpc.__path__[0]
STATE = "{name: sys.modules[name].__name__ for name in NAMES if name in sys.modules}"


def write(folder, modules):
    """Write modules, given by full name, into a folder."""
    for name, source in modules.items():
        path = folder.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        for parent in path.relative_to(folder).parents:
            if parent.name:
                # a folder without it is found only after installed packages
                (folder / parent / "__init__.py").touch()


def make_up(folder, version, with_keras_2=True):
    """Make up NengoDL, and a TensorFlow with its Keras."""
    layout = LAYOUTS[version]
    write(
        folder,
        {
            "keras.layers": "",
            "keras.src.models.model": "class Model: pass",  # as in Keras 3
            "nengo_dl": "from keras.engine.functional import Functional\n"
            "from keras.layers import BatchNormalizationV1\n"
            "class Converter: pass",
            "tensorflow": "import importlib, os, types\n"
            f"__version__ = {version!r}\n"
            f"where = {layout!r} + '.engine.training'\n"
            "if where[:2] == 'tf' and 'TF_USE_LEGACY_KERAS' not in os.environ:\n"
            "    where = 'keras.src.models.model'\n"
            "Model = importlib.import_module(where).Model\n"
            "keras = types.SimpleNamespace(Model=Model)",
        },
    )
    if with_keras_2:
        keras_2 = {
            "engine.training": "class Model: pass",
            "engine.functional": "class Functional: pass",
            "layers": "class BatchNormalizationV1: pass",
        }
        write(folder, {f"{layout}.{name}": text for name, text in keras_2.items()})


def python(folder, code, **environment):
    """Run code in a process that sees the modules of a folder first."""
    start = (
        f"import os, sys, types\nsys.path.insert(0, {str(folder)!r})\n"
        "NAMES = ['keras', 'keras.engine.functional', 'keras.layers']\n"
        # the packages without what they import
        "for name in ('maxpool_circuits', 'maxpool_circuits.nengo_dl'):\n"
        "    sys.modules[name] = types.ModuleType(name)\n"
        "    folder = name.replace('maxpool_circuits', '').replace('.', '/')\n"
        f"    sys.modules[name].__path__ = [{PACKAGE!r} + folder]\n"
        "from maxpool_circuits.nengo_dl.compatibility import import_nengo_dl\n"
    )
    kept = {k: v for k, v in os.environ.items() if k != "TF_USE_LEGACY_KERAS"}
    return subprocess.run(
        [sys.executable, "-c", start + code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**kept, **environment},
    )


def error_of(process):
    """The message of an ImportError that ended a process."""
    assert process.returncode == 1
    error = process.stderr.splitlines()[-1]
    assert error.startswith("ImportError: maxpool_circuits.nengo_dl needs NengoDL 3.6")
    assert f"Python {sys.version.split()[0]}: " in error
    return error


# --- what imports ---------------------------------------------------------------------


@pytest.mark.parametrize("before", ["", "import keras.layers\n"])
@pytest.mark.parametrize("version", LAYOUTS)
def test_nengo_dl_is_imported_and_modules_are_as_before(tmp_path, version, before):
    make_up(tmp_path, version)
    code = (
        f"{before}os.environ['TF_USE_LEGACY_KERAS'] = '1'\n"
        f"import tensorflow\nstate = {STATE}\n"
        f"import_nengo_dl()\nprint(state == {STATE}, 'nengo_dl' in sys.modules)"
    )
    process = python(tmp_path, code)
    assert process.stdout == "True True\n", process.stderr


@pytest.mark.parametrize(("version", "expected"), [("2.13.1", None), ("2.21.0", "1")])
def test_keras_2_is_asked_for_where_there_are_two(tmp_path, version, expected):
    make_up(tmp_path, version)
    # the environment that runs the tests may have the real one
    hide = "" if expected else "sys.modules['tf_keras'] = None\n"
    code = f"{hide}import_nengo_dl()\nprint(os.environ.get('TF_USE_LEGACY_KERAS'))"
    process = python(tmp_path, code)
    assert process.stdout == f"{expected}\n", process.stderr


# --- what does not --------------------------------------------------------------------


def test_keras_3_that_was_imported_before(tmp_path):
    make_up(tmp_path, "2.21.0")
    code = (
        "import tensorflow\ntry: import_nengo_dl()\n"
        # setting the variable now would make two Kerases
        "finally: print('TF_USE_LEGACY_KERAS' in os.environ)"
    )
    process = python(tmp_path, code)
    assert process.stdout == "False\n"
    error = error_of(process)
    assert "imported before, with Keras 3" in error
    assert "import maxpool_circuits.nengo_dl before tensorflow and keras" in error


@pytest.mark.parametrize("environment", [{}, {"TF_USE_LEGACY_KERAS": "1"}])
def test_keras_2_that_is_not_installed(tmp_path, environment):
    make_up(tmp_path, "2.21.0", with_keras_2=False)
    hide = "sys.modules['tf_keras'] = None\n"
    error = error_of(python(tmp_path, hide + "import_nengo_dl()", **environment))
    # TensorFlow either falls back to Keras 3, or fails
    assert "has Keras 3, and tf_keras" in error or "No module named 'tf_keras" in error


AS_BEFORE = {name: name for name in ("keras", "keras.layers")}
BROKEN = "raise AttributeError('no such part')"


@pytest.mark.parametrize(
    ("hide", "nengo_dl", "cause"),
    [
        ("sys.modules['nengo_dl'] = None\n", "", "NengoDL is not installed"),
        ("", "", "nengo_dl.py is not NengoDL"),
        ("", BROKEN, "(AttributeError: no such part)"),
    ],
    ids=["missing", "another module", "broken"],
)
def test_nengo_dl_that_cannot_be_used(tmp_path, hide, nengo_dl, cause):
    make_up(tmp_path, "2.21.0")
    (tmp_path / "nengo_dl.py").write_text(nengo_dl)
    code = (
        f"import keras.layers\n{hide}try: import_nengo_dl()\nfinally: print({STATE})\n"
    )
    process = python(tmp_path, code)
    error = error_of(process)
    assert cause in error
    assert error.endswith(versions.how_to_install_nengo_dl())
    # modules are as before
    assert process.stdout == f"{AS_BEFORE}\n"


def test_nengo_dl_torch_is_refused_by_name(tmp_path):
    make_up(tmp_path, "2.21.0")
    metadata = tmp_path / "nengo_dl_torch-1.0.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: nengo-dl-torch\nVersion: 1.0\n")
    error = error_of(python(tmp_path, "import_nengo_dl()"))
    assert "nengo-dl-torch is installed" in error
    assert "pip uninstall --yes nengo-dl-torch && " in error


DL = "nengo-dl==3.6.0"
NEW_TF = '"tensorflow>=2.19,<2.22" "tf_keras>=2.19,<2.22"'
SETUPTOOLS = '"setuptools>=77,<82"'
THEN = f"&& pip install --no-build-isolation {DL}"
ON_WINDOWS = "on Windows NengoDL needs Python 3.9 or 3.10 (and TensorFlow 2.10)"
TOO_NEW = "NengoDL needs Python 3.9 to 3.13; all else works here"


@pytest.mark.parametrize(
    ("python", "platform", "tensorflow", "expected"),
    [
        (11, "linux", "2.12.1", f"pip install {DL}"),
        (9, "linux", "2.18.1", f'pip install {DL} "tf_keras==2.18.*"'),
        (11, "darwin", None, f"pip install {DL} {NEW_TF}"),
        (12, "linux", "2.18.1", f"pip install {SETUPTOOLS} {NEW_TF} {THEN}"),
        (13, "linux", "2.20.0", f'pip install {SETUPTOOLS} "tf_keras==2.20.*" {THEN}'),
        (14, "linux", None, TOO_NEW),
        (10, "win32", None, f'pip install {DL} "tensorflow<2.11"'),
        (12, "win32", None, ON_WINDOWS),
    ],
)
def test_line_that_installs_nengo_dl(
    monkeypatch, python, platform, tensorflow, expected
):
    monkeypatch.setattr(sys, "version_info", (3, python, 0, "final", 0))
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(versions, "installed", {"tensorflow": tensorflow}.get)
    assert versions.how_to_install_nengo_dl() == expected


# --- with the real ones ---------------------------------------------------------------


def test_a_model_of_keras_3_is_refused_with_the_lines_that_load_it():
    adapter = pytest.importorskip("maxpool_circuits.nengo_dl", exc_type=ImportError)
    made_up = type("Functional", (), {"__module__": "keras.src.models.functional"})
    with pytest.raises(ValidationError) as caught:
        adapter.Converter(made_up())
    message = str(caught.value)
    assert "keras.src.models.functional is Keras 3" in message
    assert "\n    model.save('model.keras')\n" in message
    assert message.endswith("nengo_dl.load_model('model.keras')")


LOAD = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import maxpool_circuits.nengo_dl
import maxpool_circuits.nengo_dl as adapter
import keras
import numpy as np

def build(keras):
    inputs = keras.Input((8, 8, 1))
    features = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
    pooled = keras.layers.Flatten()(keras.layers.MaxPool2D(2)(features))
    return keras.Model(inputs, keras.layers.Dense(3)(pooled))

print(keras.__version__[0])
model = build(keras)
x = np.random.RandomState(0).uniform(size=(5, 8, 8, 1)).astype(np.float32)
expected = np.array(model(x))
try:
    adapter.Converter(model)
except adapter.converter.ValidationError as error:
    for line in str(error).splitlines()[-2:]:
        exec(line.strip())
assert adapter.Converter(model).verify(inputs=[x])
print(np.abs(model.predict(x, verbose=0) - expected).max() < 1e-6)
"""


def test_a_model_of_keras_3_is_exact_when_loaded(tmp_path):
    pytest.importorskip("maxpool_circuits.nengo_dl", exc_type=ImportError)
    if not (versions.installed("keras") or "").startswith("3"):
        pytest.skip("needs Keras 3 beside NengoDL")
    process = subprocess.run(
        [sys.executable, "-c", LOAD],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    results = process.stdout.splitlines()
    assert results[0] == "3"
    assert results[-1] == "True", process.stderr


# --- what users copy ------------------------------------------------------------------


def test_our_module_is_imported_before_nengo_dl_and_tensorflow():
    blocks = []
    for pattern in ("docs/**/*.md", "notebooks/*.ipynb", "benchmarks/*.py"):
        blocks += [
            (p, p.read_text()) for p in ROOT.glob(pattern) if "_build" not in str(p)
        ]
    for path in ROOT.glob("maxpool_circuits/nengo_dl/*.py"):
        examples = path.read_text().split("Examples\n    --------")[1:]
        blocks += [(path, each) for each in examples]
    names = r"(maxpool_circuits\.nengo_dl|nengo_dl|tensorflow)"
    # also in a notebook, whose lines are text in quotes
    imported = re.compile(rf'^ *(?:>>> |")?(?:import|from) {names}\b', re.MULTILINE)
    found = [(path.name, imported.search(text)) for path, text in blocks]
    first = [(name, each.group(1)) for name, each in found if each]
    assert {each for _, each in first} == {"maxpool_circuits.nengo_dl"}, first
