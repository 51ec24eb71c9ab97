"""The episode that is being recorded: its bag, and the messages that came and were lost."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neuracore_ros.bags.writer import BagWriter

# The most that is lost if the recorder is killed.
FLUSH_PERIOD_S = 1.0


@dataclass(frozen=True, slots=True)
class RecordedEpisode:
    """The result of one recorded episode.

    Attributes:
        path: The bag; of a discarded episode, where it would have been.
        outcome: ``stop``, ``success`` or ``discard``.
        counts: Topic -> messages.
        lost: Topic -> messages that were sent, but never arrived; only where there are any.
        duration_s: From the first message to the last [s].
        size: Of all messages [bytes].
        pair: Its label; '' none.
    """

    path: Path
    outcome: str
    counts: dict[str, int]
    lost: dict[str, int]
    duration_s: float
    size: int
    pair: str = ''

    def as_json(self, next_pair: str | None = None) -> str:
        """The episode as JSON, for the answers of services; and the label that is next."""
        record = {**asdict(self), 'path': str(self.path)}
        return json.dumps(record if next_pair is None else record | {'next_pair': next_pair})


class RunningEpisode:
    """An episode that is being recorded.

    Args:
        bag: Writes its bag.
        started_ns: When it began, by the node's clock [ns].
        pair: See below.

    Attributes:
        bag: Writes its bag.
        pair: Its label; '' none.
        lost: Topic -> messages that were sent, but never arrived.
    """

    def __init__(self, bag: BagWriter, started_ns: int, pair: str = '') -> None:
        self.bag = bag
        self.pair = pair
        self.lost: Counter[str] = Counter()
        self._started_ns = started_ns
        self._flushed_s = time.monotonic()

    def duration_s(self, now_ns: int) -> float:
        """The length of the episode so far [s]."""
        return (now_ns - self._started_ns) / 1e9

    def flush(self) -> None:
        """Hand all messages to the operating system, if that was not done for a while.

        Raises:
            OSError: The disk takes no more.
        """
        now_s = time.monotonic()
        if now_s - self._flushed_s > FLUSH_PERIOD_S:
            self._flushed_s = now_s
            self.bag.flush()

    def result(
        self, outcome: str, topics: Collection[str], beside: Collection[str]
    ) -> RecordedEpisode:
        """The result of the episode so far.

        Args:
            outcome: How it ended.
            topics: Those whose messages are counted.
            beside: Those that are counted only where they have messages.
        """
        counts = {topic: self.bag.counts[topic] for topic in topics}
        counts |= {topic: count for topic in beside if (count := self.bag.counts[topic])}
        return RecordedEpisode(
            self.bag.path,
            outcome,
            counts,
            dict(self.lost),
            self.bag.duration_s,
            self.bag.size,
            self.pair,
        )
