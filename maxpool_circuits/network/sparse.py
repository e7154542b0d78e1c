"""Sparse matrices that lay one small circuit out over all pools.

A circuit is written down once, as a small block, and repeated for every pool; a window
is a selection of inputs. Both are sparse matrices, so that a network has one ensemble
and a handful of connections however many pools there are.
"""

from __future__ import annotations

from reprlib import repr as short_repr
from typing import TYPE_CHECKING, Any

import nengo
import numpy as np
import scipy.sparse
from nengo.exceptions import ValidationError
from nengo.synapses import Synapse

from ..utils.checks import is_integer, is_real, valid_integer
from .arrays import as_array, numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def selection(columns: ArrayLike, n_columns: int) -> scipy.sparse.csr_matrix:
    """Matrix whose row ``i`` picks entry ``columns[i]`` of a vector.

    Its transpose sums entries by group: ``selection(group, n_groups).T``.

    >>> print(selection([2, 0], n_columns=3).toarray())
    [[0. 0. 1.]
     [1. 0. 0.]]
    >>> print(selection([0, 0, 1], n_columns=2).T @ [1, 2, 4])
    [3. 4.]
    """
    columns = as_array(columns)
    n_columns = valid_integer(n_columns, "n_columns", lowest=0)
    is_right = columns.ndim == 1 and (columns.dtype.kind in "iu" or not columns.size)
    # SciPy would write to memory that is not its own
    if not is_right or not np.all((columns >= 0) & (columns < n_columns)):
        raise ValidationError(
            f"must be integers from 0 to {n_columns - 1}, got {columns}", attr="columns"
        )
    return scipy.sparse.csr_matrix(
        (np.ones(len(columns)), columns, np.arange(len(columns) + 1)),
        shape=(len(columns), n_columns),
    )


def replicate(block: ArrayLike, n_copies: int) -> scipy.sparse.csr_matrix:
    """Block-diagonal matrix with ``n_copies`` copies of one dense block.

    >>> print(replicate([[1, 2]], n_copies=2).toarray())
    [[1. 2. 0. 0.]
     [0. 0. 1. 2.]]
    """
    rows = numbers(np.atleast_2d(as_array(block)), "block", ("*", "*"))
    n_copies = valid_integer(n_copies, "n_copies", lowest=0)
    shape = n_copies, *rows.shape
    # every row of a copy holds a whole row of the block, from the copy's first column
    starts = np.arange(n_copies, dtype=np.int32) * rows.shape[1]
    columns = starts[:, np.newaxis, np.newaxis] + np.arange(shape[2], dtype=np.int32)
    return scipy.sparse.csr_matrix(
        (
            np.broadcast_to(rows, shape).ravel(),
            np.broadcast_to(columns, shape).ravel(),
            np.arange(shape[0] * shape[1] + 1) * shape[2],
        ),
        shape=(shape[0] * shape[1], shape[0] * shape[2]),
    )


def connect(pre: Any, post: Any, matrix: Any, synapse: Any = None) -> nengo.Connection:
    """Connect two nodes or neurons through a (post size, pre size) sparse matrix.

    Weights to neurons are multiplied by their gains, as in all of Nengo. A number as
    ``synapse`` is a time constant, in seconds; None has no delay.
    """
    shape = size_of(post, "post", "in"), size_of(pre, "pre", "out")
    matrix = finite_matrix(matrix, shape)
    scale = _multiple_of_identity(matrix)
    if scale is None:
        transform = nengo.Sparse(matrix.shape, init=matrix)
    else:
        # much cheaper than a sparse matrix, on every backend
        transform = nengo.transforms.NoTransform(pre.size_out) if scale == 1 else scale
    synapse = valid_synapse(synapse, "synapse")
    return nengo.Connection(pre, post, transform=transform, synapse=synapse)


def size_of(end: Any, attr: str, side: str) -> int:
    """Number of values at the end of a connection, on its side "in" or "out"."""
    size: Any = getattr(end, f"size_{side}", None)
    if not is_integer(size) or size < 1:
        raise ValidationError(
            f"must be a node, neurons or the like with values of size_{side}, got "
            f"{end!r}",
            attr=attr,
        )
    return size


def finite_matrix(
    values: Any, shape: tuple[Any, Any], attr: str = "matrix"
) -> scipy.sparse.csr_matrix:
    """A sparse matrix of finite numbers; "*" in its shape is any length."""
    try:
        matrix = scipy.sparse.csr_matrix(values)
        fits = matrix.dtype.kind in "biuf" and bool(np.all(np.isfinite(matrix.data)))
    except (TypeError, ValueError):
        fits = False
    is_matrix = scipy.sparse.issparse(values) or as_array(values).ndim == 2
    fits = (
        fits and is_matrix and all(n in ("*", m) for n, m in zip(shape, matrix.shape))
    )
    if not fits:
        raise ValidationError(
            f"must be a matrix of finite numbers, of shape {shape}, got "
            f"{short_repr(values)}",
            attr=attr,
        )
    return matrix


def weights_of(connection: nengo.Connection) -> scipy.sparse.csr_matrix | None:
    """Weights of a connection.

    Parameters
    ----------
    connection : nengo.Connection
        The connection, between whole objects or parts of them.

    Returns
    -------
    (size_out, size_mid) scipy.sparse.csr_matrix or None
        A copy of the weights; None if its transform is neither dense nor sparse.

    Examples
    --------
    >>> import nengo
    >>> from maxpool_circuits.network.sparse import weights_of
    >>> with nengo.Network():
    ...     nodes = nengo.Node([1, 1]), nengo.Node(size_in=2)
    ...     connection = nengo.Connection(*nodes, transform=0.5)
    >>> print(weights_of(connection).toarray())
    [[0.5 0. ]
     [0.  0.5]]
    """
    transform = connection.transform
    if isinstance(transform, nengo.transforms.NoTransform):
        return scipy.sparse.identity(connection.size_mid, format="csr")
    if not isinstance(transform, (nengo.Dense, nengo.Sparse)):
        return None
    weights = transform.sample()
    if hasattr(weights, "allocate"):
        # Nengo's own sparse matrices
        weights = weights.allocate()
    if not scipy.sparse.issparse(weights) and np.ndim(weights) < 2:
        weights = scipy.sparse.diags(np.broadcast_to(weights, connection.size_mid))
    return scipy.sparse.csr_matrix(weights, copy=True)


def _multiple_of_identity(matrix):
    """Factor of a matrix that scales a vector without mixing it; None for others."""
    n_rows, n_columns = matrix.shape
    if n_rows != n_columns or not np.array_equal(matrix.indices, np.arange(n_rows)):
        return None
    is_diagonal = np.array_equal(matrix.indptr, np.arange(n_rows + 1))
    is_constant = is_diagonal and np.all(matrix.data == matrix.data[0])
    return float(matrix.data[0]) if is_constant else None


def valid_synapse(synapse: Any, attr: str, obj: Any = None) -> Any:
    """Return a synapse or None; a number becomes a low-pass filter."""
    if is_real(synapse) and synapse >= 0:
        return nengo.Lowpass(synapse)
    if synapse is not None and not isinstance(synapse, Synapse):
        raise ValidationError(
            "must be a Nengo synapse such as nengo.Lowpass(0.005), a time constant "
            f"of 0 or more, in seconds, or None, got {synapse!r}",
            attr=attr,
            obj=obj,
        )
    return synapse
