"""A converter that turns Keras max-pooling layers into max-pool circuits."""

import inspect
import warnings
from collections import ChainMap

import nengo_dl
import tensorflow as tf
from nengo.exceptions import ValidationError
from nengo_dl import compat
from nengo_dl.converter import LayerConverter

from ..registry import find
from . import calibration as calibrate
from .activations import SwappedActivations, scale_by_layer
from .compatibility import check_keras_2
from .layers import (
    ADVICE,
    CONVERTERS,
    IDENTITIES,
    MAX_POOL_LAYERS,
    ConvertMaxPool,
    ConvertModel,
    check_convertible,
)
from .pooling import models_in, pools_of

#: Lowest scale of firing rates, in Hz per unit of activation, that networks whose
#: activations are near 1 are run with.
LOWEST_SCALE = 20
#: How far apart results in single precision may be that are the same (see `verify`).
TOLERANCE = 1e-4

POOLING = {
    **dict.fromkeys(MAX_POOL_LAYERS, ConvertMaxPool),
    compat.Functional: ConvertModel,
    tf.keras.Sequential: ConvertModel,
}


class Converter(nengo_dl.Converter):
    """Convert a Keras model, with its max-pooling layers, to native Nengo objects.

    Like `nengo_dl.Converter`, and with the same arguments, but max-pooling layers of
    all kinds, sizes, strides and paddings become max-pool circuits. Nothing is
    retrained, averaged or left to TensorFlow.

    Parameters
    ----------
    model : tf.keras.Model
        The model to convert.
    *args, **options
        As in `nengo_dl.Converter`; ``max_to_avg_pool=True`` still averages. Keys of
        ``swap_activations`` mean an activation however it is written.
        ``inference_only`` is True unless given if the model has layers that do
        something else when it is trained, such as BatchNormalization or Dropout.
    max_pool : str, class, callable or dict, optional (Default: None)
        The circuit: a name, a subclass of `.MaxPoolNetwork`, or a callable that takes
        windows; or a dict of {layer: one of these}. Options of a circuit are set with
        `functools.partial`. The default is ``exact`` in networks of rate neurons and
        ``winner-take-all`` after spiking neurons. Unless they are set, ``max_rate``
        and ``input_rate`` follow the spikes at the pool.
    calibration : (n_samples, ...) array_like or list of them, optional (Default: None)
        Inputs of the network, some hundred. With them, ``scale_firing_rates`` is that
        of `firing_rates` unless it is given, and every circuit gets the
        ``input_range`` of its layer's values.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an argument does not fit the model, a circuit is unknown or refuses an
        option, or the model is built with Keras 3.

    Warns
    -----
    UserWarning
        If a layer is exact although spiking neurons were asked for, or takes the
        maximum of raw spikes; if rates are so low that activations near 1 would hardly
        fire; if ``swap_activations`` has a key that no layer has.

    Examples
    --------
    A network of spiking neurons, with a circuit and firing rates that fit data:

    >>> import nengo
    >>> import numpy as np
    >>> from maxpool_circuits.nengo_dl import Converter
    >>> import tensorflow as tf
    >>> image = tf.keras.Input((4, 4, 1))
    >>> active = tf.keras.layers.Activation("relu")(image)
    >>> model = tf.keras.Model(image, tf.keras.layers.MaxPool2D(2)(active))
    >>> converter = Converter(
    ...     model,
    ...     swap_activations={"relu": nengo.SpikingRectifiedLinear()},
    ...     calibration=np.linspace(0, 500, 160).reshape(10, 4, 4, 1),
    ...     synapse=0.005,
    ...     max_pool="pairwise-relu",
    ... )
    >>> (pool,) = converter.net.networks
    >>> pool.n_neurons, round(pool.max_rate), round(pool.input_range[1])
    (12, 559, 500)
    """

    #: Ours, then NengoDL's, which may be registered later.
    converters = ChainMap({**CONVERTERS, **POOLING}, nengo_dl.Converter.converters)

    def __init__(self, model, *args, max_pool=None, calibration=None, **options):
        check_keras_2(model)
        by_layer = max_pool if isinstance(max_pool, dict) else {None: max_pool}
        for circuit in by_layer.values():
            # an unknown name is better refused before the model is converted
            if circuit is not None:
                find(circuit)
        self.max_pool = max_pool
        self.value_ranges = {}
        options = inspect.signature(nengo_dl.Converter).bind(model, *args, **options)
        options = options.arguments
        options.setdefault("inference_only", differs_in_training(model))
        if calibration is not None:
            self._calibrate(model, calibration, options)
        scales = options.get("scale_firing_rates")
        if scales is not None and not isinstance(scales, dict):
            options["scale_firing_rates"] = scale_by_layer(model, scales)
        super().__init__(**options)
        self._check_keys("max_pool", max_pool, ConvertMaxPool, "max-pooling layers")
        self._check_keys("scale_firing_rates", scales, LayerConverter, "layers")
        if self.swap_activations.unused_keys():
            # NengoDL has warned of the keys, but says not which others would do
            warnings.warn(
                "the activations that layers of the model have are "
                f"{', '.join(self.swap_activations.names_read()) or 'linear'}",
                stacklevel=2,
            )
        if calibration is None:
            self._warn_of_low_rates()

    def _calibrate(self, model, data, options):
        """Choose firing rates, and ranges of the values that pools see."""
        applications = calibrate.record(model, data)
        if options.get("scale_firing_rates") is None:
            options["scale_firing_rates"] = calibrate.scales(applications)
        self.value_ranges = {
            each.layer: calibrate.channel_ranges(applications, each.layer)
            for each in applications
            if isinstance(each.layer, tuple(MAX_POOL_LAYERS))
        }

    @property
    def swap_activations(self):
        """What takes the place of activations, however those are written."""
        return self._swap_activations

    @swap_activations.setter
    def swap_activations(self, swaps):
        # NengoDL's dict compares functions, which have several names
        self._swap_activations = SwappedActivations(dict(swaps.dict))

    def _check_keys(self, attr, given, made_by, kind):
        """Refuse keys of an argument that are not layers of the model."""
        for key in given if isinstance(given, dict) else ():
            if not isinstance(self._layer_converters.get(key), made_by):
                raise ValidationError(
                    f"the keys must be {kind} of the model, inside of "
                    f"TimeDistributed if there is one; got {key!r}",
                    attr=attr,
                    obj=self,
                )

    def _warn_of_low_rates(self):
        """Say what to do if rates are too low for activations near 1."""
        amplitudes = [
            getattr(ensemble.neuron_type, "amplitude", 1)
            for network in models_in(self.net)
            for ensemble in network.ensembles
            if ensemble.neuron_type.spiking
        ]
        if pools_of(self) and amplitudes and 1 / max(amplitudes) < LOWEST_SCALE:
            warnings.warn(
                "scale_firing_rates is in Hz per unit of activation, and here only "
                f"{1 / max(amplitudes):.3g}: pools cannot know which values they will "
                "see. Give the converter calibration=inputs, which are some hundred "
                "inputs of the network, or a larger scale",
                stacklevel=3,
            )

    def get_converter(self, layer):
        """Find the converter of a layer; subclasses of max pooling have one too."""
        known = type(layer) in self.converters
        if not known and isinstance(layer, tuple(MAX_POOL_LAYERS)):
            self.converters = ChainMap({type(layer): ConvertMaxPool}, self.converters)
        if isinstance(layer, tf.keras.Model):
            check_convertible(layer, self)
        try:
            converter = super().get_converter(layer)
        except TypeError as error:
            advice = ADVICE.get(type(layer))
            if advice is None:
                raise
            raise TypeError(f"{error} For this layer: {advice}.") from error
        check_convertible(layer, self)
        return converter

    def verify(self, training=False, inputs=None, atol=TOLERANCE, rtol=TOLERANCE):
        """Check that a network of rate neurons computes what the Keras model does.

        As in `nengo_dl.Converter`, with tolerances that fit single precision. Only
        networks without spiking neurons can pass, and so only ``exact`` pools.
        """
        spiking = {e.label for e in self.net.all_ensembles if e.neuron_type.spiking}
        if spiking:
            raise ValidationError(
                "only networks of rate neurons, whose pools are exact, compute just "
                f"what their model does, and {len(spiking)} ensembles of this one "
                "spike; maxpool_circuits.nengo_dl.compare_layers shows how close it is",
                attr="verify",
                obj=self,
            )
        return super().verify(training, inputs, atol, rtol)


def differs_in_training(model):
    """Whether some layer, also of a model in it, does something else in training."""
    normalises = (compat.BatchNormalizationV1, compat.BatchNormalizationV2)
    training_only = ("_regularizer", "_constraint")
    return any(
        isinstance(layer, IDENTITIES)
        or (isinstance(layer, normalises) and layer.trainable)
        or any(vars(layer)[x] for x in vars(layer) if x.endswith(training_only))
        for layer in model.submodules
    )


def register():
    """Make NengoDL's own converter convert max-pooling layers.

    For those who cannot change the class that they use. Averaging is still available
    (``max_to_avg_pool=True``). Calling it again changes nothing.

    Examples
    --------
    >>> from maxpool_circuits.nengo_dl import ConvertMaxPool, register
    >>> import nengo_dl
    >>> import tensorflow as tf
    >>> before = dict(nengo_dl.Converter.converters)
    >>> register()
    >>> nengo_dl.Converter.converters[tf.keras.layers.MaxPool2D] is ConvertMaxPool
    True

    How to undo it:

    >>> nengo_dl.Converter.converters.update(before)
    """
    nengo_dl.Converter.converters.update(POOLING)
