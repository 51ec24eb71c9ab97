"""Reports of a recorder about its streams: on each change, and again at each episode."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from rclpy.node import Node

from neuracore_ros.description import Robot, Source
from neuracore_ros.node.clock_monitor import clock_cure, standstill
from neuracore_ros.node.graph import beside_namespace, publisher_names
from neuracore_ros.node.graph_monitor import why_silent
from neuracore_ros.node.live.names import NameReader, read_faults
from neuracore_ros.node.live.streams import NAMESPACE_OPTION
from neuracore_ros.node.stream_monitor import StreamChange, alike, topic_monitors
from neuracore_ros.node.topics import CLOCK

USE_SIM_TIME = '--use-sim-time'
_MOST_CHECKED = 20
# A silent stream is reported again at the start of each episode, but not twice in a row.
_SAY_AGAIN_S = 5.0
# Publishers of commands that are there are found within this.
_DISCOVERY_S = 1.5
# The graph changes, but asking it for names that may be meant takes a while.
_ASK_AGAIN_S = 2.0


class Display(Protocol):
    """A place for lines that a person reads."""

    def say(self, text: str) -> None:
        """Show what the person may like to know, in a line."""

    def warn(self, text: str) -> None:
        """Show what the person should see to, in a line."""


class StreamReports:
    """Monitors the streams of a recording, and reports their problems.

    Args:
        node: Owner of the subscriptions.
        robot: Whose streams they are.
        names: Topic as declared -> its full name.
        rate_hz: Of the steps that will be made; slower streams are reported.
        display: Shows the reports.
    """

    def __init__(
        self, node: Node, robot: Robot, names: Mapping[str, str], rate_hz: float, display: Display
    ) -> None:
        self._node = node
        self._inputs = robot.input_sources()
        self._display = display
        self._reader = NameReader(self._inputs)
        self._monitors = topic_monitors(robot, names, self._reader.topics, rate_hz)
        self._sources: dict[str, list[Source]] = {}
        for source in (*self._inputs, *robot.output_sources()):
            self._sources.setdefault(source.topic, []).append(source)
        self._first: dict[str, list[tuple[int, bytes]]] = {topic: [] for topic in names}
        self._reasons: dict[str, tuple[float, str]] = {}
        self._reported_s: dict[str, float] = {}
        self._began_s = time.monotonic()
        self._faults: Mapping[str, str] | None = None

    def open(self, faults: Mapping[str, str]) -> None:
        """Report what is wrong now, and from now on what changes.

        Args:
            faults: Topic -> why nothing can arrive on it; its owner keeps it up to date.
        """
        self._faults = faults
        if beside := beside_namespace(self._sources, self._node.get_namespace()):
            self._display.warn(beside)
        self._check_messages()
        # Only now, since before discovery every topic would be silent.
        self._changes(recording=False)
        # Names that never came have just been reported, with the most similar names.
        lacking = [
            (monitor.topic, p) for monitor in self._monitors.values() for p in monitor.lacking()
        ]
        lines = (each.text for each in together(lacking))
        self._reported_s |= dict.fromkeys(lines, time.monotonic())
        self.remind(recording=False)

    @property
    def are_found(self) -> bool:
        """True once every topic is alive, and publishers of commands have had time to be found."""
        waited = time.monotonic() - self._began_s > _DISCOVERY_S
        return all(
            monitor.has_come
            if monitor.whole.is_steady
            else waited or self._node.count_publishers(topic)
            for topic, monitor in self._monitors.items()
        )

    @property
    def standstill(self) -> str:
        """The reason why there is no time, and its cure."""
        return standstill(self._clocks(), USE_SIM_TIME)

    def rate_hz(self, topic: str) -> float:
        """Messages a second lately."""
        return self._monitors[topic].whole.rate_hz(self._now_s())

    def receive(self, topic: str, data: bytes, now_ns: int) -> None:
        """Note a message, as it came from the wire."""
        names = self._reader.names(topic, data, now_ns)
        few_yet = len(self._first[topic]) < _MOST_CHECKED
        # A slow driver's first message may come after many of a fast one.
        if self._faults is None and (few_yet or not self._monitors[topic].knows(names)):
            self._first[topic].append((now_ns, data))
        self._monitors[topic].receive(time.monotonic(), now_ns / 1e9, names)

    def remind(self, recording: bool) -> None:
        """Say again what is wrong, unless it was said a moment ago.

        Args:
            recording: True if a missing publisher of commands matters.
        """
        if self._now_s() <= 0:
            self._display.warn(self.standstill)
            return
        found = [
            (monitor.topic, problem)
            for monitor in self._monitors.values()
            if monitor.whole.is_steady or recording
            for problem in monitor.problems()
        ]
        now_s = time.monotonic()
        for change in together(found):
            if now_s - self._reported_s.get(change.text, -_SAY_AGAIN_S) > _SAY_AGAIN_S:
                self._reported_s[change.text] = now_s
                self._display.warn(change.text)

    def update(self, recording: bool) -> None:
        """Report changes; those of commands only while recording."""
        for change in together(self._changes(recording)):
            if change.kind == 'back':
                self._display.say(change.text)
            else:
                self._reported_s[change.text] = time.monotonic()
                self._display.warn(change.text)

    def _changes(self, recording: bool) -> list[tuple[str, StreamChange]]:
        """Topics with their changes; none where there is no time, since nothing is noted then."""
        wall_s, now_s = time.monotonic(), self._now_s()
        found: list[tuple[str, StreamChange]] = []
        if self._faults is None or now_s <= 0:
            return found
        for topic, monitor in self._monitors.items():
            fault = self._faults.get(topic, '').removeprefix(f'{topic}: ')
            changes = monitor.update(wall_s, now_s, fault or self._why_silent(topic))
            if monitor.whole.is_steady or recording:
                found += [(monitor.topic, change) for change in changes]
        return found

    def _check_messages(self) -> None:
        """Report what `convert` would refuse in the messages."""
        known = {topic for source in self._inputs for topic in source.topics}
        simulated = self._node.get_clock().ros_time_is_active
        cure = clock_cure(simulated, self._clocks(), USE_SIM_TIME)
        messages = {topic: came for topic, came in self._first.items() if topic in known}
        for text in read_faults(self._inputs, messages, cure):
            self._display.warn(text)
        self._first = {topic: [] for topic in self._first}

    def _why_silent(self, topic: str) -> str:
        """The reason from the graph why a topic is silent; empty if there is none."""
        published = bool(self._node.count_publishers(topic))
        if topic not in self._sources or (published and self._monitors[topic].whole.has_come):
            self._reasons.pop(topic, None)
            return ''
        now_s = time.monotonic()
        found_s, why = self._reasons.get(topic, (-math.inf, ''))
        if now_s - found_s > _ASK_AGAIN_S:
            text = why_silent(self._node, topic, self._sources[topic], NAMESPACE_OPTION)
            why = text.removeprefix(self._monitors[topic].topic)
            why = re.sub(r'^( \(.*?\))?: ', '', why)
            self._reasons[topic] = now_s, why
        return why

    def _now_s(self) -> float:
        return float(self._node.get_clock().now().nanoseconds) / 1e9

    def _clocks(self) -> list[str]:
        return publisher_names(self._node.get_publishers_info_by_topic(CLOCK))


def together(found: Sequence[tuple[str, StreamChange]]) -> list[StreamChange]:
    """One change for all topics that have the same, with their names in its text."""
    return [
        replace(
            change,
            text=', '.join(topics)
            + (change.text.replace(' is ', ' are ', 1) if topics[1:] else change.text),
        )
        for change, topics in alike(found).items()
    ]
