"""Notebooks run from top to bottom, and are committed with what they print."""

import importlib
import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
NOTEBOOKS = sorted(Path(__file__).parent.parent.glob("notebooks/*.ipynb"))


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
    if re.search("maxpool_circuits.nengo_dl", source, flags=re.MULTILINE):
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
    assert {file.name for file in folder.iterdir()} <= {"nengorc", "comparison.png"}


def test_notebook_has_small_outputs_of_all_cells_in_order(path, notebook):
    nbformat.validate(notebook)
    assert path.stat().st_size < 300_000
    assert notebook.metadata.kernelspec.name == "python3"
    assert all(cell.get("id") for cell in notebook.cells)
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1)), "run `make figures`"
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not [
        o for o in outputs if o.output_type == "error" or "stderr" in o.values()
    ]


def test_links_of_notebook_are_right(path, notebook):
    text = "\n".join(cell.source for cell in notebook.cells)
    targets = re.findall(r"\]\((?!http)([^)#]+)[^)]*\)", text)
    assert targets
    for target in targets:
        assert (path.parent / target).exists(), target


@pytest.mark.slow
def test_notebook_runs(notebook, tmp_path):
    run(notebook, tmp_path)
    check_outputs(notebook, tmp_path)


@pytest.mark.slow
def test_my_circuit_is_compared_on_inputs_like_mine(tmp_path):
    (path,) = (path for path in NOTEBOOKS if path.stem == "compare_my_circuit")
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    settings = code_cells(notebook)[0]
    for name, value in (("WINDOW_SIZE", 9), ("INPUT_RATE", 100)):
        settings.source, n_found = re.subn(
            rf"^{name} = \d+", f"{name} = {value}", settings.source, flags=re.MULTILINE
        )
        assert n_found == 1
    run(notebook, tmp_path)
    check_outputs(notebook, tmp_path)
