"""Notebooks run from top to bottom, and are committed without outputs."""

import importlib
import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
NOTEBOOKS = sorted(Path(__file__).parent.parent.glob("notebooks/*.ipynb"))
COLAB = "https://colab.research.google.com/github/maxpool-circuits/maxpool_circuits"


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    """Where a notebook is."""
    return request.param


@pytest.fixture
def notebook(path):
    """A notebook as it is committed."""
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def code_cells(notebook):
    """All cells that can be run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def run(notebook, folder):
    """Run a notebook from top to bottom, in a folder of its own."""
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    source = "\n".join(cell.source for cell in code_cells(notebook))
    if re.search("^import nengo_dl$", source, flags=re.MULTILINE):
        try:
            importlib.import_module("maxpool_circuits.nengo_dl")
        except ImportError as error:
            pytest.skip(str(error))
    # notebooks that run at the same time would compete for the user's decoder cache
    (folder / "nengorc").write_text("[decoder_cache]\nenabled = False\n")
    resources = {"metadata": {"path": folder}}
    nbclient.NotebookClient(notebook, timeout=600, resources=resources).execute()


def check_outputs(notebook, folder):
    """There are figures, and neither warnings nor files."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    figures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert figures
    complaints = [
        line
        for output in outputs
        if output.get("name") == "stderr"
        for line in output.text.splitlines()
        # TensorFlow's own library prints it, in a process that NengoDL starts
        if "TF-TRT" not in line
    ]
    assert not any("Warning" in complaint for complaint in complaints)
    assert [file.name for file in folder.iterdir()] == ["nengorc"]


def test_there_are_notebooks():
    assert NOTEBOOKS


def test_notebook_is_valid_and_has_no_outputs(notebook):
    nbformat.validate(notebook)
    assert notebook.nbformat == 4
    assert notebook.metadata.kernelspec.name == "python3"
    assert all(cell.get("id") for cell in notebook.cells)
    for cell in code_cells(notebook):
        assert cell.outputs == []
        assert cell.execution_count is None


def test_notebook_opens_in_colab_and_installs_the_package(path, notebook):
    assert f"({COLAB}/blob/main/notebooks/{path.name})" in notebook.cells[0].source
    install, settings = (cell.source for cell in code_cells(notebook)[:2])
    assert 'if importlib.util.find_spec("maxpool_circuits") is None:' in install
    assert "%pip install" in install
    assert "WINDOW_SIZE = " in settings
    assert "INPUT_RATE = " in settings


@pytest.mark.slow
def test_notebook_runs(notebook, tmp_path):
    run(notebook, tmp_path)
    check_outputs(notebook, tmp_path)


@pytest.mark.slow
def test_notebook_runs_for_larger_windows_and_slower_inputs(notebook, tmp_path):
    settings = code_cells(notebook)[1]
    for name, value in (("WINDOW_SIZE", 9), ("INPUT_RATE", 100)):
        settings.source, n_found = re.subn(
            rf"^{name} = \d+", f"{name} = {value}", settings.source, flags=re.MULTILINE
        )
        assert n_found == 1
    run(notebook, tmp_path)
    check_outputs(notebook, tmp_path)
