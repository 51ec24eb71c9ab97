"""Whether a stream is alive and fast enough, told when that changes."""

from __future__ import annotations

from collections import deque

IS_BACK = ' is back'
SILENT_S = 1.0
WINDOW_S = 2.0
# A rate is counted in whole messages, and drivers are not exact.
TOLERANCE = 0.9


class StreamWatch:
    """Watches one topic.

    Args:
        name: Its full name.
        max_age_s: Of its samples [s]; None where they never age.
        rate_hz: Of the steps that will be made of it.
        steady: Whether it must never be silent; commands may be.
        silent_s: How long it may say nothing [s].
    """

    def __init__(
        self,
        name: str,
        max_age_s: float | None,
        rate_hz: float,
        steady: bool,
        silent_s: float = SILENT_S,
    ) -> None:
        self.name = name
        self.problem = ''
        self.max_age_s = max_age_s
        self._rate_hz = rate_hz
        self.is_steady = steady
        self._silent_s = silent_s
        self._arrivals: deque[float] = deque(maxlen=4096)
        self._first_s: float | None = None
        self._heard_s = float('-inf')

    @property
    def is_heard(self) -> bool:
        """Whether it has ever come."""
        return self._first_s is not None

    def hear(self, wall_s: float, now_s: float) -> None:
        """Note a message.

        Args:
            wall_s: When it came, on a clock that always runs [s].
            now_s: When it came, in the time in which we live, which may be simulated [s].
        """
        turned_back = bool(self._arrivals) and now_s < self._arrivals[-1]
        # A rate is counted anew after a silence, or a stream would be slow when it is back.
        if turned_back or wall_s - self._heard_s > self._silent_s:
            self._first_s = now_s
            self._arrivals.clear()
        self._heard_s = wall_s
        self._arrivals.append(now_s)

    def rate_hz(self, now_s: float) -> float:
        """Messages a second lately."""
        if self._first_s is None:
            return 0.0
        while self._arrivals and self._arrivals[0] <= now_s - WINDOW_S:
            self._arrivals.popleft()
        passed_s = min(WINDOW_S, now_s - self._first_s)
        return len(self._arrivals) / passed_s if passed_s > 0 else 0.0

    def usual_gap_s(self) -> float:
        """Between two messages lately [s]; 0 where fewer have come."""
        if len(self._arrivals) < 2:
            return 0.0
        return (self._arrivals[-1] - self._arrivals[0]) / (len(self._arrivals) - 1)

    def look(self, wall_s: float, now_s: float, fault: str) -> str:
        """What is new about it.

        Args:
            wall_s: Now, on a clock that always runs [s].
            now_s: Now, in the time in which we live [s].
            fault: Why nothing can come; empty if something may.

        Returns:
            One line, or nothing.
        """
        before = self.problem.partition(':')[0]
        problem = self._silence(wall_s, fault) or self._slowness(now_s)
        # A message a second would otherwise be told as a silence and a return each.
        if not problem and before.endswith('silent') and self._is_young(now_s):
            return ''
        self.problem = problem
        if self.problem.partition(':')[0] == before:
            return ''
        if self.problem:
            return self.problem
        rate = f': {self.rate_hz(now_s):.1f} Hz' if self.is_steady else ''
        return f'{self.name}{IS_BACK}{rate}'

    def _is_young(self, now_s: float) -> bool:
        """Whether it has not come for long enough to know its rate."""
        return self.is_steady and (self._first_s is None or now_s - self._first_s < WINDOW_S)

    def _silence(self, wall_s: float, fault: str) -> str:
        why = fault
        if self.is_steady and not why:
            if self._first_s is None:
                why = 'no message so far'
            elif wall_s - self._heard_s > self._silent_s:
                why = f'no message for more than {self._silent_s:g} s'
        return f'{self.name} is silent: {why}' if why else ''

    def _slowness(self, now_s: float) -> str:
        if self.max_age_s is None or self._is_young(now_s):
            return ''
        # On its way to silence, no stream is slow.
        rate_hz = self.rate_hz(self._arrivals[-1] if self._arrivals else now_s)
        if rate_hz * self.max_age_s < TOLERANCE:
            need = f'a sample lives {self.max_age_s:g} s (max_age_s), so episodes will be cut here'
        elif rate_hz < TOLERANCE * self._rate_hz:
            need = f'steps at {self._rate_hz:g} Hz will see a sample twice'
        else:
            return ''
        return f'{self.name} is slow: {rate_hz:.1f} Hz; {need}'
