"""Activations of Keras layers, in all the ways that they are written."""

import nengo_dl
import tensorflow as tf
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType
from nengo_dl.converter import LayerConverter

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


def has_neurons(layer):
    """Whether the activations of a layer become neurons whose rates can be scaled."""
    if isinstance(layer, (tf.keras.layers.ReLU, tf.keras.layers.LeakyReLU)):
        return True
    activation = getattr(layer, "activation", None)
    return activation is not None and name_of(activation) not in ("linear", *BOUNDED)


def scale_by_layer(model, scale):
    """The scale for each layer of a model but those whose activations are bounded."""
    return {
        layer: scale
        for layer in model.submodules
        if isinstance(layer, tf.keras.layers.Layer)
        and name_of(getattr(layer, "activation", None)) not in BOUNDED
    }
