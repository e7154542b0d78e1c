# Everything runs in virtual environments that this file makes with any Python from 3.9 on (see `make help`). They are
# only brought up to date when setup.cfg or pyproject.toml changed. `make clean` before another PYTHON is tried, or name
# another VENV:  make test PYTHON=python3.12 VENV=.venv-3.12
VENV = .venv

# Where to look for Python: the first of these that runs is taken, those that NengoDL runs on (up to 3.13) before newer.
PYENV = "$$(pyenv root 2>/dev/null)"/versions
PYTHON = python3 python $(foreach minor,13 12 11 10 9 14,python3.$(minor) $(PYENV)/3.$(minor).*/bin/python)
# Further options of pytest, for example: make test PYTEST_OPTIONS="-k windows -x"
PYTEST_OPTIONS =

PIP_INSTALL = -m pip install --quiet --disable-pip-version-check
NENGO_DL = --no-build-isolation nengo-dl==3.6.0
BENCH = $(VENV)/bin/python benchmarks
# Two workers: each of them needs seconds and 0.5 GB to import TensorFlow. worksteal: half of the tests each, in order, so
# that what tests of a file share is made once. -rs: what is skipped is listed, with the reason.
PYTEST = -m pytest -n 2 --dist worksteal -rs $(PYTEST_OPTIONS)
REQUIREMENTS = setup.cfg pyproject.toml maxpool_circuits/version.py

# $(call find_python,CONDITION): shell code that sets $$python to the first candidate that fulfils the condition on its
# version v, or to nothing. Each is really started: pyenv's `python3.11` exists, but fails where another is selected.
find_python = python=; for candidate in $(PYTHON); do \
	if "$$candidate" -c 'import sys; v = sys.version_info[:2]; sys.exit(not ($(1)))' >/dev/null 2>&1; \
	then python="$$candidate"; break; fi; done
# Debian's Python cannot make environments without a package of its own.
HAS_VENV = __import__("ensurepip") and __import__("venv")

.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo demo-nengo-dl test test-slow test-core test-gui test-versions lint docs figures presets bench bench-full clean
.PRECIOUS: %/bin/python

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1:\2/p' Makefile | while IFS=: read -r target text; do \
		printf '  make %-14s %s\n' "$$target" "$$text"; done

demo: $(VENV)/demo-installed  ## compare all circuits on images of digits (makes .venv)
	@$(VENV)/bin/maxpool-circuits demo

demo-nengo-dl: $(VENV)/tests-installed  ## convert a Keras network with every circuit (makes .venv, with NengoDL)
	@$(BENCH)/conversions.py --plot maxpool_circuits_demo_nengo_dl.png

test: lint  ## lint and run all tests but the slow ones (makes .venv, with NengoDL)
	@echo "running the tests: 6 to 9 minutes on two cores"
	$(VENV)/bin/python $(PYTEST) --durations=15

test-slow: $(VENV)/tests-installed  ## run the slow tests
	$(VENV)/bin/python $(PYTEST) -m slow

test-core: .venv-core/installed  ## run the tests without NengoDL (makes .venv-core)
	.venv-core/bin/python $(PYTEST)

# Chromium and ChromeDriver are taken from PATH.
test-gui: .venv-gui/installed  ## open each script for Nengo GUI, and the interactive page, in Chromium (makes .venv-gui)
	.venv-gui/bin/python $(PYTEST) tests/test_gui.py tests/test_explore.py

# With each TensorFlow that there is for this Python, in an environment of its own, which takes 2 GB and is deleted again.
test-versions: $(VENV)/tests-installed  ## test the converter with every TensorFlow that it works with (an hour)
	@failed=; for minor in $$($(VENV)/bin/python -m maxpool_circuits.utils.versions); do \
		if $(VENV)/bin/python -m pip index versions tensorflow 2>/dev/null | grep -q " 2\.$$minor\."; \
		then $(MAKE) --no-print-directory test-tensorflow-2.$$minor || failed="$$failed 2.$$minor"; \
		else echo "TensorFlow 2.$$minor: left out, there are no wheels for this Python"; fi; \
	done; if [ -n "$$failed" ]; then echo "error: failed with TensorFlow$$failed" >&2; exit 1; fi

