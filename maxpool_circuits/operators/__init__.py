"""One operator for a whole circuit, where a backend has one.

Importing this package makes Nengo's own simulator use them.
"""

import nengo
from nengo.builder import Model

from ..circuits import PairwiseReLU, WinnerTakeAll
from . import pairwise_relu, winner_take_all
from .recognition import SECTION, Backend, recognise, serve

__all__ = ["Backend", "recognise", "serve"]

if not nengo.rc.has_section(SECTION):
    # so that nengo.rc.set finds it
    nengo.rc.add_section(SECTION)
recognise(WinnerTakeAll, winner_take_all.read)
recognise(PairwiseReLU, pairwise_relu.read)
serve(
    Model,
    Backend(
        operator=lambda model, rule, x, y: rule.operator(x, y),
        filtered=lambda model, synapse, x: model.build(synapse, x, mode="update"),
    ),
)
