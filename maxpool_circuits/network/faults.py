"""Neurons that are dead, and weights that are not what they should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.ensemble import Neurons
from nengo.exceptions import ValidationError
from nengo.transforms import Sparse

from ..utils.checks import is_integer, is_real, valid_integer
from .sparse import weights_of

#: Input, in units of what a population represents, at which dead neurons would fire.
OUT_OF_REACH = 1000


@dataclass(frozen=True)
class Faults:
    r"""What is wrong with the hardware that a circuit runs on.

    Which neurons and weights it hits is drawn once, when the network is made. Weights
    are those of connections from or to neurons; nodes add up values without faults.

    Parameters
    ----------
    dead : float, optional (Default: 0)
        Probability, below 1, with which a neuron never fires.
    weight_noise : float, optional (Default: 0)
        Standard deviation of the error of a weight, as a fraction of the weight.
    bits : int, optional (Default: None)
        Number of bits of a weight, sign included, at least 2: weights of a connection
        are rounded to multiples of the largest one divided by :math:`2^{bits-1} - 1`.
        None: as many as a floating-point number has.
    seed : int, optional (Default: 0)
        Seed of what is hit.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a value is not as described.

    Examples
    --------
    About every tenth of 400 neurons is dead:

    >>> import maxpool_circuits as mpc
    >>> faults = mpc.Faults(dead=0.1)
    >>> windows = mpc.PoolWindows.independent(n_pools=100, window_size=4)
    >>> pool = mpc.WinnerTakeAll(windows, faults=faults)
    >>> int((pool.all_ensembles[0].bias < 0).sum())
    41
    """

    dead: float = 0
    weight_noise: float = 0
    bits: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the values."""
        if not is_real(self.dead) or not 0 <= self.dead < 1:
            self._refuse("dead", "a probability of 0 or more, below 1")
        if not is_real(self.weight_noise) or not 0 <= self.weight_noise < np.inf:
            self._refuse("weight_noise", "a finite number of 0 or more")
        if self.bits is not None and not (
            is_integer(self.bits) and 2 <= self.bits <= 64
        ):
            self._refuse("bits", "an integer from 2 to 64, or None")
        valid_integer(self.seed, "seed", Faults, lowest=0, highest=2**32 - 1)

    def _refuse(self, name, allowed):
        raise ValidationError(
            f"must be {allowed}, got {getattr(self, name)!r}", attr=name, obj=Faults
        )


def checked_faults(faults: Any, network: Any) -> Faults | None:
    """The faults, if they are some, or None."""
    if faults is None or isinstance(faults, Faults):
        return faults
    raise ValidationError(
        f"must be maxpool_circuits.Faults or None, got {faults!r}",
        attr="faults",
        obj=network,
    )


def let_fail(network: nengo.Network, faults: Faults) -> None:
    """Change neurons and weights of a network that has been made."""
    if not network.all_ensembles:
        raise ValidationError(
            f"{type(network).__name__} has no neurons that could fail",
            attr="faults",
            obj=network,
        )
    rng = np.random.RandomState(faults.seed)
    for ensemble in network.all_ensembles:
        _kill(ensemble, rng.uniform(size=ensemble.n_neurons) < faults.dead)
    for connection in network.all_connections:
        ends = connection.pre_obj, connection.post_obj
        if any(isinstance(end, (Neurons, nengo.Ensemble)) for end in ends):
            weights = _checked_weights(connection)
            if faults.bits is not None:
                weights.data = _rounded(weights.data, faults.bits)
            weights.data *= 1 + faults.weight_noise * rng.normal(size=weights.nnz)
            connection.transform = Sparse(weights.shape, init=weights)


def _kill(ensemble, is_dead):
    """Move what neurons fire at out of reach; without gain Nengo would warn of them."""
    if not is_dead.any():
        return
    for name in ("gain", "bias"):
        if not isinstance(getattr(ensemble, name), np.ndarray):
            raise ValidationError(
                f"neurons of {ensemble} cannot be dead: their {name} is drawn when the "
                "simulator is made; make them with self.replicate, or give an array",
                attr="faults",
                obj=ensemble,
            )
    ensemble.bias = np.where(is_dead, -OUT_OF_REACH * ensemble.gain, ensemble.bias)


def _checked_weights(connection):
    """Weights of a connection between nodes and neurons."""
    ends = connection.pre_obj, connection.post_obj
    weights = weights_of(connection)
    if (
        any(isinstance(end, nengo.Ensemble) for end in ends)
        or connection.function is not None
        or weights is None
    ):
        raise ValidationError(
            f"weights of {connection} cannot fail: they are found when the simulator "
            "is made; connect neurons with a dense or sparse transform",
            attr="faults",
            obj=connection,
        )
    return weights


def _rounded(weights, bits):
    """Multiples of the smallest step that so many bits have up to the largest one."""
    if not weights.any():
        return weights
    step = np.abs(weights).max() / (2 ** (bits - 1) - 1)
    return step * np.round(weights / step)
