"""Samples of one name, and how often they come."""

from __future__ import annotations

from collections import deque
from itertools import islice, pairwise
from typing import Any, NamedTuple

from neuracore_ros.durations import SECOND_NS

_WINDOW_NS = 2 * SECOND_NS
# So many gaps tell what is usual; a single one may be a stumble.
_GAPS, _LEAST_GAPS = 15, 2


class Sample(NamedTuple):
    """Value of one name.

    Attributes:
        stamp_ns: When it was measured, by its header or its arrival.
        receive_ns: When it arrived.
        value: A number in the slot's unit and sense, or an image.
    """

    stamp_ns: int
    receive_ns: int
    value: Any


class Pace:
    """Arrivals of one name's samples.

    Names of one topic may come at different rates, as where an arm's and a gripper's driver
    share ``/joint_states``; so each has a pace of its own.

    Attributes:
        count: Samples so far.
    """

    __slots__ = ('_arrivals', 'count')

    def __init__(self) -> None:
        self.count = 0
        self._arrivals: deque[int] = deque(maxlen=128)

    def note(self, receive_ns: int) -> None:
        """Note the arrival of a sample."""
        self.count += 1
        self._arrivals.append(receive_ns)

    def clear(self) -> None:
        """Forget when samples came; the count stays."""
        self._arrivals.clear()

    def rate_hz(self, now_ns: int) -> float:
        """Count samples a second: of the last two seconds, or from the last two samples."""
        recent = [arrival for arrival in self._arrivals if arrival > now_ns - _WINDOW_NS]
        if len(recent) < 2:
            recent = [*islice(reversed(self._arrivals), 2)][::-1]
            # A name that has not come for twice as long has stopped.
            if len(recent) < 2 or now_ns - recent[-1] > 2 * (recent[-1] - recent[0]):
                return 0.0
        passed_ns = recent[-1] - recent[0]
        return (len(recent) - 1) * SECOND_NS / passed_ns if passed_ns > 0 else 0.0

    def usual_gap_s(self) -> float:
        """Return the median of the newest gaps between samples [s]; 0 where too few are known."""
        newest = islice(reversed(self._arrivals), _GAPS + 1)
        gaps_ns = sorted(after - before for after, before in pairwise(newest))
        if len(gaps_ns) < _LEAST_GAPS:
            return 0.0
        return gaps_ns[len(gaps_ns) // 2] / SECOND_NS
