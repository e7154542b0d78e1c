"""The benchmarks: rules of others by hand, and what is concluded from the figures."""

import csv
from pathlib import Path

import nengo
import numpy as np
import pytest

import maxpool_circuits as mpc

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "how_it_compares"

pytestmark = pytest.mark.skipif(
    not (ROOT / "benchmarks").exists(),
    reason="the source archive comes without the benchmarks",
)


@pytest.fixture(autouse=True)
def benchmarks_on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


def one_pool(first, second):
    """Spikes of one pool of two inputs."""
    return np.transpose([first, second])[:, np.newaxis, :].astype(float)


def of_one_pool(output):
    assert output.ndim == 2 and output.shape[1] == 1
    return list(output[:, 0])


def test_filtered_maximum():
    from baselines.filtered import filtered_maximum

    # a spike decays by the same factor in each step, whichever input it came from
    spikes = one_pool([1, 0, 0], [0, 0, 1])
    output = of_one_pool(filtered_maximum(spikes, nengo.Lowpass(0.01)))
    decay = np.exp(-0.1)
    assert output == pytest.approx([0, 1 - decay, (1 - decay) * decay])


def test_maximum_per_step_adds_up_spikes_of_different_steps():
    from baselines.per_step import maximum_per_step

    output = maximum_per_step(one_pool([1, 0, 1, 0], [0, 1, 1, 0]))
    assert of_one_pool(output) == [1, 1, 1, 0]


def test_li_pooling_passes_on_what_the_largest_count_grows_by():
    from baselines.li_pooling import li_pooling

    # counts: 1 1 1 2 2, and 0 1 2 2 3
    output = li_pooling(one_pool([1, 0, 0, 1, 0], [0, 1, 1, 0, 1]))
    assert of_one_pool(output) == [1, 0, 1, 0, 1]


def test_gate_passes_the_spikes_of_the_input_with_the_largest_count():
    from baselines.gate import gated

    # of equal counts, in the second and fourth step, the first input's is taken
    output = gated(one_pool([1, 0, 0, 1, 0], [0, 1, 1, 0, 1]))
    assert of_one_pool(output) == [1, 0, 1, 1, 1]
    # after the third step the second input has the largest count, and is silent
    assert of_one_pool(gated(one_pool([0, 0, 1], [1, 1, 0]))) == [1, 1, 0]


def test_leaders_pass_all_their_spikes():
    from baselines.accumulated import leaders_pass

    # in the second step both counts are 1, in the fourth both are 2
    output = leaders_pass(one_pool([1, 0, 0, 1, 0], [0, 1, 1, 0, 1]))
    assert of_one_pool(output) == [1, 1, 1, 1, 1]
    assert of_one_pool(leaders_pass(one_pool([0, 0, 1], [1, 1, 0]))) == [1, 1, 0]


def test_sign_descent_takes_shrinking_steps_to_the_maximum():
    from baselines.sign_descent import sign_descent

    # nearly no filter: the maximum is 1 from the first step on
    spikes = np.ones((4, 1, 2))
    output = of_one_pool(sign_descent(spikes, 1e-6, first=0.8, decay=0.5, least=0.3))
    assert output == pytest.approx([0.8, 1.2, 0.9, 1.2])


def test_quantisation_floor():
    from baselines.bounds import quantisation_floor

    from maxpool_circuits.comparison import band_limited, presentations

    floor = quantisation_floor(presentations(2, 1), input_rate=100)
    assert floor == pytest.approx(0.41 / (100 * 0.05), rel=0.01)
    assert quantisation_floor(band_limited(2, 1), input_rate=100) is None


