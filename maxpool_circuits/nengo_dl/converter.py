"""A converter that turns Keras max-pooling layers into max-pool circuits."""

import functools
import inspect
import itertools
import warnings
from collections import ChainMap

import nengo_dl
import tensorflow as tf
from nengo.ensemble import Neurons
from nengo.exceptions import ValidationError
from nengo_dl import compat
from nengo_dl.converter import LayerConverter

from ..network.arrays import RealParam
from ..network.sparse import valid_synapse
from ..registry import find
from ..utils.checks import positive_number, valid_flag
from . import calibration as calibrate
from .activations import SwappedActivations, scale_by_layer, warn_of_misfits
from .compatibility import check_keras_2
from .functions import ConvertFunction, sign_of, takes_maxima
from .in_layer import pools_in_layers
from .layers import (
    ADVICE,
    CONVERTERS,
    MAX_POOL_LAYERS,
    ONLY_RUN,
    ConvertMaxPool,
    ConvertModel,
    check_convertible,
    is_dilated,
)
from .pooling import models_in, pools_of
from .running import READOUT, outputs_over_time, run

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
        calibrate.check_model(model, self)
        by_layer = max_pool if isinstance(max_pool, dict) else {None: max_pool}
        for circuit in by_layer.values():
            # an unknown name is better refused before the model is converted
            if circuit is not None:
                find(circuit)
        self.max_pool = max_pool
        self.value_ranges = {}
        signature = inspect.signature(nengo_dl.Converter)
        options = signature.bind(model, *args, **options).arguments
        for name in options.keys() - {"model"}:
            if isinstance(signature.parameters[name].default, bool):
                valid_flag(options[name], name, self)
        swaps = options.get("swap_activations")
        if not isinstance(swaps, (dict, type(None))):
            raise ValidationError(
                "must be a dict by activation, such as {'relu': "
                f"mpc.IntegrateAndFire()}}, got {swaps!r}",
                attr="swap_activations",
                obj=self,
            )
        options["synapse"] = valid_synapse(options.get("synapse"), "synapse", self)
        if calibration is not None and getattr(model, "inputs", None):
            calibrate.inputs_of(model, calibration, "calibration")
        self._calibration = calibration
        if "inference_only" not in options:
            options["inference_only"] = differs_in_training(model)
            warn_of_regularizers(model)
        scales = options.get("scale_firing_rates")
        several = scales.values() if isinstance(scales, dict) else ()
        for scale in () if scales is None else several or [scales]:
            positive_number(scale, "scale_firing_rates", self, unit="Hz")
        if scales is not None and not isinstance(scales, dict):
            options["scale_firing_rates"] = scale_by_layer(model, scales)
        self.in_layers = {}
        super().__init__(**options)
        pools = (ConvertMaxPool, ConvertFunction)
        self._check_keys("max_pool", max_pool, pools, "max-pooling layers")
        self._check_keys("scale_firing_rates", scales, LayerConverter, "layers")
        if self.swap_activations.unused_keys():
            # NengoDL has warned of the keys, but says not which others would do
            warnings.warn(
                "the activations that layers of the model have are "
                f"{', '.join(self.swap_activations.names_read()) or 'linear'}",
                stacklevel=2,
            )
        warn_of_misfits(
            (layer, obj.ensemble)
            for network in models_in(self.net)
            for layer, applications in network.layer_map.items()
            for obj in itertools.chain(*applications.values())
            if isinstance(obj, Neurons)
        )
        if calibration is None:
            self._warn_of_low_rates()

    def prepare(self, model):
        """See that all layers convert, then choose rates and ranges by data."""
        with warnings.catch_warnings():
            # they come again when layers are converted
            warnings.simplefilter("ignore")
            for layer in layers_of(model):
                self.get_converter(layer)
        self._layer_converters.clear()
        if not self.max_to_avg_pool and not self.temporal_model:
            self.in_layers = pools_in_layers(
                model, self.max_pool, self.swap_activations
            )
        if self._calibration is None:
            return
        applications = calibrate.record(model, self._calibration)
        if self.scale_firing_rates is None:
            self.scale_firing_rates = calibrate.scales(applications)
        self.value_ranges = {
            each.layer: sign_of(each.layer)
            * calibrate.channel_ranges(applications, each.layer)[:: sign_of(each.layer)]
            for each in applications
            if isinstance(each.layer, tuple(MAX_POOL_LAYERS))
            or takes_maxima(each.layer)
        }

    def __repr__(self):
        """Show the model, and which layers are their own max pooling."""
        pairs = ", ".join(
            f"{pool.name} of the neurons of {layer.name}"
            for pool, layer in self.in_layers.items()
        )
        return (
            f"<Converter of {self.model.name}, {self.net.n_neurons} neurons"
            f"{'; ' if pairs else ''}{pairs}>"
        )

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
        if layer in self.in_layers.values():
            # its neurons are those of the pool; this marks the key as used
            self.swap_activations.get("relu")
            converter.add_nengo_obj = functools.partial(add_linear, converter)
        return converter

    def predict(
        self, inputs, n_steps=100, readout=READOUT, over_time=False, progress_bar=False
    ):
        """Run the network on inputs, which are shown all the time.

        Parameters
        ----------
        inputs : (n_inputs, ...) array_like or list of them
            Inputs of the model, one array per input.
        n_steps : int, optional (Default: 100)
            For how many time steps, of 1 ms, each input is shown.
        readout : float or None, optional (Default: 0.02)
            Time constant of a low-pass filter on the outputs, in seconds: a single
            step of the outputs is noisy. None means no filter.
        over_time : bool, optional (Default: False)
            Whether outputs of all steps are returned instead of the last.
        progress_bar : bool, optional (Default: False)
            Whether progress is shown.

        Returns
        -------
        (n_inputs, ...) array or list of them
            Outputs, in the shapes that ``model.predict`` returns; with ``over_time``
            (n_inputs, n_steps, ...).

        Raises
        ------
        nengo.exceptions.ValidationError
            If the inputs do not fit the model, ``n_steps`` is not a positive integer,
            or the model has time steps of its own.

        Examples
        --------
        >>> import numpy as np
        >>> from maxpool_circuits.nengo_dl import Converter
        >>> import tensorflow as tf
        >>> image = tf.keras.Input((4, 4, 1))
        >>> model = tf.keras.Model(image, tf.keras.layers.MaxPool2D()(image))
        >>> Converter(model).predict(np.ones((8, 4, 4, 1)), n_steps=5).shape
        (8, 2, 2, 1)
        """

        valid_flag(over_time, "over_time", self)
        lowpass = valid_synapse(readout, "readout", self)

        def read(found):
            outputs = outputs_over_time(self, found, lowpass)
            return outputs if over_time else [each[:, -1] for each in outputs]

        outputs = run(self, inputs, n_steps, read, progress_bar)
        return outputs if len(outputs) > 1 else outputs[0]

    def verify(self, training=False, inputs=None, atol=TOLERANCE, rtol=TOLERANCE):
        """Check that a network of rate neurons computes what the Keras model does.

        As in `nengo_dl.Converter`, with tolerances that fit single precision. Networks
        of rate neurons pass, whose pools are ``exact``.
        """
        valid_flag(training, "training", self)
        RealParam("atol", low=0).coerce(self, atol)
        RealParam("rtol", low=0).coerce(self, rtol)
        if inputs is not None:
            inputs = calibrate.inputs_of(self.model, inputs, "inputs")
        try:
            return super().verify(training, inputs, atol, rtol)
        except ValueError as error:
            ensembles = self.net.all_ensembles
            spiking = {each.label for each in ensembles if each.neuron_type.spiking}
            if not spiking:
                raise
            raise ValidationError(
                f"{error}. Only networks of rate neurons, whose pools are exact, "
                f"compute just what their model does, and {len(spiking)} ensembles of "
                "this one spike; maxpool_circuits.nengo_dl.compare_layers shows how "
                "close it is",
                attr="verify",
                obj=self,
            ) from error


