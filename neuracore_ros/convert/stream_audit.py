"""The audit of one declared stream in a recording, as a whole and name by name."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from neuracore_ros.dataset.metadata import StreamSummary
from neuracore_ros.durations import SECOND_NS
from neuracore_ros.observation.streams import ALIKE

# A joint that is published once does not move so far between two samples and right back [rad].
_JUMP = 0.1
_BACK = 0.2


@dataclass(slots=True)
class Alternation:
    """Positions of one name that jump away and come back, as those of two publishers do.

    Attributes:
        count: How often a sample was far from the one before it, and the next one was back.
        farthest: The largest such jump, in the slot's unit.
        before: The last two samples, the older first.
    """

    count: int = 0
    farthest: float = 0.0
    before: tuple[float, float] | None = None

    def note(self, value: float) -> None:
        """Take note of a sample."""
        first, second = self.before or (value, value)
        jump = abs(second - first)
        is_turn = abs(jump - math.tau) < _JUMP
        if jump > _JUMP and not is_turn and abs(value - first) < _BACK * jump:
            self.count += 1
            self.farthest = max(self.farthest, jump)
        self.before = second, value


@dataclass(slots=True)
class NameAudit:
    """The audit of one name of a stream, which may come less often than others of its topic.

    Attributes:
        samples: How many came.
        last_ns: Log time of the last of them, [ns]; None where there is none.
        duration_ns: From the first to the last, [ns]; over several bags the sum.
        longest_gap_ns: Between two of them, [ns].
        intervals: Pairs of neighbouring samples, for the rate.
        alternation: Of positions, whether they jump to and fro.
    """

    samples: int = 0
    last_ns: int | None = None
    duration_ns: int = 0
    longest_gap_ns: int = 0
    intervals: int = 0
    alternation: Alternation = field(default_factory=Alternation)

    @property
    def rate_hz(self) -> float:
        """Samples per second."""
        return self.intervals * SECOND_NS / self.duration_ns if self.duration_ns else 0.0

    def note(self, receive_ns: int) -> None:
        """Take note of a sample."""
        if self.last_ns is not None:
            gap_ns = receive_ns - self.last_ns
            self.intervals += 1
            self.duration_ns += gap_ns
            self.longest_gap_ns = max(self.longest_gap_ns, gap_ns)
        self.last_ns = receive_ns

    def add(self, other: NameAudit) -> None:
        """Add the same name of another recording."""
        self.samples += other.samples
        self.duration_ns += other.duration_ns
        self.intervals += other.intervals
        self.longest_gap_ns = max(self.longest_gap_ns, other.longest_gap_ns)


@dataclass(slots=True)
class StreamAudit:
    """The audit of one stream: what it brought, and what it cost.

    The attributes are those of :class:`StreamSummary`, and these.

    Attributes:
        first_ns: Log time of the first sample, [ns]; None where there is none.
        last_ns: Log time of the last one, [ns]; likewise.
        by_name: The audit of each name.
        ages_s: At every tick, of the oldest of the names, [s].
        ticks: Reason -> ticks at which some name had no usable value.
    """

    topic: str
    role: str
    names: tuple[str, ...]
    samples: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    by_name: dict[str, NameAudit] = field(default_factory=dict)
    ages_s: array[float] = field(default_factory=lambda: array('f'))
    drops: Counter[str] = field(default_factory=Counter)
    ticks: Counter[str] = field(default_factory=Counter)

    @property
    def rate_hz(self) -> float:
        """Samples per second of the name that came least often."""
        return min((each.rate_hz for each in self.by_name.values()), default=0.0)

    @property
    def slowest(self) -> str:
        """The name that came least often, where others came oftener; else ''."""
        rates = {name: each.rate_hz for name, each in self.by_name.items()}
        slow = min(rates, key=lambda name: rates[name], default='')
        return slow if slow and rates[slow] < ALIKE * max(rates.values()) else ''

    @property
    def longest_gap_ns(self) -> int:
        """Between two samples of one name, [ns]."""
        return max((each.longest_gap_ns for each in self.by_name.values()), default=0)

    def age_s(self, quantile: float) -> float | None:
        """Age at ticks, [s]; None where there was no tick."""
        if not self.ages_s:
            return None
        return float(np.quantile(np.frombuffer(self.ages_s, np.float32), quantile))

    def add(self, other: StreamAudit) -> None:
        """Add the same stream of another recording."""
        self.samples += other.samples
        for name, audit in other.by_name.items():
            self.by_name.setdefault(name, NameAudit()).add(audit)
        self.ages_s.extend(other.ages_s)
        self.drops.update(other.drops)
        self.ticks.update(other.ticks)

    def summary(self) -> StreamSummary:
        """The figures that are kept."""
        return StreamSummary(
            topic=self.topic,
            role=self.role,
            names=self.names,
            samples=self.samples,
            rate_hz=round(self.rate_hz, 3),
            slowest=self.slowest,
            age_s_p50=self.age_s(0.5),
            age_s_p95=self.age_s(0.95),
            age_s_max=self.age_s(1.0),
            longest_gap_s=self.longest_gap_ns / SECOND_NS,
            drops=dict(self.drops),
            ticks_dropped=dict(self.ticks),
        )
