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
        self._last: tuple[State, str] | None = None

    def update(self, state: State, reason: str) -> bool:
        """Log what is new.

        Returns:
            Whether it was new. A reason whose figures alone have changed, such as an age that
            grows, is the same one.
        """
        new = state, without_figures(reason)
        if new == self._last:
            return False
        self._last = new
        line = f'{state.value}: {reason}' if reason else state.value
        # rclpy allows one severity for each line of code.
        if state is State.HOLDING:
            self._logger.warning(line)
        else:
            self._logger.info(line)
        return True


def without_figures(reason: str) -> str:
    """What stays the same of a reason whose figures change."""
    return re.sub(r'\d+(\.\d+)?', '#', reason)
