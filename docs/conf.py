"""Configuration of Sphinx; ``make docs`` runs it."""

import os
import shutil
import sys
from pathlib import Path

import matplotlib
from docutils import nodes
from latex2mathml.converter import convert

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
# no start-up messages, here and in the kernels that run pages
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# not by a variable: kernels draw into their pages
matplotlib.use("Agg")

import explore  # noqa: E402
from budget_figure import draw  # noqa: E402
from wiring_diagram import draw_all  # noqa: E402

from maxpool_circuits import __version__  # noqa: E402

project = "maxpool_circuits"
author = copyright = "the maxpool_circuits developers"
version = release = __version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build", "nengo_zoo"]

html_theme = "furo"
html_title = f"{project} {release}"
html_math_renderer = "mathml"
html_static_path = ["static"]
html_css_files = ["width.css"]
# a page with scripts of its own, made below
INTERACTIVE = HERE / "interactive"
INTERACTIVE.mkdir(exist_ok=True)
html_extra_path = [INTERACTIVE.name]

# Single backticks in docstrings are references, and must be right.
default_role = "py:obj"
nitpicky = True
# Other projects' pages would have to be fetched to be linked.
nitpick_ignore_regex = [
    (r"py:.*", r"(functools|joblib|matplotlib|nengo|nengo_dl|nir|numpy|pandas)\..+"),
    (r"py:.*", "print|READOUTS|Workload"),
]

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "none"
autosummary_generate = False
numpydoc_show_class_members = False

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_render_markdown_format = "myst"
# progress bars and other packages' warnings
nb_output_stderr = "remove"
# the lines of a progress bar are one output
nb_merge_streams = True


def prepare(app):
    """Bring in what is not kept here: the notebooks, and what is made of data."""
    notebooks = HERE / "notebooks"
    shutil.rmtree(notebooks, ignore_errors=True)
    notebooks.mkdir()
    for notebook in HERE.parent.glob("notebooks/*.ipynb"):
        shutil.copy(notebook, notebooks)
    draw_all(HERE / "wiring")
    draw(HERE / "error_budget.csv", HERE / "wiring" / "error_budget.svg")
    explore.write_page(INTERACTIVE / "explore.html")


def write_equation(translator, node):
    """Write an equation as MathML, which browsers draw without a script."""
    display = "block" if isinstance(node, nodes.math_block) else "inline"
    translator.body.append(convert(node.astext(), display=display))
    raise nodes.SkipNode


def setup(app):
    """Connect the functions above."""
    app.connect("builder-inited", prepare)
    renderer = (write_equation, None)
    app.add_html_math_renderer("mathml", renderer, renderer)
