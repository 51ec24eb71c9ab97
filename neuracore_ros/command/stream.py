"""Topics that take one point at a time."""

from __future__ import annotations

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.command.joints import Limits


class PointStream:
    """The point that was sent last, and the next one."""

    def __init__(self, limits: Limits, period_s: float) -> None:
        """For J joints.

        Args:
            limits: Of the joints.
            period_s: From one point to the next [s].
        """
        self.period_s = period_s
        self._limits = limits
        self._point: FloatArray | None = None

    def start(self, position: FloatArray | None) -> None:
        """Go on from a position (J,); None: nothing was sent yet."""
        self._point = None if position is None else position.copy()

    def lag(self, target: FloatArray, columns: list[int]) -> FloatArray:
        """How far some joints are from where they shall be; zero before the first point."""
        if self._point is None:
            return np.zeros(len(columns))
        return np.asarray(target[columns] - self._point[columns])

    def next(self, target: FloatArray, columns: list[int]) -> FloatArray | None:
        """The next point (J,) on the way to a target, of which some joints are sent.

        It moves no further than the velocity limits allow in one period, so that a late call
        becomes a delay and no jump.
        """
        if self._point is None:
            return None
        away = self.lag(target, columns)
        most = self._limits.velocity[columns] * self.period_s
        speed = np.abs(away)
        part = np.divide(most, speed, out=np.ones_like(speed), where=speed > most)
        alone = self._limits.alone[columns]
        factor = np.where(alone, part, np.min(part, where=~alone, initial=1.0))
        self._point[columns] += factor * away
        return self._point
