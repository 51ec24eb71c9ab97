"""Messages to command topics: their parts of a motion, how they begin, and single points.

A message to a robot that may not be at its setpoint has no point at time 0: the controller may
have held the robot by itself, and goes from where the robot is to the first point, however soon
that is due. Motions have knots wherever they need them, and one may be a thousandth of a second
away: for a robot that is a hundredth of a radian behind, it would be a jump.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.command.joints import Joints, Limits
from neuracore_ros.command.spline import Spline, extent, fastest
from neuracore_ros.description import Command
from neuracore_ros.description.source import JOINT_TRAJECTORY

_EXCESS = 1e-3
"""So far beyond a position limit [rad] is as bad as being too fast by the limit itself."""

_ROUNDING = 1e-3

_LATEST_S = 1.0
"""A controller refuses what ends before it arrives, also a stop. What is stamped goes on to rest
for so long after its end."""


@dataclass(frozen=True, slots=True)
class JointCommand:
    """Message to one command topic: N points, J joints, in the robot's own units.

    Attributes:
        topic: As in the robot file.
        type: As in the robot file, such as ``trajectory_msgs/msg/JointTrajectory``.
        joint_names: The robot's, in index order.
        times_s: ``time_from_start``, shape (N,), strictly increasing. The first one is 0 where the
            command goes on from the setpoint, and else above 0.
        positions: Shape (N, J).
        velocities: Shape (N, J), last row zero; None for a single streamed point.
        stamp_ns: When it begins; 0: as soon as it arrives.
    """

    topic: str
    type: str
    joint_names: tuple[str, ...]
    times_s: FloatArray
    positions: FloatArray
    velocities: FloatArray | None
    stamp_ns: int = 0


def joint_command(
    joints: Joints,
    command: Command,
    times_s: FloatArray,
    positions: FloatArray,
    velocities: FloatArray | None,
    stamp_ns: int = 0,
) -> JointCommand:
    """Cut what one topic takes out of a motion of all joints, given as in `JointCommand`."""
    columns = joints.columns(command)
    return JointCommand(
        command.topic,
        command.type,
        tuple(joint.message_name for joint in command.joints),
        times_s,
        positions[:, columns].copy(),
        None if velocities is None else velocities[:, columns].copy(),
        stamp_ns,
    )


def delayed_first_knot(
    spline: Spline, lag: FloatArray | None, limits: Limits, enough_s: float
) -> Spline:
    """Leave out the first knots of a motion that are too soon for a robot that lags behind.

    Args:
        spline: N knots of J joints; the first is the setpoint now.
        lag: How far each joint is behind its setpoint, (J,); None: unknown.
        limits: Of the joints.
        enough_s: A knot so far ahead is never too soon [s].

    Returns:
        From the setpoint straight to the first knot that no joint has to hurry for, and on from
        there; the motion as it is where none lags.
    """
    times_s = spline.times_s[1:]
    n, joints = len(times_s), spline.positions.shape[1]
    late = times_s >= enough_s * (1.0 - _ROUNDING)
    # The last knot is always sent.
    if n < 2 or late[0]:
        return spline
    here = np.broadcast_to(spline.positions[0], (n, joints))
    speeds = np.broadcast_to(spline.velocities[0], (n, joints)), spline.velocities[1:]
    if lag is None:
        hurry = enough_s / times_s
    else:
        most = np.maximum(limits.velocity, np.abs(spline.velocities[0])) * (1.0 + _ROUNDING)
        way = fastest(times_s[:, None], (here - lag, spline.positions[1:]), speeds)
        hurry = (way / most).max(axis=1)
    hurry = np.where(late, 1.0, hurry)
    if hurry[0] <= 1.0:
        return spline
    low, high = extent(times_s[:, None], (here, spline.positions[1:]), speeds)
    beyond = np.maximum(
        np.minimum(limits.lower, here) - low, high - np.maximum(limits.upper, here)
    )
    cost = np.maximum(hurry, 1.0) + np.maximum(beyond, 0.0).max(axis=1) / _EXCESS
    first = 1 + int(np.argmin(cost))
    kept = np.r_[0, first : n + 1]
    return Spline(
        spline.start_ns, spline.times_s[kept], spline.positions[kept], spline.velocities[kept]
    )


class CommandTopics:
    """Topics of the commands: each takes its part of a motion, at once or point by point.

    Attributes:
        period_s: From one single point to the next [s].
        reach_s: How far ahead the next one leads [s].
    """

    def __init__(self, joints: Joints, stamped: bool) -> None:
        """Start before the first message; ``stamped`` trajectories begin when they were made."""
        self.period_s = self.reach_s = 1.0
        self._joints = joints
        self._stamped = stamped
        self._point: FloatArray | None = None

    def set_period(self, period_s: float) -> None:
        """Send points so often from now on; the next one may still come as soon as before."""
        self.reach_s, self.period_s = min(self.period_s, period_s), period_s

    @property
    def has_points(self) -> bool:
        """Whether some topic takes single points."""
        return any(command.stream == 'point' for command in self._joints.commands)

    def start(self, position: FloatArray | None) -> None:
        """Let points go on from a position (J,); None: nothing was sent yet."""
        self._point = None if position is None else position.copy()

    def trajectories(self, spline: Spline, first: int, stopping: bool) -> tuple[JointCommand, ...]:
        """Send the knots of a motion from one on, to each topic that takes several at once."""
        streamed = self._streamed(stopping)
        stamp_ns = spline.start_ns if self._stamped else 0
        times_s, positions, velocities = (
            knots[first:] for knots in (spline.times_s, spline.positions, spline.velocities)
        )
        if self._stamped:
            times_s = np.append(times_s, times_s[-1] + _LATEST_S)
            positions, velocities = (
                np.concatenate([knots, knots[-1:]]) for knots in (positions, velocities)
            )
        return tuple(
            joint_command(self._joints, command, times_s, positions, velocities, stamp_ns)
            for command in self._joints.commands
            if command not in streamed
        )

    def points(self, target: FloatArray, stopping: bool) -> tuple[JointCommand, ...]:
        """Send the next points on the way to a target (J,), one to each topic that takes them.

        They move no further than the velocity limits allow within their reach, so that a late call
        becomes a delay and no jump.
        """
        streamed = self._streamed(stopping)
        if not streamed or self._point is None:
            return ()
        columns, limits = self._columns(streamed), self._joints.limits
        away = target[columns] - self._point[columns]
        most = limits.velocity[columns] * self.reach_s
        speed = np.abs(away)
        part = np.divide(most, speed, out=np.ones_like(speed), where=speed > most)
        alone = limits.alone[columns]
        factor = np.where(alone, part, np.min(part, where=~alone, initial=1.0))
        self._point[columns] += factor * away
        times_s, point = np.array([self.reach_s]), self._point[None]
        self.reach_s = self.period_s
        return tuple(
            joint_command(self._joints, command, times_s, point, None) for command in streamed
        )

    def catching_up_s(self, target: FloatArray, stopping: bool) -> float:
        """Return how long points go on to a target (J,); 0 where they are there [s]."""
        columns = self._columns(self._streamed(stopping))
        if self._point is None or not columns:
            return 0.0
        away = np.abs(target[columns] - self._point[columns])
        if not (away > 1e-9).any():
            return 0.0
        return float(np.max(away / self._joints.limits.velocity[columns]))

    def behind(self, setpoint: FloatArray) -> FloatArray:
        """Return how far points are behind a setpoint, (J,); 0 where they came in time."""
        behind = np.zeros(len(setpoint))
        if self._point is not None:
            columns = self._columns(self._streamed(stopping=False))
            away = setpoint[columns] - self._point[columns]
            usual = self._joints.limits.velocity[columns] * self.period_s
            behind[columns] = np.where(np.abs(away) > usual * (1.0 + _ROUNDING), away, 0.0)
        return behind

    def _streamed(self, stopping: bool) -> list[Command]:
        """List topics that take single points; a stop is one trajectory wherever it can be."""
        return [
            command
            for command in self._joints.commands
            if command.stream == 'point' and not (stopping and command.type == JOINT_TRAJECTORY)
        ]

    def _columns(self, commands: list[Command]) -> list[int]:
        every = range(len(self._joints.joints))
        return [i for command in commands for i in every[self._joints.columns(command)]]
