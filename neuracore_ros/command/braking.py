"""Braking to rest: with one deceleration for all joints, or each as fast as its jerk allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuracore_ros.arrays import BoolArray, FloatArray
from neuracore_ros.command.joints import Limits
from neuracore_ros.command.spline import Spline, extent

FULL_SPEED_TO_REST_S = 0.25
"""Braking of a joint that has no acceleration limit: from its velocity limit to rest."""

LONGEST_CATCH_UP_S = 0.5
"""How long a stop may be stretched so that a robot that lags behind can arrive gently."""

SHORTEST_STOP_S = 0.1
"""A stop lasts at least this long: the robot may lag behind by more than it still has to go."""

LOST_SPEED = 0.25
"""Share of its velocity limit for a lost joint. If its encoder is dead, it is where it was sent,
and the stop takes it back to where it is reported to be."""

_SHORTEST_S = 1e-6


def stop(
    now_ns: int,
    setpoint: tuple[FloatArray, FloatArray],
    limits: Limits,
    measured: FloatArray | None,
    lost: BoolArray,
) -> Spline:
    """Brake from a setpoint to rest.

    All joints brake together, each with a constant deceleration within its limit, so that the
    direction of motion is kept; a joint that would leave its range brakes earlier and harder.
    A constant deceleration is a parabola, which the controller's cubic plays exactly: the
    instants at which joints come to rest are all the knots that are needed.

    Args:
        now_ns: When it starts.
        setpoint: Position and velocity now, each of shape (J,).
        limits: Of the J joints.
        measured: Fresh measured positions, shape (J,), or None.
        lost: Bool, shape (J,): joints that are not where they were sent. They are held where
            they were measured, so that a released emergency stop does not make them leap.

    Returns:
        The motion; its first knot is the setpoint (of a lost joint, the measured position).
    """
    start, speed = setpoint[0].copy(), setpoint[1].copy()
    longest = float(np.max(np.abs(speed) / deceleration(limits)))
    if measured is not None:
        behind = np.abs(start - measured)
        speed[lost] = 0.0
        most = np.where(lost, LOST_SPEED, 1.0) * limits.velocity
        longest = max(longest, min(_catch_up_s(behind, speed, most), LONGEST_CATCH_UP_S))
        start[lost] = np.clip(measured, limits.lower, limits.upper)[lost]
    return Spline(now_ns, *brake(start, speed, limits, max(longest, SHORTEST_STOP_S)))


def deceleration(limits: Limits) -> FloatArray:
    """The deceleration with which each joint brakes, shape (J,) [rad/s2]."""
    return np.where(
        np.isfinite(limits.acceleration),
        limits.acceleration,
        limits.velocity / FULL_SPEED_TO_REST_S,
    )


def brake(
    start: FloatArray, speed: FloatArray, limits: Limits, duration_s: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Knots of a motion that brakes all joints to rest in the same time.

    A joint that would leave its range brakes earlier and harder.

    Args:
        start: Where it begins, shape (J,).
        speed: With which velocities, shape (J,).
        limits: Of the J joints.
        duration_s: Until rest [s].

    Returns:
        Times of N knots [s], the first at 0; positions and velocities, each of shape (N, J).
    """
    # A joint may have been measured slightly outside its range: then it may stay, not go on.
    room = np.where(speed > 0.0, limits.upper - start, start - limits.lower)
    with np.errstate(divide='ignore', over='ignore', invalid='ignore'):
        allowed = np.where(speed != 0.0, 2.0 * np.maximum(room, 0.0) / np.abs(speed), np.inf)
    rests_s = np.clip(np.floor(np.minimum(duration_s, allowed) * 1e6) / 1e6, _SHORTEST_S, None)
    rests_s = np.where(speed == 0.0, rests_s.max(), rests_s)
    times_s = np.concatenate([[0.0], np.unique(rests_s)])
    positions, velocities = _braked(times_s[:, None], start, speed, rests_s)
    positions = np.clip(
        positions, np.minimum(limits.lower, start), np.maximum(limits.upper, start)
    )
    velocities[-1] = 0.0
    return times_s, positions, velocities


