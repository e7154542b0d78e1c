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
from .functions import ConvertFunction, add_constant, add_move
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
        if node_id is None and hasattr(self.converter, "prepare"):
            self.converter.prepare(self.layer)
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
        return add_move(self, node_id, origin)

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
            add_constant(self, output, shift)
        return output


class OnlyRun(LayerConverter):
    """Base class for layers whose weights are not trained any more."""

    @classmethod
    def convertible(cls, layer, converter):
        """Only for a model that is not trained any more."""
        if not converter.inference_only:
            return False, f"{layer.name!r} converts only with inference_only=True"
        return super().convertible(layer, converter)

    def add_bias(self, node_id, output):
        """Add the bias of each channel."""
        values, shape = self.layer.bias.numpy(), self.output_shape(node_id)
        if getattr(self.layer, "data_format", None) == "channels_first":
            values = np.reshape(values, (-1, *(1,) * (len(shape) - 1)))
        add_constant(self, output, np.ravel(np.broadcast_to(values, shape)))


class ConvertConvolution(OnlyRun):
    """Convert a layer that is a convolution with a kernel of another form."""

    def convert(self, node_id):
        """Make a convolution, with zeros in the kernel where it is dilated."""
        layer, shape = self.layer, self.input_shape(node_id)
        kernel, groups = self._kernel()
        dilations = layer.dilation_rate[: kernel.ndim - 2]
        sizes = [(n - 1) * d + 1 for n, d in zip(kernel.shape, dilations)]
        dilated = np.zeros((*sizes, *kernel.shape[-2:]))
        dilated[tuple(slice(None, None, d) for d in dilations)] = kernel
        output = self.add_nengo_obj(node_id, activation=layer.activation)
        transform = nengo.Convolution(
            kernel.shape[-1],
            shape,
            kernel_size=sizes,
            strides=layer.strides,
            padding=layer.padding,
            channels_last=layer.data_format == "channels_last",
            init=dilated,
            groups=groups,
        )
        self.add_connection(node_id, output, transform=transform)
        if layer.use_bias:
            self.add_bias(node_id, output)
        return output

    def _kernel(self):
        """The kernel of an ordinary convolution, and its number of groups."""
        layer = self.layer
        if not hasattr(layer, "depthwise_kernel"):
            return layer.kernel.numpy(), layer.groups
        # (..., inputs, outputs of each)
        depthwise = layer.depthwise_kernel.numpy()
        *sizes, n_inputs, n_each = depthwise.shape
        if not hasattr(layer, "pointwise_kernel"):
            return depthwise.reshape(*sizes, 1, n_inputs * n_each), n_inputs
        pointwise = layer.pointwise_kernel.numpy().reshape(n_inputs, n_each, -1)
        return np.einsum("...ij,ijk->...ik", depthwise, pointwise), 1

    @classmethod
    def convertible(cls, layer, converter):
        """NengoDL's own converter is for what it can train."""
        if layer.padding == "causal":
            return False, f"{layer.name!r} has the padding 'causal'; use ZeroPadding1D"
        return super().convertible(layer, converter)


def is_dilated(layer):
    """Whether a convolution leaves out values between those that it looks at."""
    return np.any(np.asarray(getattr(layer, "dilation_rate", 1)) > 1)


def as_stock(converter, node_id):
    """Convert a layer as NengoDL does, to objects that a converter of ours makes."""
    stock = STOCK[type(converter.layer)](converter.layer, converter.converter)
    stock.add_nengo_obj = converter.add_nengo_obj
    return stock.convert(node_id)


class ConvertDilated(ConvertConvolution):
    """Convert a convolution that may be dilated, which NengoDL's must not."""

    has_weights = True

    def convert(self, node_id):
        """Leave to NengoDL what it converts."""
        if is_dilated(self.layer):
            return super().convert(node_id)
        return as_stock(self, node_id)

    @classmethod
    def convertible(cls, layer, converter):
        """As what converts it."""
        if is_dilated(layer):
            return super().convertible(layer, converter)
        return STOCK[type(layer)].convertible(layer, converter)


