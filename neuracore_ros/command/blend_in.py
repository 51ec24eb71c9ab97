"""Blending in: how slowly a robot goes that starts away from the plan, and until when."""

from __future__ import annotations

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.command.joints import Limits

_DETOUR = 1.5
"""From rest to rest, a way takes so much longer than its length at the fastest speed."""

_RISES_S = 0.5
"""From ``start_speed`` to full speed, once the distance of the start is made good."""


class BlendIn:
    """The share of the velocity limits that a robot may use after its start.

    It is ``start_speed`` until the robot arrives at the plan. A plan may move away as fast as
    the robot follows: so it is ``start_speed`` for no longer than the distance of the start
    takes at that speed, and then rises to 1.
    """

    def __init__(self, start_speed: float) -> None:
        """Nothing is slowed yet.

        Args:
            start_speed: Share of the velocity limits, above 0 and at most 1.
        """
        self._start_speed = start_speed
        self._made_good_ns: int | None = None
        self._arrives_ns: int | None = 0

    @property
    def active(self) -> bool:
        """Whether the robot is on its way to the plan, and nobody knows when it arrives."""
        return self._arrives_ns is None

    def start(self, slowly: bool, now_ns: int) -> None:
        """The robot starts: slowly, or at full speed."""
        self._made_good_ns = None
        self._arrives_ns = None if slowly else now_ns

    def measure(self, away: FloatArray, limits: Limits, now_ns: int) -> None:
        """Take the distance of the start to the first action, (J,); later actions do not count."""
        if self.active and self._made_good_ns is None:
            away = np.where(limits.alone, 0.0, np.abs(away))
            takes_s = _DETOUR * float(np.max(away / (self._start_speed * limits.velocity)))
            self._made_good_ns = now_ns + round(1e9 * takes_s)

    def share(self, now_ns: int) -> float:
        """The share of the velocity limits that it may use now."""
        if self._arrives_ns is not None and self._arrives_ns <= now_ns:
            return 1.0
        risen_s = 0.0 if self._made_good_ns is None else (now_ns - self._made_good_ns) / 1e9
        share = self._start_speed + (1.0 - self._start_speed) * max(risen_s, 0.0) / _RISES_S
        return min(share, 1.0)

    def arrive(self, at_ns: int | None) -> None:
        """Take when the robot will be at the plan, as far as it has been planned."""
        self._arrives_ns = at_ns
