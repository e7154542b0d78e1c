"""Circuits in nengo-torch. Import it before the simulator is made.

Spikes are those of Nengo. In mode "train" gradients are those of exact maxima, and of
the rates of neurons, while values stay what spikes make them (straight through).
"""

import nengo
import numpy as np
import torch
from nengo_torch.builder import TorchBuilder
from nengo_torch.op_builders.neurons import TorchSimNeurons

from . import rules
from .network import transform
from .network.neurons import (
    NEURON_TYPES,
    AboveMean,
    LeakyAboveMean,
    SharedReset,
)
from .network.windows import flat_windows, is_compact, window_columns
from .operators.filters import AlphaFilter
from .operators.pairwise_relu import PairwiseReLUStep
from .operators.shared_reset import SharedResetStep


class Members:
    """Inputs of windows, members first; smaller windows repeat their first one."""

    def __init__(self, windows):
        self.columns = torch.as_tensor(window_columns(windows))
        self.shares = None
        if np.ptp(windows.sizes):
            there = np.arange(len(self.columns))[:, np.newaxis] < windows.sizes
            self.shares = torch.as_tensor(there / windows.sizes)[:, np.newaxis]

    def __call__(self, x):
        """Of (batch, n_inputs): (largest window, batch, n_pools)."""
        self.columns = self.columns.to(x.device)
        # several times as fast as an index; its gradient keeps x, which may change
        x = x.clone() if x.requires_grad else x
        flat = self.columns.flatten().expand(len(x), -1)
        return x.gather(1, flat).unflatten(1, self.columns.shape).movedim(1, 0)

    def mean(self, x):
        """Means of what was returned; None where all windows are of one size."""
        if self.shares is not None:
            return (x * self.shares.to(x)).sum(0)


class Step:
    """One of our operators."""

    def __init__(self, op, dt, trains):
        self.op, self.dt, self.trains = op, dt, trains

    @classmethod
    def from_nengo(cls, op, dt, mode, **context):
        """As nengo-torch makes its operators."""
        return cls(op, dt, mode == "train")

    def __call__(self, signals):
        """Compute a time step."""
        values = self.step(*(signals[each] for each in self.reads))
        for signal, value in zip(self.sets, values):
            if self.trains:
                signals.replace(signal, value)
            else:
                signals[signal].copy_(value)


class Alpha(Step):
    """The input synapse."""

    def __init__(self, op, dt, trains):
        super().__init__(op, dt, trains)
        self.reads, self.sets = op.reads + op.updates, op.updates

    def step(self, x, y, w):
        """Both filters."""
        p, a, c = self.op.constants(self.dt)
        return (p * y).add_(x, alpha=a).add_(w, alpha=c), (p * w).add_(x)


class Circuit(Step):
    """A whole circuit."""

    def __init__(self, op, dt, trains):
        super().__init__(op, dt, trains)
        self.reads, self.sets = op.reads + op.updates, op.sets + op.updates
        self.members = Members(op.rule.windows)
        self.constants = {"gain": op.rule.gain * dt, "floor": op.rule.floor}
        self.constants["spike"] = op.rule.area / dt

    def step(self, x, *states):
        """What spikes make of the inputs; the gradient is that of the exact maximum."""
        x = self.members(x)
        with torch.no_grad():
            y, states = self.fire(x, [each.movedim(1, 0) for each in states])
        if self.trains:
            exact = self.exact(x)
            y = y + (exact - exact.detach())
        return y, *(each.movedim(0, 1) for each in states)

    def exact(self, x):
        """The maximum."""
        return x.amax(0)


class SharedResetCircuit(Circuit):
    """Pools whose neurons share a reset."""

    def fire(self, x, states):
        """Output, and membranes."""
        rule, (voltage,) = self.op.rule, states
        if rule.rise is None:
            y, after = rules.shared_reset.__wrapped__(
                x, voltage, base=rule.low, **self.constants
            )
        else:
            y, after = rules.winner_take_all.__wrapped__(
                x,
                voltage,
                rise=rule.rise,
                low=rule.low,
                mean=self.members.mean(x),
                **self.constants,
            )
        return y, [after]

    def exact(self, x):
        """The maximum; rectified where units are those of a layer."""
        exact = super().exact(x)
        return exact.clip(self.op.rule.low) if self.op.rule.rise is None else exact


