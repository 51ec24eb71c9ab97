"""Time in steps, on a clock that may jump."""

from __future__ import annotations


class StepClock:
    """Counts steps from the first tick on, and notices when the clock jumps."""

    def __init__(self, rate_hz: float, longest_jump_s: float) -> None:
        """A clock of ``rate_hz`` steps a second.

        Args:
            rate_hz: Steps a second.
            longest_jump_s: A tick may come this much later than one step after the last.
        """
        self._rate_hz = rate_hz
        self._step_ns = round(1e9 / rate_hz)
        self._longest_ns = self._step_ns + round(longest_jump_s * 1e9)
        self._origin_ns: int | None = None
        self._last_ns: int | None = None

    def step(self, now_ns: int) -> int:
        """The number of the step whose time is nearest."""
        if self._origin_ns is None:
            self._origin_ns = now_ns
        return round((now_ns - self._origin_ns) * self._rate_hz / 1e9)

    def jumped_ns(self, now_ns: int) -> int:
        """How far the clock went since the last tick, if that is back or too far; else 0."""
        advance_ns = 0 if self._last_ns is None else now_ns - self._last_ns
        return 0 if 0 <= advance_ns <= self._longest_ns else advance_ns

    def tick(self, now_ns: int) -> int:
        """Take note of a tick; returns `jumped_ns`. Steps start anew where the clock went back."""
        jump_ns = self.jumped_ns(now_ns)
        if jump_ns < 0:
            self._origin_ns = now_ns
        self._last_ns = now_ns
        return jump_ns

    def restart(self) -> None:
        """Count from the next tick on."""
        self._origin_ns = self._last_ns = None
