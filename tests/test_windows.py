"""`PoolWindows` against brute force, TensorFlow, Keras and nengo-extras."""

import copy
import itertools
import math
import pickle
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from nengo.exceptions import ValidationError

import maxpool_circuits as mpc
from maxpool_circuits.network.grid import window_ends
from maxpool_circuits.network.maxima import is_compact, window_columns
from maxpool_circuits.network.sharing import along_one_axis, shared_comparisons
from maxpool_circuits.network.windows import PoolWindows


@st.composite
def geometries(draw):
    """Arguments of `PoolWindows`: overlapping windows, gaps and edges included."""
    spatial_shape = draw(st.lists(st.integers(1, 7), min_size=1, max_size=3))
    padding = draw(st.sampled_from(["valid", "same"]))
    reach = 2 if padding == "same" else 0  # "same" allows pools larger than the input
    pool_size = [draw(st.integers(1, length + reach)) for length in spatial_shape]
    strides = draw(
        st.none()
        | st.lists(
            st.integers(1, 5),
            min_size=len(spatial_shape),
            max_size=len(spatial_shape),
        )
    )
    channels = draw(st.integers(1, 3))
    channels_last = draw(st.booleans())
    return {
        "input_shape": (
            (*spatial_shape, channels) if channels_last else (channels, *spatial_shape)
        ),
        "pool_size": tuple(pool_size),
        "strides": strides and tuple(strides),
        "padding": padding,
        "channels_last": channels_last,
    }


def random_batch(input_shape, size=2):
    """Values of both signs, so that zeros outside the input would be noticed."""
    rng = np.random.RandomState(0)
    return rng.normal(loc=-1, size=(size, *input_shape)).astype(np.float32)


def pool(windows, x):
    """Apply windows to a batch in the shapes that other libraries use."""
    return windows.max(x.reshape(len(x), -1)).reshape(len(x), *windows.output_shape)


def with_channels_last(function, x, channels_last):
    """Apply a function of (batch, ..., channels) whatever the order of ``x``."""
    if channels_last:
        return function(x)
    return np.moveaxis(function(np.moveaxis(x, 1, -1)), -1, 1)


