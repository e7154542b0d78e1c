"""What was tuned before: in this process, and in the user's cache folder."""

import contextlib
import hashlib
import inspect
import json
import os
import warnings
from pathlib import Path

import filelock
from nengo.exceptions import ValidationError

from ..network.tuned import TunedDecoders
from ..utils.describe import describe, qualified_name
from ..version import version
from .trials import unchanged

#: Seconds to wait for another process that makes the same search.
PATIENCE = 3600

#: Results of this process, for where the folder cannot be written.
_remembered: dict[tuple[type, str], TunedDecoders] = {}


class Memory:
    """Where the result of one search is remembered.

    Parameters
    ----------
    network : MaxPoolNetwork
        One pool of the untuned circuit.
    about : dict
        The arguments of the search.
    simulator : callable, optional (Default: None)
        What runs the circuit.
    """

    def __init__(self, network, about, simulator=None):
        self.setup = network.setup
        code = source_code(network, simulator)
        self.key = type(network), search_key(network, about, code)
        # code that cannot be read may have changed since
        folder = _folder()
        self.path = None if None in (code, folder) else folder / self._file_name()

    def recall(self):
        """The result, if there is one."""
        if self.key not in _remembered and self._is_file():
            try:
                found = TunedDecoders.load(self.path)
            except (OSError, ValidationError) as error:
                warnings.warn(f"{error}. The search is done again", stacklevel=3)
                return None
            if found.setup != self.setup:
                warnings.warn(
                    f"{self.path}: holds decoders for {found.setup} instead of "
                    f"{self.setup}. The search is done again",
                    stacklevel=3,
                )
                return None
            _remembered[self.key] = found
        return _remembered.get(self.key)

    @contextlib.contextmanager
    def alone(self):
        """Wait while another process makes this search.

        The system frees the lock of a process that is killed. Where no file can be
        locked, or after `PATIENCE`, several may search for the same.
        """
        with contextlib.ExitStack() as stack:
            if self.path is not None:
                try:
                    self.path.parent.mkdir(parents=True, exist_ok=True)
                    lock = filelock.FileLock(f"{self.path}.lock", timeout=PATIENCE)
                    stack.enter_context(lock)
                except (OSError, NotImplementedError):
                    # filelock.Timeout is an OSError too: no reason not to search
                    pass
            yield

    def keep(self, tuned):
        """Remember a result; whether it is in the cache folder too, if possible."""
        _remembered[self.key] = tuned
        if self.path is None:
            return False
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            tuned.save(self.path)
            return True
        except OSError as error:
            warnings.warn(
                "tuned decoders are remembered in this process only, the cache folder "
                f"cannot be written: {error}",
                stacklevel=3,
            )
            return False

    def _is_file(self):
        # false, not an error, in a folder that cannot be read
        return self.path is not None and os.path.isfile(self.path)

    def _file_name(self):
        return f"{self.setup.class_name}-{self.key[1][:20]}.npz"


def search_key(network, about, code):
    """Text that differs between searches that may end in different results."""
    start = unchanged(network)
    decoders = {n: p.decoders for n, p in network.untuned_populations.items()}
    untuned = TunedDecoders(network.setup, decoders, start.parameters)
    bounds = [(t.name, t.default, t.low, t.high) for t in network.free_tunables]
    question = [version, code, untuned.digest, describe(network.neuron_type), bounds]
    text = json.dumps([*question, about], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def source_code(network, simulator=None):
    """Code of a circuit, its neurons and simulator; None if some cannot be read."""
    parts = [*type(network).__mro__, *type(network.neuron_type).__mro__]
    parts += [] if simulator is None else [simulator]
    try:
        return "".join(
            inspect.getsource(part)
            for part in parts
            if part.__module__.split(".")[0] not in ("nengo", "builtins")
        )
    except (AttributeError, OSError, TypeError):
        return None


def name_of(simulator):
    """Name of a simulator class or function, or else text for this process only."""
    named = hasattr(simulator, "__qualname__")
    return qualified_name(simulator) if named else repr(simulator)


def _folder():
    """The cache folder; None for a user without a home folder."""
    from platformdirs import user_cache_path

    folder = Path(user_cache_path("maxpool_circuits", appauthor=False))
    return folder if folder.is_absolute() else None
