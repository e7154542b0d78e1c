"""Tuned decoders that ship with the package, and where those made later are kept."""

from .files import preset_path, presets
from .first_use import decoders_for

__all__ = ["decoders_for", "preset_path", "presets"]
