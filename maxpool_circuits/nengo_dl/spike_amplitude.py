"""The amplitude of spikes in a converted network, followed through linear nodes."""

import numpy as np
from nengo.ensemble import Neurons
from nengo.transforms import Convolution

from ..network.paths import incoming, passes_on
from ..network.sparse import weights_of


class SpikeAmplitude:
    r"""By how much one input spike changes each value of a converted network.

    After neurons that is their amplitude. A linear node, such as a BatchNorm layer,
    multiplies it by its weights; where a value has many inputs :math:`j` with weights
    :math:`w_j`, whose spikes have the amplitudes :math:`a_j`, it is

    .. math:: \frac{\sum_j (w_j a_j)^2}{\sum_j |w_j| a_j}

    the size of equal spikes that would fluctuate as much. ``pools`` has the outputs of
    max-pooling layers, with what they look at: {node: (source, windows)}; ``known`` has
    nodes whose amplitude is known.
    """

    def __init__(self, network, pools=None, known=None):
        self.pools = pools or {}
        self.incoming = incoming(network)
        self._known = {
            node: np.full(node.size_out, amplitude)
            for node, amplitude in (known or {}).items()
        }

    def at(self, source):
        """Amplitude at each value of a node or of neurons; 0 without spikes."""
        if source not in self._known:
            self._known[source] = self._follow(source)
        return self._known[source]

    def _follow(self, source):
        if isinstance(source, Neurons):
            neuron_type = source.ensemble.neuron_type
            amplitude = getattr(neuron_type, "amplitude", 1)
            return np.full(source.size_out, float(amplitude * neuron_type.spiking))
        if source in self.pools:
            inputs, windows = self.pools[source]
            return windows.max(self.at(inputs))
        sizes, squares = np.zeros((2, source.size_out))
        for connection in self.incoming.get(source, ()):
            amplitudes = self.at(connection.pre_obj)[connection.pre_slice]
            if not amplitudes.any():
                continue
            if not passes_on(source):
                # what a layer that was left to TensorFlow does is not known
                return np.full(source.size_out, np.median(amplitudes[amplitudes > 0]))
            into = connection.post_slice
            sizes[into] += through(connection, amplitudes, 1)
            squares[into] += through(connection, amplitudes, 2)
        return np.divide(squares, sizes, out=squares, where=sizes > 0)


def through(connection, amplitudes, power):
    """Sum over the inputs of |weight x amplitude| ** power, for each output."""
    amplitudes = amplitudes**power
    if isinstance(connection.transform, Convolution):
        return _convolved(connection.transform, amplitudes, power)
    weights = weights_of(connection)
    if weights is None:
        return np.full(connection.size_out, np.mean(amplitudes))
    return abs(weights).power(power) @ amplitudes


def _convolved(transform, amplitudes, power):
    """Take all positions of a channel together."""
    shape = transform.input_shape.shape
    axis = -1 if transform.channels_last else 0
    others = tuple(np.delete(range(len(shape)), axis))
    per_channel = amplitudes.reshape(shape).mean(axis=others)
    # (inputs of a group, outputs), summed over positions
    kernel = np.abs(np.asarray(transform.init)) ** power
    weights = kernel.sum(axis=tuple(range(kernel.ndim - 2)))
    groups = getattr(transform, "groups", 1)
    inputs, outputs = np.split(per_channel, groups), np.split(weights, groups, axis=1)
    sums = np.concatenate([x @ w for x, w in zip(inputs, outputs)])
    in_order = np.tile if transform.channels_last else np.repeat
    return in_order(sums, transform.size_out // len(sums))
