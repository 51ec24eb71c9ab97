"""The releases of ``joint_trajectory_controller``: how each joins a message to what runs."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.durations import time_ns
from neuracore_ros.sim.controller import Trajectory, rejection


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


class CyclicController:
    """A controller that works in cycles: what it `receive`s waits for the next `update`."""

    def __init__(
        self,
        joint_names: Sequence[str],
        positions: FloatArray,
        variant: Variant,
        period_ns: int,
    ) -> None:
        """Hold still.

        Args:
            joint_names: Of J joints.
            positions: Where they are, shape (J,) [rad].
            variant: How messages are joined.
            period_ns: From one `update` to the next.
        """
        self.joint_names = tuple(joint_names)
        self._variant = variant
        self._period_ns = period_ns
        self._updated_ns: int | None = None
        self.hold(positions)

    def hold(self, positions: FloatArray) -> None:
        """Drop what is running and stay at ``positions`` (J,) [rad]."""
        self._received: Any = None
        self._commanded = positions.copy(), np.zeros_like(positions)
        self._trajectory = Trajectory.of_state(0, *self._commanded)

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

    def _start(self, message: Any, now_ns: int, measured: tuple[FloatArray, FloatArray]) -> None:
        stamp_ns = time_ns(message.header.stamp)
        last_ns = now_ns if self._updated_ns is None else self._updated_ns
        if self._variant.blends and len(self._trajectory.times_ns) > 1:
            start_ns = max(stamp_ns, now_ns)
            old = self._trajectory
            later = tuple(time_ns + now_ns - last_ns for time_ns in old.times_ns)
            old = replace(old, times_ns=later)
            # The points strictly between now and the start of the new ones.
            kept = slice(bisect_right(later, now_ns), bisect_left(later, start_ns))
            new = Trajectory(later[kept], old.positions[kept], old.velocities[kept])
            points = Trajectory.of_message(message, self.joint_names, start_ns)
            if start_ns < points.times_ns[0]:
                new = new.followed_by(Trajectory.of_state(start_ns, *old.state_at(start_ns)))
            new = new.followed_by(points)
        else:
            new = Trajectory.of_message(message, self.joint_names, stamp_ns or now_ns)
        if new.times_ns[0] > now_ns:
            desired = self._variant.desired and self._variant.looks_ahead
            before = self._commanded if self._variant.desired else measured
            new = Trajectory.of_state(last_ns if desired else now_ns, *before).followed_by(new)
        self._trajectory = new
