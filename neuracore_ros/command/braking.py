"""Braking to rest within limits of acceleration and jerk, each joint as fast as it can."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuracore_ros.arrays import BoolArray, FloatArray
from neuracore_ros.command.joints import Limits
from neuracore_ros.command.spline import extent


@dataclass(frozen=True, slots=True)
class JointState:
    """Where J joints are and how they move, each array of shape (J,)."""

    position: FloatArray
    velocity: FloatArray
    acceleration: FloatArray


@dataclass(frozen=True, slots=True)
class Braking:
    """Three phases of constant jerk, (3, J) each, from a state to rest.

    Attributes:
        start: Where it begins.
        durations: Of the phases [s]; zero where one is not needed.
        jerks: In the phases [rad/s3].
    """

    start: JointState
    durations: FloatArray
    jerks: FloatArray

    @classmethod
    def of(cls, start: JointState, limits: Limits) -> Braking:
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
        """When the phases of the joints end, ascending."""
        return np.unique(np.cumsum(self.durations, axis=0))

    def at(self, times_s: FloatArray) -> JointState:
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
        return JointState(p, v, a)

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
