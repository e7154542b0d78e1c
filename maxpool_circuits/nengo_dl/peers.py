"""What NengoDL offers for max pooling without this package, for comparison."""

import nengo_dl

from .layers import MAX_POOL_LAYERS, ConvertUnknown


class TensorNodeConverter(nengo_dl.Converter):
    """NengoDL's converter, with filtered spikes for the TensorNodes of max pooling.

    NengoDL forgets the synapse: https://github.com/nengo/nengo-dl/issues/214.

    Examples
    --------
    >>> import nengo
    >>> import maxpool_circuits.nengo_dl
    >>> import tensorflow as tf
    >>> image = tf.keras.Input((4, 4, 1))
    >>> active = tf.keras.layers.Activation(tf.nn.relu)(image)
    >>> model = tf.keras.Model(image, tf.keras.layers.MaxPool2D(2)(active))
    >>> net = TensorNodeConverter(
    ...     model,
    ...     swap_activations={tf.nn.relu: nengo.SpikingRectifiedLinear()},
    ...     synapse=0.005,
    ... ).net
    >>> [c.synapse for c in net.connections if isinstance(c.post, nengo_dl.TensorNode)]
    [Lowpass(tau=0.005)]
    """

    converters = {
        **nengo_dl.Converter.converters,
        **dict.fromkeys(MAX_POOL_LAYERS, ConvertUnknown),
    }


class ReleasedConverter(nengo_dl.Converter):
    """NengoDL's converter as released, whatever has been registered since."""

    converters = {**nengo_dl.Converter.converters, **MAX_POOL_LAYERS}
