"""Converters of the layers of a network that has max pooling in it."""

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType
from nengo_dl.converter import LayerConverter

from ..network.windows import PoolWindows
from .activations import OP_LAYERS, name_of
from .functions import ConvertFunction
from .pooling import Pool, channels_of, finish, pools_of

#: The layers that are converted, with NengoDL's own converter of each.
MAX_POOL_LAYERS = {
    layer: nengo_dl.Converter.converters[layer]
    for scope in ("MaxPool", "GlobalMaxPool")
    for n_axes in (1, 2, 3)
    for layer in [getattr(tf.keras.layers, f"{scope}{n_axes}D")]
}


class ConvertMaxPool(LayerConverter):
    """Convert any Keras max-pooling layer to a max-pool circuit.

    The circuit is made when the whole network is converted, because it depends on the
    neurons that its inputs come from, however far they are. If none of them spikes, it
    is exact. If they do, the amplitude of a spike is followed through the linear layers
    in between, such as BatchNorm, and the thresholds of the circuit are chosen for it.
    The circuit gets the spikes themselves; the converter's synapse comes *after* the
    pool, because the membranes of the circuit average better than a filter in front of
    it does, and the neurons of the next layer need smooth input. A circuit without
    neurons gets filtered spikes.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        The max-pooling layer.
    converter : nengo_dl.Converter
        The converter that it belongs to.

    Examples
    --------
    >>> from maxpool_circuits.nengo_dl import ConvertMaxPool, Converter
    >>> import tensorflow as tf
    >>> Converter.converters[tf.keras.layers.MaxPool2D] is ConvertMaxPool
    True
    """

    def convert(self, node_id):
        """Make the node for the maxima; its circuit follows in ``finish``."""
        if self.converter.max_to_avg_pool:
            return _stock(self.layer)(self.layer, self.converter).convert(node_id)
        windows = self._windows(node_id)
        source, output = self.get_input_obj(node_id), self.add_nengo_obj(node_id)
        channels_last = self.layer.data_format == "channels_last"
        channels = channels_of(windows.input_shape, channels_last)
        network = nengo.Network.context[-1]
        pool = Pool(self.layer, windows, source, output, network, channels)
        pools_of(self.converter).append(pool)
        return output

    @classmethod
    def convertible(cls, layer, converter):
        """All of these layers are convertible, but for some averages."""
        if converter.max_to_avg_pool:
            return _stock(layer).convertible(layer, converter)
        return super().convertible(layer, converter)

    def _windows(self, node_id):
        """Read the windows of the layer from its arguments."""
        layer, shape = self.layer, self.input_shape(node_id)
        if self.converter.temporal_model:
            # inside TimeDistributed, NengoDL says False here
            raise ValidationError(
                f"{layer.name!r} must be wrapped in TimeDistributed, because the "
                "model is temporal: alone, it takes time for one of the axes it pools",
                attr="layer",
            )
        channels_last = layer.data_format == "channels_last"
        if not hasattr(layer, "pool_size"):
            return PoolWindows.global_pooling(shape, channels_last=channels_last)
        return PoolWindows(
            shape,
            layer.pool_size,
            layer.strides,
            layer.padding,
            channels_last=channels_last,
        )


def _stock(layer):
    """NengoDL's converter of a max-pooling layer, which averages."""
    return next(m for kind, m in MAX_POOL_LAYERS.items() if isinstance(layer, kind))


class ConvertModel(nengo_dl.converter.ConvertModel):
    """Convert a model, also a sequential one inside of another, circuits at the end."""

    def convert(self, node_id):
        """Convert the model; inner models leave their pools to the outermost one."""
        network = super().convert(node_id)
        if node_id is None:
            finish(network, self.converter)
        return network


class ConvertIdentity(LayerConverter):
    """Convert a layer that passes its input on when a model is only run."""

    def convert(self, node_id):
        """Make nothing."""
        return self.get_input_obj(node_id)

    @classmethod
    def convertible(cls, layer, converter):
        """Only for a model that is not trained any more."""
        if not converter.inference_only:
            return False, f"{layer.name!r} passes its input on only in inference"
        return super().convertible(layer, converter)


class ConvertMove(LayerConverter):
    """Convert a layer that only moves, repeats or leaves out values."""

    def convert(self, node_id):
        """Ask the layer itself where its values come from."""
        if self.converter.temporal_model:
            return self.get_input_obj(node_id)
        shape = self.input_shape(node_id)
        numbered = np.arange(1, np.prod(shape) + 1, dtype=np.float64).reshape(1, *shape)
        # a copy that numbers may be sent through without a trace in the model
        config = {**self.layer.get_config(), "dtype": "float64"}
        moved = type(self.layer).from_config(config)(numbered)
        origin = np.ravel(moved).astype(int) - 1
        if np.array_equal(origin, np.arange(np.prod(shape))):
            return self.get_input_obj(node_id)
        output = self.add_nengo_obj(node_id)
        present = np.flatnonzero(origin >= 0)
        transform = nengo.Sparse(
            (len(origin), int(np.prod(shape))),
            indices=np.stack([present, origin[present]], axis=1),
        )
        self.add_connection(node_id, output, transform=transform)
        return output

    @classmethod
    def convertible(cls, layer, converter):
        """Not where values are mixed, nor across time."""
        if isinstance(layer, tf.keras.layers.CenterCrop):
            sizes = layer.height, layer.width
            if any(np.less(layer.input_shape[-3:-1], sizes)):
                return False, f"{layer.name!r} enlarges its images"
        elif getattr(layer, "interpolation", "nearest") != "nearest":
            return False, f"{layer.name!r} interpolates other than by nearest values"
        keeps_order = (tf.keras.layers.Flatten, tf.keras.layers.Reshape)
        if converter.temporal_model and not isinstance(layer, keeps_order):
            return False, f"{layer.name!r} must be wrapped in TimeDistributed"
        return super().convertible(layer, converter)


