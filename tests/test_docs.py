"""The documentation knows all that is public; building it checks the rest."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

import maxpool_circuits as mpc

DOCS = Path(__file__).parent.parent / "docs"
MODULES = [
    "maxpool_circuits",
    "maxpool_circuits.comparison",
    "maxpool_circuits.layout",
    "maxpool_circuits.nengo_dl",
    "maxpool_circuits.plots",
    "maxpool_circuits.populations",
    "maxpool_circuits.transforms",
    "maxpool_circuits.tuning",
    "maxpool_circuits.wiring",
]

pytestmark = pytest.mark.skipif(
    not (DOCS / "conf.py").exists(),
    reason="the source archive comes without the documentation",
)


def documented_names():
    """Full names of all that has an entry in the API reference."""
    names = set()
    for page in DOCS.glob("api/*.rst"):
        module = None
        directives = re.findall(r"^\.\. ([\w:]+):: (\S+)$", page.read_text(), re.M)
        for directive, argument in directives:
            if directive == "currentmodule":
                module = argument
            elif directive in ("autoclass", "autofunction", "autodata", "py:data"):
                names.add(f"{module}.{argument}")
    return names


def public_names(module):
    """Names that a module exports, or else defines without an underscore."""
    if hasattr(module, "__all__"):
        return module.__all__
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    ]


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_is_in_the_api_reference(name):
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        pytest.skip(str(error))
    documented = documented_names()
    missing = [
        public
        for public in public_names(module)
        # what the package itself exports has its entry there
        if not {f"{name}.{public}", f"maxpool_circuits.{public}"} & documented
    ]
    assert missing == []


@pytest.mark.parametrize("name", mpc.circuits())
def test_every_circuit_has_a_page_with_its_diagram(name):
    page = (DOCS / "circuits" / f"{name}.md").read_text()
    assert page.startswith(f"# `{name}`\n")
    assert f"(../wiring/{name}.svg)" in page
    assert f"\ncircuits/{name}\n" in (DOCS / "circuits.md").read_text()
