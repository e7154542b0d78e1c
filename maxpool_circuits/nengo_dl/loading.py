"""Reads models that Keras 3 has saved, as models of Keras 2."""

from __future__ import annotations

import inspect
import json
import zipfile
from pathlib import Path

import h5py
import tensorflow as tf
from nengo.exceptions import ValidationError

from ..utils.checks import ordinary_file

#: Arguments that Keras 2 calls otherwise.
RENAMED = {("LeakyReLU", "negative_slope"): "alpha"}
#: Arguments that change nothing when a model is run, in single precision.
UNREAD = {"dtype", "trainable", "renorm_momentum"}


def load_model(path: str | Path) -> tf.keras.Model:
    """Load a model that Keras has saved.

    NengoDL reads models of Keras 2, which ``tf.keras`` is once this package is
    imported, and whose own ``load_model`` fails for ``.keras`` files of Keras 3. The
    model is to be run: how it was trained, its optimizer and its regularizers are not
    read.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.

    Returns
    -------
    tf.keras.Model
        The model, sequential or functional, with its weights.

    Raises
    ------
    OSError
        If the file cannot be read.
    nengo.exceptions.ValidationError
        If a file of Keras 3 has something that Keras 2 does not have.

    Examples
    --------
    >>> from maxpool_circuits.nengo_dl import Converter, load_model
    >>> model = load_model("model.keras")  # doctest: +SKIP
    >>> converter = Converter(model)  # doctest: +SKIP
    """
    path = ordinary_file(path)
    if not zipfile.is_zipfile(path):
        return tf.keras.models.load_model(path, compile=False)
    with zipfile.ZipFile(path) as archive:
        if json.loads(archive.read("metadata.json"))["keras_version"] < "3":
            return tf.keras.models.load_model(path, compile=False)
        spec = json.loads(archive.read("config.json"))
        model = _layer(spec)
        with archive.open("model.weights.h5") as file, h5py.File(file) as weights:
            _read_weights(model, weights)
    return model


def _read_weights(model, weights):
    """Set the weights of all layers, also in inner models, by their names."""
    found = {}

    def visit(_, group):
        if isinstance(group, h5py.Group) and "name" in group.attrs and len(group):
            ordered = sorted(group, key=int)
            found[group.attrs["name"]] = [group[each][()] for each in ordered]

    weights.visititems(visit)
    for layer in model.submodules:
        if not isinstance(layer, tf.keras.layers.Layer) or not layer.weights:
            continue
        if isinstance(layer, (tf.keras.Model, tf.keras.layers.TimeDistributed)):
            continue
        if layer.name not in found:
            raise _error(f"there are no weights for the layer {layer.name!r}")
        # what Keras 2 has besides only counts what layers were adapted to
        n_found = len(found[layer.name])
        layer.set_weights(found[layer.name] + layer.get_weights()[n_found:])


def _layer(spec):
    """A layer or a model of Keras 2 by its description in Keras 3."""
    name, config = spec["class_name"], dict(spec["config"])
    if name == "Sequential":
        steps = [_layer(each) for each in config["layers"]]
        if not isinstance(steps[0], tf.keras.layers.InputLayer):
            steps.insert(0, tf.keras.Input(batch_shape=config["build_input_shape"]))
        return tf.keras.Sequential(steps, name=config["name"])
    if name == "Functional":
        return _functional(config)
    kind = getattr(tf.keras.layers, name, None)
    if kind is None or spec["module"] != "keras.layers":
        raise _error(
            f"{name} ({spec['module']}) in {config.get('name')!r} is no layer that "
            "Keras 2 has too; build the model of such layers, and train it again"
        )
    if name == "InputLayer":
        shape = config.get("batch_shape") or config["batch_input_shape"]
        return kind(batch_input_shape=shape, name=config["name"])
    config = {RENAMED.get((name, key), key): each for key, each in config.items()}
    signatures = [inspect.signature(each.__init__) for each in kind.__mro__]
    known = {"name"}.union(*(each.parameters for each in signatures))
    lost = {key for key in config.keys() - known - UNREAD if config[key]}
    if lost:
        raise _error(
            f"{name} {config['name']!r} has {sorted(lost)}, which Keras 2 does not have"
        )
    return kind(**{key: _value(each) for key, each in config.items() if key in known})


def _value(value):
    """An argument of a layer; what is only for training is left out."""
    if not isinstance(value, dict) or "class_name" not in value:
        return value
    if value["class_name"] == "function":
        return value["config"]
    if value["module"].startswith("keras.layers"):
        return _layer(value)
    return None


def _functional(config):
    layers = {each["name"]: _layer(each) for each in config["layers"]}
    outputs = {name: [] for name in layers}
    for name, layer in layers.items():
        if isinstance(layer, tf.keras.layers.InputLayer):
            outputs[name].append(layer.output)

    def tensor(history):
        name, node, index = history[:3]
        return tf.nest.flatten(outputs[name][node])[index]

    def given(value):
        if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            return tensor(value["config"]["keras_history"])
        if isinstance(value, list):
            return [given(each) for each in value]
        return value

    pending = [
        (each["name"], node)
        for each in config["layers"]
        for node in each["inbound_nodes"]
    ]
    while pending:
        name, node = pending.pop(0)
        try:
            arguments = given(node["args"])
        except IndexError:
            # it comes after what it needs
            pending.append((name, node))
            continue
        outputs[name].append(layers[name](*arguments))

    def ends(key):
        # one alone is not in a list
        histories = config[key]
        one = isinstance(histories[0], str)
        return tensor(histories) if one else [tensor(each) for each in histories]

    first, last = ends("input_layers"), ends("output_layers")
    return tf.keras.Model(first, last, name=config["name"])


def _error(message):
    return ValidationError(message, attr="path")
