"""What every stream shares: which stamps count, what is counted, and when a sample is stale."""

import difflib
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from neuracore_ros.description import Source
from neuracore_ros.errors import meant
from neuracore_ros.observation.samples import Kind, Refusal, Sample, StreamFault

SECOND_NS = 1_000_000_000

# Clocks of several computers differ by milliseconds; a tenth of a second is no clock error any
# more, but still less than the age at which numbers are stale.
AHEAD_NS = SECOND_NS // 10
# Bags hold late messages, but none by a day: uptime and simulated clocks are years away.
BEHIND_NS = 24 * 3600 * SECOND_NS

# Samples kept per name, so that a tick slightly before the newest arrival has its own.
HISTORY = 16
_RATE_WINDOW_NS = 2 * SECOND_NS


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """The state of one stream.

    Attributes:
        topic: As declared.
        names: The names that it serves, as in the robot file.
        samples: Messages that brought something new to any of the names, so far.
        rate_hz: Such messages per second over the last two seconds.
        age_s: Age of the oldest of the names' newest samples [s]; None until each has one.
        drops: Kind -> messages refused for it, wholly or in part, so far.
        problem: The last refusal in one line, if it is newer than the last sample; else ''.
    """

    topic: str
    names: tuple[str, ...]
    samples: int
    rate_hz: float
    age_s: float | None
    drops: dict[Kind, int]
    problem: str


class Stream:
    """Messages of one topic, read in one way, for one or more names.

    Messages are offered in the order of their arrival. Subclasses say what to take from one.
    """

    ahead_ns = AHEAD_NS
    behind_ns = BEHIND_NS

    def __init__(self, sources: Sequence[Source]):
        first = sources[0]
        self.topic = first.topic
        self.sources = tuple(sources)
        self.samples = 0
        self.drops: Counter[Kind] = Counter()
        self.seen: dict[str, None] = {}  # names that messages had, in the order of appearance
        self.refusal: Refusal | None = None
        self.channels: tuple[Channel, ...] = ()
        self._trusts_header = first.stamp == 'header'
        self._arrivals: deque[int] = deque(maxlen=128)

    def offer(self, message: Any, receive_ns: int) -> None:
        """Take what is new in a message; count what is wrong with it. Never raises."""
        try:
            stamp_ns = self._stamp_ns(message, receive_ns)
            if stamp_ns is not None and self._take(message, stamp_ns, receive_ns):
                self.samples += 1
                self._arrivals.append(receive_ns)
        # A message is whatever the wire or a bag brought; nothing in it may stop a robot's node.
        except Exception as error:
            self.refuse('malformed', receive_ns, f'message not understood ({error!r:.120})')

    def refuse(self, kind: Kind, receive_ns: int, text: str) -> None:
        """Count a message that gave no sample, and remember why."""
        self.drops[kind] += 1
        self.refusal = Refusal(receive_ns, kind, text)

    def clear(self) -> None:
        """Forget all samples; the counters stay."""
        self.refusal = None
        self._arrivals.clear()
        for channel in self.channels:
            channel.clear()

    def status(self, now_ns: int) -> StreamStatus:
        """What diagnostics and audits show of this stream."""
        newest = [channel.newest(now_ns) for channel in self.channels]
        stamps = [sample.stamp_ns for sample in newest if sample]
        complete = len(stamps) == len(newest)
        return StreamStatus(
            topic=self.topic,
            names=tuple(source.name for source in self.sources),
            samples=self.samples,
            rate_hz=self._rate_hz(now_ns),
            age_s=(now_ns - min(stamps)) / SECOND_NS if complete else None,
            drops=dict(self.drops),
            problem=self._problem(),
        )

    def advice(self) -> str:
        """What to write where header stamps come from another clock."""
        kinds = ', '.join(dict.fromkeys(source.data_type.value for source in self.sources))
        return f'if the publisher has another clock, write `stamp: receive` in sources: {kinds}'

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
        self.refuse(
            'future' if 0 < ahead_ns <= BEHIND_NS else 'clock',
            receive_ns,
            f'header stamps lie {span(abs(ahead_ns))} {side} the arrival: {self.advice()}',
        )
        return None

    def _problem(self) -> str:
        """The last refusal, unless a whole message was taken after it."""
        found = [(self.refusal, '')] if self.refusal else []
        found += [(c.refusal, f'{c.label}: ') for c in self.channels if c.refusal]
        if not found:
            return ''
        refusal, label = max(found, key=lambda pair: pair[0].receive_ns)
        is_current = not self._arrivals or refusal.receive_ns >= self._arrivals[-1]
        return f'{label}{refusal.text}' if is_current else ''

    def _rate_hz(self, now_ns: int) -> float:
        recent = [arrival for arrival in self._arrivals if arrival > now_ns - _RATE_WINDOW_NS]
        if len(recent) < 2 or recent[-1] <= recent[0]:
            return 0.0
        return (len(recent) - 1) * SECOND_NS / (recent[-1] - recent[0])


