"""Run notebooks and keep what they print and draw.

    python docs/run_notebooks.py notebooks/*.ipynb
"""

import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

#: Lines of NengoDL's progress bars, and empty ones.
PROGRESS = r"^(.*\r.*|.* finished in .*|\s*)\n"


def run(path):
    """Run a notebook from top to bottom, and write it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        options = {"resources": {"metadata": {"path": folder}}}
        NotebookClient(notebook, timeout=900, record_timing=False, **options).execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            # TensorFlow's log
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
            for output in cell.outputs:
                if "text" in output:
                    output.text = re.sub(PROGRESS, "", output.text, flags=re.M)
    # what depends on the machine
    notebook.metadata.language_info = {"name": "python"}
    Path(path).write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for path in sys.argv[1:]:
        run(path)
