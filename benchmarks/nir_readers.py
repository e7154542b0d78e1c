"""Simulators that read NIR, each as a function that runs a graph on input numbers.

``reader(graph, numbers)`` takes and returns numbers of shape (n_steps, batch, size),
one for each signal and time step. What is special about a simulator is said where it is
run.
"""

import contextlib
import io
import logging
import warnings

import nir
import numpy as np


def by_the_book(graph, numbers, dt=0.001, subtract=False):
    """Run a graph as NIR defines it, in time steps, with one step in every cycle.

    A reference in NumPy. Each node comes after those that it needs; a cycle is cut
    where it leaves the neurons, whose output is then that of the last step.
    """
    order = _order(graph)
    incoming = {
        name: [pre for pre, post in graph.edges if post == name] for name in order
    }
    batch = numbers.shape[1]
    values = {
        name: np.zeros((batch, *graph.nodes[name].output_type["output"]))
        for name in order
    }
    states = {name: np.zeros_like(value) for name, value in values.items()}
    outputs = []
    for number in numbers:
        values["input"] = number
        for name in order:
            node = graph.nodes[name]
            total = sum(values[pre] for pre in incoming[name])
            if isinstance(node, nir.Affine):
                values[name] = total @ node.weight.T + node.bias
            elif isinstance(node, nir.LI):
                change = node.v_leak - states[name] + node.r * total
                states[name] += dt / node.tau * change
                values[name] = states[name].copy()
            elif isinstance(node, nir.IF):
                voltage = states[name] + node.r * total
                values[name] = (voltage > node.v_threshold).astype(float)
                rest = voltage - node.v_threshold if subtract else 0
                states[name] = np.where(values[name], rest, voltage)
            elif isinstance(node, nir.Output):
                values[name] = total
        outputs.append(values["output"])
    return np.array(outputs)


def _order(graph):
    """Names of nodes, each after those that it needs, as far as cycles allow."""
    order, met = [], set()

    def visit(name):
        met.add(name)
        for pre, post in graph.edges:
            if post == name and pre not in met:
                visit(pre)
        order.append(name)

    visit("output")
    return order


def norse(graph, numbers):
    """Norse: neurons are reset to zero."""
    import norse.torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = norse.torch.from_nir(graph, dt=0.001)
    return _step_by_step(module, numbers)


def sinabs(graph, numbers, **changed):
    """Sinabs: spikes subtract the threshold, several in a step, floor at minus one."""
    import sinabs.layers
    import sinabs.nir

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = sinabs.nir.from_nir(graph, batch_size=numbers.shape[1])
    if "floor" in changed:
        for part in module.modules():
            if isinstance(part, sinabs.layers.IAF):
                part.min_v_mem = changed["floor"]
    return _step_by_step(module, numbers)


def spikingjelly(graph, numbers):
    """SpikingJelly: a current is multiplied by r and the time step, which must be 1."""
    from spikingjelly.activation_based import nir_exchange

    module = nir_exchange.import_from_nir(graph, dt=1)
    return _step_by_step(module, numbers)


def sinabs_without_floor(graph, numbers):
    """The same, with the membrane floor taken out after the graph was read."""
    return sinabs(graph, numbers, floor=None)


def snntorch(graph, numbers, mend=False):
    """The simulator snnTorch: its IF neurons leak, and their pair of outputs fails."""
    import snntorch
    from snntorch.import_nir import import_from_nir

    with contextlib.redirect_stdout(io.StringIO()):
        module = import_from_nir(graph)
    if mend:
        for part in module.modules():
            if isinstance(part, snntorch.Leaky):
                part.init_hidden = True
                part.beta.fill_(1)
    return _step_by_step(module, numbers)


def snntorch_mended(graph, numbers):
    """The same, with neurons that keep their state and do not leak."""
    return snntorch(graph, numbers, mend=True)


def _step_by_step(module, numbers):
    """Call a module of PyTorch once per time step; it keeps its state or returns it."""
    import torch

    logging.disable(logging.WARNING)
    # products this small are only slowed down by more
    torch.set_num_threads(1)
    outputs, state = [], None
    with torch.no_grad():
        for number in torch.as_tensor(numbers, dtype=torch.float32):
            output = module(number, state) if state is not None else module(number)
            if isinstance(output, tuple):
                output, state = output
            outputs.append(output.numpy())
    logging.disable(logging.NOTSET)
    return np.array(outputs)


#: All of them, by name and by the package that they need.
READERS = {
    "by the book": ("nir", by_the_book),
    "Norse": ("norse", norse),
    "sinabs": ("sinabs", sinabs),
    "sinabs, floor removed": ("sinabs", sinabs_without_floor),
    "SpikingJelly": ("spikingjelly", spikingjelly),
    "snnTorch": ("snntorch", snntorch),
    "snnTorch, mended": ("snntorch", snntorch_mended),
}