class PairwiseReLUCircuit(Circuit):
    """Trees of comparators."""

    paired = None

    def __init__(self, op, dt, trains):
        super().__init__(op, dt, trains)
        if not all(both.all() for both in op.rule.paired):
            self.paired = [
                torch.as_tensor(both)[:, np.newaxis] for both in op.rule.paired
            ]

    def fire(self, x, states):
        """Output, and membranes by level."""
        paired = self.paired and [both.to(x.device) for both in self.paired]
        return rules.pairwise_relu.__wrapped__(
            x, states, paired=paired, **self.constants
        )


class Neurons(Step):
    """Neurons of our types; those without groups are groups of one."""

    def __init__(self, op, dt, trains):
        super().__init__(op, dt, trains)
        self.reads = [op.J, op.output, *op.state.values()]
        self.sets = self.reads[1:]
        neurons, n = op.neurons, op.J.shape[0]
        grouped = isinstance(neurons, SharedReset)
        sizes = neurons.all_sizes(n) if grouped else np.ones(n, int)
        self.members = Members(flat_windows(np.arange(n), sizes, n))

    def step(self, J, output, voltage, *states):
        """Spikes; the gradient is that of the rates of groups."""
        neurons, x, before = self.op.neurons, self.members(J), self.members(voltage)
        columns, floor, lift = self.members.columns, neurons.min_voltage, 0
        if isinstance(neurons, AboveMean):
            mean = self.members.mean(x)
            mean = x.mean(0) if mean is None else mean
            floor = (floor + neurons.rise * mean.clip(0)).clip(max=0)
            x = x - mean
        if isinstance(neurons, LeakyAboveMean):
            kept, read = np.exp(-self.dt / neurons.readout), self.members(states[0])[0]
            read = (read + (1 - kept) * (mean - read)).detach()
            leaks = read > neurons.leaks_above
            before = torch.where(leaks, kept, 1.0) * before
            floor, lift = torch.where(leaks, -np.inf, floor), leaks / 2
            states = [self.to_neurons(read.expand(before.shape), voltage)]
        with torch.no_grad():
            spikes, after = rules.shared_reset.__wrapped__(
                x, before + lift, self.dt, floor, 0, neurons.amplitude / self.dt
            )
            # of equal membranes the first one
            winner = after.argmax(0)
            numbers = columns[winner, torch.arange(columns.shape[1], device=J.device)]
            left = self.to_neurons(after - lift, voltage)
        if self.trains:
            rates = neurons.amplitude * x.amax(0).clip(0)
            spikes = spikes + (rates - rates.detach())
        return torch.zeros_like(output).scatter(1, numbers, spikes), left, *states

    def to_neurons(self, values, like):
        """What members have, neuron by neuron."""
        found = torch.empty_like(like)
        found[:, self.members.columns] = values.movedim(0, 1)
        return found


for _operator, _builder in {
    AlphaFilter: Alpha,
    SharedResetStep: SharedResetCircuit,
    PairwiseReLUStep: PairwiseReLUCircuit,
}.items():
    TorchBuilder.register(_operator, _builder)


def _build_neurons(op, stock=TorchSimNeurons.from_nengo, **context):
    """Build neurons, ours too: nengo-torch knows its own by name."""
    ours = type(op.neurons) in NEURON_TYPES
    return (Neurons.from_nengo if ours else stock)(op, **context)


TorchSimNeurons.from_nengo = _build_neurons


def _add_max_pool(model, x, y, windows):
    """Take maxima by a function that nengo-torch differentiates."""
    transform.add_function(model, x, y, windows)
    if is_compact(windows):
        members = Members(windows)
        model.operators[-1].fn.torch_module = lambda x: members(x).amax(0)


transform.ADD[nengo.builder.Model] = _add_max_pool
