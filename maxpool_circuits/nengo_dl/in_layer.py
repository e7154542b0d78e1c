"""Layers whose neurons are their own max pooling: activation and maximum in one."""

import tensorflow as tf
from nengo_dl import compat
from tensorflow.keras import layers

from ..circuits import SharedResetMax
from ..network.neurons import IntegrateAndFire
from .activations import name_of
from .layers import IDENTITIES, MAX_POOL_LAYERS
from .pooling import of_layer

#: What may stand between a layer and its max pooling: all that keeps zero and order.
BETWEEN = (
    *IDENTITIES,
    *(getattr(layers, f"ZeroPadding{n_axes}D") for n_axes in (1, 2, 3)),
)
#: Layers that are an activation and nothing else.
ACTIVATIONS = (layers.ReLU, layers.Activation)


def pools_in_layers(model, max_pool, swaps):
    """Max-pooling layers that are pools of the neurons of a layer: {pool: layer}.

    Those whose circuit is left to its default, or asked for, where the activation of
    the layer becomes neurons that average, with nothing set that would be lost.
    """
    return {
        pool: layer
        for pool, layer in rectifiers(model).items()
        if of_layer(max_pool, pool) in (None, "shared-reset", SharedResetMax)
        and swaps.get("relu") == IntegrateAndFire()
    }


def rectifiers(model):
    """Layers with a ReLU that one max-pooling layer alone sees, or follows it.

    Returns
    -------
    dict of {tf.keras.layers.Layer: tf.keras.layers.Layer}
        The layer with the ReLU, by max-pooling layer.
    """
    nodes, _ = compat._build_map(model.outputs)
    graph, found = _Graph(nodes, model.outputs), {}
    for node in nodes:
        if isinstance(node.layer, tuple(MAX_POOL_LAYERS)):
            layer = graph.before(node) or graph.after(node)
            if layer is not None:
                found[node.layer] = layer
        elif isinstance(node.layer, tf.keras.Model):
            found.update(rectifiers(node.layer))
    return found


class _Graph:
    """Which layer is next to which, where there is only one."""

    def __init__(self, nodes, outputs):
        self.users, self.maker, self.n_uses = {}, {}, {}
        for node in nodes:
            self.n_uses[node.layer] = self.n_uses.get(node.layer, 0) + 1
            for tensor in [] if node.is_input else tf.nest.flatten(node.keras_inputs):
                self.users.setdefault(tensor.ref(), []).append(node)
            for tensor in tf.nest.flatten(node.outputs):
                self.maker[tensor.ref()] = node
        for tensor in outputs:
            self.users.setdefault(tensor.ref(), []).append(None)

    def before(self, node):
        """The layer with a ReLU that a max-pooling layer gets its values from."""
        while len(tensors := tf.nest.flatten(node.keras_inputs)) == 1:
            (tensor,) = tensors
            node = self.maker[tensor.ref()]
            if len(self.users[tensor.ref()]) > 1 or self.n_uses[node.layer] > 1:
                return None
            if not isinstance(node.layer, BETWEEN):
                return node.layer if rectifies(node.layer) else None
        return None

    def after(self, node):
        """The layer that is a ReLU and gets the maxima."""
        while True:
            users = self.users[node.outputs.ref()]
            if len(users) > 1 or users[0] is None or self.n_uses[users[0].layer] > 1:
                return None
            (node,) = users
            if not isinstance(node.layer, BETWEEN):
                alone = isinstance(node.layer, ACTIVATIONS) and rectifies(node.layer)
                return node.layer if alone else None


def rectifies(layer):
    """Whether a layer ends with a ReLU."""
    activation = layer if isinstance(layer, layers.ReLU) else None
    return name_of(getattr(layer, "activation", activation)) == "relu"
