"""Tuning of running circuits, and the files that hold what it found."""

import dataclasses
import functools
import json
import sys

import nengo
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.tuned import FORMAT
from maxpool_circuits.tuning import INPUTS, draw
from maxpool_circuits.tuning.least_squares import decode
from maxpool_circuits.tuning.run import errors, watch

#: A circuit that tuning improves much, and quickly: noise that it rectifies.
NOISY = {"neuron_type": nengo.SpikingRectifiedLinear()}
WINDOWS = mpc.PoolWindows.independent(n_pools=5, window_size=4)


@pytest.fixture(scope="module", autouse=True)
def short_search():
    """Look for less time than users do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["maxpool_circuits.tuning.tune"], "ROUNDS", 1)
        yield


@pytest.fixture(scope="module")
def tuned():
    """Decoders of a tree of ordinary spiking rectifiers."""
    return mpc.tune("pairwise-relu", n_pools=10, progress_bar=False, **NOISY)


# --- what tuning finds ----------------------------------------------------------------


def test_error_on_other_inputs_is_smaller(tuned):
    circuit = functools.partial(mpc.PairwiseReLU, **NOISY)
    changed = functools.partial(circuit, decoders=tuned)
    mixture = draw(4, 250, seed=1000, n_pools=30)
    before = errors(circuit, list(mixture.values()), seed=1)
    after = errors(changed, list(mixture.values()), seed=1)
    for name, old, new in zip(mixture, before, after):
        ratio = np.sqrt(new.mean() / old.mean())
        assert ratio < (0.6 if name.startswith("constant") else 1.1), name


def test_inputs_side_by_side_are_the_same_as_alone():
    # neurons that do not spike have no random state
    circuit = functools.partial(mpc.PairwiseReLU, neuron_type=nengo.RectifiedLinear())
    several = list(draw(4, 250, seed=0, n_pools=3).values())
    for inputs, together in zip(several, errors(circuit, several, seed=0)):
        np.testing.assert_allclose(errors(circuit, [inputs], seed=0)[0], together)


def test_report(tuned):
    assert set(tuned.report["errors"]) == {"training", "validation", "test"}
    for measured in tuned.report["errors"].values():
        assert set(measured) == set(INPUTS)
        for before, after, low, high in measured.values():
            assert low <= after / before <= high
    text = str(tuned)
    assert "SpikingRectifiedLinear" in text and "validation" in text


def test_same_seed_gives_the_same_in_several_processes(tuned):
    again = mpc.tune("pairwise-relu", n_pools=10, n_jobs=2, progress_bar=False, **NOISY)
    np.testing.assert_array_equal(
        again.decoders["comparator"], tuned.decoders["comparator"]
    )
    assert again.parameters == tuned.parameters
    assert again.report["errors"] == tuned.report["errors"]


def test_one_comparator_serves_windows_of_all_sizes(tuned):
    for size in (2, 9):
        windows = mpc.PoolWindows.independent(n_pools=2, window_size=size)
        assert mpc.PairwiseReLU(windows, decoders=tuned, **NOISY).decoders is tuned


def test_values_scale_with_the_input_range(tuned, run_circuit):
    x = np.random.RandomState(0).uniform(size=(1, WINDOWS.n_inputs))
    options = {"decoders": tuned, "seed": 0, "steps": 200, **NOISY}
    y = run_circuit("pairwise-relu", WINDOWS, x, **options)
    scaled = run_circuit("pairwise-relu", WINDOWS, 4 * x, input_range=(0, 4), **options)
    np.testing.assert_allclose(scaled, 4 * y, atol=1e-6)


@pytest.mark.parametrize("circuit", ["softmax", "ensemble", "absolute-value"])
def test_populations_are_fitted_to_what_they_did(circuit):
    inputs = draw(4, 250, seed=0, n_pools=5)["constant, values"]
    watched = watch(mpc.circuits()[circuit], inputs, seed=0)
    for name, decoders in decode([watched], 0.01).items():
        (*_, ensemble) = watched[name]
        lowpass = nengo.Lowpass(0.02)
        activities = lowpass.filt(ensemble.activities, axis=0, y0=0)[200::100]
        decoded = activities @ decoders.T * ensemble.population.unit
        got = lowpass.filt(ensemble.inputs, axis=0, y0=0)[200::100]
        asked = ensemble.population.function(got.reshape(-1, got.shape[2]))
        error = decoded.reshape(asked.shape) - asked
        # neurons near zero of a rectifier fire rarely, so some error remains
        assert np.std(error) < 0.6 * np.std(asked), name


class Leaky(mpc.PairwiseReLU):
    """A tree that loses a part of each value, which tuning finds out."""

    @property
    def free_parameters(self):
        """How much of a value is left."""
        return {"share": mpc.Free(0.7, 0.5, 2)}

    def linear_path(self, a, b):
        """Lose a part of the value."""
        return self.free("share") * super().linear_path(a, b)


def test_a_users_own_circuit_states_what_is_free():
    neuron_type = mpc.IntegrateAndFire()
    options = {"neuron_type": neuron_type, "input_synapse": 0.003, "synapse": None}
    found = mpc.tune(Leaky, window_size=2, n_pools=10, progress_bar=False, **options)
    assert abs(found.parameters["share"] - 1) < 0.1
    assert found.tuned_for["circuit"] == "Leaky"


@pytest.mark.parametrize(
    "circuit, options, cause",
    [
        ("exact", {}, "nothing"),
        ("pairwise-relu", {"neuron_type": nengo.RectifiedLinear()}, "nothing"),
        ("pairwise-relu", {"input_range": (-1, 1)}, "scaled"),
        ("pairwise-relu", {"decoders": None}, "untuned"),
        ("pairwise-relu", {"window_size": 0}, "window_size"),
        ("pairwise-relu", {"window_size": 1}, "nothing"),
        ("pairwise-relu", {"n_pools": 0.5}, "n_pools"),
        ("pairwise-relu", {"input_rate": -1}, "input_rate"),
        ("pairwise-relu", {"seed": "a"}, "seed"),
        ("no such", {}, "no circuit"),
    ],
)
def test_what_cannot_be_tuned(circuit, options, cause):
    with pytest.raises(ValidationError, match=cause):
        mpc.tune(circuit, progress_bar=False, **options)


# --- the value ------------------------------------------------------------------------


def test_other_setups_are_refused(tuned):
    for options, name in [
        ({"max_rate": 100}, "max_rate"),
        ({"n_neurons": 2}, "n_neurons"),
        ({"neuron_type": nengo.LIF()}, "neuron_type"),
        ({"synapse": 0.003}, "synapse"),
    ]:
        with pytest.raises(ValidationError, match=f"{name} is .*, tuned for"):
            mpc.PairwiseReLU(WINDOWS, decoders=tuned, **{**NOISY, **options})
    with pytest.raises(ValidationError, match="circuit is 'WinnerTakeAll'"):
        mpc.WinnerTakeAll(WINDOWS, decoders=tuned, **NOISY)


def test_decoders_that_are_none():
    with pytest.raises(ValidationError, match="TunedDecoders"):
        mpc.WinnerTakeAll(WINDOWS, decoders={"unit": 1})


def test_it_cannot_be_changed(tuned):
    with pytest.raises(dataclasses.FrozenInstanceError):
        tuned.parameters = {}
    with pytest.raises(ValueError):
        tuned.decoders["comparator"][0, 0] = 1


def value(decoders=((0.5, 1.5),), speed=2.0, setup="Own"):
    """Make a small value."""
    return mpc.TunedDecoders({"circuit": setup}, {"unit": decoders}, {"speed": speed})


def test_compares_by_value():
    assert value() == value() and hash(value()) == hash(value())
    assert value() != value(speed=3) and value() != value(decoders=[[0.5, 1]])
    assert value() != value(setup="Other") and value() != "text"


@pytest.mark.parametrize("decoders", [[[np.nan]], [[np.inf]], [1.0], [[[1.0]]]])
def test_decoders_must_be_matrices_of_finite_numbers(decoders):
    with pytest.raises(ValidationError, match="matrix of finite"):
        value(decoders)


@pytest.mark.parametrize("speed", [0, -1, np.nan, np.inf])
def test_parameters_must_be_positive(speed):
    with pytest.raises(ValidationError, match="positive"):
        value(speed=speed)


# --- files ----------------------------------------------------------------------------

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(
    decoders=st.dictionaries(st.text("abc", min_size=1), st.lists(NUMBERS, min_size=1)),
    setup=st.dictionaries(st.text(), st.none() | st.text() | st.integers() | NUMBERS),
    speed=st.floats(1e-300, 1e300),
)
@settings(deadline=None, max_examples=50)
def test_files_keep_everything(tmp_path_factory, decoders, setup, speed):
    path = tmp_path_factory.mktemp("tuned") / "file.npz"
    decoders = {name: [numbers] for name, numbers in decoders.items()}
    saved = mpc.TunedDecoders(setup, decoders, {"speed": speed}, {"seed": 1})
    saved.save(path)
    assert mpc.TunedDecoders.load(path) == saved


def rewritten(path, **changes):
    """Write a file again with other entries."""
    with np.load(path) as file:
        entries = {**file}
    np.savez(path, **{k: v for k, v in {**entries, **changes}.items() if v is not None})


def header(path, **changes):
    """Header of a file with other entries."""
    with np.load(path) as file:
        return np.array(json.dumps({**json.loads(str(file["header"])), **changes}))


DAMAGES = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("decoders"),
    "pickled objects": lambda path: rewritten(path, unit=np.array([{}], dtype=object)),
    "another array file": lambda path: np.savez(path, weights=np.ones(3)),
    "an array": lambda path: path.write_bytes(array_file(path.parent)),
    "wrong shape": lambda path: rewritten(path, unit=np.ones(2)),
    "other numbers": lambda path: rewritten(path, unit=np.array([[0.5, 1.25]])),
    "NaN": lambda path: rewritten(path, unit=np.array([[0.5, np.nan]])),
    "other setup": lambda path: rewritten(path, header=header(path, tuned_for={})),
    "newer format": lambda path: rewritten(
        path, header=header(path, format=FORMAT + 1)
    ),
    "no header": lambda path: rewritten(path, header=None),
    "missing decoders": lambda path: rewritten(path, unit=None),
}


def array_file(folder):
    """Bytes of a single array."""
    np.save(folder / "array.npy", np.ones(3))
    return (folder / "array.npy").read_bytes()


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_refused(tmp_path, damage):
    path = tmp_path / "own.npz"
    value().save(path)
    DAMAGES[damage](path)
    with pytest.raises(ValidationError, match="own.npz: cannot be read") as caught:
        mpc.TunedDecoders.load(path)
    if damage == "newer format":
        assert f"format is {FORMAT + 1}" in str(caught.value)


def test_every_flipped_byte_is_noticed_or_harmless(tmp_path):
    path = tmp_path / "own.npz"
    value().save(path)
    content = path.read_bytes()
    for i in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[i] ^= 0xFF
        path.write_bytes(damaged)
        try:
            # some bytes of the archive, such as dates, mean nothing
            assert mpc.TunedDecoders.load(path) == value()
        except ValidationError as error:
            assert "own.npz" in str(error)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        mpc.TunedDecoders.load(tmp_path / "none.npz")
