"""Run notebooks and keep what they print and draw.

    python docs/run_notebooks.py notebooks/*.ipynb
"""

import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def is_shown(output):
    """Leave out TensorFlow's log and what progress bars print."""
    text = output.get("text", "")
    blank = output.output_type == "stream" and not text.strip()
    return output.get("name") != "stderr" and not blank and "\r" not in text


def run(path):
    """Run a notebook from top to bottom, and write it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        options = {"resources": {"metadata": {"path": folder}}}
        NotebookClient(notebook, timeout=900, record_timing=False, **options).execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if is_shown(output)]
    # what depends on the machine
    notebook.metadata.language_info = {"name": "python"}
    Path(path).write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for path in sys.argv[1:]:
        run(path)
