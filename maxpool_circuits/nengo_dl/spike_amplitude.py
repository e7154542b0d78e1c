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
            node: alike(amplitude, node.size_out)
            for node, amplitude in (known or {}).items()
        }

    def at(self, source):
        """Amplitude at each value of a node or of neurons; 0 without spikes."""
        sizes, squares = self._sums(source)
        return np.divide(squares, sizes, out=np.zeros_like(sizes), where=sizes > 0)

    def ripple(self, source):
        r"""How far counts of spikes take each value around its mean, from end to end.

        The count of one regular train is off by up to half a spike either way, with the
        variance 1/12; of many by three standard deviations, whatever their signs:
        :math:`\sqrt{3 \sum_j (w_j a_j)^2}`, and never more than all together.
        """
        sizes, squares = self._sums(source)
        return np.minimum(sizes, np.sqrt(3 * squares))

    def _sums(self, source):
        """Sum of the sizes of a spike of each input, and sum of their squares."""
        if source not in self._known:
            self._known[source] = self._follow(source)
        return self._known[source]

    def _follow(self, source):
        if isinstance(source, Neurons):
            neuron_type = source.ensemble.neuron_type
            amplitude = getattr(neuron_type, "amplitude", 1)
            return alike(amplitude * neuron_type.spiking, source.size_out)
        if source in self.pools:
            inputs, windows = self.pools[source]
            return windows.max(self._sums(inputs))
        sums = np.zeros((2, source.size_out))
        for connection in self.incoming.get(source, ()):
            pre, part = connection.pre_obj, connection.pre_slice
            amplitudes = self.at(pre)[part]
            if not amplitudes.any():
                continue
            if not passes_on(source):
                # what a layer that was left to TensorFlow does is not known
                return alike(np.median(amplitudes[amplitudes > 0]), source.size_out)
            for row, power in enumerate((1, 2)):
                before = self._sums(pre)[row, part]
                into = row, connection.post_slice
                sums[into] += through(connection, before, power)
        return sums


def alike(amplitude, size):
    """Sums for values that have one input each, all of one amplitude."""
    return np.full((size, 2), [amplitude, amplitude**2], dtype=float).T


def through(connection, sums, power):
    """Sum over the inputs of |weight| ** power x sums, for each output."""
    if isinstance(connection.transform, Convolution):
        return _convolved(connection.transform, sums, power)
    weights = weights_of(connection)
    if weights is None:
        return np.full(connection.size_out, np.mean(sums))
    return abs(weights).power(power) @ sums


def _convolved(transform, sums, power):
    """Take all positions of a channel together."""
    shape = transform.input_shape.shape
    axis = -1 if transform.channels_last else 0
    others = tuple(np.delete(range(len(shape)), axis))
    per_channel = sums.reshape(shape).mean(axis=others)
    # (inputs of a group, outputs), summed over positions
    kernel = np.abs(np.asarray(transform.init)) ** power
    weights = kernel.sum(axis=tuple(range(kernel.ndim - 2)))
    groups = getattr(transform, "groups", 1)
    inputs, outputs = np.split(per_channel, groups), np.split(weights, groups, axis=1)
    found = np.concatenate([x @ w for x, w in zip(inputs, outputs)])
    in_order = np.tile if transform.channels_last else np.repeat
    return in_order(found, transform.size_out // len(found))
