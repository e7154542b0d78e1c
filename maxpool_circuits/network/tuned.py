"""What tuning found: a value that can be saved, loaded and given to circuits."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from nengo.exceptions import ValidationError

from ..utils import checked_npz
from ..utils.checks import is_real, valid_path
from .populations import FittedPopulation, Population
from .setup import Setup

#: Version of the file format.
FORMAT = 2
#: Numbers that are larger were not found by any search.
LARGEST = 1e9
#: Entries of the header of a file.
HEADER = {"setup", "parameters", "report"}
#: Fields that hold one matrix for each population.
MATRICES = ("decoder_changes", "tuning_curves")
#: Parts of the report that differ between equal results.
INCIDENTAL = {"seconds"}
#: Units of costs, as `TunedDecoders` shows them.
UNITS = {"latency": " (s)", "spikes": " (per pool and second)"}


@dataclass(frozen=True, eq=False)
class TunedDecoders:
    """Parameters of a circuit that were chosen by watching it run.

    Made by `.tune`; immutable, and equal to another if all values are equal (the time
    that tuning took does not count).

    Parameters
    ----------
    setup : Setup
        What it was tuned for. Circuits of another setup refuse these decoders.
    decoder_changes : dict of {str: (size_out, n_neurons) array}
        What to *add* to the decoders of each population, in units of the population.
        Changes, rather than decoders, also suit other rates nearby.
    parameters : dict of {str: float}
        Values of the tunable parameters.
    tuning_curves : dict of {str: (n_neurons, size_in + 1) array}, optional
        Encoders and intercepts, as in `.FittedPopulation.tuning_curves`, of those
        populations that are to have others than by formula.
    report : dict, optional
        How it was tuned: errors before and after, seed, seconds, versions.
    path : str, optional
        The file they were loaded from, which messages name. Not a part of the value.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the setup is none, changes or tuning curves are no matrices of finite
        numbers, or parameters are not positive and finite.

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
    path: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Copy everything, so that nobody can change it."""
        if not isinstance(self.setup, Setup):
            raise ValidationError(
                f"must be the setup of a circuit, got {self.setup!r}", attr="setup"
            )
        for what in MATRICES:
            given = _named(getattr(self, what), what)
            copied = {name: _matrix(v, name, what) for name, v in given.items()}
            object.__setattr__(self, what, copied)
        given = _named(self.parameters, "parameters")
        if not all(is_real(v) and 1 / LARGEST <= v <= LARGEST for v in given.values()):
            raise ValidationError(
                f"must be positive finite numbers, from {1 / LARGEST:g} to "
                f"{LARGEST:g}, got {given}",
                attr="parameters",
            )
        parameters = {name: float(value) for name, value in given.items()}
        object.__setattr__(self, "parameters", parameters)
        # what JSON cannot carry would come back from a file as something else
        object.__setattr__(self, "report", _json(self.report))
        if self.path is not None and not isinstance(self.path, str):
            raise ValidationError(f"must be text, got {self.path!r}", attr="path")

    def __eq__(self, other: object) -> bool:
        """Compare all values."""
        if not isinstance(other, TunedDecoders):
            return NotImplemented
        return self.digest == other.digest

    def __hash__(self) -> int:
        """Hash all values."""
        return hash(self.digest)

    def __str__(self) -> str:
        """Short report: what for, what was chosen, errors before and after."""
        chosen = [f"{k} {v:.3g}" for k, v in self.parameters.items()]
        chosen += [f"tuning curves of {name}" for name in self.tuning_curves]
        return "\n".join(
            [
                f"tuned decoders for {self.setup}",
                f"chosen besides decoders: {', '.join(chosen) or 'nothing'}",
                *_report_lines(self.report),
            ]
        )

    @property
    def digest(self) -> str:
        """Text that is the same for equal values, and practically for no others."""
        header = self._header()
        header["report"] = {
            name: value for name, value in self.report.items() if name not in INCIDENTAL
        }
        return checked_npz.checksum(checked_npz.as_text(header), self._arrays())

    def applied_to(
        self, name: str, population: Population | FittedPopulation
    ) -> Population:
        """The population of a name, with the tuning curves and decoders found for it.

        Raises `nengo.exceptions.ValidationError` if there are none of that shape.
        """
        if name in self.tuning_curves:
            if not isinstance(population, FittedPopulation):
                self._refuse_shape("tuning_curves", name, None)
            self._check_shape("tuning_curves", name, population.tuning_curves)
            population = population.with_tuning_curves(self.tuning_curves[name])
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

    @property
    def _named(self) -> str:
        """Start of a message: the file, if there is one."""
        return "" if self.path is None else f"{self.path}: "

    def _check_shape(self, what, name, values):
        """Refuse what was found for another population."""
        found = getattr(self, what).get(name)
        if found is None or np.shape(values) != found.shape:
            self._refuse_shape(what, name, np.shape(values))

    def _refuse_shape(self, what: str, name: str, expected: Any) -> NoReturn:
        raise ValidationError(
            f"{self._named}the {what.replace('_', ' ')} of {name!r} have shape "
            f"{np.shape(getattr(self, what).get(name))}, this circuit needs "
            f"{expected}; tune it with maxpool_circuits.tune, or give decoders=None",
            attr="decoders",
        )

    def check_for(self, network: Any) -> None:
        """Refuse a network of another setup, or with other tunable parameters."""
        differences = self.setup.differences(network.setup)
        names = {tunable.name for tunable in network.free_tunables}
        missing = names ^ set(self.parameters)
        if missing and not differences:
            differences = [f"tunable parameters differ: {', '.join(sorted(missing))}"]
        if differences:
            raise ValidationError(
                f"{self._named}were tuned for another setup: "
                f"{'; '.join(differences)}. Tune this one with maxpool_circuits.tune, "
                "or give decoders=None",
                attr="decoders",
                obj=network,
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
        checked_npz.write(path, self._header(), self._arrays(), FORMAT)

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
            If the file is damaged or has another version of the format. The message
            names the file and the cause.
        FileNotFoundError
            If there is none.
        """
        path = valid_path(path)
        try:
            header, arrays = checked_npz.read(path, FORMAT)
            return cls(**_fields(header, arrays), path=path)
        except ValidationError as error:
            raise ValidationError(
                f"{path}: cannot be read as tuned decoders ({error}); make it again "
                "with maxpool_circuits.tune(...).save(path)",
                attr="path",
            ) from error

    def _header(self):
        return {
            "setup": dataclasses.asdict(self.setup),
            "parameters": self.parameters,
            "report": self.report,
        }

    def _arrays(self):
        return {
            f"{what}.{name}": values
            for what in MATRICES
            for name, values in sorted(getattr(self, what).items())
        }


