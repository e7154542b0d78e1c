"""Circuits whose operators one operator can stand in for.

A circuit is built as the native Nengo objects that it is. Then it is looked at: if
these compute, in every time step, just what one operator computes, and nothing else
looks at them, that operator takes the place of theirs. Anything unusual leaves them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import nengo
import numpy as np
from nengo.builder import Builder
from nengo.builder.network import build_network
from nengo.exceptions import ValidationError
from nengo.synapses import LinearFilter
from nengo.transforms import Dense, NoTransform, Sparse

from ..network.neurons import IntegrateAndFire
from ..network.windows import is_compact

#: Section of Nengo's configuration, whose option ``operators`` may be set to false.
SECTION = "maxpool_circuits"
_BACKENDS: dict[type, Callable] = {}


class NotRecognised(Exception):
    """A circuit computes something else than one of our operators."""


def serve(model_class: type, add: Callable) -> None:
    """Let a backend, known by the class of its models, use operators.

    ``add(model, rule, synapse, input, output)`` adds those for a rule and for the
    synapse in front of it, which may be None.
    """
    _BACKENDS[model_class] = add


def recognise(circuit: type[nengo.Network], read: Callable) -> None:
    """Look at circuits of a class: ``read(circuit, model)`` gives what is computed."""
    Builder.register(circuit)(functools.partial(_build, read))


def enabled() -> bool:
    """Whether the setting, in Nengo's own configuration, allows operators."""
    try:
        return nengo.rc.getboolean(SECTION, "operators", fallback=True)
    except ValueError as error:
        given = nengo.rc.get(SECTION, "operators")
        raise ValidationError(
            f"must be true or false in Nengo's configuration, got {given!r}",
            attr=f"[{SECTION}] operators",
        ) from error


def _build(read, model, circuit, progress=None):
    """Build a circuit; replace its operators if one can stand in for them."""
    first = len(model.operators)
    build_network(model, circuit, progress)
    add = _BACKENDS.get(type(model))
    if add is None or not enabled() or not _is_plain(circuit, model.toplevel):
        return
    try:
        rule = read(circuit, model)
    except NotRecognised:
        return
    own = model.operators[first:]
    del model.operators[first:]
    # those of the input stay; the output is set
    made, x = (model.sig[circuit.input][key] for key in ("in", "out"))
    for operator in own:
        if any(signal is made or signal is x for signal in operator.sets):
            model.add_op(operator)
    y = model.sig[circuit.output]["in"]
    # a synapse that is linear can as well come before the weights
    add(model, rule, circuit.input_synapse, x, y)


def _is_plain(circuit, toplevel):
    """Whether a circuit is made of weights and neurons, and nothing else sees them."""
    synapse = circuit.input_synapse
    inside = {*circuit.nodes, *circuit.ensembles, *circuit.connections}
    inside -= {circuit.input, circuit.output}
    seen_from = {*toplevel.all_connections} - {*circuit.connections}
    seen = {_whose(probe.obj) for probe in toplevel.all_probes}
    for connection in seen_from:
        seen |= {_whose(connection.pre_obj), _whose(connection.post_obj)}
    return (
        # operators have a column for each window
        is_compact(circuit.windows)
        and not circuit.networks
        and not circuit.probes
        and not inside & seen
        and all(node.output is None for node in circuit.nodes)
        and all(map(_has_weights_only, circuit.connections))
        and (synapse is None or isinstance(synapse, LinearFilter))
    )


def _whose(obj):
    """The ensemble of neurons, the connection of a learning rule, or the object."""
    for owner in ("ensemble", "connection"):
        obj = getattr(obj, owner, obj)
    return obj


def _has_weights_only(connection):
    return (
        connection.learning_rule_type is None
        and connection.function is None
        and connection.pre_slice == connection.post_slice == slice(None)
        and isinstance(connection.transform, (Dense, NoTransform, Sparse))
    )


def check(as_expected: bool) -> None:
    """Go on only if a circuit is as an operator expects it."""
    if not as_expected:
        raise NotRecognised


def one_neuron_each(ensemble: nengo.Ensemble, n_units: int, model: Any) -> float:
    """Gain of an ensemble of equal integrate-and-fire neurons, one for each unit."""
    built = model.params[ensemble]
    check(type(ensemble.neuron_type) is IntegrateAndFire and ensemble.noise is None)
    check(ensemble.n_neurons == n_units and not built.bias.any())
    check(bool(np.all(built.gain == built.gain[0])))
    return float(built.gain[0])


def factor(actual: np.ndarray, expected: np.ndarray) -> float:
    """What ``expected`` has to be multiplied by to be ``actual``."""
    # NaN is a value that was lost on its way
    check(bool(np.isfinite(actual).all()))
    found = float(actual @ expected / (expected @ expected))
    # both have been summed up, in different orders
    tolerance = 1e-9 * np.abs(actual).max()
    check(found != 0 and np.allclose(actual, found * expected, 1e-9, tolerance))
    # without the digits that rounding has left: thresholds may be met exactly
    return float(f"{found:.13g}")


class Flow:
    """What arrives at the objects of a circuit when others give values.

    Matrices are compared by what they make of random vectors, which takes no products
    of matrices.
    """

    def __init__(self, circuit: nengo.Network) -> None:
        self.incoming: dict[Any, list[nengo.Connection]] = {}
        for connection in circuit.connections:
            self.incoming.setdefault(connection.post_obj, []).append(connection)

    def into(
        self, target: Any, given: dict[Any, tuple[np.ndarray, Any]], passed: tuple = ()
    ) -> np.ndarray:
        """Sum up what arrives from objects, given with value and synapse; else NaN.

        Other objects are silent. A value is lost where a path has another synapse than
        its own, or more than one.
        """
        total = np.zeros(target.size_in)
        for connection in self.incoming.get(target, ()):
            source, synapse = connection.pre_obj, connection.synapse
            synapses = passed if synapse is None else (synapse, *passed)
            if source in given:
                x, expected = given[source]
                as_expected = synapses == (() if expected is None else (expected,))
                x = x if as_expected else np.full(len(x), np.nan)
            elif isinstance(source, nengo.Node):
                x = self.into(source, given, synapses)
            else:
                continue
            total += _applied(connection.transform, x)
        return total


def _applied(transform, x):
    if isinstance(transform, NoTransform):
        return x
    weights = transform.sample()
    if hasattr(weights, "allocate"):
        # Nengo's own sparse matrices
        weights = weights.allocate()
    return weights @ x if weights.ndim == 2 else weights * x
