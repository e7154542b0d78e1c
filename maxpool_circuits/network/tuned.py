"""What tuning found: a value that can be saved, loaded and given to circuits."""

import hashlib
import json
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import Optional

import numpy as np
from nengo.exceptions import ValidationError

from ..utils.files import written_whole
from .populations import Population

#: Version of the file format; files of a newer one are refused.
FORMAT = 1
#: Units of costs, as `TunedDecoders` shows them.
UNITS = {"latency": " (s)", "spikes": " (per pool and second)"}
#: Ratios of ``max_rate`` at which tuned decoders are still better than untuned ones. It
#: is less above, where neurons come closer to their refractory period.
SIMILAR_RATES = (0.6, 1.3)


@dataclass(frozen=True, eq=False)
class TunedDecoders:
    """Parameters of a circuit that were chosen by watching it run.

    Made by `.tune`; immutable, and equal to another if all values are equal.

    Parameters
    ----------
    tuned_for : dict of {str: object}
        The setup: circuit, window size, neurons, rate (see
        `.MaxPoolNetwork.tuned_for`). Other setups refuse these decoders.
    decoders : dict of {str: (size_out, n_neurons) array}
        What to add to the decoders of each population, in units of the population.
        Changes, rather than decoders, also suit other rates nearby.
    parameters : dict of {str: float}
        Values of the free parameters.
    neurons : dict of {str: (n_neurons, size_in + 1) array}, optional
        Encoders and intercepts, by `.FittedPopulation.neurons`, of those populations
        that are to have others than by formula.
    report : dict, optional
        How it was tuned: errors before and after, seed, seconds, versions.
    path : str, optional
        The file they were loaded from, which messages name. Not a part of the value.

    Raises
    ------
    nengo.exceptions.ValidationError
        If decoders or neurons are no matrices of finite numbers, or parameters are not
        positive and finite.

    Examples
    --------
    >>> import tempfile
    >>> import maxpool_circuits as mpc
    >>> tuned = mpc.TunedDecoders({"circuit": "Own"}, {"unit": [[0.5]]}, {"speed": 2})
    >>> tuned.decoders["unit"]
    array([[0.5]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tuned.save(folder + "/own.npz")
    ...     mpc.TunedDecoders.load(folder + "/own.npz") == tuned
    True
    """

    tuned_for: dict
    decoders: dict
    parameters: dict
    neurons: dict = field(default_factory=dict)
    report: dict = field(default_factory=dict)
    path: Optional[str] = field(default=None, repr=False)

    def __post_init__(self):
        """Copy everything, so that nobody can change it."""
        for what in ("decoders", "neurons"):
            copied = {n: _matrix(v, n, what) for n, v in getattr(self, what).items()}
            object.__setattr__(self, what, copied)
        parameters = {name: float(value) for name, value in self.parameters.items()}
        if not all(0 < value < np.inf for value in parameters.values()):
            raise ValidationError(
                f"must be positive finite numbers, got {parameters}", attr="parameters"
            )
        object.__setattr__(self, "parameters", parameters)
        # what JSON cannot carry would come back from a file as something else
        for name in ("tuned_for", "report"):
            copied = json.loads(json.dumps(getattr(self, name)))
            object.__setattr__(self, name, copied)

    def __eq__(self, other):
        """Compare all values."""
        if not isinstance(other, TunedDecoders):
            return NotImplemented
        return self.identity == other.identity

    def __hash__(self):
        """Hash all values."""
        return hash(self.identity)

    def __str__(self):
        """Short report: what for, what was chosen, errors before and after."""
        from tabulate import tabulate

        setup = ", ".join(f"{name} {value}" for name, value in self.tuned_for.items())
        chosen = [f"{k} {v:.3g}" for k, v in self.parameters.items()]
        chosen += [f"neurons of {name}" for name in self.neurons]
        lines = [f"tuned decoders for {setup}"]
        lines.append(f"chosen besides decoders: {', '.join(chosen) or 'nothing'}")
        errors = self.report.get("errors", {})
        if errors:
            headers = ("draw", "inputs", "untuned", "tuned", "ratio", "95 %")
            rows = [
                (draw, inputs, f"{before:.4f}", f"{after:.4f}")
                + (f"{after / before:.2f}", f"{low:.2f}-{high:.2f}")
                for draw, measured in errors.items()
                for inputs, (before, after, low, high) in measured.items()
            ]
            lines.append(tabulate(rows, headers, disable_numparse=True))
            for name, (before, after) in self.report.get("costs", {}).items():
                unit = UNITS.get(name, "")
                lines.append(f"{name}: {before:.4g} untuned, {after:.4g} tuned{unit}")
            for name in sorted(self.report.keys() - {"errors", "costs"}):
                value = self.report[name]
                if isinstance(value, dict):
                    value = ", ".join(f"{k} {v}" for k, v in value.items()) or "none"
                lines.append(f"{name.replace('_', ' ')}: {value}")
        return "\n".join(lines)

    @property
    def identity(self):
        """Text that is the same for equal values, and practically for no others."""
        return _checksum(self._header(), self._arrays())

    def applied_to(self, name, population):
        """A population with the neurons and decoders that were found for it.

        Parameters
        ----------
        name : str
            Which of the circuit's populations it is.
        population : Population or FittedPopulation
            The population as it is by formula.

        Returns
        -------
        Population
            The tuned one.

        Raises
        ------
        nengo.exceptions.ValidationError
            If there are none of that name and shape.
        """
        if name in self.neurons:
            self._check_shape("neurons", name, getattr(population, "neurons", None))
            population = population.with_neurons(self.neurons[name])
        self._check_shape("decoders", name, population.decoders)
        return Population(
            population.neuron_type,
            population.encoders,
            population.gain,
            population.bias,
            population.decoders + self.decoders[name] * population.unit,
            population.function,
            population.unit,
        )

    @property
    def _named(self):
        """Start of a message: the file, if there is one."""
        return "" if self.path is None else f"{self.path}: "

    def _check_shape(self, what, name, values):
        """Refuse what was found for another population."""
        found = getattr(self, what).get(name)
        expected, shape = np.shape(values), np.shape(found)
        if found is None or values is None or expected != shape:
            raise ValidationError(
                f"{self._named}the {what} of {name!r} have shape {shape}, this circuit "
                f"needs {expected}; tune it with maxpool_circuits.tune, or give "
                "decoders=None",
                attr="decoders",
            )

    def check_for(self, network):
        """Refuse a network of another setup.

        Parameters
        ----------
        network : MaxPoolNetwork
            The network, with all arguments checked.

        Raises
        ------
        nengo.exceptions.ValidationError
            If it has another setup than these decoders were tuned for.
        """
        needed, tuned_for = json.loads(json.dumps([network.tuned_for, self.tuned_for]))
        if serves_rate(tuned_for.get("max_rate"), needed.get("max_rate")):
            tuned_for["max_rate"] = needed["max_rate"]
        differences = [
            f"{name} is {_shown(needed, name)}, tuned for {_shown(tuned_for, name)}"
            for name in dict.fromkeys([*needed, *tuned_for])
            if _shown(needed, name) != _shown(tuned_for, name)
        ]
        missing = set(network.free_parameters) ^ set(self.parameters)
        if missing and not differences:
            differences = [f"free parameters differ: {', '.join(sorted(missing))}"]
        if differences:
            raise ValidationError(
                f"{self._named}were tuned for another setup: "
                f"{'; '.join(differences)}. Tune this one with maxpool_circuits.tune, "
                "or give decoders=None",
                attr="decoders",
                obj=network,
            )

    def save(self, path):
        """Write a file: numbers and text only, nothing that could run.

        Parameters
        ----------
        path : str or os.PathLike
            The file, by custom ``*.npz``; it is written whole or not at all.
        """
        header, arrays = self._header(), self._arrays()
        with written_whole(path) as unfinished:
            with open(unfinished, "wb") as file:
                np.savez_compressed(
                    file,
                    header=np.array(header),
                    checksum=np.array(_checksum(header, arrays)),
                    **arrays,
                )

    @classmethod
    def load(cls, path):
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
            If the file is damaged, of a newer version of the format, or no such file.
            The message names the file and the cause.
        FileNotFoundError
            If there is none.
        """
        try:
            return cls._read(path)
        except FileNotFoundError:
            raise
        except _UNREADABLE as error:
            raise ValidationError(
                f"{path}: cannot be read as tuned decoders ({error}); make it anew "
                "with maxpool_circuits.tune(...).save(path)",
                attr="path",
            ) from error

    @classmethod
    def _read(cls, path):
        with np.load(path, allow_pickle=False) as file:
            names = set(getattr(file, "files", ()))
            if not {"header", "checksum"} <= names:
                raise ValueError("it has no header")
            arrays = {name: file[name] for name in names - {"header", "checksum"}}
            header, checksum = str(file["header"]), str(file["checksum"])
        about = json.loads(header)
        version = about.pop("format", None)
        if not isinstance(version, int) or version > FORMAT:
            raise ValueError(
                f"its format is {version}, this version of the package reads up to "
                f"{FORMAT}"
            )
        if checksum != _checksum(header, arrays):
            raise ValueError("its checksum is wrong")
        matrices = {"decoders": {}, "neurons": {}}
        for key, values in arrays.items():
            what, name = key.split(".", 1)
            matrices[what][name] = values
        return cls(**matrices, **about, path=str(path))

    def _header(self):
        about = {
            "format": FORMAT,
            "tuned_for": self.tuned_for,
            "parameters": self.parameters,
            "report": self.report,
        }
        return json.dumps(about, sort_keys=True)

    def _arrays(self):
        return {
            f"{what}.{name}": values
            for what in ("decoders", "neurons")
            for name, values in sorted(getattr(self, what).items())
        }


#: What can go wrong with the bytes of a file.
_UNREADABLE = (
    EOFError,
    KeyError,
    OSError,
    TypeError,
    ValueError,
    ValidationError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)


def _matrix(values, name, what):
    """Copy of a matrix that cannot be changed."""
    values = np.array(values, dtype=float)
    values.setflags(write=False)
    if values.ndim != 2 or not np.all(np.isfinite(values)):
        raise ValidationError(
            f"the {what} of {name!r} must be a matrix of finite numbers", attr=what
        )
    return values


def serves_rate(tuned_for, needed):
    """Whether decoders tuned for one ``max_rate`` also serve another.

    Parameters
    ----------
    tuned_for, needed : float or None
        The rates, in Hz; None where neither matters.

    Returns
    -------
    bool
        Whether they are similar enough.
    """
    low, high = SIMILAR_RATES
    return None not in (tuned_for, needed) and low <= needed / tuned_for <= high


def _shown(setup, name):
    """Value of an argument, as messages show it."""
    return repr(setup[name]) if name in setup else "its default"


def _checksum(header, arrays):
    """Hash of all that is in a file."""
    digest = hashlib.sha256(header.encode())
    for name, values in sorted(arrays.items()):
        values = np.ascontiguousarray(values, dtype="<f8")
        digest.update(f"{name}{values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()
