"""The topics of a recording: of which types their messages are, and in which encodings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from neuracore_ros.bags.definitions import STOCK
from neuracore_ros.bags.storage import LEROBOT, Storage
from neuracore_ros.errors import BagError
from neuracore_ros.wording import counted

READABLE = tuple(STOCK)


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as the recording has it.

    Attributes:
        name: As recorded.
        type: Of its messages, ``package/msg/Name``.
        count: Messages of this type.
        serialization: How they are encoded.
        others: The same topic, as far as it has messages of other types.
        also: Other types whose messages these can stand for.
    """

    name: str
    type: str
    count: int
    serialization: str = 'cdr'
    others: tuple[Topic, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def is_readable(self) -> bool:
        """True if messages in this encoding can be read."""
        return self.serialization in READABLE or self.serialization == LEROBOT

    def holds(self, kind: str) -> bool:
        """True if its messages are of this type, or can stand for such."""
        return kind == self.type or kind in self.also

    @property
    def kinds(self) -> tuple[Topic, ...]:
        """Types of the topic: those that can be read first, then those with most messages."""
        return (self, *self.others)

    def require_readable(self, bag: Path) -> None:
        """Check the encoding.

        Raises:
            BagError: It is none of ROS.
        """
        if self.is_readable:
            return
        form, _, shape = self.serialization.partition(': ')
        if form == LEROBOT:
            raise BagError(
                f'{bag}: {self.name} is {shape}; of a LeRobot dataset, numbers in a row, texts '
                'and images of colours can be read, and depths that lie in its tables'
            )
        raise BagError(
            f'{bag}: messages on {self.name} are encoded as {self.serialization!r}; only '
            f'{" (ROS 2) and ".join(READABLE)} can be read: record with ros2 bag record, or '
            'rewrite the file as one of ROS 2'
        )

    def left_out_for(self, chosen: Topic) -> str:
        """The loss of these messages, in one line, where another type of the topic is read."""
        how = f'of type {self.type}, not {chosen.type}'
        if self.type == chosen.type:
            how = f'encoded as {self.serialization!r}'
        return f'{self.name}: {counted(self.count, "message")} {how}'

    def __str__(self) -> str:
        return f'{self.name} ({self.type or "no type"}, {counted(self.count, "message")})'


def topics_of(storages: Iterable[Storage]) -> dict[str, Topic]:
    """Every topic, and what it holds."""
    counts: dict[str, Counter[tuple[str, str]]] = {}
    also: dict[str, tuple[str, ...]] = {}
    for storage in storages:
        for number, connection in storage.connections.items():
            kinds = counts.setdefault(connection.topic, Counter())
            kinds[connection.type, connection.serialization] += storage.counts[number]
            also.setdefault(connection.topic, connection.also)
    topics = {}
    for name, kinds in sorted(counts.items()):
        found = [
            Topic(name, kind, n, how, also=also[name]) for (kind, how), n in kinds.most_common()
        ]
        first, *others = sorted(found, key=lambda each: (not each.count, not each.is_readable))
        topics[name] = replace(first, others=tuple(others))
    return topics