def add_linear(converter, node_id, biases=None, activation=None):
    """Make the object of a layer without its activation."""
    return type(converter).add_nengo_obj(converter, node_id, biases)


def layers_of(model):
    """All layers of a model but models, and those in its models."""
    for layer in model.layers:
        if isinstance(layer, tf.keras.Model):
            yield from layers_of(layer)
        else:
            yield layer


def differs_in_training(model):
    """Whether some layer, also of a model in it, does something else in training."""
    normalises = (compat.BatchNormalizationV1, compat.BatchNormalizationV2)
    return any(
        isinstance(layer, ONLY_RUN)
        or has_regularizers(layer)
        or (isinstance(layer, normalises) and layer.trainable)
        or is_dilated(layer)
        for layer in model.submodules
    )


def has_regularizers(layer):
    """Whether a layer has regularizers or constraints."""
    training_only = ("_regularizer", "_constraint")
    return any(vars(layer)[x] for x in vars(layer) if x.endswith(training_only))


def warn_of_regularizers(model):
    """Warn of what is left out of a model that nobody has said is only to run."""
    layers = [each.name for each in model.submodules if has_regularizers(each)]
    if layers:
        warnings.warn(
            f"the regularizers and constraints of the layers {layers} are left out: "
            "the network is converted to be run, not to be trained. "
            "inference_only=True says so",
            stacklevel=3,
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
