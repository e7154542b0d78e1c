"""What the inputs of the pools do while circuits are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import isqrt
from reprlib import repr as short_repr
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError
from nengo.params import StringParam

from ..network.arrays import as_array, numbers
from ..network.windows import WINDOWS, PoolWindows
from ..utils.checks import look_up, valid_integer, valid_seed

#: Time step of all comparisons, in seconds.
DT = 0.001
#: Side length and wavelength of the Gabor filters, in pixels: the first scale band of
#: Serre, Wolf, Bileschi, Riesenhuber and Poggio (2007).
SCALES = ((7, 3.5), (9, 4.6))
#: Preferred orientations of the simple cells, in degrees.
ORIENTATIONS = (0, 45, 90, 135)


@dataclass(frozen=True, eq=False)
class Workload:
    """Input values over time, and when errors are read.

    It has copies of its arrays, which cannot be changed.

    Parameters
    ----------
    name : str
        The name of the workload.
    windows : PoolWindows
        Which inputs each pool looks at.
    values : (n_steps, n_inputs) array_like
        Value of each input, in [0, 1], in each time step of 1 ms.
    is_read : (n_steps,) array_like of bool
        The steps at whose end errors are read, at least one.
    step : (2, n_inputs) array_like
        Values before and after a step, in [0, 1], for the latency.
    images : (n_images, height, width) array, optional (Default: None)
        The images that are presented one after the other, all equally long, if there
        are any.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an argument is not as described.

    Examples
    --------
    One pool, whose winner changes after 200 ms:

    >>> import numpy as np
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits.comparison import Workload
    >>> step = np.array([[0.2, 0.8], [0.9, 0.1]])
    >>> workload = Workload(
    ...     name="one change",
    ...     windows=mpc.PoolWindows.independent(n_pools=1, window_size=2),
    ...     values=step.repeat(200, axis=0),
    ...     is_read=np.arange(400) % 200 >= 100,
    ...     step=step,
    ... )
    >>> table = mpc.compare(["exact"], workload=workload)
    >>> table.outputs["exact"].shape
    (1900, 1)
    """

    name: str
    windows: PoolWindows
    values: np.ndarray = field(repr=False)
    is_read: np.ndarray = field(repr=False)
    step: np.ndarray = field(repr=False)
    images: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check all arrays and copy them, so that nobody can change them."""
        StringParam("name").coerce(None, self.name)
        n_inputs = WINDOWS.coerce(None, self.windows).n_inputs
        shapes: dict[str, Any] = {"values": ("*", n_inputs), "step": (2, n_inputs)}
        if self.images is not None:
            shapes["images"] = ("*", "*", "*")
        for name, shape in shapes.items():
            values = numbers(getattr(self, name), name, shape, low=0, high=1)
            object.__setattr__(self, name, values)
        is_read = as_array(self.is_read).copy()
        fits = is_read.shape == self.values.shape[:1] and is_read.dtype == bool
        if not fits or not is_read.any():
            raise ValidationError(
                f"must be True or False for each of {len(self.values)} steps, True for "
                f"some, got {short_repr(self.is_read)}",
                attr="is_read",
            )
        is_read.setflags(write=False)
        object.__setattr__(self, "is_read", is_read)

    @property
    def dt(self) -> float:
        """Length of a time step, in seconds."""
        return DT

    @property
    def target(self) -> np.ndarray:
        """True maximum of each pool in each time step, (n_steps, n_pools)."""
        return self.windows.max(self.values)


def presentations(
    window_size: int = 4, n_pools: int = 200, seed: int | None = 0
) -> Workload:
    """Random windows, held for 50 ms each, read at the end of each.

    All inputs are independent and uniform in [0, 1]. The state of the circuit is
    carried over from one presentation to the next; the first two are not read.

    Parameters
    ----------
    window_size : int, optional (Default: 4)
        Number of inputs of each pool.
    n_pools : int, optional (Default: 200)
        Number of pools.
    seed : int, optional (Default: 0)
        Seed of the values.

    Returns
    -------
    Workload
        1.1 s of input.

    Raises
    ------
    nengo.exceptions.ValidationError
        If ``window_size`` or ``n_pools`` is not a positive integer.

    Examples
    --------
    >>> from maxpool_circuits.comparison import presentations
    >>> workload = presentations(window_size=4, n_pools=5)
    >>> workload.values.shape
    (1100, 20)
    """
    windows, rng = _windows_and_rng(window_size, n_pools, seed)
    return _uniform("presentations", windows, rng, 22, n_steps=50, n_unread=2)


