"""The size of the package's files, and the order of its layers."""

import ast
import importlib.util
import io
import re
import shutil
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "maxpool_circuits"
CONFIGURATION = PACKAGE.parent / "pyproject.toml"

NO_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}


def docstring_lines(source):
    """Numbers of all lines that docstrings take."""
    lines = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            if ast.get_docstring(node, clean=False) is not None:
                lines.update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return lines


def code_lines(source):
    """Numbers of all lines that are no docstring, no comment and not blank."""
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines - docstring_lines(source)


def sources():
    """Text of all modules of the package."""
    paths = sorted(PACKAGE.rglob("*.py"))
    assert paths
    return {
        path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
        for path in paths
    }


def test_lines_are_counted_as_code_docstring_or_neither():
    source = '''"""One line.

And a second one.
"""

# a comment
TEXT = """not a
docstring"""


def function(a):  # with a comment
    """Do nothing."""
    return (
        a
    )
'''
    assert docstring_lines(source) == {1, 2, 3, 4, 12}
    assert code_lines(source) == {7, 8, 11, 13, 14, 15}


def test_there_are_no_more_lines_of_docstrings_than_of_code():
    texts = sources().values()
    n_docstring_lines = sum(len(docstring_lines(source)) for source in texts)
    n_code_lines = sum(len(code_lines(source)) for source in texts)
    assert n_docstring_lines <= n_code_lines


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
            if called == "np.load" and "allow_pickle=False" not in ast.unparse(node):
                found.add(called)
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
    found = {name: faults_of(source) for name, source in sources().items()}
    # a check copies what it has made itself
    found["testing/interface.py"].remove("pickle")
    assert not any(found.values()), found


@pytest.mark.parametrize(
    "source",
    [
        "eval(open(path).read())",
        "import pickle",
        "from pickle import load",
        "np.load(path)",
        "np.lib.format.read_array(file, allow_pickle=True)",
        "joblib.load(path)",
    ],
)
def test_what_would_do_so_is_seen(source):
    assert faults_of(source)


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
@pytest.mark.parametrize(
    ("module", "upward"),
    [
        ("network/base.py", "from ..tuning import tune"),
        ("comparison/compare.py", "from ..tuning import tune"),
        ("circuits/exact.py", "from ..comparison import compare"),
    ],
)
def test_an_import_that_goes_up_fails_lint(tmp_path, module, upward):
    shutil.copy(CONFIGURATION, tmp_path)
    copied = tmp_path / "maxpool_circuits"
    shutil.copytree(PACKAGE, copied, ignore=shutil.ignore_patterns("*.npz"))
    before = check_layers(tmp_path)
    assert before.returncode == 0, before.stdout + before.stderr

    with open(copied / module, "a", encoding="utf-8") as file:
        file.write(f"\n\n{upward}\n")
    after = check_layers(tmp_path)
    assert after.returncode == 1, after.stdout + after.stderr
    # some versions write in colors
    plain = re.sub(r"\x1b\[[0-9;]*m", "", after.stdout)
    assert "imports go down only BROKEN" in plain
