"""The plan: setpoints one step apart, of which those ahead are replaced as predictions come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class Plan:
    """Setpoints one step apart, in the robot's own units.

    Attributes:
        origin_ns: When the newest prediction arrived; setpoint i is due i + 1 steps later.
        step_ns: The length of a step.
        positions: Shape (1 + n, J); row 0 is where the plan stood at the origin.
        chunks: The predictions that it came from, each as it was predicted, oldest first; those
            that have ended are left out.
    """

    origin_ns: int
    step_ns: int
    positions: FloatArray
    chunks: tuple[Plan, ...] = ()

    @property
    def end_ns(self) -> int:
        """When the last setpoint is due."""
        return self.origin_ns + (len(self.positions) - 1) * self.step_ns

    def at(self, times_ns: NDArray[np.int64]) -> FloatArray:
        """Positions at n times, shape (n, J): straight between setpoints, the last one after."""
        steps = np.clip((times_ns - self.origin_ns) / self.step_ns, 0, len(self.positions) - 1)
        before = np.minimum(steps.astype(int), max(len(self.positions) - 2, 0))
        after = np.minimum(before + 1, len(self.positions) - 1)
        share = (steps - before)[:, None]
        return np.asarray((1.0 - share) * self.positions[before] + share * self.positions[after])
