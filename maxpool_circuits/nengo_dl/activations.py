"""Activations of Keras layers, in all the ways that they are written."""

import collections.abc

import tensorflow as tf
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType
from nengo_dl.converter import LayerConverter


class SwappedActivations(collections.abc.Mapping):
    """What takes the place of activations, however those are written.

    ``"relu"``, `tf.nn.relu`, `tf.keras.activations.relu`, `tf.keras.layers.ReLU` and
    `nengo.RectifiedLinear` are one activation.

    Parameters
    ----------
    swaps : dict
        As in `nengo_dl.Converter`; keys may be texts too.

    Raises
    ------
    nengo.exceptions.ValidationError
        If two keys are the same activation.

    Examples
    --------
    >>> import nengo
    >>> import maxpool_circuits.nengo_dl
    >>> import tensorflow as tf
    >>> swaps = SwappedActivations({tf.nn.relu: nengo.SpikingRectifiedLinear()})
    >>> swaps[tf.keras.activations.relu]
    SpikingRectifiedLinear()
    """

    def __init__(self, swaps):
        self._given = {}
        self._values = {}
        self._used = set()
        for key, value in swaps.items():
            name = name_of(key)
            if name in self._given:
                raise ValidationError(
                    f"{key!r} and {self._given[name]!r} are the same activation; give "
                    "one of them",
                    attr="swap_activations",
                )
            self._given[name] = key
            self._values[name] = value

    def __getitem__(self, activation):
        name = name_of(activation)
        value = self._values[name]
        self._used.add(name)
        return value

    def __iter__(self):
        return iter(self._given.values())

    def __len__(self):
        return len(self._given)

    @property
    def chosen(self):
        """What takes the place of the activations."""
        return list(self._values.values())

    def without_match(self):
        """The keys that no layer of the model has."""
        return [key for name, key in self._given.items() if name not in self._used]

    def unused_keys(self):
        """Nothing that NengoDL has to warn of: our converter refuses such keys."""
        return ()


#: Packages that activations come from: Keras 2 is tf_keras from TensorFlow 2.16 on.
KERAS = ("tensorflow", "keras", "tf_keras")


def name_of(activation):
    """Something that is equal for all ways to write one activation."""
    if isinstance(activation, str):
        try:
            activation = tf.keras.activations.get(activation)
        except ValueError as error:
            raise ValidationError(
                f"{activation!r} is no activation that Keras knows",
                attr="swap_activations",
            ) from error
    if isinstance(activation, type) and issubclass(
        activation, (tf.keras.layers.Layer, NeuronType)
    ):
        activation = activation()
    if isinstance(activation, tf.keras.layers.ReLU):
        plain = activation.max_value is None and not activation.threshold
        if plain and not activation.negative_slope:
            activation = tf.keras.activations.relu
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


#: Activations that need no scale: they are bounded, or linear.
UNSCALED = ("linear", "softmax", "sigmoid", "hard_sigmoid", "tanh", "softsign")


def has_neurons(layer):
    """Whether the activations of a layer become neurons whose rates can be scaled."""
    if isinstance(layer, (tf.keras.layers.ReLU, tf.keras.layers.LeakyReLU)):
        return True
    activation = getattr(layer, "activation", None)
    return activation is not None and name_of(activation) not in UNSCALED
