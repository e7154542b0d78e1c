"""A pool in one line: the arguments of a circuit are read from what it pools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nengo
from nengo.base import ObjView
from nengo.ensemble import Neurons
from nengo.exceptions import NetworkContextError, ValidationError

from ..network.arriving import Arriving, arriving
from ..network.units import RATE_FOR_VALUES
from ..network.windows import InputShape, PerAxis, PoolWindows
from ..registry import all_or_nothing, find, make, unwrap_partial, with_defaults
from ..utils.checks import valid_flag, valid_range
from .min_pool import MinPool


@all_or_nothing()
def max_pool(
    source: Any,
    windows: PoolWindows | InputShape,
    pool_size: PerAxis = 2,
    strides: PerAxis | None = None,
    padding: Any = "valid",
    *,
    circuit: str | Callable[..., Any] | None = None,
    minimum: bool = False,
    **options: Any,
) -> nengo.Network:
    """Make a max-pool network for a source of values, and connect the two.

    Options that are not given are chosen by what the source is:

    ============================  ==========================  =====================
    source                        circuit                     range
    ============================  ==========================  =====================
    spiking neurons               "winner-take-all"           0 to amplitude x rate
    values of an ensemble         "winner-take-all", 1250 Hz  its radius
    what does not spike           "exact"
    a node that passes values on  by what reaches the node    weights are followed
    a pool                        by what the pool pools      that of the pool
    ============================  ==========================  =====================

    The rate of neurons is the highest that the ensemble reaches for an input of 1 (or
    its radius), and ``input_rate`` follows from it. Of values that are sums of many the
    range is where nearly all are, if their sources were uniform and independent.

    Parameters
    ----------
    source : nengo object
        What a connection can start at: ``ensemble.neurons``, an ensemble, a node, a
        part of one of these; or a network with an ``output``, such as a pool.
    windows : PoolWindows or (1 to 4,) sequence of int
        Which inputs each pool looks at, or the shape of the input for `.PoolWindows`.
    pool_size, strides, padding : optional
        As in `.PoolWindows`, if ``windows`` is a shape.
    circuit : str or callable, optional
        As in `.make` (Default: by the source, see above).
    minimum : bool, optional (Default: False)
        Take minima: make a `.MinPool` with this circuit.
    **options
        Passed on to the circuit.

    Returns
    -------
    nengo.Network
        The network, made inside the current context; its ``output`` has the maxima.
        After spikes read it through a synapse, as the spikes themselves.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an argument is not as described, the sizes do not fit, or the range of the
        source cannot be known and is not given.

    Examples
    --------
    >>> import nengo
    >>> import maxpool_circuits as mpc
    >>> with nengo.Network(seed=0) as model:
    ...     inputs = nengo.Node([0.3, 0.9, 0.2, 0.6])
    ...     neurons = nengo.Ensemble(
    ...         4, 1, gain=[200] * 4, bias=[0] * 4,
    ...         neuron_type=nengo.SpikingRectifiedLinear(),
    ...     ).neurons
    ...     _ = nengo.Connection(inputs, neurons, synapse=None)
    ...     pool = mpc.max_pool(neurons, (4,))
    ...     probe = nengo.Probe(pool.output, synapse=0.03)
    >>> type(pool).__name__, pool.input_range, pool.input_rate
    ('WinnerTakeAll', (0.0, 200.0), 200.0)
    >>> with nengo.Simulator(model, progress_bar=False) as sim:
    ...     sim.run(0.5)
    >>> print(sim.data[probe][250:].mean(axis=0).round(-1))  # in Hz
    [180. 120.]
    """
    if not nengo.Network.context:
        raise NetworkContextError("max_pool can only be used inside of `with network:`")
    if isinstance(source, nengo.Network):
        source = getattr(source, "output", source)
    whole = source.obj if isinstance(source, ObjView) else source
    if not isinstance(whole, (Neurons, nengo.Ensemble, nengo.Node)):
        raise ValidationError(
            "must be neurons, an ensemble, a node, a part of one, or a network with an "
            f"output, got {source!r}",
            attr="source",
        )
    if not isinstance(windows, PoolWindows):
        windows = PoolWindows(windows, pool_size, strides, padding)
    # by text, since arrays are not simply equal or not
    elif repr((pool_size, strides, padding)) != "(2, None, 'valid')":
        raise ValidationError(
            "pool_size, strides and padding are for a shape; windows have their own",
            attr="windows",
        )
    if source.size_out != windows.n_inputs:
        hint = "; its spikes are those of .neurons"
        raise ValidationError(
            f"{windows} take {windows.n_inputs} values, but {source} has "
            f"{source.size_out}{hint * isinstance(whole, nengo.Ensemble)}",
            attr="windows",
        )
    found = arriving(source, nengo.Network.context[0])
    if circuit is None:
        circuit = "winner-take-all" if found.spikes or found.is_decoded else "exact"
    made_by, own = unwrap_partial(find(circuit))
    given = {**own, **options}
    chosen = _chosen(found, source, **given)
    smooth = found.is_decoded and not found.spikes
    counts = getattr(made_by, "takes_raw_spikes", False) and "neuron_type" not in given
    if smooth and counts:
        chosen.update(max_rate=RATE_FOR_VALUES, input_rate=RATE_FOR_VALUES)
    if valid_flag(minimum, "minimum"):
        pool: nengo.Network = MinPool(windows, circuit, **{**chosen, **options})
    else:
        pool = make(with_defaults(find(circuit), **chosen), windows, **options)
    nengo.Connection(source, pool.input, **({} if smooth else {"synapse": None}))
    return pool


def _chosen(found: Arriving, source: Any, **given: Any) -> dict[str, Any]:
    """Options of a circuit for what arrives, beside those that are given."""
    values = given.get("input_range", found.range)
    if values is None:
        if found.spikes or found.is_decoded:
            raise ValidationError(
                f"what values {source} gives cannot be read from its gains and "
                "weights; give input_range=(lowest, highest)",
                attr="input_range",
            )
        return {}
    low, high = valid_range(values, "input_range")
    options: dict[str, Any] = {"input_range": (low, high)}
    if found.area:
        rate = found.needed_rate(high - low)
        options["input_rate"] = float(f"{rate:.4g}")
    return options
