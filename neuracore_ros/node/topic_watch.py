"""One topic of a recording, and each name that its messages bring, told when that changes."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from neuracore_ros.description import Source
from neuracore_ros.description.source import write_age
from neuracore_ros.node.live.facts import few
from neuracore_ros.node.stream_watch import IS_BACK, SILENT_S, StreamWatch


def may_be_silent_s(source: Source) -> float:
    """For how long a name may say nothing: what may be older may also be silent for longer."""
    return max(SILENT_S, source.max_age_s or 0.0)


class TopicWatch:
    """Watches a topic as a whole for silence, and name by name for the rate.

    Drivers of an arm and a gripper may share a topic: that something comes says nothing of each.

    Args:
        topic: Its full name.
        sources: The names that are read from it, if their messages are told apart; else none.
        whole: Watches the topic; has no name of its own.
        rate_hz: Of the steps that will be made of it.

    Attributes:
        topic: Its full name.
    """

    def __init__(
        self, topic: str, sources: Sequence[Source], whole: StreamWatch, rate_hz: float
    ) -> None:
        self.topic = topic
        # A joint may be read as position and as velocity; what ages sooner counts.
        by_age = sorted(sources, key=lambda source: source.max_age_s or math.inf, reverse=True)
        self._sources = {source.name: source for source in by_age}
        self._whole = whole
        self._told: set[str] = set()
        self._each = {
            source.name: StreamWatch(
                '', source.max_age_s, rate_hz, steady=True, silent_s=may_be_silent_s(source)
            )
            for source in sources
        }

    @property
    def is_steady(self) -> bool:
        """Whether it must never be silent; commands may be."""
        return self._whole.is_steady

    @property
    def is_heard(self) -> bool:
        """Whether it has ever come, with all its names."""
        return self._whole.is_heard and all(watch.is_heard for watch in self._each.values())

    @property
    def is_alive(self) -> bool:
        """Whether anything has ever come, be it of one driver only."""
        return self._whole.is_heard

    @property
    def is_silent(self) -> bool:
        """Whether nothing comes at all."""
        return ' is silent' in self._whole.problem

    def rate_hz(self, now_s: float) -> float:
        """Messages a second lately."""
        return self._whole.rate_hz(now_s)

    def hear(self, wall_s: float, now_s: float, names: Collection[str] = ()) -> None:
        """Note a message.

        Args:
            wall_s: When it came, on a clock that always runs [s].
            now_s: When it came, in the time in which we live [s].
            names: That it brought.
        """
        self._whole.hear(wall_s, now_s)
        for name in names:
            self._each[name].hear(wall_s, now_s)

    def knows(self, names: Collection[str]) -> bool:
        """Whether all these names have come before."""
        return all(self._each[name].is_heard for name in names)

    def look(self, wall_s: float, now_s: float, fault: str) -> list[str]:
        """What is new about it, without the topic's name; see `StreamWatch.look`."""
        line = self._whole.look(wall_s, now_s, fault)
        news: dict[str, list[str]] = {}
        for name, watch in self._each.items():
            own = watch.look(wall_s, now_s, '')
            # Of a topic that is silent, or back, its names are so, too.
            is_news = name in self._told if IS_BACK in own else not (line or self.is_silent)
            if own and is_news and watch.is_heard:
                news.setdefault(own, []).append(name)
                (self._told.discard if IS_BACK in own else self._told.add)(name)
        if line:
            return [line]
        return [self._about(names, own) for own, names in news.items()]

    def problems(self) -> list[str]:
        """What is wrong at the moment, without the topic's name."""
        if self._whole.problem:
            return [self._whole.problem]
        found: dict[str, list[str]] = {}
        for name, watch in self._each.items():
            if watch.problem:
                found.setdefault(watch.problem, []).append(name)
        return [self._about(names, problem) for problem, names in found.items()]

    def lacking(self) -> list[str]:
        """That names have never come, without the topic's name."""
        never = {name for name, watch in self._each.items() if not watch.is_heard}
        problems = {self._each[name].problem for name in never}
        return [
            self._about([name for name in self._each if name in never], problem)
            for problem in problems
            if problem and self._whole.is_heard
        ]

    def _about(self, names: Sequence[str], line: str) -> str:
        who = f' ({few(names)})' if len(names) < len(self._each) else ''
        gap_s = max(self._each[name].usual_gap_s() for name in names)
        cure = ''
        if ' is slow' in line and 'max_age_s' in line and gap_s:
            sources = [self._sources[name] for name in names]
            cure = f': raise the rate of its driver, or {write_age(sources, gap_s)}'
        return f'{who}{line}{cure}'
