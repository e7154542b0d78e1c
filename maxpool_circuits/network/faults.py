"""Neurons that are dead, and weights that are not what they should be."""

from __future__ import annotations

import nengo
import numpy as np
import scipy.sparse
from nengo.ensemble import Neurons
from nengo.exceptions import ValidationError
from nengo.transforms import Sparse

from ..utils.checks import valid_integer, valid_seed
from .arrays import RealParam
from .neurons import SharedReset
from .sparse import weights_of

#: Input, in units of what a population represents, at which dead neurons would fire.
OUT_OF_REACH = 1000
#: The same for neurons that get no input any more.
JUST_BELOW = 1e-6


def let_fail(
    network: nengo.Network,
    dead: float = 0,
    weight_noise: float = 0,
    bits: int | None = None,
    seed: int = 0,
) -> None:
    r"""Change neurons and weights of a network, as hardware with faults would.

    Weights are those of connections from or to neurons; nodes add up values without
    faults.

    Parameters
    ----------
    network : nengo.Network
        A finished circuit, or any network whose neurons have gains and biases that are
        arrays and connect to nodes and neurons by dense or sparse transforms.
    dead : float, optional (Default: 0)
        Probability, below 1, with which a neuron never fires.
    weight_noise : float, optional (Default: 0)
        Standard deviation of the error of a weight, as a fraction of the weight.
    bits : int, optional (Default: None)
        Number of bits of a weight, sign included, from 2 to 64: weights of a connection
        are rounded to multiples of the largest one divided by :math:`2^{bits-1} - 1`.
        None: as many as a floating-point number has.
    seed : int, optional (Default: 0)
        Seed of what is hit.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a value is not as described, or the network has no neurons or others than
        those that can fail.

    Examples
    --------
    About every tenth of 400 neurons is dead:

    >>> import maxpool_circuits as mpc
    >>> windows = mpc.PoolWindows.independent(n_pools=100, window_size=4)
    >>> pool = mpc.WinnerTakeAll(windows)
    >>> mpc.let_fail(pool, dead=0.1)
    >>> int((pool.all_ensembles[0].bias < 0).sum())
    41
    """
    RealParam("dead", low=0, high=1, high_open=True).coerce(None, dead)
    RealParam("weight_noise", low=0).coerce(None, weight_noise)
    if bits is not None:
        valid_integer(bits, "bits", lowest=2, highest=64)
    if not isinstance(network, nengo.Network) or not network.all_ensembles:
        raise ValidationError(
            f"{type(network).__name__} has no neurons that could fail", attr="network"
        )
    rng = np.random.RandomState(valid_seed(seed))
    cut = {}
    for ensemble in network.all_ensembles:
        is_dead = rng.uniform(size=ensemble.n_neurons) < dead
        _kill(ensemble, is_dead)
        if isinstance(ensemble.neuron_type, SharedReset):
            cut[ensemble.neurons] = is_dead
    for connection in network.all_connections:
        ends = connection.pre_obj, connection.post_obj
        if any(isinstance(end, (Neurons, nengo.Ensemble)) for end in ends):
            weights = _checked_weights(connection)
            is_dead = cut.get(connection.post_obj)
            if is_dead is not None:
                weights = scipy.sparse.diags(1.0 - is_dead).tocsr() @ weights
            if bits is not None:
                weights.data = _rounded(weights.data, bits)
            weights.data *= 1 + weight_noise * rng.normal(size=weights.nnz)
            connection.transform = Sparse(weights.shape, init=weights)


def _kill(ensemble, is_dead):
    """Move what neurons fire at out of reach; without gain Nengo would warn of them."""
    if not is_dead.any():
        return
    if not all(isinstance(v, np.ndarray) for v in (ensemble.gain, ensemble.bias)):
        raise ValidationError(
            f"neurons of {ensemble} cannot be dead: gain or bias are drawn when the "
            "simulator is made; make them with self.replicate, or give arrays",
            attr="dead",
        )
    # neurons of a group are compared with each other: those must not be far off
    shares = isinstance(ensemble.neuron_type, SharedReset)
    below = JUST_BELOW if shares else OUT_OF_REACH
    ensemble.bias = np.where(is_dead, -below * ensemble.gain, ensemble.bias)


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
            attr="network",
        )
    return weights


def _rounded(weights, bits):
    """Multiples of the smallest step that so many bits have up to the largest one."""
    largest = np.abs(weights).max(initial=0)
    if largest == 0:
        return weights
    step = largest / (2 ** (bits - 1) - 1)
    return step * np.round(weights / step)