def brute_force(x, pool_size, strides, padding):
    """Max-pool (batch, ..., channels) one window at a time."""
    strides = pool_size if strides is None else strides
    pads = [(0, 0)] * x.ndim
    for axis, (size, stride) in enumerate(zip(pool_size, strides), start=1):
        if padding == "same":  # the rule of TensorFlow's documentation
            total = max(size - (x.shape[axis] % stride or stride), 0)
            pads[axis] = (total // 2, total - total // 2)
    x = np.pad(x, pads, constant_values=-np.inf)
    corners = [
        range(0, length - size + 1, stride)
        for length, size, stride in zip(x.shape[1:], pool_size, strides)
    ]
    y = [
        x[(slice(None), *(slice(c, c + s) for c, s in zip(corner, pool_size)))]
        .reshape(len(x), -1, x.shape[-1])
        .max(axis=1)
        for corner in itertools.product(*corners)
    ]
    return np.stack(y, axis=1).reshape(len(x), *map(len, corners), x.shape[-1])


# --- geometry -------------------------------------------------------------------------


def check_brute_force(geometry):
    x = random_batch(geometry["input_shape"])
    expected = with_channels_last(
        lambda x: brute_force(
            x, geometry["pool_size"], geometry["strides"], geometry["padding"]
        ),
        x,
        geometry["channels_last"],
    )
    actual = pool(PoolWindows(**geometry), x)
    assert actual.dtype == x.dtype
    np.testing.assert_array_equal(actual, expected)


@settings(max_examples=300)
@given(geometries())
def test_max_equals_brute_force(geometry):
    check_brute_force(geometry)


@settings(max_examples=100)
@given(geometries())
def test_indices_are_row_major_and_padded_at_the_end(geometry):
    windows = PoolWindows(**geometry)
    assert windows.n_inputs == math.prod(geometry["input_shape"])
    assert windows.n_pools == math.prod(windows.output_shape) == len(windows.indices)
    assert windows.sizes.shape == (windows.n_pools,)
    assert windows.sizes.min() >= 1
    assert windows.indices.shape[1] == windows.sizes.max()
    assert windows.indices.max() < windows.n_inputs
    for row, size in zip(windows.indices, windows.sizes):
        assert (np.diff(row[:size]) > 0).all()
        assert (row[:size] >= 0).all()
        assert (row[size:] == -1).all()
    # every pool sees one channel, the same as its own place in the output
    channel_axis = -1 if geometry["channels_last"] else 0
    first = np.unravel_index(windows.indices[:, 0], windows.input_shape)[channel_axis]
    last = np.unravel_index(windows.indices.max(axis=1), windows.input_shape)
    own = np.unravel_index(np.arange(windows.n_pools), windows.output_shape)
    np.testing.assert_array_equal(first, own[channel_axis])
    np.testing.assert_array_equal(last[channel_axis], own[channel_axis])


@settings(max_examples=100)
@given(geometries())
def test_window_columns_hold_the_same_inputs(geometry):
    windows = PoolWindows(**geometry)
    columns = window_columns(windows)
    assert columns.shape == windows.indices.shape[::-1]
    for row, column in zip(windows.indices, columns.T):
        assert set(row) - {-1} == set(column)


def assume_tensorflow_begins_at_the_edge(geometry):
    """Leave out where TensorFlow pools another part than its documentation says.

    Along three axes, on CPUs, padding that would be negative moves windows inwards.
    """
    strides = geometry["strides"] or geometry["pool_size"]
    if len(strides) == 3 and geometry["padding"] == "same":
        windows = PoolWindows(**geometry)
        channel_axis = 3 if geometry["channels_last"] else 0
        before, after = (
            np.delete(shape, channel_axis)
            for shape in (windows.input_shape, windows.output_shape)
        )
        reach = (after - 1) * strides + geometry["pool_size"]
        assume((reach >= before).all())


def check_tensorflow(geometry):
    tf = pytest.importorskip("tensorflow")
    assume_tensorflow_begins_at_the_edge(geometry)
    x = random_batch(geometry["input_shape"])
    expected = with_channels_last(
        lambda x: tf.nn.max_pool(
            x,
            geometry["pool_size"],
            geometry["strides"] or geometry["pool_size"],
            geometry["padding"].upper(),
        ).numpy(),
        x,
        geometry["channels_last"],
    )
    np.testing.assert_array_equal(pool(PoolWindows(**geometry), x), expected)


@settings(max_examples=100)
@given(geometries())
def test_max_equals_tensorflow(geometry):
    check_tensorflow(geometry)


@pytest.mark.slow
@settings(max_examples=10**5, database=None)
@given(geometries())
def test_max_equals_both_in_a_hundred_thousand_geometries(geometry):
    check_brute_force(geometry)
    check_tensorflow(geometry)


@settings(max_examples=100)
@given(geometries())
def test_max_equals_keras(geometry):
    tf = pytest.importorskip("tensorflow")
    assume_tensorflow_begins_at_the_edge(geometry)
    x = random_batch(geometry["input_shape"])
    n_spatial_axes = x.ndim - 2
    layer_class = [
        tf.keras.layers.MaxPool1D,
        tf.keras.layers.MaxPool2D,
        tf.keras.layers.MaxPool3D,
    ][n_spatial_axes - 1]
    # Some processors' TensorFlow refuses channels first along two axes, or gets it
    # wrong along three: compare these with channels last.
    transpose = not geometry["channels_last"] and n_spatial_axes > 1
    layer = layer_class(
        geometry["pool_size"],
        geometry["strides"],
        geometry["padding"],
        "channels_last" if geometry["channels_last"] or transpose else "channels_first",
    )
    expected = with_channels_last(lambda x: layer(x).numpy(), x, not transpose)
    np.testing.assert_array_equal(pool(PoolWindows(**geometry), x), expected)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("input_shape", [(5, 3), (4, 5, 3), (2, 4, 5, 3), (1, 1, 1)])
def test_global_pooling_equals_keras(input_shape, data_format):
    tf = pytest.importorskip("tensorflow")
    layer_class = [
        tf.keras.layers.GlobalMaxPool1D,
        tf.keras.layers.GlobalMaxPool2D,
        tf.keras.layers.GlobalMaxPool3D,
    ][len(input_shape) - 2]
    x = random_batch(input_shape)
    windows = PoolWindows.global_pooling(input_shape, data_format == "channels_last")
    np.testing.assert_array_equal(
        pool(windows, x), layer_class(data_format=data_format)(x).numpy()
    )


def assert_equals_pool2d(geometry, mode):
    """Compare with nengo-extras, whose pools see zeros: only for positive inputs."""
    convnet = pytest.importorskip("nengo_extras.convnet")
    process = convnet.Pool2d(
        geometry["input_shape"],
        geometry["pool_size"],
        geometry["strides"],
        kind="max",
        mode=mode,
    )
    x = np.abs(random_batch(geometry["input_shape"], size=1))
    step = process.make_step((x.size,), process.default_size_out, 0.001, None, None)
    windows = PoolWindows(**geometry, channels_last=False)
    assert windows.output_shape == process.shape_out
    np.testing.assert_array_equal(windows.max(x.ravel()), step(0, x.ravel()))


@settings(max_examples=100)
@given(st.data())
def test_max_equals_nengo_extras(data):
    """Its "valid" is ours, but it allows no gaps between windows."""
    shape = data.draw(st.tuples(*[st.integers(1, 7)] * 2))
    pool_size = tuple(data.draw(st.integers(1, length)) for length in shape)
    strides = tuple(data.draw(st.integers(1, size)) for size in pool_size)
    geometry = {
        "input_shape": (data.draw(st.integers(1, 3)), *shape),
        "pool_size": pool_size,
        "strides": strides,
    }
    assert_equals_pool2d({**geometry, "padding": "valid"}, mode="valid")


@pytest.mark.parametrize("shape", [(4, 4), (5, 4), (5, 7), (2, 3)])
def test_same_equals_nengo_extras_where_only_the_end_is_padded(shape):
    """Its "full" pads the end only, "same" both sides: windows of 2 agree."""
    geometry = {"input_shape": (2, *shape), "pool_size": 2, "strides": 2}
    assert_equals_pool2d({**geometry, "padding": "same"}, mode="full")


def test_independent():
    windows = PoolWindows.independent(n_pools=3, window_size=2)
    assert (windows.n_inputs, windows.n_pools) == (6, 3)
    assert (windows.input_shape, windows.output_shape) == ((6,), (3,))
    np.testing.assert_array_equal(windows.indices, [[0, 1], [2, 3], [4, 5]])
    np.testing.assert_array_equal(windows.sizes, [2, 2, 2])


@pytest.mark.parametrize("channels_last", [True, False])
def test_global_pooling(channels_last):
    windows = PoolWindows.global_pooling((2, 3, 4), channels_last)
    n_channels = 4 if channels_last else 2
    assert windows.input_shape == (2, 3, 4)
    assert windows.output_shape == (n_channels,)
    assert windows.indices.shape == (n_channels, 24 // n_channels)
    x = random_batch((2, 3, 4))
    axes = (1, 2) if channels_last else (2, 3)
    np.testing.assert_array_equal(pool(windows, x), x.max(axis=axes))


def test_integers_stand_for_all_spatial_axes():
    assert PoolWindows((6, 6, 6, 2), 3, 2) == PoolWindows(
        (6, 6, 6, 2), (3, 3, 3), (2, 2, 2)
    )
    assert PoolWindows((6, 4, 1), (3, 2)) == PoolWindows((6, 4, 1), (3, 2), (3, 2))


def test_numpy_integers_and_arrays_are_accepted():
    windows = PoolWindows(
        np.array([4, 6, 2]),
        np.array([2, 3], dtype=np.uint8),
        np.int32(2),
        channels_last=np.True_,
    )
    assert windows == PoolWindows((4, 6, 2), (2, 3), 2)
    assert all(type(n) is int for n in windows.input_shape + windows.output_shape)
    assert PoolWindows.independent(np.int8(2), np.uint64(3)).n_inputs == 6


def test_pool_far_larger_than_its_input():
    windows = PoolWindows((3, 1), pool_size=2**31 - 1, strides=1, padding="same")
    np.testing.assert_array_equal(windows.indices, [[0, 1, 2]] * 3)


def test_construction_is_vectorised():
    # not a benchmark: takes 0.2 s; a loop over pools would take a minute, also of the
    # processor
    start = time.process_time()
    windows = PoolWindows((224, 224, 32), pool_size=3, strides=2, padding="same")
    PoolWindows.from_indices(windows.indices, windows.n_inputs)
    elapsed = time.process_time() - start
    assert windows.n_pools == 401408
    assert elapsed < 10


# --- a user's own windows -------------------------------------------------------------


@pytest.mark.parametrize(
    "indices",
    [
        [[4, 0, 2], [1], [2, 3]],
        ((4, 0, 2), range(1, 2), np.array([2, 3])),
        [[4, 0, 2, -1], [1, -1], [2, 3]],
        np.array([[4, 0, 2], [1, -1, -1], [2, 3, -1]]),
        np.array([[4, 0, 2, -1], [1, -1, -1, -1], [2, 3, -1, -1]], dtype=np.int8),
        np.array([[4, 0, 2], [1], [2, 3]], dtype=object),
    ],
)
def test_from_indices(indices):
    windows = PoolWindows.from_indices(indices, n_inputs=6)
    assert (windows.n_inputs, windows.n_pools) == (6, 3)
    assert (windows.input_shape, windows.output_shape) == ((6,), (3,))
    expected = [[4, 0, 2], [1, -1, -1], [2, 3, -1]]
    np.testing.assert_array_equal(windows.indices, expected)
    np.testing.assert_array_equal(windows.sizes, [3, 1, 2])
    np.testing.assert_array_equal(windows.max([9, -8, 7, 6, -5, 99]), [9, -8, 7])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint64])
