"""One log line for each change of state."""

from typing import Any

from neuracore_ros.errors import without_numbers
from neuracore_ros.node.status import Status
from neuracore_ros.runner import State


class StatusLog:
    """Logs state and reason when they change, and only then.

    Args:
        logger: Of the node.
    """

    def __init__(self, logger: Any) -> None:
        self._logger = logger
        self._last: tuple[State, str, str] | None = None

    def update(self, status: Status) -> bool:
        """Log what is new.

        Returns:
            Whether it was new. A reason whose figures alone have changed, such as an age that
            grows, is the same one.
        """
        new = status.state, without_numbers(status.reason), status.next
        if new == self._last:
            return False
        self._last = new
        # rclpy allows one severity for each line of code.
        if status.alarm:
            self._logger.warning(status.line)
        else:
            self._logger.info(status.line)
        return True
