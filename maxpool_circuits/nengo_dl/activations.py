"""Activations of Keras layers, in all the ways that they are written."""

import importlib
import warnings

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType
from nengo_dl.converter import LayerConverter

from .compatibility import keras_2

#: Layers that functions of tensors become, whose class Keras does not export.
_functions = importlib.import_module(f"{keras_2(tf)}.layers.core.tf_op_layer")
OpLayer = _functions.TFOpLambda
OP_LAYERS = (OpLayer, _functions.SlicingOpLambda)
#: Packages that activations come from: Keras 2 is tf_keras from TensorFlow 2.16 on.
KERAS = ("tensorflow", "keras", "tf_keras")
#: Name of a leaky ReLU whose slope is not said.
LEAKY_RELU = "leaky_relu"
#: Where ReLUs have the slope of what is below zero.
SLOPES = {
    tf.keras.layers.ReLU: "negative_slope",
    tf.keras.layers.LeakyReLU: "alpha",
    nengo_dl.LeakyReLU: "negative_slope",
}
#: Activations that a scale of firing rates would change.
BOUNDED = ("softmax", "sigmoid", "hard_sigmoid", "tanh", "softsign")
#: Spiking neurons that compute an activation, by its name.
STAND_INS = {
    "relu": "maxpool_circuits.IntegrateAndFire()",
    LEAKY_RELU: "nengo_dl.SpikingLeakyReLU(negative_slope)",
    "sigmoid": "nengo.RegularSpiking(nengo.Sigmoid(tau_ref=1/250), amplitude=1/250)",
    "tanh": "nengo.RegularSpiking(nengo.Tanh(tau_ref=1/250), amplitude=1/250)",
}
#: By how much of its range an activation and the rates of neurons may differ.
MISFIT = 0.05


class SwappedActivations(nengo_dl.Converter.TrackedDict):
    """What takes the place of activations, by a name for all spellings."""

    def __init__(self, swaps):
        by_name = {name_of(key): value for key, value in swaps.items()}
        if len(by_name) < len(swaps):
            raise ValidationError(
                f"some of the keys {list(swaps)} are the same activation; give one of "
                "them",
                attr="swap_activations",
            )
        super().__init__(by_name)

    def __getitem__(self, activation):
        """What takes the place of an activation."""
        name = name_of(activation)
        if name not in self.dict and str(name).startswith(f"{LEAKY_RELU}("):
            # a key without a slope is for all slopes
            name = LEAKY_RELU
        return super().__getitem__(name)

    def names_read(self):
        """Names of the activations that the layers of the model have."""
        others = {name_of(value) for value in self.dict.values()} | {None, "linear"}
        return sorted(map(str, self.read - others))


def name_of(activation):
    """Something that is equal for all ways to write one activation."""
    if activation in ("LeakyReLU", LEAKY_RELU):
        return LEAKY_RELU
    if isinstance(activation, str):
        try:
            activation = tf.keras.activations.get(activation)
        except ValueError as error:
            raise ValidationError(
                f"{activation!r} is not an activation that Keras knows",
                attr="swap_activations",
            ) from error
    if activation in (tf.keras.layers.LeakyReLU, tf.nn.leaky_relu):
        return LEAKY_RELU
    if isinstance(activation, type) and issubclass(
        activation, (tf.keras.layers.Layer, NeuronType)
    ):
        activation = activation()
    if type(activation) in SLOPES:
        # for NengoDL leaky ReLUs of all slopes are equal
        slope = getattr(activation, SLOPES[type(activation)])
        return f"{LEAKY_RELU}({slope:.6g})" if slope else "relu"
    if isinstance(activation, tf.keras.layers.Activation):
        activation = activation.activation
    if isinstance(activation, NeuronType):
        for function, neuron_type in LayerConverter.activation_map.items():
            if neuron_type == activation:
                return function.__name__
    module = getattr(activation, "__module__", None) or ""
    if callable(activation) and module.split(".")[0] in KERAS:
        return getattr(activation, "__name__", activation)
    return activation


def activation_of(layer):
    """The activation of a layer, or the layer if it is one; None if it has none."""
    if type(layer) in SLOPES or isinstance(layer, tf.keras.layers.PReLU):
        return layer
    return getattr(layer, "activation", None) or getattr(layer, "function", None)


def has_neurons(layer):
    """Whether the activations of a layer become neurons whose rates can be scaled."""
    name = name_of(activation_of(layer))
    if isinstance(layer, OpLayer):
        return name in ("relu", LEAKY_RELU)
    return name not in (None, "linear", *BOUNDED)


def scale_by_layer(model, scale):
    """The scale for each layer of a model but those whose activations are bounded."""
    return {
        layer: scale
        for layer in model.submodules
        if isinstance(layer, tf.keras.layers.Layer)
        and name_of(activation_of(layer)) not in BOUNDED
    }


def is_stand_in(neuron_type, gain, activation):
    """Whether neurons fire at rates that are the values of an activation."""
    # currents of up to 250 Hz
    x = np.geomspace(0.25, 250, 30) / gain
    x = np.concatenate([-x[::-1], x])
    rates = neuron_type.rates(x, np.array([gain]), np.zeros(1)).ravel()
    if isinstance(neuron_type, nengo.neurons.RatesToSpikesNeuronType):
        rates *= neuron_type.amplitude
    values = np.ravel(activation(tf.constant(x[np.newaxis], tf.float32)))
    return np.max(abs(rates - values)) < MISFIT * np.max(abs(values))


def warn_of_misfits(layers_and_ensembles):
    """Warn of neurons that are no stand-in for the activations of their layers."""
    found = {}
    for layer, ensemble in layers_and_ensembles:
        activation, neuron_type = activation_of(layer), ensemble.neuron_type
        moves = isinstance(layer, OpLayer) and not has_neurons(layer)
        if moves or activation in (None, tf.nn.leaky_relu):
            # only passes neurons on, or has a slope that is not known here
            continue
        key = repr(neuron_type), name_of(activation)
        if isinstance(neuron_type, (nengo.PoissonSpiking, nengo.StochasticSpiking)):
            key += ("fire at random, and pools take the maximum of their noise",)
        elif is_stand_in(neuron_type, ensemble.gain.options[0], activation):
            continue
        else:
            key += ("fire at other rates, at any scale and with any calibration",)
        found.setdefault(key, []).append(layer.name)
    for (neurons, name, fault), layers in found.items():
        remedy = STAND_INS.get(str(name).split("(")[0])
        warnings.warn(
            f"{neurons} is no stand-in for {name!r}, which the layers {layers} have: "
            f"these neurons {fault}. Train the network with them, or "
            + (f"swap {name!r} for {remedy}" if remedy else "train with 'relu'"),
            stacklevel=3,
        )
