"""Jerk-limited motion: what is executed obeys velocity, acceleration and jerk limits throughout.

From setpoint to setpoint the profiles are those of Ruckig (Berscheid and Kroeger, "Jerk-limited
Real-time Trajectory Generation with Arbitrary Target States", RSS 2021). Within a phase of
constant jerk the position is a cubic, and cubics are what the controller plays between our
points; so with a point wherever the jerk of a joint changes it is played exactly.

Two things hold at every setpoint, and so at every moment: the robot could brake to rest inside
its position limits, and before ``max_ahead_s``; each message ends with that braking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neuracore_ros.arrays import BoolArray, FloatArray
from neuracore_ros.command.braking import SHORTEST_STOP_S, Braking, MotionState
from neuracore_ros.command.joints import Joints, Limits
from neuracore_ros.command.limits import monotone_velocities
from neuracore_ros.command.plan import Plan
from neuracore_ros.command.profile import Profile, TrajectorySegment, time_to_brake_s
from neuracore_ros.command.spline import Spline, extent
from neuracore_ros.errors import DescriptionError, UserError

_CLOSEST_S = 1e-6
_ARRIVED = 1e-4
_WITHIN = 0.999
"""Share of the limits at which setpoints are passed: Ruckig refuses what lies on them."""

_MEETING_STEPS = (1, 2, 3, 4, 5, 6, 7, 8)
"""How many steps ahead the plan is met, the soonest that can be."""

_LEAST_STEPS = 4
"""Moving for one step from rest and braking again takes about so long."""

_FURTHEST_S = 100.0
"""Further away [s at full speed], a trajectory has no digits left for its first step."""


class JerkLimitedProfile(Profile):
    """Profile ``ruckig``: trajectories of limited jerk from setpoint to setpoint."""

    def __init__(self, joints: Joints, step_s: float, max_ahead_s: float) -> None:
        """As `Profile`; ``step_s`` is from setpoint to setpoint.

        Raises:
            UserError: Ruckig is not installed.
            DescriptionError: A joint has no acceleration limit.
        """
        self._solver = RuckigSolver(len(joints.joints))
        for joint, most in zip(joints.joints, joints.limits.acceleration, strict=True):
            if not np.isfinite(most):
                raise DescriptionError(
                    f"profile is 'ruckig', but '{joint.name}' has no acceleration limit. Add "
                    f'under limits: {joint.name}: {{acceleration: a}}, or set profile to spline'
                )
        if max_ahead_s < _LEAST_STEPS * step_s - 1e-9:
            raise UserError(
                f"max_ahead_s is {max_ahead_s:g}; with profile 'ruckig' it must be at least "
                f'{_LEAST_STEPS} steps ({_LEAST_STEPS * step_s:g} s), to brake within it'
            )
        super().__init__(joints, max_ahead_s, _fastest(joints.limits, step_s, max_ahead_s))
        self._step_s = step_s

    def follow(
        self, executed: Spline, plan: Plan, now_ns: int, times_s: FloatArray, limits: Limits
    ) -> TrajectorySegment:
        """See `Profile`."""
        limits = self.kept_slower(limits)
        state = _state(executed, now_ns)
        room = (
            np.minimum(limits.lower, state.position),
            np.maximum(limits.upper, state.position),
        )
        times, positions, velocities = (
            [np.zeros(1)],
            [state.position[None]],
            [state.velocity[None]],
        )
        arrived = np.zeros(len(times_s), bool)
        due_ns = now_ns + 1e9 * times_s
        followed_s, meeting = 0.0, 0
        for i, due_s in enumerate(times_s):
            trajectory, meeting = self._meet(
                state, plan, round(due_ns[i]), limits, max(meeting - 1, 0)
            )
            piece = self._step(state, trajectory, limits, room)
            after = MotionState(piece[1][-1], piece[2][-1], piece[3])
            if due_s + Braking.of(after, limits).duration_s > self._max_ahead_s:
                break
            times.append(followed_s + piece[0])
            positions.append(piece[1])
            velocities.append(piece[2])
            state, followed_s = after, float(due_s)
            wanted = plan.at(np.array([round(due_ns[i])], np.int64))[0]
            arrived[i] = (np.abs(after.position - wanted) <= _ARRIVED).all()
        braking = Braking.of(state, limits)
        last_s = _distinct(braking.ends_s)
        rest = braking.at(last_s)
        knots = np.concatenate([*times, followed_s + last_s])
        spline = _spline(
            now_ns,
            knots,
            np.concatenate([*positions, rest.position]),
            np.concatenate([*velocities, rest.velocity]),
        )
        return TrajectorySegment(spline, followed_s, due_ns, arrived)

    def stop(
        self, executed: Spline, now_ns: int, measured: FloatArray | None, lost: BoolArray
    ) -> Spline:
        """See `Profile`."""
        limits, state = self._limits, _state(executed, now_ns)
        if measured is not None:
            held = np.clip(measured, limits.lower, limits.upper)
            state = MotionState(
                np.where(lost, held, state.position),
                np.where(lost, 0.0, state.velocity),
                np.where(lost, 0.0, state.acceleration),
            )
        braking = Braking.of(state, limits)
        times_s = _distinct(np.append(braking.ends_s, max(braking.duration_s, SHORTEST_STOP_S)))
        rest = braking.at(times_s)
        return _spline(
            now_ns,
            np.concatenate([[0.0], times_s]),
            np.concatenate([state.position[None], rest.position]),
            np.concatenate([state.velocity[None], rest.velocity]),
        )

    def _target(self, plan: Plan, due_ns: int, limits: Limits) -> MotionState:
        """The plan at a setpoint, with a speed from which it could brake inside the limits."""
        h = self._step_s
        around = due_ns + np.rint(1e9 * h * np.array([-1.0, 0.0, 1.0])).astype(np.int64)
        path = plan.at(around)
        before, position, behind = path
        fastest = _WITHIN * limits.velocity
        velocity = np.clip(monotone_velocities(path, np.full(2, h))[1], -fastest, fastest)
        passing = Braking.of(MotionState(position, velocity, np.zeros_like(position)), limits)
        inside = passing.stays_within(limits.lower, limits.upper)
        velocity = np.where(inside, velocity, 0.0)
        # No more acceleration than can fade before the speed is too large.
        spare = 2.0 * limits.jerk * (fastest - np.abs(velocity))
        most = np.minimum(_WITHIN * limits.acceleration, np.sqrt(np.maximum(spare, 0.0)))
        bend = np.clip((behind - 2.0 * position + before) / (h * h), -most, most)
        return MotionState(position, velocity, np.where(inside, bend, 0.0))

    def _meet(
        self, state: MotionState, plan: Plan, due_ns: int, limits: Limits, first: int
    ) -> tuple[RuckigTrajectory | None, int]:
        """Find the trajectory to the first setpoint of the plan that can be met in time.

        A robot that runs after setpoints that have gone by never meets the plan again.

        Args:
            state: Where it begins.
            plan: What is followed.
            due_ns: When the next setpoint is due.
            limits: Of the joints.
            first: Which of `_MEETING_STEPS` to try first.

        Returns:
            The trajectory, or None where Ruckig finds none; and its place in `_MEETING_STEPS`.
        """
        found = None
        for i in range(first, len(_MEETING_STEPS)):
            least_s = _MEETING_STEPS[i] * self._step_s
            target = self._target(plan, due_ns + round(1e9 * (least_s - self._step_s)), limits)
            found = self._solver.solve(state, target, limits, least_s)
            if found is not None and found.duration_s <= least_s + _CLOSEST_S:
                return found, i
        return found, len(_MEETING_STEPS) - 1

    def _step(
        self,
        state: MotionState,
        trajectory: RuckigTrajectory | None,
        limits: Limits,
        room: tuple[FloatArray, FloatArray],
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Go one step on a trajectory; joints that would lose their room to brake do brake.

        Returns:
            When the jerk of a joint changes, (m,), the last one at the step's end; positions and
            velocities then, (m, J); accelerations at the end, (J,).
        """
        h = self._step_s
        changes = [] if trajectory is None else trajectory.changes()
        unsafe = np.ones(len(state.position), bool)
        if trajectory is not None:
            times = _until(h, changes)
            moved = trajectory.at(times)
            unsafe = self._leaves(state, times, moved, limits, room)
            if not unsafe.any():
                return times, moved.position, moved.velocity, moved.acceleration[-1]
        braking = Braking.of(state, limits)
        times = _until(h, [*changes, braking.ends_s])
        braked = braking.at(times)
        moved = braked if trajectory is None else trajectory.at(times)
        return (
            times,
            np.where(unsafe, braked.position, moved.position),
            np.where(unsafe, braked.velocity, moved.velocity),
            np.where(unsafe, braked.acceleration, moved.acceleration)[-1],
        )

    def _leaves(
        self,
        state: MotionState,
        times: FloatArray,
        moved: MotionState,
        limits: Limits,
        room: tuple[FloatArray, FloatArray],
    ) -> BoolArray:
        """Joints, (J,), that leave their room on the way or could not brake within it after."""
        after = MotionState(moved.position[-1], moved.velocity[-1], moved.acceleration[-1])
        stays = Braking.of(after, limits).stays_within(*room)
        speeds = np.concatenate([state.velocity[None], moved.velocity])
        # In most steps no joint is so close to its limits that its way there matters.
        reach = times[-1] * np.maximum(limits.velocity, np.abs(speeds).max(axis=0))
        near = (state.position - reach < room[0]) | (state.position + reach > room[1])
        if near.any():
            ends = np.concatenate([state.position[None], moved.position])
            h = np.diff(times, prepend=0.0)[:, None]
            low, high = extent(h, (ends[:-1], ends[1:]), (speeds[:-1], speeds[1:]))
            stays &= (low.min(axis=0) >= room[0]) & (high.max(axis=0) <= room[1])
        return np.asarray(~stays)


