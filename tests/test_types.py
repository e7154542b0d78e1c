"""All that is public has type hints."""

import importlib
import inspect

import pytest

MODULES = [
    "maxpool_circuits",
    "maxpool_circuits.circuits.mean_path",
    "maxpool_circuits.circuits.tree",
    "maxpool_circuits.comparison",
    "maxpool_circuits.comparison.encodings",
    "maxpool_circuits.comparison.events",
    "maxpool_circuits.comparison.metrics",
    "maxpool_circuits.comparison.simulate",
    "maxpool_circuits.comparison.table",
    "maxpool_circuits.comparison.workloads",
    "maxpool_circuits.network.populations",
    "maxpool_circuits.network.sparse",
    "maxpool_circuits.network.transform",
    "maxpool_circuits.network.windows",
    "maxpool_circuits.network.wiring",
    "maxpool_circuits.plots",
    "maxpool_circuits.registry",
    "maxpool_circuits.testing",
    "maxpool_circuits.tuning",
    "maxpool_circuits.utils.checks",
    "maxpool_circuits.utils.files",
]


def public_callables(module):
    """Functions and classes that a module exports or defines, {name: callable}."""
    exported = getattr(module, "__all__", None)
    return {
        name: value
        for name in (dir(module) if exported is None else exported)
        if inspect.isclass(value := getattr(module, name)) or inspect.isfunction(value)
        if exported is not None
        or (value.__module__ == module.__name__ and not name.startswith("_"))
    }


def methods(thing):
    """Public methods and properties that a class of the package defines."""
    for name, value in vars(thing).items():
        if not name.startswith("_") or name in ("__init__", "__call__"):
            function = getattr(value, "__func__", getattr(value, "fget", value))
            # dataclasses write their own, from the hints of their fields
            if inspect.isfunction(function) and "<string>" not in (
                function.__code__.co_filename
            ):
                yield name, function


def lacking_hints(function):
    """Parameters without a hint, and "return" where it has none."""
    signature = inspect.signature(function)
    lacking = [
        name
        for name, parameter in signature.parameters.items()
        if parameter.annotation is parameter.empty and name not in ("self", "cls")
    ]
    if signature.return_annotation is signature.empty:
        lacking.append("return")
    return lacking


@pytest.mark.parametrize("name", MODULES)
def test_every_public_callable_has_type_hints(name):
    lacking = {}
    for public, thing in public_callables(importlib.import_module(name)).items():
        functions = methods(thing) if inspect.isclass(thing) else [("", thing)]
        for method, function in functions:
            lacking[f"{public}.{method}".rstrip(".")] = lacking_hints(function)
    assert lacking
    assert {key: value for key, value in lacking.items() if value} == {}
