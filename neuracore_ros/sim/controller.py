"""A model of ``joint_trajectory_controller``: the messages it accepts, and its motion.

Written from the published behaviour of ros2_controllers' position interface: no partial goals,
no integration, no velocity at the end, `interpolation_method: splines`. Two rules are stricter
than the real one's: numbers must be finite, and a joint may be named once. Two differ from one
release: Humble lets the last point move, since ``allow_nonzero_velocity_at_trajectory_end`` is
true there; and where a stamp before 1970 meets a trajectory of days, the real one throws.
Accelerations are checked for their number and then not used.

Messages are ``trajectory_msgs/msg/JointTrajectory`` or anything with the same fields.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.durations import time_ns

SMALLEST_SPEED = float(np.finfo(np.float32).eps)
"""The controller calls a last velocity zero up to this [rad/s]."""


def rejection(message: Any, joint_names: Sequence[str], now_ns: int) -> str | None:
    """The reason why the controller of ``joint_names`` rejects a trajectory at ``now_ns``.

    Returns:
        One clear line, or None if it is accepted.
    """
    return (
        _wrong_joints(list(message.joint_names), joint_names)
        or _wrong_times(message, now_ns)
        or _wrong_values(message)
    )


def _wrong_joints(given: list[str], joint_names: Sequence[str]) -> str | None:
    if unknown := [name for name in given if name not in joint_names]:
        return f'joint {unknown[0]!r} is not controlled here; there are {_listed(joint_names)}'
    if missing := [name for name in joint_names if name not in given]:
        return f'joint {missing[0]!r} is missing; partial trajectories are not accepted'
    if len(given) != len(joint_names):
        return f'{len(given)} joint names for {len(joint_names)} joints: {_listed(given)}'
    return None


def _wrong_times(message: Any, now_ns: int) -> str | None:
    if not message.points:
        return 'the trajectory is empty'
    times = [time_ns(point.time_from_start) for point in message.points]
    for index, (before, after) in enumerate(pairwise(times), start=1):
        if after <= before:
            return (
                f'times do not strictly increase: point {index} at {after / 1e9:g} s '
                f'follows {before / 1e9:g} s'
            )
    start_ns = time_ns(message.header.stamp)
    if start_ns and start_ns + times[-1] < now_ns:
        late_s = (now_ns - start_ns - times[-1]) / 1e9
        return f'the trajectory ends in the past, {late_s:g} s ago'
    return None


def _wrong_values(message: Any) -> str | None:
    count = len(message.joint_names)
    for index, point in enumerate(message.points):
        for kind in ('positions', 'velocities', 'accelerations'):
            values = getattr(point, kind)
            optional = kind != 'positions'
            if len(values) != count and not (optional and len(values) == 0):
                return f'point {index} has {len(values)} {kind} for {count} joints'
            if not np.all(np.isfinite(values)):
                return f'point {index} has {kind} that are not finite'
        if len(point.effort):
            return f'point {index} has effort, which a position interface does not take'
    for name, speed in zip(message.joint_names, message.points[-1].velocities, strict=False):
        if abs(speed) > SMALLEST_SPEED:
            return f'the last point moves: {name} at {speed:g} rad/s'
    return None


def _listed(names: Iterable[str]) -> str:
    return ', '.join(names) or 'none'


@dataclass(frozen=True, slots=True)
class Trajectory:
    """N points of J joints on a clock.

    Of each point, ``times_ns``, ``positions`` (J,) [rad] and ``velocities`` (J,) [rad/s], or
    None where it has none. The first point is usually the state at the start.
    """

    times_ns: tuple[int, ...]
    positions: tuple[FloatArray, ...]
    velocities: tuple[FloatArray | None, ...]

    def state_at(self, time_ns: int) -> tuple[FloatArray, FloatArray]:
        """Positions (J,) [rad] and velocities (J,) [rad/s].

        Cubic between points that have velocities, linear otherwise.
        """
        end = bisect_right(self.times_ns, time_ns)
        if end in {0, len(self.times_ns)}:
            at = 0 if end == 0 else -1
            speed = self.velocities[at]
            still = np.zeros_like(self.positions[at])
            return self.positions[at], still if speed is None else speed
        duration_s = (self.times_ns[end] - self.times_ns[end - 1]) / 1e9
        share = (time_ns - self.times_ns[end - 1]) / 1e9 / duration_s
        before, after = self.positions[end - 1], self.positions[end]
        leaving, arriving = self.velocities[end - 1], self.velocities[end]
        if leaving is None or arriving is None:
            return before + share * (after - before), (after - before) / duration_s
        rest = 1.0 - share
        position = (
            (1.0 + 2.0 * share) * rest**2 * before
            + share**2 * (3.0 - 2.0 * share) * after
            + duration_s * share * rest * (rest * leaving - share * arriving)
        )
        velocity = (
            6.0 * share * rest * (after - before) / duration_s
            + rest * (1.0 - 3.0 * share) * leaving
            + share * (3.0 * share - 2.0) * arriving
        )
        return position, velocity

    def between(self, after_ns: int, before_ns: int) -> 'Trajectory':
        """The points strictly between two times."""
        kept = slice(bisect_right(self.times_ns, after_ns), bisect_left(self.times_ns, before_ns))
        return Trajectory(self.times_ns[kept], self.positions[kept], self.velocities[kept])

    def shifted(self, by_ns: int) -> 'Trajectory':
        """The same points, later."""
        times_ns = tuple(time_ns + by_ns for time_ns in self.times_ns)
        return Trajectory(times_ns, self.positions, self.velocities)

    def followed_by(self, other: 'Trajectory') -> 'Trajectory':
        """Points of this trajectory, and then those of another."""
        return Trajectory(
            self.times_ns + other.times_ns,
            self.positions + other.positions,
            self.velocities + other.velocities,
        )


@dataclass(frozen=True, slots=True)
class Variant:
    """A release of the controller with its parameters: how a message is joined to what runs.

    Attributes:
        desired: A message whose first point is still ahead starts at the last command, not at
            the measured state: ``interpolate_from_desired_state``, Humble's
            ``open_loop_control``.
        looks_ahead: Each cycle commands what is due at the next one. Jazzy and later do; and as
            they stamp that command with the cycle's own time, ``desired`` there covers the way
            of two periods in one, at every join. Humble's repeats one command instead.
        blends: The old trajectory leads up to the new one: ``allow_trajectory_replacement``. The
            old one is taken up where it was a cycle ago, so one command is repeated. Only what
            had more than one point is blended, and stamps in the past do not count.
    """

    desired: bool = False
    looks_ahead: bool = True
    blends: bool = False


VARIANTS: Mapping[str, Variant] = {
    'measured': Variant(),
    'desired': Variant(desired=True),
    'humble': Variant(looks_ahead=False),
    'humble, open loop': Variant(desired=True, looks_ahead=False),
    'master': Variant(blends=True),
}
"""``measured`` and ``desired`` are Jazzy to Rolling without and with
``interpolate_from_desired_state``; ``master`` is ros2_controllers of August 2026."""


class TrajectoryController:
    """Follows the newest accepted trajectory of its joints; holds its last point.

    A real one works in cycles: what it `receive`s waits for the next `update`. Where a simulation
    has no use for cycles, `accept` starts a trajectory at once, and `reference` is what is due
    at any time.
    """

    def __init__(
        self,
        joint_names: Sequence[str],
        positions: FloatArray,
        variant: Variant = VARIANTS['measured'],
        period_ns: int = 0,
    ) -> None:
        """Hold still.

        Args:
            joint_names: Of J joints.
            positions: Where they are, shape (J,) [rad].
            variant: How messages are joined.
            period_ns: From one `update` to the next; 0 where there are none.
        """
        self.joint_names = tuple(joint_names)
        self._variant = variant
        self._period_ns = period_ns
        self._received: Any = None
        self._updated_ns: int | None = None
        self._commanded: tuple[FloatArray, FloatArray]
        self._trajectory: Trajectory
        self.hold(positions)

    def hold(self, positions: FloatArray) -> None:
        """Drop what is running and stay at ``positions`` (J,) [rad]."""
        self._received = None
        self._trajectory = Trajectory((0,), (positions.copy(),), (None,))
        self._commanded = positions.copy(), np.zeros_like(positions)

    def receive(self, message: Any, now_ns: int) -> str | None:
        """Have the next update start with a JointTrajectory that came at ``now_ns``.

        Returns:
            Why the message is rejected, and the running trajectory stays; or None.
        """
        if reason := rejection(message, self.joint_names, now_ns):
            return reason
        self._received = message
        return None

    def update(self, now_ns: int, positions: FloatArray, velocities: FloatArray) -> FloatArray:
        """One cycle.

        Args:
            now_ns: Time on the clock of the messages' stamps.
            positions: Measured, shape (J,) [rad].
            velocities: Measured, shape (J,) [rad/s].

        Returns:
            The command to the joints until the next cycle, shape (J,) [rad].
        """
        if self._received is not None:
            self._start(self._received, now_ns, (positions, velocities))
            self._received = None
        due_ns = now_ns + (self._period_ns if self._variant.looks_ahead else 0)
        self._commanded = self._trajectory.state_at(due_ns)
        self._updated_ns = now_ns
        return np.array(self._commanded[0])

    def accept(
        self, message: Any, now_ns: int, positions: FloatArray, velocities: FloatArray
    ) -> str | None:
        """Start with a JointTrajectory at once, without waiting for an `update`.

        Returns:
            Why the message is rejected, and the running trajectory stays; or None.
        """
        reason = self.receive(message, now_ns)
        if reason is None:
            self._commanded, self._updated_ns = self._trajectory.state_at(now_ns), now_ns
            self._start(message, now_ns, (positions, velocities))
            self._received = None
        return reason

    def reference(self, now_ns: int) -> FloatArray:
        """The commanded positions now, shape (J,) [rad]."""
        return self._trajectory.state_at(now_ns)[0]

    def _start(self, message: Any, now_ns: int, measured: tuple[FloatArray, FloatArray]) -> None:
        stamp_ns = time_ns(message.header.stamp)
        last_ns = now_ns if self._updated_ns is None else self._updated_ns
        if self._variant.blends and len(self._trajectory.times_ns) > 1:
            start_ns = max(stamp_ns, now_ns)
            old = self._trajectory.shifted(now_ns - last_ns)
            new = old.between(now_ns, start_ns)
            points = self._points(message, start_ns)
            if start_ns < points.times_ns[0]:
                new = new.followed_by(_point(start_ns, old.state_at(start_ns)))
            new = new.followed_by(points)
        else:
            new = self._points(message, stamp_ns or now_ns)
        if new.times_ns[0] > now_ns:
            desired = self._variant.desired and self._variant.looks_ahead
            before = self._commanded if self._variant.desired else measured
            new = _point(last_ns if desired else now_ns, before).followed_by(new)
        self._trajectory = new

    def _points(self, message: Any, start_ns: int) -> Trajectory:
        """A message's points, in the order of the controller's joints."""
        columns = [list(message.joint_names).index(name) for name in self.joint_names]
        return Trajectory(
            tuple(start_ns + time_ns(point.time_from_start) for point in message.points),
            tuple(np.array(point.positions, dtype=float)[columns] for point in message.points),
            tuple(
                np.array(point.velocities, dtype=float)[columns] if len(point.velocities) else None
                for point in message.points
            ),
        )


def _point(time_ns: int, state: tuple[FloatArray, FloatArray]) -> Trajectory:
    return Trajectory((time_ns,), (state[0].copy(),), (state[1].copy(),))
