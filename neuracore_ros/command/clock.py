"""Clock of steps, by a time that may jump."""

from __future__ import annotations

from dataclasses import dataclass

_SLEW_NS = 1_000_000
"""A clock that is set right little by little goes less astray from one tick to the next."""


@dataclass(frozen=True, slots=True)
class Jump:
    """Advance of the clock since the last tick.

    Attributes:
        by_ns: How far it went, if that is back or too far for a step; else 0.
        astray_ns: How much of that is no time that has passed.
        surely: Whether that is known, or a guess.
    """

    by_ns: int
    astray_ns: int
    surely: bool


class StepClock:
    """Count of steps from the first tick on, which notices when the clock jumps."""

    def __init__(self, rate_hz: float, longest_jump_s: float) -> None:
        """Expect a tick at most ``longest_jump_s`` later than one step after the last."""
        self._rate_hz = rate_hz
        self._longest_ns = round(1e9 / rate_hz) + round(longest_jump_s * 1e9)
        self._origin_ns: int | None = None
        self._last_ns: int | None = None
        self._steady_ns: int | None = None

    def step(self, now_ns: int) -> int:
        """Return the number of the step whose time is nearest."""
        if self._origin_ns is None:
            self._origin_ns = now_ns
        return round((now_ns - self._origin_ns) * self._rate_hz / 1e9)

    def jumped_ns(self, now_ns: int) -> int:
        """Return how far the clock went since the last tick, if back or too far; else 0."""
        advance_ns = 0 if self._last_ns is None else now_ns - self._last_ns
        return 0 if 0 <= advance_ns <= self._longest_ns else advance_ns

    def expected_ns(self, steady_ns: int | None) -> int | None:
        """Return the time that this clock would tell had it not jumped since the last tick.

        None where there is no steady clock, or no tick yet.
        """
        if self._last_ns is None or self._steady_ns is None or steady_ns is None:
            return None
        return self._last_ns + steady_ns - self._steady_ns

    def tick(self, now_ns: int, steady_ns: int | None = None, guess_ns: int = 0) -> Jump:
        """Take note of the time; steps start anew where the clock went back.

        Args:
            now_ns: Now.
            steady_ns: The same moment on a clock that never jumps; None if there is none, as
                where time is simulated.
            guess_ns: What has passed if the clock went back and there is no other.
        """
        jump_ns = self.jumped_ns(now_ns)
        astray_ns = 0
        passed_ns = None
        if steady_ns is not None and self._steady_ns is not None:
            passed_ns = steady_ns - self._steady_ns
        if self._last_ns is not None and passed_ns is not None:
            astray_ns = now_ns - self._last_ns - passed_ns
        elif jump_ns < 0:
            astray_ns = jump_ns - guess_ns
        if jump_ns < 0:
            self._origin_ns = now_ns
        self._last_ns, self._steady_ns = now_ns, steady_ns
        slews = abs(astray_ns) <= _SLEW_NS
        return Jump(jump_ns, 0 if slews else astray_ns, passed_ns is not None)

    def restart(self) -> None:
        """Count from the next tick on."""
        self._origin_ns = self._last_ns = self._steady_ns = None
