"""Files of chunks, MCAP or ROS 1: their messages, as far as they are whole."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from heapq import heappop, heappush
from itertools import count
from pathlib import Path

from neuracore_ros.bags.chunk import MALFORMED, MOST_BYTES, Chunk, ChunkContent, decompressed
from neuracore_ros.bags.storage import Connection, DamageError, RawMessage, Storage, one_line
from neuracore_ros.regular_file import open_regular

# Chunks that are read before they are needed: one or two megabytes each, as a rule.
AHEAD = 2
# Of one that is larger, the next ones are not read before they are needed [bytes].
AHEAD_BYTES = 1 << 26
# Names, types and definitions of all topics; those of a large robot have a megabyte.
MOST_DEFINED_BYTES = 1 << 26
# Messages that wait for chunks which begin before them: a few, where chunks follow each other.
MOST_WAITING_BYTES = 1 << 30
# Of a message in memory, beside its data.
_OVERHEAD_BYTES = 300
_NEVER_NS = 1 << 65


def _ahead(
    read: Callable[[Chunk], ChunkContent], chunks: Iterable[Chunk]
) -> Iterator[tuple[Chunk, ChunkContent]]:
    """Read the next chunk in a thread, while the messages of this one are used."""
    with ThreadPoolExecutor(1, 'chunks') as thread:
        coming: deque[tuple[Chunk, Future[ChunkContent]]] = deque()
        for chunk in chunks:
            coming.append((chunk, thread.submit(read, chunk)))
            while len(coming) > AHEAD or (
                len(coming) > 1 and sum(each.raw_size for each, _ in coming) > AHEAD_BYTES
            ):
                earlier, future = coming.popleft()
                yield earlier, future.result()
        for later, future in coming:
            yield later, future.result()


class ChunkFile(Storage):
    """A file of chunks.

    With an index at its end, only chunks that hold wanted messages are read. Without one, all
    of them are looked through once, and whatever is whole is kept.

    Raises:
        DamageError: It is no such file, or nothing of it can be read.
        OSError: It cannot be read at all.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.size = path.stat().st_size
        self.chunks: list[Chunk] = []
        self._room = MOST_DEFINED_BYTES
        self._file = open_regular(path)
        try:
            try:
                self.read_index()
                self._require_apart()
            except MALFORMED as error:
                self._rebuild_index(DamageError(one_line(error)))
        except BaseException:
            self._file.close()
            raise

    def read_index(self) -> None:
        """Fill in connections, counts, times and chunks from the index at the file's end.

        Raises:
            DamageError: There is none; or another of MALFORMED: it cannot be right.
        """
        raise NotImplementedError

    def scan(self) -> Iterator[Chunk]:
        """Every chunk that the file's records tell of; connections beside them are filled in.

        Raises:
            DamageError: What follows cannot be understood.
        """
        raise NotImplementedError

    def parse(self, data: memoryview, found: ChunkContent) -> None:
        """Find the messages and connections in the data of a chunk.

        Raises:
            DamageError: The rest cannot be understood; or another of MALFORMED.
        """
        raise NotImplementedError

    def messages(self, connections: Collection[int]) -> Iterator[RawMessage]:
        """Every readable message of these connections, in log order."""
        wanted = frozenset(connections)
        chunks = [
            chunk
            for chunk in sorted(self.chunks, key=lambda chunk: (chunk.start_ns, chunk.offset))
            if chunk.connections is None or not chunk.connections.isdisjoint(wanted)
        ]
        return _in_log_order(_ahead(self._read, chunks), chunks, wanted, self.losses)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def exactly(self, offset: int, size: int) -> bytes:
        """Bytes of the file.

        Raises:
            DamageError: It ends before, or they are too many.
        """
        if size > MOST_BYTES:
            raise DamageError(f'a record claims {size} bytes: more than can be right', offset)
        if size < 0 or offset < 0 or offset + size > self.size:
            raise DamageError('the file ends within a record', offset)
        # Unlike a seek, this lets several threads read; one call gives at most 2 GiB.
        data = os.pread(self._file.fileno(), size, offset)
        while data and len(data) < size:
            data += os.pread(self._file.fileno(), size - len(data), offset + len(data))
        return data

    def keep(
        self, number: int, connection: Connection, connections: dict[int, Connection]
    ) -> None:
        """Take up the definition of a connection.

        Raises:
            DamageError: All definitions together are more than a recording has.
        """
        if self.connections.get(number) != connection:
            self.take_room(sum(map(len, connection)))
        connections[number] = connection

    def take_room(self, size: int) -> None:
        """Count what is kept of definitions [bytes].

        Raises:
            DamageError: It is more than a recording has.
        """
        self._room -= size
        if self._room < 0:
            raise DamageError('names and definitions of topics are more than can be right')

    def _require_apart(self) -> None:
        """Refuse an index that lists the same bytes more than once: they would be read each time.

        Raises:
            DamageError: It does.
        """
        end = 0
        for chunk in sorted(self.chunks, key=lambda chunk: chunk.offset):
            if chunk.offset < end:
                raise DamageError('the index lists chunks that overlap')
            end = chunk.offset + max(chunk.size, 1)

    def _rebuild_index(self, reason: DamageError) -> None:
        """Fill in what an index would tell, from all that is readable.

        Raises:
            DamageError: Nothing is; for the reason given, if there is no better one.
        """
        self.connections, self.counts, self.chunks = {}, Counter(), []
        self._room = MOST_DEFINED_BYTES
        times: list[int] = []
        try:
            for chunk in self.scan():
                found = self._read(chunk)
                for number, connection in found.connections.items():
                    self.keep(number, connection, self.connections)
                self.counts.update(raw.connection for raw in found.messages)
                if found.messages:
                    log_times = [raw.log_time_ns for raw in found.messages]
                    start_ns, end_ns = min(log_times), max(log_times)
                    connections = frozenset(raw.connection for raw in found.messages)
                    times += start_ns, end_ns
                    self.chunks.append(
                        replace(chunk, start_ns=start_ns, end_ns=end_ns, connections=connections)
                    )
        except DamageError as damage:
            self.lost(damage.offset, self.size - damage.offset, str(damage))
        if not times:
            raise reason
        unknown = sum(
            messages for number, messages in self.counts.items() if number not in self.connections
        )
        if unknown:
            self.losses['unknown'] = f'{unknown} messages belong to no topic that is defined'
        self.losses['index'] = f'no index that can be used ({reason}): was the recorder killed?'
        self.start_ns, self.end_ns = min(times), max(times)

    def _read(self, chunk: Chunk) -> ChunkContent:
        """Read a chunk; of a damaged one, read up to the damage."""
        found = ChunkContent()
        try:
            stored = self.exactly(chunk.offset, chunk.size)
            self.parse(memoryview(decompressed(stored, chunk)), found)
        except MALFORMED as error:
            found.damage = str(error) or 'ends within a record'
        if chunk.is_cut:
            found.damage = found.damage or 'the file ends within it'
        if found.damage:
            kept = (
                f'; {len(found.messages)} messages before that are kept' if found.messages else ''
            )
            # The times of a chunk that is damaged may be so, too.
            span_s = (chunk.end_ns - chunk.start_ns) / 1e9
            lasts = f', {span_s:.2f} s of recording' if 0 <= span_s < 3600 else ''
            self.lost(chunk.offset, chunk.size, f'{found.damage}{kept}', lasts)
        return found

    def lost(self, offset: int, size: int, why: str, lasts: str = '') -> None:
        """Note bytes of which nothing, or nothing more, can be used."""
        self.losses[offset] = f'{size} bytes from byte {offset} on{lasts}: {why}'


