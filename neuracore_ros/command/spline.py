"""Motion that a controller plays: cubic Hermite splines between knots, and the newest of them.

``joint_trajectory_controller`` interpolates so as soon as points carry velocities. N knots,
J joints; position and velocity are continuous, and the motion rests after its last knot.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from neuracore_ros.arrays import FloatArray

_REMEMBERED_S = 2.0
"""A measurement is compared with the setpoint of its own stamp, so older motions are kept."""

_SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Spline:
    """Motion on the clock.

    Attributes:
        start_ns: When it begins.
        times_s: Time of each knot since then, shape (N,), strictly increasing, first 0.
        positions: Shape (N, J), [rad] or [m].
        velocities: Shape (N, J), last row zero.
    """

    start_ns: int
    times_s: FloatArray
    positions: FloatArray
    velocities: FloatArray

    @property
    def end_ns(self) -> int:
        """Time at which the motion comes to rest."""
        return self.start_ns + round(float(self.times_s[-1]) * 1e9)

    def at(self, now_ns: int) -> tuple[FloatArray, FloatArray]:
        """Return position and velocity at a time, each of shape (J,)."""
        t = (now_ns - self.start_ns) / 1e9
        if t >= self.times_s[-1]:
            return self.positions[-1].copy(), np.zeros_like(self.positions[-1])
        if t <= 0.0:
            return self.positions[0].copy(), self.velocities[0].copy()
        i = int(np.searchsorted(self.times_s, t, side='right')) - 1
        h = self.times_s[i + 1] - self.times_s[i]
        u = (t - self.times_s[i]) / h
        before, after = self.positions[i], self.positions[i + 1]
        leaving, arriving = self.velocities[i], self.velocities[i + 1]
        slope = (after - before) / h
        bend = leaving + arriving - 2.0 * slope
        skew = 3.0 * slope - 2.0 * leaving - arriving
        position = before + h * u * (leaving + u * (skew + u * bend))
        return position, leaving + u * (2.0 * skew + 3.0 * u * bend)

    def sampled(self, samples: int) -> FloatArray:
        """Return the positions at so many even times, first and last included, (samples, J)."""
        t = np.linspace(0.0, float(self.times_s[-1]), samples)
        if len(self.times_s) < 2:
            return np.repeat(self.positions, samples, axis=0)
        i = np.clip(np.searchsorted(self.times_s, t, side='right') - 1, 0, len(self.times_s) - 2)
        h = np.diff(self.times_s)[i, None]
        u = (t - self.times_s[i])[:, None] / h
        before, after = self.positions[i], self.positions[i + 1]
        leaving, arriving = h * self.velocities[i], h * self.velocities[i + 1]
        bend, skew = leaving + arriving - 2.0 * (after - before), 3.0 * (after - before)
        skew -= 2.0 * leaving + arriving
        return np.asarray(before + u * (leaving + u * (skew + u * bend)))

    def acceleration_at(self, now_ns: int) -> FloatArray:
        """Return the acceleration at a time, shape (J,); of the segment that begins there."""
        t = max((now_ns - self.start_ns) / 1e9, 0.0)
        if t >= self.times_s[-1]:
            return np.zeros_like(self.positions[-1])
        i = int(np.searchsorted(self.times_s, t, side='right')) - 1
        h = self.times_s[i + 1] - self.times_s[i]
        slope = (self.positions[i + 1] - self.positions[i]) / h
        leaving, arriving = self.velocities[i], self.velocities[i + 1]
        bend, skew = leaving + arriving - 2.0 * slope, 3.0 * slope - 2.0 * leaving - arriving
        return np.asarray((2.0 * skew + 6.0 * (t - self.times_s[i]) / h * bend) / h)

    def next_knot(self, now_ns: int) -> tuple[float, FloatArray, FloatArray] | None:
        """Return the first knot after a time: seconds to it, position, velocity; None at rest."""
        t = (now_ns - self.start_ns) / 1e9
        i = int(np.searchsorted(self.times_s, t + 1e-6, side='right'))
        if i == len(self.times_s):
            return None
        return float(self.times_s[i]) - t, self.positions[i], self.velocities[i]

    def shifted(self, by_ns: int) -> Spline:
        """Return the same motion, later."""
        return replace(self, start_ns=self.start_ns + by_ns)


class Executed:
    """Motions of the last seconds, newest last: the setpoint of every moment."""

    def __init__(self) -> None:
        self._splines: deque[Spline] = deque()

    @property
    def splines(self) -> tuple[Spline, ...]:
        """The motions."""
        return tuple(self._splines)

    @property
    def newest(self) -> Spline | None:
        """The motion that is being executed; None before the first."""
        return self._splines[-1] if self._splines else None

    def at(self, now_ns: int) -> tuple[FloatArray, FloatArray] | None:
        """Return position and velocity executed at a time; None before the first motion."""
        for spline in reversed(self._splines):
            if spline.start_ns <= now_ns:
                return spline.at(now_ns)
        return None

    def fastest(self, since_ns: int, until_ns: int) -> FloatArray | None:
        """Return the largest speed of each joint, (J,), between two times; None before any."""
        times = np.linspace(since_ns, until_ns, _SAMPLES).astype(np.int64)
        states = [state for time_ns in times if (state := self.at(int(time_ns))) is not None]
        return np.max([np.abs(velocity) for _, velocity in states], axis=0) if states else None

    def add(self, spline: Spline, now_ns: int) -> None:
        """Execute another motion from now on."""
        while len(self._splines) > 1 and self._splines[1].start_ns < now_ns - _REMEMBERED_S * 1e9:
            self._splines.popleft()
        self._splines.append(spline)

    def shift(self, by_ns: int) -> None:
        """Move everything on the clock, which has jumped."""
        self._splines = deque(spline.shifted(by_ns) for spline in self._splines)

    def clear(self) -> None:
        """Drop all motions, as if nothing had been sent yet."""
        self._splines.clear()


def peak_speeds(times_s: FloatArray, positions: FloatArray, velocities: FloatArray) -> FloatArray:
    """Return the largest speed inside each segment, shape (N-1, J)."""
    h = np.diff(times_s)[:, None]
    return fastest(h, (positions[:-1], positions[1:]), (velocities[:-1], velocities[1:]))


def peak_accelerations(
    times_s: FloatArray, positions: FloatArray, velocities: FloatArray
) -> FloatArray:
    """Return the largest acceleration inside each segment, shape (N-1, J)."""
    h = np.diff(times_s)[:, None]
    slope, leaving, arriving = np.diff(positions, axis=0) / h, velocities[:-1], velocities[1:]
    # It changes evenly, so it is largest at one of the ends.
    first = 6.0 * slope - 4.0 * leaving - 2.0 * arriving
    last = 2.0 * leaving + 4.0 * arriving - 6.0 * slope
    return np.asarray(np.maximum(np.abs(first), np.abs(last)) / h)


def fastest(
    h: FloatArray, ends: tuple[FloatArray, FloatArray], speeds: tuple[FloatArray, FloatArray]
) -> FloatArray:
    """Return the largest speed inside segments of h seconds, of the shape of ``ends``.

    It may lie above the slope of the segment: by half where both ends rest, by a third where
    one end does and the other has the slope.
    """
    slope = (ends[1] - ends[0]) / h
    leaving, arriving = speeds
    bend = 3.0 * (leaving + arriving - 2.0 * slope)
    skew = 6.0 * slope - 4.0 * leaving - 2.0 * arriving
    bent = np.abs(bend) > 1e-12
    u = np.where(bent, -skew / np.where(bent, 2.0 * bend, 1.0), 0.0)
    u = np.clip(u, 0.0, 1.0)
    inside = leaving + u * (skew + u * bend)
    return np.asarray(np.maximum(np.abs(inside), np.maximum(np.abs(leaving), np.abs(arriving))))


def extent(
    h: float | FloatArray,
    ends: tuple[FloatArray, FloatArray],
    speeds: tuple[FloatArray, FloatArray],
) -> tuple[FloatArray, FloatArray]:
    """Return least and largest position inside segments of h seconds, of the shape of ``ends``."""
    (before, after), (leaving, arriving) = ends, speeds
    slope = (after - before) / h
    bend = leaving + arriving - 2.0 * slope
    skew = 3.0 * slope - 2.0 * leaving - arriving
    low, high = np.minimum(before, after), np.maximum(before, after)
    for u in _roots(3.0 * bend, 2.0 * skew, leaving):
        position = before + h * u * (leaving + u * (skew + u * bend))
        low, high = np.minimum(low, position), np.maximum(high, position)
    return low, high


def _roots(a: FloatArray, b: FloatArray, c: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Roots of ``a u^2 + b u + c``, moved to 0..1 where they lie outside or do not exist."""
    root = np.sqrt(np.maximum(b * b - 4.0 * a * c, 0.0))
    # This form also holds where a is nearly zero, which is a parabola or a straight line.
    q = -0.5 * (b + np.where(b < 0.0, -root, root))
    with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
        first, second = q / a, c / q
    return (
        np.clip(np.nan_to_num(first, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0),
        np.clip(np.nan_to_num(second, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0),
    )
