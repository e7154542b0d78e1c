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
import pkgutil
import re
import sys
import tempfile
import warnings
from pathlib import Path

import hypothesis
import matplotlib.pyplot as plt
import nengo
import numpy as np
import pytest
from hypothesis import strategies
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.testing import check as checking


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


def good_graph():
    """A pool as a graph, where NIR is installed."""
    from maxpool_circuits.nir import to_nir

    return to_nir(good_pool(), spike_value=1 / 250)


WINDOWS = mpc.PoolWindows.independent(n_pools=2, window_size=3)
FOLDER = tempfile.TemporaryDirectory()
PATH = os.path.join(FOLDER.name, "file")
#: Good values of all arguments, by name; those of one callable stand with its name.
GOOD = {
    "amplitude": 1,
    "ax": None,
    "bits": 8,
    "channels_last": True,
    "circuit": "exact",
    "circuits": ["exact"],
    "decoder_changes": {},
    "decoders": None,
    "dead": 0.1,
    "default": 2,
    "dt": 0.001,
    "faults": None,
    "function": len,
    "graph": good_graph,
    "high": 3,
    "images": None,
    "indices": [[0]],
    "input_range": (0, 1),
    "input_rate": 250,
    "input_shape": (4, 4, 4),
    "input_synapse": None,
    "interval": (0, 0.1),
    "is_read": np.array([True]),
    "journal": None,
    "known_failures": None,
    "latency_weight": 0,
    "limit": 0.25,
    "low": 1,
    "maps": np.zeros((2, 2, 3)),
    "max_rate": 250,
    "min_voltage": -1,
    "n_images": 2,
    "n_inputs": 2,
    "n_jobs": 1,
    "n_neurons": 2,
    "n_pools": 2,
    "name": "a name",
    "names": ["a name"],
    "network": good_pool,
    "neuron_type": nengo.SpikingRectifiedLinear(),
    "pool": 0,
    "seed": 0,
    "setup": mpc.Setup("a.b", 1, 250.0),
    "signals": len,
    "simulator": begin,
    "spike_value": 1 / 250,
    "spikes_weight": 0,
    "step": np.zeros((2, 6)),
    "steps": 1,
    "synapse": 0.005,
    "table": good_table,
    "values": np.zeros((1, 6)),
    "window_size": 3,
    "weight_noise": 0.1,
    "windows": WINDOWS,
    "x": np.zeros(6),
    "Setup.circuit": "a.b",
    "Setup.neuron_type": None,
    "Setup.synapse": None,
    "Setup.input_synapse": None,
    "TunedDecoders.parameters": {},
    "MaxPoolNetwork.replicate.name": "unit",
    "compare.n_pools": 1,
    "images.window_size": 4,
    "save.overwrite": True,
    "to_nir.circuit": good_pool,
    "register.circuit": mpc.ExactMax,
    "register.name": "exact",
    "unregister.name": "fleeting",
    "error_map.circuit": "tuned",
    "tune.circuit": "pairwise-relu",
    "tune.fresh": True,
    "tune.progress_bar": False,
}

#: What may be anything, with the reason.
FREE = {
    "label": "a text for people, as in nengo.Network",
    "add_to_container": "handed on to nengo.Network",
    "arguments": "handed on to the function of a check",
    "report": "anything that JSON can carry",
    "x": "values may be NaN or infinite",
    **dict.fromkeys(["ax", "maps", "limit", "colorbar"], "matplotlib checks it"),
    "interval": "of plots",
    "names": "of plots",
    "images": "of plots",
    "Workload.name": "a text for people",
}

#: Names that are not called by users, with the reason.
LEFT_OUT = {
    "ComparisonTable": "made by compare",
    "Encoding": "made by the package, for ENCODINGS",
    "Ratios": "made by ComparisonTable.against",
    "recognise": "for simulators of this package",
    "serve": "for simulators of this package",
    "MaxPoolNetwork": "makes no circuit; its arguments are those of the circuits",
    "Check": "made by the package, for checks()",
    "ConvertMaxPool": "made by NengoDL",
    "layers": "takes the frame of compare_layers: tests/test_nengo_dl.py",
    "Converter": "needs a Keras model: tests/test_nengo_dl.py",
    "compare_layers": "needs a converter: tests/test_nengo_dl.py",
    "firing_rates": "needs a Keras model: tests/test_nengo_dl.py",
}

