"""When to look: soon after images have arrived, so that what the model sees is fresh."""

from __future__ import annotations

from collections import deque

# Ticks that are looked at before the timer is moved.
_TICKS = 8
# Arrivals shake by a millisecond or so; a tick before its image would see the one before.
_MARGIN_S = 0.002
_SLACK_S = 0.001
# Steps stay as long as in training, within a few percent.
_LARGEST_SHARE = 0.05


class Phase:
    """How the ticks of a timer lie behind the arrivals of images.

    A camera at 30 Hz and a policy at 10 Hz, each with a clock of its own, keep their distance
    for minutes: every image may be 30 ms old when it is looked at, or none. Ticks are moved
    towards the arrivals, a little at a time. Where the rates do not divide, some tick is always
    close to an arrival, and nothing is moved.
    """

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._newest_s: float | None = None
        self._waits_s: deque[float] = deque(maxlen=_TICKS)

    def arrived(self, now_s: float) -> None:
        """Note that an image has arrived."""
        self._newest_s = now_s

    def tick(self, now_s: float) -> float:
        """Note a tick.

        Returns:
            By how much the ticks after the next one should come earlier [s]; below 0: later.
        """
        if self._newest_s is None:
            return 0.0
        self._waits_s.append(now_s - self._newest_s)
        if len(self._waits_s) < _TICKS:
            return 0.0
        most_s = _LARGEST_SHARE * self._period_s
        shift_s = min(self._waits_s) - _MARGIN_S
        if abs(shift_s) <= _SLACK_S:
            return 0.0
        # Where the image came is to be seen anew.
        self._waits_s.clear()
        return max(-most_s, min(shift_s, most_s))
