"""A file of chunks, MCAP or ROS 1: what is in it, and what of it is whole."""

from __future__ import annotations

import bz2
import os
import struct
import zlib
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import Any

import lz4.frame

from neuracore_ros.dataset.storage import Channel, DamageError, Raw, ZstdDecompressor, one_line
from neuracore_ros.regular_file import open_regular

# Chunks that are read before they are needed: one or two megabytes each, as a rule.
AHEAD = 2
# Of a chunk that the file ends in, no more is looked at.
LARGEST_CUT = 1 << 28


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of messages that is stored, and compressed, as one.

    Attributes:
        offset: Of its data in the file.
        size: Of its data there.
        codec: '', ``none``, ``lz4``, ``zstd`` or ``bz2``.
        raw_size: Of its data when decompressed.
        crc: Of its data when decompressed; 0 unknown.
        start_ns: Log time of its first message, [ns].
        end_ns: Log time of its last one, [ns].
        channels: Whose messages it holds; None unknown.
        is_cut: The file ends in it: what can be decompressed of it counts.
    """

    offset: int
    size: int
    codec: str
    raw_size: int
    crc: int
    start_ns: int
    end_ns: int
    channels: frozenset[int] | None = None
    is_cut: bool = False


@dataclass(slots=True)
class Found:
    """What is in the data of one chunk.

    Attributes:
        messages: In the order of the file.
        channels: Defined in it.
        damage: Why it ends early; '' if it does not.
    """

    messages: list[Raw] = field(default_factory=list)
    channels: dict[int, Channel] = field(default_factory=dict)
    damage: str = ''


def _ahead(
    read: Callable[[Chunk], Found], chunks: Iterable[Chunk]
) -> Iterator[tuple[Chunk, Found]]:
    """Read the next chunk in a thread, while the messages of this one are used."""
    with ThreadPoolExecutor(1, 'chunks') as thread:
        coming: deque[tuple[Chunk, Future[Found]]] = deque()
        for chunk in chunks:
            coming.append((chunk, thread.submit(read, chunk)))
            if len(coming) > AHEAD:
                earlier, future = coming.popleft()
                yield earlier, future.result()
        for later, future in coming:
            yield later, future.result()


class ChunkFile:
    """Implements :class:`~neuracore_ros.dataset.storage.Storage`.

    With an index at its end, only chunks that hold wanted messages are read. Without one, all
    of them are looked through once, and whatever is whole is kept.

    Args:
        path: The file.

    Raises:
        DamageError: It is no such file, or nothing of it can be read.
        OSError: It cannot be read at all.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size
        self.channels: dict[int, Channel] = {}
        self.counts: Counter[int] = Counter()
        self.start_ns = self.end_ns = 0
        self.losses: dict[object, str] = {}
        self.chunks: list[Chunk] = []
        self._file = open_regular(path)
        try:
            try:
                self.read_index()
            except MALFORMED as error:
                self._rebuild_index(DamageError(one_line(error)))
        except BaseException:
            self._file.close()
            raise

    def read_index(self) -> None:
        """Fill in channels, counts, times and chunks from the index at the file's end.

        Raises:
            DamageError: There is none; or another of MALFORMED: it cannot be right.
        """
        raise NotImplementedError

    def scan(self) -> Iterator[Chunk]:
        """Every chunk that the file's records tell of; channels beside them are filled in.

        Raises:
            DamageError: What follows cannot be understood.
        """
        raise NotImplementedError

    def parse(self, data: memoryview) -> Found:
        """Messages and channels in the data of a chunk."""
        raise NotImplementedError

    def messages(self, channels: Collection[int]) -> Iterator[Raw]:
        """All readable messages of these channels in log order."""
        wanted = frozenset(channels)
        held: list[Raw] = []
        chunks = [
            chunk
            for chunk in sorted(self.chunks, key=lambda chunk: (chunk.start_ns, chunk.offset))
            if chunk.channels is None or not chunk.channels.isdisjoint(wanted)
        ]
        for chunk, found in _ahead(self._read, chunks):
            # Chunks may overlap in time: what is earlier than this one can go.
            place = bisect_left(held, chunk.start_ns, key=_LOG_TIME)
            yield from held[:place]
            fresh = [raw for raw in found.messages if raw.channel in wanted]
            early = sum(raw.log_time_ns < chunk.start_ns for raw in fresh)
            if early:
                text = f'{early} messages are dated before their chunk, and left out'
                self.losses[chunk.offset, 'early'] = text
                fresh = [raw for raw in fresh if raw.log_time_ns >= chunk.start_ns]
            held = sorted([*held[place:], *fresh], key=_LOG_TIME)
        yield from held

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def exactly(self, offset: int, size: int) -> bytes:
        """Bytes of the file.

        Raises:
            DamageError: It ends before.
        """
        if size < 0 or offset < 0 or offset + size > self.size:
            raise DamageError('the file ends within a record', offset)
        # Unlike a seek, this lets several threads read; one call gives at most 2 GiB.
        data = os.pread(self._file.fileno(), size, offset)
        while data and len(data) < size:
            data += os.pread(self._file.fileno(), size - len(data), offset + len(data))
        return data

    def _rebuild_index(self, reason: DamageError) -> None:
        """Fill in what an index would tell, from all that is readable.

        Raises:
            DamageError: Nothing is; for the reason given, if there is no better one.
        """
        self.channels, self.counts, self.chunks = {}, Counter(), []
        times: list[int] = []
        try:
            for chunk in self.scan():
                found = self._read(chunk)
                self.channels.update(found.channels)
                self.counts.update(raw.channel for raw in found.messages)
                if found.messages:
                    log_times = [raw.log_time_ns for raw in found.messages]
                    start_ns, end_ns = min(log_times), max(log_times)
                    channels = frozenset(raw.channel for raw in found.messages)
                    times += start_ns, end_ns
                    self.chunks.append(
                        replace(chunk, start_ns=start_ns, end_ns=end_ns, channels=channels)
                    )
        except DamageError as damage:
            self.lost(damage.offset, self.size - damage.offset, str(damage))
        if not times:
            raise reason
        unknown = sum(
            count for number, count in self.counts.items() if number not in self.channels
        )
        if unknown:
            self.losses['unknown'] = f'{unknown} messages belong to no topic that is defined'
        self.losses['index'] = f'no index that can be used ({reason}): was the recorder killed?'
        self.start_ns, self.end_ns = min(times), max(times)

    def _read(self, chunk: Chunk) -> Found:
        """What is in a chunk; of a damaged one what comes before the damage."""
        try:
            found = self.parse(memoryview(_data(self.exactly(chunk.offset, chunk.size), chunk)))
        except DamageError as damage:
            found = Found(damage=str(damage))
        if chunk.is_cut:
            found.damage = found.damage or 'the file ends within it'
        if found.damage:
            count = len(found.messages)
            kept = f'; {count} messages before that are kept' if count else ''
            # The times of a chunk that is damaged may be so, too.
            span_s = (chunk.end_ns - chunk.start_ns) / 1e9
            lasts = f', {span_s:.2f} s of recording' if 0 <= span_s < 3600 else ''
            self.lost(chunk.offset, chunk.size, f'{found.damage}{kept}', lasts)
        return found

    def lost(self, offset: int, size: int, why: str, lasts: str = '') -> None:
        """Note bytes of which nothing, or nothing more, can be used."""
        self.losses[offset] = f'{size} bytes from byte {offset} on{lasts}: {why}'


