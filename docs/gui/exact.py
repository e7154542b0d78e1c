"""The exact maximum of filtered spikes in Nengo GUI: ``nengo docs/gui/exact.py``.

It has no neurons, and is too large, the most where all sliders have the same height:
filtered spikes go up and down, and it takes what is up.
"""

from pool_of_four import pool_of_four

model, inputs, features, pool, values = pool_of_four("exact", input_synapse=0.005)