def test_from_indices_of_unsigned_integers(dtype):
    indices = np.arange(256, dtype=dtype).reshape(-1, 4)
    windows = PoolWindows.from_indices(indices, n_inputs=1000)
    assert windows.indices.dtype == np.int64
    np.testing.assert_array_equal(windows.indices, indices)


@settings(max_examples=50)
@given(geometries())
def test_from_indices_takes_what_indices_gives(geometry):
    windows = PoolWindows(**geometry)
    own = PoolWindows.from_indices(windows.indices, windows.n_inputs)
    np.testing.assert_array_equal(own.indices, windows.indices)
    np.testing.assert_array_equal(own.sizes, windows.sizes)


def test_from_indices_copies():
    indices = np.array([[0, 1], [2, 3]])
    windows = PoolWindows.from_indices(indices, n_inputs=4)
    indices[0, 0] = 3
    assert windows.indices[0, 0] == 0


# --- the exact maximum ----------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", [np.float16, np.float32, np.float64, np.int64, np.uint8]
)
@pytest.mark.parametrize("leading_shape", [(), (3,), (2, 3), (0,)])
def test_max_keeps_leading_axes_and_type(leading_shape, dtype):
    windows = PoolWindows.from_indices([[0, 2], [1, 3, 0]], n_inputs=4)
    x = (np.random.RandomState(0).rand(*leading_shape, 4) * 100).astype(dtype)
    y = windows.max(x)
    assert y.shape == (*leading_shape, 2)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y[..., 0], x[..., [0, 2]].max(axis=-1))
    np.testing.assert_array_equal(y[..., 1], x[..., [0, 1, 3]].max(axis=-1))


