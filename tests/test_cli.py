"""The command line: ``maxpool-circuits list | compare | tune | demo``."""

import csv
import os
import struct
import subprocess
import sys

import nengo
import pytest

import maxpool_circuits as mpc
from maxpool_circuits.cli import main
from maxpool_circuits.tuning import search

PNG = b"\x89PNG\r\n\x1a\n"
SMALL = ["compare", "exact", "--pools", "20"]


@pytest.fixture
def run(capsys):
    """Function that runs a command and gives exit status, stdout and stderr."""

    def run(*words):
        try:
            status = main([str(word) for word in words])
        except SystemExit as stop:  # argparse's own errors, --help and --version
            status = stop.code
        return (status, *capsys.readouterr())

    return run


def assert_one_line_error(err, *parts):
    """Check that the last line is the error, and nothing but progress before it."""
    assert "Traceback" not in err
    assert err.count("error: ") == 1
    message = err.splitlines()[-1]
    assert message.startswith("error: ")
    for part in parts:
        assert str(part) in message


# --- list -----------------------------------------------------------------------------


def test_list_has_all_circuits_with_a_summary(run):
    status, out, err = run("list")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert [line.split()[0] for line in lines] == list(mpc.circuits())
    for line, circuit in zip(lines, mpc.circuits().values()):
        assert line.endswith(circuit.__doc__.splitlines()[0])


# --- compare --------------------------------------------------------------------------


def test_compare_prints_the_table_and_no_progress_into_files(run):
    status, out, err = run(*SMALL)
    assert (status, err) == (0, "")
    assert out.startswith("presentations: 20 pools of 4 spiking inputs; readout: best")
    for line, name in zip(out.splitlines()[-3:], ("exact", "oracle", "average")):
        assert line.startswith(f"{name} ")
    assert "it/s]" not in out


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_progress_goes_to_a_terminal_on_stderr():
    import fcntl
    import pty
    import termios

    terminal, theirs = pty.openpty()
    size = struct.pack("HHHH", 24, 80, 0, 0)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
    words = [sys.executable, "-m", "maxpool_circuits", *SMALL]
    process = subprocess.run(words, stdout=subprocess.PIPE, stderr=theirs)
    os.write(theirs, b"the end")
    shown = b""
    while b"the end" not in shown:
        shown += os.read(terminal, 2**16)
    assert b"1/1" in shown and b"1/1" not in process.stdout


def test_compare_passes_all_options_on(run, monkeypatch):
    given = {}

    def compare(circuits, window_size, **options):
        given.update(options, circuits=circuits, window_size=window_size)
        return mpc.compare(["exact"], n_pools=1)

    monkeypatch.setattr("maxpool_circuits.cli.comparing.compare", compare)
    options = "--workload band-limited --inputs lif --window-size 9 --pools 5 "
    options += "--input-rate 100 --jobs 2 --draws 3"
    run("compare", "softmax", "ensemble", *options.split(), "--seed", 7)
    assert given == {
        "circuits": ["softmax", "ensemble"],
        "window_size": 9,
        "workload": "band-limited",
        "inputs": "lif",
        "n_pools": 5,
        "input_rate": 100,
        "seed": 7,
        "n_draws": 3,
        "n_jobs": 2,
        "progress_bar": True,
    }
    run("compare")
    assert given == {
        "circuits": None,
        "window_size": 4,
        "workload": "presentations",
        "inputs": "regular",
        "n_pools": None,
        "input_rate": 250,
        "seed": 0,
        "n_draws": 1,
        "n_jobs": 1,
        "progress_bar": True,
    }


def test_compare_writes_table_and_figure_and_says_where(run, tmp_path):
    table, figure = tmp_path / "table.csv", tmp_path / "figure.png"
    status, out, _ = run(*SMALL, "--csv", table, "--plot", figure)
    assert status == 0
    assert out.splitlines()[-3:] == [f"table: {table}", "", f"figure: {figure}"]
    with open(table, newline="") as file:
        names = [line["circuit"] for line in csv.DictReader(file)]
    assert names == ["exact", "oracle", "average"]
    assert figure.read_bytes().startswith(PNG)


def test_same_seed_gives_the_same_errors(run):
    def errors(seed):
        _, out, _ = run(*SMALL, "--seed", seed)
        return [line.split()[1:6] for line in out.splitlines()[-3:]]

    assert errors(1) == errors(1) != errors(2)


# --- demo -----------------------------------------------------------------------------