test-tensorflow-2.%:
	@echo "TensorFlow 2.$*"
	@$(VENV)/bin/python -m venv --clear .venv-versions
	@keras=; if [ $* -ge 16 ]; then keras="tf_keras==2.$*.*"; fi; \
	.venv-versions/bin/python $(PIP_INSTALL) -e '.[tests]' 'setuptools>=77,<82' "tensorflow==2.$*.*" $$keras
	@.venv-versions/bin/python $(PIP_INSTALL) $(NENGO_DL)
	@.venv-versions/bin/maxpool-circuits doctor
	@.venv-versions/bin/python $(PYTEST) tests/test_nengo_dl*.py tests/test_compatibility.py
	@rm -rf .venv-versions

lint: $(VENV)/tests-installed  ## check the code with ruff, the layers with import-linter, the types with mypy
	$(VENV)/bin/python -m ruff check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/python -m mypy maxpool_circuits

presets: $(VENV)/demo-installed  ## tune all decoders that are shipped, anew (an hour on two cores)
	$(BENCH)/presets.py

# asv runs benchmarks over commits: cd benchmarks/asv && asv run
bench: $(VENV)/bench-installed  ## compare with every other way to max-pool spikes: a selection (4 to 30 minutes on two cores)
	$(BENCH)/pareto_fronts.py --folder docs/how_it_compares
	$(BENCH)/claims.py --folder docs/how_it_compares
	$(BENCH)/scale.py --pools 100 10000 --csv docs/how_it_compares/scale.csv

bench-full: $(VENV)/bench-installed  ## the same for all workloads, windows and rates, and up to 1,000,000 pools (hours)
	$(BENCH)/pareto_fronts.py --full --folder docs/how_it_compares
	$(BENCH)/claims.py --folder docs/how_it_compares
	$(BENCH)/scale.py --window-sizes 2 4 9 --csv docs/how_it_compares/scale.csv

docs: $(VENV)/docs-installed  ## build the documentation, notebooks included, in docs/_build/html
	$(VENV)/bin/python -m sphinx -W --keep-going -E -j 4 -q docs docs/_build/html

