"""The command line: ``maxpool-circuits list | compare | tune | demo | doctor``."""

import csv
import inspect
import re
import sys
from unittest import mock

import nengo
import pytest
from click.testing import CliRunner

import maxpool_circuits as mpc
from maxpool_circuits import cli
from maxpool_circuits.utils import versions

PNG = b"\x89PNG\r\n\x1a\n"
SMALL = ["compare", "exact", "--pools", "20"]


def run(*words):
    """Run a command; the result has the exit status and what was printed."""
    result = CliRunner().invoke(cli.main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def assert_refused(result, *parts, status=2):
    """Check that there is an error, and no traceback."""
    assert result.exit_code == status
    message = result.output.splitlines()[-1]
    assert message.startswith("Error: ")
    for part in parts:
        assert str(part) in message


def test_list_has_all_circuits_with_a_summary():
    lines = run("list").output.splitlines()
    assert [line.split()[0] for line in lines] == list(mpc.circuits())
    for line, circuit in zip(lines, mpc.circuits().values()):
        assert line.endswith(circuit.__doc__.splitlines()[0])


# --- compare and demo -----------------------------------------------------------------


@pytest.fixture
def called(monkeypatch):
    """What stands in for a function of the package, by its name."""

    def replace(name, **options):
        monkeypatch.setattr(cli, name, mock.Mock(**options))
        return getattr(cli, name)

    return replace


def test_compare_passes_all_options_on(called):
    compare = called("compare")
    words = "--workload band-limited --encoding lif --window-size 9 --pools 5 "
    words += "--input-rate 100 --jobs 2 --trials 3 --seed 7"
    run("compare", "softmax", "ensemble", *words.split())
    compare.assert_called_with(
        ["softmax", "ensemble"],
        9,
        workload="band-limited",
        encoding="lif",
        n_pools=5,
        input_rate=100,
        n_trials=3,
        n_jobs=2,
        seed=7,
        progress_bar=True,
    )


def test_defaults_are_those_of_compare(called):
    compare = called("compare")
    run("compare")
    defaults = inspect.signature(mpc.compare).parameters
    given = dict(zip(["circuits", "window_size"], compare.call_args.args))
    given.update(compare.call_args.kwargs)
    assert given.pop("progress_bar") is True
    assert given == {name: defaults[name].default for name in given}


def test_compare_prints_and_writes_table_and_figure(tmp_path):
    table, figure = tmp_path / "table.csv", tmp_path / "figure.png"
    result = run(*SMALL, "--csv", table, "--plot", figure)
    lines = result.stdout.splitlines()
    assert lines[0].startswith("presentations: 20 pools of 4 spiking inputs; readout")
    assert lines[-3:] == [f"table: {table}", "", f"figure: {figure}"]
    with open(table, newline="") as file:
        names = [line["circuit"] for line in csv.DictReader(file)]
    assert names == ["exact", "oracle", "average"]
    assert all(f"\n{name} " in result.stdout for name in names)
    assert figure.read_bytes().startswith(PNG)


def test_demo_draws_a_figure_and_says_where(tmp_path, monkeypatch, called):
    monkeypatch.chdir(tmp_path)
    small = mpc.comparison.images(window_size=64, n_images=2)
    names = ["winner-take-all", "absolute-value"]
    compare = called("compare", return_value=mpc.compare(names, workload=small))
    result = run("demo", "--csv", "demo.csv", "--seed", "1")
    compare.assert_called_with(
        workload="images", window_size=8, seed=1, progress_bar=True
    )
    figure = tmp_path / "maxpool_circuits_demo.png"
    text = result.stdout
    assert text.startswith("Task: ")
    assert text.index("\nwinner-take-all* ") < text.index("\nabsolute-value ")
    assert text.index("\nreferences, which no neurons") < text.index("\noracle ")
    assert "Lower is better" in text
    assert f"\nfigure: {figure}\n" in text
    assert text.splitlines()[-1].startswith("next, ")
    assert figure.read_bytes().startswith(PNG)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "demo.csv", figure]


# --- tune -----------------------------------------------------------------------------


