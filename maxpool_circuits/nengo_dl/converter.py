"""A converter that turns Keras max-pooling layers into max-pool circuits."""

import functools

import nengo
import nengo_dl
import tensorflow as tf
from nengo.ensemble import Neurons
from nengo.exceptions import ValidationError
from nengo_dl.converter import LayerConverter
from nengo_dl.graph_optimizer import noop_planner

from ..network.base import MaxPoolNetwork
from ..network.windows import PoolWindows
from ..registry import find, make
from .compatibility import check_keras_2

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

    The pool follows the neurons that its inputs come from. If none of them spikes, it
    is exact. If they do, one of their spikes is worth one unit in the pool, which gets
    the spikes themselves; the converter's synapse comes *after* the pool, because the
    membranes of the circuit average better than a filter in front of it does, and the
    neurons of the next layer need smooth input. A circuit without neurons gets filtered
    spikes.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        The max-pooling layer.
    converter : nengo_dl.Converter
        The converter that it belongs to.

    Examples
    --------
    Exact behind rate neurons, and a circuit behind spiking ones:

    >>> import nengo
    >>> from maxpool_circuits.nengo_dl import Converter
    >>> import tensorflow as tf
    >>> image = tf.keras.Input((4, 4, 1))
    >>> active = tf.keras.layers.Activation(tf.nn.relu)(image)
    >>> model = tf.keras.Model(image, tf.keras.layers.MaxPool2D(2)(active))
    >>> for neuron_type in (nengo.RectifiedLinear(), nengo.SpikingRectifiedLinear()):
    ...     net = Converter(model, swap_activations={tf.nn.relu: neuron_type}).net
    ...     print(*(type(pool).__name__ for pool in net.networks))
    ExactMax
    WinnerTakeAll
    """

    def convert(self, node_id):
        """Make the circuit for one application of the layer.

        Parameters
        ----------
        node_id : int
            Which application.

        Returns
        -------
        nengo.Node
            The maxima.

        Raises
        ------
        nengo.exceptions.ValidationError
            If the circuit cannot be made, or if the model is temporal and the layer is
            not wrapped in TimeDistributed.
        """
        if self.converter.max_to_avg_pool:
            return self._stock(type(self.layer))(self.layer, self.converter).convert(
                node_id
            )
        windows = self._windows(node_id)
        source = self.get_input_obj(node_id)
        # the networks of models around the one that the layer is in, then its own
        converted = [n for n in nengo.Network.context if hasattr(n, "layer_map")]
        rate = spiking_rate(source, converted)
        pool = self._make(windows, rate)
        with pool:
            nengo_dl.configure_settings(trainable=False)
        with converted[0]:
            # merged operators share arrays, and writing to a part of one is slow
            nengo_dl.configure_settings(planner=noop_planner)

        if pool.n_neurons == 0:
            self.add_connection(node_id, pool.input)
            return pool.output
        before, after = self.synapses(rate)
        self.add_connection(node_id, pool.input, synapse=before)
        output = self.add_nengo_obj(node_id)
        connection = nengo.Connection(pool.output, output, synapse=after)
        self.set_trainable(connection, False)
        return output

    def synapses(self, rate):
        """Choose the synapses before and after a circuit that has neurons.

        Parameters
        ----------
        rate : float or None
            Spikes per second and unit of the inputs, None if they do not spike.

        Returns
        -------
        before, after : nengo.synapses.Synapse or float or None
            The synapses.
        """
        return None, None if rate is None else self.converter.synapse

    @classmethod
    def convertible(cls, layer, converter):
        """Say whether a layer can be converted: all of them, but for averages.

        Parameters
        ----------
        layer : tf.keras.layers.Layer
            The layer.
        converter : nengo_dl.Converter
            The converter.

        Returns
        -------
        convertible : bool
            Whether it can be converted.
        message : str or None
            Why it cannot.
        """
        if converter.max_to_avg_pool:
            return cls._stock(type(layer)).convertible(layer, converter)
        return super().convertible(layer, converter)

    @staticmethod
    def _stock(layer_class):
        """NengoDL's converter of a layer, which averages."""
        return next(
            MAX_POOL_LAYERS[base]
            for base in layer_class.__mro__
            if base in MAX_POOL_LAYERS
        )

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

    def _make(self, windows, rate):
        """Make the circuit that was asked for, or the best one for its inputs."""
        circuit = getattr(self.converter, "max_pool", None)
        if isinstance(circuit, dict):
            circuit = circuit.get(self.layer)
        if circuit is None:
            circuit = "exact" if rate is None else "winner-take-all"
        circuit = find(circuit)
        options = {"label": self.layer.name}
        if rate is not None:
            options["max_rate"] = rate
        return make(_with_defaults(circuit, options), windows)


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
        As in `nengo_dl.Converter`; ``max_to_avg_pool=True`` still averages.
    max_pool : str, class, callable or dict, optional (Default: None)
        The circuit: a name, a subclass of `.MaxPoolNetwork`, or a callable that takes
        windows; or a dict of {layer: one of these}. Options of a circuit are set with
        `functools.partial`. The default is ``exact`` in networks of rate neurons and
        ``winner-take-all`` behind spiking neurons. Unless it is set, ``max_rate``
        follows ``scale_firing_rates``.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a circuit is unknown, or refuses an option, or ``max_pool`` has a key that
        is no max-pooling layer of the model, or the model is built with Keras 3.

    Examples
    --------
    Max pooling of the numbers from 0 to 15, in Nengo:

    >>> import nengo
    >>> import numpy as np
    >>> from maxpool_circuits.nengo_dl import Converter
    >>> import nengo_dl
    >>> import tensorflow as tf
    >>> image = tf.keras.Input((4, 4, 1))
    >>> model = tf.keras.Model(image, tf.keras.layers.MaxPool2D(2)(image))
    >>> converter = Converter(model)
    >>> with nengo_dl.Simulator(converter.net, progress_bar=False) as sim:
    ...     outputs = sim.predict(np.arange(16).reshape(1, 1, 16), verbose=0)
    >>> print(outputs[converter.outputs[model.output]])
    [[[ 5.  7. 13. 15.]]]

    A network of spiking neurons, with another circuit and a firing rate of one's own:

    >>> active = tf.keras.layers.Activation(tf.nn.relu)(image)
    >>> model = tf.keras.Model(image, tf.keras.layers.MaxPool2D(2)(active))
    >>> converter = Converter(
    ...     model,
    ...     swap_activations={tf.nn.relu: nengo.SpikingRectifiedLinear()},
    ...     scale_firing_rates=100,
    ...     synapse=0.005,
    ...     max_pool="pairwise-relu",
    ... )
    >>> (pool,) = converter.net.networks
    >>> pool.n_neurons, pool.max_rate
    (12, 100.0)
    """

    converters = {
        **nengo_dl.Converter.converters,
        **dict.fromkeys(MAX_POOL_LAYERS, ConvertMaxPool),
    }

    def __init__(self, model, *args, max_pool=None, **options):
        check_keras_2(model)
        chosen = max_pool.values() if isinstance(max_pool, dict) else [max_pool]
        for circuit in chosen:
            # an unknown name is better told before the model is converted
            if circuit is not None:
                find(circuit)
        self.max_pool = max_pool
        super().__init__(model, *args, **options)
        for layer in max_pool if isinstance(max_pool, dict) else ():
            if not isinstance(self._layer_converters.get(layer), ConvertMaxPool):
                raise ValidationError(
                    "the keys must be max-pooling layers of the model, inside of "
                    f"TimeDistributed if there is one, got {layer!r}",
                    attr="max_pool",
                    obj=self,
                )

    def get_converter(self, layer):
        """Find the converter of a layer; subclasses of max-pooling layers have it too.

        Parameters
        ----------
        layer : tf.keras.layers.Layer
            The layer.

        Returns
        -------
        nengo_dl.converter.LayerConverter
            Its converter.
        """
        known = type(layer) in self.converters
        if not known and isinstance(layer, tuple(MAX_POOL_LAYERS)):
            self.converters = {**self.converters, type(layer): ConvertMaxPool}
        return super().get_converter(layer)


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
    nengo_dl.Converter.converters.update(dict.fromkeys(MAX_POOL_LAYERS, ConvertMaxPool))


def spiking_rate(source, networks):
    """How many spikes carry a value of one, at the neurons that values come from.

    Parameters
    ----------
    source : nengo.Node or nengo.ensemble.Neurons
        Where the values are.
    networks : list of nengo.Network
        The outermost network, then the networks in it that the source is in. Nodes are
        followed back to neurons. Inputs of inner networks are not connected yet: they
        may come from any neurons that there are.

    Returns
    -------
    float or None
        Spikes per second and unit: the smallest rate, if there are several. None if no
        values come from neurons that spike.

    Examples
    --------
    >>> import nengo
    >>> from maxpool_circuits.nengo_dl.converter import spiking_rate
    >>> neuron_type = nengo.SpikingRectifiedLinear(amplitude=0.01)
    >>> with nengo.Network() as net:
    ...     neurons = nengo.Ensemble(4, 1, neuron_type=neuron_type).neurons
    ...     node = nengo.Node(size_in=4)
    ...     _ = nengo.Connection(neurons, node)
    >>> spiking_rate(node, [net])
    100.0
    """
    outermost, innermost = networks[0], networks[-1]
    incoming = {}
    for connection in outermost.all_connections:
        incoming.setdefault(connection.post_obj, []).append(connection.pre_obj)
    layer_neurons = [ensemble.neurons for ensemble in outermost.ensembles]
    for network in outermost.all_networks:
        if hasattr(network, "layer_map"):
            layer_neurons += [ensemble.neurons for ensemble in network.ensembles]
        elif hasattr(network, "input") and hasattr(network, "output"):
            # the neurons of a circuit have a scale of their own
            incoming[network.output] = [network.input]
    seen, rates, sources = set(), [], [source]
    while sources:
        source = sources.pop()
        if source in seen:
            continue
        seen.add(source)
        if isinstance(source, Neurons):
            neuron_type = source.ensemble.neuron_type
            if neuron_type.spiking:
                rates.append(1 / getattr(neuron_type, "amplitude", 1))
        elif source in incoming:
            sources.extend(incoming[source])
        elif innermost is not outermost and source in innermost.nodes:
            sources.extend(layer_neurons)
    return min(rates) if rates else None


def _per_axis(sizes, n_axes):
    """One number per spatial axis, as plain integers."""
    sizes = (sizes,) * n_axes if isinstance(sizes, int) else sizes
    return tuple(int(size) for size in sizes)


def _with_defaults(circuit, options):
    """Give a circuit options, unless it has them already or takes none."""
    if isinstance(circuit, functools.partial):
        options = {k: v for k, v in options.items() if k not in circuit.keywords}
        made_by = circuit.func
    else:
        made_by = circuit
    is_class = isinstance(made_by, type) and issubclass(made_by, MaxPoolNetwork)
    return functools.partial(circuit, **options) if is_class else circuit