class ConvertTransposed(OnlyRun):
    """Convert a transposed convolution."""

    def convert(self, node_id):
        """Make Nengo's own transposed convolution."""
        layer = self.layer
        output = self.add_nengo_obj(node_id, activation=layer.activation)
        transform = nengo.transforms.ConvolutionTranspose(
            layer.filters,
            self.input_shape(node_id),
            output_shape=self.output_shape(node_id),
            kernel_size=layer.kernel_size,
            strides=layer.strides,
            padding=layer.padding,
            channels_last=layer.data_format == "channels_last",
            init=np.swapaxes(layer.kernel.numpy(), -1, -2),
        )
        self.add_connection(node_id, output, transform=transform)
        if layer.use_bias:
            self.add_bias(node_id, output)
        return output


class ConvertBends(OnlyRun):
    """Convert an activation that is linear but where it bends: a sum of ReLUs."""

    def convert(self, node_id):
        """Make a layer of neurons for each bend."""
        output = self.add_nengo_obj(node_id)
        size = output.size_in
        for sign, start, weight in self._bends(node_id):
            neurons = self.add_nengo_obj(
                node_id, biases=np.full(size, start, float), activation=tf.nn.relu
            )
            self.set_trainable(neurons, False)
            self.add_connection(node_id, neurons, transform=sign)
            connection = nengo.Connection(
                neurons, output, transform=weight, synapse=self.converter.synapse
            )
            self.set_trainable(connection, False)
        return output

    def _bends(self, node_id):
        """Sign and shift of the input, and weight of the output, of each ReLU."""
        layer = self.layer
        if isinstance(layer, tf.keras.layers.PReLU):
            slopes = np.broadcast_to(layer.alpha.numpy(), self.output_shape(node_id))
            return [(1, 0, 1), (-1, 0, -np.ravel(slopes))]
        bends = [(1, 0, 1), (1, -layer.max_value, -1)]
        slope = float(layer.negative_slope)
        return [*bends, (-1, 0, -slope)] if slope else bends


class ConvertReLU(ConvertBends):
    """Convert a ReLU, also one with a largest value."""

    def convert(self, node_id):
        """Make neurons."""
        if self.layer.max_value is None:
            return as_stock(self, node_id)
        return super().convert(node_id)

    @classmethod
    def convertible(cls, layer, converter):
        """All but those that jump."""
        if layer.threshold:
            return False, f"{layer.name!r} jumps at its threshold; use one of 0"
        return LayerConverter.convertible.__func__(cls, layer, converter)


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
#: Layers that are convolutions with kernels of another form.
CONVOLUTIONS = _layers(
    "DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D"
)
TRANSPOSED = _layers("Conv1DTranspose Conv2DTranspose Conv3DTranspose")
#: Layers whose weights NengoDL could not train.
ONLY_RUN = (*IDENTITIES, *CONVOLUTIONS, *TRANSPOSED, tf.keras.layers.PReLU)
#: NengoDL's own converters.
STOCK = dict(nengo_dl.Converter.converters)
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
    **dict.fromkeys(CONVOLUTIONS, ConvertConvolution),
    **dict.fromkeys(_layers("Conv1D Conv2D Conv3D"), ConvertDilated),
    **dict.fromkeys(TRANSPOSED, ConvertTransposed),
    tf.keras.layers.PReLU: ConvertBends,
    tf.keras.layers.ReLU: ConvertReLU,
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
    tf.keras.layers.Lambda: "apply its function to tensors, without a layer",
    tf.keras.layers.LayerNormalization: "train with BatchNormalization instead",
    tf.keras.layers.Softmax: f"leave it out; {SOFTMAX}",
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
        f"has the activation {name!r}. Unsupported activation type: Nengo has no "
        "neurons for it. Train with relu, or name what takes its place in "
        "swap_activations; with allow_fallback=True TensorFlow computes it, without "
        "spikes"
    )
