"""Facts out of messages, of a recording or of a running graph alike."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.source import (
    IMAGE_TYPES,
    JOINT_STATE,
    JOINT_TRAJECTORY,
    MULTI_ARRAYS,
    STRING,
    types_of,
)
from neuracore_ros.drafting.facts import Facts, ImageTopic, Motion, NumberTopic

NUMBER_TYPES = (JOINT_STATE, JOINT_TRAJECTORY, *MULTI_ARRAYS)
ROBOT_DESCRIPTION = 'robot_description'
_KNOWN = {kind for data_type in DataType for kind in types_of(data_type)}
_DEPTH_ENCODINGS = ('16UC1', '32FC1')
# Noise between two samples in quick succession would be taken for speed.
_SPEED_OVER_S = 0.05
_MOST_SAMPLES = 50_000


def is_wanted(topic: str, kind: str) -> bool:
    """Whether messages of a topic tell something that a draft needs."""
    if kind == STRING:
        return topic.rpartition('/')[2] == ROBOT_DESCRIPTION
    return kind in NUMBER_TYPES or kind in IMAGE_TYPES


class Gathering:
    """Takes messages, gives facts.

    Args:
        judges_stamps: Whether header stamps and times of arrival are of one clock.
    """

    def __init__(self, judges_stamps: bool = True) -> None:
        self._judges_stamps = judges_stamps
        self._heard: dict[str, _Heard] = {}
        self._others: dict[str, str] = {}
        self._urdfs: dict[str, str] = {}

    def announce(self, topic: str, kind: str) -> None:
        """There is such a topic, whether or not a message comes."""
        topic = f'/{topic.lstrip("/")}'
        if kind in IMAGE_TYPES or kind in NUMBER_TYPES:
            self._heard.setdefault(topic, _Heard(topic, kind))
        elif kind in _KNOWN and kind != STRING:
            self._others[topic] = kind

    def receive(self, topic: str, kind: str, message: Any, now_ns: int) -> None:
        """Take one message.

        Args:
            topic: Its topic.
            kind: ROS 2 message type.
            message: As rclpy or rosbags gives it.
            now_ns: When it arrived [ns].
        """
        if kind == STRING:
            self._urdfs[f'/{topic.lstrip("/")}'] = message.data
            return
        self.announce(topic, kind)
        self._heard[f'/{topic.lstrip("/")}'].hear(message, now_ns)

    def facts(self) -> Facts:
        """What has been learnt."""
        heard = self._heard.values()
        return Facts(
            tuple(h.numbers(self._judges_stamps) for h in heard if h.kind in NUMBER_TYPES),
            tuple(h.image(self._judges_stamps) for h in heard if h.kind in IMAGE_TYPES),
            others=dict(self._others),
            urdfs=dict(self._urdfs),
        )


class _Heard:
    """What came on one topic."""

    def __init__(self, topic: str, kind: str) -> None:
        self.topic, self.kind = topic, kind
        self._times: list[int] = []
        self._stamps: list[int] = []
        self._names: dict[str, None] = {}
        self._width = 0
        self._samples: dict[str, list[tuple[float, float]]] = {}
        self._picture, self._encoding = '', ''

    def hear(self, message: Any, now_ns: int) -> None:
        self._times.append(now_ns)
        header = getattr(message, 'header', None)
        stamp = getattr(header, 'stamp', None)
        self._stamps.append(stamp.sec * 10**9 + stamp.nanosec if stamp is not None else 0)
        if self.kind in IMAGE_TYPES:
            self._encoding = str(getattr(message, 'encoding', getattr(message, 'format', '')))
            size = f' {message.width}x{message.height}' if hasattr(message, 'width') else ''
            self._picture = f'{self._encoding}{size}'
            return
        names = [
            str(name) for name in getattr(message, 'name', getattr(message, 'joint_names', ()))
        ]
        if not any(names):
            names = []  # a publisher that leaves them blank names nothing
        self._names.update(dict.fromkeys(names))
        for seconds, values in _rows(message):
            self._width = max(self._width, len(values))
            keys = names or [str(place) for place in range(len(values))]
            for key, value in zip(keys, values, strict=False):
                kept = self._samples.setdefault(key, [])
                if len(kept) < _MOST_SAMPLES and np.isfinite(value):
                    kept.append((now_ns / 1e9 + seconds, float(value)))

    def numbers(self, judges_stamps: bool) -> NumberTopic:
        motions = {key: _motion(kept) for key, kept in self._samples.items() if kept}
        return NumberTopic(
            self.topic,
            self.kind,
            len(self._times),
            tuple(self._names),
            self._width,
            motions,
            self._period_s(),
            self._stamp_off_s() if judges_stamps else 0.0,
        )

    def image(self, judges_stamps: bool) -> ImageTopic:
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
            self._period_s(),
            self._stamp_off_s() if judges_stamps else 0.0,
        )

    def _period_s(self) -> float:
        gaps = np.diff(np.sort(np.array(self._times, np.int64)))
        return float(np.quantile(gaps, 0.9)) / 1e9 if len(gaps) else 0.0

    def _stamp_off_s(self) -> float:
        offs = [
            abs(now - stamp) for now, stamp in zip(self._times, self._stamps, strict=True) if stamp
        ]
        return float(np.median(offs)) / 1e9 if offs else 0.0


def _rows(message: Any) -> Iterator[tuple[float, Any]]:
    """(seconds after arrival, positions) of a message."""
    if hasattr(message, 'points'):
        for point in message.points:
            after = point.time_from_start
            yield after.sec + after.nanosec / 1e9, point.positions
    elif hasattr(message, 'position'):
        yield 0.0, message.position
    else:
        yield 0.0, message.data


def _motion(samples: list[tuple[float, float]]) -> Motion:
    times, values = np.array(sorted(samples)).T
    later = np.searchsorted(times, times + _SPEED_OVER_S)
    there = later < len(times)
    speed = 0.0
    if there.any():
        moved = np.abs(values[later[there]] - values[there])
        # One in fifty may be an outlier.
        speed = float(np.quantile(moved / (times[later[there]] - times[there]), 0.98))
    return Motion(float(values.min()), float(values.max()), speed)