#: Methods that have arguments, with an object to call them on.
METHODS = {
    "PoolWindows.max": lambda: WINDOWS,
    "TunedDecoders.save": lambda: mpc.TunedDecoders(GOOD["setup"], {}, {}),
}

#: Never right, whatever the argument is.
NONSENSE = [
    1j,
    object(),
    b"ab",
    float("nan"),
    10**400,
    -(10**400),
    {1: 2.5},
    {3.5},
    np.ones((1, 2, 3, 4, 5, 6)),
    np.array([np.nan, np.inf]),
]
#: Right for some arguments, absurd for most.
ABSURD = strategies.one_of(
    strategies.sampled_from(
        [None, True, False, -1, 0, 2**64, -(2**64), 1e300, -1e300, 1e-300, "", "a\0b"]
        + [np.inf, -np.inf, [], (), {}, (1, 0), [None], [[]], range(0)]
        + [Path("no/folder")]
        + [np.zeros(0), np.zeros((3, 3)), np.array("text"), np.float32("nan"), Ellipsis]
        + ["winner_take_all", "1", type, len, nengo.LIF(), nengo.Lowpass(1), 1e300j]
    ),
    strategies.floats(),
    strategies.integers(min_value=2**31),
    strategies.integers(max_value=1),
    strategies.text(max_size=5),
    strategies.binary(max_size=5),
    strategies.lists(strategies.integers() | strategies.floats(), max_size=3),
)


def public():
    """All exported callables, by name."""
    found = {}
    walked = pkgutil.walk_packages(mpc.__path__, "maxpool_circuits.")
    names = [module.name for module in walked]
    for name in ["maxpool_circuits", *names]:
        if name.endswith("__main__"):
            continue
        try:
            module = importlib.import_module(name)
        except ImportError:
            # of a package that is not installed
            continue
        for exported in getattr(module, "__all__", ()):
            thing = getattr(module, exported)
            if callable(thing) and exported not in LEFT_OUT:
                found.setdefault(exported, thing)
            if inspect.isclass(thing):
                for method, raw in vars(thing).items():
                    if isinstance(raw, classmethod) and exported not in LEFT_OUT:
                        found[f"{exported}.{method}"] = getattr(thing, method)
    for name, make_object in METHODS.items():
        found[name] = getattr(make_object(), name.split(".")[1])
    return found


def arguments_of(name, call):
    """Names of all arguments, those of circuits in place of ``**options``."""
    parameters = inspect.signature(call).parameters.values()
    names = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
    takes_options = len(names) < len(parameters)
    if takes_options and name not in ("pooled_images", "check_circuit"):
        circuit = inspect.signature(mpc.MaxPoolNetwork).parameters
        names += [other for other in circuit if other not in names]
    if name in ("make", "tune", "run_circuit"):
        names.append("no_such_option")
    return names


def required(call):
    """Names of the arguments that have no default."""
    return [
        p.name
        for p in inspect.signature(call).parameters.values()
        if p.default is p.empty and p.kind is not p.VAR_KEYWORD
    ]


#: Good values that are made when they are needed.
MADE = (good_table, good_pool, good_graph)


def good(name, argument):
    """A good value of an argument."""
    if argument == "path":
        return PATH
    value = GOOD.get(f"{name}.{argument}", GOOD.get(argument, LookupError))
    if value is LookupError:
        pytest.fail(f"{name}: add a good value of {argument} to GOOD")
    return value() if any(value is each for each in MADE) else value


def good_arguments(name, call):
    """Good values of all arguments that need one, and of those that save time."""
    names = arguments_of(name, call)
    cheap = {"simulator", "add_to_container", "n_pools", "fresh", "progress_bar"}
    chosen = [*required(call), *(cheap & set(names))]
    chosen += [a for a in names if f"{name}.{a}" in GOOD and a not in chosen]
    arguments = {}
    for argument in chosen:
        if argument == "add_to_container":
            arguments[argument] = False
        elif argument in required(call) or f"{name}.{argument}" in GOOD:
            arguments[argument] = good(name, argument)
        elif argument in GOOD:
            arguments[argument] = GOOD[argument]
    return arguments


PUBLIC = public()
CASES = [
    (name, argument)
    for name, call in PUBLIC.items()
    for argument in arguments_of(name, call)
    if not {argument, f"{name}.{argument}"} & FREE.keys() or argument == "x"
]


