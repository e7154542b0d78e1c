"""The interactive page of the documentation, in a browser without a network."""

import csv
import importlib.util
import shutil
from pathlib import Path

import pytest

import maxpool_circuits as mpc

DOCS = Path(__file__).parent.parent / "docs"

pytestmark = pytest.mark.skipif(
    not (DOCS / "explore.py").exists(),
    reason="the source archive comes without the documentation",
)


@pytest.fixture(scope="module")
def explore():
    """The module that makes the page."""
    spec = importlib.util.spec_from_file_location("explore", DOCS / "explore.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def browser(explore, tmp_path_factory):
    """The page, opened as a file."""
    pytest.importorskip("selenium")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((path for path in map(shutil.which, names) if path), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("needs Chromium and ChromeDriver on PATH")
    path = tmp_path_factory.mktemp("page") / "explore.html"
    explore.write_page(path)
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument("--window-size=1300,1600")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        browser.get(path.as_uri())
        yield browser
    finally:
        browser.quit()


def choose(browser, menu, value):
    """Choose from a menu, or move the slider."""
    browser.execute_script(
        "const menu = document.getElementById(arguments[0]); menu.value = arguments[1];"
        "for (const name of ['change', 'input']) menu.dispatchEvent(new Event(name));",
        menu,
        str(value),
    )


def drawn(browser, plot):
    """What a plot shows."""
    script = "return document.getElementById(arguments[0]).shown;"
    return browser.execute_script(script, plot)


def signs(browser):
    """What the plot of errors says of each of its signs."""
    return browser.execute_script(
        "return [...document.querySelectorAll('#front title')]"
        ".map((title) => title.textContent);"
    )


@pytest.fixture(scope="module")
def fronts(explore):
    """What was measured."""
    with open(explore.FRONTS, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def chosen(browser, menu):
    """What a menu offers, and what is chosen."""
    return browser.execute_script(
        "const menu = document.getElementById(arguments[0]);"
        "return [[...menu.options].map((option) => option.value), menu.value];",
        menu,
    )


def test_playback_has_all_circuits(explore):
    with open(explore.PLAYBACK, newline="", encoding="utf-8") as file:
        assert {line["circuit"] for line in csv.DictReader(file)} == set(mpc.circuits())


def test_menus_offer_what_was_measured_and_change_the_front(browser, explore, fronts):
    settings = {tuple(line[menu] for menu in explore.MENUS) for line in fronts}
    # known of each circuit, which a latency is not where it does not settle
    choose(browser, "cost", "neurons")
    seen = {}
    for workload in chosen(browser, "workload")[0]:
        choose(browser, "workload", workload)
        for window_size in chosen(browser, "window_size")[0]:
            choose(browser, "window_size", window_size)
            for input_rate in chosen(browser, "input_rate")[0]:
                choose(browser, "input_rate", input_rate)
                setting = workload, window_size, input_rate
                assert all(
                    chosen(browser, menu)[1] == value
                    for menu, value in zip(explore.MENUS, setting)
                )
                shown = drawn(browser, "front")
                errors = {
                    line["circuit"]: float(line["rmse"])
                    for line in fronts
                    if tuple(line[menu] for menu in explore.MENUS) == setting
                }
                found = {row["circuit"]: row["rmse"] for row in shown}
                assert found.items() <= errors.items()
                assert {"winner-take-all", "pairwise-relu"} <= set(found)
                assert [text.split(": ")[0] for text in signs(browser)] == list(found)
                seen[setting] = str(shown)
    assert set(seen) == settings
    assert len(set(seen.values())) == len(settings)


def test_every_circuit_is_played_back_step_by_step(browser):
    seen = set()
    for name in mpc.circuits():
        choose(browser, "circuit", name)
        choose(browser, "step", 200)
        whole = drawn(browser, "pool")
        seen.add(str(whole))
        choose(browser, "step", 50)
        part = drawn(browser, "pool")
        assert max(map(max, part["input"])) <= 50 < max(map(max, whole["input"]))
        (output,), (first,) = whole["output"], part["output"]
        assert len(output) == 200 and first == output[:50]
        assert output[95] == pytest.approx(0.9, abs=0.25)
    assert len(seen) == len(mpc.circuits())


def test_a_name_hides_its_signs_and_each_has_its_own(browser):
    choose(browser, "cost", "synaptic_operations")
    buttons = browser.find_elements("css selector", "#legend button")
    paths = {
        (path.get_attribute("d"), path.get_attribute("stroke"))
        for path in browser.find_elements("css selector", "#legend path")
    }
    assert len(paths) == len(buttons)
    everything = signs(browser)
    buttons[0].click()
    assert [text.split(": ")[0] for text in everything if text not in signs(browser)]
    browser.find_element("css selector", "#legend button.hidden").click()
    assert signs(browser) == everything


def test_play_moves_on(browser):
    from selenium.webdriver.support.ui import WebDriverWait

    choose(browser, "step", 10)
    browser.find_element("id", "play").click()
    step = browser.find_element("id", "step")
    WebDriverWait(browser, 60).until(lambda _: int(step.get_property("value")) > 12)
    browser.find_element("id", "play").click()
    assert browser.find_element("id", "play").text == "play"


def test_page_has_no_errors_and_asks_for_nothing(browser):
    assert [e for e in browser.get_log("browser") if e["level"] != "INFO"] == []
    resources = "return performance.getEntriesByType('resource').map((e) => e.name);"
    assert browser.execute_script(resources) == []
