"""What the runner is doing, why it does no more, and what may end that."""

from __future__ import annotations

from neuracore_ros.command.settings import State
from neuracore_ros.runner.counters import Counters


class Condition:
    """The state, and what led to it.

    Attributes:
        state: What the runner is doing.
        reason: Why it is not running, one line; empty while it runs as it should.
        latched: Whether only `enable` ends the hold.
        complete: Whether there was a complete observation since it began to wait.
    """

    def __init__(self, counters: Counters) -> None:
        """Begin by waiting."""
        self._counters = counters
        self.latched = False
        self.wait()

    @property
    def running(self) -> bool:
        """Whether the robot is being moved."""
        return self.state is State.RUNNING

    def disable(self, reason: str) -> None:
        """Nothing moves until it is allowed."""
        self.state, self.reason = State.DISABLED, reason

    def wait(self) -> None:
        """Start afresh, as soon as everything is there."""
        self.state, self.reason = State.WAITING, 'no complete observation yet'
        self.complete, self._cause = False, ''

    def run(self, blending_in: bool) -> None:
        """The robot is being moved; slowly, while it is on its way to the plan."""
        self.state, self.reason = State.RUNNING, 'blending in' if blending_in else ''

    def hold(self, cause: str, latched: bool) -> None:
        """The robot has been stopped."""
        self.latched = latched
        self._counters.holds += self.state is not State.HOLDING
        self.state, self.reason, self._cause = State.HOLDING, cause, cause

    def tell(self, reason: str) -> None:
        """Say more exactly what is waited for."""
        if not self.latched:
            self.reason = reason

    def report(self, problems: list[str]) -> None:
        """Say what keeps the robot from running, after what once stopped it."""
        if not self.complete:
            self.state = State.WAITING
        elif self.state is not State.HOLDING:
            self.state, self._cause = State.HOLDING, ''
            self._counters.holds += 1
        self.reason = '; '.join([self._cause, *problems] if self._cause else problems)
