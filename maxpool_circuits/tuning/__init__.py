"""Offline optimisation of circuits, by watching them run."""

from .inputs import INPUTS, draw
from .tune import tune

__all__ = ["INPUTS", "draw", "tune"]