def _in_log_order(
    found: Iterable[tuple[Chunk, ChunkContent]],
    chunks: Sequence[Chunk],
    wanted: frozenset[int],
    losses: dict[object, str],
) -> Iterator[RawMessage]:
    """Messages as they were logged; equal times in the order of the file.

    The chunks come in the order of their first messages; losses take what must be left out.
    """
    starts_ns = [chunk.start_ns for chunk in chunks[1:]]
    order = count()
    waiting: list[tuple[int, int, RawMessage]] = []
    room = MOST_WAITING_BYTES
    for (chunk, content), next_ns in zip(found, [*starts_ns, _NEVER_NS], strict=True):
        early = 0
        for raw in content.messages:
            if raw.connection not in wanted:
                continue
            if raw.log_time_ns < chunk.start_ns:
                early += 1
                continue
            kept = raw
            if raw.log_time_ns >= next_ns:
                size = len(raw.data) + _OVERHEAD_BYTES
                if size > room:
                    losses[chunk.offset, 'overlap'] = (
                        f'the chunk at byte {chunk.offset} overlaps others in time, with more '
                        'messages than can be sorted: the rest of it is left out'
                    )
                    break
                room -= size
                # Not a view, which would keep the whole chunk in memory.
                kept = raw._replace(data=bytes(raw.data))
            heappush(waiting, (kept.log_time_ns, next(order), kept))
        if early:
            losses[chunk.offset, 'early'] = (
                f'{early} messages are dated before their chunk, and left out'
            )
        while waiting and waiting[0][0] < next_ns:
            first = heappop(waiting)[2]
            if isinstance(first.data, bytes):
                room += len(first.data) + _OVERHEAD_BYTES
            yield first
