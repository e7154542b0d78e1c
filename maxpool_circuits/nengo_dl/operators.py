"""TensorFlow versions of the operators that compute whole circuits.

Each member of the windows, or pair of them, is a tensor of its own: that is faster than
sums and maxima over an axis, and slices of large tensors.
"""

import numpy as np
import tensorflow as tf
from nengo import Alpha
from nengo_dl.builder import NengoModel

from ..operators import serve
from ..operators.members import in_place
from ..operators.pairwise_relu import PairwiseReLURule
from ..operators.winner_take_all import WinnerTakeAllRule
from .builders import TensorOperator, add_filter
from .members import Gathered, members_of


def winner_take_all(rule, unit, dt):
    """The step of a circuit whose inputs are in a unit, and the states at its start.

    The states are the spikes of all pools, and the membranes of each member.
    """
    windows, members = rule.windows, members_of(rule.windows)
    units = (members.columns < windows.n_inputs) & (windows.sizes > 1)
    start = in_place(rule.start.T[np.isfinite(rule.start.T)], units, -np.inf)
    sizes = windows.sizes
    share = 1 / (sizes if np.ptp(sizes) else sizes[0])
    gain, height, strength = rule.gain * dt * unit, rule.area / dt, rule.strength

    def scaled(values):
        """Values in units of the threshold: a product less where they already are."""
        return values if abs(gain - 1) < 1e-12 else gain * values

    def floor(present, dtype):
        """The lowest membranes of a member: those that lack never fire."""
        if present.all():
            return rule.floor
        return tf.constant(np.where(present, rule.floor, -np.inf), dtype)

    def step_winner_take_all(config, x, spikes, *before):
        inputs, fired, after = members(x), [], []
        mean = tf.add_n(inputs) * tf.constant(share, x.dtype)
        # what all units of a pool are lowered by
        lowered = scaled(mean) + (spikes if strength == 1 else strength * spikes)
        for voltage, each, present in zip(before, inputs, units):
            current = scaled(each) - lowered
            voltage = tf.maximum(voltage + current, floor(present, x.dtype))
            fired.append(tf.floor(tf.nn.relu(voltage)))
            if strength != 1:
                voltage -= (1 - strength) * fired[-1]
            after.append(voltage)
        spikes = tf.add_n(fired)
        return unit * mean + height * spikes, spikes, *after

    return step_winner_take_all, [np.zeros(windows.n_pools), *start]


def pairwise_relu(rule, unit, dt):
    """The step of a tree, and the membranes of each pair, as in `winner_take_all`."""
    members = members_of(rule.windows)
    if np.any(members.columns == rule.windows.n_inputs):
        # pairs are of neighbours in what a window has, not of positions
        members = Gathered(rule.windows)
    gain, height = rule.gain * dt * unit, rule.area / dt / unit

    def step_pairwise_relu(config, x, *voltages):
        values, before, after = members(x), iter(voltages), []
        for paired in rule.paired:
            end = 2 * len(paired)
            maximum = []
            for a, b, both in zip(values[:end:2], values[1:end:2], paired):
                if not both.all():
                    # a value without partner is paired with itself
                    b = tf.where(both, b, a)
                voltage = tf.maximum(next(before) + gain * (a - b), rule.floor)
                spikes = tf.floor(tf.nn.relu(voltage))
                after.append(voltage - spikes)
                maximum.append(b + height * spikes)
            values = maximum + values[end:]
        return unit * values[0], *after

    return step_pairwise_relu, [each for level in rule.start for each in level]


#: Steps by the rule that they compute.
STEPS = {WinnerTakeAllRule: winner_take_all, PairwiseReLURule: pairwise_relu}


def _add(model, rule, synapse, x, y):
    """What NengoDL computes."""
    unit = 1
    if type(synapse) is Alpha:
        # inputs in units of the threshold
        unit = 1 / (rule.gain * model.dt)
        x = add_filter(model, synapse, 1 / unit, x)
    elif synapse is not None:
        x = model.build(synapse, x, mode="update")
    step, states = STEPS[type(rule)](rule, unit, model.dt)
    model.add_op(TensorOperator(step, [x], [y], states))


serve(NengoModel, _add)