def test_max_of_nan_and_infinity():
    windows = PoolWindows.from_indices([[0, 1], [1, 2], [3]], n_inputs=4)
    np.testing.assert_array_equal(
        windows.max([np.nan, 1, np.inf, -np.inf]), [np.nan, np.inf, -np.inf]
    )


# --- a value --------------------------------------------------------------------------


def test_equal_by_value():
    windows = PoolWindows((4, 4, 1))
    same = PoolWindows((4, 4, 1), pool_size=(2, 2), strides=(2, 2))
    assert windows == same
    assert hash(windows) == hash(same)
    assert len({windows, same}) == 1
    assert PoolWindows.independent(2, 2) == PoolWindows.from_indices(
        [[0, 1], [2, 3]], n_inputs=4
    )


@pytest.mark.parametrize(
    "other",
    [
        PoolWindows((4, 4, 1), strides=1),
        PoolWindows((1, 4, 4), channels_last=False),
        PoolWindows.from_indices(PoolWindows((4, 4, 1)).indices, n_inputs=16),
        PoolWindows((4, 4, 2)),
        "windows",
    ],
)
def test_unequal(other):
    assert PoolWindows((4, 4, 1)) != other


def test_cannot_be_changed():
    windows = PoolWindows((4, 4, 1))
    for name in ("input_shape", "output_shape", "members", "sizes"):
        with pytest.raises(ValidationError, match="read-only"):
            setattr(windows, name, getattr(windows, name))
    with pytest.raises(AttributeError):
        windows.indices = windows.indices
    for name in ("n_inputs", "n_pools"):
        with pytest.raises(AttributeError):
            setattr(windows, name, 1)
    for array in (windows.indices, windows.sizes):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize(
    "windows",
    [
        PoolWindows((5, 4, 2), 3, 2, "same"),
        PoolWindows.independent(2, 3),
        PoolWindows.global_pooling((3, 2, 2), channels_last=False),
        PoolWindows.from_indices([[0, 1, 2], [3]], n_inputs=5),
    ],
)
@pytest.mark.parametrize(
    "duplicate", [lambda w: pickle.loads(pickle.dumps(w)), copy.copy, copy.deepcopy]
)
def test_pickle_and_copy(windows, duplicate):
    other = duplicate(windows)
    assert other == windows
    assert hash(other) == hash(windows)
    assert repr(other) == repr(windows)
    assert not other.indices.flags.writeable
    assert not other.sizes.flags.writeable


