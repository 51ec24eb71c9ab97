"""One MCAP file, whole or damaged."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from struct import Struct, iter_unpack

from neuracore_ros.bags.chunk import MALFORMED, MOST_BYTES, Chunk, ChunkContent
from neuracore_ros.bags.chunk_file import ChunkFile
from neuracore_ros.bags.storage import (
    DEFINITIONS,
    LATEST_NS,
    MOST_DEFINITION,
    Connection,
    DamageError,
    RawMessage,
    one_line,
    ros_type,
)

MAGIC = b'\x89MCAP0\r\n'
FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK = 2, 3, 4, 5, 6
CHUNK_INDEX, STATISTICS, DATA_END, FIRST_PRIVATE = 8, 11, 15, 128

RECORD = Struct('<BQ')  # opcode, length
_FOOTER = Struct('<QQI')  # start of the summary, of its offsets; checksum of the summary
_MESSAGE = Struct('<HIQQ')  # channel, sequence, log time, publish time
_CHUNK = Struct('<QQQI')  # first and last log time, size and checksum when decompressed
_CHUNK_INDEX = Struct('<QQQQ')  # first and last log time, offset, length
_STATISTICS = Struct('<QHIIIIQQ')  # messages, ..., first and last log time

# Messages outside of chunks are sorted and read in runs of about this size.
RUN_BYTES = 1 << 20


class McapFile(ChunkFile):
    """See :class:`~neuracore_ros.bags.chunk_file.ChunkFile`."""

    def read_index(self) -> None:
        """Read the summary section."""
        self._schemas: dict[int, tuple[str, str, str]] = {}
        if self.exactly(0, len(MAGIC)) != MAGIC:
            raise DamageError('this is no MCAP file')
        end = self.size - len(MAGIC) - _FOOTER.size - RECORD.size
        tail = self.exactly(end, self.size - end)
        if not tail.endswith(MAGIC) or tail[0] != FOOTER:
            raise DamageError('the file has no end')
        start, _, crc = _FOOTER.unpack_from(tail, RECORD.size)
        if not 0 < start <= end:
            raise DamageError('it has no summary')
        summary = self.exactly(start, end - start)
        # The checksum covers the footer as far as the checksum itself.
        if crc and zlib.crc32(tail[: RECORD.size + 16], zlib.crc32(summary)) != crc:
            raise DamageError('the checksum of the summary is wrong')
        statistics = None
        for opcode, body in _parsed(memoryview(summary)):
            if opcode == CHUNK_INDEX:
                self.chunks.append(self._indexed(body))
            elif opcode == STATISTICS:
                statistics = _STATISTICS.unpack_from(body)
                self.counts.update(dict(iter_unpack('<HQ', body[_STATISTICS.size + 4 :])))
            else:
                self._define(opcode, body, self.connections)
        if statistics is None:
            raise DamageError('the summary has no statistics')
        messages, *_, chunks, self.start_ns, self.end_ns = statistics
        if len(self.chunks) != chunks or (messages and not chunks):
            raise DamageError('the summary lists no chunks')
        if max(self.start_ns, self.end_ns) > LATEST_NS:
            raise DamageError('the summary dates messages beyond the year 2262')
        if not self.counts.keys() <= self.connections.keys():
            raise DamageError('the summary lacks channels')

    def scan(self) -> Iterator[Chunk]:
        """Every chunk, and every run of messages outside of chunks."""
        run = end = len(MAGIC)
        try:
            for opcode, body, size in self._records():
                if opcode != MESSAGE or end - run >= RUN_BYTES:
                    yield from _run(run, end)
                    run = end
                end = body + size
                if opcode == MESSAGE:
                    continue
                run = end
                try:
                    if opcode == CHUNK:
                        yield self._chunk(body, size)
                    elif opcode in {SCHEMA, CHANNEL}:
                        self._define(opcode, self.exactly(body, size), self.connections)
                except MALFORMED as error:
                    self.lost(body, size, one_line(error))
        except DamageError:
            yield from _run(run, end)
            raise
        yield from _run(run, end)

    def parse(self, data: memoryview, found: ChunkContent) -> None:
        """Find the messages and connections in the data of a chunk."""
        for opcode, body in _parsed(data):
            if opcode == MESSAGE:
                connection, _, log_time_ns, _ = _MESSAGE.unpack_from(body)
                if log_time_ns > LATEST_NS:
                    raise DamageError('a message is dated beyond the year 2262')
                found.add(RawMessage(log_time_ns, connection, body[_MESSAGE.size :]))
            elif opcode in {SCHEMA, CHANNEL}:
                self._define(opcode, body, found.connections)
            else:
                raise DamageError(f'record {opcode} within a chunk')

    def _records(self) -> Iterator[tuple[int, int, int]]:
        """Opcode, offset of the body and size of each record of the data section."""
        offset = len(MAGIC)
        while offset < self.size:
            opcode, size = RECORD.unpack(self.exactly(offset, RECORD.size))
            if opcode in {DATA_END, FOOTER}:
                return
            if not (0 < opcode < DATA_END or opcode >= FIRST_PRIVATE):
                raise DamageError(f'there is no record {opcode}', offset)
            body = offset + RECORD.size
            # Of a chunk that the file ends in, something may be readable.
            if body + size > self.size and opcode != CHUNK:
                raise DamageError('the file ends within a record', offset)
            yield opcode, body, size
            offset = body + size

    def _chunk(self, body: int, size: int) -> Chunk:
        """The chunk whose record has its body there."""
        start_ns, end_ns, raw_size, crc = _CHUNK.unpack(self.exactly(body, _CHUNK.size))
        codec, end = _text(self.exactly(body + _CHUNK.size, 12), 0)
        offset = body + _CHUNK.size + end + 8
        size -= offset - body
        is_cut = offset + size > self.size
        if is_cut:
            size = min(self.size - offset, MOST_BYTES)
        return Chunk(
            offset, size, codec, raw_size, crc=crc, start_ns=start_ns, end_ns=end_ns, is_cut=is_cut
        )

    def _indexed(self, body: memoryview) -> Chunk:
        """The chunk of a chunk index."""
        start_ns, end_ns, offset, length = _CHUNK_INDEX.unpack_from(body)
        (size,) = Struct('<I').unpack_from(body, _CHUNK_INDEX.size)
        place = _CHUNK_INDEX.size + 4 + size
        connections = frozenset(c for c, _ in iter_unpack('<HQ', body[place - size : place]))
        codec, end = _text(body, place + 8)
        (record,) = Struct('<B').unpack(self.exactly(offset, 1))
        head = RECORD.size + _CHUNK.size
        if record != CHUNK or self.exactly(offset + head, 4 + len(codec))[4:] != codec.encode():
            raise DamageError('the summary lists a chunk where there is none')
        (crc,) = Struct('<I').unpack(self.exactly(offset + head - 4, 4))
        sizes = Struct('<QQ').unpack_from(body, end)
        data = offset + head + 4 + len(codec) + 8
        if data + sizes[0] > offset + length:
            raise DamageError('the summary lists a chunk beyond its record')
        return Chunk(
            data,
            sizes[0],
            codec,
            sizes[1],
            crc=crc,
            start_ns=start_ns,
            end_ns=end_ns,
            # Files without message indexes do not tell what is in a chunk.
            connections=connections or None,
        )

    def _define(
        self, opcode: int, body: bytes | memoryview, connections: dict[int, Connection]
    ) -> None:
        if opcode == SCHEMA:
            (number,) = Struct('<H').unpack_from(body)
            name, place = _text(body, 2)
            encoding, place = _text(body, place)
            # Another's definition may be binary, and is of no use here.
            definition = _text(body, place)[0] if encoding in DEFINITIONS else ''
            schema = name, encoding, definition[: MOST_DEFINITION + 1]
            if self._schemas.get(number) != schema:
                self.take_room(sum(map(len, schema)))
            self._schemas[number] = schema
        elif opcode == CHANNEL:
            number, schema_number = Struct('<HH').unpack_from(body)
            topic, place = _text(body, 4)
            serialization, _ = _text(body, place)
            name, encoding, definition = self._schemas.get(schema_number, ('', '', ''))
            connection = Connection(
                topic, ros_type(name), serialization.lower(), encoding, definition
            )
            self.keep(number, connection, connections)


def _parsed(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Opcode and body of each record.

    Raises:
        DamageError: The last one is not whole.
    """
    place, end = 0, len(data)
    while place < end:
        if place + RECORD.size > end:
            raise DamageError('ends within a record')
        opcode, size = RECORD.unpack_from(data, place)
        place += RECORD.size
        if place + size > end:
            raise DamageError('ends within a record')
        yield opcode, data[place : place + size]
        place += size


def _run(start: int, end: int) -> Iterator[Chunk]:
    """Messages outside of chunks, as a chunk; none if there are none."""
    if start < end:
        yield Chunk(start, end - start, '', end - start)


def _text(data: bytes | memoryview, place: int) -> tuple[str, int]:
    """The string with its length before it, and where it ends; bytes that are no text are escaped.

    Raises:
        DamageError: It ends beyond the data.
    """
    (size,) = Struct('<I').unpack_from(data, place)
    end = place + 4 + int(size)
    if end > len(data):
        raise DamageError('a text ends beyond its record')
    return str(data[place + 4 : end], errors='backslashreplace'), end
