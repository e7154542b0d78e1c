"""A converted network and its Keras model, layer by layer."""

import nengo
import numpy as np
import pandas as pd
import tensorflow as tf
from nengo.ensemble import Neurons

from ..comparison.workloads import DT
from ..utils.checks import valid_integer
from .calibration import counting_error, record
from .pooling import models_in, pools_of
from .running import model_of, run


def compare_layers(converter, inputs, n_steps=100, average=50):
    """Compare every layer of a converted network with Keras.

    Where the error leaps up from one layer to the next, accuracy is lost: by firing
    rates that are too low for it or too high, or by neurons whose noise is rectified.
    ``frame["error"].plot.barh()`` draws the errors.

    Parameters
    ----------
    converter : maxpool_circuits.nengo_dl.Converter
        A converted network.
    inputs : (n_inputs, ...) array_like or list of them
        Inputs of the model. Ten are enough; all values of all layers are recorded.
    n_steps : int, optional (Default: 100)
        How long the inputs are shown, in time steps.
    average : int, optional (Default: 50)
        Over how many of the last steps values are averaged.

    Returns
    -------
    pandas.DataFrame
        By ``layer``, in the order of the model: ``error``, the root mean square
        difference to Keras's values, in units of their standard deviation;
        ``counting``, the part of it that is expected because spikes are whole, from the
        layer's own rates (the rest comes from layers in front of it); ``largest``, the
        largest of Keras's values; ``rate``, the highest mean firing rate of a neuron,
        in Hz; ``spikes``, what the layer costs, in spikes per input and second. NaN
        where there are no spiking neurons.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the inputs do not fit the model, or the numbers of steps are not positive
        integers with ``average`` at most ``n_steps``.

    Examples
    --------
    >>> import nengo
    >>> import numpy as np
    >>> from maxpool_circuits.nengo_dl import Converter, compare_layers
    >>> import tensorflow as tf
    >>> image = tf.keras.Input((4, 4, 1))
    >>> active = tf.keras.layers.ReLU(name="relu")(image)
    >>> pooled = tf.keras.layers.MaxPool2D(name="pool")(active)
    >>> model = tf.keras.Model(image, pooled)
    >>> converter = Converter(
    ...     model,
    ...     swap_activations={"relu": nengo.SpikingRectifiedLinear()},
    ...     scale_firing_rates=1000,
    ... )
    >>> inputs = np.linspace(0, 1, 32).reshape(2, 4, 4, 1)
    >>> list(compare_layers(converter, inputs).index)
    ['relu', 'pool']
    """
    n_steps = valid_integer(n_steps, "n_steps")
    average = valid_integer(average, "average", highest=n_steps)
    applications = record(model_of(converter), inputs)
    network = converter.net
    n_probes = len(network.probes)
    try:
        with network:
            probes = [
                (application, obj, nengo.Probe(obj))
                for application, obj in _converted(applications, network)
            ]

        def read(found):
            return [found[probe][:, -average:].mean(axis=1) for _, _, probe in probes]

        means = run(converter, inputs, n_steps, read)
    finally:
        # the network is left as it was
        del network.probes[n_probes:]
    pools = pools_of(converter)
    in_layer = {pool.layer: 1 / pool.scale for pool in pools if pool.scale}
    # one of both has lost its ReLU to the other
    paired = {*converter.in_layers, *converter.in_layers.values()}
    rows = []
    for (application, obj, _), mean in zip(probes, means):
        expected = application.outputs[0].reshape(mean.shape)
        layer = application.layer
        if layer in paired:
            mean, expected = np.maximum(mean, 0), np.maximum(expected, 0)
        spread = np.std(expected) or 1
        counting = rate = spikes = np.nan
        neuron_type = obj.ensemble.neuron_type if isinstance(obj, Neurons) else None
        amplitude = in_layer.get(layer, getattr(neuron_type, "amplitude", 1))
        if neuron_type or layer in in_layer:
            rate = mean.max() / amplitude
        if getattr(neuron_type, "spiking", layer in in_layer):
            spikes = np.abs(mean).sum(axis=1).mean() / amplitude
            window = average * DT
            counting = counting_error(expected, amplitude, window) / spread
        error = np.sqrt(np.mean((mean - expected) ** 2)) / spread
        row = [error, counting, expected.max(), rate, spikes]
        rows.append([application.layer.name, *row])
    columns = ["layer", "error", "counting", "largest", "rate", "spikes"]
    return pd.DataFrame(rows, columns=columns).set_index("layer")


def _converted(applications, network):
    """Applications of layers, with the objects that they and no earlier one became."""
    models = models_in(network)
    seen = {node for each in models for node in each.inputs.values()}
    for application in applications:
        key = application.tensors
        # the layers of an inner model follow it
        if len(key) == 1 and not isinstance(application.layer, tf.keras.Model):
            found = {each.layers[key] for each in models if key in each.layers}
            for obj in found - seen:
                seen.add(obj)
                yield application, obj
