"""Which options a circuit gets, so that it fits the spikes and values it will see."""

import numpy as np

from ..registry import unwrap_partial, with_defaults

#: Lowest ``max_rate``, in Hz, that a circuit gets where the range of its inputs is not
#: known: so its own synapses, a few intervals between spikes, stay near 10 ms.
LOWEST_RATE = 100


def options_for(circuit, pool, spikes, converter):
    """Give a circuit what fits a pool.

    Parameters
    ----------
    circuit : callable
        The circuit.
    pool : Pool
        The pool.
    spikes : (n_inputs,) array
        What a spike of each input is worth; 0 without spikes.
    converter : nengo_dl.Converter
        The converter.

    Returns
    -------
    circuit : callable
        The circuit with options.
    factors : (n_inputs,) array or None
        What the inputs have to be divided by, and the maxima multiplied with, so that
        spikes of all channels are worth the same. None if they already are.
    """
    ours = object()
    tried = with_defaults(circuit, max_rate=ours)
    if tried is circuit:
        # a callable that is no class of circuits brings its own options
        return circuit, None
    has_own_rate = tried.keywords["max_rate"] is not ours
    options = {"label": pool.layer.name}
    factors = None
    ranges = getattr(converter, "value_ranges", {}).get(pool.layer)
    if spikes.any():
        if has_own_rate:
            worth = np.median(spikes[spikes > 0])
        else:
            worth, factors = _by_channel(spikes, pool.channels)
    if ranges is not None:
        low, high = ranges
        if factors is not None:
            first_of_channel = np.unique(pool.channels, return_index=True)[1]
            low, high = (x / factors[first_of_channel] for x in ranges)
        low, high = float(np.min(low)), float(np.max(high))
        if low < high:
            options["input_range"] = (low, high)
    if spikes.any():
        if "input_range" not in options:
            options["input_range"] = (0, max(1, LOWEST_RATE * worth))
        low, high = options["input_range"]
        options["max_rate"] = (high - low) / worth
        if converter.synapse is not None and _takes_raw_spikes(circuit):
            # the synapse is behind the circuit, and each one costs time steps
            options["input_synapse"] = None
    return with_defaults(circuit, **options), factors


def _takes_raw_spikes(circuit):
    """Whether it is of a class whose membranes average, with the default neurons."""
    made_by, given = unwrap_partial(circuit)
    return "neuron_type" not in given and getattr(made_by, "takes_raw_spikes", False)


def _by_channel(spikes, channels):
    """Median worth of all spikes, and what those of each input are worth beside it."""
    of_channel = np.ones(channels.max() + 1)
    for channel in range(len(of_channel)):
        members = spikes[channels == channel]
        # zeros are padding, or come from a slope of zero
        present = members[members > 0]
        of_channel[channel] = np.median(present) if len(present) > 0 else np.nan
    worth = np.nanmedian(of_channel)
    of_channel[np.isnan(of_channel)] = worth
    if np.ptp(of_channel) <= 1e-6 * worth:
        return worth, None
    return worth, of_channel[channels] / worth
