"""Bad calls of every public name: each is refused with help.

Every callable of every ``__all__`` is called with good arguments, one of which is
spoiled. A new name is covered as soon as it is exported: its arguments are known by
their names, and one whose name is new needs a good value below.
"""

import contextlib
import functools
import importlib
import inspect
import os
import re
import sys
import tempfile
import warnings
from types import SimpleNamespace

import matplotlib.pyplot as plt
import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits import testing
from maxpool_circuits.comparison import ENCODINGS
from maxpool_circuits.network import populations, sparse
from maxpool_circuits.network.wiring import Wiring


class Began(Exception):
    """All arguments were accepted, and the work would begin now."""


def begin(*arguments, **options):
    """Stand in for what takes long."""
    raise Began


@functools.cache
def good_table():
    """A comparison of few pools."""
    circuits = {"untuned": "exact", "tuned": "exact"}
    return mpc.compare(circuits, workload=workload())


@functools.cache
def workload():
    """A short workload on images."""
    from maxpool_circuits.comparison import images

    return images(window_size=64, n_images=2)


def good_pool():
    """A pool of neurons alone."""
    options = {"input_synapse": None, "max_rate": 100, "add_to_container": False}
    return mpc.WinnerTakeAll(WINDOWS, **options)


def good_nir():
    """A pool of neurons that NIR knows."""
    options = {"neuron_type": mpc.IntegrateAndFire(), "input_synapse": None}
    return mpc.WinnerTakeAll(WINDOWS, add_to_container=False, **options)


def good_unpooled():
    """A pool whose winners are known."""
    return mpc.WinnerTakeAll(WINDOWS, add_to_container=False)


def good_source():
    """A node of six values, in the network of a test."""
    return nengo.Node(np.zeros(6))


def good_post():
    """A node that takes six values."""
    return nengo.Node(size_in=6)


WINDOWS = mpc.PoolWindows.independent(n_pools=2, window_size=3)
FOLDER = tempfile.TemporaryDirectory()
PATH = os.path.join(FOLDER.name, "file")
#: Good values that are made when they are needed.
MADE = (good_table, good_pool, good_nir, good_source, good_unpooled, good_post)
#: Good values of all arguments, by name; those of one callable stand with its name.
GOOD = {
    "add_to_container": False,
    "path": PATH,
    "amplitude": 1,
    "any_rate": False,
    "ax": None,
    "bits": 8,
    "base": 0,
    "channels_last": True,
    "circuit": "exact",
    "circuits": ["exact"],
    "columns": [0],
    "decoder_changes": {},
    "decoders": None,
    "dead": 0.1,
    "default": 2,
    "dt": 0.001,
    "floor": -1,
    "function": len,
    "gain": 0.5,
    "high": 3,
    "images": None,
    "indices": [[0]],
    "input_range": (0, 1),
    "input_rate": 250,
    "input_shape": (4, 4, 4),
    "input_synapse": None,
    "interval": (0, 0.1),
    "is_read": np.array([True]),
    "latency_weight": 0,
    "memory": None,
    "label": None,
    "limit": 0.25,
    "low": 1,
    "matrix": np.eye(6),
    "mean": 0.5,
    "maps": np.zeros((2, 2, 3)),
    "max_rate": 250,
    "min_voltage": -1,
    "n_columns": 2,
    "n_copies": 2,
    "n_images": 2,
    "n_inputs": 2,
    "n_jobs": 1,
    "n_neurons": 2,
    "n_pools": 2,
    "name": "a name",
    "names": ["a name"],
    "network": good_pool,
    "neuron_type": nengo.SpikingRectifiedLinear(),
    "own": (),
    "pool": 0,
    "population": populations.rectifier(nengo.LIF(), 2, 100, 1),
    "post": good_post,
    "pre": good_source,
    "radius": 1,
    "rate": 250,
    "readout": 0.02,
    "rise": 0,
    "seed": 0,
    "setup": mpc.Setup("a.b", 1, 250.0),
    "signals": len,
    "size": 6,
    "sizes": [2, 3],
    "simulator": begin,
    "spike": 1,
    "spike_value": 1 / 250,
    "spikes_weight": 0,
    "step": np.zeros((2, 6)),
    "steps": 1,
    "synapse": 0.005,
    "table": good_table,
    "values": np.zeros((1, 6)),
    "voltage": np.zeros(6),
    "voltages": [np.zeros(3), np.zeros(1), np.zeros(1)],
    "window_size": 3,
    "weight_noise": 0.1,
    "weights": np.eye(6),
    "windows": WINDOWS,
    "x": np.zeros(6),
    "Setup.neuron_type": None,
    "Setup.synapse": None,
    "TunedDecoders.parameters": {},
    "Wiring.junction.label": "a junction",
    "MaxPoolNetwork.replicate.name": "unit",
    "compare.n_pools": 1,
    "images.window_size": 4,
    "to_nir.circuit": good_nir,
    "register.circuit": mpc.ExactMax,
    "register.name": "exact",
    "unregister.name": "fleeting",
    "error_map.circuit": "tuned",
    "max_pool.source": good_source,
    "max_pool.n_neurons": 1,
    "per_window.make_one": len,
    "Unpool.pool": good_unpooled,
    "tune.circuit": "pairwise-relu",
    "tune.progress_bar": False,
}

#: What may be anything, with the reason.
FREE = {
    "label": "a text for people, as in nengo.Network",
    "add_to_container": "handed on to nengo.Network",
    "report": "anything that JSON can carry",
    "x": "values may be NaN or infinite",
    "max_pool.windows": "refused as input_shape",
    "error_map.circuit": "refused as a row of the table",
}