def without_work(monkeypatch):
    """Leave out what takes long once all arguments are checked."""
    monkeypatch.setattr(checking, "FUNCTIONS", {})
    monkeypatch.setattr(sys.modules["maxpool_circuits.tuning.tune"], "_search", begin)


def is_nonsense(argument, value):
    """Whether a value is one of those that are never right."""
    if not any(value is other for other in NONSENSE):
        return False
    is_array = isinstance(value, (np.ndarray, float))
    return not (argument == "x" and is_array)


def fault(name, argument, value, monkeypatch):
    """What is wrong with how a bad call ends; None if nothing is."""
    call = PUBLIC[name]
    arguments = {**good_arguments(name, call), argument: value}
    without_work(monkeypatch)
    monkeypatch.chdir(FOLDER.name)
    registered = mpc.circuits()
    if name == "unregister":
        mpc.register("fleeting", begin)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call(**arguments)
    except ValidationError as error:
        # a circuit of circuits, a shape of input_shape
        words = {argument, argument.rstrip("s"), *argument.split("_")}
        if not any(re.search(rf"\b{re.escape(word)}", str(error)) for word in words):
            return f"does not name the argument: {error}"
        return None
    except OSError as error:
        if argument not in ("path", "journal") or not str(error):
            return f"{type(error).__name__}: {error}"
        return None
    except TypeError as error:
        if argument == "circuit" and callable(value):
            # of a callable that takes no windows
            return None
        if argument not in str(error) or "unexpected keyword" not in str(error):
            return f"TypeError: {error}"
        return None
    except Began:
        return "was accepted" if is_nonsense(argument, value) else None
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        plt.close("all")
        for other in mpc.circuits().keys() - registered.keys():
            mpc.unregister(other)
    return "was accepted" if is_nonsense(argument, value) else None


def try_cases(n_calls):
    """Try generated bad calls, and give all that are wrong."""
    wrong, seen = {}, 0

    @hypothesis.settings(
        max_examples=n_calls,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(
        strategies.sampled_from(CASES), strategies.sampled_from(NONSENSE) | ABSURD
    )
    def try_one(case, value):
        nonlocal seen
        seen += 1
        with pytest.MonkeyPatch.context() as monkeypatch:
            found = fault(*case, value, monkeypatch)
        if found is not None:
            wrong.setdefault((*case, found[:100]), repr(value)[:60])

    try_one()
    assert seen >= 0.9 * n_calls
    return wrong


def shown(wrong):
    """All faults as text."""
    return "\n".join(
        f"{name}({argument}={value}): {found}"
        for (name, argument, found), value in sorted(wrong.items())
    )


def test_every_good_call_is_accepted(monkeypatch):
    for name, call in PUBLIC.items():
        if name == "unregister":
            mpc.register("fleeting", begin)
        if name == "TunedDecoders.load":
            mpc.TunedDecoders(GOOD["setup"], {}, {}).save(PATH)
        if name == "read_csv":
            good_table().to_csv(PATH)
        with warnings.catch_warnings(), contextlib.suppress(Began):
            warnings.simplefilter("ignore")
            with monkeypatch.context() as patch:
                without_work(patch)
                call(**good_arguments(name, call))
        plt.close("all")


def test_what_is_left_out_is_public():
    with contextlib.suppress(ImportError):
        importlib.import_module("maxpool_circuits.nengo_dl")
    assert not set(LEFT_OUT) & set(PUBLIC)


def test_generated_bad_calls_are_refused_with_help():
    assert not (wrong := try_cases(250)), shown(wrong)


@pytest.mark.slow
def test_nonsense_for_every_argument_is_refused_with_help():
    wrong = {}
    for name, argument in CASES:
        for value in NONSENSE:
            with pytest.MonkeyPatch.context() as monkeypatch:
                found = fault(name, argument, value, monkeypatch)
            if found is not None:
                wrong.setdefault((name, argument, found[:100]), repr(value)[:60])
    assert not wrong, shown(wrong)


# --- refusals of one place ------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [0, 2.5, "2", 2**64])
def test_a_number_of_processes_is_an_integer_other_than_0(n_jobs):
    for call in (mpc.compare, mpc.tune):
        with pytest.raises(ValidationError, match="n_jobs: must be the number"):
            call("exact", n_jobs=n_jobs)


def test_a_comparison_of_nothing_is_refused():
    with pytest.raises(ValidationError, match="at least one circuit"):
        mpc.compare([])


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
