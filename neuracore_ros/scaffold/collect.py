"""Facts collected from messages, of a recording or of a running graph."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

import numpy as np

from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.named_numbers import NUMBER_PATHS, TWIST, TWIST_STAMPED
from neuracore_ros.description.source import (
    IMAGE_TYPES,
    JOINT_STATE,
    JOINT_TRAJECTORY,
    MULTI_ARRAYS,
    STRING,
    types_of,
)
from neuracore_ros.durations import time_ns
from neuracore_ros.scaffold.facts import (
    Facts,
    ImageTopic,
    NumberTopic,
    ObservedMotion,
    TwistTopic,
)

TWISTS = (TWIST, TWIST_STAMPED)
NUMBER_TYPES = (JOINT_STATE, JOINT_TRAJECTORY, *MULTI_ARRAYS)
ROBOT_DESCRIPTION = 'robot_description'
_KNOWN = {kind for data_type in DataType for kind in types_of(data_type)}
_DEPTH_ENCODINGS = ('16UC1', '32FC1')
# Noise between two samples in quick succession would be taken for speed.
_SPEED_OVER_S = 0.05
# A message with more numbers is of no robot, and every two of them would be compared.
_MOST_JOINTS = 1000
_MOST_SAMPLES = 50_000
# No joint is there [rad] or [m].
_FARTHEST = 1e9
# A publisher has one list of names; more than these are no robot's.
_MOST_FORMS = 200


def is_shown_plan(topic: str) -> bool:
    """Tell whether a topic shows viewers what a policy's node plans; nobody executes it."""
    return topic.split('/')[-2:] == ['infer', 'plan']


def is_wanted(topic: str, kind: str) -> bool:
    """Tell whether a draft needs the messages of a topic."""
    if is_shown_plan(topic):
        return False
    if kind == STRING:
        return topic.rpartition('/')[2] == ROBOT_DESCRIPTION
    return kind in NUMBER_TYPES or kind in IMAGE_TYPES or kind in TWISTS


class FactCollector:
    """A collector of facts: messages in, `Facts` out.

    Args:
        judges_stamps: Whether header stamps and times of arrival are of one clock.
    """

    def __init__(self, judges_stamps: bool = True) -> None:
        self._judges_stamps = judges_stamps
        self._topics: dict[str, _TopicMessages] = {}
        self._task = ''
        self._others: dict[str, str] = {}
        self._urdfs: dict[str, str] = {}
        self._twists: dict[str, TwistTopic] = {}

    def announce(self, topic: str, kind: str, is_feature: bool = False) -> None:
        """Note that a topic exists, whether or not a message comes.

        ``is_feature`` is True for one of a LeRobot dataset, whose names have no slash.
        """
        named = topic if is_feature else f'/{topic.lstrip("/")}'
        topic = f'/{topic.lstrip("/")}'
        if kind in IMAGE_TYPES or kind in NUMBER_TYPES:
            if topic not in self._topics:
                own = _TopicMessages(named, kind, self._judges_stamps, is_feature)
                self._topics[topic] = own
        elif kind in _KNOWN and kind != STRING:
            self._others[topic] = kind
            if kind in TWISTS:
                self._twists.setdefault(topic, TwistTopic(topic, kind))

    def receive(self, topic: str, kind: str, message: Any, now_ns: int) -> None:
        """Take one message, as rclpy or rosbags gives it, that arrived at ``now_ns``."""
        if kind == STRING:
            self._urdfs[f'/{topic.lstrip("/")}'] = message.data
            return
        self.announce(topic, kind)
        if kind in TWISTS:
            self._move(f'/{topic.lstrip("/")}', kind, message)
            return
        self._topics[f'/{topic.lstrip("/")}'].receive(message, now_ns)

    def _move(self, topic: str, kind: str, message: Any) -> None:
        """Take one twist."""
        before = self._twists[topic]
        peaks = dict(before.peaks)
        for name, path in NUMBER_PATHS[kind].items():
            speed = abs(float(attrgetter(path)(message)))
            if math.isfinite(speed):
                peaks[name] = max(peaks.get(name, 0.0), speed)
        self._twists[topic] = replace(before, count=before.count + 1, peaks=peaks)

    def is_about(self, task: str) -> None:
        """Note what is done in the recording."""
        self._task = task

    def facts(self) -> Facts:
        """The facts of all messages so far."""
        topics = self._topics.values()
        return Facts(
            tuple(t for own in topics if own.kind in NUMBER_TYPES for t in own.numbers()),
            tuple(own.image() for own in topics if own.kind in IMAGE_TYPES),
            others=dict(self._others),
            urdfs=dict(self._urdfs),
            twists=tuple(self._twists.values()),
            task=self._task,
        )


