"""Simulators of all backends, built in the same way."""

import inspect

import nengo
from nengo.cache import NoDecoderCache
from nengo.exceptions import ValidationError

from .workloads import DT


def checked_simulator(simulator):
    """What may make simulators: None, or anything that can be called."""
    if simulator is not None and not callable(simulator):
        raise ValidationError(
            "must be a simulator class, such as nengo.Simulator, or a function that "
            f"makes a simulator of a network, or None, got {simulator!r}",
            attr="simulator",
        )
    return simulator


def build_simulator(network, simulator=None):
    """Build a network with a simulator class or factory, by default with Nengo's."""
    simulator = nengo_simulator if simulator is None else simulator
    options = {"dt": DT}
    if "progress_bar" in inspect.signature(simulator).parameters:
        options["progress_bar"] = False
    return simulator(network, **options)


def nengo_simulator(network, dt):
    """Build a network with Nengo, without its cache of decoders."""
    # circuits bring their decoders, and several processes would lock the cache
    model = nengo.builder.Model(dt=dt, decoder_cache=NoDecoderCache())
    return nengo.Simulator(network, dt=dt, model=model, progress_bar=False)