def constant(
    window_size: int = 4, n_pools: int = 200, seed: int | None = 0
) -> Workload:
    """Random windows, held for 300 ms each, read at the end of each.

    Long enough for every circuit and readout to reach its steady state, so that only
    what does not average out remains. All inputs are independent and uniform in [0, 1];
    the first window is not read.

    Parameters
    ----------
    window_size, n_pools, seed : int, optional
        As in `presentations`.

    Returns
    -------
    Workload
        1.5 s of input.

    Examples
    --------
    >>> import numpy as np
    >>> from maxpool_circuits.comparison import constant
    >>> workload = constant(window_size=4, n_pools=5)
    >>> print(np.flatnonzero(workload.is_read))
    [ 599  899 1199 1499]
    """
    windows, rng = _windows_and_rng(window_size, n_pools, seed)
    return _uniform("constant", windows, rng, 5, n_steps=300, n_unread=1)


def natural(window_size: int = 4, n_pools: int = 200, seed: int | None = 0) -> Workload:
    r"""Windows as simple cells see natural images, held for 100 ms each.

    Responses of oriented filters to natural images are Gaussian but for a local
    contrast that neighbours share [1]_:

    .. math::

       x_i = \text{relu}\Big(z \big(\sqrt{\rho} \, g_0 +
       \sqrt{1 - \rho} \, g_i\big)\Big)

    with normal :math:`g`, correlation :math:`\rho` = 0.6 and log-normal contrast
    :math:`z` of median 0.08 (the standard deviation of its logarithm is 1), clipped to
    1. So most inputs are small, similar or silent, and a few are large, as in the
    sample photographs of scikit-learn after the filters of `.images`. Errors are
    read at the end of each window but the first.

    Parameters
    ----------
    window_size, n_pools, seed : int, optional
        As in `presentations`.

    Returns
    -------
    Workload
        1.1 s of input.

    References
    ----------
    .. [1] Wainwright, M. J. and Simoncelli, E. P. (2000). Scale mixtures of Gaussians
       and the statistics of natural images. Advances in Neural Information Processing
       Systems 12, 855-861.
       https://papers.nips.cc/paper/1750-scale-mixtures-of-gaussians-and-the-statistics-of-natural-images

    Examples
    --------
    >>> import numpy as np
    >>> from maxpool_circuits.comparison import natural
    >>> workload = natural(window_size=4, n_pools=100)
    >>> bool(0.45 < np.mean(workload.values == 0) < 0.55)
    True
    """
    windows, rng = _windows_and_rng(window_size, n_pools, seed)
    correlation, contrast = 0.6, 0.08
    shape = 13, windows.n_pools, windows.n_inputs // windows.n_pools
    shared = rng.normal(size=(*shape[:2], 1))
    signal = np.sqrt(correlation) * shared
    signal = signal + np.sqrt(1 - correlation) * rng.normal(size=shape)
    signal *= contrast * np.exp(rng.normal(size=(*shape[:2], 1)))
    shown = np.clip(signal, 0, 1).reshape(len(signal), -1)
    values, is_read = hold(shown[:11], n_steps=100, n_unread=1)
    return Workload("natural", windows, values, is_read, shown[11:])


def band_limited(
    window_size: int = 4, n_pools: int = 200, seed: int | None = 0
) -> Workload:
    """Signals that change all the time, read throughout.

    White noise through a 100 ms low-pass filter, with mean 0.5 and standard deviation
    0.25, clipped to [0, 1]; errors are read after the first 0.3 s.

    Parameters
    ----------
    window_size, n_pools, seed : int, optional
        As in `presentations`.

    Returns
    -------
    Workload
        1.5 s of input.

    Examples
    --------
    >>> from maxpool_circuits.comparison import band_limited
    >>> workload = band_limited(window_size=4, n_pools=5)
    >>> workload.values.shape
    (1500, 20)
    """
    return _noise("band-limited", nengo.Lowpass(0.1), window_size, n_pools, seed)


