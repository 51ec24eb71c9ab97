"""The audit of a recording: what became of its declared streams and its ticks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter

import numpy as np

from neuracore_ros.convert import observed_values
from neuracore_ros.convert.stream_audit import NameAudit, StreamAudit
from neuracore_ros.convert.ticks import Receiver
from neuracore_ros.dataset.metadata import StreamSummary
from neuracore_ros.description.recorded_values import RecordedValues
from neuracore_ros.durations import SECOND_NS
from neuracore_ros.observation import Observation, StreamFault, Unusable
from neuracore_ros.observation.streams import Stream
from neuracore_ros.wording import counts, text_table

# A stream that starts so much later than the first one shortens an episode noticeably; after one
# that ends so much earlier, commands hold.
LATE_NS = SECOND_NS
# Two publishers that take turns have one in two samples jump; others come in between.
_ALTERNATES = 0.2


@dataclass(slots=True)
class _Lack:
    """Names of one topic that had no usable value, all for one kind of reason.

    Attributes:
        key: DataType, topic and kind.
        ticks: At which at least one of them had none.
        texts: Name -> what was wrong with it, the last time.
        last: The name that failed last.
    """

    key: tuple[str, str, str]
    ticks: int = 0
    texts: dict[str, str] = field(default_factory=dict)
    last: str = ''

    def __str__(self) -> str:
        data_type, _, kind = self.key
        return f'{data_type} {_listed(list(self.texts))}: {kind}'

    def add(self, other: _Lack) -> None:
        """Count other ticks."""
        self.ticks += other.ticks
        self.texts |= other.texts
        self.last = other.last

    def sort(self, order: Mapping[str, int]) -> _Lack:
        """A copy with its names in this order."""
        texts = dict(sorted(self.texts.items(), key=lambda item: order[item[0]]))
        return replace(self, texts=texts)

    def text(self) -> str:
        """The last case, and the other names."""
        others = [name for name in self.texts if name != self.last]
        likewise = f'. Likewise: {_listed(others)}' if others else ''
        return f'{self.texts[self.last]}{likewise}'


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """The figures of an audit that are kept.

    The attributes are those of :class:`Audit`, its streams in short.
    """

    ticks: int
    unusable: int
    reasons: Counter[str]
    texts: Mapping[str, str]
    cut: Counter[str]
    streams: tuple[StreamSummary, ...]


class Audit:
    """Watches the two observers of one recording.

    Attributes:
        streams: One entry for each stream of the observers, inputs first.
        ticks: Ticks within episodes, since every stream had a sample.
        unusable: Ticks at which a value was missing.
        cut: Why a tick belongs to no episode -> ticks that were not observed.
        notes: At the end, what is odd about sound messages, a line each.
        values: What joints and grippers did at usable ticks; None: not kept.
    """

    def __init__(
        self, inputs: Receiver, outputs: Receiver, values: RecordedValues | None = None
    ) -> None:
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
        self.cut: Counter[str] = Counter()
        self._lacks: dict[tuple[str, str, str], _Lack] = {}
        self._skipped: Counter[str] = Counter()
        self._skip_texts: dict[str, str] = {}
        self.notes: tuple[str, ...] = ()
        self.values = values

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
                    if channel.source.is_position and channel.samples:
                        each.alternation.note(channel.samples[-1].value)

    def tick(
        self, tick_ns: int, given: Observation | Unusable, wanted: Observation | Unusable
    ) -> list[str]:
        """Note what a model reads and should command at a tick; say why it is unusable, if so."""
        self.ticks += 1
        for stream, audit in self._pairs:
            newest = [channel.newest(tick_ns) for channel in stream.channels]
            stamps = [sample.stamp_ns for sample in newest if sample]
            audit.ages_s.append((tick_ns - min(stamps)) / SECOND_NS if stamps else np.nan)
        unusable = [one for one in (given, wanted) if isinstance(one, Unusable)]
        faults = [fault for one in unusable for fault in one.reasons]
        if self.values is not None:
            observed_values.note(self.values, tick_ns, given, wanted)
        self.unusable += bool(faults)
        for stream, audit in self._pairs:
            kinds = {fault.kind for fault in faults if fault.source in stream.sources}
            audit.ticks.update(kinds)
        reasons = _reasons(faults)
        for lack in reasons.values():
            self._lacks.setdefault(lack.key, _Lack(lack.key)).add(lack)
        return list(reasons)

    def skip(self, ticks: int, reason: str, text: str) -> None:
        """Note ticks that are unusable without being observed."""
        self.ticks += ticks
        self.unusable += ticks
        self._skipped[reason] += ticks
        self._skip_texts.setdefault(reason, text)

    @property
    def reasons(self) -> Counter[str]:
        """``DataType name, ...: kind`` -> ticks; one tick may have several."""
        return Counter({str(lack): lack.ticks for lack in self._sorted()}) + self._skipped

    @property
    def texts(self) -> dict[str, str]:
        """Each of :attr:`reasons` -> its last case, which knows most, in one line with a cure."""
        return {str(lack): lack.text() for lack in self._sorted()} | self._skip_texts

    def _sorted(self) -> list[_Lack]:
        """The lacks, with names in the order of the robot file."""
        names = [name for stream in self.streams for name in stream.names]
        order = {name: place for place, name in reversed([*enumerate(names)])}
        return [lack.sort(order) for lack in self._lacks.values()]

    def finish(self) -> None:
        """Take over the counters of the streams at the end of the recording, and let them go."""
        for stream, audit in self._pairs:
            audit.drops = Counter(stream.drops)
        odd = [note for stream, _ in self._pairs for note in stream.notes()]
        self.notes = tuple(dict.fromkeys((*odd, *self._alternating())))
        self._pairs.clear()

    def _alternating(self) -> list[str]:
        """A line for each stream in which names come from two places, as it seems."""
        lines = []
        for stream in self.streams:
            found = {
                name: each.alternation
                for name, each in stream.by_name.items()
                if each.alternation.count > _ALTERNATES * each.samples
            }
            if found:
                name, worst = max(found.items(), key=lambda item: item[1].farthest)
                others = [other for other in found if other != name]
                likewise = f' (likewise {_listed(others)})' if others else ''
                lines.append(
                    f"{stream.topic}: '{name}' jumps by {worst.farthest:.3g} and back "
                    f'{worst.count} times{likewise}: do two programs publish it?'
                )
        return lines

    def empty(self, now_ns: int) -> list[tuple[str, str]]:
        """Names that never had a sample: their topic, and why in one line."""
        lacks = [
            (stream.topic, getattr(channel.at(now_ns), 'text', ''))
            for stream, _ in self._pairs
            for channel in stream.channels
            if channel.newest(now_ns) is None
        ]
        # What is read and commanded alike lacks once.
        return list(dict.fromkeys(lacks))

    def summary(self) -> AuditSummary:
        """The figures that are kept."""
        return AuditSummary(
            ticks=self.ticks,
            unusable=self.unusable,
            reasons=self.reasons,
            texts=self.texts,
            cut=Counter(self.cut),
            streams=tuple(stream.summary() for stream in self.streams),
        )

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
    return text_table(rows)


def _seconds(value: float | None) -> str:
    return '-' if value is None else f'{value:.3f} s'


def _reasons(faults: Sequence[StreamFault]) -> dict[str, _Lack]:
    """The reasons why one tick is unusable; joints that fail in the same way are one."""
    together: dict[tuple[str, str, str], _Lack] = {}
    for fault in faults:
        source = fault.source
        key = source.data_type, source.topic, fault.kind
        lack = together.setdefault(key, _Lack(key, 1, last=source.name))
        # A stream may be input and output; its names count once.
        lack.texts.setdefault(source.name, fault.text)
    return {str(lack): lack for lack in together.values()}


def _listed(names: Sequence[str]) -> str:
    few = 3
    return ', '.join(names) if len(names) <= few else f'{names[0]} .. {names[-1]} ({len(names)})'