def test_demo_draws_a_figure_and_says_where(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, err = run("demo", "--csv", "demo.csv", "--seed", "1")
    assert status == 0
    assert out.startswith("images: 256 pools of 8 spiking inputs")
    for name in (*mpc.circuits(), "oracle", "average"):
        assert f"\n{name} " in out
    figure = tmp_path / "maxpool_circuits_demo.png"
    assert out.splitlines()[-1] == f"figure: {figure}"
    assert figure.read_bytes().startswith(PNG)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "demo.csv", figure]
    # progress is for terminals
    assert err == ""


# --- help and errors ------------------------------------------------------------------


def test_version(run):
    assert run("--version") == (0, f"{mpc.__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ([], ["list", "compare", "tune", "demo"]),
        (["tune"], ["--out", "--neuron-type", "--max-rate", "--jobs", "--seed"]),
        (["list"], ["usage: maxpool-circuits list"]),
        (["compare"], ["winner-take-all", "--workload", "--seed", "--csv", "--plot"]),
        (["demo"], ["HMAX", "--seed", "--csv", "--plot", "maxpool_circuits_demo.png"]),
    ],
)
def test_help(run, words, parts):
    status, out, err = run(*words, "--help")
    assert (status, err) == (0, "")
    for part in parts:
        assert part in out


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["tun"],
        ["compare", "--workload", "speech"],
        ["compare", "--window-size", "two"],
        ["list", "--seed", "1"],
    ],
    ids=" ".join,
)
def test_words_that_are_no_command_are_usage_errors(run, words):
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert err.startswith("usage: ")
    assert "error: " in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["nope"], ["'nope'", "'winner-take-all'"]),
        (["exact", "exact"], ["circuits", "'exact'"]),
        (["--window-size", "0"], ["window_size", "got 0"]),
        (["--pools", "-3"], ["n_pools", "-3"]),
        (["--input-rate", "inf"], ["input_rate", "inf"]),
        (["--workload", "images", "--pools", "9"], ["n_pools", "9"]),
        (["--workload", "images", "--window-size", "5"], ["window_size", "got 5"]),
        (["--seed", "-1"], ["seed", "-1"]),
    ],
    ids=" ".join,
)
def test_impossible_arguments_are_one_line_on_stderr(run, words, parts):
    status, out, err = run("compare", *words)
    assert (status, out) == (2, "")
    assert_one_line_error(err, *parts)


def test_tune_writes_a_file_and_reports(run, tmp_path, monkeypatch):
    asked = {}

    def tune(circuit, **options):
        asked.update(options, circuit=circuit)
        setup = mpc.Setup(f"their.{circuit}", n_neurons=1, max_rate=100.0)
        return mpc.TunedDecoders(setup, {"unit": [[1]]}, {"speed": 2})

    monkeypatch.setattr("maxpool_circuits.cli.tuning.tune", tune)
    path = tmp_path / "own.npz"
    words = ["softmax", "--window-size", 9, "--neuron-type", "LIF", "--neurons", 30]
    words += ["--max-rate", 100, "--input-rate", 50, "--jobs", 2, "--seed", 3]
    words += ["--spikes-weight", 0.5]
    status, out, err = run("tune", *words, "--out", path)
    assert (status, err) == (0, "")
    assert "tuned decoders for softmax(n_neurons=1" in out and str(path) in out
    assert mpc.TunedDecoders.load(path).parameters == {"speed": 2}
    assert asked == {
        **{"circuit": "softmax", "window_size": [9], "neuron_type": nengo.LIF()},
        **{"n_neurons": 30, "max_rate": 100, "input_rate": 50, "n_jobs": 2, "seed": 3},
        **{"spikes_weight": 0.5, "latency_weight": 0, "memory": None},
    }


def test_tune_draws_before_and_after(run, tmp_path, monkeypatch):
    monkeypatch.setattr(search, "runs_after_star", lambda n_numbers: 0)
    words = ["pairwise-relu", "--neuron-type", "SpikingRectifiedLinear"]
    words += ["--max-rate", 200, "--window-size", 2]
    figure = tmp_path / "own.png"
    status, out, err = run("tune", *words, "--out", tmp_path / "a", "--plot", figure)
    # progress is for terminals
    assert (status, err) == (0, "")
    assert str(figure) in out and figure.stat().st_size > 20_000
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "own.png"]


@pytest.mark.parametrize(
    ("words", "status", "parts"),
    [
        (["exact", "--out", "file.npz"], 2, ["nothing"]),
        (["softmax", "--out", "file.npz", "--neuron-type", "Lif"], 2, ["Lif", "LIF"]),
        (["softmax", "--out", "missing/file.npz"], 1, ["missing"]),
    ],
    ids=str,
)
def test_impossible_tuning_is_one_line_on_stderr(run, words, status, parts):
    assert run("tune", *words)[0] == status
    assert_one_line_error(run("tune", *words)[2], *parts)