@dataclass(frozen=True, slots=True)
class RuckigTrajectory:
    """Trajectory of J joints that arrive together.

    Attributes:
        trajectory: Ruckig's.
    """

    trajectory: Any

    @property
    def duration_s(self) -> float:
        """Until it arrives."""
        return float(self.trajectory.duration)

    def changes(self) -> list[FloatArray]:
        """Return when the jerk of each joint changes, ascending [s]."""
        return [np.cumsum([*one.brake.t, *one.t]) for one in self.trajectory.profiles[0]]

    def at(self, times_s: FloatArray) -> MotionState:
        """The states at m times, each array of shape (m, J)."""
        states = np.array([self.trajectory.at_time(float(t)) for t in times_s])
        return MotionState(states[:, 0], states[:, 1], states[:, 2])


class RuckigSolver:
    """Solver for the trajectories of J joints."""

    def __init__(self, joints: int) -> None:
        """Open Ruckig for so many joints.

        Raises:
            UserError: Ruckig is not installed.
        """
        try:
            import ruckig
        except ImportError as error:
            raise UserError(
                "profile is 'ruckig', which is not installed: pip install "
                "'neuracore_ros[ruckig]', or set profile to spline"
            ) from error
        self._ruckig: Any = ruckig
        self._solver: Any = ruckig.Ruckig(joints)

    def solve(
        self, start: MotionState, target: MotionState, limits: Limits, least_s: float
    ) -> RuckigTrajectory | None:
        """Find the soonest trajectory to a target that is not too soon; None where there is none.

        Args:
            start: Where it begins.
            target: Where it ends, moving.
            limits: Of velocity, acceleration and jerk.
            least_s: It arrives no sooner.
        """
        given = self._ruckig.InputParameter(len(start.position))
        given.current_position = start.position.tolist()
        given.current_velocity = start.velocity.tolist()
        given.current_acceleration = start.acceleration.tolist()
        reach = _FURTHEST_S * limits.velocity
        near = np.clip(target.position, start.position - reach, start.position + reach)
        given.target_position = near.tolist()
        given.target_velocity = target.velocity.tolist()
        given.target_acceleration = target.acceleration.tolist()
        given.max_velocity = limits.velocity.tolist()
        given.max_acceleration = limits.acceleration.tolist()
        given.max_jerk = limits.jerk.tolist()
        given.minimum_duration = least_s
        trajectory = self._ruckig.Trajectory(len(start.position))
        try:
            result = self._solver.calculate(given, trajectory)
        except (self._ruckig.RuckigError, ValueError):  # also of results that it cannot name
            return None
        return RuckigTrajectory(trajectory) if result.value >= 0 else None


