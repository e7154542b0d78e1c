"""Fixtures and settings shared by all tests.

Nengo's own pytest plugin is switched off in ``setup.cfg`` (pytest 9 refuses it), so
its ``Simulator`` fixture is defined here.
"""

import functools
import importlib
import os

# Before anything imports matplotlib or TensorFlow: no windows, no start-up messages.
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import hypothesis
import nengo
import pytest

from maxpool_circuits import testing

# The same examples in every run, however slow the machine.
hypothesis.settings.register_profile("reproducible", derandomize=True, deadline=None)
hypothesis.settings.load_profile("reproducible")

# Tests leave the user's decoder cache alone (xdist's workers would compete for it).
nengo.rc.set("decoder_cache", "enabled", "False")


# name of a backend: the modules to import, of which the last has its Simulator; this
# package's own first, which makes NengoDL run beside any TensorFlow
BACKENDS = {"nengo": ["nengo"], "nengo-dl": ["maxpool_circuits.nengo_dl", "nengo_dl"]}


def make_simulator_class(backend):
    """A backend's ``Simulator``, without progress bar; skips if not installed."""
    try:
        # only now, because importing nengo_dl takes seconds
        *_, module = map(importlib.import_module, BACKENDS[backend])
    except ImportError as error:
        pytest.skip(f"needs {backend}: {error}")
    return functools.partial(module.Simulator, progress_bar=False)


@pytest.fixture(params=["nengo"])
def Simulator(request):
    """Simulates a network. A test that must also run on NengoDL asks for both::

    @pytest.mark.parametrize("Simulator", ["nengo", "nengo-dl"], indirect=True)
    """
    return make_simulator_class(request.param)


@pytest.fixture
def DLSimulator():
    """NengoDL's simulator, for tests of what only NengoDL does."""
    return make_simulator_class("nengo-dl")


@pytest.fixture(scope="session")
def run_circuit():
    """Function that simulates a circuit."""
    return testing.run_circuit


class Cluster:
    """Two workers of Dask on this machine, which `joblib` can use."""

    def __init__(self, client):
        self.client = client

    def ran_something(self):
        """Whether the workers, and not only this process, have run anything."""
        logs = self.client.run(lambda dask_worker: len(dask_worker.state.log))
        return min(logs.values()) > 0


@pytest.fixture
def cluster():
    """Cluster on this machine; ``joblib.parallel_config(backend="dask")`` uses it."""
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as local:
        with distributed.Client(local) as client:
            yield Cluster(client)