class _TopicMessages:
    """The messages of one topic."""

    def __init__(self, topic: str, kind: str, judges_stamps: bool, is_feature: bool) -> None:
        self.topic, self.kind, self.is_feature = topic, kind, is_feature
        self._judges_stamps = judges_stamps
        self._times: list[int] = []
        self._stamps_off: list[int] = []
        self._groups: list[_NamedMessages] = []
        self._by_names: dict[tuple[str, ...], _NamedMessages] = {}
        self._picture, self._encoding = '', ''

    def receive(self, message: Any, now_ns: int) -> None:
        self._times.append(now_ns)
        stamp_ns = time_ns(message.header.stamp) if hasattr(message, 'header') else 0
        if stamp_ns and self._judges_stamps:
            self._stamps_off.append(abs(now_ns - stamp_ns))
        if self.kind in IMAGE_TYPES:
            self._encoding = str(getattr(message, 'encoding', getattr(message, 'format', '')))
            size = f' {message.width}x{message.height}' if hasattr(message, 'width') else ''
            self._picture = f'{self._encoding}{size}'
            return
        names = tuple(map(str, getattr(message, 'name', getattr(message, 'joint_names', ()))))
        if not any(names) or getattr(message, 'is_numbered', False):
            names = ()  # a publisher that leaves them blank names nothing
        if names not in self._by_names and len(self._by_names) < _MOST_FORMS:
            self._group(names)
        if group := self._by_names.get(names):
            group.receive(message, names, now_ns)

    def _group(self, names: tuple[str, ...]) -> None:
        """Make one group of these names and all that occur with them; those of no name are one."""
        joined, others = _NamedMessages(), list[_NamedMessages]()
        for group in self._groups:
            if group.names.keys() & set(names) or not (group.names or names):
                joined.add(group)
                self._by_names |= {n: joined for n, own in self._by_names.items() if own is group}
            else:
                others.append(group)
        joined.names |= dict.fromkeys(names)
        self._by_names[names] = joined
        self._groups = [*others, joined]

    def numbers(self) -> list[NumberTopic]:
        """The joints of the topic: one entry for all whose names occur together.

        An arm's and a gripper's driver may share a topic, and one of them may name nothing.
        """
        # Some drivers publish velocities only.
        has_values = self.kind != JOINT_STATE
        found = [self._topic(group) for group in self._groups if has_values or group.width]
        count, stamp_off_s = len(self._times), self._stamp_off_s()
        empty = NumberTopic(self.topic, self.kind, count, stamp_off_s=stamp_off_s)
        return found or [replace(empty, is_feature=self.is_feature)]

    def _topic(self, group: _NamedMessages) -> NumberTopic:
        names = tuple(group.names)
        useless = {name: why for name in names if (why := group.useless(name))}
        return NumberTopic(
            self.topic,
            self.kind,
            len(group.times),
            tuple(name for name in names if name not in useless),
            # A topic of which no name is of use is not one without names.
            0 if names and len(useless) == len(names) else group.width,
            {key: _motion(kept) for key, kept in group.samples.items() if kept},
            _period_s(group.times),
            self._stamp_off_s(),
            useless=useless,
            is_feature=self.is_feature,
        )

    def image(self) -> ImageTopic:
        last = self.topic.rpartition('/')[2]
        is_depth = (
            self._encoding in _DEPTH_ENCODINGS
            or last == 'compressedDepth'
            or 'compressedDepth' in self._encoding
            or (self._encoding.startswith(('mono16', '16UC1')) and 'depth' in self.topic)
        )
        return ImageTopic(
            self.topic,
            self.kind,
            self._picture,
            is_depth,
            len(self._times),
            _period_s(self._times),
            self._stamp_off_s(),
            self.is_feature,
        )

    def _stamp_off_s(self) -> float:
        return float(np.median(self._stamps_off)) / 1e9 if self._stamps_off else 0.0


