"""``maxpool-circuits demo --nengo-dl``: a Keras network, converted in every way."""

import csv
import importlib
import sys

import pytest

from maxpool_circuits.cli import main
from maxpool_circuits.utils.versions import how_to_install_nengo_dl

REFERENCES = [
    "average pooling",
    "TensorNode, with synapse",
    "TensorNode, as released",
]

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture
def demo(monkeypatch):
    """The module, made small and without most circuits."""
    try:
        # only now, because importing TensorFlow takes seconds
        demo = importlib.import_module("maxpool_circuits.nengo_dl.demo")
    except ImportError as error:
        pytest.skip(str(error))
    pytest.importorskip("sklearn")
    monkeypatch.setattr(demo, "N_TEST", 50)
    monkeypatch.setattr(demo, "BATCH_SIZE", 50)
    monkeypatch.setattr(demo, "EPOCHS", 5)
    circuits = {"winner-take-all": None, "exact": None}
    monkeypatch.setattr(demo, "registered_circuits", lambda: circuits)
    return demo


def test_demo_prints_a_table_and_writes_files(demo, tmp_path, monkeypatch, capfd):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--nengo-dl", "--csv", "demo.csv"]) == 0
    out, err = capfd.readouterr()
    names = ["winner-take-all", "exact", *REFERENCES]
    assert out.startswith("ANN: ")
    for name in names:
        assert f"\n{name} " in out
    assert "6/6" in err
    assert "it/s" not in out
    figure = tmp_path / "maxpool_circuits_demo_nengo_dl.png"
    assert out.splitlines()[-1] == f"figure: {figure}"
    assert figure.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert sorted(tmp_path.iterdir()) == [tmp_path / "demo.csv", figure]
    with open(tmp_path / "demo.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["pooling"] for row in rows] == ["ANN", *names]
    by_name = {row["pooling"]: row for row in rows}
    chance = 0.1
    assert float(by_name["ANN"]["accuracy_60_steps"]) > 5 * chance
    # one neuron per activation, and those of the circuit
    plain = int(by_name["exact"]["neurons"])
    assert plain == 6 * 6 * 8 + 2 * 2 * 16 + 64
    assert int(by_name["winner-take-all"]["neurons"]) == plain + 4 * 3 * 3 * 8
    for name in names:
        # no neuron here fires much faster than 2 kHz
        assert 0 < float(by_name[name]["spikes"]) < 2 * 60 * plain


def test_same_seed_gives_the_same_table(demo):
    tables = [demo.run(seed, [], progress_bar=False) for seed in (1, 1, 2)]
    first, second, other = (
        [table.ann_accuracy, *((row.accuracies, row.spikes) for row in table.rows)]
        for table in tables
    )
    assert first == second != other


def test_missing_nengo_dl_is_one_line(monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    for module in [name for name in sys.modules if "nengo_dl" in name]:
        if module.startswith("maxpool_circuits."):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "nengo_dl", None)
    assert main(["demo", "--nengo-dl"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("error: ")
    assert how_to_install_nengo_dl() in err
