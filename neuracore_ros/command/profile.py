"""Profiles: timing of the way from setpoint to setpoint; and the profile ``spline``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np

from neuracore_ros.arrays import BoolArray, FloatArray
from neuracore_ros.command.braking import brake, deceleration, stop
from neuracore_ros.command.joints import Joints, Limits
from neuracore_ros.command.limits import Followed, follow
from neuracore_ros.command.path_braking import brake_along
from neuracore_ros.command.plan import Plan
from neuracore_ros.command.spline import Spline
from neuracore_ros.command.workspaces import BEYOND_M, GAINED_M, Workspaces

_CLOSEST_S = 1e-3

_LEAST_TAIL_STEPS = 0.5
"""With less time than that after the first step, a message has to come to rest within it."""

_FOLLOWED_STEPS = 2
"""Of each message at least this is kept for following the plan, the rest is for braking."""

_EARLIER = 4
"""From how many knots, at the most, it is tried to brake along the plan."""

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
        workspaces: Bounds of the hands that the joints move.
    """

    def __init__(self, joints: Joints, max_ahead_s: float, fastest: FloatArray) -> None:
        """Keep J joints to some speeds.

        Args:
            joints: What is commanded.
            max_ahead_s: What is sent has come to rest so long after.
            fastest: Speeds from which there is time for that, shape (J,).
        """
        self._limits = joints.limits
        self.workspaces = Workspaces(joints)
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
        path = Spline(now_ns, followed.times_s, followed.positions, followed.velocities)
        last, tail, reaches_s = self._tail(path)
        times = np.concatenate([path.times_s[:last], path.times_s[last] + tail.times_s])
        positions = np.concatenate([path.positions[:last], tail.positions])
        velocities = np.concatenate([path.velocities[:last], tail.velocities])
        velocities[-1] = 0.0
        spline = Spline(now_ns, times, positions, velocities)
        kept = slice(max(last + len(due_ns) + 1 - len(followed.times_s), 0))
        return TrajectorySegment(spline, reaches_s, due_ns[kept], followed.arrived[kept])

    def stop(
        self, executed: Spline, now_ns: int, measured: FloatArray | None, lost: BoolArray
    ) -> Spline:
        """See `Profile`."""
        straight = stop(now_ns, executed.at(now_ns), self._limits, measured, lost)
        # A joint that does not follow is not on the path.
        if lost.any():
            return straight
        return self.workspaces.kept(straight, executed, self._limits)

    def _tail(self, path: Spline) -> tuple[int, Spline, float]:
        """End a message that follows a path.

        Returns:
            The knot from which it brakes; how; and how far along the path it leads [s].
        """
        times_s, last = path.times_s, len(path.times_s) - 1
        if self._rests:
            return last, _cut(path, last), float(times_s[-1])
        needed_s, left_s = self._needed_s(path.velocities), self._max_ahead_s - times_s
        in_time = np.flatnonzero(needed_s <= left_s + 1e-9)
        last = min(max(int(in_time[-1]) if len(in_time) else 0, 1), last)
        rests_s = float(min(needed_s[last], left_s[last]))
        reaches_s = float(times_s[last])
        if rests_s <= _SHORTEST_TAIL_S:
            end = path.positions[last : last + 1]
            return last, Spline(0, np.zeros(1), end, np.zeros_like(end)), reaches_s
        limits, setpoint = self._limits, (path.positions[last], path.velocities[last])
        straight = Spline(0, *brake(*setpoint, limits, rests_s))
        away = self.workspaces.beyond(straight)
        # Where the plan ends, it has to brake earlier to stay on it.
        for knot in range(last, max(last - _EARLIER, 0), -1) if away > BEYOND_M else ():
            tail = brake_along(_cut(path, knot), 0, float(needed_s[knot]), limits, left_s[knot])
            if tail is not None:
                if self.workspaces.beyond(tail) < away - GAINED_M:
                    if knot < last:
                        reaches_s = float(times_s[knot]) + 0.5 * float(tail.times_s[-1])
                    return knot, tail, reaches_s
                break
        return last, straight, reaches_s

    def _needed_s(self, velocities: FloatArray) -> FloatArray:
        """Times (N,) that braking takes from velocities (N, J) [s]."""
        limits = self._limits
        each_s = np.abs(velocities) / deceleration(limits)
        # A gripper, which is no part of the path's shape, costs the arm hardly a step.
        hurried = limits.alone & np.isinf(limits.acceleration)
        each_s = np.where(hurried, np.minimum(each_s, self._least_tail_s), each_s)
        return np.asarray(np.max(each_s, axis=1))


def _cut(path: Spline, knot: int) -> Spline:
    """The rest of a path, from a knot on."""
    return Spline(
        0, path.times_s[knot:] - path.times_s[knot], path.positions[knot:], path.velocities[knot:]
    )


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
