"""Open a script in Nengo GUI, in a browser without a screen, and make a picture of it.

The picture in the documentation is made, in this folder, by

    python screenshot.py winner_take_all.py winner_take_all.png

which needs Chromium, ChromeDriver and ``pip install nengo-gui selenium``.
"""

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

#: How long to wait, in seconds, for anything to happen.
PATIENCE = 60


def find_programs():
    """Paths of Chromium and ChromeDriver, by name; None for one not on PATH."""
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next((path for path in map(shutil.which, names) if path), None)
    return {"Chromium": browser, "ChromeDriver": shutil.which("chromedriver")}


@contextlib.contextmanager
def opened(script, size=(1400, 800)):
    """Open a script in Nengo GUI.

    The GUI gets copies of the script, its layout and what scripts share, and may change
    them.

    Parameters
    ----------
    script : pathlib.Path
        The script.
    size : (int, int), optional (Default: (1400, 800))
        Width and height of the window, in pixels.

    Yields
    ------
    selenium.webdriver.Chrome
        The browser, with the model on its page, not yet started.

    Raises
    ------
    RuntimeError
        If the GUI does not start, or shows an error of the script.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        shared = script.with_name("pool_of_four.py")
        for file in (script, script.with_name(script.name + ".cfg"), shared):
            shutil.copy(file, folder)
        # other programs may use the decoder cache at the same time
        Path(folder, "nengorc").write_text("[decoder_cache]\nenabled = False\n")
        log = Path(folder, "log.txt")
        command = [sys.executable, "-u", "-m", "nengo_gui.main", "--no-browser"]
        # on loopback and a free port
        command += ["--port", "0", "--auto-shutdown", "0", script.name]
        with open(log, "w") as output:
            server = subprocess.Popen(
                command, cwd=folder, stdout=output, stderr=subprocess.STDOUT
            )
        stack.callback(server.wait)
        stack.callback(server.terminate)
        address = _address(server, log)

        programs = find_programs()
        options = webdriver.ChromeOptions()
        options.binary_location = programs["Chromium"]
        for argument in (
            "headless",
            "no-sandbox",
            "disable-gpu",
            "disable-quic",
            "no-first-run",
            "disable-background-networking",
            "disable-component-update",
            "disable-sync",
            f"user-data-dir={Path(folder, 'profile')}",
            f"window-size={size[0]},{size[1]}",
        ):
            options.add_argument(f"--{argument}")
        # reports of crashes and the like would go to the user's own folders
        homes = dict.fromkeys(("XDG_CONFIG_HOME", "XDG_CACHE_HOME"), folder)
        service = Service(programs["ChromeDriver"], env={**os.environ, **homes})
        page = webdriver.Chrome(options=options, service=service)
        stack.callback(page.quit)
        page.get(address)
        network = By.CSS_SELECTOR, "g.node, g.net"
        wait(page, "the network", lambda: page.find_elements(*network))
        yield page


def _address(server, log):
    """Wait until the server says where it is."""
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up and server.poll() is None:
        found = re.search(r"http://\S+", log.read_text())
        if found:
            return found[0]
        time.sleep(0.1)
    raise RuntimeError(f"Nengo GUI did not start:\n{log.read_text()}")


def wait(page, name, condition):
    """Wait until a condition holds, or raise what the page shows as an error.

    The name says what was waited for, if it does not come.
    """

    def holds(page):
        # the GUI goes on after an error, with the part of the model that it could make
        error = page.find_element(By.ID, "console_error").get_property("textContent")
        if error:
            raise RuntimeError(f"Nengo GUI shows an error:\n{error}")
        return condition()

    ignored = [StaleElementReferenceException]  # the page may redraw anything
    waiter = WebDriverWait(page, PATIENCE, ignored_exceptions=ignored)
    waiter.until(holds, f"waited {PATIENCE} s for {name}")


def simulated_time(page):
    """Seconds that have been simulated, as the page shows them; 0 before the start."""
    found = re.search(r"[\d.]+", page.find_element(By.ID, "ticks_tr").text)
    return float(found[0]) if found else 0.0


def run(page, duration):
    """Start the simulation, and pause it after so many simulated seconds."""
    button = page.find_element(By.ID, "pause_button")
    button.click()
    wait(page, "simulated time", lambda: simulated_time(page) > duration)
    button.click()


def main():
    """Make a picture after a second of simulation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("script", type=Path, help="a script that defines `model`")
    parser.add_argument("picture", help="PNG file to write")
    arguments = parser.parse_args()
    with opened(arguments.script) as page:
        run(page, duration=1)
        page.save_screenshot(arguments.picture)


if __name__ == "__main__":
    main()