def _state(executed: Spline, now_ns: int) -> MotionState:
    return MotionState(*executed.at(now_ns), executed.acceleration_at(now_ns))


def _fastest(limits: Limits, step_s: float, max_ahead_s: float) -> FloatArray:
    """Speeds (J,) from which there is time to brake within ``max_ahead_s``, after some steps."""
    fade_s = limits.acceleration / limits.jerk
    left_s = time_to_brake_s(step_s, max_ahead_s, fade_s)
    gently = 0.25 * limits.jerk * left_s * left_s
    fully = limits.acceleration * (left_s - fade_s)
    return np.minimum(limits.velocity, np.where(left_s < 2.0 * fade_s, gently, fully))


def _until(end_s: float, changes: list[FloatArray]) -> FloatArray:
    """List all changes before an end, ascending, and the end."""
    times = _distinct(np.concatenate([*changes, [end_s]]))
    return np.append(times[times < end_s - _CLOSEST_S], end_s)


def _distinct(times_s: FloatArray) -> FloatArray:
    """Times above zero, ascending, none of them closer than a controller can tell."""
    ascending = np.sort(times_s)
    return ascending[np.diff(ascending, prepend=0.0) > _CLOSEST_S]


def _spline(
    now_ns: int, times_s: FloatArray, positions: FloatArray, velocities: FloatArray
) -> Spline:
    velocities[-1] = 0.0
    return Spline(now_ns, times_s, positions, velocities)
