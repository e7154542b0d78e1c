"""Converters of what is computed of tensors: functions in a model, and merging layers.

What a function computes is asked of the function itself, on numbers, so that there is
one way for all that is linear and all that moves values.
"""

import inspect
from math import prod

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf
from nengo_dl.converter import LayerConverter

from ..network.windows import PoolWindows
from .activations import LEAKY_RELU, OpLayer, name_of
from .pooling import Pool, channels_of, pools_of

#: What takes the larger, or the smaller, of its inputs, value by value.
EXTREMES = ("Maximum", "Minimum", "math.maximum", "math.minimum")
#: What takes the largest, or the smallest, value along axes.
REDUCTIONS = ("math.reduce_max", "math.reduce_min")
#: What pools as layers do.
POOLS = tuple(f"{name}.max_pool" for name in ("nn", "compat.v1.nn"))


class ConvertFunction(LayerConverter):
    """Convert a function of tensors, or a layer that merges its inputs."""

    #: NengoDL would leave out the arguments of a function, and inputs but the first.
    allow_fallback = False

    def convert(self, node_id):
        """Convert a maximum, an activation, a move, or what is linear."""
        node = self.layer.inbound_nodes[node_id]
        if takes_maxima(self.layer):
            return self._maxima(node_id, *windows_of(node))
        activation = activation_of_op(node)
        if activation is not None:
            output = self.add_nengo_obj(node_id, activation=activation)
            self.add_connection(node_id, output)
            return output
        origin = moved(node)
        if origin is not None:
            return add_move(self, node_id, origin)
        return self._linear(node_id, *linear(node))

    def _maxima(self, node_id, sign, windows, channels):
        """Leave a pool of the inputs, one after another, to the end."""
        n_inputs = len(self.layer.inbound_nodes[node_id].keras_inputs)
        if n_inputs == sign == 1:
            source = self.get_input_obj(node_id)
        else:
            source = nengo.Node(size_in=windows.n_inputs, label="inputs")
            for i, part in enumerate(np.split(np.arange(source.size_in), n_inputs)):
                part = source[part[0] : part[-1] + 1]
                self.add_connection(node_id, part, input_idx=i, transform=sign)
        output, network = self.add_nengo_obj(node_id), nengo.Network.context[-1]
        pool = Pool(self.layer, windows, source, output, network, channels)
        pools_of(self.converter).append(pool)
        if sign == 1:
            return output
        negated = self.add_nengo_obj(node_id)
        connection = nengo.Connection(output, negated, transform=-1, synapse=None)
        self.set_trainable(connection, False)
        return negated

    def _linear(self, node_id, shift, weights):
        output = self.add_nengo_obj(node_id)
        for i, weight in enumerate(weights):
            self.add_connection(node_id, output, input_idx=i, transform=weight)
        if shift.any():
            add_constant(self, output, shift)
        return output

    def get_input_obj(self, node_id, tensor_idx=0):
        """Get an input, wherever it is among the arguments."""
        tensor = self.layer.inbound_nodes[node_id].keras_inputs[tensor_idx]
        layer, node_id, tensor_idx = tensor._keras_history
        return nengo.Network.context[-1].layer_map[layer][node_id][tensor_idx]

    @classmethod
    def convertible(cls, layer, converter):
        """See whether the function is one of those."""
        node = layer.inbound_nodes[0]
        name = f"{function_name(layer)} in {layer.name!r}"
        if converter.temporal_model and isinstance(layer, OpLayer):
            return False, f"{name} is not in a layer, as models over time must have it"
        if takes_maxima(layer):
            if windows_of(node) is None:
                return False, (
                    f"{name} does not take the maximum of tensors of one shape, or "
                    "along axes of one; write a ReLU as tf.nn.relu"
                )
        elif (
            activation_of_op(node) is None
            and moved(node) is None
            and linear(node) is None
        ):
            return False, (
                f"{name} is neither a maximum, an activation that has neurons, nor "
                "linear in each value of its inputs; train without it, for example "
                "with Add, Average, Concatenate, Maximum or a layer with weights"
            )
        return super().convertible(layer, converter)


def add_move(converter, node_id, origin):
    """Make a node with values of the input, by number; 0 where that is negative."""
    output = converter.add_nengo_obj(node_id)
    present = np.flatnonzero(origin >= 0)
    transform = nengo.Sparse(
        (len(origin), converter.get_input_obj(node_id).size_out),
        indices=np.stack([present, origin[present]], axis=1),
    )
    converter.add_connection(node_id, output, transform=transform)
    return output


def add_constant(converter, output, values):
    """Add values that are not trained to an output."""
    constant = nengo.Node(values, label=f"{converter.layer.name}.constant")
    connection = nengo.Connection(constant, output, synapse=None)
    converter.set_trainable(connection, False)


def function_name(layer):
    """The name of what a layer computes."""
    return getattr(layer, "symbol", None) or type(layer).__name__


