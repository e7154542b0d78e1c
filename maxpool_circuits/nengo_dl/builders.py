"""TensorFlow versions of the neuron type and the transform of this package.

Importing this module makes them known to NengoDL, so that no simulation step leaves
TensorFlow for a Python function.
"""

import tensorflow as tf
from nengo_dl.builder import Builder, OpBuilder
from nengo_dl.neuron_builders import SimNeuronsBuilder, SpikingRectifiedLinearBuilder

from ..network.finite import CheckFinite
from ..network.neurons import IntegrateAndFire
from ..network.transform import MaxPoolInc
from .members import maxima


class IntegrateAndFireBuilder(SpikingRectifiedLinearBuilder):
    """Build a group of `.IntegrateAndFire` neuron operators.

    Spiking is the same as in Nengo, step by step; in training the neurons are the
    rectified linear ones that they approximate.

    Parameters
    ----------
    ops : list of nengo.builder.neurons.SimNeurons
        The operators that are built together.

    Examples
    --------
    Three time steps of a current of 400 Hz make one spike, as in Nengo:

    >>> import nengo
    >>> import maxpool_circuits.nengo_dl
    >>> import nengo_dl
    >>> import numpy as np
    >>> from maxpool_circuits import IntegrateAndFire
    >>> neuron_type = IntegrateAndFire(initial_state={"voltage": np.zeros(1)})
    >>> with nengo.Network() as model:
    ...     one = nengo.Ensemble(1, 1, gain=[1], bias=[400], neuron_type=neuron_type)
    ...     spikes = nengo.Probe(one.neurons)
    >>> with nengo_dl.Simulator(model, progress_bar=False) as sim:
    ...     sim.run_steps(4)
    >>> print(sim.data[spikes].T.round())
    [[   0.    0. 1000.    0.]]
    """

    def build_pre(self, signals, config):
        """Collect the membrane floors of all neurons.

        Parameters
        ----------
        signals : nengo_dl.signals.SignalDict
            NengoDL's signals.
        config : nengo_dl.builder.BuildConfig
            NengoDL's settings for all operators.
        """
        super().build_pre(signals, config)
        self.min_voltage = signals.op_constant(
            [op.neurons for op in self.ops],
            [op.J.shape[0] for op in self.ops],
            "min_voltage",
            signals.dtype,
        )

    def step(self, J, dt, voltage):
        """Integrate with sign, fire, and subtract one threshold per spike.

        Parameters
        ----------
        J : (batch_size, n_neurons) tf.Tensor
            Input currents, in Hz.
        dt : () tf.Tensor
            Time step, in seconds.
        voltage : (batch_size, n_neurons) tf.Tensor
            Membrane potentials, in units of the threshold.

        Returns
        -------
        output : (batch_size, n_neurons) tf.Tensor
            Spikes, each with the area of the amplitude of its neuron.
        voltage : (batch_size, n_neurons) tf.Tensor
            New membrane potentials.
        """
        voltage = tf.maximum(voltage + J * dt, self.min_voltage)
        n_spikes = tf.nn.relu(tf.floor(voltage))
        return n_spikes * self.alpha, voltage - n_spikes


SimNeuronsBuilder.TF_NEURON_IMPL[IntegrateAndFire] = IntegrateAndFireBuilder


@Builder.register(MaxPoolInc)
class MaxPoolIncBuilder(OpBuilder):
    """Build a `.MaxPoolInc` operator.

    Parameters
    ----------
    ops : list of MaxPoolInc
        A single operator; several are not built together.

    Examples
    --------
    >>> import nengo
    >>> import maxpool_circuits.nengo_dl
    >>> import nengo_dl
    >>> from maxpool_circuits import MaxPool, PoolWindows
    >>> transform = MaxPool(PoolWindows.independent(n_pools=2, window_size=2))
    >>> with nengo.Network() as model:
    ...     inputs = nengo.Node([0.25, 0.75, 0.5, 0])
    ...     maxima = nengo.Node(size_in=2)
    ...     _ = nengo.Connection(inputs, maxima, transform=transform, synapse=None)
    ...     probe = nengo.Probe(maxima)
    >>> with nengo_dl.Simulator(model, progress_bar=False) as sim:
    ...     sim.run_steps(1)
    >>> print(sim.data[probe])
    [[0.75 0.5 ]]
    """

    def build_pre(self, signals, config):
        """Look up signals.

        Parameters
        ----------
        signals : nengo_dl.signals.SignalDict
            NengoDL's signals.
        config : nengo_dl.builder.BuildConfig
            NengoDL's settings for all operators.
        """
        super().build_pre(signals, config)
        # operators with different windows are not merged (see OpBuilder.mergeable)
        (op,) = self.ops
        self.X_data = signals[op.X]
        self.Y_data = signals[op.Y]
        self.windows = op.windows

    def build_step(self, signals):
        """Take the maxima of all windows.

        Parameters
        ----------
        signals : nengo_dl.signals.SignalDict
            NengoDL's signals; the maxima are added to one of them.
        """
        maximum = maxima(signals.gather(self.X_data), self.windows)
        signals.scatter(self.Y_data, maximum, mode="inc")


@Builder.register(CheckFinite)
class CheckFiniteBuilder(OpBuilder):
    """Build the check of a circuit's input."""

    def build_pre(self, signals, config):
        """Find the two signals."""
        super().build_pre(signals, config)
        # not merged, so that the message names one circuit
        (op,) = self.ops
        self.message = op.message
        self.values = signals[op.reads[0]]
        self.checked = signals[op.sets[0]]

    def build_step(self, signals):
        """Copy the values if they are finite, else stop with the circuit's name."""
        values = signals.gather(self.values)
        # of the sum, which is much cheaper than of all values
        check = tf.debugging.check_numerics(tf.reduce_sum(values), self.message)
        with tf.control_dependencies([check]):
            signals.scatter(self.checked, tf.identity(values))
