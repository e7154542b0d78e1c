# Everything runs in virtual environments that this file makes (see `make help`):
#   .venv        Python 3.11, for the demo, the tests and NengoDL
#   .venv-core   the newest Python of the machine, for the tests without NengoDL
#   .venv-gui    the newest Python of the machine, for the scripts for Nengo GUI
# The environments are only brought up to date when setup.cfg or pyproject.toml changed.

# Where to look for Python 3.11: the first of these that runs and is 3.11 is taken.
PYTHON = python3.11 python3 python "$$(pyenv root 2>/dev/null)"/versions/3.11.*/bin/python
# Where to look for a newer one, best first.
PYTHON_CORE = $(foreach minor,14 13 12,python3.$(minor) "$$(pyenv root 2>/dev/null)"/versions/3.$(minor).*/bin/python)
# Where to look for the newest of all, 3.11 included (Nengo GUI 0.6 was tried on 3.11 to 3.13).
PYTHON_GUI = $(PYTHON_CORE) $(PYTHON)
# Further options of pytest, for example: make test PYTEST_OPTIONS="-k windows -x"
PYTEST_OPTIONS =

PIP_INSTALL = -m pip install --quiet --disable-pip-version-check
# Two workers: each of them needs seconds and 0.5 GB to import TensorFlow.
PYTEST = -m pytest -n 2 $(PYTEST_OPTIONS)
REQUIREMENTS = setup.cfg pyproject.toml maxpool_circuits/version.py

# $(call find_python,CANDIDATES,CONDITION): shell code that sets $$python to the first candidate that fulfils the
# condition, or to nothing. Each is really started: the `python3.11` of pyenv exists, but fails where another version is
# selected, and Debian's Python has no ensurepip (so cannot make environments) without the package python3-venv.
find_python = python=; for candidate in $(1); do \
	if "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(not $(2))' >/dev/null 2>&1; \
	then python="$$candidate"; break; fi; done
IS_311 = sys.version_info[:2] == (3, 11)
IS_NEWER = (sys.version_info[:2] > (3, 11) and sys.version_info.releaselevel == "final")
IS_311_OR_NEWER = (sys.version_info[:2] >= (3, 11) and sys.version_info.releaselevel == "final")

.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo demo-nengo-dl test test-slow test-core run-test-core test-gui lint docs presets clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

demo: .venv/demo-installed  ## compare all circuits on images of digits (makes .venv)
	@.venv/bin/maxpool-circuits demo

demo-nengo-dl: .venv/tests-installed  ## convert a Keras network with every circuit (makes .venv, with NengoDL)
	@.venv/bin/maxpool-circuits demo --nengo-dl

test: lint  ## lint and run all tests but the slow ones (makes .venv, with NengoDL)
	.venv/bin/python $(PYTEST)

test-slow: .venv/tests-installed  ## run the slow tests
	.venv/bin/python $(PYTEST) -m slow

test-core:  ## run the tests that need no NengoDL on a newer Python, if there is one (makes .venv-core)
	@$(call find_python,$(PYTHON_CORE),$(IS_NEWER)); \
	if [ -n "$$python" ]; then $(MAKE) --no-print-directory run-test-core PYTHON_CORE="$$python"; \
	else echo "test-core: skipped, there is no Python newer than 3.11 here (or name one: make test-core PYTHON_CORE=...)"; fi

run-test-core: .venv-core/installed
	.venv-core/bin/python $(PYTEST)

# Chromium and ChromeDriver are taken from PATH; -rs: where they are missing, say so.
test-gui: .venv-gui/installed  ## open each script for Nengo GUI in Chromium, if that is on PATH (makes .venv-gui)
	.venv-gui/bin/python $(PYTEST) -rs tests/test_gui.py

lint: .venv/tests-installed  ## check the code with ruff, the layers with import-linter, the types with mypy
	.venv/bin/python -m ruff check .
	.venv/bin/lint-imports
	.venv/bin/python -m mypy maxpool_circuits

presets: .venv/demo-installed  ## tune all decoders that are shipped, anew (an hour on two cores)
	.venv/bin/python -m maxpool_circuits.tuning

docs: .venv/docs-installed  ## build the documentation, notebooks included, in docs/_build/html
	.venv/bin/python -m sphinx -W --keep-going -E -j 4 -q docs docs/_build/html

clean:  ## delete the environments and all that was built
	rm -rf .venv .venv-core .venv-gui build dist *.egg-info .hypothesis .pytest_cache .ruff_cache
	rm -rf docs/_build docs/notebooks docs/wiring
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@$(call find_python,$(PYTHON),$(IS_311)); \
	if [ -z "$$python" ]; then \
		echo 'error: Python 3.11 is needed (NengoDL runs on no newer one), with its venv module. None of these is one:' >&2; \
		echo '    '$(PYTHON) >&2; \
		echo 'Install it, or name it: make ... PYTHON=/path/to/python3.11' >&2; exit 1; \
	fi; \
	echo "making .venv with $$("$$python" --version)"; "$$python" -m venv --clear .venv

.venv/demo-installed: .venv/bin/python $(REQUIREMENTS)
	@echo "installing what the demo needs into .venv"
	@.venv/bin/python $(PIP_INSTALL) -e '.[plots]'
	@touch $@

# All in one command: pip finds versions that fit together (NengoDL wants an old TensorFlow, that wants an old NumPy, and
# so on) only if it sees everything at once. It also brings down what a newer demo had installed.
.venv/tests-installed: .venv/bin/python $(REQUIREMENTS)
	@echo "installing what the tests need into .venv (TensorFlow is large: this takes some minutes)"
	@.venv/bin/python $(PIP_INSTALL) -e '.[nengo-dl,plots,tests]'
	@touch .venv/demo-installed $@

# It runs what it shows, so it needs NengoDL too; with the tests' packages, the environment stays one for all of this.
.venv/docs-installed: .venv/bin/python $(REQUIREMENTS)
	@echo "installing what the documentation needs into .venv"
	@.venv/bin/python $(PIP_INSTALL) -e '.[nengo-dl,plots,tests,docs]'
	@touch .venv/demo-installed .venv/tests-installed $@

.venv-core/bin/python:
	@echo "making .venv-core with $$("$(PYTHON_CORE)" --version)"
	@"$(PYTHON_CORE)" -m venv --clear .venv-core

.venv-core/installed: .venv-core/bin/python $(REQUIREMENTS)
	@echo "installing what the tests without NengoDL need into .venv-core"
	@.venv-core/bin/python $(PIP_INSTALL) -e '.[tests]'
	@touch $@

.venv-gui/bin/python:
	@$(call find_python,$(PYTHON_GUI),$(IS_311_OR_NEWER)); \
	if [ -z "$$python" ]; then \
		echo 'error: Python 3.11 or newer is needed, with its venv module. None of these is one:' >&2; \
		echo '    '$(PYTHON_GUI) >&2; \
		echo 'Install it, or name it: make test-gui PYTHON_GUI=/path/to/python3' >&2; exit 1; \
	fi; \
	echo "making .venv-gui with $$("$$python" --version)"; "$$python" -m venv --clear .venv-gui

# Without NengoDL, which Nengo GUI would import at every start.
.venv-gui/installed: .venv-gui/bin/python $(REQUIREMENTS)
	@echo "installing what the scripts for Nengo GUI and their tests need into .venv-gui"
	@.venv-gui/bin/python $(PIP_INSTALL) -e '.[gui,tests]'
	@touch $@
