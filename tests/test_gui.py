"""Scripts for Nengo GUI: they simulate, and they open in a browser without errors."""

import importlib.util
import runpy
from pathlib import Path

import nengo
import numpy as np
import pytest

import maxpool_circuits as mpc

FOLDER = Path(__file__).parent.parent / "docs" / "gui"
SCRIPTS = [
    path
    for path in sorted(FOLDER.glob("*.py"))
    if "from pool_of_four import" in path.read_text(encoding="utf-8")
]


@pytest.fixture(params=SCRIPTS, ids=lambda path: path.stem)
def script(request):
    """Where a script is."""
    return request.param


@pytest.fixture
def screenshot():
    """The module that opens a script; skips if what it needs is not installed."""
    modules = {"Nengo GUI": "nengo_gui", "Selenium": "selenium"}
    missing = [n for n, m in modules.items() if importlib.util.find_spec(m) is None]
    if missing:
        pytest.skip(f"needs {' and '.join(missing)}: `make test-gui` installs them")
    spec = importlib.util.spec_from_file_location(
        "screenshot", FOLDER / "screenshot.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    missing = [name for name, path in module.find_programs().items() if path is None]
    if missing:
        pytest.skip(f"needs {' and '.join(missing)} on PATH")
    return module


def test_every_script_is_of_a_circuit_and_has_a_layout():
    assert SCRIPTS
    for script in SCRIPTS:
        assert script.stem.replace("_", "-") in mpc.circuits()
        assert script.with_name(script.name + ".cfg").exists()


def test_script_takes_a_maximum(script, tmp_path, monkeypatch):
    # as Nengo GUI does, which can be started anywhere
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.chdir(tmp_path)
    defined = runpy.run_path(str(script))
    name = script.stem.replace("_", "-")
    assert type(defined["pool"]) is mpc.circuits()[name]
    assert defined["pool"].label == name
    with defined["model"] as model:
        probe = nengo.Probe(defined["values"], synapse=0.03)
    with nengo.Simulator(model, progress_bar=False) as simulator:
        simulator.run(0.5)
    true_maximum, output = np.mean(simulator.data[probe][250:], axis=0)
    assert true_maximum == pytest.approx(0.9, abs=1e-3)
    assert output == pytest.approx(0.9, abs=0.15)


@pytest.mark.parametrize("name", mpc.circuits())
def test_lists_of_a_circuit_hold_what_nengo_gui_can_name(name):
    windows = mpc.PoolWindows.independent(n_pools=2, window_size=3)
    with nengo.Network():
        pool = mpc.circuits()[name](windows)
    attributes = [getattr(pool, name) for name in dir(pool) if name[0] != "_"]
    lists = [value for value in attributes if isinstance(value, list)]
    assert lists
    for item in sum(lists, []):
        hash(item)  # Nengo GUI keeps names in a dict


def test_script_opens_and_runs_in_a_browser(script, screenshot):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By

    layout = script.with_name(script.name + ".cfg").read_text()
    with screenshot.opened(script) as page:

        def find(selector):
            return page.find_elements(By.CSS_SELECTOR, selector)

        def texts(selector):
            return {element.text for element in find(selector)}

        # the network; its parts arrive one by one
        labels = {"inputs", "spikes of the inputs", "true maximum, output"}
        labels.add(script.stem.replace("_", "-"))
        screenshot.wait(
            page, f"the labels {labels}", lambda: labels <= texts("#netgraph text")
        )

        # all plots that the layout asks for, under the labels of what they show
        n_plots = layout.count("nengo_gui.components.Raster(")
        assert len(find(".graph")) == n_plots + 2
        assert {"inputs", "true maximum, output"} <= texts(".graph .label")
        sliders = [float(handle.text) for handle in find(".graph .btn")]
        assert sliders == [0.2, 0.4, 0.9, 0.6]

        # the inside of the circuit can be looked at
        network = find("g.net")[0]  # the other is its image in the overview
        items = "g.node, g.ens, g.passthrough"
        n_items = len(find(items))
        ActionChains(page).double_click(network).perform()
        screenshot.wait(page, "its inside", lambda: len(find(items)) > n_items)

        screenshot.run(page, duration=0.3)
        drawn = [line.get_attribute("d") or "" for line in find(".graph path.line")]
        # the spikes of the inputs, the true maximum and the output at least
        assert sum(len(path) > 100 for path in drawn) >= 3
