"""The input node of every circuit, which stops a simulation at the first NaN.

What a NaN does inside of a circuit depends on its neurons: some are NaN from then on,
others go on with a number that looks right. So no circuit lets one in.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import nengo
import numpy as np
from nengo.builder import Builder, Operator, Signal
from nengo.builder.node import build_node
from nengo.exceptions import SimulationError


class FiniteInput(nengo.Node):
    """A node that passes values on, and raises an error where one is not finite.

    Backends that remove nodes that only pass values on remove this one too.
    """

    #: What the values go to, for messages.
    owner = "a network"

    def __init__(self, owner: str, size_in: int, label: str | None = None) -> None:
        super().__init__(size_in=size_in, label=label)
        self.owner = owner


def owner(network: Any) -> str:
    """A circuit in messages of a simulation."""
    label = "" if network.label is None else f" {network.label!r}"
    return f"{type(network).__name__}{label} ({network.windows.n_pools} pools)"


class CheckFinite(Operator):
    """Copy one signal to another if all of its values are finite, else raise.

    1. sets ``[checked]``
    2. incs ``[]``
    3. reads ``[values]``
    4. updates ``[]``
    """

    def __init__(self, values: Signal, checked: Signal, owner: str) -> None:
        super().__init__(tag=f"{owner}.check_finite")
        self.owner = owner
        self.sets = [checked]
        self.incs: list[Signal] = []
        self.reads = [values]
        self.updates: list[Signal] = []

    @property
    def message(self) -> str:
        """What to do where a value is not finite."""
        return (
            f"the input of {self.owner} is not finite. What is connected to it makes "
            "NaN or infinite values; they go no further, because there is no maximum "
            "of them"
        )

    def make_step(self, signals: Any, dt: float, rng: Any) -> Callable[[], None]:
        """Make the function that Nengo calls in every time step."""
        values = signals[self.reads[0]]
        checked = signals[self.sets[0]]
        dot = values.dot

        def step_check_finite():
            # much cheaper than a test of each value; it may overflow
            with np.errstate(over="ignore"):
                squared = dot(values)
            if not isfinite(squared) and not np.isfinite(values).all():
                at = np.isfinite(values).argmin()
                raise SimulationError(f"{self.message} (entry {at} is {values[at]})")
            checked[...] = values

        return step_check_finite


@Builder.register(FiniteInput)
def _build_finite_input(model, node):
    """Build the node as any other, with the check between its input and its output."""
    build_node(model, node)
    values = model.sig[node]["in"]
    checked = Signal(shape=values.shape, name=f"{node}.checked")
    model.add_op(CheckFinite(values, checked, node.owner))
    model.sig[node]["out"] = checked
