"""The plan: future setpoints of the newest predictions, blended where they overlap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.command.joints import Array

BLEND_STEPS = 4
"""Steps over which a new prediction takes over from the one before."""

Blend = Callable[[Array, Array], Array]
"""(old, new), each (n, J) at the same n steps that both cover -> what is followed, (n, J)."""


def replace_at_once(old: Array, new: Array) -> Array:
    """The new prediction as it is."""
    return new


def fade_linearly(old: Array, new: Array) -> Array:
    """From old to new in equal shares over the first steps."""
    n = min(len(new), BLEND_STEPS)
    share = np.ones((len(new), 1))
    share[:n, 0] = np.arange(1, n + 1) / (n + 1)
    return (1.0 - share) * old + share * new


BLENDS: Mapping[str, Blend] = {'linear': fade_linearly, 'none': replace_at_once}


@dataclass(frozen=True, slots=True)
class Plan:
    """Setpoints one step apart, in the robot's own units.

    Attributes:
        origin_ns: When the newest prediction arrived; setpoint i is due i + 1 steps later.
        step_ns: The length of a step.
        positions: Shape (1 + n, J); row 0 is where the plan stood at the origin.
    """

    origin_ns: int
    step_ns: int
    positions: Array

    @property
    def end_ns(self) -> int:
        """When the last setpoint is due."""
        return self.origin_ns + (len(self.positions) - 1) * self.step_ns

    def at(self, times_ns: NDArray[np.int64]) -> Array:
        """Positions at n times, shape (n, J): straight between setpoints, the last one after."""
        steps = np.clip((times_ns - self.origin_ns) / self.step_ns, 0, len(self.positions) - 1)
        before = np.minimum(steps.astype(int), max(len(self.positions) - 2, 0))
        after = np.minimum(before + 1, len(self.positions) - 1)
        share = (steps - before)[:, None]
        return np.asarray((1.0 - share) * self.positions[before] + share * self.positions[after])

    def merged(self, outputs: Array, now_ns: int, blend: Blend) -> Plan:
        """This plan with a new prediction, whose first output is due one step from now.

        Args:
            outputs: Shape (n, J); the outputs that are not yet due.
            now_ns: Its arrival.
            blend: What to follow where both have setpoints.
        """
        overlap = min(max((self.end_ns - now_ns) // self.step_ns, 0), len(outputs))
        times = now_ns + self.step_ns * np.arange(overlap + 1, dtype=np.int64)
        old = self.at(times)
        followed = outputs.copy()
        if overlap:
            followed[:overlap] = blend(old[1:], outputs[:overlap])
        return Plan(now_ns, self.step_ns, np.concatenate([old[:1], followed]))