class Channel:
    """One name of a stream: its newest samples, and what is wrong when there is none."""

    __slots__ = (
        '_lack',
        '_max_age_ns',
        'key',
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
        self.stamp_ns: int | None = None  # of the newest sample
        age_s = source.max_age_s
        self._lack = (0, '')  # the count of names seen when the text was made
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

    def refuse(self, kind: Kind, receive_ns: int, text: str) -> Kind:
        """Remember why a message gave this name no sample."""
        self.refusal = Refusal(receive_ns, kind, text)
        return kind

    def refuse_old(self, stamp_ns: int, receive_ns: int) -> Kind:
        """Remember that a message had a stamp that is not new."""
        if stamp_ns == self.stamp_ns:
            return self.refuse('repeated', receive_ns, 'messages repeat its stamp')
        text = 'messages have older stamps (was a clock set back?)'
        return self.refuse('older', receive_ns, text)

    def clear(self) -> None:
        """Forget all samples."""
        self.samples.clear()
        self.stamp_ns = None
        self.refusal = None

    def newest(self, tick_ns: int) -> Sample | None:
        """The newest of the samples that arrived at or before the tick."""
        sample: Sample
        for sample in reversed(self.samples):
            if sample.receive_ns <= tick_ns:
                return sample
        return None

    def at(self, tick_ns: int) -> Sample | StreamFault:
        """The newest sample that arrived at or before the tick, or why it cannot be used."""
        sample = self.newest(tick_ns)
        if sample is None:
            return self._missing()
        if self._max_age_ns is None or tick_ns - sample.stamp_ns <= self._max_age_ns:
            return sample
        return self._stale(sample, tick_ns)

    def fault(self, kind: Kind, text: str) -> StreamFault:
        """A fault of this name."""
        return StreamFault(self.source, kind, f'{self.source.topic}: {text}')

    @property
    def label(self) -> str:
        """The name, and the slot it fills."""
        source = self.source
        return f"'{source.message_name}' ({source.data_type.value} index {source.index})"

    def _last_refusal(self) -> Refusal | None:
        both = [refusal for refusal in (self.refusal, self.stream.refusal) if refusal]
        return max(both, key=lambda refusal: refusal.receive_ns, default=None)

    def _missing(self) -> StreamFault:
        topic, refused = self.source.topic, self.stream.refusal
        if self.refusal is not None:
            return self.fault(self.refusal.kind, f'{self.label}: {self.refusal.text}')
        seen = list(self.stream.seen)
        if not seen or self.source.message_name in seen:
            text = f'{topic}: {self.label} has no sample yet'
        else:
            # Looking for similar names takes longer than a tick may, and they seldom change.
            if self._lack[0] != len(seen):
                self._lack = len(seen), self._lacking(seen)
            text = self._lack[1]
        # A message that was refused as a whole was never searched for its names.
        if refused is not None:
            return StreamFault(self.source, refused.kind, f'{text}. Refused: {refused.text}')
        return StreamFault(self.source, 'missing', text)

    def _lacking(self, seen: list[str]) -> str:
        source = self.source
        near = difflib.get_close_matches(source.message_name, seen, 8, cutoff=0.0)
        hint = meant(source.message_name, near)
        more = f' and {len(seen) - len(near)} more' if len(seen) > len(near) else ''
        return (
            f"{source.topic} lacks '{source.message_name}' ({source.data_type.value} index "
            f'{source.index}{hint}). It has: {", ".join(near)}{more}'
        )

    def _stale(self, sample: Sample, tick_ns: int) -> StreamFault:
        old = (
            f'{self.label} is {span(tick_ns - sample.stamp_ns)} old; '
            f'max_age_s is {self.source.max_age_s:g}'
        )
        refusal = self._last_refusal()
        if refusal is not None and refusal.receive_ns >= sample.receive_ns:
            # An unchanged or older stamp is itself a form of staleness; the rest has its name.
            kind = 'stale' if refusal.kind in {'repeated', 'older'} else refusal.kind
            return self.fault(kind, f'{old}. Since then: {refusal.text}')
        late_ns = sample.receive_ns - sample.stamp_ns
        if self._max_age_ns is not None and late_ns > self._max_age_ns:
            advice = self.stream.advice()
            return self.fault('stale', f'{old}. It arrived {span(late_ns)} late: {advice}')
        return self.fault('stale', old)


def time_ns(stamp: Any) -> int:
    """Nanoseconds of a builtin_interfaces Time or Duration."""
    return int(stamp.sec) * SECOND_NS + int(stamp.nanosec)


def span(nanoseconds: int) -> str:
    """A length of time in a unit that people read."""
    seconds = nanoseconds / SECOND_NS
    for unit, size in (('years', 365.25 * 86400), ('days', 86400.0), ('h', 3600.0)):
        if seconds >= 2 * size:
            return f'{seconds / size:.1f} {unit}'
    return f'{seconds:.3g} s' if seconds < 100 else f'{seconds:.0f} s'