@pytest.mark.parametrize(
    "windows",
    [
        PoolWindows((4, 4, 1)),
        PoolWindows((2, 5, 6), (2, 3), 1, "same", False),
        PoolWindows.independent(2, 3),
        PoolWindows.global_pooling((3, 2, 2), channels_last=False),
    ],
)
def test_repr_is_the_call(windows):
    call = repr(windows)
    assert call.startswith("PoolWindows")
    assert eval(call) == windows


def test_repr_of_a_users_windows_is_short():
    windows = PoolWindows.from_indices([[0], [1, 2, 3]] * 1000, n_inputs=4)
    assert repr(windows) == ("<PoolWindows: 2000 windows of 1 to 3 inputs, n_inputs=4>")


# --- errors ---------------------------------------------------------------------------


def refused(argument, *fragments):
    """Expect an error that names the argument and says what is wrong with it."""
    pattern = "".join(rf"(?=.*{fragment})" for fragment in fragments)
    return pytest.raises(
        ValidationError, match=rf"(?s)^PoolWindows\.{argument}: {pattern}"
    )


NO_POSITIVE_INTEGER = [0, -1, 2.0, True, np.float64(2), np.True_, "2", 2**31]


@pytest.mark.parametrize(
    "input_shape",
    [
        4,
        (4,),
        (4, 4, 4, 4, 4),
        "44",
        {4, 5},
        np.array(4),
        np.zeros((2, 2), dtype=int),
        None,
        *((4, bad) for bad in [*NO_POSITIVE_INTEGER, None]),
    ],
)
@pytest.mark.parametrize("make", [PoolWindows, PoolWindows.global_pooling])
def test_bad_input_shape(make, input_shape):
    with refused("input_shape", "2, 3 or 4 integers", "channel axis", "got"):
        make(input_shape)


@pytest.mark.parametrize(
    "bad",
    [
        *NO_POSITIVE_INTEGER,
        (2,),
        (2, 2, 2),
        (),
        np.array(2),
        np.array([2.0, 2.0]),
        *((2, bad) for bad in [*NO_POSITIVE_INTEGER, None]),
    ],
)
@pytest.mark.parametrize("argument", ["pool_size", "strides"])
def test_bad_pool_size_and_strides(argument, bad):
    with refused(argument, "integer from 1", "2 of them", "spatial axis", "got"):
        PoolWindows((4, 4, 1), **{argument: bad})