def test_tune_passes_options_on_writes_a_file_and_reports(tmp_path, called):
    setup = mpc.Setup("their.softmax", n_neurons=1, max_rate=100.0)
    found = mpc.TunedDecoders(setup, {"unit": [[1]]}, {"speed": 2})
    tune = called("tune", return_value=found)
    path = tmp_path / "own.npz"
    result = run("tune", "softmax", "--out", path)
    # what is not given is left to the circuit
    assert {"n_neurons", "max_rate", "neuron_type"}.isdisjoint(tune.call_args.kwargs)
    assert "tuned decoders for softmax(n_neurons=1" in result.stdout
    assert str(path) in result.stdout
    assert mpc.TunedDecoders.load(path).parameters == {"speed": 2}

    words = "--window-size 9 --window-size 2 --neuron-type LIF --neurons 30 "
    words += "--max-rate 100 --input-rate 50 --jobs 2 --seed 3 --spikes-weight 0.5"
    run("tune", "softmax", *words.split(), "--memory", "folder", "--out", path)
    tune.assert_called_with(
        "softmax",
        window_size=(9, 2),
        neuron_type=nengo.LIF(),
        n_neurons=30,
        max_rate=100,
        input_rate=50,
        n_jobs=2,
        seed=3,
        latency_weight=0,
        spikes_weight=0.5,
        memory="folder",
    )


@pytest.mark.parametrize("name", cli.NEURON_TYPES)
def test_every_neuron_type_can_be_used(name):
    windows = mpc.PoolWindows.independent(n_pools=1, window_size=2)
    neuron_type = cli.NEURON_TYPES[name]()
    with nengo.Network() as model:
        mpc.make("pairwise-relu", windows, neuron_type=neuron_type, decoders=None)
    nengo.Simulator(model, progress_bar=False).close()


# --- errors ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("compare nope", ["CIRCUIT", "'winner-take-all'"]),
        ("compare --workload speech", ["--workload", "band-limited"]),
        ("compare --window-size 0", ["--window-size", "got 0"]),
        ("compare --pools -3", ["--pools", "-3"]),
        ("compare --workload images --window-size 5", ["--window-size", "got 5"]),
        ("compare --plot figure.xyz", ["--plot", "figure.xyz", "png"]),
        ("tune exact --out file.npz", ["nothing"]),
        ("tune softmax --out file.npz --neuron-type Lif", ["--neuron-type", "LIF"]),
        ("tune softmax", ["--out"]),
    ],
)
def test_errors_are_messages_that_speak_of_options(words, parts):
    assert_refused(run(*words.split()), *parts)


@pytest.mark.parametrize(
    "words", ["compare --csv", "compare --plot", "demo --plot", "tune softmax --out"]
)
def test_files_are_checked_before_the_work(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.png").mkdir()
    for name, part in [("missing/a.png", "no folder"), ("folder.png", "not an ord")]:
        assert_refused(run(*words.split(), name), repr(name), part, status=1)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("matplotlib.backend_bases", "demo"),
        ("matplotlib.backend_bases", "compare exact --plot figure.png"),
        ("sklearn.datasets", "compare exact --workload images"),
    ],
)
def test_a_missing_package_is_named_with_what_helps(monkeypatch, module, words):
    monkeypatch.setitem(sys.modules, module, None)
    result = run(*words.split())
    assert_refused(result, module, "pip install matplotlib scikit-learn", status=1)


# --- doctor ---------------------------------------------------------------------------


def test_doctor_shows_what_works():
    result = run("doctor")
    assert re.search(r"^nengo +4\.\d", result.stdout, flags=re.MULTILINE)
    assert "\ncircuits, compare, tune  yes\n" in result.stdout
    works = "\nKeras networks           yes" in result.stdout
    try:
        import maxpool_circuits.nengo_dl  # noqa: F401
    except ImportError as error:
        assert not works
        assert f"no: {error}" in result.stdout
    else:
        assert works
    assert result.exit_code == (
        not works and versions.installed("nengo-dl") is not None
    )


@pytest.mark.parametrize("nengo_dl", [None, "3.6.0"])
def test_only_a_broken_nengo_dl_is_a_failure(monkeypatch, nengo_dl):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "maxpool_circuits.nengo_dl", None)
    monkeypatch.setattr(cli, "installed", {"nengo-dl": nengo_dl}.get)
    result = run("doctor")
    assert result.exit_code == (nengo_dl is not None)
    assert "what helps: pip install matplotlib scikit-learn" in result.stdout
    assert "Keras networks           no: " in result.stdout


def test_doctor_shows_a_tensorflow_that_was_not_tried(monkeypatch):
    pytest.importorskip("maxpool_circuits.nengo_dl", exc_type=ImportError)
    found = {"tensorflow": "2.99.0", "nengo-dl": "3.6.0"}
    monkeypatch.setattr(cli, "installed", found.get)
    result = run("doctor")
    assert result.exit_code == 1
    assert "TensorFlow 2.99.0 was not tried on this Python" in result.stdout
    assert versions.how_to_install_nengo_dl() in result.stdout
