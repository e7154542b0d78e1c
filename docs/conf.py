"""Configuration of Sphinx; ``make docs`` runs it."""

import logging
import os
import re
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
# Sphinx shows what others log
logging.getLogger("nengo").setLevel(logging.WARNING)

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
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "examples", "nengo_zoo", "published"]
# what sphinx-gallery keeps beside its pages
exclude_patterns += [
    f"{folder}/*.{ending}"
    for folder in ("gallery", "published_figures")
    for ending in ("ipynb", "json", "md5", "py", "zip")
]

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

# what only authors of circuits use is on the page of building blocks
autodoc_default_options = {"member-order": "bysource"}
autodoc_typehints = "none"
autosummary_generate = False
# names of classes and methods would break in "On this page"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

nb_execution_mode = "force"
# they carry what they printed and drew: docs/run_notebooks.py
nb_execution_excludepatterns = ["notebooks/*"]
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_render_markdown_format = "myst"
# progress bars and other packages' warnings
nb_output_stderr = "remove"
# the lines of a progress bar are one output
nb_merge_streams = True


#: Begin of links in notebooks, and in the copies of them that pages are made of.
LINKS = {
    "../docs/examples": "../gallery/index.rst",
    "../docs/": "../",
    "../CONTRIBUTING.md": "../contributing.md",
}

sphinx_gallery_conf = {
    "examples_dirs": ["examples", "published"],
    "gallery_dirs": ["gallery", "published_figures"],
    "filename_pattern": r"\.py$",
    "abort_on_example_error": True,
    "run_stale_examples": True,
    "backreferences_dir": "gallery/uses",
    "doc_module": ("maxpool_circuits",),
    "within_subsection_order": "FileNameSortKey",
    "remove_config_comments": True,
    "download_all_examples": False,
    "show_signature": False,
    "min_reported_time": 3600,
    "write_computation_times": False,
}


def prepare(app):
    """Bring in what is not kept here: the notebooks, and what is made of data."""
    notebooks = HERE / "notebooks"
    shutil.rmtree(notebooks, ignore_errors=True)
    notebooks.mkdir()
    for notebook in HERE.parent.glob("notebooks/*.ipynb"):
        text = notebook.read_text(encoding="utf-8")
        # links that are right where notebooks are kept, made right here
        for there, here in LINKS.items():
            text = text.replace(f"]({there}", f"]({here}")
        (notebooks / notebook.name).write_text(text, encoding="utf-8")
    draw_all(HERE / "wiring")
    draw(HERE / "error_budget.csv", HERE / "wiring" / "error_budget.svg")
    explore.write_page(INTERACTIVE / "explore.html")


def keep_together(app, doctree):
    """Break no cell within "1 ± 2", "3 → 4" or a short name, and few words once."""
    for entry in doctree.findall(nodes.entry):
        if 24 < len(entry.astext()) < 70:
            entry["classes"].append("few-words")
        for name in entry.findall(nodes.literal):
            if len(name.astext()) <= 26:
                name["classes"].append("short")
        for text in list(entry.findall(nodes.Text)):
            whole = re.sub(r"(?<=\d) ([±→]) (?=[\d+-])", "\u00a0\\1\u00a0", text)
            whole = re.sub(r"(?<=\d:) (?=\d)", "\u00a0", whole)
            text.parent.replace(text, nodes.Text(whole))


def write_equation(translator, node):
    """Write an equation as MathML, which browsers draw without a script."""
    if isinstance(node, nodes.math_block):
        equation = convert(node.astext(), display="block")
        translator.body.append(f'<div class="equation">{equation}</div>')
    else:
        translator.body.append(convert(node.astext()))
    raise nodes.SkipNode


def setup(app):
    """Connect the functions above."""
    app.connect("builder-inited", prepare)
    app.connect("doctree-read", keep_together)
    renderer = (write_equation, None)
    app.add_html_math_renderer("mathml", renderer, renderer)