def test_rules_and_circuits_are_recorded_on_the_same_spikes():
    from baselines.ways import RULE, ways
    from pareto_fronts import sampled

    trial = sampled("presentations", 2, 250, 3, 0)
    every = ways()
    assert set(mpc.circuits()) - {"exact", "absolute-value"} < set(every)
    shape = (len(trial.spikes), 3)
    for name, way in every.items():
        if way.kind == RULE:
            assert way.record(name, trial).output.shape == shape
    total = every["maximum per step"].record("maximum per step", trial).output
    members = trial.spikes[:, trial.workload.windows.indices]
    np.testing.assert_array_equal(total, members.max(axis=2))


def test_networks_of_others_have_the_interface_of_a_circuit():
    from baselines.ensemble_array import ensemble_array
    from baselines.networks import one_per_pool

    windows = mpc.PoolWindows.independent(n_pools=3, window_size=2)

    def add_pool(size):
        import nengo

        node = nengo.Node(size_in=size)
        return node, node, np.ones((1, size))

    for network in (ensemble_array(windows, 10), one_per_pool(windows, add_pool)):
        assert network.input.size_in == 6
        assert network.output.size_out == 3


def line(circuit, kind, latency, rmse, neurons=4):
    """A line of metrics."""
    return {
        "workload": "presentations",
        "window_size": "4",
        "input_rate": "250",
        "circuit": circuit,
        "kind": kind,
        "latency": str(latency),
        "rmse": str(rmse),
        "neurons": str(neurons),
        "spikes": "100",
        "synaptic_operations": "200",
        "rmse_trials": f"{rmse} {rmse * 1.1}",
    }


def test_claim_at_every_latency_says_where_it_does_not_hold():
    from claims import front_claim

    lines = [
        line("ours", "ours", 0.02, 0.05),
        line("large", "ours", 0.001, 0.001, neurons=5),
        line("network", "network", 0.019, 0.5),
        line("network", "network", 0.03, 0.06),
        line("never settles", "network", "nan", 0.01),
        line("rule", "rule", 0.05, 0.04),
    ]
    holds, where = front_claim(lines, 4, ("network",))
    assert (holds, where) == ("no", "less error: network at 19 ms")
    del lines[2]
    assert front_claim(lines, 4, ("network",))[0] == "yes"
    holds, where = front_claim(lines, 4, ("network", "rule"))
    assert (holds, where) == ("no", "less error: rule at 50 to 100 ms")


def test_claim_of_a_ratio_is_about_circuits_that_are_small_enough():
    from claims import ratio_claim

    lines = [
        line("small", "ours", 0.02, 0.02, neurons=3),
        line("large", "ours", 0.02, 0.01, neurons=4),
        line("AVAM, radius 0.1", "network", 0.02, 0.08, neurons=6),
        line("AVAM, radius 0.2", "network", 0.02, 0.12, neurons=6),
    ]
    holds, measured = ratio_claim(lines, "AVAM", 2, 3)
    assert holds == "yes"
    assert measured.startswith("4.00 (4.00 to 4.00) times less: small with 3 neurons")
    assert ratio_claim(lines, "AVAM", 2, 5)[0] == "no"
    assert ratio_claim(lines, "AVAM", 3, 1) == ("no", "none of ours is as small")
    assert ratio_claim(lines, "nengo_spa", 20, 1) is None


