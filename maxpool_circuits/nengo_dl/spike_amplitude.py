"""What one spike is worth in a converted network, followed through linear nodes."""

import nengo
import numpy as np
from nengo.ensemble import Neurons
from nengo.transforms import Convolution, Dense, NoTransform, Sparse


class SpikeAmplitude:
    r"""By how much one input spike changes each value of a converted network.

    Behind neurons that is their amplitude. A linear node, such as a BatchNorm layer,
    multiplies it by its weights; where a value has many inputs :math:`j` with weights
    :math:`w_j`, whose spikes are worth :math:`a_j`, it is

    .. math:: \frac{\sum_j (w_j a_j)^2}{\sum_j |w_j| a_j}

    the size of equal spikes that would fluctuate as much.

    Parameters
    ----------
    network : nengo.Network
        The outermost converted network, with all of its connections between layers.
    pools : dict of {nengo.Node: (nengo.Node or nengo.ensemble.Neurons, PoolWindows)}
        Outputs of max-pooling layers, with what they look at.

    Examples
    --------
    >>> import nengo
    >>> from maxpool_circuits.nengo_dl.spike_amplitude import SpikeAmplitude
    >>> neuron_type = nengo.SpikingRectifiedLinear(amplitude=0.01)
    >>> with nengo.Network() as net:
    ...     neurons = nengo.Ensemble(2, 1, neuron_type=neuron_type).neurons
    ...     node = nengo.Node(size_in=2)
    ...     _ = nengo.Connection(neurons, node, transform=[3, -0.5])
    >>> SpikeAmplitude(net).at(node)
    array([0.03 , 0.005])
    """

    def __init__(self, network, pools=None):
        self.pools = pools or {}
        self.incoming = {}
        self._known = {}
        for connection in network.all_connections:
            self.incoming.setdefault(connection.post_obj, []).append(connection)

    def at(self, source):
        """Worth of a spike at each value of a node or of neurons; 0 without spikes."""
        if source not in self._known:
            self._known[source] = self._follow(source)
        return self._known[source]

    def _follow(self, source):
        if isinstance(source, Neurons):
            neuron_type = source.ensemble.neuron_type
            worth = getattr(neuron_type, "amplitude", 1) if neuron_type.spiking else 0
            return np.full(source.size_out, float(worth))
        if source in self.pools:
            inputs, windows = self.pools[source]
            return windows.max(self.at(inputs))
        squares, sizes = np.zeros((2, source.size_out))
        for connection in self.incoming.get(source, ()):
            worth = self.at(connection.pre_obj)[connection.pre_slice]
            if not worth.any():
                continue
            if is_linear(source):
                into = connection.post_slice
                squares[into] += through(connection.transform, worth, 2)
                sizes[into] += through(connection.transform, worth, 1)
            else:
                # what a layer that was left to TensorFlow does is not known
                return np.full(source.size_out, np.median(worth[worth > 0]))
        return np.divide(squares, sizes, out=squares, where=sizes > 0)


def is_linear(node):
    """Whether a node sums up its inputs, and computes nothing."""
    return type(node) is nengo.Node and node.output is None


def through(transform, worth, power):
    """Sum over the inputs of (weight x worth) ** power, for each output."""
    worth = worth**power
    if isinstance(transform, Dense):
        weights = np.abs(transform.init) ** power
        return weights @ worth if weights.ndim == 2 else weights * worth
    if isinstance(transform, Sparse):
        return abs(transform.sample().allocate()).power(power) @ worth
    if isinstance(transform, Convolution):
        return _through_convolution(transform, worth, power)
    if isinstance(transform, NoTransform):
        return worth
    return np.full(transform.size_out, np.mean(worth))


def _through_convolution(transform, worth, power):
    """Take all positions of a channel together."""
    shapes = transform.input_shape, transform.output_shape
    axis = -1 if transform.channels_last else 0
    per_channel = np.moveaxis(worth.reshape(shapes[0].shape), axis, -1)
    per_channel = per_channel.reshape(-1, per_channel.shape[-1]).mean(axis=0)
    # (positions, inputs of a group, outputs)
    kernel = np.abs(np.asarray(transform.init)) ** power
    weights = kernel.reshape(-1, *kernel.shape[-2:]).sum(axis=0)
    groups = getattr(transform, "groups", 1)
    sums = [
        inputs @ outputs
        for inputs, outputs in zip(
            np.split(per_channel, groups), np.split(weights, groups, axis=1)
        )
    ]
    sums = np.concatenate(sums)
    n_positions = transform.size_out // len(sums)
    in_order = np.tile if transform.channels_last else np.repeat
    return in_order(sums, n_positions)