@pytest.mark.parametrize(
    "input_shape, pool_size, channels_last",
    [((4, 4, 9), 5, True), ((9, 4, 4), 5, False), ((4, 9, 9), (1, 10), True)],
)
def test_pool_larger_than_its_input(input_shape, pool_size, channels_last):
    with refused("pool_size", "does not fit", "smaller pool_size", "padding='same'"):
        PoolWindows(input_shape, pool_size, channels_last=channels_last)
    PoolWindows(input_shape, pool_size, padding="same", channels_last=channels_last)


@pytest.mark.parametrize("padding", ["VALID", "Same", "causal", "", None, 0, ["same"]])
def test_unknown_padding(padding):
    with refused("padding", "'valid', 'same'", "got"):
        PoolWindows((4, 4, 1), padding=padding)


@pytest.mark.parametrize("channels_last", ["channels_last", 1, None])
@pytest.mark.parametrize("make", [PoolWindows, PoolWindows.global_pooling])
def test_bad_channels_last(make, channels_last):
    with refused("channels_last", "True or False", "got"):
        make((4, 4, 1), channels_last=channels_last)


@pytest.mark.parametrize("bad", [*NO_POSITIVE_INTEGER, None, (2,)])
def test_bad_numbers_of_windows_and_inputs(bad):
    with refused("n_pools", "must be an integer", "got"):
        PoolWindows.independent(bad, 2)
    with refused("window_size", "must be an integer", "got"):
        PoolWindows.independent(2, bad)
    with refused("n_inputs", "must be an integer", "got"):
        PoolWindows.from_indices([[0]], bad)


@pytest.mark.parametrize(
    "indices, fragments",
    [
        ([[0, 1.0]], ["integers", r"got 1\.0"]),
        ([[0, True]], ["integers", "got True"]),
        ([["0"]], ["integers", "got '0'"]),
        (["01"], ["integers", "got '0'"]),
        ([[[0, 1]]], ["integers", r"got \[0, 1\]"]),
        (np.array([[0.0, 1.0]]), ["integers", r"got 0\.0"]),
        (np.array([[True, False]]), ["integers", "got True"]),
        (np.zeros((1, 1, 1), dtype=int), ["integers", r"got \[0\]"]),
        ([[0, 1], [2, 4]], ["window 1 holds 4", "out of range", "0 to 3"]),
        ([[0, 1], [2, -2]], ["window 1 holds -2", "out of range"]),
        ([[2**70]], ["out of range"]),
        ([[2**63, -1]], ["out of range"]),
        (np.array([[2**63]], dtype=np.uint64), ["out of range"]),
        ([[0], [1, 2, 1]], ["window 1 holds 1", "twice"]),
        ([[0, -1, 1]], ["window 0 holds -1", "padding"]),
        ([[0], [-1, 1]], ["window 1 holds -1", "padding"]),
        (np.array([[0, -1, 1, -1]]), ["window 0 holds -1", "padding"]),
        ([[0], []], ["window 1 has no entries"]),
        ([[0], [-1, -1]], ["window 1 has no entries"]),
        ([[]], ["window 0 has no entries"]),
        ([0, 1], ["window 0 has no entries", "sequence"]),
        (np.arange(4), ["window 0 has no entries", "sequence"]),
        ([[0], {1, 2}], ["window 1 has no entries", "sequence"]),
        (np.zeros((2, 0), dtype=int), ["window 0 has no entries"]),
        ([], ["one or more windows", r"got \[\]"]),
        (np.zeros((0, 2), dtype=int), ["one or more windows"]),
        (np.array(3), ["one or more windows"]),
        (3, ["one or more windows", "got 3"]),
        (None, ["one or more windows", "got None"]),
    ],
)
def test_bad_indices(indices, fragments):
    with refused("indices", *fragments):
        PoolWindows.from_indices(indices, n_inputs=4)


