"""Parameters that no formula gives well."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Free:
    """A positive number that tuning may choose.

    Parameters
    ----------
    default : float
        What it is without tuning.
    low, high : float
        Where tuning looks, on a logarithmic scale.
    """

    default: float
    low: float
    high: float