# What README and documentation show as it is committed, and then all that is drawn when the documentation is built. The
# same versions draw the same pictures. Built ones are in docs/_build/html/_images.
figures: $(VENV)/docs-installed  ## redraw all figures of README, documentation and notebooks
	$(VENV)/bin/python docs/pool_figure.py docs/pool.png
	$(VENV)/bin/maxpool-circuits demo --plot docs/demo.png
	$(VENV)/bin/python docs/run_notebooks.py notebooks/*.ipynb
	@if command -v chromedriver >/dev/null; then $(MAKE) --no-print-directory .venv-gui/installed && \
		.venv-gui/bin/python docs/gui/screenshot.py docs/gui/winner_take_all.py docs/gui/winner_take_all.png; \
	else echo "docs/gui/winner_take_all.png stays: it needs Chromium and ChromeDriver"; fi
	@$(MAKE) --no-print-directory docs

clean:  ## delete the environments and all that was built
	rm -rf .venv* build dist *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	rm -rf docs/_build docs/gallery docs/interactive docs/notebooks docs/published_figures docs/wiring
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

%/bin/python:
	@$(call find_python,(3, 9) <= v < (3, 14) and $(HAS_VENV)); \
	if [ -z "$$python" ]; then $(call find_python,v >= (3, 14) and $(HAS_VENV)); fi; \
	if [ -z "$$python" ]; then $(call find_python,v >= (3, 9)); \
		if [ -n "$$python" ]; then \
			package=$$("$$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
			echo "error: $$python cannot make virtual environments. On Debian or Ubuntu: apt install $$package" >&2; \
		else \
			echo 'error: Python 3.9 or newer is needed. On Debian or Ubuntu: apt install python3 python3-venv' >&2; \
			echo 'None of these is one (to name another: make ... PYTHON=/path/to/python3):' $(PYTHON) >&2; \
		fi; exit 1; \
	fi; \
	echo "making $* with $$("$$python" --version)"; "$$python" -m venv --clear $*

# pip finds versions that fit together (TensorFlow 2.12 wants an old NumPy, and so on) only if it sees everything at once.
# It also brings down what a newer demo had installed.
INSTALL = $(PIP_INSTALL) -e '.[$(EXTRAS)]' || { command -v cc >/dev/null || echo $(NO_COMPILER) >&2; exit 1; }
NO_COMPILER = "If a compiler is missing: on Debian or Ubuntu, apt install build-essential python3-dev"

# After the extra nengo-dl comes a second line, which has nothing to do up to Python 3.11. Where it fails, all else is
# installed, and make tries again the next time.
INSTALL_WITH_NENGO_DL = if $(VENV)/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 14))'; then \
		echo "NengoDL does not run on Python 3.14 or newer: the tests that need it are skipped"; \
		$(VENV)/bin/python $(INSTALL); touch $@; \
	elif $(VENV)/bin/python $(PIP_INSTALL) -e '.[nengo-dl,$(EXTRAS)]' && \
		$(VENV)/bin/python $(PIP_INSTALL) $(NENGO_DL); then touch $@; \
	else \
		echo "NengoDL could not be installed (why: see above); the tests that need it are skipped"; \
		$(VENV)/bin/python $(INSTALL); \
	fi; touch $(VENV)/demo-installed

$(VENV)/demo-installed: EXTRAS = plots
$(VENV)/demo-installed: $(VENV)/bin/python $(REQUIREMENTS)
	@echo "installing what the demo needs into $(VENV)"
	@$(VENV)/bin/python $(INSTALL)
	@touch $@

$(VENV)/tests-installed: EXTRAS = plots,tests
$(VENV)/tests-installed: $(VENV)/bin/python $(REQUIREMENTS)
	@echo "installing what the tests need into $(VENV) (TensorFlow is large: this takes some minutes)"
	@$(INSTALL_WITH_NENGO_DL)

# It runs what it shows, so it needs NengoDL too; with the tests' packages, the environment stays one for all of this.
$(VENV)/docs-installed: EXTRAS = plots,tests,docs
$(VENV)/docs-installed: $(VENV)/bin/python $(REQUIREMENTS)
	@echo "installing what the documentation needs into $(VENV)"
	@$(INSTALL_WITH_NENGO_DL)
	@touch $(VENV)/tests-installed

# Of the packages of others, those that pip can install; what is missing is left out and named.
$(VENV)/bench-installed: EXTRAS = plots,tests,bench
$(VENV)/bench-installed: $(VENV)/bin/python $(REQUIREMENTS)
	@echo "installing what the benchmarks need into $(VENV)"
	@$(INSTALL_WITH_NENGO_DL)
	@touch $(VENV)/tests-installed $@

.venv-core/installed: EXTRAS = tests
.venv-core/installed: .venv-core/bin/python $(REQUIREMENTS)
	@echo "installing what the tests without NengoDL need into .venv-core"
	@.venv-core/bin/python $(INSTALL)
	@touch $@

# Without NengoDL, which Nengo GUI would import at every start.
.venv-gui/installed: EXTRAS = gui,tests
.venv-gui/installed: .venv-gui/bin/python $(REQUIREMENTS)
	@echo "installing what the scripts for Nengo GUI and their tests need into .venv-gui"
	@.venv-gui/bin/python $(INSTALL)
	@touch $@
