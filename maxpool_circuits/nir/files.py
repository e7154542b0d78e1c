"""Graphs in files, which are written whole and never over another file unasked."""

from __future__ import annotations

import os

import nir
from nengo.exceptions import ValidationError

from ..utils.checks import valid_flag, valid_path
from ..utils.files import atomic_write, writable_target


def save(
    graph: nir.NIRGraph, path: str | os.PathLike[str], overwrite: bool = False
) -> None:
    """Write a graph to a file that ``nir.read`` and simulators read.

    Parameters
    ----------
    graph : nir.NIRGraph
        The graph.
    path : str or os.PathLike
        The file; its name usually ends in ``.nir``. It is written whole or not at all.
    overwrite : bool, optional (Default: False)
        Whether a file that is there may be replaced.

    Raises
    ------
    nengo.exceptions.ValidationError
        If ``graph`` is no graph, or there is such a file and ``overwrite`` is False.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import os, tempfile
    >>> import nir
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits.nir import save, to_nir
    >>> windows = mpc.PoolWindows.independent(n_pools=1, window_size=2)
    >>> pool = mpc.WinnerTakeAll(
    ...     windows, input_synapse=None, decoders=None, add_to_container=False
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "pool.nir")
    ...     save(to_nir(pool, spike_value=1 / 250), path)
    ...     print(nir.read(path).nodes["neurons_1"].v_threshold.shape)
    (4,)
    """
    if not isinstance(graph, nir.NIRGraph):
        raise ValidationError(
            f"must be a nir.NIRGraph, as to_nir gives it, got {graph!r}", attr="graph"
        )
    overwrite = valid_flag(overwrite, "overwrite")
    path = valid_path(path)
    if writable_target(path).exists() and not overwrite:
        raise ValidationError(
            f"there is a file {path!r}; name another one, or replace it "
            "with overwrite=True",
            attr="path",
        )
    with atomic_write(path) as unfinished:
        nir.write(unfinished, graph)