def takes_maxima(layer):
    """Whether a layer takes maxima or minima, but is not a pooling layer."""
    return function_name(layer).startswith((*EXTREMES, *REDUCTIONS, *POOLS))


def sign_of(layer):
    """-1 where minima are taken, which are maxima of negative values, else 1."""
    is_minimum = function_name(layer).lower().endswith(("minimum", "reduce_min"))
    return -1 if is_minimum else 1


def evaluate(node, values):
    """What a layer computes of numbers in the place of its inputs."""
    given = dict(zip(map(id, node.keras_inputs), map(tf.constant, values)))
    args, kwargs = tf.nest.map_structure(
        lambda each: given.get(id(each), each), (node.call_args, node.call_kwargs)
    )
    return np.asarray(node.layer.call(*args, **kwargs))


def input_shapes(node):
    """Shapes of the inputs, of one example."""
    return [tuple(tensor.shape[1:]) for tensor in node.keras_inputs]


def numbers(node):
    """Sample inputs, for one example."""
    rng = np.random.RandomState(0)
    shapes = [(1, *shape) for shape in input_shapes(node)]
    return [rng.uniform(-1, 1, shape).astype(np.float32) for shape in shapes]


def activation_of_op(node):
    """The activation that a function is, if it has neurons."""
    function = getattr(node.layer, "function", None)
    if function is None:
        return None
    if name_of(function) == LEAKY_RELU:
        return nengo_dl.LeakyReLU(negative_slope=arguments(node).get("alpha", 0.2))
    return function if function in LayerConverter.activation_map else None


def moved(node):
    """Which value of the only input each value of the output is, or None."""
    if len(node.keras_inputs) > 1:
        return None
    (x,) = numbers(node)
    order = np.arange(x.size, dtype=np.float32).reshape(x.shape)
    try:
        origin, found = evaluate(node, [order]), evaluate(node, [x])
    except (tf.errors.InvalidArgumentError, ValueError, TypeError):
        return None
    origin = np.ravel(origin).astype(int)
    if origin.min() < 0 or origin.max() >= x.size:
        return None
    return origin if np.array_equal(np.ravel(x)[origin], np.ravel(found)) else None


def linear(node):
    """Shift, and the weights of each input, or None if there is more to it."""
    x = numbers(node)
    zeros = [0 * each for each in x]

    def of(changes):
        return np.ravel(evaluate(node, changes)).astype(float)

    try:
        shift, found = of(zeros), of(x)
    except (tf.errors.InvalidArgumentError, ValueError, TypeError):
        return None
    if any(each.size != shift.size for each in x):
        return None
    weights = [
        of([*zeros[:i], np.ones_like(each), *zeros[i + 1 :]]) - shift
        for i, each in enumerate(x)
    ]
    expected = shift + sum(w * np.ravel(each) for w, each in zip(weights, x))
    return (shift, weights) if np.allclose(found, expected, 1e-4, 1e-5) else None


def arguments(node):
    """Arguments of a function by name."""
    bound = inspect.signature(node.layer.function).bind(
        *node.call_args, **node.call_kwargs
    )
    return bound.arguments


def windows_of(node):
    """Sign, windows and channels of maxima; None if they are of something else."""
    name, shapes = function_name(node.layer), input_shapes(node)
    sign = sign_of(node.layer)
    if name in EXTREMES:
        if len(shapes) < 2 or len(set(shapes)) > 1:
            return None
        windows = PoolWindows.over_channels(
            (len(shapes), prod(shapes[0])), len(shapes), channels_last=False
        )
        return sign, windows, np.tile(channels_of(shapes[0]), len(shapes))
    (shape,) = shapes
    given = arguments(node)
    if name in REDUCTIONS:
        return (sign, *_along_axes(shape, given.get("axis")))
    channels_last = not str(given.get("data_format") or "N").startswith("NC")
    spatial = slice(1, -1) if channels_last else slice(2, None)
    size, strides = (
        np.broadcast_to(given[key], len(shape) + 1)[spatial]
        if np.size(given[key]) in (1, len(shape) + 1)
        else given[key]
        for key in ("ksize", "strides")
    )
    windows = PoolWindows(
        shape,
        tuple(map(int, size)),
        tuple(map(int, strides)),
        given["padding"].lower(),
        channels_last=channels_last,
    )
    return 1, windows, channels_of(shape, channels_last)


def _along_axes(shape, axis):
    """Windows and channels of a maximum along axes, which count the batch."""
    if axis is None:
        axis = range(1, len(shape) + 1)
    axes = [int(each) % (len(shape) + 1) - 1 for each in np.atleast_1d(axis)]
    order = np.arange(prod(shape)).reshape(shape)
    order = np.moveaxis(order, axes, range(-len(axes), 0))
    members = order.reshape(-1, prod(shape[each] for each in axes))
    windows = PoolWindows.from_indices(members, prod(shape))
    is_over_channels = len(shape) - 1 in axes
    return windows, channels_of(shape) * (not is_over_channels)
