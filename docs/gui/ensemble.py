"""One ensemble that represents all inputs in Nengo GUI: ``nengo docs/gui/ensemble.py``.

The maximum is decoded from all neurons at once, each of which hears all inputs: move
any slider, and some of them change.
"""

from pool_of_four import pool_of_four

model, inputs, features, pool, values = pool_of_four("ensemble")