def csv_lines(name):
    with open(FOLDER / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_committed_claims_are_those_of_the_committed_figures():
    from claims import claims

    assert claims(csv_lines("readouts.csv")) == csv_lines("claims.csv")


def test_sentences_of_the_page_have_the_numbers_of_the_claims():
    page = " ".join((FOLDER.parent / "how_it_compares.md").read_text().split())
    seeds = [csv_lines("claims.csv"), csv_lines("claims_of_seed_1.csv")]
    even, held, ratios = [], [], {}
    for claims in seeds:
        found = {}
        for claim in claims:
            found.setdefault(claim["claim"].split()[0], []).append(claim)
        # in the order in which claims are made
        fronts, arrays, spa, avam = (
            found[word] for word in ("least", "the", "as", "3")
        )
        n_yes = sum(claim["holds"] == "yes" for claim in fronts)
        assert f"up to 100 ms in {n_yes} of {len(fronts)}, with" in page
        n_yes = sum(claim["holds"] == "yes" for claim in spa)
        assert f"or better in {n_yes} of {len(spa)} settings" in page
        even += [claim["measured"] for claim in spa if claim["holds"] == "no"]
        held.append({c["workload"] for c in arrays if c["holds"] == "yes"})
        for claim in avam:
            on = claim["workload"]
            if on == "presentations" and claim["inputs"] != "2":
                on = "large"
            others = ratios.setdefault(on if on in ("large", "constant") else "", [])
            others.append(float(claim["measured"].split()[0]))
    assert not set.intersection(*held)
    assert f"it is even: {even[0].split(' times')[0]}." in page
    assert all(0.9 < float(text.split()[0]) < 1.1 for text in even)

    def span(kind, form):
        return f"{min(ratios[kind]):{form}} to {max(ratios[kind]):{form}} times"

    assert f"AVAM: {span('large', '.1f')} less" in page
    assert f"{span('constant', '.0f')} less on constant" in page
    assert f"It is {span('', '.1f')} on" in page


def test_committed_fronts_are_the_best_filters_of_the_readouts():
    from pareto_fronts import best_filters, front

    fronts = list(map(front, best_filters(csv_lines("readouts.csv"))))
    assert fronts == csv_lines("pareto_fronts.csv")
    first = ["workload", "window_size", "input_rate", "circuit"]
    metrics = ["rmse", "latency", "neurons", "spikes", "synaptic_operations"]
    first += [f"{name}{end}" for name in metrics for end in ("", "_lower", "_upper")]
    assert list(fronts[0])[: len(first)] == first


def test_every_compared_way_is_on_the_page():
    page = (FOLDER.parent / "how_it_compares.md").read_text()
    for name in dict.fromkeys(
        line["circuit"] for line in csv_lines("pareto_fronts.csv")
    ):
        # without what was swept
        assert name.split(", ")[0].split(" after ")[0] in page, name


@pytest.mark.parametrize("circuit", ["winner-take-all", "exact"])
def test_asv_benchmarks_run(monkeypatch, circuit):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks" / "asv"))
    from circuits import Circuits

    benchmark = Circuits()
    smallest = (circuit, 1)
    benchmark.setup(*smallest)
    try:
        for name in dir(benchmark):
            if name.startswith(("time_", "peakmem_")):
                getattr(benchmark, name)(*smallest)
        # of a single pool, the exact maximum of spikes is about 1 too large
        assert 0 <= benchmark.track_rmse(*smallest) < 2
    finally:
        benchmark.teardown(*smallest)


def test_plain_numpy_and_a_circuit_have_steps_to_be_timed():
    from scale import build, cases

    for simulator, way in (("NumPy", "winner-take-all"), ("NengoCore", "exact")):
        build(simulator, way, 2, 3)(2)
    few = list(cases([10], [4]))
    assert ("NumPy", "winner-take-all", 10, 4) in few
    assert ("NengoDL", "exact", 10, 4) in few
    ways = {way for _, way, n_pools, _ in cases([10**6], [4]) if n_pools == 10**6}
    comparators = {"winner-take-all", "pairwise-relu", "absolute-value"}
    assert ways == {*comparators, "shared-reset", "exact"}


def test_figure_is_drawn_of_all_ways_that_settle(tmp_path):
    from claims import draw_fronts

    lines = [
        line("ours", "ours", 0.02, 0.05),
        line("network", "network", 0.03, 0.06),
        line("never settles", "network", "nan", 0.01),
        line("reference", "reference", 0.03, 0.01),
    ]
    draw_fronts(lines, tmp_path / "figure.svg")
    drawn = (tmp_path / "figure.svg").read_text()
    assert "<!-- ours -->" in drawn and "<!-- network -->" in drawn
    assert "never settles" not in drawn and "reference" not in drawn
