"""TensorFlow versions of the operators that compute whole circuits.

Each member of the windows, or pair of them, is a tensor of its own: that is faster than
sums and maxima over an axis, and slices of large tensors.
"""

import functools

import numpy as np
import tensorflow as tf
from nengo import Alpha
from nengo_dl.builder import NengoModel

from ..operators import serve
from ..operators.members import in_place
from ..operators.pairwise_relu import PairwiseReLURule
from ..operators.shared_reset import SharedResetRule
from .builders import TensorOperator, add_filter
from .members import Gathered, members_of


def shared_reset(rule, unit, dt):
    """The step of pools that share a reset, whose inputs are in a unit.

    It starts with the membranes of each member of the windows.
    """
    windows, members = rule.windows, members_of(rule.windows)
    sizes, about_mean = windows.sizes, rule.rise is not None
    present = (members.columns < windows.n_inputs) & ((sizes > 1) | (not about_mean))
    # members that lack are not the last ones here
    start = in_place(rule.start.T[np.isfinite(rule.start.T)], present, -np.inf)
    share = 1 / (sizes if np.ptp(sizes) else sizes[0])
    gain, height, low = rule.gain * dt, rule.area / dt, rule.low
    scale = 1 if abs(gain * unit - 1) < 1e-12 else gain * unit

    def step_shared_reset(config, x, *before):
        # all in thresholds
        inputs = [each if scale == 1 else scale * each for each in members(x)]
        base, floor = gain * low, rule.floor
        if about_mean:
            base = tf.add_n(inputs) * tf.constant(share, x.dtype)
            above = base - gain * low if low else base
            floor = tf.minimum(rule.floor + rule.rise / gain * tf.nn.relu(above), 0)

        after = []
        for voltage, each, there in zip(before, inputs, present):
            current = each - base if about_mean or low else each
            voltage = tf.maximum(voltage + current, floor)
            after.append(voltage if there.all() else tf.where(there, voltage, -np.inf))
        spikes = tf.floor(tf.nn.relu(functools.reduce(tf.maximum, after)))
        maximum = height * spikes
        if about_mean or low:
            maximum += base / gain
        return maximum, *(voltage - spikes for voltage in after)

    return step_shared_reset, start


def pairwise_relu(rule, unit, dt):
    """The step of a tree, and the membranes of each pair, as in `shared_reset`."""
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
STEPS = {SharedResetRule: shared_reset, PairwiseReLURule: pairwise_relu}


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
