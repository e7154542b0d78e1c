"""One operator for a whole circuit, where a backend has one.

Importing this package makes Nengo's own simulator use them.
"""

import nengo
from nengo.builder import Model

from ..circuits import PairwiseReLU, SharedResetMax, WinnerTakeAll
from . import pairwise_relu, shared_reset
from .declared import SECTION, declare, serve
from .filters import AlphaFilter
from .pairwise_relu import PairwiseReLURule, PairwiseReLUStep
from .shared_reset import SharedResetRule, SharedResetStep

__all__ = ["declare", "serve"]

if not nengo.rc.has_section(SECTION):
    # so that nengo.rc.set finds it
    nengo.rc.add_section(SECTION)
for _circuit in (WinnerTakeAll, SharedResetMax):
    declare(_circuit, shared_reset.rule_of)
declare(PairwiseReLU, pairwise_relu.rule_of)


#: Operators of Nengo's own simulator, by the rule that they compute.
STEPS = {SharedResetRule: SharedResetStep, PairwiseReLURule: PairwiseReLUStep}


def _add(model, rule, synapse, x, y):
    """What Nengo's own simulator computes."""
    if type(synapse) is nengo.Alpha:
        model.add_op(AlphaFilter(synapse.tau, 1, x))
        x = model.operators[-1].updates[0]
    elif synapse is not None:
        x = model.build(synapse, x, mode="update")
    model.add_op(STEPS[type(rule)](x, y, rule))


serve(Model, _add)
