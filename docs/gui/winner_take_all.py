"""Winner-take-all in Nengo GUI: ``nengo docs/gui/winner_take_all.py``.

The unit of the largest input fires and silences the others. Bring two sliders to the
same height, and their units take turns.
"""

from pool_of_four import pool_of_four

model, inputs, features, pool, values = pool_of_four("winner-take-all")
