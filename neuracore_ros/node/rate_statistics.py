"""Statistics of steps and predictions, for /diagnostics and for a summary at the end."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable

from neuracore_ros.errors import without_numbers
from neuracore_ros.observation.streams import StreamStatus
from neuracore_ros.policy.remote.server_link import RoundTrip
from neuracore_ros.runner import Counters, State

_WINDOW = 100
_MOST_REASONS = 5
# A longer gap between two steps is a simulated clock that was set.
_LONGEST_GAP_NS = 60 * 1_000_000_000


class RateStatistics:
    """Statistics while the node is active.

    Attributes:
        predictions: Answers of the model, failures included.
        worst_gap_s: Longest time between two steps [s].
        network_ms: Of the latency of each of the newest predictions, what was not spent at the
            server that made it; empty where there is none, or where it does not tell.
    """

    def __init__(self, rate_hz: float) -> None:
        self._wanted_hz = rate_hz
        self._newest: deque[int] = deque(maxlen=_WINDOW)
        self._steps = 0
        self._active_ns = 0
        self._held: Counter[str] = Counter()
        self._examples: dict[str, str] = {}
        self._oldest_s: dict[str, float] = {}
        self._was = State.DISABLED
        self.predictions = 0
        self.worst_gap_s = 0.0
        self.network_ms: deque[float] = deque(maxlen=_WINDOW)

    @property
    def rate_hz(self) -> float:
        """Steps a second, over the newest hundred; 0 before the second."""
        if len(self._newest) < 2 or self._newest[-1] <= self._newest[0]:
            return 0.0
        return (len(self._newest) - 1) * 1e9 / (self._newest[-1] - self._newest[0])

    def start(self) -> None:
        """Begin anew after a pause, which is no gap."""
        self._newest.clear()

    def step(self, now_ns: int, used: Iterable[StreamStatus]) -> None:
        """Note one step.

        Args:
            now_ns: Now, on a steady clock, or in simulated time.
            used: The streams that the robot moves by.
        """
        if self._newest:
            gap_ns = now_ns - self._newest[-1]
            if 0 <= gap_ns <= _LONGEST_GAP_NS:
                self.worst_gap_s = max(self.worst_gap_s, gap_ns / 1e9)
                self._active_ns += gap_ns
                self._steps += 1
            else:
                self._newest.clear()
        self._newest.append(now_ns)
        for stream in used:
            oldest_s = self._oldest_s.get(stream.topic, 0.0)
            self._oldest_s[stream.topic] = max(oldest_s, stream.age_s or 0.0)

    def answered(self, trip: RoundTrip) -> None:
        """Note the time of a prediction that a server made."""
        if not math.isnan(trip.network_s):
            self.network_ms.append(1e3 * trip.network_s)

    def state(self, state: State, reason: str) -> None:
        """Note the state; a reason counts when the robot is first held for it."""
        if state is State.HOLDING is not self._was:
            kind = without_numbers(reason)
            self._held[kind] += 1
            self._examples.setdefault(kind, reason)
        self._was = state

    def report(self, counters: Counters) -> str:
        """One line about everything since configure; empty if it was never active."""
        if not self._steps:
            return ''
        active_s = self._active_ns / 1e9
        words = [
            f'active for {active_s:.1f} s: {self._steps / max(active_s, 1e-9):.2f} of '
            f'{self._wanted_hz:g} steps a second, longest gap {self.worst_gap_s:.3f} s',
            f'{self.predictions} predictions',
        ]
        if self.predictions:
            words[-1] += (
                f' in {counters.latency_ms(50):.0f} ms (p50), {counters.latency_ms(99):.0f} ms '
                f'(p99), {counters.late} late'
            )
        if counters.seams_rad:
            words.append(
                f'seams of {counters.seam_rad(50):.4f} rad (p50), '
                f'{counters.seam_rad(99):.4f} rad (p99)'
            )
        words += [f'held {counters.holds} times{self._reasons()}', f'{counters.clamps} clamps']
        if self._oldest_s:
            ages = ', '.join(f'{topic} {age:.3f} s' for topic, age in self._oldest_s.items())
            words.append(f'oldest input while running: {ages}')
        return '; '.join(words)

    def _reasons(self) -> str:
        most = self._held.most_common(_MOST_REASONS)
        if not most:
            return ''
        said = ', '.join(f'{count} x {self._examples[kind]}' for kind, count in most)
        others = len(self._held) - len(most)
        return f' ({said}{f", and {others} other reasons" if others else ""})'
