"""`PoolWindows` against a plain loop, ONNX, PyTorch, Keras and nengo-extras."""

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
from nengo.transforms import ChannelShape

import maxpool_circuits as mpc
from maxpool_circuits.network.windows import PoolWindows, is_compact, window_columns


@st.composite
def geometries(draw, only_keras=False):
    """Arguments of `PoolWindows`: overlapping windows, gaps and edges included."""
    n_axes = draw(st.integers(1, 3))

    def per_axis(entry):
        return tuple(draw(st.lists(entry, min_size=n_axes, max_size=n_axes)))

    shape = per_axis(st.integers(1, 7))
    pools, channels = per_axis(st.integers(1, 5)), draw(st.integers(1, 3))
    padding = st.sampled_from(["valid", "same"])
    dilation, ceil_mode = 1, False
    if not only_keras:
        pairs = per_axis(st.tuples(st.integers(0, 3), st.integers(0, 3)))
        padding = padding | st.integers(0, 2) | st.just(pairs)
        dilation, ceil_mode = per_axis(st.integers(1, 3)), draw(st.booleans())
    channels_last = draw(st.booleans())
    return {
        "input_shape": (*shape, channels) if channels_last else (channels, *shape),
        "pool_size": pools,
        "strides": draw(st.none() | st.just(per_axis(st.integers(1, 5)))),
        "padding": draw(padding),
        "dilation": dilation,
        "ceil_mode": ceil_mode,
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


def made_or_skipped(geometry):
    """Windows, unless some have no inputs or do not fit."""
    try:
        return PoolWindows(**geometry)
    except ValidationError:
        assume(False)


def positions(length, size, stride, padding, dilation, ceil_mode):
    """Inputs of each window along one axis, one at a time; [] where one has none."""
    reach = (size - 1) * dilation
    if padding == "same":
        # the rule of TensorFlow's documentation, which leaves dilation out
        n_windows = math.ceil(length / stride)
        before = max((n_windows - 1) * stride + reach + 1 - length, 0) // 2
        starts = [i * stride - before for i in range(n_windows)]
    else:
        before, after = (0, 0) if padding == "valid" else padding
        starts = list(range(-before, length + after - reach, stride))
        following = starts[-1] + stride if starts else -before
        left_over = following - stride + reach + 1 < length + after
        # by PyTorch's rule, the last one must not start in the padding
        if ceil_mode and left_over and following < length:
            starts.append(following)
        elif ceil_mode and not left_over and starts and starts[-1] >= length:
            starts.pop()
    inside = range(length)
    return [
        [i for i in range(start, start + reach + 1, dilation) if i in inside]
        for start in starts
    ]


def axes_of(geometry):
    """`positions` along each spatial axis."""
    shape = geometry["input_shape"]
    shape = shape[:-1] if geometry["channels_last"] else shape[1:]
    padding = geometry["padding"]
    if isinstance(padding, int):
        padding = (padding, padding)
    pads = padding if np.ndim(padding) == 2 else [padding] * len(shape)
    dilation = geometry["dilation"]
    dilations = (dilation,) * len(shape) if isinstance(dilation, int) else dilation
    strides = geometry["strides"] or geometry["pool_size"]
    arguments = zip(shape, geometry["pool_size"], strides, pads, dilations)
    return [positions(*each, geometry["ceil_mode"]) for each in arguments]


def brute_force(x, axes):
    """Max-pool (batch, ..., channels) one window at a time."""
    y = [
        x[np.ix_(range(len(x)), *window, range(x.shape[-1]))]
        .reshape(len(x), -1, x.shape[-1])
        .max(axis=1)
        for window in itertools.product(*axes)
    ]
    return np.stack(y, axis=1).reshape(len(x), *map(len, axes), x.shape[-1])


# --- geometry -------------------------------------------------------------------------


def check_brute_force(geometry):
    axes = axes_of(geometry)
    if not all(map(len, axes)) or not all(map(all, axes)):
        with pytest.raises(ValidationError, match="does not fit|only padding"):
            PoolWindows(**geometry)
        return
    x = random_batch(geometry["input_shape"])
    expected = with_channels_last(
        lambda x: brute_force(x, axes), x, geometry["channels_last"]
    )
    windows = PoolWindows(**geometry)
    actual = pool(windows, x)
    assert actual.dtype == x.dtype
    np.testing.assert_array_equal(actual, expected)
    assert eval(repr(windows)) == windows


@settings(max_examples=300)
@given(geometries())
def test_max_equals_a_plain_loop(geometry):
    check_brute_force(geometry)


@pytest.mark.slow
@settings(max_examples=10**5, database=None)
@given(geometries())
def test_max_equals_a_plain_loop_in_a_hundred_thousand_geometries(geometry):
    check_brute_force(geometry)


@settings(max_examples=100)
@given(geometries())
def test_indices_are_row_major_and_padded_at_the_end(geometry):
    windows = made_or_skipped(geometry)
    assert windows.n_inputs == math.prod(geometry["input_shape"])
    assert windows.n_pools == math.prod(windows.output_shape) == len(windows.indices)
    assert windows.indices.shape[1] == windows.sizes.max()
    columns = window_columns(windows)
    for row, size, column in zip(windows.indices, windows.sizes, columns.T):
        assert (np.diff(row[:size]) > 0).all()
        assert (row[size:] == -1).all()
        assert column.tolist() == [*row[:size], *[row[0]] * (len(row) - size)]
    # every pool sees one channel, the same as its own place in the output
    channel_axis = -1 if geometry["channels_last"] else 0
    own = np.unravel_index(np.arange(windows.n_pools), windows.output_shape)
    for column in columns:
        channels = np.unravel_index(column, windows.input_shape)[channel_axis]
        np.testing.assert_array_equal(channels, own[channel_axis])
    # the same windows, given as a list
    listed = PoolWindows.from_indices(windows.indices, windows.n_inputs)
    np.testing.assert_array_equal(listed.indices, windows.indices)


#: ONNX's node tests of MaxPool: shape of the image, kernel_shape, other attributes
#: (strides are 1 unless they are given), and the published shape of the output or, for
#: inputs 1, 2, 3 ..., the published output.
ONNX = {
    "1d_default": ((32,), 2, {}, (31,)),
    "2d_default": ((32, 32), 2, {}, (31, 31)),
    "3d_default": ((32, 32, 32), 2, {}, (31, 31, 31)),
    "2d_same_upper": ((32, 32), 2, {"padding": "same"}, (32, 32)),
    "2d_same_lower": ((32, 32), 2, {"padding": ((1, 0), (1, 0))}, (32, 32)),
    "2d_pads": ((28, 28), 3, {"padding": 2}, (30, 30)),
    "2d_strides": ((32, 32), 5, {"strides": 3}, (10, 10)),
    "2d_precomputed_pads": (
        (5, 5),
        5,
        {"padding": 2},
        [[13, 14, 15, 15, 15], [18, 19, 20, 20, 20], *[[23, 24, 25, 25, 25]] * 3],
    ),
    "2d_precomputed_strides": ((5, 5), 2, {"strides": 2}, [[7, 9], [17, 19]]),
    "2d_precomputed_same_upper": (
        (5, 5),
        3,
        {"strides": 2, "padding": "same"},
        [[7, 9, 10], [17, 19, 20], [22, 24, 25]],
    ),
    "2d_ceil": ((4, 4), 3, {"strides": 2, "ceil_mode": True}, [[11, 12], [15, 16]]),
    "2d_ceil_output_size_reduce_by_one": (
        (2, 2),
        1,
        {"strides": 2, "ceil_mode": True},
        [[1]],
    ),
    "2d_dilations": ((4, 4), 2, {"dilation": 2}, [[11, 12], [15, 16]]),
    "3d_dilations": ((4, 4, 4), 2, {"dilation": 2}, (2, 2, 2)),
    "3d_dilations_use_ref_impl_large": (
        (32, 32, 32),
        5,
        {"strides": 3, "dilation": 2, "ceil_mode": True},
        (9, 9, 9),
    ),
}


@pytest.mark.parametrize("case", ONNX.values(), ids=list(ONNX))
def test_max_equals_onnx(case):
    shape, size, options, expected = case
    windows = PoolWindows(
        (1, *shape), size, **{"strides": 1, **options}, channels_last=False
    )
    if isinstance(expected, tuple):
        assert windows.output_shape == (1, *expected)
    else:
        maxima = windows.max(np.arange(math.prod(shape)) + 1)
        assert maxima.reshape(windows.output_shape).tolist() == [expected]


def image_functions(torch, name):
    """A function of PyTorch for each number of axes."""
    return [getattr(torch.nn.functional, f"{name}{n}d") for n in (1, 2, 3)]


@settings(max_examples=200)
@given(geometries())
def test_max_equals_pytorch(geometry):
    torch = pytest.importorskip("torch")
    sizes, n_axes = geometry["pool_size"], len(geometry["pool_size"])
    # more, and other padding on each side, PyTorch refuses
    padding = tuple(size // 2 for size in sizes)
    geometry = {**geometry, "padding": padding, "channels_last": False}
    windows = made_or_skipped(geometry)
    x = random_batch(geometry["input_shape"])
    expected = image_functions(torch, "max_pool")[n_axes - 1](
        torch.tensor(x),
        sizes,
        geometry["strides"],
        padding,
        geometry["dilation"],
        geometry["ceil_mode"],
    )
    np.testing.assert_array_equal(pool(windows, x), expected.numpy())


@given(st.lists(st.tuples(*[st.integers(1, 7)] * 2), min_size=1, max_size=3))
def test_adaptive_equals_pytorch(lengths):
    shape, output_shape = zip(*lengths)
    windows = PoolWindows.adaptive((*shape, 2), output_shape)
    assert windows.output_shape == (*output_shape, 2)
    x = random_batch((*shape, 2))
    axes = [
        [range(i * n // m, math.ceil((i + 1) * n / m)) for i in range(m)]
        for n, m in lengths
    ]
    np.testing.assert_array_equal(pool(windows, x), brute_force(x, axes))
    torch = pytest.importorskip("torch")
    function = image_functions(torch, "adaptive_max_pool")[len(shape) - 1]
    expected = function(torch.tensor(np.moveaxis(x, -1, 1).copy()), output_shape)
    np.testing.assert_array_equal(np.moveaxis(pool(windows, x), -1, 1), expected)


@settings(max_examples=100)
@given(geometries(only_keras=True))
def test_max_equals_keras(geometry):
    tf = pytest.importorskip("tensorflow")
    windows = made_or_skipped(geometry)
    x = random_batch(geometry["input_shape"])
    n_axes = x.ndim - 2
    strides, channels_last = geometry["strides"], geometry["channels_last"]
    if n_axes == 3 and geometry["padding"] == "same":
        # along three axes, TensorFlow moves windows inwards where padding is negative,
        # and so pools another part than its documentation says
        shapes = windows.input_shape, windows.output_shape
        before, after = (np.delete(each, 3 * channels_last) for each in shapes)
        sizes = np.array(geometry["pool_size"])
        assume(((after - 1) * (strides or sizes) + sizes >= before).all())
    # Some processors' TensorFlow refuses channels first along two axes, or gets it
    # wrong along three: compare these with channels last.
    transpose = not channels_last and n_axes > 1
    layer = getattr(tf.keras.layers, f"MaxPool{n_axes}D")(
        geometry["pool_size"],
        strides,
        geometry["padding"],
        "channels_last" if channels_last or transpose else "channels_first",
    )
    expected = with_channels_last(lambda x: layer(x).numpy(), x, not transpose)
    np.testing.assert_array_equal(pool(windows, x), expected)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("input_shape", [(5, 3), (4, 5, 3), (2, 4, 5, 3), (1, 1, 1)])
def test_global_pooling_equals_keras(input_shape, data_format):
    tf = pytest.importorskip("tensorflow")
    layer = getattr(tf.keras.layers, f"GlobalMaxPool{len(input_shape) - 1}D")
    x = random_batch(input_shape)
    windows = PoolWindows.global_pooling(input_shape, data_format == "channels_last")
    assert windows.input_shape == input_shape
    expected = layer(data_format=data_format)(x).numpy()
    np.testing.assert_array_equal(pool(windows, x), expected)


@settings(max_examples=100)
@given(st.data())
def test_max_equals_nengo_extras(data):
    """Its "valid" is ours, but it allows no gaps between windows."""
    convnet = pytest.importorskip("nengo_extras.convnet")
    shape = data.draw(st.tuples(*[st.integers(1, 7)] * 2))
    pool_size = tuple(data.draw(st.integers(1, length)) for length in shape)
    strides = tuple(data.draw(st.integers(1, size)) for size in pool_size)
    geometry = (data.draw(st.integers(1, 3)), *shape), pool_size, strides
    process = convnet.Pool2d(*geometry, kind="max", mode="valid")
    windows = PoolWindows(*geometry, channels_last=False)
    assert windows.output_shape == process.shape_out
    # its pools see zeros around the input
    x = np.abs(random_batch(windows.input_shape, size=1)).ravel()
    step = process.make_step((x.size,), process.default_size_out, 0.001, None, None)
    np.testing.assert_array_equal(windows.max(x), step(0, x))


def test_independent():
    windows = PoolWindows.independent(n_pools=3, window_size=2)
    assert (windows.input_shape, windows.output_shape) == ((6,), (3,))
    np.testing.assert_array_equal(windows.indices, [[0, 1], [2, 3], [4, 5]])
    assert windows == PoolWindows((6,))


@pytest.mark.parametrize("channels_last", [True, False])
def test_over_channels(channels_last):
    windows = PoolWindows.over_channels((2, 4, 6), 2, channels_last)
    x = random_batch((2, 4, 6))
    groups = x.reshape((2, 2, 4, 3, 2) if channels_last else (2, 1, 2, 4, 6))
    maxima = groups.max(axis=-1 if channels_last else 2)
    np.testing.assert_array_equal(pool(windows, x), maxima)
    assert PoolWindows.over_channels((6,), 3) == PoolWindows((6,), 3)


def test_flat_vector():
    windows = PoolWindows((5,), pool_size=3, strides=2, padding=1)
    assert (windows.input_shape, windows.output_shape) == ((5,), (3,))
    np.testing.assert_array_equal(windows.indices, [[0, 1, -1], [1, 2, 3], [3, 4, -1]])
    assert PoolWindows.global_pooling((5,)).output_shape == (1,)


@pytest.mark.parametrize("channels_last", [True, False])
def test_shapes_of_nengo(channels_last):
    shape = ChannelShape((4, 6, 2), channels_last=channels_last)
    assert PoolWindows(shape) == PoolWindows((4, 6, 2), channels_last=channels_last)


def test_integers_stand_for_all_spatial_axes():
    assert PoolWindows((6, 6, 6, 2), 3, 2) == PoolWindows(
        (6, 6, 6, 2), (3, 3, 3), (2, 2, 2)
    )
    assert PoolWindows((6, 4, 1), (3, 2)) == PoolWindows((6, 4, 1), (3, 2), (3, 2))
    assert PoolWindows((6, 4, 1), 3, padding=(1, 0)) == PoolWindows(
        (6, 4, 1), 3, padding=[(1, 1), (0, 0)]
    )


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


def test_from_indices_of_unsigned_integers():
    indices = np.arange(256, dtype=np.uint8).reshape(-1, 4)
    windows = PoolWindows.from_indices(indices, n_inputs=1000)
    assert windows.indices.dtype == np.int64
    np.testing.assert_array_equal(windows.indices, indices)


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
        PoolWindows((2, 5, 6), (2, 3), 1, "same", channels_last=False),
        PoolWindows((5, 6, 2), 2, 1, ((0, 1), (1, 0)), 2, True),
        PoolWindows.adaptive((5, 6, 2), (2, 3)),
        PoolWindows.over_channels((5, 6, 2), 2),
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


# --- windows of very different sizes --------------------------------------------------


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


# --- errors ---------------------------------------------------------------------------


def refused(argument, *fragments):
    """Expect an error that names the argument and says what is wrong with it."""
    pattern = "".join(rf"(?=.*{fragment})" for fragment in fragments)
    return pytest.raises(
        ValidationError, match=rf"(?s)^PoolWindows\.{argument}: {pattern}"
    )


NO_COUNT = [0, -1, 2.0, True, "2", None, 2**31]


@pytest.mark.parametrize(
    "input_shape", [4, (), (4,) * 5, "44", None, *((4, bad) for bad in NO_COUNT)]
)
@pytest.mark.parametrize("make", [PoolWindows, PoolWindows.global_pooling])
def test_bad_input_shape(make, input_shape):
    with refused("input_shape", "spatial axes", "channel axis", r"\(32,\)", "got"):
        make(input_shape)


@pytest.mark.parametrize("bad", [(2,), (2, 2, 2), (2, 2.0), *NO_COUNT])
@pytest.mark.parametrize("argument", ["pool_size", "strides", "dilation"])
def test_bad_numbers_per_axis(argument, bad):
    if argument == "strides" and bad is None:
        return
    with refused(argument, "integer from 1", "2 of them", "spatial axis", "got"):
        PoolWindows((4, 4, 1), **{argument: bad})


@pytest.mark.parametrize("options", [{"pool_size": 5}, {"pool_size": 3, "dilation": 2}])
def test_windows_larger_than_their_input(options):
    with refused("pool_size", "does not fit", "smaller pool_size", "padding='same'"):
        PoolWindows((4, 9, 1), **options)
    PoolWindows((4, 9, 1), **options, padding="same")
    PoolWindows((4, 9, 1), **options, padding=1)


@pytest.mark.parametrize(
    "padding", ["VALID", "causal", None, -1, 1.5, (1,), (1, -1), ((1, 0, 0), 1)]
)
def test_bad_padding(padding):
    with refused("padding", "'valid', 'same'", "number from 0", "2 entries", "got"):
        PoolWindows((4, 4, 1), padding=padding)


def test_windows_without_inputs():
    with refused("padding", "have no input", "less padding"):
        PoolWindows((4, 4, 1), 2, padding=2)


def test_flags():
    with refused("ceil_mode", "True or False", "got"):
        PoolWindows((4, 4, 1), ceil_mode=1)
    with refused("channels_last", "True or False", "got"):
        PoolWindows((4, 4, 1), channels_last="channels_last")


def test_numbers_of_other_windows():
    with refused("n_pools", "must be an integer", "got"):
        PoolWindows.independent(2.0, 2)
    with refused("window_size", "must be an integer", "got"):
        PoolWindows.independent(2, 0)
    with refused("n_inputs", "must be an integer", "got"):
        PoolWindows.from_indices([[0]], None)
    with refused("output_shape", "2 of them", "got"):
        PoolWindows.adaptive((4, 4, 1), (2, 2, 1))
    with refused("pool_size", "must divide", "6", "got 4"):
        PoolWindows.over_channels((2, 2, 6), 4)


@pytest.mark.parametrize(
    "make",
    [
        lambda: PoolWindows.independent(46341, 46341),
        lambda: PoolWindows((3000, 3000, 1), 500, 1, "same"),
        lambda: PoolWindows((2**31 - 1,), 1),
        lambda: PoolWindows.adaptive((4,), 2**31 - 1),
    ],
)
def test_windows_of_too_many_inputs_are_refused_before_they_are_made(make):
    tracemalloc.start()
    try:
        with pytest.raises(ValidationError, match="at most 134217728"):
            make()
        assert tracemalloc.get_traced_memory()[1] < 1e7
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "indices, fragments",
    [
        ([[0, 1.0]], ["window 0", "integers", r"got \[0, 1\.0\]"]),
        ([["0"]], ["integers"]),
        (np.array([[True, False]]), ["integers", "True"]),
        ([[[0, 1]]], ["integers"]),
        ([[0, 1], [2, 4]], ["window 1 holds 4", "out of range", "0 to 3"]),
        ([[0, 1], [2, -2]], ["window 1 holds -2", "out of range"]),
        ([[0], [1, 2, 1]], ["window 1 holds 1", "twice"]),
        (np.array([[0, -1, 1, -1]]), ["window 0 holds -1", "padding"]),
        ([[0], []], ["window 1", "one or more integers"]),
        ([[0], [-1, -1]], ["window 1 has no entries"]),
        ([0, 1], ["window 0", "sequence"]),
        ([], ["one or more windows", r"got \[\]"]),
        (3, ["one or more windows", "got 3"]),
        ((x for x in [[0.5]]), ["window 0", "integers"]),
        (np.ma.array([[0, 1]], mask=[[False, True]]), ["one or more windows"]),
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
        (np.ma.array(np.zeros(4), mask=[0, 0, 0, 1]), ["real numbers", "masked"]),
    ],
)
def test_bad_input_of_max(x, fragments):
    with refused("x", *fragments):
        PoolWindows((2, 2, 1)).max(x)
