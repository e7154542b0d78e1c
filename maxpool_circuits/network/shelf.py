"""The tuned decoders that ship with the package."""

from __future__ import annotations

import functools
import os
import re
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from .setup import Setup
from .tuned import TunedDecoders

#: Where the files are.
FOLDER = Path(__file__).parent / "shipped"
#: The text that names the files that would change nothing, a line for each.
FORMULAS = "formulas.txt"

#: Packages between a user's line and the warning.
OWN_MODULES = ("contextlib", "maxpool_circuits", "nengo")

#: Setups and files that a warning was given for.
_warned: set[str] = set()


def find(setup: Setup) -> TunedDecoders | None:
    """The shipped decoders that suit a setup, of the nearest rate; None without any.

    Files that cannot be read are skipped, with a warning for each.
    """
    by_formula = _of_stem(formulas(), setup.stem)
    distance = {
        path: abs(np.log(_rate(path) / setup.max_rate))
        for path in _files(setup.stem) + by_formula
    }
    for path in sorted(distance, key=distance.__getitem__):
        if path in by_formula:
            if _serves(path, setup):
                return None
            continue
        try:
            tuned = load(path)
        except (OSError, ValidationError) as error:
            warn_damaged(path, error)
            continue
        if tuned.setup.matches(setup):
            return tuned
    return None


def _files(stem):
    """Files with decoders for any rate, none where the folder cannot be read."""
    try:
        return _of_stem(os.listdir(FOLDER), stem)
    except OSError:
        return []


def formulas() -> list[str]:
    """Names of the files that would change nothing; none where they cannot be read."""
    try:
        return (FOLDER / FORMULAS).read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return []


def _of_stem(names, stem):
    """Paths of those names that are a stem and a rate."""
    form = re.escape(stem) + r"-\d+(\.\d+)?(e[+-]\d+)?Hz\.npz"
    return [FOLDER / name for name in names if re.fullmatch(form, name)]


def _serves(path, setup):
    """Whether what was found for the rate of a path holds for that of a setup."""
    return replace(setup, max_rate=_rate(path)).matches(setup)


@functools.lru_cache(maxsize=64)
def load(path: Path) -> TunedDecoders:
    """Read a file once for all networks."""
    return TunedDecoders.load(path)


def fitting(network: Any) -> TunedDecoders | None:
    """Shipped decoders that suit a network; None, and a warning, if they do not."""
    decoders = find(network.setup)
    if decoders is None:
        return None
    try:
        decoders.check_for(network)
    except ValidationError as error:
        warn_damaged(str(decoders.path), error)
        return None
    return decoders


def applied(decoders: TunedDecoders, name: str, population: Any) -> tuple[Any, Any]:
    """Shipped decoders and the population with them; None and as it was otherwise."""
    try:
        return decoders, decoders.applied_to(name, population)
    except ValidationError as error:
        warn_damaged(str(decoders.path), error)
        return None, population


def warn_damaged(path: str | Path, error: Exception) -> None:
    """Say, once for each file, why it is not used."""
    _warn_once(str(path), f"{error}. The circuit is built without it")


def warn_untuned(setup: Setup) -> None:
    """Say, once for each setup, that nothing ships for it and how to tune it."""
    damaged = any(str(path) in _warned for path in _files(setup.stem))
    gains_nothing = any(_serves(p, setup) for p in _of_stem(formulas(), setup.stem))
    if not damaged and not gains_nothing:
        _warn_once(
            str(setup),
            f"no tuned decoders ship for {setup}; it is built by formula. To tune it:\n"
            f"    {setup.tuning_code}\n"
            "and give it decoders=decoders. decoders=None is untuned without a warning",
        )


def _warn_once(about, message):
    """Warn, unless that was done before for a setup or a file."""
    if about not in _warned:
        _warned.add(about)
        warnings.warn(message, stacklevel=_level_of_user())


def _level_of_user():
    """How many calls ago somebody else's code made a circuit."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals["__name__"].split(".")[0] in OWN_MODULES:
        frame, level = frame.f_back, level + 1
    return level


def _rate(path):
    """Rate, in Hz, at the end of the name of a file."""
    return float(path.stem.rsplit("-", 1)[1][: -len("Hz")])
