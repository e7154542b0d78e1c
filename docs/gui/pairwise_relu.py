"""The tree of pairs in Nengo GUI: ``nengo docs/gui/pairwise_relu.py``.

The comparator of a pair fires by how much its first input exceeds its second, and is
silent otherwise: lower the third slider below the fourth.
"""

from pool_of_four import pool_of_four

model, inputs, features, pool, values = pool_of_four("pairwise-relu")
