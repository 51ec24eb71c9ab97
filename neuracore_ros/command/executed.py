"""What the robot is executing: the motions that were sent, newest last."""

from __future__ import annotations

from collections import deque

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.command.spline import Spline

_REMEMBERED_S = 2.0
"""A measurement is compared with the setpoint of its own stamp, so older motions are kept."""

_SAMPLES = 5


class Executed:
    """The setpoint of every moment of the last seconds."""

    def __init__(self) -> None:
        self._splines: deque[Spline] = deque()

    @property
    def newest(self) -> Spline | None:
        """The motion that is being executed; None before the first."""
        return self._splines[-1] if self._splines else None

    def at(self, now_ns: int) -> tuple[FloatArray, FloatArray] | None:
        """Position and velocity being executed at a time; None before the first motion."""
        for spline in reversed(self._splines):
            if spline.start_ns <= now_ns:
                return spline.at(now_ns)
        return None

    def fastest(self, since_ns: int, until_ns: int) -> FloatArray | None:
        """The largest speed of each joint, (J,), between two times; None before the first."""
        times = np.linspace(since_ns, until_ns, _SAMPLES).astype(np.int64)
        states = [state for time_ns in times if (state := self.at(int(time_ns))) is not None]
        return np.max([np.abs(velocity) for _, velocity in states], axis=0) if states else None

    def add(self, spline: Spline, now_ns: int) -> None:
        """From now on another motion is executed."""
        while len(self._splines) > 1 and self._splines[1].start_ns < now_ns - _REMEMBERED_S * 1e9:
            self._splines.popleft()
        self._splines.append(spline)

    def shift(self, by_ns: int) -> None:
        """Move everything on the clock, which has jumped."""
        self._splines = deque(spline.shifted(by_ns) for spline in self._splines)

    def clear(self) -> None:
        """Nothing was sent yet."""
        self._splines.clear()
