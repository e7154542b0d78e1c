"""Firing rates and ranges of values that fit a network's own activations."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError
from nengo_dl import compat

from ..network.arrays import RealParam, as_array
from ..utils.checks import positive_number
from .activations import has_neurons

#: Expected error of counting spikes, in units of the spread of a layer's activations.
ERROR = 0.05
#: Over which time, in seconds, spikes are counted: as outputs are averaged.
WINDOW = 0.05
#: Which quantile of its activations is the top of a layer.
QUANTILE = 0.999


def firing_rates(model, data, rate=None, quantile=QUANTILE, error=ERROR):
    r"""Choose ``scale_firing_rates`` by the activations of a network on data.

    Every layer that becomes neurons gets a scale, in Hz per unit of activation. With
    ``error``, its activations are as exact as that says: the count of a regular train
    in a window of :math:`T` = 50 ms has the variance 1/6, so that, where a share
    :math:`p` of the neurons is active and activations have the standard deviation
    :math:`\sigma`, the scale is

    .. math:: \frac{\sqrt{p / 6}}{\text{error} \cdot \sigma T}

    Half the error costs twice as many spikes. NengoDL simulates them at no cost, a chip
    does not; `compare_layers` lists errors and spikes of every layer. With ``rate``, a
    neuron fires at it where its activation is at the top: the quantile of all
    activations that are above zero.

    Parameters
    ----------
    model : tf.keras.Model
        The network.
    data : (n_samples, ...) array_like or list of them
        Inputs, prepared as those that the network is for; one array per input of the
        model. Some hundred samples are enough.
    rate : float, optional (Default: None)
        Firing rate at the top, in Hz, in place of ``error``.
    quantile : float, optional (Default: 0.999)
        Which quantile of the activations is the top; above 0, at most 1.
    error : float, optional (Default: 0.05)
        Expected error, as root mean square, of a layer's mean activations over 50 ms,
        in units of their standard deviation.

    Returns
    -------
    dict of {tf.keras.layers.Layer: float}
        The scales.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an argument is not as described, or a layer is silent on all of the data.

    Examples
    --------
    >>> import numpy as np
    >>> from maxpool_circuits.nengo_dl import firing_rates
    >>> import tensorflow as tf
    >>> inputs = tf.keras.Input((2,))
    >>> relu = tf.keras.layers.ReLU()
    >>> model = tf.keras.Model(inputs, relu(inputs))
    >>> data = np.array([[-1, 200], [3, 500]])
    >>> firing_rates(model, data, rate=250, quantile=1)[relu]
    0.5
    """
    error = positive_number(error, "error", unit="standard deviations")
    share = RealParam("quantile", low=0, low_open=True, high=1)
    quantile = share.coerce(None, quantile)
    if rate is not None:
        rate = positive_number(rate, "rate", unit="Hz")
    return scales(record(model, data), rate, quantile, error)


def scales(applications, rate=None, quantile=QUANTILE, error=ERROR):
    """Scale of each layer that becomes neurons, {layer: Hz per unit}."""
    values = {}
    for application in applications:
        if has_neurons(application.layer):
            outputs = map(np.ravel, application.outputs)
            values.setdefault(application.layer, []).extend(outputs)
    values = {layer: np.concatenate(found) for layer, found in values.items()}
    silent = [layer.name for layer, found in values.items() if not np.any(found > 0)]
    if silent:
        raise ValidationError(
            f"no activation of the layers {silent} is above zero; give inputs that are "
            "prepared as those that the network was trained on",
            attr="data",
        )
    return {
        layer: float(
            np.sqrt(np.mean(found > 0) / 6) / (error * np.std(found) * WINDOW)
            if rate is None
            else rate / np.quantile(found[found > 0], quantile)
        )
        for layer, found in values.items()
    }


def counting_error(values, amplitude, window=WINDOW):
    r"""Root mean square of what counts of spikes are off in a window.

    Counts of :math:`n` spikes on average, at equal distances, have the variance
    :math:`f (1 - f)`, where :math:`f` is the fractional part of :math:`n`.
    """
    part = np.abs(values) * window / amplitude % 1
    return amplitude / window * np.sqrt(np.mean(part * (1 - part)))


def channel_ranges(applications, layer, quantile=QUANTILE):
    """Quantiles of the inputs of a pooling layer, (lowest, highest) of each channel."""
    # inside TimeDistributed there is one axis more in front
    channels_last = getattr(layer, "data_format", None) != "channels_first"
    axis = -1 if channels_last else 1 - layer.input_spec.ndim
    inputs = [
        np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis])
        for application in applications
        if application.layer is layer
        for x in application.inputs
    ]
    return np.quantile(np.concatenate(inputs), [1 - quantile, quantile], axis=0)


@dataclass(frozen=True, eq=False)
class Application:
    """One application of a layer, with its values on the data."""

    layer: tf.keras.layers.Layer
    inputs: list
    outputs: list
    tensors: list


def record(model, data):
    """Run a model, and list all applications of its layers, also in inner models."""
    return _record(model, inputs_of(model, data))


def check_model(model, obj=None):
    """Refuse what is not a Keras model."""
    if not isinstance(model, tf.keras.Model):
        raise ValidationError(
            f"must be a Keras model, got {model!r}", attr="model", obj=obj
        )


def inputs_of(model, data, attr="data"):
    """Inputs of a model as a list of arrays, one for each."""
    check_model(model)
    data = data if isinstance(data, (list, tuple)) else [data]
    data = [as_array(x) for x in data]
    shapes = [tuple(tensor.shape[1:]) for tensor in model.inputs]
    if len(shapes) != len(data) or not all(
        x.size > 0
        and x.dtype.kind in "biuf"
        and np.all(np.isfinite(x))
        and tf.TensorShape(shape).is_compatible_with(x.shape[1:])
        for x, shape in zip(data, shapes)
    ):
        raise ValidationError(
            "must be inputs of the model, one array (n_samples, *shape) of finite "
            f"numbers for each of the shapes {shapes}, got arrays of the shapes "
            f"{[x.shape for x in data]}",
            attr=attr,
        )
    return data


def _record(model, data):
    nodes, _ = compat._build_map(model.outputs)
    tensors = {}
    for node in nodes:
        for tensor in _inputs(node) + tf.nest.flatten(node.outputs):
            tensors[tensor.ref()] = tensor
    recorded = tf.keras.Model(model.inputs, list(tensors.values()))
    values = dict(zip(tensors, recorded.predict(data, batch_size=32, verbose=0)))
    applications = []
    for node in nodes:
        outputs = tf.nest.flatten(node.outputs)
        inputs = [values[tensor.ref()] for tensor in _inputs(node)]
        given = inputs, [values[tensor.ref()] for tensor in outputs], outputs
        layer = node.layer
        applications.append(Application(layer, *given))
        if isinstance(layer, tf.keras.layers.TimeDistributed):
            applications.append(Application(layer.layer, *given))
        elif isinstance(layer, tf.keras.Model):
            applications += _record(layer, inputs)
    return applications


def _inputs(node):
    """Input tensors of an application; inputs of the model have none."""
    return [] if node.is_input else tf.nest.flatten(node.keras_inputs)
