"""What tuned decoders are for."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError
from nengo.params import FrozenObject, StringParam

from ..utils.checks import is_real, positive_number, valid_flag, valid_integer

#: Ratios of ``max_rate`` at which decoders are still better than none. It is less above
#: 1, where neurons come closer to their refractory period.
SIMILAR_RATES = (0.6, 1.3)
#: Arguments that make no difference to what a circuit computes on average.
IGNORED = frozenset({"initial_state", "seed", "label"})


@dataclass(frozen=True)
class Setup:
    """The identity of what is tuned: a circuit and all that its decoders depend on.

    Seeds, labels, initial states of neurons and the number of pools are not part of it,
    and neither is the input range, because all values scale with it. Objects are given
    as text, with the full names of their classes.

    Parameters
    ----------
    circuit : str
        Module and qualified name of the class.
    n_neurons : int
        Neurons per comparator, unit or pool.
    max_rate : float
        Firing rate, in Hz.
    any_rate : bool
        Whether decoders for one rate serve all: with neurons whose rate is
        proportional to their input, all that is tuned is relative to ``max_rate``.
    window_size : int or None
        Number of inputs of the largest window; None if one tuning serves all sizes.
    neuron_type, synapse, input_synapse : str or None
        These arguments; None if they were left to their defaults, for tuning to choose.
    own : tuple of (str, float)
        Further arguments of the circuit that were given, for inputs from 0 to 1.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a value is not as described.

    Examples
    --------
    >>> import maxpool_circuits as mpc
    >>> windows = mpc.PoolWindows.independent(n_pools=1, window_size=4)
    >>> pool = mpc.WinnerTakeAll(windows, max_rate=100)
    >>> print(pool.setup)
    WinnerTakeAll(n_neurons=1, max_rate=100.0)
    """

    circuit: str
    n_neurons: int
    max_rate: float
    any_rate: bool = False
    window_size: int | None = None
    neuron_type: str | None = None
    synapse: str | None = None
    input_synapse: str | None = None
    own: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        """Check all values; sort further arguments, which files hold as lists."""
        if not isinstance(self.circuit, str):
            raise ValidationError(
                "must be the module and the name of a class, as in the setup of a "
                f"circuit, got {self.circuit!r}",
                attr="circuit",
                obj=self,
            )
        valid_integer(self.n_neurons, "n_neurons", self)
        positive_number(self.max_rate, "max_rate", self, unit="Hz")
        valid_flag(self.any_rate, "any_rate", self)
        if self.window_size is not None:
            valid_integer(self.window_size, "window_size", self)
        for name in ("neuron_type", "synapse", "input_synapse"):
            StringParam(name, optional=True).coerce(self, getattr(self, name))
        try:
            own = sorted((str(name), float(value)) for name, value in self.own)
        except (OverflowError, TypeError, ValueError) as error:
            raise ValidationError(
                f"must be pairs of a name and a number, got {self.own!r}",
                attr="own",
                obj=self,
            ) from error
        object.__setattr__(self, "own", tuple(own))

    def __str__(self) -> str:
        """The circuit with its arguments."""
        arguments = ", ".join(f"{k}={v}" for k, v in self.arguments.items())
        return f"{self.class_name}({arguments})"

    @property
    def class_name(self) -> str:
        """Name of the circuit's class, without its module."""
        return self.circuit.rsplit(".", 1)[-1]

    @property
    def arguments(self) -> dict[str, str]:
        """Arguments of `.tune`, and of the circuit for inputs from 0 to 1, as text."""
        others = {"circuit", "any_rate", "own"}
        names = (field.name for field in fields(self) if field.name not in others)
        given = {**{name: getattr(self, name) for name in names}, **dict(self.own)}
        return {name: str(value) for name, value in given.items() if value is not None}

    @property
    def tuning_code(self) -> str:
        """A line of Python that tunes it."""
        # a class that was made in a function can only be named there
        circuit = self.circuit.rpartition("<locals>.")[2]
        package = self.circuit.split(".")[0]
        if hasattr(sys.modules.get(package), self.class_name):
            circuit = f"{package}.{self.class_name}"
        arguments = [f"{name}={value}" for name, value in self.arguments.items()]
        texts = (circuit, self.neuron_type, self.synapse, self.input_synapse)
        modules = {text.split(".")[0] for text in texts if text and "." in text}
        imports = ", ".join(sorted({"maxpool_circuits", *modules}))
        call = f"maxpool_circuits.tune({', '.join([circuit, *arguments])})"
        return f"import {imports}; decoders = {call}"

    def differences(self, needed: Setup) -> list[str]:
        """What decoders for this setup do not suit in a needed one, as text."""
        low, high = SIMILAR_RATES
        found = []
        for field in fields(self):
            own, other = getattr(self, field.name), getattr(needed, field.name)
            same = own == other
            if field.name == "max_rate":
                same = self.any_rate or low <= other / own <= high
            if not same:
                shown = ["its default" if v is None else repr(v) for v in (other, own)]
                found.append(f"{field.name} is {shown[0]}, tuned for {shown[1]}")
        return found

    def matches(self, needed: Setup) -> bool:
        """Whether decoders for this setup suit a needed one."""
        return not self.differences(needed)


def qualified_name(thing: Any) -> str:
    """Module and name of a class or function: another one of that name differs."""
    return f"{thing.__module__}.{thing.__qualname__}"


def describe(value: Any) -> str:
    """Expression for a value, with the full name of its class.

    Arguments with their default value and those in `IGNORED` are left out.

    >>> import nengo
    >>> describe(nengo.LIF(tau_rc=0.05, initial_state={"voltage": [0.5]}))
    'nengo.neurons.LIF(tau_rc=0.05)'
    """
    if is_real(value):
        # 1, 1.0 and numpy.float64(1) are the same number
        text = repr(float(value))
        return text[: -len(".0")] if text.endswith(".0") else text
    if isinstance(value, (float, np.floating)):
        return f"float({str(float(value))!r})"
    if not isinstance(value, FrozenObject):
        return repr(value)
    arguments = []
    for name, parameter in inspect.signature(type(value)).parameters.items():
        if name in IGNORED or parameter.kind.name.startswith("VAR"):
            continue
        # what it does not keep cannot be told apart from others: its address can
        given = describe(getattr(value, name, id(value)))
        if given != describe(parameter.default):
            arguments.append(f"{name}={given}")
    return f"{qualified_name(type(value))}({', '.join(arguments)})"
