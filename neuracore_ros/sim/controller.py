"""A model of ``joint_trajectory_controller``: the messages it accepts, and its motion.

Written from the published behaviour of ros2_controllers' position interface: no partial goals,
no integration, no velocity at the end, `interpolation_method: splines`. Two rules are stricter
than the real one's: numbers must be finite, and a joint may be named once. Two differ from one
release: Humble lets the last point move, since ``allow_nonzero_velocity_at_trajectory_end`` is
true there; and where a stamp before 1970 meets a trajectory of days, the real one throws.
Accelerations are checked for their number and then not used.

Messages are ``trajectory_msgs/msg/JointTrajectory`` or anything with the same fields.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
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

    @classmethod
    def of_message(cls, message: Any, joint_names: Sequence[str], start_ns: int) -> 'Trajectory':
        """The points of a message that starts at ``start_ns``, in the order of these joints."""
        columns = [list(message.joint_names).index(name) for name in joint_names]
        return cls(
            tuple(start_ns + time_ns(point.time_from_start) for point in message.points),
            tuple(np.array(point.positions, dtype=float)[columns] for point in message.points),
            tuple(
                np.array(point.velocities, dtype=float)[columns] if len(point.velocities) else None
                for point in message.points
            ),
        )

    @classmethod
    def of_state(cls, time_ns: int, positions: FloatArray, velocities: FloatArray) -> 'Trajectory':
        """The only point of a state: positions (J,) [rad] and velocities (J,) [rad/s]."""
        return cls((time_ns,), (positions.copy(),), (velocities.copy(),))

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

    def followed_by(self, other: 'Trajectory') -> 'Trajectory':
        """Points of this trajectory, and then those of another."""
        return Trajectory(
            self.times_ns + other.times_ns,
            self.positions + other.positions,
            self.velocities + other.velocities,
        )


class TrajectoryController:
    """Follows the newest accepted trajectory of its joints; holds its last point.

    A real one works in cycles; a simulation has no use for them.

    Args:
        joint_names: Of J joints.
        positions: Where they are, shape (J,) [rad].
    """

    def __init__(self, joint_names: Sequence[str], positions: FloatArray) -> None:
        self.joint_names = tuple(joint_names)
        self._trajectory = Trajectory.of_state(0, positions, np.zeros_like(positions))

    def accept(
        self, message: Any, now_ns: int, positions: FloatArray, velocities: FloatArray
    ) -> str | None:
        """Start with a JointTrajectory; a first point that is ahead is approached from here.

        Args:
            message: The trajectory.
            now_ns: Time on the clock of its stamp.
            positions: Measured, shape (J,) [rad].
            velocities: Measured, shape (J,) [rad/s].

        Returns:
            Why the message is rejected, and the running trajectory stays; or None.
        """
        if reason := rejection(message, self.joint_names, now_ns):
            return reason
        start_ns = time_ns(message.header.stamp) or now_ns
        new = Trajectory.of_message(message, self.joint_names, start_ns)
        if new.times_ns[0] > now_ns:
            new = Trajectory.of_state(now_ns, positions, velocities).followed_by(new)
        self._trajectory = new
        return None

    def reference(self, now_ns: int) -> FloatArray:
        """The commanded positions now, shape (J,) [rad]."""
        return self._trajectory.state_at(now_ns)[0]
