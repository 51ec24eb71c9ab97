"""Whether simulated time goes on."""

from __future__ import annotations

from dataclasses import dataclass

# A paused simulation stops its clock; so does a crashed one.
STOPPED_S = 1.0


@dataclass(slots=True)
class ClockWatch:
    """Looks at simulated time from a clock that always goes on.

    A stop cannot be sent for it: where the robot is by now is not known in a time that stands
    still, and a command from an older setpoint would be a jump back. No tick means no command,
    so what was sent ends within ``max_ahead_s``.

    Attributes:
        ros_ns: The clock when it was last seen to move.
        moved_s: When that was, on a steady clock [s].
        stopped: Whether it has stood still for `STOPPED_S`.
    """

    ros_ns: int
    moved_s: float
    stopped: bool = False

    def look(self, ros_ns: int, steady_s: float) -> None:
        """Compare the clock with what it was."""
        if ros_ns != self.ros_ns:
            self.ros_ns, self.moved_s = ros_ns, steady_s
        self.stopped = steady_s - self.moved_s > STOPPED_S
