"""Streams and their names: which stamps count, what is counted, when a sample is stale."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from neuracore_ros.description import Source
from neuracore_ros.durations import SECOND_NS, span, time_ns
from neuracore_ros.observation import faults
from neuracore_ros.observation.faults import FaultKind, Refusal, StreamFault
from neuracore_ros.observation.samples import Pace, Sample

# Clocks of several computers differ by milliseconds; a tenth of a second is no clock error any
# more, but still less than the age at which numbers are stale.
AHEAD_NS = SECOND_NS // 10
# Bags hold late messages, but none by a day: uptime and simulated clocks are years away.
BEHIND_NS = 24 * 3600 * SECOND_NS

# Samples kept per name, so that a tick slightly before the newest arrival has its own.
HISTORY = 16
ALIKE = 0.8
"""Names whose rates differ by less come in the same messages, or might as well."""


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """State of one stream.

    Attributes:
        topic: As declared.
        names: The names that it serves, as in the robot file.
        samples: Messages that brought something new to any of the names, so far.
        rate_hz: Samples per second, lately, of the name that comes least often.
        slowest: That name, where others come more often; else ''.
        age_s: Age of the oldest of the names' newest samples [s]; None until each has one.
        stale: A name whose newest sample is older than its ``max_age_s``, in one line; else ''.
        slow: A name that comes too seldom for its ``max_age_s``, with what to do; else ''.
        drops: FaultKind -> messages refused for it, wholly or in part, so far.
        problem: The last refusal in one line, if it is newer than the last sample; else ''.
    """

    topic: str
    names: tuple[str, ...]
    samples: int
    rate_hz: float
    slowest: str
    age_s: float | None
    stale: str
    slow: str
    drops: dict[FaultKind, int]
    problem: str


class Stream:
    """Messages of one topic, read in one way, for one or more names.

    Attributes:
        clock_cure: What mends stamps that lie days or years off, where that is known; it replaces
            `advice` in messages.

    Messages are offered in the order of their arrival. Subclasses say what to take from one.
    """

    ahead_ns = AHEAD_NS
    behind_ns = BEHIND_NS

    def __init__(self, sources: Sequence[Source]):
        first = sources[0]
        self.topic = first.topic
        self.sources = tuple(sources)
        self.samples = 0
        self.drops: Counter[FaultKind] = Counter()
        self.names_received: dict[str, None] = {}  # in messages, in this order
        self.refusal: Refusal | None = None
        self.channels: tuple[Channel, ...] = ()
        self.clock_cure = ''
        self._trusts_header = first.stamp == 'header'
        self._newest_ns = 0  # arrival of the last message that brought anything

    def offer(self, message: Any, receive_ns: int) -> None:
        """Take what is new in a message; count what is wrong with it. Never raises."""
        try:
            stamp_ns = self._stamp_ns(message, receive_ns)
            if stamp_ns is not None and self._take(message, stamp_ns, receive_ns):
                self.samples += 1
                self._newest_ns = receive_ns
        # A message is whatever the wire or a bag brought; nothing in it may stop a robot's node.
        except Exception as error:
            self.refuse('malformed', receive_ns, f'message not understood ({error!r:.120})')

    def refuse(self, kind: FaultKind, receive_ns: int, text: str) -> None:
        """Count a message that gave no sample, and remember why."""
        self.drops[kind] += 1
        self.refusal = Refusal(receive_ns, kind, text)

    def clear(self) -> None:
        """Forget all samples; the counters stay."""
        self.refusal = None
        self._newest_ns = 0
        for channel in self.channels:
            channel.clear()

    def status(self, now_ns: int) -> StreamStatus:
        """Describe the stream for diagnostics and audits."""
        newest = [(channel, channel.newest(now_ns)) for channel in self.channels]
        stamps = [sample.stamp_ns for _, sample in newest if sample]
        complete = len(stamps) == len(newest)
        rates = {c.source.message_name: c.pace.rate_hz(now_ns) for c in self.channels}
        slowest = min(rates, key=lambda name: rates[name])
        return StreamStatus(
            topic=self.topic,
            names=tuple(source.name for source in self.sources),
            samples=self.samples,
            rate_hz=rates[slowest],
            slowest=slowest if rates[slowest] < ALIKE * max(rates.values()) else '',
            age_s=(now_ns - min(stamps)) / SECOND_NS if complete else None,
            stale=self._stale(newest, now_ns),
            slow=faults.first_of([c.slowness() for c in self.channels]),
            drops=dict(self.drops),
            problem=self._problem(),
        )

    def notes(self) -> tuple[str, ...]:
        """Write what is odd about its messages, though each of them is sound; a line each."""
        return ()

    def advice(self) -> str:
        """Write what to do where header stamps come from another clock."""
        return faults.other_clock(self.sources)

    def _take(self, message: Any, stamp_ns: int, receive_ns: int) -> bool:
        """Take what is new; whether anything was."""
        raise NotImplementedError

    def _stamp_ns(self, message: Any, receive_ns: int) -> int | None:
        """Header stamp, or time of arrival where it is zero or not trusted; None: refused."""
        if not self._trusts_header:
            return receive_ns
        stamp_ns = time_ns(message.header.stamp)
        if stamp_ns == 0:
            return receive_ns
        ahead_ns = stamp_ns - receive_ns
        if -self.behind_ns <= ahead_ns <= self.ahead_ns:
            return stamp_ns
        side = 'after' if ahead_ns > 0 else 'before'
        cure = self.clock_cure if abs(ahead_ns) > BEHIND_NS else ''
        self.refuse(
            'future' if 0 < ahead_ns <= BEHIND_NS else 'clock',
            receive_ns,
            f'header stamps lie {span(abs(ahead_ns))} {side} the arrival: {cure or self.advice()}',
        )
        return None

    def _stale(self, newest: Sequence[tuple['Channel', Sample | None]], now_ns: int) -> str:
        return faults.first_of(
            [
                channel.old(sample, now_ns)
                for channel, sample in newest
                if sample is not None and channel.is_stale(sample, now_ns)
            ]
        )

    def _problem(self) -> str:
        """Return the last refusal that no sample came after: of the stream, or of a name."""
        found: list[tuple[Refusal, str]] = []
        if self.refusal and self.refusal.receive_ns >= self._newest_ns:
            found.append((self.refusal, ''))
        for channel in self.channels:
            refusal, samples = channel.refusal, channel.samples
            if refusal and (not samples or refusal.receive_ns >= samples[-1].receive_ns):
                found.append((refusal, f'{channel.label}: '))
        if not found:
            return ''
        refusal, label = max(found, key=lambda pair: pair[0].receive_ns)
        return f'{label}{refusal.text}'


class Channel:
    """Name of a stream: its newest samples, and what is wrong when there is none.

    Attributes:
        pace: How often its samples come.
        stamp_ns: Of the newest sample; None where there is none.
    """

    __slots__ = (
        '_lack',
        '_max_age_ns',
        'key',
        'pace',
        'refusal',
        'samples',
        'source',
        'stamp_ns',
        'stream',
    )

    def __init__(self, stream: Stream, source: Source, history: int = HISTORY):
        self.stream = stream
        self.source = source
        self.key = (source.data_type, source.name)
        self.refusal: Refusal | None = None
        self.samples: deque[Sample] = deque(maxlen=history)
        self.pace = Pace()
        self.stamp_ns: int | None = None
        age_s = source.max_age_s
        self._lack = (0, '')  # the count of names when the text was made
        self._max_age_ns = None if age_s is None else round(age_s * SECOND_NS)

    def is_newer(self, stamp_ns: int, receive_ns: int) -> bool:
        """Whether a sample with this stamp would be new.

        A repeated header stamp is no new sample. Among messages that are stamped by their
        arrival, in one instant of a simulated clock say, the last one counts.
        """
        newest_ns = self.stamp_ns
        return newest_ns is None or stamp_ns > newest_ns or stamp_ns == newest_ns == receive_ns

    def keep(self, sample: Sample) -> None:
        """Make this the newest sample."""
        self.samples.append(sample)
        self.stamp_ns = sample.stamp_ns
        self.pace.note(sample.receive_ns)

    def refuse(self, kind: FaultKind, receive_ns: int, text: str) -> FaultKind:
        """Remember why a message gave this name no sample."""
        self.refusal = Refusal(receive_ns, kind, text)
        return kind

    def refuse_old(self, stamp_ns: int, receive_ns: int) -> FaultKind:
        """Remember that a message had a stamp that is not new."""
        if stamp_ns == self.stamp_ns:
            return self.refuse('repeated', receive_ns, 'messages repeat its stamp')
        text = 'messages have older stamps (was a clock set back?)'
        return self.refuse('older', receive_ns, text)

    def clear(self) -> None:
        """Forget all samples."""
        self.samples.clear()
        self.pace.clear()
        self.stamp_ns = None
        self.refusal = None

    def newest(self, tick_ns: int) -> Sample | None:
        """Return the newest of the samples that arrived at or before the tick."""
        sample: Sample
        for sample in reversed(self.samples):
            if sample.receive_ns <= tick_ns:
                return sample
        return None

    def at(self, tick_ns: int) -> Sample | StreamFault:
        """Return the newest sample that arrived by the tick, or why it cannot be used."""
        sample = self.newest(tick_ns)
        if sample is None:
            return self._missing()
        return self._stale(sample, tick_ns) if self.is_stale(sample, tick_ns) else sample

    def is_stale(self, sample: Sample, tick_ns: int) -> bool:
        """Whether a sample is older than ``max_age_s`` at the tick."""
        return self._max_age_ns is not None and tick_ns - sample.stamp_ns > self._max_age_ns

    def old(self, sample: Sample, tick_ns: int) -> str:
        """Write how old a sample is, and how old it may be."""
        return faults.old(self.source, tick_ns - sample.stamp_ns)

    def slowness(self) -> str:
        """Write that the name comes too seldom to be fresh between two samples, if so."""
        gap_s, most_s = self.pace.usual_gap_s(), self.source.max_age_s
        if most_s is None or gap_s <= most_s:
            return ''
        return (
            f'{self.label} comes at {1.0 / gap_s:.3g} Hz, and a sample lives {most_s:g} s '
            f'(max_age_s): {faults.faster(self.source, gap_s)}'
        )

    def fault(self, kind: FaultKind, text: str) -> StreamFault:
        """Make a fault of this name."""
        return StreamFault(self.source, kind, f'{self.source.topic}: {text}')

    @property
    def label(self) -> str:
        """The name and the slot that it fills."""
        return faults.label(self.source)

    def _last_refusal(self) -> Refusal | None:
        both = [refusal for refusal in (self.refusal, self.stream.refusal) if refusal]
        return max(both, key=lambda refusal: refusal.receive_ns, default=None)

    def _missing(self) -> StreamFault:
        topic, refused = self.source.topic, self.stream.refusal
        if self.refusal is not None:
            return self.fault(self.refusal.kind, f'{self.label}: {self.refusal.text}')
        names = list(self.stream.names_received)
        if not names or self.source.message_name in names:
            text = f'{topic}: {self.label} has no sample yet'
        else:
            # Looking for similar names takes longer than a tick may, and they seldom change.
            if self._lack[0] != len(names):
                self._lack = len(names), faults.lacking(self.source, names)
            text = self._lack[1]
        # A message that was refused as a whole was never searched for its names.
        if refused is not None:
            return StreamFault(self.source, refused.kind, f'{text}. Refused: {refused.text}')
        return StreamFault(self.source, 'missing', text)

    def _stale(self, sample: Sample, tick_ns: int) -> StreamFault:
        old = self.old(sample, tick_ns)
        refusal = self._last_refusal()
        if refusal is not None and refusal.receive_ns >= sample.receive_ns:
            # An unchanged or older stamp is itself a form of staleness; the rest has its name.
            kind = 'stale' if refusal.kind in {'repeated', 'older'} else refusal.kind
            return self.fault(kind, f'{old}. Since then: {refusal.text}')
        late_ns = sample.receive_ns - sample.stamp_ns
        if self._max_age_ns is not None and late_ns > self._max_age_ns:
            advice = self.stream.advice()
            return self.fault('stale', f'{old}. It arrived {span(late_ns)} late: {advice}')
        if self.slowness():
            gap_s = self.pace.usual_gap_s()
            cure = faults.faster(self.source, gap_s)
            return self.fault('stale', f'{old}. It comes at {1.0 / gap_s:.3g} Hz: {cure}')
        return self.fault('stale', old)
