"""Checks of simulated time: a clock that stands still, and stamps of another clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuracore_ros.node.topics import CLOCK

# A paused simulation stops its clock; so does a crashed one.
STOPPED_S = 1.0


def clock_cure(simulated: bool, publishers: Sequence[str], option: str) -> str:
    """The cure for header stamps that lie days or years away; empty if a clock is just wrong.

    Args:
        simulated: True if this node uses /clock.
        publishers: Full names of the nodes that publish it.
        option: What makes a node use it, such as ``use_sim_time:=true``.
    """
    if simulated:
        return (
            f'they are not of the simulated time that is used here: set use_sim_time of their '
            f'publisher to true, or leave {option} out'
        )
    if publishers:
        return (
            f'they look like simulated time, since {", ".join(publishers)} publishes {CLOCK}: '
            f'give {option}'
        )
    return ''


def standstill(publishers: Sequence[str], option: str) -> str:
    """The reason why simulated time stands still, and its cure; arguments as in `clock_cure`."""
    if not publishers:
        return (
            f'nobody publishes {CLOCK}, and without it there is no time: start the simulator, or '
            f'leave {option} out'
        )
    return (
        f'{CLOCK} has stood still for {STOPPED_S:g} s; {", ".join(publishers)} publishes it: is '
        'it paused?'
    )


@dataclass(slots=True)
class ClockMonitor:
    """Compares simulated time with a clock that always runs.

    A stop cannot be sent for it: where the robot is by now is not known in a time that stands
    still, and a command from an older setpoint would be a jump back. No tick means no command,
    so what was sent ends within ``max_ahead_s``. Velocities do not: they are set to zero.

    Attributes:
        ros_ns: The time of the clock when it last moved.
        moved_s: The steady time of that [s].
        stopped: True if it has stood still for `STOPPED_S`.
    """

    ros_ns: int
    moved_s: float
    stopped: bool = False

    def update(self, ros_ns: int, steady_s: float) -> None:
        """Compare the clock with its last value."""
        if ros_ns != self.ros_ns:
            self.ros_ns, self.moved_s = ros_ns, steady_s
        self.stopped = steady_s - self.moved_s > STOPPED_S
