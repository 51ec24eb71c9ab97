"""The way of a human who commands a robot, by the stamps of the samples that tell it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from neuracore_ros.arrays import Array
from neuracore_ros.description import DataType
from neuracore_ros.kinematics.interpolation import between, distance

_PERIODS = 1.2
"""A stream's newest sample is hardly ever older than so many of its periods, and its latency."""

_LONGEST_PERIOD_S = 0.3

_REMEMBERED = 8
"""Ages of the newest samples."""

_KEPT_NS = 1_500_000_000
"""More than any delay: a stream that is read at all has no older samples."""

_ROUNDING_NS = 1000


@dataclass(frozen=True, slots=True)
class _Sample:
    """Value that a human commanded, a number or a pose (7,), and when."""

    stamp_ns: int
    value: Array


class HumanWay:
    """Places on a human's way, at times that lie a little back.

    Samples come at times of their own. Followed as they come, they would make a robot go now
    faster, now slower than the human. On the way between them it can be followed in even steps,
    somewhat more than a period of the stream ago.

    Attributes:
        delay_ns: How far back the way is followed [ns]; None: not known yet, see :meth:`pace`.
    """

    def __init__(self, most: float) -> None:
        """Start without samples.

        Args:
            most: Two samples that are further apart are a jump, and no way [rad], [m].
        """
        self.delay_ns: int | None = None
        self._most = most
        self._ages_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._samples: dict[tuple[DataType, str], deque[_Sample]] = {}

    def note_age(self, age_s: float) -> None:
        """Take note of how old the newest samples were when they were read [s]."""
        self._ages_s.append(age_s)

    @property
    def is_late(self) -> bool:
        """True if all samples of late were older than the place that is followed."""
        if self.delay_ns is None or len(self._ages_s) < _REMEMBERED:
            return False
        return 1e9 * min(self._ages_s) > self.delay_ns

    def pace(self, slowest_hz: float) -> int:
        """Choose the delay by the rate of the slowest stream, 0 if that is unknown; returns it."""
        longest_s = _PERIODS / slowest_hz if slowest_hz else _LONGEST_PERIOD_S
        latency_s = min(self._ages_s, default=0.0)
        self.delay_ns = round(1e9 * (latency_s + min(longest_s, _LONGEST_PERIOD_S)))
        return self.delay_ns

    def add(self, slot: tuple[DataType, str], stamp_ns: int, value: Array) -> None:
        """Add a sample of a slot, unless it is known already."""
        known = self._samples.setdefault(slot, deque())
        if not known or stamp_ns > known[-1].stamp_ns + _ROUNDING_NS:
            known.append(_Sample(stamp_ns, value))
        while known[0].stamp_ns < stamp_ns - _KEPT_NS:
            known.popleft()

    def at(self, slot: tuple[DataType, str], time_ns: int) -> Array:
        """Return where the human was at a time, of a slot that has a sample."""
        samples = self._samples[slot]
        for after, before in pairwise(reversed(samples)):
            if before.stamp_ns < time_ns < after.stamp_ns:
                share = (time_ns - before.stamp_ns) / (after.stamp_ns - before.stamp_ns)
                if np.ndim(after.value):
                    if max(distance(before.value, after.value)) <= self._most:
                        return between(before.value, after.value, share)
                elif abs(after.value - before.value) <= self._most:
                    return np.asarray(before.value + share * (after.value - before.value))
                return after.value
            if time_ns >= after.stamp_ns:
                break
        there = next((each for each in samples if each.stamp_ns >= time_ns), samples[-1])
        return there.value

    def clear(self) -> None:
        """Drop all samples, and what is known of their pace."""
        self._samples.clear()
        self._ages_s.clear()
        self.delay_ns = None