#: Commands, and their options that name files to be written.
OUTPUTS = [
    (SMALL, "--csv"),
    (SMALL, "--plot"),
    (["demo"], "--csv"),
    (["demo"], "--plot"),
    (["demo", "--nengo-dl"], "--plot"),
    (["tune", "softmax", "--out", "own.npz"], "--plot"),
    (["tune", "softmax"], "--out"),
]


@pytest.fixture
def no_work(monkeypatch):
    """Whoever starts to work fails."""

    def forbidden(*_, **__):
        raise AssertionError("files come first")

    for name in ("comparing.compare", "tuning.tune", "demonstrating.demo.run"):
        monkeypatch.setattr(f"maxpool_circuits.cli.{name}", forbidden)
    monkeypatch.setattr("maxpool_circuits.cli.demonstrating._nengo_dl", forbidden)


@pytest.mark.parametrize(("words", "option"), OUTPUTS, ids=str)
def test_files_are_checked_before_the_work(
    run, no_work, tmp_path, monkeypatch, words, option
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.png").mkdir()
    for name, part in [("missing/a.png", "no folder"), ("folder.png", "not an ordinary file")]:
        status, out, err = run(*words, option, name)
        assert (status, out) == (1, "")
        assert_one_line_error(err, repr(name), part)


def test_one_file_is_not_written_twice(run, no_work, tmp_path):
    name = tmp_path / "a.png"
    status, out, err = run(*SMALL, "--csv", name, "--plot", name)
    assert (status, out) == (2, "")
    assert_one_line_error(err, "--plot and --csv name the same file", name)


@pytest.mark.parametrize("words", [SMALL, ["demo"], ["tune", "softmax"]], ids=str)
def test_an_interruption_is_one_line_and_130(run, tmp_path, monkeypatch, words):
    out = tmp_path / "own.npz"

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    for name in ("comparing.compare", "tuning.tune", "demonstrating.demo.run"):
        monkeypatch.setattr(f"maxpool_circuits.cli.{name}", interrupted)
    monkeypatch.chdir(tmp_path)
    is_tune = words[0] == "tune"
    own = ["--out", out, "--memory", "folder"] if is_tune else []
    status, printed, err = run(*words, *own)
    assert (status, printed) == (130, "")
    (line,) = err.strip().splitlines()
    assert line.startswith("interrupted: ") and "the same command" in line
    if is_tune:
        assert "kept in 'folder'" in line


def test_unknown_format_of_a_figure_is_one_line_on_stderr(run, no_work, tmp_path):
    status, _, err = run(*SMALL, "--plot", tmp_path / "figure.xyz")
    assert status == 2
    assert_one_line_error(err, "xyz")


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("matplotlib", ["demo"]),
        ("matplotlib", [*SMALL, "--plot", "figure.png"]),
        ("sklearn.datasets", ["compare", "exact", "--workload", "images"]),
    ],
)
def test_missing_package_is_named_with_what_to_install(run, monkeypatch, module, words):
    monkeypatch.setitem(sys.modules, module, None)
    status, out, err = run(*words)
    assert (status, out) == (1, "")
    assert_one_line_error(err, module, "pip install matplotlib scikit-learn")


# --- as a process ---------------------------------------------------------------------


def python(*words):
    """Run Python in a process of its own."""
    return subprocess.run([sys.executable, *words], capture_output=True, text=True)


def test_python_m_is_the_command_line():
    process = python("-m", "maxpool_circuits", *SMALL)
    assert process.returncode == 0
    assert "\noracle " in process.stdout
    # progress is for terminals
    assert process.stderr == ""


def test_exit_status_of_the_process_tells_of_errors():
    process = python("-m", "maxpool_circuits", "compare", "nope")
    assert process.returncode == 2
    assert process.stdout == ""
    assert_one_line_error(process.stderr, "'nope'")


def test_import_and_help_need_none_of_the_optional_packages():
    optional = {"matplotlib", "tensorflow", "nengo_dl", "nengo_extras", "sklearn"}
    process = python(
        "-c",
        "import sys, maxpool_circuits.cli\n"
        "maxpool_circuits.cli.main(['list'])\n"
        f"print(sorted(set(sys.modules) & {optional}), file=sys.stderr)",
    )
    assert process.returncode == 0
    assert process.stderr == "[]\n"
