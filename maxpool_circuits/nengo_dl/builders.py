"""TensorFlow versions of what other backends compute by Python functions."""

import functools

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf
from nengo.builder import Operator, Signal
from nengo_dl.builder import Builder, NengoBuilder, NengoModel, OpBuilder
from nengo_dl.config import get_setting
from nengo_dl.neuron_builders import SimNeuronsBuilder, SpikingRectifiedLinearBuilder
from tensorflow.python.framework import smart_cond

from ..circuits import SharedResetMax
from ..network import transform
from ..network.base import MaxPoolNetwork
from ..network.neurons import (
    AboveMean,
    IntegrateAndFire,
    LeakyAboveMean,
    SharedReset,
)
from ..operators.declared import enabled
from ..operators.filters import AlphaFilter
from .members import maxima


class IntegrateAndFireBuilder(SpikingRectifiedLinearBuilder):
    """Spikes as in Nengo, step by step; in training, rectified linear rates."""

    def build_pre(self, signals, config):
        """Collect the membrane floors of all neurons."""
        super().build_pre(signals, config)
        self.min_voltage = signals.op_constant(
            [op.neurons for op in self.ops],
            [op.J.shape[0] for op in self.ops],
            "min_voltage",
            signals.dtype,
        )

    def step(self, J, dt, voltage):
        """Integrate with sign, fire, and subtract one threshold per spike."""
        voltage = tf.maximum(voltage + J * dt, self.min_voltage)
        n_spikes = tf.nn.relu(tf.floor(voltage))
        return n_spikes * self.alpha, voltage - n_spikes


class SharedResetBuilder(IntegrateAndFireBuilder):
    """Neurons in groups, as in Nengo."""

    def build_pre(self, signals, config):
        """Find the groups, and where in them the neurons are."""
        super().build_pre(signals, config)
        sizes = [op.neurons.all_sizes(op.J.shape[0]) for op in self.ops]
        self.group = np.repeat(np.arange(sum(map(len, sizes))), np.concatenate(sizes))

    def over_groups(self, reduction, values):
        """Reduce (batch, n_neurons) values to (batch, n_groups)."""
        values = tf.transpose(values)
        return tf.transpose(reduction(values, self.group))

    def to_neurons(self, values):
        """Values of groups, for all of their neurons."""
        return tf.gather(values, self.group, axis=1)

    def integrate(self, J, dt, voltage):
        """What fires, and the states, after the currents were added."""
        voltage = tf.maximum(voltage + J * dt, self.min_voltage)
        return voltage, voltage

    def winners(self, values):
        """One where a neuron is the first of the highest of its group, else zero."""
        highest = self.to_neurons(self.over_groups(tf.math.segment_max, values))
        n_neurons = len(self.group)
        number = tf.where(values == highest, np.arange(n_neurons), n_neurons)
        first = self.over_groups(tf.math.segment_min, number)
        return tf.cast(number == self.to_neurons(first), values.dtype), highest

    def step(self, J, dt, **states):
        """Integrate, let the highest of each group fire, and lower the whole group."""
        raised, voltage, *others = self.integrate(J, dt, **states)
        wins, highest = self.winners(raised)
        n_spikes = tf.nn.relu(tf.floor(highest))
        return (wins * n_spikes * self.alpha, voltage - n_spikes, *others)


class AboveMeanBuilder(SharedResetBuilder):
    """Neurons that integrate by how much they exceed their group."""

    #: What neurons have besides their floor.
    constants: tuple = ("rise",)

    def build_pre(self, signals, config):
        """Collect what the neurons have."""
        super().build_pre(signals, config)
        neurons = [op.neurons for op in self.ops]
        sizes = [op.J.shape[0] for op in self.ops]
        for name in self.constants:
            value = signals.op_constant(neurons, sizes, name, signals.dtype)
            setattr(self, name, value)

    def mean(self, J):
        """Mean current of its group, for each neuron."""
        return self.to_neurons(self.over_groups(tf.math.segment_mean, J))

    def integrate(self, J, dt, voltage):
        """Add the distances to the mean, above a floor that it lifts."""
        mean = self.mean(J)
        floor = tf.minimum(self.min_voltage + self.rise * tf.nn.relu(mean), 0)
        voltage = tf.maximum(voltage + (J - mean) * dt, floor)
        return voltage, voltage