def smooth(window_size: int = 4, n_pools: int = 200, seed: int | None = 0) -> Workload:
    """Signals without sudden changes, read throughout.

    As in `band_limited`, with noise through two low-pass filters of 50 ms.

    Parameters
    ----------
    window_size, n_pools, seed : int, optional
        As in `presentations`.

    Returns
    -------
    Workload
        1.5 s of input.

    Examples
    --------
    >>> import numpy as np
    >>> from maxpool_circuits.comparison import smooth
    >>> values = smooth(window_size=4, n_pools=50).values
    >>> bool(np.abs(np.diff(values, axis=0)).max() < 0.03)
    True
    """
    return _noise("smooth", nengo.Alpha(0.05), window_size, n_pools, seed)


def _noise(name, synapse, window_size, n_pools, seed):
    """White noise through a synapse."""
    windows, rng = _windows_and_rng(window_size, n_pools, seed)
    n_settling, n_steps = 1000, 1500
    noise = rng.normal(size=(n_settling + n_steps, windows.n_inputs))
    signal = synapse.filt(noise, axis=0, dt=DT)[n_settling:]
    values = np.clip(0.5 + 0.25 * signal / signal.std(), 0, 1)
    step = rng.uniform(size=(2, windows.n_inputs))
    is_read = np.arange(n_steps) >= 300
    return Workload(name, windows, values, is_read, step)


def images(window_size: int = 8, seed: int | None = 0, n_images: int = 8) -> Workload:
    """Digits through oriented filters, max-pooled over position and scale.

    The C1 layer of HMAX [1]_. Digits of 8x8 pixels are enlarged to 32x32 and seen by
    simple cells (S1): Gabor filters of four orientations and one or two scales [2]_ at
    every second pixel, rectified and scaled to [0, 1]. Complex cells (C1) take the
    maximum over a patch of positions, and over both scales if there are two. Each image
    is presented for 100 ms and read at the end; the first is not read. Needs
    scikit-learn (``pip install scikit-learn``).

    Parameters
    ----------
    window_size : int, optional (Default: 8)
        Number of inputs of each pool: a square number (4: patches of 2x2), or twice
        one (8: patches of 2x2 over two scales).
    seed : int, optional (Default: 0)
        Which digits are drawn from the 1797 that scikit-learn has.
    n_images : int, optional (Default: 8)
        Number of images, two or more.

    Returns
    -------
    Workload
        0.1 s of input per image.

    Raises
    ------
    nengo.exceptions.ValidationError
        If ``window_size`` is neither a square number nor twice one, or too large, or
        ``n_images`` is less than two.

    References
    ----------
    .. [1] Riesenhuber, M. and Poggio, T. (1999). Hierarchical models of object
       recognition in cortex. Nature Neuroscience 2, 1019-1025.
       https://doi.org/10.1038/14819
    .. [2] Serre, T., Wolf, L., Bileschi, S., Riesenhuber, M. and Poggio, T. (2007).
       Robust object recognition with cortex-like mechanisms. IEEE Transactions on
       Pattern Analysis and Machine Intelligence 29, 411-426.
       https://doi.org/10.1109/TPAMI.2007.56

    Examples
    --------
    >>> from maxpool_circuits.comparison import images
    >>> workload = images(window_size=8, n_images=2)
    >>> workload.windows.input_shape, workload.windows.output_shape
    ((16, 16, 2, 4), (8, 8, 1, 4))
    """
    side, n_scales = _patch(window_size)
    from sklearn.datasets import load_digits

    digits = load_digits().images / 16
    # the first is not read
    n_images = valid_integer(n_images, "n_images", lowest=2, highest=len(digits))
    rng = np.random.RandomState(valid_seed(seed))
    digits = digits[rng.choice(len(digits), n_images, replace=False)]
    simple_cells = simple_cell_responses(digits, SCALES[:n_scales])
    windows = PoolWindows(
        simple_cells.shape[1:], pool_size=(side, side, n_scales), channels_last=True
    )
    shown = simple_cells.reshape(n_images, -1)
    values, is_read = hold(shown, n_steps=100, n_unread=1)
    return Workload("images", windows, values, is_read, shown[:2], images=digits)


