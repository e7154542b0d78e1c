"""Max pooling by spiking neurons."""

from maxpool_circuits import PoolWindows, WinnerTakeAll

__all__ = ["PoolWindows", "WinnerTakeAll"]
