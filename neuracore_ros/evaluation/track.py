"""What is replayed: the ticks of a recording, and what was commanded at each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from neuracore_ros.arrays import FloatArray

Hear = Callable[[str, Any, int], None]
"""Takes a message: its topic as declared, itself, and when it arrived [ns]."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One step of a recording.

    Attributes:
        now_ns: Its time.
        piece: Ticks with equal numbers follow each other without a gap.
    """

    now_ns: int
    piece: int


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

    def play(self, hear: Hear) -> Iterator[Tick]:
        """Give the ticks, each after all messages that came before it were heard."""