#: The workloads by name.
WORKLOADS: dict[str, Callable[..., Workload]] = {
    "presentations": presentations,
    "constant": constant,
    "band-limited": band_limited,
    "smooth": smooth,
    "natural": natural,
    "images": images,
}


def find_workload(
    workload: str | Workload,
    window_size: int = 4,
    n_pools: int | None = None,
    seed: int | None = 0,
) -> Workload:
    """Make the workload of a name; a `Workload` is returned as it is."""
    if isinstance(workload, Workload):
        return workload
    make = look_up(workload, WORKLOADS, "workload")
    if n_pools is None:
        return make(window_size, seed=seed)
    if workload == "images":
        raise ValidationError(
            f"must be None, since images have all their pools, got {n_pools!r}",
            attr="n_pools",
        )
    return make(window_size, n_pools, seed)


def hold(
    shown: np.ndarray, n_steps: int, n_unread: int
) -> tuple[np.ndarray, np.ndarray]:
    """Present inputs one after the other; all but the first are read in the end."""
    step = np.arange(len(shown) * n_steps)
    is_read = (step % n_steps == n_steps - 1) & (step >= n_unread * n_steps)
    return np.repeat(shown, n_steps, axis=0), is_read


def _windows_and_rng(window_size, n_pools, seed):
    """Windows of a workload, and what its values are drawn with."""
    windows = PoolWindows.independent(n_pools, window_size)
    return windows, np.random.RandomState(valid_seed(seed))


def _uniform(name, windows, rng, n_shown, n_steps, n_unread):
    """Independent values that are uniform in [0, 1], each held for some steps."""
    shown = rng.uniform(size=(n_shown, windows.n_inputs))
    values, is_read = hold(shown, n_steps, n_unread)
    step = rng.uniform(size=(2, windows.n_inputs))
    return Workload(name, windows, values, is_read, step)


def _patch(window_size):
    """Side length and number of scales of a window of ``window_size`` inputs."""
    window_size = valid_integer(window_size, "window_size")
    for n_scales in (1, 2):
        side = isqrt(window_size // n_scales)
        if n_scales * side**2 == window_size and side <= 16:
            return side, n_scales
    raise ValidationError(
        "windows of images are squares over one or two scales: must be a square number "
        f"up to 256 (4, 9, 16, ...) or twice one (8, 18, 32, ...), got {window_size}",
        attr="window_size",
    )


def simple_cell_responses(
    digits: np.ndarray, scales: Sequence[tuple[int, float]] = SCALES
) -> np.ndarray:
    """Rectified responses of oriented filters at every second pixel.

    Digits, (n_images, 8, 8), give (n_images, 16, 16, n_scales, n_orientations)
    responses, scaled so that the largest is 1.
    """
    import scipy.ndimage

    enlarged = scipy.ndimage.zoom(digits, (1, 4, 4), order=1)
    responses = [
        [
            scipy.ndimage.convolve(enlarged, gabor(*scale, angle)[np.newaxis])
            for angle in ORIENTATIONS
        ]
        for scale in scales
    ]
    by_filter = np.moveaxis(np.array(responses), (0, 1), (-2, -1))
    rectified = np.maximum(by_filter, 0)[:, ::2, ::2]
    return rectified / rectified.max()


def gabor(size: int, wavelength: float, angle: float) -> np.ndarray:
    """Gabor filter with zero mean and unit norm; lengths in pixels, angle in degrees.

    The Gaussian has a standard deviation of 0.8 wavelengths and an aspect ratio of 0.3.
    """
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    radians = np.deg2rad(angle)
    along = x * np.cos(radians) + y * np.sin(radians)
    across = -x * np.sin(radians) + y * np.cos(radians)
    envelope = np.exp(-(along**2 + (0.3 * across) ** 2) / (2 * (0.8 * wavelength) ** 2))
    kernel = envelope * np.cos(2 * np.pi * along / wavelength)
    kernel -= kernel.mean()
    return kernel / np.linalg.norm(kernel)
