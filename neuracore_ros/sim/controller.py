"""What ``joint_trajectory_controller`` accepts, and what it makes of it.

Written from the published behaviour of ros2_controllers' position interface with default
parameters: no partial goals, no integration, no velocity at the end, a new trajectory starts
from the measured state. Two rules are stricter than the real one's: numbers must be finite, and
a joint may be named once. Accelerations are checked for their number and then not used.

Messages are ``trajectory_msgs/msg/JointTrajectory`` or anything with the same fields.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from neuracore_ros.observation.streams import time_ns
from neuracore_ros.sim.arms import Array

SMALLEST_SPEED = float(np.finfo(np.float32).eps)
"""The controller calls a last velocity zero up to this [rad/s]."""


def rejection(message: Any, joint_names: Sequence[str], now_ns: int) -> str | None:
    """Why the controller of ``joint_names`` would not execute a trajectory at ``now_ns``.

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
    None where it has none. The first point is usually the measured state at the start.
    """

    times_ns: tuple[int, ...]
    positions: tuple[Array, ...]
    velocities: tuple[Array | None, ...]

    def at(self, time_ns: int) -> Array:
        """Positions (J,) [rad]: cubic between points that have velocities, linear otherwise."""
        end = bisect_right(self.times_ns, time_ns)
        if end in {0, len(self.times_ns)}:
            return self.positions[0 if end == 0 else -1]
        duration_s = (self.times_ns[end] - self.times_ns[end - 1]) / 1e9
        share = (time_ns - self.times_ns[end - 1]) / 1e9 / duration_s
        before, after = self.positions[end - 1], self.positions[end]
        leaving, arriving = self.velocities[end - 1], self.velocities[end]
        if leaving is None or arriving is None:
            return before + share * (after - before)
        rest = 1.0 - share
        return (
            (1.0 + 2.0 * share) * rest**2 * before
            + share**2 * (3.0 - 2.0 * share) * after
            + duration_s * share * rest * (rest * leaving - share * arriving)
        )


class TrajectoryController:
    """Follows the newest accepted trajectory of its joints; holds its last point."""

    def __init__(self, joint_names: Sequence[str], positions: Array) -> None:
        self.joint_names = tuple(joint_names)
        self._trajectory: Trajectory
        self.hold(positions)

    def hold(self, positions: Array) -> None:
        """Drop what is running and stay at ``positions`` (J,) [rad]."""
        self._trajectory = Trajectory((0,), (positions.copy(),), (None,))

    def accept(self, message: Any, now_ns: int, positions: Array, velocities: Array) -> str | None:
        """Replace the running trajectory, from the measured state at ``now_ns``.

        Args:
            message: A JointTrajectory.
            now_ns: Time on the clock of the message's stamp.
            positions: Measured, shape (J,) [rad].
            velocities: Measured, shape (J,) [rad/s].

        Returns:
            Why the message is rejected, and the running trajectory stays; or None.
        """
        if reason := rejection(message, self.joint_names, now_ns):
            return reason
        columns = [list(message.joint_names).index(name) for name in self.joint_names]
        start_ns = time_ns(message.header.stamp) or now_ns
        times = [start_ns + time_ns(point.time_from_start) for point in message.points]
        points = [np.array(point.positions, dtype=float)[columns] for point in message.points]
        speeds: list[Array | None] = [
            np.array(point.velocities, dtype=float)[columns] if len(point.velocities) else None
            for point in message.points
        ]
        if times[0] > now_ns:
            times, points = [now_ns, *times], [positions.copy(), *points]
            speeds = [velocities.copy(), *speeds]
        self._trajectory = Trajectory(tuple(times), tuple(points), tuple(speeds))
        return None

    def reference(self, now_ns: int) -> Array:
        """Where the joints should be now, shape (J,) [rad]."""
        return self._trajectory.at(now_ns)
