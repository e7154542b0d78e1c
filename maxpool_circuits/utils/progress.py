"""Progress bars."""

from __future__ import annotations

import warnings
from typing import Any


def make_progress_bar(shown: bool, **options: Any) -> Any:
    """A progress bar, on terminals and in notebooks that can show widgets."""
    from tqdm import TqdmWarning

    with warnings.catch_warnings():
        # in other notebooks there is no bar, which is no reason to complain
        warnings.simplefilter("ignore", TqdmWarning)
        from tqdm.auto import tqdm
    return tqdm(disable=None if shown else True, **options)
