"""SIGINT and SIGTERM, turned into a request to stop the robot first."""

import signal
from types import FrameType


class StopSignal:
    """Remembers that the process was asked to end.

    rclpy's own handlers shut the context down at once, after which nothing can be published;
    Python's raise KeyboardInterrupt anywhere, also in the middle of stopping the robot. These
    only take a note, however often the signal comes; the node's loop reads it.
    """

    def __init__(self) -> None:
        self.requested = ''
        """The signal's name; empty until one came."""
        signal.signal(signal.SIGINT, self._note)
        signal.signal(signal.SIGTERM, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.requested = signal.Signals(number).name
