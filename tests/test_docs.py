"""The documentation knows all that is public; building it checks the rest."""

import ast
import csv
import doctest
import importlib
import inspect
import re
import runpy
import textwrap
from functools import partial
from pathlib import Path

import nengo
import numpy as np
import pytest

import maxpool_circuits as mpc
from maxpool_circuits.comparison import ENCODINGS, WORKLOADS

DOCS = Path(__file__).parent.parent / "docs"
MODULES = [
    "maxpool_circuits",
    "maxpool_circuits.comparison",
    "maxpool_circuits.nengo_dl",
    "maxpool_circuits.nir",
    "maxpool_circuits.plots",
    "maxpool_circuits.rules",
    "maxpool_circuits.testing",
    "maxpool_circuits.tuning",
]

pytestmark = pytest.mark.skipif(
    not (DOCS / "conf.py").exists(),
    reason="the source archive comes without the documentation",
)


def documented_names():
    """Full names of all that has an entry in the API reference."""
    names = set()
    for page in (*DOCS.glob("api/*.rst"), *DOCS.glob("circuits/*.md")):
        module = None
        directives = re.findall(r"^\.\. ([\w:]+):: (\S+)$", page.read_text(), re.M)
        for directive, argument in directives:
            if directive == "currentmodule":
                module = argument
            elif directive in ("autoclass", "autofunction", "autodata", "py:data"):
                names.add(f"{module}.{argument}")
    return names


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_is_in_the_api_reference(name):
    module = import_or_skip(name)
    # what the package itself exports has its entry there
    in_package = {f"{name}.{other}" for other in mpc.__all__}
    exported = {f"{name}.{public}" for public in module.__all__}
    assert exported <= documented_names() | in_package


def import_or_skip(name):
    """A module of the package."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        pytest.skip(str(error))


def gives_a_value(function):
    """Whether a function returns or yields a value, and not only one inside of it."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    nodes = list(definition.body)
    for node in nodes:
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if isinstance(node, ast.Return) and node.value is not None:
            return True
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda)):
            nodes.extend(ast.iter_child_nodes(node))
    return False


def lacking_sections(thing):
    """Sections that the docstring of a class or a function should have, but has not."""
    # not inspect.getdoc, which takes that of a base class where there is none
    docstring = inspect.cleandoc(thing.__doc__ or "")
    parts = re.split(r"^(\w+)\n-+\n", docstring, flags=re.M)
    sections = dict(zip(parts[1::2], parts[2::2]))
    lacking = []
    if inspect.signature(thing).parameters and "Parameters" not in sections:
        lacking.append("Parameters")
    if inspect.isfunction(thing) and gives_a_value(thing):
        if not {"Returns", "Yields"} & set(sections):
            lacking.append("Returns")
    # what is not collected as a doctest is no example that runs
    if not doctest.DocTestParser().get_examples(sections.get("Examples", "")):
        lacking.append("Examples")
    return lacking


@pytest.mark.parametrize("name", MODULES)
def test_every_public_docstring_is_complete(name):
    module = import_or_skip(name)
    things = {public: getattr(module, public) for public in module.__all__}
    lacking = {
        public: lacking_sections(thing)
        for public, thing in things.items()
        # data have no docstrings
        if inspect.isclass(thing) or inspect.isfunction(thing)
    }
    assert not any(lacking.values()), lacking


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_workload_is_in_the_table_and_in_the_api_reference(name):
    assert f"\n| `{name}` | " in (DOCS / "comparing.md").read_text()
    documented = {full.rsplit(".", 1)[1] for full in documented_names()}
    assert WORKLOADS[name].__name__ in documented


@pytest.mark.parametrize("name", ENCODINGS)
def test_every_encoding_is_in_the_table(name):
    assert f"\n| `{name}` | " in (DOCS / "comparing.md").read_text()


def csv_lines(name):
    """Lines of a file of the documentation, as dictionaries."""
    with open(DOCS / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["inputs.csv", "backends.csv"])
def test_measured_tables_have_all_circuits(name):
    """What is new is measured before a release, not by who adds it."""
    measured = {re.match(r"`?([\w-]+)", line["circuit"])[1] for line in csv_lines(name)}
    assert set(mpc.circuits()) <= measured


def test_choice_of_circuits_is_the_one_of_the_measured_errors():
    page = (DOCS / "choosing.md").read_text()
    lines = {line.pop("circuit").strip("`"): line for line in csv_lines("inputs.csv")}
    choices = csv_lines("inputs_choice.csv")
    for name in ("inputs.csv", "inputs_choice.csv"):
        assert f"\n:file: {name}\n" in page
        assert f" docs/{name}" in page
    assert [choice["encoding"].strip("`") for choice in choices] == list(ENCODINGS)
    assert all(list(line) == list(ENCODINGS) for line in lines.values())
    no_choice = ("oracle", "average", "exact (two poles of 5 ms)")
    for choice in choices:
        inputs = choice["encoding"].strip("`")
        texts = {name: line[inputs] for name, line in lines.items()}
        errors = {
            name: float(text.split(" ± ")[0])
            for name, text in texts.items()
            if name not in no_choice
        }
        best, second, *_ = sorted(errors.values())
        assert texts[choice["take"].strip("`")] == choice["it has"]
        assert errors[choice["take"].strip("`")] == best
        next_one, error = choice["next"].split(": ")
        assert texts[next_one.strip("`")] == error
        assert errors[next_one.strip("`")] == second
        default, error = choice["as it is"].split(": ")
        assert texts[default.strip("`")] == error
        assert errors[default.strip("`")] == min(
            error for name, error in errors.items() if name in mpc.circuits()
        )
        assert choice["oracle"] == texts["oracle"]