class ConvertElementwise(LayerConverter):
    """Convert a layer that scales and shifts each value."""

    def convert(self, node_id):
        """Ask the layer itself what it makes of zeros and ones."""
        n_steps = 2 if self.converter.temporal_model else 1
        shape = (1,) * n_steps + tuple(self.input_shape(node_id))
        shift, sum_of_both = (
            np.ravel(self.layer(np.full(shape, value, np.float32))) for value in (0, 1)
        )
        output = self.add_nengo_obj(node_id)
        self.add_connection(node_id, output, transform=sum_of_both - shift)
        if shift.any():
            constant = nengo.Node([1], label=f"{self.layer.name}.shift")
            connection = nengo.Connection(
                constant, output, transform=shift[:, np.newaxis], synapse=None
            )
            self.set_trainable(connection, False)
        return output


class ConvertUnknown(nengo_dl.converter.ConvertFallback):
    """Leave a layer to TensorFlow, with the synapse that NengoDL's fallback forgets."""

    def convert(self, node_id):
        """Make a TensorNode."""
        node = nengo_dl.TensorNode(
            self.tensor_layer.layer_func,
            shape_in=self.input_shape(node_id),
            pass_time=False,
            label=self.layer.name,
        )
        self.add_connection(node_id, node)
        return node


def _layers(names):
    """Layers of Keras by name, which are too many for a line each."""
    return tuple(getattr(tf.keras.layers, name) for name in names.split())


#: Layers that pass their input on when a model is only run.
IDENTITIES = _layers(
    "ActivityRegularization AlphaDropout Dropout GaussianDropout GaussianNoise "
    "RandomBrightness RandomContrast RandomFlip RandomHeight RandomRotation "
    "RandomTranslation RandomWidth RandomZoom "
    "SpatialDropout1D SpatialDropout2D SpatialDropout3D"
)
#: The converters of all layers but models.
CONVERTERS = {
    **dict.fromkeys(MAX_POOL_LAYERS, ConvertMaxPool),
    **dict.fromkeys(IDENTITIES, ConvertIdentity),
    **dict.fromkeys(_layers("Normalization Rescaling"), ConvertElementwise),
    **dict.fromkeys(
        _layers(
            "CenterCrop Cropping1D Cropping2D Cropping3D Flatten Permute RepeatVector "
            "Reshape UpSampling1D UpSampling2D UpSampling3D"
        ),
        ConvertMove,
    ),
    **dict.fromkeys(_layers("Dot Maximum Minimum Multiply Subtract"), ConvertFunction),
    **dict.fromkeys(OP_LAYERS, ConvertFunction),
    None: ConvertUnknown,
}
SOFTMAX = (
    "the largest output stays the same, and tf.nn.softmax of the outputs is what Keras "
    "returns"
)
#: What to do about layers that cannot be converted.
ADVICE = {
    tf.keras.layers.DepthwiseConv2D: "use Conv2D with groups, which is the same",
    tf.keras.layers.Lambda: "apply its function to tensors, without a layer",
    tf.keras.layers.LayerNormalization: "train with BatchNormalization instead",
    tf.keras.layers.ReLU: "train with a ReLU without max_value and threshold",
    tf.keras.layers.Softmax: f"leave it out; {SOFTMAX}",
    tf.keras.layers.SeparableConv2D: "use two Conv2D, the first with groups",
}


def check_convertible(layer, converter):
    """Refuse what NengoDL would refuse without the layer's name or a remedy."""
    remedy = _remedy(layer, converter)
    if remedy is not None:
        raise TypeError(f"{type(layer).__name__} {layer.name!r} {remedy}.")


def _remedy(layer, converter):
    """What a layer has that cannot be converted, and what to do; None if nothing."""
    if isinstance(layer, tf.keras.Model) and not getattr(layer, "outputs", None):
        return (
            "has layers that cannot be found; build it from layers, by "
            "tf.keras.Model(inputs, outputs) or tf.keras.Sequential with a "
            "tf.keras.Input at the start"
        )
    if isinstance(layer, tf.keras.layers.Dense):
        n_axes = len(layer.get_input_shape_at(0)) - 1 - converter.temporal_model
        if n_axes > 1:
            return (
                f"works on one of {n_axes} axes; use a convolution of size 1 with "
                f"{layer.units} filters, which is the same"
            )
    activation = getattr(layer, "activation", None)
    activation = converter.swap_activations.get(activation, activation)
    known = activation in LayerConverter.activation_map
    if known or isinstance(activation, NeuronType) or converter.allow_fallback:
        return None
    name = name_of(activation)
    if name == "softmax":
        line = f"get_layer({layer.name!r}).activation = tf.keras.activations.linear"
        return f"has a softmax; leave it out by model.{line}: {SOFTMAX}"
    return (
        f"has the activation {name!r}, for which Nengo has no neurons; train "
        "with relu, or name what takes its place in swap_activations; with "
        "allow_fallback=True TensorFlow computes it, without spikes"
    )
