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

    Examples
    --------
    A circuit of one's own, the mean times a number that tuning may choose:

    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits.network.sparse import connect
    >>> class ScaledMean(mpc.MaxPoolNetwork):
    ...     @property
    ...     def free_parameters(self):
    ...         scale = mpc.Free(default=1.5, low=1, high=2)
    ...         return {**super().free_parameters, "scale": scale}
    ...
    ...     def build_circuit(self):
    ...         weights = self.scatter @ self.pool_mean @ self.gather
    ...         connect(self.input, self.output, self.free("scale") * weights)
    >>> pool = ScaledMean(mpc.PoolWindows.independent(n_pools=1, window_size=2))
    >>> pool.free("scale")
    1.5
    """

    default: float
    low: float
    high: float
