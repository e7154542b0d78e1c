"""What tuning found: a value, its file, and the files that ship with the package."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import io
import json
import math
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from ..utils.checks import ordinary_file, positive_number
from ..utils.files import atomic_write
from .arrays import numbers
from .populations import FittedPopulation, Population
from .setup import Setup

#: Version of the file format.
FORMAT = 3
#: Fields that hold one matrix for each population.
MATRICES = ("decoder_changes", "tuning_curves")
#: Parts of the report that differ between equal results.
INCIDENTAL = {"seconds"}

#: Where the shipped files are.
FOLDER = Path(__file__).parent / "shipped"
#: Which of them holds what: a list of setups, each with the name of its file, or with
#: null where the formulas are as good.
INDEX = "index.json"


@dataclass(frozen=True, eq=False)
class TunedDecoders:
    """Parameters of a circuit that were chosen by watching it run.

    Made by `.tune`; immutable, and equal to another if all values are equal (the time
    that tuning took does not count).

    Parameters
    ----------
    setup : Setup
        What it was tuned for. Circuits of another setup refuse these decoders.
    decoder_changes : mapping of {str: (size_out, n_neurons) array}
        What to *add* to the decoders of each population, in units of the population.
        Changes, rather than decoders, also suit other rates nearby.
    parameters : mapping of {str: float}
        Values of the tunable parameters.
    tuning_curves : mapping of {str: (n_neurons, size_in + 1) array}, optional
        Encoders and intercepts of those populations that are to have others than by
        formula.
    report : mapping, optional
        How it was tuned: errors before and after, seed, seconds, versions.

    Attributes
    ----------
    path : str or None
        The file they were loaded from, which messages name. Not a part of the value.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a value is not as described.

    Examples
    --------
    >>> import tempfile
    >>> import maxpool_circuits as mpc
    >>> windows = mpc.PoolWindows.independent(n_pools=1, window_size=2)
    >>> pool = mpc.PairwiseReLU(windows, decoders=None)
    >>> tuned = mpc.TunedDecoders(
    ...     pool.setup, {"comparator": [[0.5]]}, {"memory": 0.7}
    ... )
    >>> tuned.decoder_changes["comparator"]
    array([[0.5]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tuned.save(folder + "/own.npz")
    ...     mpc.TunedDecoders.load(folder + "/own.npz") == tuned
    True
    """

    setup: Setup
    decoder_changes: Mapping[str, np.ndarray]
    parameters: Mapping[str, float]
    tuning_curves: Mapping[str, np.ndarray] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check all values and copy them, so that nobody can change them."""
        if not isinstance(self.setup, Setup):
            raise ValidationError(
                f"must be the setup of a circuit, got {self.setup!r}", attr="setup"
            )
        matrix = functools.partial(numbers, shape=("*", "*"))
        checks: dict[str, Any] = {
            "decoder_changes": matrix,
            "parameters": positive_number,
            "tuning_curves": matrix,
            "report": _plain,
        }
        for what, checked in checks.items():
            try:
                given = dict(**getattr(self, what))
                values = {name: checked(value, name) for name, value in given.items()}
            except (OverflowError, TypeError, ValueError) as error:
                raise ValidationError(
                    f"must be a dict as described for TunedDecoders ({error})", what
                ) from error
            object.__setattr__(self, what, MappingProxyType(values))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle plain dictionaries: frozen ones cannot be pickled."""
        mappings = (self.decoder_changes, self.parameters, self.tuning_curves)
        report = json.loads(self._header(self.report))["report"]
        return type(self), (self.setup, *map(dict, mappings), report)

    def __eq__(self, other: object) -> bool:
        """Compare all values."""
        return isinstance(other, TunedDecoders) and self.digest == other.digest

    def __hash__(self) -> int:
        """Hash all values."""
        return hash(self.digest)

    def __str__(self) -> str:
        """Short report: what for, what was chosen, errors before and after."""
        chosen = [f"{k} {v:.3g}" for k, v in self.parameters.items()]
        chosen += [f"tuning curves of {name}" for name in self.tuning_curves]
        title = f"tuned decoders for {self.setup}"
        others = f"chosen besides decoders: {', '.join(chosen) or 'nothing'}"
        return "\n".join([title, others, *_report_lines(self.report)])

    @functools.cached_property
    def digest(self) -> str:
        """Text that is the same for equal values, and practically for no others."""
        report = {k: v for k, v in self.report.items() if k not in INCIDENTAL}
        digest = hashlib.sha256(self._header(report).encode())
        for name, values in self._arrays().items():
            digest.update(f"{name}{values.shape}".encode())
            digest.update(values.tobytes())
        return digest.hexdigest()

    def applied_to(
        self, name: str, population: Population | FittedPopulation
    ) -> Population:
        """The population of a name, with the tuning curves and decoders found for it.

        Raises `nengo.exceptions.ValidationError` if there are none of that shape.
        """
        if name in self.tuning_curves:
            fitted: Any = population
            own = getattr(fitted, "tuning_curves", None)
            self._check_shape("tuning_curves", name, own)
            population = fitted.with_tuning_curves(self.tuning_curves[name])
        self._check_shape("decoder_changes", name, population.decoders)
        return Population(
            population.neuron_type,
            population.encoders,
            population.gain,
            population.bias,
            population.decoders + self.decoder_changes[name] * population.unit,
            population.function,
            population.unit,
        )

    def check_for(self, network: Any) -> None:
        """Refuse a network of another setup, or with other tunable parameters."""
        differences = self.setup.differences(network.setup)
        missing = {t.name for t in network.free_tunables} ^ set(self.parameters)
        if missing and not differences:
            differences = [f"tunable parameters differ: {', '.join(sorted(missing))}"]
        if differences:
            self._refuse(f"were tuned for another setup: {'; '.join(differences)}")

    def _check_shape(self, what, name, values):
        """Refuse what was found for another population."""
        found = np.shape(getattr(self, what).get(name))
        if found == () or found != np.shape(values):
            self._refuse(
                f"the {what.replace('_', ' ')} of {name!r} have shape {found}, this "
                f"circuit needs {np.shape(values)}"
            )

    def _refuse(self, reason):
        """Say what does not fit, and where it comes from."""
        raise ValidationError(
            f"{reason}. Tune this circuit with maxpool_circuits.tune, or give "
            "decoders=None",
            attr="decoders",
        )

    def save(self, path: str | os.PathLike) -> None:
        """Write a file: numbers and text only, nothing that could run.

        Parameters
        ----------
        path : str or os.PathLike
            The file, by custom ``*.npz``; it is written whole or not at all.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        with atomic_write(path) as unfinished, open(unfinished, "wb") as file:
            texts = {"header": self._header(self.report), "digest": self.digest}
            np.savez_compressed(file, **texts, **self._arrays())

    @classmethod
    def load(cls, path: str | os.PathLike) -> TunedDecoders:
        """Read a file that `save` wrote.

        Parameters
        ----------
        path : str or os.PathLike
            The file.

        Returns
        -------
        TunedDecoders
            What it holds.

        Raises
        ------
        nengo.exceptions.ValidationError
            If the file is damaged or has another version of the format.
        OSError
            If it cannot be read.
        """
        path = ordinary_file(path)
        # in memory: an error of the file system is none of its content then
        content = io.BytesIO(Path(path).read_bytes())
        try:
            with np.load(content, allow_pickle=False) as file:
                arrays = {**file}
            header, digest = (str(arrays.pop(name)) for name in ("header", "digest"))
            fields = json.loads(header)
            version = fields.pop("format")
            if version != FORMAT:
                raise ValueError(f"its format is {version!r}, not {FORMAT}")
            fields["setup"] = Setup(**fields["setup"])
            fields |= {what: {} for what in MATRICES}
            for key, values in arrays.items():
                what, _, name = key.partition(".")
                fields[what][name] = values
            tuned = cls(**fields)
            if tuned.digest != digest:
                raise ValueError("some of it is missing or was changed")
            return tuned
        except Exception as error:
            # NumPy, zipfile, zlib and json raise anything for bytes that are damaged
            raise ValidationError(
                f"{path}: cannot be read as tuned decoders ({error!r}); make it again "
                "with maxpool_circuits.tune(...).save(path)",
                attr="path",
            ) from error

    def _header(self, report):
        """All but the arrays, as text."""
        setup = dataclasses.asdict(self.setup)
        values = {"parameters": self.parameters, "report": report}
        header = {"format": FORMAT, "setup": setup, **values}
        return json.dumps(header, sort_keys=True, default=dict)

    def _arrays(self):
        return {
            f"{what}.{name}": values
            for what in MATRICES
            for name, values in sorted(getattr(self, what).items())
        }


def shipped(network: Any) -> TunedDecoders | None:
    """The shipped decoders for a network, of the nearest rate, if there are any.

    A damaged file is an error: reinstall the package, or give decoders=None.
    """
    _, file = _nearest(network.setup) or (None, None)
    if file is None:
        return None
    decoders = _load(FOLDER / file)
    decoders.check_for(network)
    return decoders


def warn_untuned(setup: Setup) -> None:
    """Say how to tune a setup, unless something ships or the formulas are as good."""
    if _nearest(setup) is None:
        # of this line, so that Python shows it once for each setup
        warnings.warn(
            f"no tuned decoders ship for {setup}; it is built by formula. To tune it:\n"
            f"    {setup.tuning_code}\n"
            "and give it decoders=decoders. decoders=None is untuned without a warning",
            stacklevel=1,
        )


def _nearest(setup):
    """Setup and file, or None for formulas, of the nearest rate that serves a setup."""
    return min(
        (entry for entry in _index() if entry[0].matches(setup)),
        key=lambda entry: abs(math.log(entry[0].max_rate / setup.max_rate)),
        default=None,
    )


@functools.cache
def _index():
    """All setups that were tuned, each with the name of its file, or None."""
    entries = json.loads((FOLDER / INDEX).read_text("utf-8"))
    return [(Setup(**entry["setup"]), entry["file"]) for entry in entries]


@functools.lru_cache(maxsize=64)
def _load(path):
    """Read a shipped file once for all networks."""
    return TunedDecoders.load(path)


def _plain(value, name):
    """Copy of a value, as it would come back from a file, that cannot be changed."""
    return _frozen(json.loads(json.dumps(value, default=dict)))


def _frozen(value):
    """Lists as tuples, and mappings that are read-only."""
    if isinstance(value, dict):
        return MappingProxyType({k: _frozen(each) for k, each in value.items()})
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _report_lines(report):
    """Errors and costs as a table, then all else."""
    import pandas as pd

    others = dict(report)
    rows = {
        f"{trial}: {inputs}": values
        for trial, measured in others.pop("errors", {}).items()
        for inputs, values in measured.items()
    }
    # costs have no intervals
    costs = others.pop("costs", {})
    rows.update({name: [*values, np.nan, np.nan] for name, values in costs.items()})
    lines = [f"{name}: {value}" for name, value in others.items()]
    if not rows:
        return lines
    columns = ["untuned", "tuned", "ratio: from", "to (95 %)"]
    table = pd.DataFrame.from_dict(rows, "index").set_axis(columns, axis=1)
    return [table.to_string(float_format="{:.4g}".format, na_rep="-"), *lines]
