"""What became of every declared stream and every tick of a recording."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

import numpy as np

from neuracore_ros.dataset.stream_summary import StreamSummary
from neuracore_ros.observation import Observation, Observer, StreamFault, Unusable
from neuracore_ros.observation.streams import ALIKE, SECOND_NS, Stream

# A stream that starts so much later than the first one shortens an episode noticeably; after one
# that ends so much earlier, commands hold.
LATE_NS = SECOND_NS


@dataclass(slots=True)
class NameAudit:
    """One name of a stream, which may come less often than others of its topic.

    Attributes:
        samples: How many came.
        last_ns: Log time of the last of them, [ns]; None where there is none.
        duration_ns: From the first to the last, [ns]; over several bags the sum.
        longest_gap_ns: Between two of them, [ns].
        intervals: Pairs of neighbouring samples, for the rate.
    """

    samples: int = 0
    last_ns: int | None = None
    duration_ns: int = 0
    longest_gap_ns: int = 0
    intervals: int = 0

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
    """One stream: what it brought, and what it cost.

    Attributes:
        topic: As declared.
        role: ``input`` or ``output``.
        names: The names that it serves.
        samples: Messages that brought something new.
        first_ns: Log time of the first of them, [ns]; None where there is none.
        last_ns: Log time of the last of them, [ns]; None where there is none.
        by_name: Each name by itself.
        ages_s: At every tick, of the oldest of the names, [s].
        drops: Reason -> messages that were refused for it, wholly or in part.
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


class Audit:
    """Watches the two observers of one recording.

    Attributes:
        streams: One entry for each stream of the observers, inputs first.
        ticks: Ticks within episodes, since every stream had a sample.
        unusable: Ticks at which a value was missing.
        reasons: ``DataType name, ...: kind`` -> ticks; one tick may have several.
        cut: Why a tick belongs to no episode -> ticks that were not looked at.
        texts: The same reasons -> the last case, which knows most, in one line with a cure.
        notes: At the end, what is odd about sound messages, a line each.
    """

    def __init__(self, inputs: Observer, outputs: Observer) -> None:
        self._pairs: list[tuple[Stream, StreamAudit]] = []
        for role, observer in (('input', inputs), ('output', outputs)):
            for stream in observer.streams:
                names = tuple(source.name for source in stream.sources)
                by_name = {name: NameAudit() for name in names}
                audit = StreamAudit(stream.topic, role, names, by_name=by_name)
                self._pairs.append((stream, audit))
        self.streams = [audit for _, audit in self._pairs]
        self.ticks = 0
        self.unusable = 0
        self.reasons: Counter[str] = Counter()
        self.cut: Counter[str] = Counter()
        self.texts: dict[str, str] = {}
        self.notes: tuple[str, ...] = ()

    def received(self, topic: str, receive_ns: int) -> None:
        """Note what a message brought that the observers were just given."""
        for stream, audit in self._pairs:
            if stream.topic != topic or stream.samples == audit.samples:
                continue
            audit.samples, audit.last_ns = stream.samples, receive_ns
            if audit.first_ns is None:
                audit.first_ns = receive_ns
            for channel in stream.channels:
                each = audit.by_name[channel.source.name]
                if each.samples != channel.pace.count:
                    each.samples = channel.pace.count
                    each.note(receive_ns)

    def tick(self, tick_ns: int, *seen: Observation | Unusable) -> list[str]:
        """Note one tick.

        Returns:
            Why it is unusable; empty if it is not.
        """
        self.ticks += 1
        for stream, audit in self._pairs:
            newest = [channel.newest(tick_ns) for channel in stream.channels]
            stamps = [sample.stamp_ns for sample in newest if sample]
            audit.ages_s.append((tick_ns - min(stamps)) / SECOND_NS if stamps else np.nan)
        faults = [fault for one in seen if isinstance(one, Unusable) for fault in one.reasons]
        self.unusable += bool(faults)
        for stream, audit in self._pairs:
            kinds = {fault.kind for fault in faults if fault.source in stream.sources}
            audit.ticks.update(kinds)
        reasons = _reasons(faults)
        self.reasons.update(reasons.keys())
        self.texts |= reasons
        return list(reasons)

    def skip(self, ticks: int, reason: str, text: str) -> None:
        """Note ticks that are unusable without a look."""
        self.ticks += ticks
        self.unusable += ticks
        self.reasons[reason] += ticks
        self.texts.setdefault(reason, text)

    def finish(self) -> None:
        """Take over the counters of the streams at the end of the recording, and let them go."""
        for stream, audit in self._pairs:
            audit.drops = Counter(stream.drops)
        notes = [note for stream, _ in self._pairs for note in stream.notes()]
        self.notes = tuple(dict.fromkeys(notes))
        self._pairs.clear()

    def empty(self, now_ns: int) -> list[tuple[str, str]]:
        """Names that never had a sample: their topic, and why in one line."""
        return [
            (stream.topic, getattr(channel.at(now_ns), 'text', ''))
            for stream, _ in self._pairs
            for channel in stream.channels
            if channel.newest(now_ns) is None
        ]

    def late(self) -> list[str]:
        """A line for each stream that starts well after the first one."""
        starts = [(s.first_ns, s) for s in self.streams if s.first_ns is not None]
        first_ns, first = min(starts, key=itemgetter(0), default=(0, None))
        return [
            f'{s.topic} ({s.role}) starts {(start_ns - first_ns) / SECOND_NS:.1f} s after '
            f'{first.topic}'
            for start_ns, s in starts
            if first and start_ns - first_ns >= LATE_NS
        ]

    def early(self) -> list[str]:
        """A line for each stream that ends well before the last one; a single message may."""
        ends = [(s.last_ns, s) for s in self.streams if s.last_ns is not None]
        last_ns, last = max(ends, key=itemgetter(0), default=(0, None))
        return [
            f'{s.topic} ({s.role}) ends {(last_ns - end_ns) / SECOND_NS:.1f} s before {last.topic}'
            for end_ns, s in ends
            if last and last_ns - end_ns >= LATE_NS and s.samples > 1
        ]