class _NamedMessages:
    """Messages on joints that are named together.

    Attributes:
        names: In order of appearance.
        times: Of arrival [ns].
        width: Most numbers in one message.
        samples: Name, or place of a number without one -> (seconds, position).
        twice: Names that a message has more than once.
        uneven: Whether one had another number of positions than of names.
    """

    def __init__(self) -> None:
        self.names: dict[str, None] = {}
        self.times: list[int] = []
        self.width = 0
        self.samples: dict[str, list[tuple[float, float]]] = {}
        self.twice: set[str] = set()
        self.uneven = False

    def receive(self, message: Any, names: Sequence[str], now_ns: int) -> None:
        self.times.append(now_ns)
        if len(set(names)) < len(names):
            self.twice |= {name for name, times in Counter(names).items() if times > 1}
        for seconds, values in _rows(message):
            if len(values) > _MOST_JOINTS:
                continue
            self.width = max(self.width, len(values))
            if names and len(values) not in {0, len(names)}:
                self.uneven = True  # Which value is whose, nobody knows.
                continue
            keys = names or [str(place) for place in range(len(values))]
            for key, value in zip(keys, values, strict=False):
                kept = self.samples.setdefault(key, [])
                if len(kept) < _MOST_SAMPLES and abs(value) < _FARTHEST:
                    kept.append((now_ns / 1e9 + seconds, float(value)))

    def useless(self, name: str) -> str:
        """The reason why no value of a name can be used; '' if one can."""
        if name in self.twice:
            return 'messages have it twice'
        if self.samples.get(name):
            return ''
        if self.uneven:
            return 'messages have another number of positions than of names'
        return 'no position is a number below 1e9' if name in self.samples else ''

    def add(self, other: _NamedMessages) -> None:
        """Add the messages of another group."""
        self.names |= other.names
        self.times += other.times
        self.width = max(self.width, other.width)
        self.twice |= other.twice
        self.uneven = self.uneven or other.uneven
        for key, kept in other.samples.items():
            self.samples.setdefault(key, []).extend(kept)


def _period_s(times: Sequence[int]) -> float:
    """Time between messages that nine of ten keep [s]; 0 of fewer than two."""
    gaps = np.diff(np.sort(np.array(times, np.int64)))
    return float(np.quantile(gaps, 0.9)) / 1e9 if len(gaps) else 0.0


def _rows(message: Any) -> Iterator[tuple[float, Any]]:
    if hasattr(message, 'points'):
        for point in message.points:
            yield time_ns(point.time_from_start) / 1e9, point.positions
    else:
        yield 0.0, message.position if hasattr(message, 'position') else message.data


def _motion(samples: list[tuple[float, float]]) -> ObservedMotion:
    times, values = np.array(sorted(samples)).T
    later = np.searchsorted(times, times + _SPEED_OVER_S)
    there = later < len(times)
    speed = 0.0
    if there.any():
        moved = np.abs(values[later[there]] - values[there])
        # One in a hundred may be an outlier.
        speeds = moved / (times[later[there]] - times[there])
        speed = float(np.quantile(speeds, 0.99, method='higher'))
    return ObservedMotion(float(values.min()), float(values.max()), speed)