@pytest.mark.parametrize("name", mpc.circuits())
def test_every_circuit_has_a_page_with_its_diagram(name):
    page = (DOCS / "circuits" / f"{name}.md").read_text()
    assert page.startswith(f"# `{name}`\n")
    assert f"(../wiring/{name}.svg)" in page
    assert f".. autoclass:: {mpc.circuits()[name].__name__}\n" in page


@pytest.mark.parametrize("name", mpc.circuits())
def test_references_of_every_circuit_are_among_the_references(name):
    docstring = inspect.getdoc(mpc.circuits()[name])
    _, section = re.split(r"^References\n-+$", docstring, flags=re.M)
    references = (DOCS / "references.md").read_text()
    found = re.findall(r"^(\w+)[^()]* \((\d{4})\)", section.split("Examples")[0], re.M)
    assert found
    for author, year in found:
        assert re.search(rf"^- {author}\b[^(]*\({year}\)", references, re.M)
    for doi in re.findall(r"https://\S+", section):
        assert f"<{doi}>" in references


# --- backends -------------------------------------------------------------------------

OWN_NEURONS = {"pairwise-relu", "winner-take-all", "shared-reset"}


@pytest.fixture
def backends():
    """What the benchmark of backends found, by circuit and neuron type."""
    lines = csv_lines("backends.csv")
    return {(line.pop("circuit"), line.pop("neuron type")): line for line in lines}


@pytest.mark.parametrize("backend", ["NengoDL", "nengo-torch", "NengoOCL"])
def test_backends_that_run_a_circuit_have_the_errors_of_nengo(backends, backend):
    found = {job: line[backend] for job, line in backends.items() if line[backend]}
    own = {(circuit, "default") for circuit in OWN_NEURONS}
    refused = {job for job, cell in found.items() if cell == "refused"}
    assert refused == (own if backend == "NengoOCL" else set())
    for job in found.keys() - refused:
        # decoders are drawn anew
        assert abs(float(found[job]) - float(backends[job]["Nengo"])) < 0.003


def test_emulator_of_loihi_runs_populations_and_mistakes_our_neurons(backends):
    refused = set()
    for (circuit, neuron_type), line in backends.items():
        cell = line["NengoLoihi's emulator"]
        if cell == "refused":
            refused.add((circuit, neuron_type))
        elif neuron_type == "default" and circuit in OWN_NEURONS:
            assert float(cell) > 2 * float(line["Nengo"])
        elif neuron_type == "LIF":
            assert float(cell) < 0.1
    assert refused == {("exact", "default")}


def test_page_on_backends_has_what_ran():
    page = (DOCS / "backends.md").read_text()
    runs = {line["backend"]: line for line in csv_lines("backends_runs.csv")}
    refusals = {line["backend"] for line in csv_lines("backends_refusals.csv")}
    assert set(runs) == set(csv_lines("backends.csv")[0]) - {"circuit", "neuron type"}
    assert refusals == {"NengoOCL", "NengoLoihi's emulator"}
    for package in ("nengo-ocl==", "nengo-loihi=="):
        (version,) = set(re.findall(rf"{package}([\d.]+)", page))
        assert version in [run["version"] for run in runs.values()]
    for name in ("backends.csv", "backends_runs.csv", "backends_refusals.csv"):
        assert f"\n:file: {name}\n" in page


# --- nengo-zoo ------------------------------------------------------------------------

ZOO = DOCS / "nengo_zoo" / "spiking-max-pool"


def test_entry_for_the_zoo_fits_its_schema():
    entry = pytest.importorskip("yaml").safe_load((ZOO / "metadata.yaml").read_text())
    required = "name type version authors license description tags nengo_version"
    assert {*required.split(), "backends", "complexity"} <= set(entry)
    assert entry["name"] == ZOO.name and entry["type"] == "network"
    assert re.fullmatch(r"\d+\.\d+\.\d+", entry["version"])
    assert 30 <= len(entry["description"]) <= 500
    assert all(re.fullmatch("[a-z0-9][a-z0-9-]*", tag) for tag in entry["tags"])
    assert set(entry["backends"]) <= {"core", "nengo_dl", "nengo_loihi", "nengo_ocl"}
    assert entry["complexity"] in ("beginner", "intermediate", "advanced")
    assert (ZOO / entry["entry_point"]).exists()


def test_entry_for_the_zoo_passes_its_own_tests(monkeypatch):
    monkeypatch.syspath_prepend(str(ZOO / "src"))
    scope = runpy.run_path(str(ZOO / "tests" / "test_runs.py"))
    tests = [each for name, each in scope.items() if name.startswith("test_")]
    assert len(tests) >= 3
    for test in tests:
        test()
    runpy.run_path(str(ZOO / "examples" / "example_usage.py"))