def _data(stored: bytes, chunk: Chunk) -> bytes:
    """The decompressed data of a chunk; of one that is cut, as far as there is any.

    Raises:
        DamageError: It cannot be decompressed, or is not what was compressed.
    """
    if chunk.codec in {'', 'none'}:
        data = stored
    elif chunk.codec not in _DECOMPRESSORS:
        raise DamageError(f'compression {chunk.codec!r} is unknown')
    else:
        try:
            data = _DECOMPRESSORS[chunk.codec]().decompress(stored)
        except Exception as error:  # each library has its own
            raise DamageError(f'cannot be decompressed ({one_line(error)})') from error
    if not chunk.is_cut:
        if len(data) != chunk.raw_size:
            raise DamageError(f'has {len(data)} bytes decompressed, not {chunk.raw_size}')
        if chunk.crc and zlib.crc32(data) != chunk.crc:
            raise DamageError('its checksum is wrong')
    return data


MALFORMED = (DamageError, ValueError, LookupError, OverflowError, struct.error)
"""What parsing damaged bytes may raise."""

_LOG_TIME = itemgetter(0)
_DECOMPRESSORS: dict[str, Any] = {
    'zstd': ZstdDecompressor,
    'lz4': lz4.frame.LZ4FrameDecompressor,
    'bz2': bz2.BZ2Decompressor,
}
