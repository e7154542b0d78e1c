"""Circuits whose rule one operator can compute.

A circuit is built as the native Nengo objects that it is. What it computes follows from
its class and its arguments, as long as nobody has changed these objects since. If
nothing else looks at them either, one operator takes the place of theirs.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import nengo
from nengo.builder import Builder, Operator, Signal
from nengo.exceptions import ValidationError
from nengo.synapses import LinearFilter

from ..network.base import contents
from ..network.neurons import IntegrateAndFire
from ..network.units import build_pool
from ..network.windows import is_compact

#: Section of Nengo's configuration, whose option ``operators`` may be set to false.
SECTION = "maxpool_circuits"
_BACKENDS: dict[type, Callable] = {}


class CircuitStep(Operator):
    """Base class of operators that set a signal to the maxima of another by a rule."""

    def __init__(self, x: Signal, y: Signal, rule: Any, states: list[Signal]) -> None:
        super().__init__(tag=type(self).__name__)
        self.rule = rule
        self.reads, self.sets, self.updates = [x], [y], states
        self.incs: list[Signal] = []


def serve(model_class: type, add: Callable) -> None:
    """Let a backend, known by the class of its models, use operators.

    ``add(model, rule, synapse, input, output)`` adds those for a rule and for the
    synapse in front of it, which may be None.
    """
    _BACKENDS[model_class] = add


def declare(circuit: type[nengo.Network], rule_of: Callable) -> None:
    """Let ``rule_of(circuit, model)`` say what circuits of a class compute, or None."""
    Builder.register(circuit)(functools.partial(_build, circuit, rule_of))


def enabled() -> bool:
    """Whether the setting, in Nengo's own configuration, allows operators."""
    try:
        return nengo.rc.getboolean(SECTION, "operators", fallback=True)
    except ValueError as error:
        raise ValidationError(
            f"must be true or false in Nengo's configuration ({error})",
            attr=f"[{SECTION}] operators",
        ) from error


def _build(declared, rule_of, model, circuit, progress=None):
    """Build a circuit; replace its operators if one can stand in for them."""
    first = len(model.operators)
    build_pool(model, circuit, progress)
    add = backend(model) if type(circuit) is declared else None
    if add is None or not _is_plain(circuit, model.toplevel):
        return
    rule = rule_of(circuit, model)
    if rule is None:
        return
    x, y = model.sig[circuit.input]["in"], model.sig[circuit.output]["in"]
    # what adds up the input stays; the output is set
    stay = [op for op in model.operators[first:] if any(s is x for s in op.sets)]
    model.operators[first:] = stay
    # a synapse that is linear can as well come before the weights
    add(model, rule, circuit.input_synapse, x, y)


def backend(model: Any) -> Callable | None:
    """What adds operators to a model, if its simulator can run them.

    Models of NengoOCL are of the same class as those of Nengo's simulator, but take
    operators by name: so those count only that Nengo's simulator is about to run.
    """
    if not enabled():
        return None
    if type(model) is nengo.builder.Model and not _is_built_by_nengo():
        return None
    return _BACKENDS.get(type(model))


def _is_built_by_nengo():
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code is nengo.Simulator.__init__.__code__:
            return True
        frame = frame.f_back
    return False


def _is_plain(circuit, toplevel):
    """Whether a circuit is as it was built, and nothing else sees what is inside."""
    inside = {*circuit.nodes, *circuit.ensembles, *circuit.connections}
    inside -= {circuit.input, circuit.output}
    outside = {*toplevel.all_connections} - {*circuit.connections}
    seen = {_owner(probe.obj) for probe in toplevel.all_probes}
    for connection in outside:
        seen |= {_owner(connection.pre_obj), _owner(connection.post_obj)}
    unchanged = all(
        all(a is b for a, b in zip(now, before))
        for now, before in zip(contents(circuit), circuit.as_built)
    )
    synapse = circuit.input_synapse
    return (
        len(circuit.pools) > 0
        and unchanged
        and len(circuit.all_objects) == len(circuit.as_built)
        and not inside & seen
        and (synapse is None or isinstance(synapse, LinearFilter))
        # operators have a column for each window
        and is_compact(circuit.windows)
    )


def _owner(obj):
    """The ensemble of neurons, the connection of a learning rule, or the object."""
    for owner in ("ensemble", "connection"):
        obj = getattr(obj, owner, obj)
    return obj


def counts(ensemble: nengo.Ensemble, n_neurons: int) -> bool:
    """Whether an ensemble has one integrate-and-fire neuron for each value."""
    return (
        type(ensemble.neuron_type) is IntegrateAndFire
        and ensemble.n_neurons == n_neurons
        and ensemble.noise is None
    )
