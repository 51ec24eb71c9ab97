"""One log line for each change of state."""

import re
from typing import Any

from neuracore_ros.runner import State


class StatusLog:
    """Logs state and reason when they change, and only then.

    Args:
        logger: Of the node.
    """

    def __init__(self, logger: Any) -> None:
        self._logger = logger
        self._last: tuple[State, str, str] | None = None

    def update(self, state: State, reason: str, following: str = '', alarm: bool = False) -> bool:
        """Log what is new.

        Args:
            state: What the node does.
            reason: Why it does no more.
            following: What ends that.
            alarm: Whether somebody should see to it.

        Returns:
            Whether it was new. A reason whose figures alone have changed, such as an age that
            grows, is the same one.
        """
        new = state, without_figures(reason), following
        if new == self._last:
            return False
        self._last = new
        line = status_line(state, reason, following)
        # rclpy allows one severity for each line of code.
        if state is State.HOLDING or alarm:
            self._logger.warning(line)
        else:
            self._logger.info(line)
        return True


def status_line(state: State, reason: str, following: str) -> str:
    """State and reason, for a person; of a robot that was stopped, also what ends that."""
    line = f'{state.value}: {reason}' if reason else state.value
    return f'{line} ({following})' if state is State.HOLDING and following else line


def without_figures(reason: str) -> str:
    """What stays the same of a reason whose figures change."""
    return re.sub(r'\d+(\.\d+)?', '#', reason)
