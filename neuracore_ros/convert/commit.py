"""Staged episodes become part of the dataset, in the order of the command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from neuracore_ros.convert.convert_bag import Done, Event, Piece
from neuracore_ros.convert.result import BagResult
from neuracore_ros.dataset.writer import DatasetWriter


def in_order(events: Iterable[tuple[int, Event]]) -> Iterator[Event]:
    """Hold back what belongs to a later recording than the one whose turn it is.

    Args:
        events: With the place of their recording, each place's in order.
    """
    held: dict[int, list[Event]] = {}
    turn = 0
    for place, event in events:
        held.setdefault(place, []).append(event)
        while turn in held:
            ready = held.pop(turn)
            yield from ready
            if not isinstance(ready[-1], Done):
                break
            turn += 1


class Committer:
    """Adds what was staged, unless it is in the dataset already.

    Args:
        writer: The dataset.
        robot: Whose recordings these are.
    """

    def __init__(self, writer: DatasetWriter, robot: str) -> None:
        self._writer = writer
        metadata = writer.metadata
        self._finished = {b.fingerprint: b.bag for b in metadata.bags if b.robot == robot}
        self._starts_ns: dict[str, set[int]] = {}
        for episode in metadata.episodes:
            if episode.robot == robot:
                self._starts_ns.setdefault(episode.fingerprint, set()).add(episode.start_ns)
        self._written: list[int] = []
        self._steps = 0

    def add(self, piece: Piece) -> None:
        """Commit one episode of the recording whose turn it is."""
        episode = piece.episode
        starts_ns = self._starts_ns.setdefault(episode.fingerprint, set())
        if episode.fingerprint in self._finished or episode.start_ns in starts_ns:
            piece.staged.discard()
            return
        self._written.append(self._writer.commit(piece.staged, episode))
        self._steps += episode.steps
        starts_ns.add(episode.start_ns)

    def end(self, done: Done) -> BagResult:
        """Note the end of a recording.

        Returns:
            What became of it.
        """
        earlier = len(self._starts_ns.get(done.fingerprint, ())) - len(self._written)
        if done.fingerprint in self._finished:
            known_as = self._finished[done.fingerprint]
            return BagResult(done.result.bag, earlier=earlier, known_as=known_as)
        if done.bag is not None:
            self._writer.finish_bag(done.bag)
            self._finished[done.fingerprint] = done.bag.bag
        result = replace(
            done.result, episodes=tuple(self._written), steps=self._steps, earlier=earlier
        )
        self._written, self._steps = [], 0
        return result