@pytest.mark.parametrize(
    "x, fragments",
    [
        (np.zeros(3), ["n_inputs \\(4\\)", r"got shape \(3,\)"]),
        (np.zeros((4, 3)), [r"got shape \(4, 3\)"]),
        (np.zeros((2, 2, 1)), [r"input_shape \(2, 2, 1\)", r"got shape \(2, 2, 1\)"]),
        (0.5, [r"got shape \(\)"]),
        (np.zeros(4, dtype=complex), ["real numbers", "complex128"]),
        (np.zeros(4, dtype=bool), ["real numbers", "bool"]),
        (["a", "b", "c", "d"], ["real numbers"]),
        ([None] * 4, ["real numbers", "object"]),
        ([[0, 1, 2, 3], [0, 1]], ["array"]),
    ],
)
def test_bad_input_of_max(x, fragments):
    with refused("x", *fragments):
        PoolWindows((2, 2, 1)).max(x)


@settings(max_examples=200)
@given(geometries())
def test_shared_comparisons_find_the_maximum_of_each_window(geometry):
    windows = PoolWindows(**geometry)
    ends = window_ends(windows.input_shape, windows.grid)
    shared = shared_comparisons(windows.input_shape, ends)
    if shared is None:
        inputs = windows.indices[windows.indices >= 0]
        assert len(np.unique(inputs)) == len(inputs)
        return
    x = random_batch((windows.n_inputs,))
    values = x[:, shared.inputs]
    for first, second in shared.levels:
        values = np.maximum(values[:, first], values[:, second])
    np.testing.assert_array_equal(values[:, shared.maxima], windows.max(x))
    assert shared.number <= np.sum(windows.sizes - 1)
    lengths = [np.diff(axis).max() for axis in ends]
    assert len(shared.levels) == np.ceil(np.log2(lengths)).sum()


@pytest.mark.parametrize("strides", range(1, 8))
@pytest.mark.parametrize("pool_size", range(2, 10))
def test_windows_along_one_axis_take_no_more_than_overlapping_halves(
    pool_size, strides
):
    windows = PoolWindows((100, 1), pool_size, strides)
    separate = (pool_size - 1) * windows.n_pools
    halves = int(np.ceil(np.log2(pool_size))) * 99
    rows, _ = window_ends(windows.input_shape, windows.grid)
    assert along_one_axis(rows).number <= min(separate, halves)


def test_grid_of_windows():
    def ends(windows):
        axes = window_ends(windows.input_shape, windows.grid)
        return [axis.tolist() for axis in axes]

    windows = PoolWindows((2, 5, 4), 3, 2, "same", channels_last=False)
    channels, rows, columns = ends(windows)
    assert channels == [[0, 1], [1, 2]]
    assert rows == [[0, 2], [1, 4], [3, 5]]
    assert columns == [[0, 3], [2, 4]]
    assert ends(PoolWindows.independent(2, 3)) == [[[0, 3], [3, 6]]]
    assert ends(PoolWindows.global_pooling((2, 3, 1)))[1] == [[0, 3]]
    assert PoolWindows.from_indices([[0, 1]], n_inputs=2).grid is None


def test_windows_of_very_different_sizes_take_what_they_hold():
    n_inputs, n_small = 10**5, 20000
    rows = [range(n_inputs), *([number] for number in range(n_small))]
    tracemalloc.start()
    try:
        windows = PoolWindows.from_indices(rows, n_inputs)
        x = np.random.RandomState(0).uniform(size=n_inputs)
        assert windows.max(x).tolist() == [x.max(), *x[:n_small]]
        pools = {
            name: mpc.make(name, windows, add_to_container=False, decoders=None)
            for name in ("exact", "winner-take-all", "pairwise-relu")
        }
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # an array with a row for each window would have 16 GB
    assert most < 2e8
    assert all(pool.output.size_in == n_small + 1 for pool in pools.values())


def test_ragged_windows_have_the_maxima_of_an_array():
    rows = [range(50), *([number] for number in range(20)), [3, 1, 2]]
    windows = PoolWindows.from_indices(rows, 50)
    assert not is_compact(windows)
    x = np.random.RandomState(0).normal(size=(2, 3, 50))
    x[0, 0, 7] = np.nan
    expected = x[..., window_columns(windows)].max(axis=-2)
    np.testing.assert_array_equal(windows.max(x), expected)