def _fields(header, arrays):
    """Fields of `TunedDecoders` from what a file holds, which may be anything."""
    matrices: dict[str, Any] = {name: {} for name in MATRICES}
    for key, values in arrays.items():
        what, dot, name = key.partition(".")
        if what not in matrices or not dot:
            raise ValidationError(f"it has an unknown array {key!r}", attr="path")
        matrices[what][name] = values
    setup = header.get("setup")
    names = {each.name for each in dataclasses.fields(Setup)}
    if header.keys() != HEADER or not isinstance(setup, dict) or setup.keys() != names:
        raise ValidationError("its header has other entries", attr="path")
    return {**header, **matrices, "setup": Setup(**setup)}


def _named(values, what):
    """A mapping with text as keys."""
    if not isinstance(values, Mapping) or not all(isinstance(n, str) for n in values):
        raise ValidationError(f"must be a dict with names, got {values!r}", attr=what)
    return values


def _matrix(values, name, what):
    """Copy of a matrix that cannot be changed."""
    try:
        given = np.array(values)
    except ValueError:
        # rows of different lengths
        given = np.array(None)
    is_matrix = given.dtype.kind in "iuf" and given.ndim == 2
    # negated, because NaN is no number of any size
    if not is_matrix or not np.all(np.abs(given.astype(float)) <= LARGEST):
        raise ValidationError(
            f"the {what.replace('_', ' ')} of {name!r} must be a matrix of finite "
            f"numbers, none larger than {LARGEST:g}",
            attr=what,
        )
    copied = given.astype(float)
    copied.setflags(write=False)
    return copied


def _json(report):
    """Copy of a report as it would come back from a file."""
    try:
        return json.loads(json.dumps(_named(report, "report")))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValidationError(
            f"must be what JSON can carry, but {error}", attr="report"
        ) from error


def _report_lines(report):
    """Errors as a table, then costs, then all else."""
    from tabulate import tabulate

    lines = []
    errors = report.get("errors", {})
    if errors:
        headers = ("draw", "inputs", "untuned", "tuned", "ratio", "95 %")
        rows = [
            (draw, inputs, f"{before:.4f}", f"{after:.4f}")
            + (f"{after / before:.2f}", f"{low:.2f}-{high:.2f}")
            for draw, measured in errors.items()
            for inputs, (before, after, low, high) in measured.items()
        ]
        lines.append(tabulate(rows, headers, disable_numparse=True))
    for name, (before, after) in report.get("costs", {}).items():
        unit = UNITS.get(name, "")
        lines.append(f"{name}: {before:.4g} untuned, {after:.4g} tuned{unit}")
    for name in sorted(report.keys() - {"errors", "costs"}):
        value = report[name]
        if isinstance(value, dict):
            value = ", ".join(f"{k} {v}" for k, v in value.items()) or "none"
        lines.append(f"{name.replace('_', ' ')}: {value}")
    return lines
