"""Rules that cut a recording into episodes: markers, silences, time ranges and motion."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

START, STOP, SUCCESS, DISCARD = 'start', 'stop', 'success', 'discard'
WORDS = (START, STOP, SUCCESS, DISCARD)
NO_MARKER = 'none'
NO_CONTROL = 'none'
KEEPS_NOBODY = '--keep-uncommanded'
# Kept before the first motion and after the last one, so that a policy sees rest, too.
MARGIN_S = 0.5

OUTSIDE = 'outside of every episode'
DISCARDED = 'discarded by its marker'
IDLE = 'idle at a start or end'


@dataclass(frozen=True, slots=True)
class Cutting:
    """Options that cut a recording into episodes; without any of these, it is one episode.

    Attributes:
        marker: Topic that tells of starts and ends; '' looks for that of ``neuracore_ros
            record``, ``none`` takes no notice of it.
        gap_s: Longest silence of all declared streams within an episode, [s].
        ranges: (start, end) of each episode, from the recording's start, [s].
        trim_idle: Starts and ends at which no output is faster are left out, [rad/s] or [m/s].
        control: Topic that tells who commands; '' looks for that of a node, ``none`` takes no
            notice of it.
        keeps_nobody: Steps at which nobody commands, as that topic says, are kept.
    """

    marker: str = ''
    gap_s: float | None = None
    ranges: tuple[tuple[float, float], ...] = ()
    trim_idle: float | None = None
    control: str = ''
    keeps_nobody: bool = False

    def __str__(self) -> str:
        """The options of ``convert`` that say this; '' for none."""
        options = [f'--marker {self.marker}'] if self.marker else []
        options += [f'--gap-s {self.gap_s:g}'] if self.gap_s is not None else []
        options += [f'--range {start:g}:{end:g}' for start, end in self.ranges]
        options += [f'--trim-idle {self.trim_idle:g}'] if self.trim_idle is not None else []
        options += [f'--control {self.control}'] if self.control else []
        options += [KEEPS_NOBODY] if self.keeps_nobody else []
        return ' '.join(options)


WHOLE = Cutting()


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a recording.

    Attributes:
        start_ns: Its first instant, in log time, [ns].
        end_ns: The first instant after it, [ns].
        outcome: ``success``, ``discard``, or '' if unknown.
    """

    start_ns: int
    end_ns: int
    outcome: str = ''

    @property
    def duration_s(self) -> float:
        """The length of the part, [s]."""
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Cuts:
    """The episodes of one recording.

    Attributes:
        spans: One for each episode, in order, none overlapping.
        dropped: Other parts, and why each is none.
        notes: What is worth knowing, a line each.
        origin_ns: Ticks are counted from here, in log time, [ns], where messages come at one
            rate; None: from when all streams are complete.
    """

    spans: tuple[Span, ...]
    dropped: tuple[tuple[Span, str], ...] = ()
    notes: tuple[str, ...] = ()
    origin_ns: int | None = None

    def at(self, time_ns: int) -> Span | str:
        """The episode at a time, or why there is none."""
        place = bisect_right(self.spans, time_ns, key=lambda span: span.start_ns) - 1
        if place >= 0 and time_ns < self.spans[place].end_ns:
            return self.spans[place]
        for span, reason in self.dropped:
            if span.start_ns <= time_ns < span.end_ns:
                return reason
        return OUTSIDE


def by_marker(words: Iterable[tuple[str, int]], whole: Span) -> tuple[list[Span], list[str]]:
    """Spans, in order, by the words and log times of a marker topic; and notes, a line each.

    ``start`` begins an episode, and ends one that is running; ``stop``, ``success`` and
    ``discard`` end it. The latter two may also follow a ``stop``, and then tell how that episode
    went. What a recording begins with runs from its start if its end comes first.
    """
    spans: list[Span] = []
    ignored: Counter[str] = Counter()
    begin_ns: int | None = None
    is_first = True
    for word, time_ns in words:
        if word not in WORDS:
            ignored[word] += 1
            continue
        if is_first and word != START:
            begin_ns = whole.start_ns
        is_first = False
        outcome = word if word in {SUCCESS, DISCARD} else ''
        if begin_ns is not None:
            spans.append(Span(begin_ns, time_ns, outcome))
        elif outcome and spans and not spans[-1].outcome:
            spans[-1] = Span(spans[-1].start_ns, spans[-1].end_ns, outcome)
        elif word != START:
            ignored[word] += 1
        begin_ns = time_ns if word == START else None
    notes = [f"marker '{word}' is ignored {n} times" for word, n in ignored.items()]
    if begin_ns is not None:
        spans.append(Span(begin_ns, whole.end_ns))
        notes.append('the last episode has no end marker: it ends with the recording')
    return [span for span in spans if span.start_ns < span.end_ns], notes


def by_ranges(ranges: Iterable[tuple[float, float]], whole: Span) -> list[Span]:
    """Spans by seconds from the start of the recording."""
    return [
        Span(whole.start_ns + round(start * 1e9), whole.start_ns + round(end * 1e9))
        for start, end in sorted(ranges)
    ]


def by_silence(times_ns: Iterable[int], gap_s: float, whole: Span) -> list[Span]:
    """Spans between silences of more than ``gap_s``, [s], by log times in order, [ns]."""
    spans: list[Span] = []
    begin_ns = before_ns = whole.start_ns
    for time_ns in times_ns:
        if time_ns - before_ns > gap_s * 1e9:
            spans.append(Span(begin_ns, before_ns + 1))
            begin_ns = time_ns
        before_ns = time_ns
    spans.append(Span(begin_ns, before_ns + 1))
    if whole.end_ns - before_ns <= gap_s * 1e9:
        spans[-1] = Span(begin_ns, whole.end_ns)
    return spans


def overlaps(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """The parts that lie in both, with the outcome that either has."""
    return [
        Span(
            max(one.start_ns, other.start_ns),
            min(one.end_ns, other.end_ns),
            one.outcome or other.outcome,
        )
        for one in spans
        for other in others
        if max(one.start_ns, other.start_ns) < min(one.end_ns, other.end_ns)
    ]


def trimmed(span: Span, moving_ns: Sequence[int]) -> tuple[Span | None, list[Span]]:
    """A span without its idle start and end, None if nothing ever moves; and what was idle.

    Something moves at ``moving_ns``, in order, [ns].
    """
    first = bisect_right(moving_ns, span.start_ns - 1)
    last = bisect_right(moving_ns, span.end_ns - 1) - 1
    if first > last:
        return None, [span]
    margin_ns = round(MARGIN_S * 1e9)
    start_ns = max(span.start_ns, moving_ns[first] - margin_ns)
    end_ns = min(span.end_ns, moving_ns[last] + margin_ns + 1)
    idle = [Span(span.start_ns, start_ns), Span(end_ns, span.end_ns)]
    kept = Span(start_ns, end_ns, span.outcome)
    return kept, [part for part in idle if part.start_ns < part.end_ns]


def cuts(spans: Sequence[Span], moving_ns: Sequence[int] | None, notes: Sequence[str]) -> Cuts:
    """Sort out the spans that are to be episodes; none is trimmed where ``moving_ns`` is None."""
    kept: list[Span] = []
    dropped: list[tuple[Span, str]] = []
    for span in spans:
        if span.outcome == DISCARD:
            dropped.append((span, DISCARDED))
            continue
        left: Span | None = span
        if moving_ns is not None:
            left, idle = trimmed(span, moving_ns)
            dropped += [(part, IDLE) for part in idle]
        if left is not None:
            kept.append(left)
    return Cuts(tuple(kept), tuple(dropped), tuple(notes))