#: Names that are not called by users, with the reason.
LEFT_OUT = {
    "ComparisonTable": "made by compare",
    "Ratios": "made by ComparisonTable.against",
    "Check": "made by checks",
    "MaxPoolNetwork": "makes no circuit; its arguments are those of the circuits",
}

#: Methods that have arguments, with an object to call them on.
METHODS = {
    "PoolWindows.from_indices": mpc.PoolWindows,
    "PoolWindows.global_pooling": mpc.PoolWindows,
    "PoolWindows.independent": mpc.PoolWindows,
    "PoolWindows.max": WINDOWS,
    "ENCODINGS.poisson": SimpleNamespace(**ENCODINGS),
    "ENCODINGS.regular": SimpleNamespace(**ENCODINGS),
    "TunedDecoders.load": mpc.TunedDecoders,
    "TunedDecoders.save": mpc.TunedDecoders(GOOD["setup"], {}, {}),
    "Wiring.connect": Wiring(),
    "Wiring.junction": Wiring(),
    "populations.PopulationArray": populations,
    "populations.rectifier": populations,
    "sparse.connect": sparse,
    "sparse.selection": sparse,
}

#: Never right, whatever the argument is.
NONSENSE = [object(), float("nan"), 10**400, b"ab"]


def public():
    """All exported callables, by name."""
    found = {}
    modules = ("", ".comparison", ".nir", ".plots", ".rules", ".testing", ".tuning")
    for name in modules:
        # a package may not be installed
        with contextlib.suppress(ImportError):
            module = importlib.import_module(f"maxpool_circuits{name}")
            for exported in set(module.__all__) - set(LEFT_OUT):
                if callable(thing := getattr(module, exported)):
                    found[exported] = thing
    for name, thing in METHODS.items():
        found[name] = getattr(thing, name.split(".")[1])
    return dict(sorted(found.items()))


def arguments_of(name, call):
    """Names of all arguments, those of circuits in place of ``**options``."""
    parameters = inspect.signature(call).parameters.values()
    names = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
    if len(names) < len(parameters) and name != "pooled_images":
        circuit = inspect.signature(mpc.MaxPoolNetwork).parameters
        names += [other for other in circuit if other not in names]
    return names


def good_arguments(name, call):
    """Good values of all arguments that need one, and of those that save time."""
    arguments = {}
    for argument in arguments_of(name, call):
        parameter = inspect.signature(call).parameters.get(argument)
        needed = parameter is not None and parameter.default is parameter.empty
        cheap = argument in ("simulator", "add_to_container", "n_pools")
        if needed or cheap or f"{name}.{argument}" in GOOD:
            value = GOOD.get(f"{name}.{argument}", GOOD.get(argument, LookupError))
            assert value is not LookupError, f"add a good {argument} of {name} to GOOD"
            is_made = any(value is each for each in MADE)
            arguments[argument] = value() if is_made else value
    return arguments


PUBLIC = public()
CASES = [
    (name, argument)
    for name, call in PUBLIC.items()
    for argument in arguments_of(name, call)
    if not {argument, f"{name}.{argument}"} & set(FREE)
]


@pytest.fixture(autouse=True)
def without_work(monkeypatch):
    """Leave out what takes long, and whatever a call leaves behind."""
    monkeypatch.setattr(
        sys.modules["maxpool_circuits.tuning.tune"], "_sets_of_inputs", begin
    )
    monkeypatch.chdir(FOLDER.name)
    registered = mpc.circuits()
    mpc.register("fleeting", begin)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with nengo.Network():
            yield
    plt.close("all")
    for other in mpc.circuits().keys() - registered.keys():
        mpc.unregister(other)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_good_call_is_accepted(name):
    if name == "TunedDecoders.load":
        mpc.TunedDecoders(GOOD["setup"], {}, {}).save(PATH)
    if name == "read_csv":
        good_table().to_csv(PATH)
    with contextlib.suppress(Began):
        PUBLIC[name](**good_arguments(name, PUBLIC[name]))


def test_what_is_left_out_is_public():
    modules = mpc, mpc.comparison, mpc.plots, testing
    assert set(LEFT_OUT) <= {name for each in modules for name in each.__all__}


@pytest.mark.parametrize(
    "value",
    [NONSENSE[0], *(pytest.param(v, marks=pytest.mark.slow) for v in NONSENSE[1:])],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("name, argument", CASES)
def test_nonsense_is_refused_with_the_name_of_the_argument(name, argument, value):
    arguments = {**good_arguments(name, PUBLIC[name]), argument: value}
    with pytest.raises((ValidationError, OSError)) as error:
        PUBLIC[name](**arguments)
    # a circuit of circuits, a shape of input_shape
    words = {argument, argument.rstrip("s"), *argument.split("_")}
    assert re.search(rf"\b({'|'.join(words)})", str(error.value))


# --- refusals of one place ------------------------------------------------------------


def test_a_range_has_a_finite_width():
    with pytest.raises(ValidationError, match="input_range"):
        mpc.ExactMax(WINDOWS, input_range=(-1e308, 1e308), add_to_container=False)


def test_a_name_that_is_nearly_right_gets_a_hint():
    with pytest.raises(ValidationError, match="did you mean 'winner-take-all'"):
        mpc.compare(["winner_take_all"])


@pytest.mark.parametrize("windows", [[[2**64]], [[0, -(2**64)]], [b"ab"], b"ab"])
def test_indices_fit_an_array(windows):
    with pytest.raises(ValidationError, match="indices"):
        mpc.PoolWindows.from_indices(windows, 1000)
