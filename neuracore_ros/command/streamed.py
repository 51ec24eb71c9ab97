"""The state of what is sent as it is, one message after another, whatever it is."""

from __future__ import annotations

from neuracore_ros.command.plan import Plan

REPEATS = 3
"""So often what a stop ends in is sent again: one message may be lost."""


class Streamed:
    """A plan, the time of the last message, and how often its end is still to be said."""

    def __init__(self, step_s: float, period_s: float, max_ahead_s: float) -> None:
        """Rest; nothing was sent.

        Args:
            step_s: A step of the plan [s].
            period_s: From one message to the next [s].
            max_ahead_s: A stop has ended so long after its begin [s].
        """
        self.set_steps(step_s, period_s)
        self._longest_stop_s = max(max_ahead_s - period_s, 0.5 * max_ahead_s)
        self._plan: Plan | None = None
        self._sent_ns: int | None = None
        self._repeats_left = 0

    def set_steps(self, step_s: float, period_s: float) -> None:
        """Change steps and periods from now on; call it while no plan is followed."""
        self._step_s, self._step_ns = step_s, round(1e9 * step_s)
        self._period_s = period_s

    @property
    def at_rest(self) -> bool:
        """Whether a stop has ended, and was said often enough."""
        return self._plan is None and self._repeats_left == 0

    def runs_dry(self, now_ns: int) -> bool:
        """Whether the plan has nothing left for the future."""
        return self._plan is None or self._plan.end_ns <= now_ns

    def shift(self, by_ns: int) -> None:
        """Move what was sent on a clock that has jumped."""
        if self._sent_ns is not None:
            self._sent_ns += by_ns

    def forget(self) -> None:
        """Rest, as if nothing had been sent."""
        self._plan, self._sent_ns, self._repeats_left = None, None, 0

    def _begin(self, now_ns: int) -> None:
        """Have no plan yet; the first message is due now."""
        self._plan, self._repeats_left = None, 0
        due_ns = now_ns - round(1e9 * self._period_s)
        self._sent_ns = due_ns if self._sent_ns is None else max(self._sent_ns, due_ns)

    def _planned_s(self, now_ns: int) -> float:
        """Time that the plan still lasts [s]."""
        return 0.0 if self._plan is None else max(self._plan.end_ns - now_ns, 0) / 1e9
