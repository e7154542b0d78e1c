"""Workloads by name."""

from __future__ import annotations

from collections.abc import Callable

from nengo.exceptions import ValidationError

from ..utils.checks import did_you_mean, positive_integer, valid_seed
from .images import images
from .workloads import Workload, band_limited, constant, natural, presentations

#: The workloads by name.
WORKLOADS: dict[str, Callable[..., Workload]] = {
    "presentations": presentations,
    "constant": constant,
    "band-limited": band_limited,
    "natural": natural,
    "images": images,
}


def find_workload(
    workload: str | Workload,
    window_size: int = 4,
    n_pools: int | None = None,
    seed: int | None = 0,
) -> Workload:
    """Make the workload of a name; a `Workload` is returned as it is."""
    if isinstance(workload, Workload):
        return workload
    if not isinstance(workload, str) or workload not in WORKLOADS:
        known = ", ".join(repr(name) for name in WORKLOADS)
        raise ValidationError(
            f"no workload is called {workload!r}{did_you_mean(workload, WORKLOADS)}; "
            f"the known workloads are {known}",
            attr="workload",
        )
    window_size = positive_integer(window_size, "window_size")
    seed = valid_seed(seed)
    if workload == "images":
        if n_pools is not None:
            raise ValidationError(
                "the number of pools follows from the size of the images; leave it "
                f"None, got {n_pools!r}",
                attr="n_pools",
            )
        return WORKLOADS[workload](window_size, seed=seed)
    n_pools = 200 if n_pools is None else n_pools
    return WORKLOADS[workload](window_size, n_pools, seed)
