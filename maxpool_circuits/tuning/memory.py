"""Decoders for a circuit that was made without any: shipped, kept, or tuned now."""

import functools
import hashlib
import inspect
import warnings
from pathlib import Path

from nengo.exceptions import ValidationError

from ..network.shelf import preset_path
from ..network.tuned import TunedDecoders
from ..version import version


def decoders_for(network):
    """Find decoders for a setup, or tune it.

    In this order: the file that ships with the package; the file in the user's cache
    folder; `.tune`, whose result is then put there. Several processes may do so at the
    same time.

    Parameters
    ----------
    network : MaxPoolNetwork
        A network with all arguments checked.

    Returns
    -------
    TunedDecoders or None
        None if there is nothing to tune, as in neurons that do not spike.
    """
    if not network.neuron_type.spiking:
        return None
    shipped = preset_path(network)
    if shipped.is_file():
        return _load(shipped)

    from .search import NothingToTune, example, identity

    circuit = functools.partial(type(network), **network.setup)
    try:
        one_pool = example(circuit, network.tuned_for.get("window_size", 4))
    except NothingToTune:
        return None
    kept = _cache_path(type(network), identity(one_pool))
    if kept is not None and kept.is_file():
        try:
            return _load(kept)
        except ValidationError as error:
            warnings.warn(f"{error}. This is done now", stacklevel=2)
    tuned = _tune(network)
    if kept is not None:
        _keep(tuned, kept)
    return tuned


@functools.lru_cache(maxsize=64)
def _load(path):
    """Read a file once for all networks."""
    return TunedDecoders.load(path)


def _tune(network):
    from . import tune

    window_size = network.tuned_for.get("window_size")
    # two processes, because there is work for two (see tune)
    return tune(type(network), window_size=window_size, n_jobs=2, **network.setup)


def _keep(tuned, path):
    """Write a file into the cache folder, if that is possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tuned.save(path)
    except OSError as error:
        warnings.warn(
            f"tuned decoders could not be kept for the next time: {error}", stacklevel=2
        )


def _cache_path(circuit, identity):
    """File in the cache folder for a class of circuits that is tuned from some start.

    None for classes whose code cannot be read: they may have changed since.
    """
    from platformdirs import user_cache_path

    try:
        code = "".join(
            inspect.getsource(part)
            for part in circuit.__mro__
            if part.__module__.split(".")[0] not in ("nengo", "builtins")
        )
    except (OSError, TypeError):
        return None
    about = version + code + identity
    name = f"{circuit.__name__}-{hashlib.sha256(about.encode()).hexdigest()[:16]}"
    return Path(user_cache_path("maxpool_circuits", appauthor=False)) / f"{name}.npz"
