"""Signals that end the process, turned into a request to stop the robot first."""

import os
import signal
from types import FrameType


class StopSignal:
    """Remembers that the process was asked to end.

    rclpy's own handlers shut the context down at once, after which nothing can be published;
    Python's raise KeyboardInterrupt anywhere, also in the middle of stopping the robot. These
    only take a note, however often the signal comes; the node's loop reads it.
    """

    def __init__(self) -> None:
        self._requested = ''
        self._parent = os.getppid()
        self.with_parent = False
        """True to end with the parent process."""
        signal.signal(signal.SIGINT, self._note)
        signal.signal(signal.SIGTERM, self._note)
        # A terminal that is closed sends it; under nohup it is to be ignored.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._note)

    @property
    def requested(self) -> str:
        """The cause of the requested end; empty until there is one."""
        if not self._requested and self.with_parent and os.getppid() != self._parent:
            self._requested = 'the process that started this one is gone'
        return self._requested

    def ignore(self) -> None:
        """Ignore signals from now on.

        A Python that ends gives their default back to those that it handles: another Ctrl-C then
        would kill the process, and be its exit code.
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._requested = signal.Signals(number).name
