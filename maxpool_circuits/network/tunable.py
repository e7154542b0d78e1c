"""Parameters of a circuit that no formula gives well."""

from __future__ import annotations

from dataclasses import dataclass

from nengo.exceptions import ValidationError
from nengo.params import StringParam

from ..utils.checks import is_real


@dataclass(frozen=True)
class Tunable:
    """A positive number that tuning may choose.

    Parameters
    ----------
    name : str
        Its name in `.TunedDecoders`.
    default : float
        Its value without tuning.
    low, high : float
        Where tuning looks, on a logarithmic scale.
    stands_for : str, optional (Default: None)
        The argument whose default it determines, such as "synapse". If that argument is
        given, there is nothing to tune.

    Raises
    ------
    nengo.exceptions.ValidationError
        If not ``0 < low <= default <= high``, or a name is not text.

    Examples
    --------
    A circuit with a tunable parameter: the mean times a number.

    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits.network.sparse import connect
    >>> SCALE = mpc.Tunable("scale", default=1.5, low=1, high=2)
    >>> class ScaledMean(mpc.MaxPoolNetwork):
    ...     tunables = (SCALE,)
    ...
    ...     def build_circuit(self):
    ...         weights = self.scatter @ self.pool_mean @ self.gather
    ...         connect(self.input, self.output, self.value_of(SCALE) * weights)
    >>> pool = ScaledMean(mpc.PoolWindows.independent(n_pools=1, window_size=2))
    >>> pool.value_of(SCALE)
    1.5
    """

    name: str
    default: float
    low: float
    high: float
    stands_for: str | None = None

    def __post_init__(self) -> None:
        """Check all values."""
        StringParam("name").coerce(None, self.name)
        StringParam("stands_for", optional=True).coerce(None, self.stands_for)
        numbers = self.low, self.default, self.high
        is_in_range = all(map(is_real, numbers)) and 0 < self.low <= self.default
        if not is_in_range or self.default > self.high:
            raise ValidationError(
                f"must have 0 < low <= default <= high, got {self}", attr="default"
            )