def _braked(
    times_s: FloatArray, start: FloatArray, speed: FloatArray, rests_s: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Positions and velocities, (N, J), of joints that rest after ``rests_s`` (J,)."""
    left = np.maximum(1.0 - times_s / rests_s, 0.0)
    return start + 0.5 * speed * rests_s * (1.0 - left * left), speed * left


def _catch_up_s(behind: FloatArray, speed: FloatArray, most: FloatArray) -> float:
    """Compute how long a stop must last for robots that are ``behind`` the setpoint [s].

    A controller starts it from the measured state. There the speed is
    ``(1 - u) (v + 6 u behind / T)`` for u in 0..1; this T keeps it within ``most``.
    """
    v = np.minimum(np.abs(speed), most)
    return float(np.max(6.0 * behind / (2.0 * most - v + 2.0 * np.sqrt(most * (most - v)))))


@dataclass(frozen=True, slots=True)
class MotionState:
    """Positions and motion of J joints, each array of shape (J,)."""

    position: FloatArray
    velocity: FloatArray
    acceleration: FloatArray


@dataclass(frozen=True, slots=True)
class Braking:
    """Braking of limited jerk: three phases of constant jerk, (3, J) each, from a state to rest.

    Attributes:
        start: Where it begins.
        durations: Of the phases [s]; zero where one is not needed.
        jerks: In the phases [rad/s3].
    """

    start: MotionState
    durations: FloatArray
    jerks: FloatArray

    @classmethod
    def of(cls, start: MotionState, limits: Limits) -> Braking:
        """Brake from a state: away from it, hold, and back to no acceleration."""
        most, jerk = limits.acceleration, limits.jerk
        # Seen so that what is left once the acceleration has faded is a speed above zero.
        fades_to = start.velocity + start.acceleration * np.abs(start.acceleration) / (2.0 * jerk)
        side = np.where(fades_to < 0.0, -1.0, 1.0)
        v, a = side * start.velocity, side * start.acceleration
        peak = np.minimum(np.sqrt(np.maximum(jerk * v + 0.5 * a * a, 0.0)), most)
        peak = np.maximum(peak, -a)
        held = np.maximum((v + 0.5 * a * a / jerk - peak * peak / jerk) / peak.clip(1e-12), 0.0)
        durations = np.stack([(a + peak) / jerk, held, peak / jerk])
        return cls(start, durations, np.stack([-side * jerk, 0.0 * jerk, side * jerk]))

    @property
    def duration_s(self) -> float:
        """Until the last joint rests."""
        return float(self.durations.sum(axis=0).max())

    @property
    def ends_s(self) -> FloatArray:
        """Ends of the phases of all joints, ascending."""
        return np.unique(np.cumsum(self.durations, axis=0))

    def at(self, times_s: FloatArray) -> MotionState:
        """The states at m times, each array of shape (m, J)."""
        shape = (len(times_s), len(self.start.position))
        p, v, a = (
            np.broadcast_to(values, shape).copy()
            for values in (self.start.position, self.start.velocity, self.start.acceleration)
        )
        begin = np.zeros(shape[1])
        for duration, jerk in zip(self.durations, self.jerks, strict=True):
            t = np.clip(times_s[:, None] - begin, 0.0, duration)
            p += t * (v + t * (a / 2.0 + t * jerk / 6.0))
            v += t * (a + t * jerk / 2.0)
            a += t * jerk
            begin = begin + duration
        return MotionState(p, v, a)

    def stays_within(self, lower: FloatArray, upper: FloatArray) -> BoolArray:
        """Joints, (J,), that stay between two positions, each of shape (J,)."""
        start = self.start
        # A bound that costs little, and is enough far from the limits.
        fastest = np.abs(start.velocity) + np.abs(start.acceleration) * self.durations[0]
        reach = fastest * self.durations.sum(axis=0)
        far = (start.position - reach >= lower) & (start.position + reach <= upper)
        if far.all():
            return np.asarray(far)
        low, high = self.range()
        return np.asarray((low >= lower) & (high <= upper))

    def range(self) -> tuple[FloatArray, FloatArray]:
        """The least and largest position on the way, each of shape (J,)."""
        low, high = self.start.position, self.start.position
        p, v, a = self.start.position, self.start.velocity, self.start.acceleration
        for t, jerk in zip(self.durations, self.jerks, strict=True):
            after = p + t * (v + t * (a / 2.0 + t * jerk / 6.0))
            speed = v + t * (a + t * jerk / 2.0)
            lowest, highest = extent(t.clip(1e-12), (p, after), (v, speed))
            low, high = np.minimum(low, lowest), np.maximum(high, highest)
            p, v, a = after, speed, a + t * jerk
        return low, high
