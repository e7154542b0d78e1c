"""The soft maximum in Nengo GUI: ``nengo docs/gui/softmax.py``.

The accumulator holds by how much the maximum exceeds the mean. The units fire whose
inputs are close to it: raise a second slider to the height of the largest.
"""

from pool_of_four import pool_of_four

model, inputs, features, pool, values = pool_of_four("softmax")
