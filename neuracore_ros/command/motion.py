"""Motion: from predictions to messages, and what the robot is executing now."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from neuracore_ros.command.joints import Array, BoolArray, Joints
from neuracore_ros.command.limits import Followed, follow, slowed
from neuracore_ros.command.plan import BLENDS, Plan
from neuracore_ros.command.spline import Spline
from neuracore_ros.command.stop import stop
from neuracore_ros.description import Command
from neuracore_ros.description.source import JOINT_TRAJECTORY

_REMEMBERED_S = 2.0
_CLOSEST_S = 1e-3


@dataclass(frozen=True, slots=True)
class JointCommand:
    """One message to one command topic: N points, J joints, in the robot's own units.

    Attributes:
        topic: As in the robot file.
        type: ``trajectory_msgs/msg/JointTrajectory`` or ``std_msgs/msg/Float64MultiArray``.
        joint_names: The robot's, in index order.
        times_s: ``time_from_start``, shape (N,), above 0 and strictly increasing.
        positions: Shape (N, J).
        velocities: Shape (N, J), last row zero; None for a single streamed point.
    """

    topic: str
    type: str
    joint_names: tuple[str, ...]
    times_s: Array
    positions: Array
    velocities: Array | None


class Motion:
    """Everything that is commanded: the plan, the spline being executed, the next messages."""

    def __init__(
        self,
        joints: Joints,
        rate_hz: float,
        max_ahead_s: float,
        blend: str,
        start_speed: float,
        command_rate_hz: float,
    ) -> None:
        self._joints = joints
        self._step_s = 1.0 / rate_hz
        self._step_ns = round(1e9 / rate_hz)
        self._most_points = math.floor(max_ahead_s * rate_hz + 1e-6)
        self._max_ahead_s = max_ahead_s
        self._blend = BLENDS[blend]
        self._start_speed = start_speed
        self._point_s = 1.0 / (command_rate_hz or rate_hz)
        self._plan: Plan | None = None
        self._splines: deque[Spline] = deque()
        self._point: Array | None = None
        self._stopping = False
        self._caught_up_ns: int | None = 0
        self.clamps = 0

    @property
    def has_points(self) -> bool:
        """Whether some topic takes single points."""
        return any(command.stream == 'point' for command in self._joints.commands)

    @property
    def blending_in(self) -> bool:
        """Whether the robot is still on its slow way to the plan."""
        return self._caught_up_ns is None

    def setpoint(self, now_ns: int) -> tuple[Array, Array] | None:
        """Position and velocity being executed at a time; None before the first command."""
        for spline in reversed(self._splines):
            if spline.start_ns <= now_ns:
                return spline.at(now_ns)
        return None

    def at_rest(self, now_ns: int) -> bool:
        """Whether nothing that was commanded is still moving the robot."""
        if not self._splines:
            return True
        spline = self._splines[-1]
        if now_ns < spline.end_ns:
            return False
        streamed = self._streamed()
        if self._point is None or not streamed:
            return True
        columns = self._columns(streamed)
        return bool(np.allclose(self._point[columns], spline.positions[-1][columns], atol=1e-9))

    def runs_dry(self, now_ns: int) -> bool:
        """Whether the plan has no setpoint left for the future."""
        return self._plan is None or self._plan.end_ns <= now_ns

    def begin(self, measured: Array, blend_in: bool, now_ns: int) -> None:
        """Start from rest where the robot is; a gripper from where it was sent."""
        start = measured.copy()
        if (before := self.setpoint(now_ns)) is not None:
            start = np.where(self._joints.grips, before[0], start)
        # What was executed earlier is over: the robot may have been moved since.
        self._splines.clear()
        self._plan, self._stopping = None, False
        self._point = start.copy()
        self._caught_up_ns = None if blend_in else now_ns
        self._remember(Spline(now_ns, np.zeros(1), start[None], np.zeros((1, len(start)))), now_ns)

    def merge(self, outputs: Array, now_ns: int) -> tuple[JointCommand, ...]:
        """Follow a new prediction.

        Args:
            outputs: Shape (n, J), the first one due one step from now; n >= 1.
            now_ns: Its arrival.
        """
        limits = self._joints.limits
        allowed = np.clip(outputs, limits.lower, limits.upper)
        self.clamps += int(np.any(allowed != outputs, axis=1).sum())
        plan = self._plan
        if plan is None:
            setpoint = self._require_setpoint(now_ns)
            plan = Plan(now_ns, self._step_ns, setpoint[0][None])
        self._plan = plan.merged(allowed, now_ns, self._blend)
        return self._publish(now_ns)

    def extend(self, now_ns: int) -> tuple[JointCommand, ...]:
        """Send more of the plan, if little of what was sent is left.

        Each message makes the controller start again from its measured state, so none is sent
        while there is no need.
        """
        if self._plan is None or not self._splines:
            return ()
        left_s = (self._splines[-1].end_ns - now_ns) / 1e9
        enough_s = max(0.5 * self._max_ahead_s, 1.5 * self._step_s)
        more_ns = self._plan.end_ns - self._splines[-1].end_ns
        if left_s >= enough_s or more_ns < self._step_ns - 1000:
            return ()
        return self._publish(now_ns)

    def stop(
        self, now_ns: int, measured: Array | None, lost: BoolArray
    ) -> tuple[JointCommand, ...]:
        """Brake to rest; nothing where nothing moves.

        Args:
            now_ns: Now.
            measured: Fresh measured positions, shape (J,), or None.
            lost: Bool, shape (J,): joints that are not where they were sent.
        """
        self._plan = None
        setpoint = self.setpoint(now_ns)
        # Nothing was commanded since activation: the robot may be somebody else's to move. A
        # fresh measurement alone is no reason to take it from them.
        if setpoint is None or (now_ns >= self._splines[-1].end_ns and not lost.any()):
            return ()
        if measured is not None:
            measured = np.where(self._joints.grips, setpoint[0], measured)
        spline = stop(now_ns, setpoint, self._joints.limits, measured, lost)
        self._stopping = True
        self._remember(spline, now_ns)
        return self._messages(spline)

    def points(self, now_ns: int) -> tuple[JointCommand, ...]:
        """The next setpoint of every topic that takes single points; none at rest.

        The stream moves no further in one call than the velocity limits allow in one period, so
        that a late call becomes a delay and no jump.
        """
        streamed = self._streamed()
        if self._point is None or not streamed or self.at_rest(now_ns):
            return ()
        ahead = self.setpoint(now_ns + round(self._point_s * 1e9))
        if ahead is None:
            return ()
        columns = self._columns(streamed)
        away = ahead[0][columns] - self._point[columns]
        most = self._joints.limits.velocity[columns] * self._point_s
        speed = np.abs(away)
        factor = np.min(np.divide(most, speed, out=np.ones_like(speed), where=speed > most))
        self._point[columns] += factor * away
        times = np.array([self._point_s])
        return tuple(
            self._message(command, times, self._point[None], None) for command in streamed
        )

    def shift(self, by_ns: int) -> None:
        """Move everything on the clock, which has jumped."""
        self._splines = deque(spline.shifted(by_ns) for spline in self._splines)

    def forget(self) -> None:
        """Nothing was commanded yet."""
        self._plan = None
        self._point = None
        self._splines.clear()

    def _publish(self, now_ns: int) -> tuple[JointCommand, ...]:
        assert self._plan is not None
        setpoint = self._require_setpoint(now_ns)
        left = math.ceil((self._plan.end_ns - now_ns) / self._step_ns - 1e-6)
        n = min(self._most_points, left)
        if n < 1:
            return ()
        times_s: Array = self._step_s * np.arange(1.0, n + 1.0)
        followed = self._follow(setpoint, times_s, now_ns)
        if not followed.inside and (knot := self._splines[-1].next_knot(now_ns)) is not None:
            followed = self._bridged(setpoint, knot, times_s, now_ns)
        self.clamps += int((~followed.arrived).sum())
        spline = Spline(now_ns, followed.times_s, followed.positions, followed.velocities)
        self._remember(spline, now_ns)
        return self._messages(spline)

    def _follow(self, setpoint: tuple[Array, Array], times_s: Array, now_ns: int) -> Followed:
        assert self._plan is not None
        limits = self._joints.limits
        due_ns = now_ns + np.rint(1e9 * np.concatenate([[0.0], times_s])).astype(np.int64)
        targets = self._plan.at(due_ns)
        if self._caught_up_ns is not None and self._caught_up_ns <= now_ns:
            return follow(setpoint, targets[0], targets[1:], times_s, limits)
        slow = slowed(limits, self._start_speed)
        followed = follow(setpoint, targets[0], targets[1:], times_s, slow)
        arrived = np.flatnonzero(followed.arrived)
        self._caught_up_ns = int(due_ns[arrived[0] + 1]) if len(arrived) else None
        return followed

    def _bridged(
        self,
        setpoint: tuple[Array, Array],
        knot: tuple[float, Array, Array],
        times_s: Array,
        now_ns: int,
    ) -> Followed:
        """Go on to the next knot of what is being executed, and follow the plan from there.

        Close to a position limit the spline from a point between two knots might overshoot;
        going on as before to the next knot cannot, and from a knot there is room to brake.
        """
        ahead_s, position, velocity = knot
        later = times_s[times_s > ahead_s + _CLOSEST_S] - ahead_s
        followed = self._follow((position, velocity), later, now_ns + round(ahead_s * 1e9))
        return replace(
            followed,
            times_s=np.concatenate([[0.0], followed.times_s + ahead_s]),
            positions=np.concatenate([setpoint[0][None], followed.positions]),
            velocities=np.concatenate([setpoint[1][None], followed.velocities]),
        )

    def _remember(self, spline: Spline, now_ns: int) -> None:
        # A measurement is compared with the setpoint of its own stamp, so older ones are kept.
        while len(self._splines) > 1 and self._splines[1].start_ns < now_ns - _REMEMBERED_S * 1e9:
            self._splines.popleft()
        self._splines.append(spline)

    def _require_setpoint(self, now_ns: int) -> tuple[Array, Array]:
        setpoint = self.setpoint(now_ns)
        assert setpoint is not None, 'begin() comes before the first prediction'
        return setpoint

    def _streamed(self) -> list[Command]:
        """The topics that now take single points: a stop is one trajectory wherever it can be."""
        return [
            command
            for command in self._joints.commands
            if command.stream == 'point'
            and not (self._stopping and command.type == JOINT_TRAJECTORY)
        ]

    def _columns(self, commands: list[Command]) -> list[int]:
        every = range(len(self._joints.joints))
        return [i for command in commands for i in every[self._joints.columns(command)]]

    def _messages(self, spline: Spline) -> tuple[JointCommand, ...]:
        streamed = self._streamed()
        return tuple(
            self._message(command, spline.times_s[1:], spline.positions[1:], spline.velocities[1:])
            for command in self._joints.commands
            if command not in streamed
        )

    def _message(
        self, command: Command, times_s: Array, positions: Array, velocities: Array | None
    ) -> JointCommand:
        columns = self._joints.columns(command)
        return JointCommand(
            command.topic,
            command.type,
            tuple(joint.message_name for joint in command.joints),
            times_s,
            positions[:, columns].copy(),
            None if velocities is None else velocities[:, columns].copy(),
        )