# --- README ---------------------------------------------------------------------------

README = DOCS.parent / "README.md"


def blocks(language, page=README):
    """Code of a page, in its order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.M | re.S)


def circuit_lines():
    """Cells of the table of circuits, by name."""
    lines = re.findall(
        r"^\| \[`([\w-]+)`\]\((.*?)\) \| (.*) \|$", README.read_text(), re.M
    )
    return {name: [link, *rest.split(" | ")] for name, link, rest in lines}


def test_readme_is_short_and_its_links_are_right():
    text = README.read_text()
    assert len(text.split()) < 700
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (README.parent / target).exists(), target


def test_readme_has_all_circuits_with_their_neurons_and_references():
    lines = circuit_lines()
    assert set(lines) == set(mpc.circuits())
    windows = mpc.PoolWindows.independent(n_pools=1, window_size=4)
    references = re.findall(r"^(\d+)\. ", README.read_text(), re.M)
    for name, (_, neurons, _, origin, _) in lines.items():
        formula = re.sub(r"(\d) (?=[k(])", r"\1 * ", neurons.replace("*", ""))
        pool = mpc.make(name, windows, add_to_container=False)
        assert eval(formula, {"k": 4}) == pool.n_neurons
        assert set(re.findall(r"\d+", origin)) <= set(references)


def test_readme_has_one_circuit_before_and_after():
    _, before, after = blocks("python")
    after = after.replace("(inputs, (4,)", "(inputs, (4,), input_range=(0, 1)")
    values = np.random.RandomState(0).uniform(size=(8, 4))
    with nengo.Network(seed=0) as model:
        probes = []
        for four in values:
            found = {"nengo": nengo, "mpc": mpc, "inputs": nengo.Node(four)}
            exec(before, found)
            exec(after, found)
            ends = found["level"][0], found["pool"].output, found["better"].output
            probes.append([nengo.Probe(end) for end in ends])
    with nengo.Simulator(model, progress_bar=False) as simulator:
        simulator.run(0.5)
    outputs = [[simulator.data[p][200:].mean() for p in each] for each in probes]
    by_hand, same, better = np.transpose(outputs) - values.max(axis=1)
    # decoders by hand are regularised, and so a little small
    assert by_hand.mean() == pytest.approx(same.mean(), abs=0.04)
    assert np.abs(better).max() < 0.01 < np.abs(same).max()


@pytest.mark.slow
def test_numbers_of_readme_are_measured(capsys):
    exec(blocks("python")[0], {})
    lines, expected = capsys.readouterr().out.split(), blocks("")[0].split()
    for one, two in zip(lines, expected):
        if "." in two:
            assert float(one) == pytest.approx(float(two), rel=0.02)
        else:
            assert one == two
    errors = mpc.compare()["rmse"].rename(lambda name: name.split(" (")[0])
    for name, (_, _, error, *_) in circuit_lines().items():
        assert errors[name] == pytest.approx(float(error), abs=0.002)


def test_nengo_dl_is_installed_as_one_page_says():
    pages = [README, *DOCS.glob("*.md"), *DOCS.parent.glob("notebooks/*.ipynb")]
    found = [page.name for page in pages if "nengo-dl==" in page.read_text()]
    assert found == ["versions.md"]


# --- code of pages that are not run when they are built -------------------------------


def keras_names():
    """A network and its inputs, which the page on the converter names in its text."""
    pytest.importorskip("maxpool_circuits.nengo_dl")
    from tensorflow.keras import Sequential, layers

    parts = layers.Conv2D(4, 3, activation="relu"), layers.MaxPool2D(2)
    model = Sequential([layers.Input((8, 8, 1)), *parts, layers.Flatten()])
    images = np.random.RandomState(0).uniform(size=(20, 8, 8, 1)).astype(np.float32)
    names = {"keras_model": model, "images": images[:10], "ten_images": images[:10]}
    return {**names, "some_images": images}


#: What pages call by a name that stands for the reader's own.
STAND_INS = {
    "nengo_dl.md": keras_names,
    "CONTRIBUTING.md": lambda: {"MyCircuit": mpc.WinnerTakeAll},
}
#: What they tune takes minutes.
SLOW = "robustness.md", "tuning.md"


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=page.name, marks=[pytest.mark.slow] * (page.name in SLOW))
        for page in [*sorted(DOCS.glob("*.md")), DOCS.parent / "CONTRIBUTING.md"]
        if blocks("python", page)
    ],
)
def test_python_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mpc, "tune", partial(mpc.tune, n_pools=4))
    nengo.rc.set("maxpool_circuits", "operators", "True")
    scope = STAND_INS.get(page.name, dict)()
    try:
        for block in blocks("python", page):
            # what is timed need not be large
            exec(block.replace("5000", "50"), scope)
    except ModuleNotFoundError as error:
        pytest.skip(str(error))
    finally:
        nengo.rc.remove_option("maxpool_circuits", "operators")
