"""What is replayed: the ticks of a recording, and what was commanded at each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from neuracore_ros.arrays import FloatArray
from neuracore_ros.convert.ticks import MessageCallback, Tick


class Track(Protocol):
    """One recording of one robot, replayed once.

    Attributes:
        name: For people.
        actions: Once it was played, what was commanded at each tick, each of shape (C,); NaN
            where that is not known. As in a dataset: measured types are those one step later.
        lacking: Once it was played, why there was no tick, one line; '' if there was one.
    """

    name: str
    actions: list[FloatArray]
    lacking: str

    def play(self, receive: MessageCallback) -> Iterator[Tick]:
        """Give the ticks, each when all messages up to it are received."""
