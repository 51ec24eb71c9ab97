"""What comes on one topic while we look, as it comes from the wire."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable

import numpy as np

from neuracore_ros.description.source import IMAGE_TYPES
from neuracore_ros.durations import SECOND_NS
from neuracore_ros.node.live.facts import Arrivals, Domain
from neuracore_ros.node.subscriptions import message_class

_MOST_KEPT = 20_000


class Ear:
    """What came on one topic.

    Attributes:
        messages: The newest: time of arrival, and /clock then [ns], and the message.
        lost: Messages that the middleware knows to have lost.
    """

    def __init__(self, kind: str) -> None:
        """Of messages of this type."""
        fields = message_class(kind).get_fields_and_field_types()
        self.is_image = kind in IMAGE_TYPES
        self._has_header = next(iter(fields.values()), '') == 'std_msgs/Header'
        self.times: list[tuple[int, int, int]] = []  # receive, clock, stamp [ns]
        self.size = 0
        self.lost = 0
        # Of images the newest is enough: only its encoding and size are looked at.
        self.messages: deque[tuple[int, int, bytes]] = deque(
            maxlen=1 if self.is_image else _MOST_KEPT
        )

    def hear(self, data: bytes, now_ns: int, clock_ns: int) -> None:
        """Keep a serialized message, with the time of its arrival by both clocks."""
        self.times.append((now_ns, clock_ns, first_time_ns(data) if self._has_header else 0))
        self.size = max(self.size, len(data))
        self.messages.append((now_ns, clock_ns, data))

    def arrivals(self) -> Arrivals:
        """The times of all that came."""
        times = np.array(self.times, np.int64).reshape(-1, 3)
        stamps = times[:, 2] if self._has_header else times[:0, 2]
        return Arrivals(times[:, 0], times[:, 1], stamps, self.size, self.lost)


def time_domain(arrivals: Iterable[Arrivals]) -> Domain:
    """In which time most streams are stamped: this computer's, or that of /clock."""
    votes = 0
    for came in arrivals:
        if not len(came.stamp_ns):
            continue
        known = (came.clock_ns > 0) & (came.stamp_ns > 0)
        if known.any():
            to_clock = np.abs(came.clock_ns - came.stamp_ns)[known]
            to_wall = np.abs(came.receive_ns - came.stamp_ns)[known]
            votes += 1 if np.median(to_clock) < np.median(to_wall) else -1
    return 'sim' if votes > 0 else 'wall'


def first_time_ns(data: bytes) -> int:
    """The time at the start of a serialized message: of its header, or of a Clock [ns]."""
    order = '<' if data[1] & 1 else '>'
    seconds, nanoseconds = struct.unpack_from(f'{order}iI', data, 4)
    return int(seconds) * SECOND_NS + int(nanoseconds)
