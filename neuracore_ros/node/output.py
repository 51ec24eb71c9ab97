"""The interface of one command topic or action."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from neuracore_ros.runner import JointCommand

FaultCallback = Callable[[str], None]
"""Called with one line: a command was refused, or another node commands the robot."""


class CommandOutput(Protocol):
    """One command topic or action."""

    def send(self, command: JointCommand) -> None:
        """Send one command."""

    def listeners(self) -> int:
        """Number of nodes that may execute what is sent."""

    def refresh(self) -> None:
        """Ask the graph for listeners and rivals, which is too slow for every step."""

    def rivals(self) -> Sequence[str]:
        """Full names of other nodes that could command the same robot."""

    def close(self) -> None:
        """Destroy publishers, subscriptions and clients."""
