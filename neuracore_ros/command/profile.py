"""Profiles: timing of the way from setpoint to setpoint; and the profile ``spline``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np

from neuracore_ros.arrays import BoolArray, FloatArray
from neuracore_ros.command.braking import brake, deceleration, stop
from neuracore_ros.command.joints import Joints, Limits
from neuracore_ros.command.limits import Followed, follow
from neuracore_ros.command.plan import Plan
from neuracore_ros.command.spline import Spline

_CLOSEST_S = 1e-3

_LEAST_TAIL_STEPS = 0.5
"""With less time than that after the first step, a message has to come to rest within it."""

_FOLLOWED_STEPS = 2
"""Of each message at least this is kept for following the plan, the rest is for braking."""

_SHORTEST_TAIL_S = 1e-5
"""What brakes sooner is at rest already."""


@dataclass(frozen=True, slots=True)
class TrajectorySegment:
    """Motion that the robot is sent next.

    Attributes:
        spline: The motion; its first knot is what is executed now.
        followed_s: Until then it follows the plan; what comes after only brings it to rest.
        due_ns: When each setpoint that it aims at is due, shape (n,).
        arrived: Bool, shape (n,): where the plan is reached; elsewhere a limit was in the way.
    """

    spline: Spline
    followed_s: float
    due_ns: FloatArray
    arrived: BoolArray


class Profile(ABC):
    """Timing of motions within the limits.

    Attributes:
        warnings: Joints that cannot be as fast as their limit and still brake within
            ``max_ahead_s``, one line each.
    """

    def __init__(self, joints: Joints, max_ahead_s: float, fastest: FloatArray) -> None:
        """Keep J joints to some speeds.

        Args:
            joints: What is commanded.
            max_ahead_s: What is sent has come to rest so long after.
            fastest: Speeds from which there is time for that, shape (J,).
        """
        self._limits = joints.limits
        self._max_ahead_s = max_ahead_s
        self._fastest = fastest
        self.warnings = tuple(
            f"'{joint.name}' is kept to {speed:.3g} of {most:.3g} rad/s: from there it brakes "
            f'within max_ahead_s ({max_ahead_s:g} s)'
            for joint, speed, most in zip(
                joints.joints, fastest, joints.limits.velocity, strict=True
            )
            if speed < most
        )

    def kept_slower(self, limits: Limits) -> Limits:
        """Lower limits of velocity to the speeds from which there is time to brake."""
        return replace(limits, velocity=np.minimum(limits.velocity, self._fastest))

    @abstractmethod
    def follow(
        self, executed: Spline, plan: Plan, now_ns: int, times_s: FloatArray, limits: Limits
    ) -> TrajectorySegment:
        """Go on from what is being executed, and follow a plan.

        Args:
            executed: What is being executed.
            plan: What to follow; inside the position limits.
            now_ns: Now.
            times_s: When to be at the plan's setpoints, shape (n,), from now; n >= 1.
            limits: Of the J joints; their velocities may be reduced.
        """

    @abstractmethod
    def stop(
        self, executed: Spline, now_ns: int, measured: FloatArray | None, lost: BoolArray
    ) -> Spline:
        """Brake to rest.

        Args:
            executed: What is being executed.
            now_ns: Now.
            measured: Fresh measured positions, shape (J,), or None.
            lost: Bool, shape (J,): joints that are not where they were sent, and are held where
                they were measured.
        """


class SplineProfile(Profile):
    """Splines through the setpoints, and at the end of each message a steady deceleration.

    Positions and velocities are limited between setpoints, too; accelerations from setpoint to
    setpoint, and while braking. `JerkLimitedProfile` does more.
    """

    def __init__(self, joints: Joints, step_s: float, max_ahead_s: float) -> None:
        """As `Profile`; ``step_s`` is from setpoint to setpoint."""
        # Infinite where a joint has no acceleration limit.
        fastest = joints.limits.acceleration * time_to_brake_s(step_s, max_ahead_s)
        super().__init__(joints, max_ahead_s, fastest)
        self._least_tail_s = _LEAST_TAIL_STEPS * step_s
        self._rests = max_ahead_s < step_s + self._least_tail_s - 1e-9
        if self._rests and np.isfinite(joints.limits.acceleration).any():
            self.warnings += (
                f'max_ahead_s ({max_ahead_s:g} s) leaves a message no time to brake within the '
                f'limits of acceleration: let it be at least {step_s + self._least_tail_s:g} s',
            )

    def follow(
        self, executed: Spline, plan: Plan, now_ns: int, times_s: FloatArray, limits: Limits
    ) -> TrajectorySegment:
        """See `Profile`."""
        limits = self.kept_slower(limits)
        setpoint = executed.at(now_ns)
        followed = follow(setpoint, plan, now_ns, times_s, limits, self._rests)
        due_ns = now_ns + 1e9 * times_s
        if not followed.inside and (knot := executed.next_knot(now_ns)) is not None:
            followed = _bridged(setpoint, knot, plan, now_ns, times_s, limits, self._rests)
            due_ns = due_ns[len(due_ns) - len(followed.arrived) :]
        times, positions, velocities = followed.times_s, followed.positions, followed.velocities
        last, rests_s = len(times) - 1, 0.0
        if not self._rests:
            last, rests_s = self._last_followed(times, velocities)
        times, positions, velocities = (
            rows[: last + 1].copy() for rows in (times, positions, velocities)
        )
        if rests_s > _SHORTEST_TAIL_S:
            tail = brake(positions[last], velocities[last], self._limits, rests_s)
            times = np.concatenate([times[:last], times[last] + tail[0]])
            positions = np.concatenate([positions[:last], tail[1]])
            velocities = np.concatenate([velocities[:last], tail[2]])
        velocities[-1] = 0.0
        spline = Spline(now_ns, times, positions, velocities)
        kept = slice(max(last + len(due_ns) + 1 - len(followed.times_s), 0))
        followed_s = float(followed.times_s[last])
        return TrajectorySegment(spline, followed_s, due_ns[kept], followed.arrived[kept])

    def stop(
        self, executed: Spline, now_ns: int, measured: FloatArray | None, lost: BoolArray
    ) -> Spline:
        """See `Profile`."""
        return stop(now_ns, executed.at(now_ns), self._limits, measured, lost)

    def _last_followed(self, times_s: FloatArray, velocities: FloatArray) -> tuple[int, float]:
        """The last knot from which there is time to brake, and how long braking takes [s]."""
        limits = self._limits
        each_s = np.abs(velocities) / deceleration(limits)
        # A gripper, which is no part of the path's shape, costs the arm hardly a step.
        hurried = limits.alone & np.isinf(limits.acceleration)
        each_s = np.where(hurried, np.minimum(each_s, self._least_tail_s), each_s)
        needed_s = np.max(each_s, axis=1)
        left_s = self._max_ahead_s - times_s
        in_time = np.flatnonzero(needed_s <= left_s + 1e-9)
        last = max(int(in_time[-1]) if len(in_time) else 0, 1)
        last = min(last, len(times_s) - 1)
        return last, float(min(needed_s[last], left_s[last]))


def time_to_brake_s(
    step_s: float, max_ahead_s: float, fade_s: FloatArray | float = 0.0
) -> FloatArray:
    """Return what is left of a message for braking, after following some steps [s].

    Args:
        step_s: From setpoint to setpoint [s].
        max_ahead_s: What is sent has come to rest so long after.
        fade_s: Until an acceleration has faded before [s].
    """
    left_s = max_ahead_s - _FOLLOWED_STEPS * step_s - fade_s
    return np.asarray(np.maximum(left_s, 0.25 * max_ahead_s))


def _bridged(
    setpoint: tuple[FloatArray, FloatArray],
    knot: tuple[float, FloatArray, FloatArray],
    plan: Plan,
    now_ns: int,
    times_s: FloatArray,
    limits: Limits,
    rests: bool,
) -> Followed:
    """Go on to the next knot of what is being executed, and follow the plan from there.

    Close to a position limit the spline from a point between two knots might overshoot; going on
    as before to the next knot cannot, and from a knot there is room to brake.
    """
    ahead_s, position, velocity = knot
    later = times_s[times_s > ahead_s + _CLOSEST_S] - ahead_s
    then_ns = now_ns + round(ahead_s * 1e9)
    followed = follow((position, velocity), plan, then_ns, later, limits, rests)
    return replace(
        followed,
        times_s=np.concatenate([[0.0], followed.times_s + ahead_s]),
        positions=np.concatenate([setpoint[0][None], followed.positions]),
        velocities=np.concatenate([setpoint[1][None], followed.velocities]),
    )