def combined(audits: Iterable[Audit]) -> list[StreamAudit]:
    """The streams of several recordings of one robot."""
    total: list[StreamAudit] = []
    for audit in audits:
        total = total or [StreamAudit(s.topic, s.role, s.names) for s in audit.streams]
        for one, other in zip(total, audit.streams, strict=True):
            one.add(other)
    return total


def table(streams: Sequence[StreamAudit]) -> str:
    """The streams as aligned text."""
    head = ('stream', 'role', 'samples', 'Hz', 'age p50', 'p95', 'max', 'longest gap')
    rows: list[tuple[str, ...]] = [(*head, 'messages refused', 'ticks dropped')]
    for stream in streams:
        ages = (stream.age_s(quantile) for quantile in (0.5, 0.95, 1.0))
        rows.append(
            (
                stream.topic,
                stream.role,
                str(stream.samples),
                f'{stream.rate_hz:.1f}{f" ({stream.slowest})" if stream.slowest else ""}',
                *(_seconds(age) for age in ages),
                _seconds(stream.longest_gap_ns / SECOND_NS),
                counts(stream.drops),
                counts(stream.ticks),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return '\n'.join(
        '  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def counts(counter: Counter[str]) -> str:
    """``stale 12, future 3``, the most frequent first."""
    return ', '.join(f'{reason} {count}' for reason, count in counter.most_common()) or '-'


def _seconds(value: float | None) -> str:
    return '-' if value is None else f'{value:.3f} s'


def _reasons(faults: Sequence[StreamFault]) -> dict[str, str]:
    """What is wrong -> the first case of it; joints that fail together are one reason."""
    together: dict[tuple[str, str, str], dict[str, str]] = {}
    for fault in faults:
        source = fault.source
        key = source.data_type, source.topic, fault.kind
        # A stream may be input and output; its names count once.
        together.setdefault(key, {}).setdefault(source.name, fault.text)
    return {
        f'{data_type} {_listed(list(names))}: {kind}': next(iter(names.values()))
        for (data_type, _, kind), names in together.items()
    }


def _listed(names: Sequence[str]) -> str:
    few = 3
    return ', '.join(names) if len(names) <= few else f'{names[0]} .. {names[-1]} ({len(names)})'
