"""Monitors of recorded streams: whether each is alive and fast enough, reported on change."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from neuracore_ros.description import Robot, Source
from neuracore_ros.description.source import strictest_ages_s, write_age
from neuracore_ros.node.live.facts import abbreviated
from neuracore_ros.node.topics import CLOCK

SILENT_S = 1.0
WINDOW_S = 2.0
# A rate is counted in whole messages, and drivers are not exact.
TOLERANCE = 0.9


@dataclass(frozen=True, slots=True)
class StreamChange:
    """A problem of streams, or its end.

    Attributes:
        kind: What has happened.
        text: The end of a line that begins with the streams' names.
    """

    kind: Literal['silent', 'slow', 'back']
    text: str


def alike(found: Iterable[tuple[str, StreamChange | None]]) -> dict[StreamChange, list[str]]:
    """Changes, each with the names of all that have it."""
    names: dict[StreamChange, list[str]] = {}
    for name, change in found:
        if change:
            names.setdefault(change, []).append(name)
    return names


class StreamMonitor:
    """Monitors one topic, or one name of it, for silence and for a rate that is too low.

    Args:
        max_age_s: Of its samples [s]; None where they never age.
        rate_hz: Of the steps that will be made of it.
        steady: True if it must never be silent; commands may be.
        silent_s: Longest pause [s].
    """

    def __init__(
        self, max_age_s: float | None, rate_hz: float, steady: bool, silent_s: float = SILENT_S
    ) -> None:
        self.problem: StreamChange | None = None
        self._max_age_s = max_age_s
        self._rate_hz = rate_hz
        self.is_steady = steady
        self._silent_s = silent_s
        self._arrivals: deque[float] = deque(maxlen=4096)
        self._first_s: float | None = None
        self._newest_s = float('-inf')

    @property
    def has_come(self) -> bool:
        """True once a message has come."""
        return self._first_s is not None

    def receive(self, wall_s: float, now_s: float) -> None:
        """Note a message.

        Args:
            wall_s: When it came, on a clock that always runs [s].
            now_s: When it came, on the node's clock, which may be simulated [s].
        """
        turned_back = bool(self._arrivals) and now_s < self._arrivals[-1]
        # A rate is counted anew after a silence, or a stream would be slow when it is back.
        if turned_back or wall_s - self._newest_s > self._silent_s:
            self._first_s = now_s
            self._arrivals.clear()
        self._newest_s = wall_s
        self._arrivals.append(now_s)

    def rate_hz(self, now_s: float) -> float:
        """Messages a second lately."""
        if self._first_s is None:
            return 0.0
        while self._arrivals and self._arrivals[0] <= now_s - WINDOW_S:
            self._arrivals.popleft()
        passed_s = min(WINDOW_S, now_s - self._first_s)
        return len(self._arrivals) / passed_s if passed_s > 0 else 0.0

    def usual_gap_s(self) -> float:
        """Time between two messages lately [s]; 0 before the second."""
        if len(self._arrivals) < 2:
            return 0.0
        return (self._arrivals[-1] - self._arrivals[0]) / (len(self._arrivals) - 1)

    def update(self, wall_s: float, now_s: float, fault: str) -> StreamChange | None:
        """Compare the stream with its last state, and report a change.

        Args:
            wall_s: Now, on a clock that always runs [s].
            now_s: Now, on the node's clock [s].
            fault: Why nothing can come; empty if something may.
        """
        before = self.problem and self.problem.kind
        problem = self._silence(wall_s, fault) or self._slowness(now_s)
        # A message a second would otherwise be reported as a silence and a return each.
        if not problem and before == 'silent' and self._is_young(now_s):
            return None
        self.problem = problem
        if (problem and problem.kind) == before:
            return None
        if problem:
            return problem
        rate = f': {self.rate_hz(now_s):.1f} Hz' if self.is_steady else ''
        return StreamChange('back', f' is back{rate}')

    def _is_young(self, now_s: float) -> bool:
        """True while the rate is not known, since too little time has passed."""
        return self.is_steady and (self._first_s is None or now_s - self._first_s < WINDOW_S)

    def _silence(self, wall_s: float, fault: str) -> StreamChange | None:
        why = fault
        if self.is_steady and not why:
            if self._first_s is None:
                why = 'no message so far'
            elif wall_s - self._newest_s > self._silent_s:
                why = f'no message for more than {self._silent_s:g} s'
        return StreamChange('silent', f' is silent: {why}') if why else None

    def _slowness(self, now_s: float) -> StreamChange | None:
        if self._max_age_s is None or self._is_young(now_s):
            return None
        # On its way to silence, no stream is slow.
        rate_hz = self.rate_hz(self._arrivals[-1] if self._arrivals else now_s)
        if rate_hz * self._max_age_s < TOLERANCE:
            lives = f'a sample lives {self._max_age_s:g} s (max_age_s)'
            need = f'{lives}, so episodes will be cut here'
        elif rate_hz < TOLERANCE * self._rate_hz:
            need = f'steps at {self._rate_hz:g} Hz will see a sample twice'
        else:
            return None
        return StreamChange('slow', f' is slow: {rate_hz:.1f} Hz; {need}')


def may_be_silent_s(source: Source) -> float:
    """The longest pause of a name [s]: one that may be older may also pause for longer."""
    return max(SILENT_S, source.max_age_s or 0.0)


class RecordedTopicMonitor:
    """Monitors a topic as a whole for silence, and each of its names for the rate.

    Drivers of an arm and a gripper may share a topic: messages of one are no sign of the other.

    Args:
        topic: Its full name.
        sources: The names that are read from it, if its names are monitored one by one; else none.
        whole: Monitors the topic.
        rate_hz: Of the steps that will be made of it.
    """

    def __init__(
        self, topic: str, sources: Sequence[Source], whole: StreamMonitor, rate_hz: float
    ) -> None:
        self.topic, self.whole = topic, whole
        # A joint may be read as position and as velocity; what ages sooner counts.
        by_age = sorted(sources, key=lambda source: source.max_age_s or math.inf, reverse=True)
        self._sources = {source.name: source for source in by_age}
        self._reported: set[str] = set()
        self._each = {
            source.name: StreamMonitor(
                source.max_age_s, rate_hz, steady=True, silent_s=may_be_silent_s(source)
            )
            for source in sources
        }

    @property
    def has_come(self) -> bool:
        """True once each of its names has come."""
        return self.whole.has_come and self.knows(self._each)

    def receive(self, wall_s: float, now_s: float, names: Collection[str] = ()) -> None:
        """Note a message that brought these names; see `StreamMonitor.receive`."""
        self.whole.receive(wall_s, now_s)
        for name in names:
            self._each[name].receive(wall_s, now_s)

    def knows(self, names: Collection[str]) -> bool:
        """True if each of these names has come before."""
        return all(self._each[name].has_come for name in names)

    def update(self, wall_s: float, now_s: float, fault: str) -> list[StreamChange]:
        """Changes of the topic, or of some of its names; see `StreamMonitor.update`."""
        whole = self.whole.update(wall_s, now_s, fault)
        # While a topic is silent, or when it is back, its names are, too.
        is_silent = self.whole.problem is not None and self.whole.problem.kind == 'silent'
        changes = []
        for name, monitor in self._each.items():
            change = monitor.update(wall_s, now_s, '')
            if change is None or not monitor.has_come:
                continue
            if change.kind == 'back' and name in self._reported:
                self._reported.discard(name)
                changes.append((name, change))
            elif change.kind != 'back' and not (whole or is_silent):
                self._reported.add(name)
                changes.append((name, change))
        return [whole] if whole else self._grouped(changes)

    def problems(self) -> list[StreamChange]:
        """Present problems."""
        if self.whole.problem:
            return [self.whole.problem]
        return self._grouped((name, monitor.problem) for name, monitor in self._each.items())

    def lacking(self) -> list[StreamChange]:
        """Problems of names that have never come."""
        if not self.whole.has_come:
            return []
        never = (item for item in self._each.items() if not item[1].has_come)
        return self._grouped((name, monitor.problem) for name, monitor in never)

    def _grouped(self, found: Iterable[tuple[str, StreamChange | None]]) -> list[StreamChange]:
        return [self._of_names(names, change) for change, names in alike(found).items()]

    def _of_names(self, names: Sequence[str], change: StreamChange) -> StreamChange:
        who = f' ({abbreviated(names)})' if len(names) < len(self._each) else ''
        gap_s = max(self._each[name].usual_gap_s() for name in names)
        cure = ''
        if change.kind == 'slow' and 'max_age_s' in change.text and gap_s:
            sources = [self._sources[name] for name in names]
            cure = f': raise the rate of its driver, or {write_age(sources, gap_s)}'
        return replace(change, text=f'{who}{change.text}{cure}')


def topic_monitors(
    robot: Robot, names: Mapping[str, str], by_name: Collection[str], rate_hz: float
) -> dict[str, RecordedTopicMonitor]:
    """Topic as declared -> its monitor.

    Args:
        robot: Whose topics they are.
        names: Topic as declared -> its full name.
        by_name: Topics, as declared, whose names are monitored one by one.
        rate_hz: Of the steps that will be made; slower streams are reported.
    """
    sources = robot.input_sources()
    # Commands and words do not come all the time; samples that age must never be silent.
    ages_s = strictest_ages_s(sources)
    found = {}
    for topic, name in names.items():
        read = [source for source in sources if source.topic == topic]
        each = read if topic in by_name else []
        whole = StreamMonitor(
            None if each else ages_s.get(topic),
            rate_hz,
            steady=topic in {*ages_s, CLOCK},
            silent_s=min(map(may_be_silent_s, read), default=SILENT_S),
        )
        found[topic] = RecordedTopicMonitor(name, each, whole, rate_hz)
    return found
