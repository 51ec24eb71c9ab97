"""What happened since the start, as plain numbers."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_NEWEST = 1000


def _newest() -> deque[float]:
    return deque(maxlen=_NEWEST)


@dataclass(slots=True)
class Counters:
    """What happened since the start.

    Attributes:
        observed: Steps at which every stream had a usable value.
        late: Predictions that came after all their outputs were due, or not at all in time.
        holds: Times that the robot was held.
        clamps: Predicted setpoints outside the position limits, and sent ones that other limits
            kept from the plan.
        latencies_ms: From request to prediction, the newest thousand.
        seams_rad: How far each of the newest thousand predictions moved the plan at the first
            step that it shared with the ones before; the largest of the joints.
        longest_gap_s: Between two commands while running [s].
    """

    observed: int = 0
    late: int = 0
    holds: int = 0
    clamps: int = 0
    latencies_ms: deque[float] = field(default_factory=_newest)
    seams_rad: deque[float] = field(default_factory=_newest)
    longest_gap_s: float = 0.0
    _commanded_ns: int | None = None

    def commanded(self, now_ns: int) -> None:
        """Take note of commands while running."""
        if self._commanded_ns is not None:
            self.longest_gap_s = max(self.longest_gap_s, (now_ns - self._commanded_ns) / 1e9)
        self._commanded_ns = now_ns

    def pause(self) -> None:
        """While the robot does not run, no gap grows."""
        self._commanded_ns = None

    def latency_ms(self, percent: float) -> float:
        """A percentile of the latencies; NaN before the first."""
        return percentile(self.latencies_ms, percent)

    def seam_rad(self, percent: float) -> float:
        """A percentile of the seams; NaN before the first."""
        return percentile(self.seams_rad, percent)


def percentile(values: deque[float] | NDArray[np.float64], percent: float) -> float:
    """A percentile; NaN where there is no value."""
    return float(np.percentile(values, percent)) if len(values) else np.nan
