"""Comparators of absolute values in Nengo GUI: ``nengo docs/gui/absolute_value.py``.

Of the neurons of a comparator some fire if its first input is the larger, the others if
the second is. Bring all sliders to the same height, and all fire.
"""

from pool_of_four import pool_of_four

model, inputs, features, pool, values = pool_of_four("absolute-value")
