"""Circuits as graphs of the Neuromorphic Intermediate Representation (NIR).

Needs the package ``nir``: ``pip install 'maxpool-circuits[nir]'``. The module has the
name of that package, so import it as a part of this one.
"""

try:
    import nir as _nir  # noqa: F401
except ImportError as error:
    raise ImportError(
        "maxpool_circuits.nir needs the package nir, which cannot be imported "
        f"({error}); what helps: pip install 'maxpool-circuits[nir]'"
    ) from error

# only now, so that its message is seen
from .export import save, to_nir  # noqa: E402

__all__ = ["save", "to_nir"]
