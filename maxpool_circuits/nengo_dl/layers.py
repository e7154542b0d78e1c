"""Converters of the layers of a network that has max pooling in it."""

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType
from nengo_dl.converter import LayerConverter

from ..network.windows import PoolWindows
from .activations import name_of
from .pooling import Pool, finish, pools_of

#: The layers that are converted, with NengoDL's own converter of each.
MAX_POOL_LAYERS = {
    layer: nengo_dl.Converter.converters[layer]
    for layer in (
        tf.keras.layers.MaxPool1D,
        tf.keras.layers.MaxPool2D,
        tf.keras.layers.MaxPool3D,
        tf.keras.layers.GlobalMaxPool1D,
        tf.keras.layers.GlobalMaxPool2D,
        tf.keras.layers.GlobalMaxPool3D,
    )
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
    Exact after rate neurons, and a circuit after spiking ones:

    >>> import nengo
    >>> from maxpool_circuits.nengo_dl import Converter
    >>> import tensorflow as tf
    >>> image = tf.keras.Input((4, 4, 1))
    >>> active = tf.keras.layers.Activation(tf.nn.relu)(image)
    >>> model = tf.keras.Model(image, tf.keras.layers.MaxPool2D(2)(active))
    >>> for neuron_type in (nengo.RectifiedLinear(), nengo.SpikingRectifiedLinear()):
    ...     net = Converter(
    ...         model,
    ...         swap_activations={tf.nn.relu: neuron_type},
    ...         scale_firing_rates=100,
    ...     ).net
    ...     print(*(type(pool).__name__ for pool in net.networks))
    ExactMax
    WinnerTakeAll
    """

    def convert(self, node_id):
        """Make the node for the maxima; its circuit follows in ``finish``."""
        if self.converter.max_to_avg_pool:
            stock = _stock(type(self.layer))(self.layer, self.converter)
            return stock.convert(node_id)
        windows = self._windows(node_id)
        output = self.add_nengo_obj(node_id)
        pools_of(self.converter).append(
            Pool(
                layer=self.layer,
                windows=windows,
                source=self.get_input_obj(node_id),
                output=output,
                network=nengo.Network.context[-1],
            )
        )
        return output

    @classmethod
    def convertible(cls, layer, converter):
        """All of these layers are convertible, but for some averages."""
        if converter.max_to_avg_pool:
            return _stock(type(layer)).convertible(layer, converter)
        return super().convertible(layer, converter)

    def _windows(self, node_id):
        """Read the windows of the layer from its arguments."""
        if self.converter.temporal_model:
            # inside TimeDistributed, NengoDL says False here
            raise ValidationError(
                f"{self.layer.name!r} must be wrapped in TimeDistributed, because the "
                "model is temporal: alone, it takes time for one of the axes it pools",
                attr="layer",
            )
        channels_last = self.layer.data_format == "channels_last"
        shape = self.input_shape(node_id)
        if not hasattr(self.layer, "pool_size"):
            return PoolWindows.global_pooling(shape, channels_last=channels_last)
        # Keras keeps sizes of 1-D pools as tuples or as numbers, by version
        n_spatial = len(shape) - 1
        return PoolWindows(
            shape,
            pool_size=_per_axis(self.layer.pool_size, n_spatial),
            strides=_per_axis(self.layer.strides, n_spatial),
            padding=self.layer.padding,
            channels_last=channels_last,
        )


def _stock(layer_class):
    """NengoDL's converter of a max-pooling layer, which averages."""
    bases = (base for base in layer_class.__mro__ if base in MAX_POOL_LAYERS)
    return MAX_POOL_LAYERS[next(bases)]


def _per_axis(sizes, n_axes):
    """One number per spatial axis, as plain integers."""
    sizes = (sizes,) * n_axes if isinstance(sizes, int) else sizes
    return tuple(int(size) for size in sizes)


class ConvertModel(nengo_dl.converter.ConvertModel):
    """Convert a functional or sequential model, with its circuits at the end.

    NengoDL makes a new model of a sequential one, which fails inside of another.
    """

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
        origin = np.ravel(_fresh(self.layer)(numbered)).astype(int) - 1
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


def _fresh(layer):
    """A copy that numbers may be sent through without a trace in the model."""
    return type(layer).from_config({**layer.get_config(), "dtype": "float64"})


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
    """Leave a layer to TensorFlow, which gets filtered spikes.

    NengoDL's own fallback forgets the synapse.
    """

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


#: Layers that pass their input on when a model is only run.
IDENTITIES = (
    tf.keras.layers.ActivityRegularization,
    tf.keras.layers.AlphaDropout,
    tf.keras.layers.Dropout,
    tf.keras.layers.GaussianDropout,
    tf.keras.layers.GaussianNoise,
    tf.keras.layers.RandomBrightness,
    tf.keras.layers.RandomContrast,
    tf.keras.layers.RandomFlip,
    tf.keras.layers.RandomHeight,
    tf.keras.layers.RandomRotation,
    tf.keras.layers.RandomTranslation,
    tf.keras.layers.RandomWidth,
    tf.keras.layers.RandomZoom,
    tf.keras.layers.SpatialDropout1D,
    tf.keras.layers.SpatialDropout2D,
    tf.keras.layers.SpatialDropout3D,
)
#: Layers that scale and shift each value.
ELEMENTWISE = (tf.keras.layers.Normalization, tf.keras.layers.Rescaling)
#: Layers that only move, repeat or leave out values.
MOVES = (
    tf.keras.layers.CenterCrop,
    tf.keras.layers.Cropping1D,
    tf.keras.layers.Cropping2D,
    tf.keras.layers.Cropping3D,
    tf.keras.layers.Flatten,
    tf.keras.layers.Permute,
    tf.keras.layers.RepeatVector,
    tf.keras.layers.Reshape,
    tf.keras.layers.UpSampling1D,
    tf.keras.layers.UpSampling2D,
    tf.keras.layers.UpSampling3D,
)
SOFTMAX = (
    "the largest output stays the same, and tf.nn.softmax of the outputs is what Keras "
    "returns"
)
#: What to do about layers that cannot be converted.
ADVICE = {
    tf.keras.layers.DepthwiseConv2D: "use Conv2D with groups, which is the same",
    tf.keras.layers.LayerNormalization: "train with BatchNormalization instead",
    tf.keras.layers.ReLU: "train with a ReLU without max_value and threshold",
    tf.keras.layers.Softmax: f"leave it out; {SOFTMAX}",
    tf.keras.layers.SeparableConv2D: "use two Conv2D, the first with groups",
}


def check_convertible(layer, converter):
    """Refuse what NengoDL would refuse without the layer's name or a remedy."""
    remedy = None
    if isinstance(layer, tf.keras.Model) and not getattr(layer, "outputs", None):
        remedy = (
            "has layers that cannot be found; build it from layers, by "
            "tf.keras.Model(inputs, outputs) or tf.keras.Sequential with a "
            "tf.keras.Input at the start"
        )
    elif isinstance(layer, tf.keras.layers.Dense):
        n_axes = len(layer.get_input_shape_at(0)) - 1 - converter.temporal_model
        if n_axes > 1:
            remedy = (
                f"works on one of {n_axes} axes; use a convolution of size 1 with "
                f"{layer.units} filters, which is the same"
            )
    activation = getattr(layer, "activation", None)
    activation = converter.swap_activations.get(activation, activation)
    known = activation in LayerConverter.activation_map
    if not (known or isinstance(activation, NeuronType) or converter.allow_fallback):
        name = name_of(activation)
        if name == "softmax":
            line = f"get_layer({layer.name!r}).activation = tf.keras.activations.linear"
            remedy = f"has a softmax; leave it out by model.{line}: {SOFTMAX}"
        else:
            remedy = (
                f"has the activation {name!r}, for which Nengo has no neurons; train "
                "with relu, or name what takes its place in swap_activations; with "
                "allow_fallback=True TensorFlow computes it, without spikes"
            )
    if remedy is not None:
        raise TypeError(f"{type(layer).__name__} {layer.name!r} {remedy}.")
