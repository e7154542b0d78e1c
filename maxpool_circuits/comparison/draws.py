"""Inputs that circuits are compared on, drawn once or several times."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .encodings import Encoding
from .measures import (
    AVERAGE,
    ORACLE,
    READOUTS,
    STEP_LENGTH,
    Row,
    measure,
)
from .recording import Recording, record
from .references import average, oracle
from .workloads import Workload

#: How often the inputs step from one half of a workload's step to the other: what
#: spikes happen to do after one step would move the latency by up to 20 ms.
N_STEPS = 4


def seed_of_draw(seed: int | None, number: int) -> int | None:
    """Seed of the draw of a number: the seed itself, then others far from it."""
    if seed is None or number == 0:
        return seed
    # neighbouring seeds would share draws if one counted on from them
    state = np.random.SeedSequence([seed, number]).generate_state(1)
    return int(state[0]) % (2**32 - 1)


@dataclass(frozen=True)
class Draw:
    """Inputs, their spikes, and the seed of the networks that get them."""

    workload: Workload
    values: np.ndarray
    spikes: np.ndarray
    input_rate: float
    seed: int | None

    @classmethod
    def of(
        cls, workload: Workload, carrier: Encoding, input_rate: float, seed: int | None
    ) -> Draw:
        """Let something carry a workload, and after it the steps for the latency."""
        held = np.resize(workload.step, (N_STEPS + 1, workload.values.shape[1]))
        steps = np.repeat(held, STEP_LENGTH, axis=0)
        values = np.concatenate([workload.values, steps])
        spikes = carrier.carry(values, workload.windows, input_rate, seed)
        # what does not spike has no events
        rate = input_rate if carrier.spikes else 0
        return cls(workload, values, spikes, rate, seed)

    @property
    def fingerprint(self) -> str:
        """Text that only equal inputs have."""
        windows = self.workload.windows.indices
        spikes = self.spikes[: len(self.workload.values)]
        parts = hashlib.sha256(repr(windows.shape).encode())
        for array in (windows, spikes):
            parts.update(np.ascontiguousarray(array).tobytes())
        return parts.hexdigest()[:12]

    def record(
        self, name: str, circuit: Any, simulator: Callable[..., Any] | None = None
    ) -> Recording:
        """Run a circuit, or look up a reference."""
        windows = self.workload.windows
        if name == ORACLE:
            return Recording(oracle(windows, self.values, self.spikes))
        if name == AVERAGE:
            return Recording(average(windows, self.spikes))
        return record(
            circuit,
            windows=windows,
            inputs=self.spikes,
            n_counted=len(self.workload.values),
            input_rate=self.input_rate,
            seed=self.seed,
            simulator=simulator,
        )


def measured(
    draw: Draw, name: str, circuit: Any, simulator: Any, keep_output: bool
) -> tuple[dict[float, Row], np.ndarray | None]:
    """Measure a circuit on one draw: a row for each readout filter, and the output."""
    recording = draw.record(name, circuit, simulator)
    rows = {
        readout: measure(name, recording, draw.workload, [readout])
        for readout in READOUTS
    }
    return rows, recording.output if keep_output else None


def with_best_readout(candidates: list[dict[float, Row]]) -> tuple[Row, ...]:
    """Rows of all draws behind the one filter with the least error in all of them."""
    readout = min(
        READOUTS, key=lambda tau: sum(rows[tau].rmse ** 2 for rows in candidates)
    )
    return tuple(rows[readout] for rows in candidates)