class LeakyAboveMeanBuilder(AboveMeanBuilder):
    """Neurons that know the filter through which they are read."""

    constants = ("readout", "leaks_above")

    def integrate(self, J, dt, voltage, read_mean):
        """Add the distances to the mean, to membranes that leak or have a floor."""
        mean, kept = self.mean(J), tf.exp(-dt / self.readout)
        read_mean += (1 - kept) * (mean - read_mean)
        leaks = read_mean > self.leaks_above
        voltage = tf.where(leaks, kept, 1) * voltage + (J - mean) * dt
        voltage = tf.where(leaks, voltage, tf.maximum(voltage, self.min_voltage))
        return voltage + tf.cast(leaks, J.dtype) / 2, voltage, read_mean


SimNeuronsBuilder.TF_NEURON_IMPL.update(
    {
        IntegrateAndFire: IntegrateAndFireBuilder,
        SharedReset: SharedResetBuilder,
        AboveMean: AboveMeanBuilder,
        LeakyAboveMean: LeakyAboveMeanBuilder,
    }
)


class TensorOperator(Operator):
    """Compute a time step by a function of tensors.

    ``step(config, *reads, *states)`` returns what is set, if anything is, and then the
    next states. The states are arrays that they start with.
    """

    def __init__(self, step, reads, sets=(), states=()):
        super().__init__(tag=step.__name__)
        self.step = step
        self.sets, self.incs, self.reads = list(sets), [], list(reads)
        self.updates = [Signal(np.array(each), name="state") for each in states]


@Builder.register(TensorOperator)
class TensorOperatorBuilder(OpBuilder):
    """Build a `TensorOperator`."""

    def build_pre(self, signals, config):
        """Look up signals."""
        super().build_pre(signals, config)
        # operators are not merged (see OpBuilder.mergeable)
        (op,) = self.ops
        self.before = [signals[each] for each in op.reads + op.updates]
        self.after = [signals[each] for each in op.sets + op.updates]

    def build_step(self, signals):
        """Compute a time step."""
        tensors = [signals.gather(each) for each in self.before]
        results = self.ops[0].step(self.config, *tensors)
        for signal, result in zip(self.after, results):
            signals.scatter(signal, result)


def _add_max_pool(model, x, y, windows):
    def step_max_pool(config, x):
        return [maxima(x, windows)]

    if enabled():
        model.add_op(TensorOperator(step_max_pool, [x], [y]))
    else:
        transform.add_function(model, x, y, windows)


transform.ADD[NengoModel] = _add_max_pool


def add_filter(model, synapse, scale, x):
    """Filter a signal, from the next step on, and scale it; return the result."""
    p, a, c = AlphaFilter(synapse.tau, scale, x).constants(model.dt)

    def step_filter(config, x, y, w):
        return p * y + (a * x + c * w), p * w + x

    model.add_op(TensorOperator(step_filter, [x], states=np.zeros((2, *x.shape))))
    return model.operators[-1].updates[0]


@NengoBuilder.register(MaxPoolNetwork)
def _build_circuit(model, circuit, progress=None):
    """Build a circuit; in training the exact maximum takes the place of its output.

    Neurons have their rates then, and one time step is all that NengoDL gives them.
    """
    nengo.builder.Builder.build(model, circuit, progress)
    if circuit.n_neurons == 0 or get_setting(model, "inference_only", False):
        return
    x, y = model.sig[circuit.input]["in"], model.sig[circuit.output]["out"]

    def exact(x):
        exact = maxima(x, circuit.windows)
        rectifies = isinstance(circuit, SharedResetMax)
        return tf.maximum(exact, circuit.input_range[0]) if rectifies else exact

    def step_training(config, x, y):
        return [
            smart_cond.smart_cond(
                config.training,
                true_fn=lambda: exact(x),
                false_fn=lambda: tf.stop_gradient(y),
            )
        ]

    model.sig[circuit.output]["out"] = Signal(shape=y.shape, name="maxima")
    result = [model.sig[circuit.output]["out"]]
    model.add_op(TensorOperator(step_training, [x, y], result))


def _freeze_params(self, objs, stock=nengo_dl.Simulator.freeze_params):
    """Store parameters, of what the simulation has signals for.

    An operator that computes a circuit has none, nor have exact maxima.
    """
    for obj in tf.nest.flatten(objs):
        if isinstance(obj, nengo.Network):
            parts = obj.all_ensembles + obj.all_connections
            stock(self, [each for each in parts if _has_params(self, each)])
        else:
            stock(self, obj)


def _has_params(simulator, obj):
    """Whether weights, encoders or biases are in the simulation."""
    signals = {**simulator.model.sig[getattr(obj, "neurons", obj)]}
    signals.update(simulator.model.sig[obj])
    names = ("weights", "encoders", "bias")
    return any(signals.get(name) in simulator.tensor_graph.signals for name in names)


nengo_dl.Simulator.freeze_params = functools.wraps(nengo_dl.Simulator.freeze_params)(
    _freeze_params
)
