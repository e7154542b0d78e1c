"""A circuit of integrate-and-fire neurons as a graph of NIR nodes."""

from __future__ import annotations

import warnings

import nir

from ..network.base import MaxPoolNetwork
from ..network.setup import qualified_name
from ..utils.checks import positive_number, valid_flag
from ..version import version
from .layout import Chain, Meeting
from .signals import Signals


def to_nir(
    circuit: MaxPoolNetwork, spike_value: float, relays: bool = True
) -> nir.NIRGraph:
    r"""Export a circuit of `.IntegrateAndFire` neurons as a graph of standard nodes.

    The graph takes the number of spikes of each input in each time step, and gives
    numbers in the same unit: a spike of an input and a 1 in the output are both worth
    ``spike_value``. So the graph can stand between two layers of a spiking network.

    Parameters
    ----------
    circuit : MaxPoolNetwork
        The circuit, for any windows, for instance a `.PairwiseReLU` or a
        `.WinnerTakeAll` with their default ``neuron_type``.
    spike_value : float
        What a spike of an input is worth: its value times its duration, in units of the
        input times seconds. That is the ``amplitude`` of the neurons that the input
        comes from; for neurons that fire at 250 Hz where their value is 1, 1 / 250.
    relays : bool, optional (Default: True)
        True: what goes past the neurons of the circuit (the smaller input of a
        comparator, the mean of a pool) goes through relay neurons, each of which fires
        when its source does. The graph is then a chain of ``Affine`` and ``IF`` nodes,
        which every simulator can run. Inputs must be spikes, at most one per time step,
        and the circuit must have no ``input_synapse``. False: these paths have nodes of
        their own, which meet where signals are added up, and synapses are ``LI`` nodes.

    Returns
    -------
    nir.NIRGraph
        The graph, from the node ``"input"`` of ``windows.n_inputs`` numbers to the node
        ``"output"`` of ``windows.n_pools``. Lateral inhibition is a cycle
        (``"feedback_1"``); simulators that go in time steps put one step into it.

    Warns
    -----
    UserWarning
        If one spike brings a neuron to its threshold more than once, which only
        simulators with several spikes in a time step can express. The message says
        which ``max_rate`` is low enough.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the circuit has other neurons, computes something besides, or has synapses
        that do not fit.

    Notes
    -----
    Membrane floors and initial voltages are lost: NIR has neither.

    Examples
    --------
    A tree whose comparators count: their threshold is one spike of an input.

    >>> import numpy as np
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits.nir import to_nir
    >>> windows = mpc.PoolWindows.independent(n_pools=10, window_size=4)
    >>> pool = mpc.PairwiseReLU(
    ...     windows,
    ...     neuron_type=mpc.IntegrateAndFire(min_voltage=-np.inf),
    ...     max_rate=125,
    ...     input_synapse=None,
    ...     decoders=None,
    ...     add_to_container=False,
    ... )
    >>> graph = to_nir(pool, spike_value=1 / 250)
    >>> print(*graph.nodes)
    input weights_1 neurons_1 weights_2 neurons_2 weights_3 output
    """
    relays = valid_flag(relays, "relays")
    spike_value = positive_number(spike_value, "spike_value", unit="value times s")
    signals = Signals(circuit)
    layout = (Chain if relays else Meeting)(signals, spike_value)
    layout.build()
    _warn_of_several_spikes(layout, circuit, spike_value)
    metadata = {
        "circuit": qualified_name(type(circuit)),
        "spike_value": spike_value,
        "maxpool_circuits": version,
    }
    return nir.NIRGraph(layout.nodes, layout.edges, metadata=metadata)


def _warn_of_several_spikes(layout, circuit, spike_value):
    """Tell if a single spike is worth more than a threshold."""
    largest = layout.largest_jump
    # thresholds that were computed are as exact as floats
    if largest > 1 + 1e-6:
        warnings.warn(
            f"one spike brings neurons of {type(circuit).__name__} to their threshold "
            f"{largest:.3g} times, but in most simulators of NIR a neuron fires once "
            "in a time step at most; build the circuit with a max_rate of at most "
            f"{circuit.max_rate / largest:.4g} Hz for spikes that are worth "
            f"{spike_value:.4g}",
            stacklevel=3,
        )
