"""The tick loop: a recording, cut into instants that are exactly 1 / rate_hz apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

from neuracore_ros.bags.bag import RecordedMessage
from neuracore_ros.bags.storage import LATEST_NS
from neuracore_ros.convert.cutting import Cuts, Span
from neuracore_ros.durations import SECOND_NS
from neuracore_ros.observation import Observer, Unusable
from neuracore_ros.observation.streams import Stream

# A clock that was set may leave a silence of years. Its ticks are skipped from this long after
# all samples are stale.
_SILENCE_NS = 60 * SECOND_NS

MessageCallback = Callable[[str, Any, int], None]
"""Takes a message: its topic as declared, the message, and when it arrived [ns]."""


class Receiver(Protocol):
    """An observer, as the tick loop needs it."""

    @property
    def streams(self) -> Sequence[Stream]:
        """One for each topic and way of reading it."""

    def reads(self, topic: str) -> bool:
        """True if a stream takes messages of a topic."""

    def receive(self, topic: str, message: Any, receive_ns: int) -> None:
        """Offer a message to the streams of its topic."""

    def is_complete(self, tick_ns: int) -> bool:
        """Whether there is a sample of every source."""


@dataclass(frozen=True, slots=True)
class Tick:
    """An instant at which a recording is observed.

    Attributes:
        time_ns: Its log time, [ns].
        piece: Ticks with equal numbers follow each other without a gap, in one episode.
        outcome: Of the episode, by its marker; '' if unknown.
        attempt_ns: Log time at which the part begins that the marker speaks of, [ns]; 0 unknown.
    """

    time_ns: int
    piece: int
    outcome: str = ''
    attempt_ns: int = 0


@dataclass(frozen=True, slots=True)
class Outside:
    """A tick that belongs to no episode, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Silence:
    """The rest of a time without messages, in which no tick can be usable.

    Attributes:
        ticks: How many ticks are skipped.
        duration_s: From the last message to the next one, [s].
    """

    ticks: int
    duration_s: float


def ticks(
    messages: Iterable[RecordedMessage],
    observers: Sequence[Receiver],
    rate_hz: float,
    receive: MessageCallback = lambda topic, message, receive_ns: None,
    cuts: Cuts | None = None,
    start_ns: int | None = None,
    end_ns: int = LATEST_NS,
) -> Iterator[Tick | Outside | Silence]:
    """Give the ticks of a recording, each when all messages up to it are received.

    Args:
        messages: In log order.
        observers: They receive the messages; those of other topics break no silence.
        rate_hz: Ticks per second, [Hz].
        receive: Takes each message, too, after the observers.
        cuts: The episodes; None: the whole recording is one.
        start_ns: The first tick, [ns]; None: when all observers are complete.
        end_ns: No tick is later than this, [ns], nor than the last message.
    """
    silence_ns = _silence_ns(observers)
    now_ns = last_ns = start_ns or 0
    number = piece = 0
    span: Span | str | None = None
    for message in chain(messages, [None]):
        # A message belongs to a tick that is received at it or before.
        until_ns = min(message.log_time_ns if message else now_ns + 1, end_ns + 1)
        is_observed = not message or any(each.reads(message.topic) for each in observers)
        while start_ns is not None and (at_ns := tick_ns(start_ns, number, rate_hz)) < until_ns:
            if at_ns - last_ns > silence_ns:
                if is_observed:
                    skipped = _ticks_before(until_ns - start_ns, rate_hz) - number
                    yield Silence(skipped, (until_ns - last_ns) / SECOND_NS)
                    number, piece = number + skipped, piece + 1
                break
            found = cuts.at(at_ns) if cuts else None
            if isinstance(found, str):
                yield Outside(found)
            else:
                piece += found is not span
                outcome, attempt_ns = (found.outcome, found.start_ns) if found else ('', 0)
                yield Tick(at_ns, piece, outcome, attempt_ns)
            number, span = number + 1, found
        if message:
            now_ns = message.log_time_ns
            last_ns = now_ns if is_observed else last_ns
            for each in observers:
                each.receive(*message)
            receive(*message)
            if start_ns is None and all(each.is_complete(now_ns) for each in observers):
                start_ns = now_ns
                if cuts is not None and cuts.origin_ns is not None:
                    # Rounded from elsewhere, every third tick at 30 Hz would miss its row.
                    start_ns = cuts.origin_ns
                    number = _ticks_before(now_ns - start_ns, rate_hz)


def tick_ns(start_ns: int, number: int, rate_hz: float) -> int:
    """The time of a tick, [ns], off by half a nanosecond at most, however many there are."""
    return start_ns + round(number * SECOND_NS / rate_hz)


def why_no_tick(observers: Iterable[Observer], end_ns: int) -> str:
    """Tell why no tick of a recording could be used: the name that never had a sample, if any.

    Streams that end before the others are stale at the end, which is no reason.

    Args:
        observers: As they are after the last message.
        end_ns: Log time of the last message, [ns].
    """
    for observer in observers:
        snapshot = observer.snapshot(end_ns)
        for fault in snapshot.reasons if isinstance(snapshot, Unusable) else ():
            if fault.kind != 'stale':
                return fault.text
    return 'there is no tick at which all of its streams have values'


def _silence_ns(observers: Iterable[Receiver]) -> int:
    """The time after the last message of any stream from which no tick can be usable, [ns]."""
    sources = [s for each in observers for stream in each.streams for s in stream.sources]
    ages_s = [source.max_age_s for source in sources if source.max_age_s is not None]
    return _SILENCE_NS + round(max(ages_s, default=0.0) * SECOND_NS)


def _ticks_before(span_ns: int, rate_hz: float) -> int:
    """Count the ticks before the end of a span that begins with one."""
    number = int(span_ns * rate_hz / SECOND_NS)
    while tick_ns(0, number, rate_hz) < span_ns:
        number += 1
    return number
