"""Checks that bad arguments are refused, with a message that helps."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from .cases import BAD_ARGUMENTS, MIXED, UNREACHABLE_RATES
from .check import common_check
from .networks import count_objects
from .subject import Subject, expect


def _expect_refusal(
    subject: Subject, argument: str, options: dict[str, Any], *fragments: str
) -> None:
    """Making it is refused with a message, and leaves nothing in its container."""
    given = ", ".join(f"{name}={value!r}" for name, value in options.items())
    with nengo.Network() as model:
        try:
            subject.make(**{"windows": MIXED, **options})
        except ValidationError as error:
            refusal = error
        else:
            raise AssertionError(f"{given} must be refused with a ValidationError")
    expect(
        refusal.attr == argument,
        f"refusing {given}, the ValidationError must have attr={argument!r}, got "
        f"{refusal.attr!r}",
    )
    for fragment in (f".{argument}:", *fragments):
        expect(
            fragment in str(refusal),
            f"refusing {given}, the message must have {fragment!r}: {refusal}",
        )
    left = {kind: n for kind, n in count_objects(model).items() if n}
    expect(not left, f"refusing {given} must leave nothing in the model, left {left}")


_BAD = {
    f"{argument}={getattr(value, '__name__', repr(value))}": {
        "argument": argument,
        "value": value,
        "allowed": allowed,
    }
    for argument, values, allowed in BAD_ARGUMENTS
    for value in values
}


@common_check(_BAD)
def check_bad_argument(
    subject: Subject, argument: str, value: Any, allowed: str
) -> None:
    """A bad argument is named, with what is allowed and what was given."""
    _expect_refusal(subject, argument, {argument: value}, allowed, f"got {value!r}")


_BAD_SYNAPSES = {
    f"{argument}={value}": {"argument": argument, "value": value}
    for argument in ("synapse", "input_synapse")
    for value in ("fast", [0.1], -1, np.nan)
}


@common_check(_BAD_SYNAPSES)
def check_bad_synapse(subject: Subject, argument: str, value: Any) -> None:
    """A synapse that is none is refused."""
    _expect_refusal(subject, argument, {argument: value})


_BAD_NAMES = {
    f"{argument}={value}": {"argument": argument, "value": value}
    for argument, value in [("seed", "x"), ("seed", -1), ("label", 3)]
}


@common_check(_BAD_NAMES)
def check_bad_seed_or_label(subject: Subject, argument: str, value: Any) -> None:
    """A bad seed or label is refused, before Nengo would fail on it."""
    _expect_refusal(subject, argument, {argument: value})


_RATES = {
    f"{neuron_type} at {max_rate} Hz": {
        "neuron_type": neuron_type,
        "max_rate": max_rate,
    }
    for neuron_type, max_rate in UNREACHABLE_RATES
}


@common_check(_RATES)
def check_rate_out_of_reach(
    subject: Subject, neuron_type: nengo.neurons.NeuronType, max_rate: float
) -> None:
    """A rate that the neurons cannot reach is refused, with what to do."""
    options = {"neuron_type": neuron_type, "max_rate": max_rate}
    wanted = (str(neuron_type), f"{max_rate:g} Hz", "another neuron_type")
    _expect_refusal(subject, "max_rate", options, *wanted)
