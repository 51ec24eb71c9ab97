"""One ROS 1 bag (version 2.0), whole, unindexed or damaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from struct import Struct, iter_unpack

from neuracore_ros.bags.chunk import MALFORMED, MOST_BYTES, Chunk, ChunkContent
from neuracore_ros.bags.chunk_file import ChunkFile
from neuracore_ros.bags.storage import (
    MOST_DEFINITION,
    Connection,
    DamageError,
    RawMessage,
    ros_type,
)

MAGIC = b'#ROSBAG V2.0\n'
MESSAGE, BAG_HEADER, INDEX, CHUNK, CHUNK_INFO, CONNECTION = 2, 3, 4, 5, 6, 7
LARGEST_HEADER = 1 << 20
_SIZE = Struct('<I')
_TIME = Struct('<II')


class Ros1File(ChunkFile):
    """See :class:`~neuracore_ros.bags.chunk_file.ChunkFile`."""

    def read_index(self) -> None:
        """Read the connections and chunk infos that the bag header points to."""
        if self.exactly(0, min(len(MAGIC), self.size)) != MAGIC:
            raise DamageError('this is no ROS 1 bag of version 2.0')
        header, _, _ = self._record(len(MAGIC))
        if _op(header) != BAG_HEADER:
            raise DamageError('there is no bag header')
        if header.get('encryptor'):
            raise DamageError('it is encrypted')
        (place,) = Struct('<Q').unpack(header['index_pos'])
        if not place:
            raise DamageError('the bag is not indexed')
        while place < self.size:
            fields, body, size = self._record(place)
            if _op(fields) == CONNECTION:
                self._define(fields, self.exactly(body, size), self.connections)
            elif _op(fields) == CHUNK_INFO:
                self.chunks.append(self._indexed(fields, self.exactly(body, size)))
            place = body + size
        (expected,) = _SIZE.unpack(header['chunk_count'])
        if len(self.chunks) != expected:
            raise DamageError('the index is not whole')
        if not self.counts.keys() <= self.connections.keys():
            raise DamageError('the index lacks connections')
        full = [chunk for chunk in self.chunks if chunk.connections]
        self.start_ns = min((chunk.start_ns for chunk in full), default=0)
        self.end_ns = max((chunk.end_ns for chunk in full), default=0)

    def scan(self) -> Iterator[Chunk]:
        """Every chunk, as far as records follow each other."""
        place = len(MAGIC)
        while place < self.size:
            fields, body, size = self._record(place)
            try:
                op = _op(fields)
                if op == CHUNK:
                    yield self._chunk(fields, body, size)
                elif op == CONNECTION:
                    self._define(fields, self.exactly(body, size), self.connections)
                elif op not in {BAG_HEADER, INDEX, CHUNK_INFO}:
                    raise DamageError(f'there is no record {op}')
            except MALFORMED as error:
                raise DamageError(str(error), place) from error
            # Of a chunk, this is said when it is read.
            if body + size > self.size and op != CHUNK:
                raise DamageError('the file ends within a record', place)
            place = body + size

    def parse(self, data: memoryview, found: ChunkContent) -> None:
        """Find the messages and connections in the data of a chunk."""
        place = 0
        while place < len(data):
            fields, body = _fields(data, place)
            (size,) = _SIZE.unpack_from(data, body)
            body += _SIZE.size
            if body + size > len(data):
                raise DamageError('ends within a record')
            op = _op(fields)
            if op == MESSAGE:
                (connection,) = _SIZE.unpack(fields['conn'])
                found.add(
                    RawMessage(_time_ns(fields['time']), connection, data[body : body + size])
                )
            elif op == CONNECTION:
                self._define(fields, bytes(data[body : body + size]), found.connections)
            else:
                raise DamageError(f'record {op} within a chunk')
            place = body + size

    def _record(self, place: int) -> tuple[dict[str, bytes], int, int]:
        """Fields of the record there; offset and size of its data."""
        try:
            (size,) = _SIZE.unpack(self.exactly(place, _SIZE.size))
            if size > LARGEST_HEADER:
                raise DamageError('there is no record')
            fields, _ = _fields(self.exactly(place, _SIZE.size + size), 0)
            body = place + _SIZE.size + size
            (size,) = _SIZE.unpack(self.exactly(body, _SIZE.size))
        except MALFORMED as error:
            raise DamageError(str(error), place) from error
        return fields, body + _SIZE.size, size

    def _chunk(self, fields: dict[str, bytes], body: int, size: int) -> Chunk:
        is_cut = body + size > self.size
        if is_cut:
            size = min(self.size - body, MOST_BYTES)
        (raw_size,) = _SIZE.unpack(fields['size'])
        return Chunk(body, size, fields['compression'].decode(), raw_size, is_cut=is_cut)

    def _indexed(self, info: dict[str, bytes], data: bytes) -> Chunk:
        """The chunk of a chunk info."""
        (place,) = Struct('<Q').unpack(info['chunk_pos'])
        fields, body, size = self._record(place)
        if _op(fields) != CHUNK:
            raise DamageError('the index lists a chunk where there is none')
        counts = dict(iter_unpack('<II', data))
        self.counts.update(counts)
        return replace(
            self._chunk(fields, body, size),
            start_ns=_time_ns(info['start_time']),
            end_ns=_time_ns(info['end_time']),
            connections=frozenset(counts),
            is_cut=False,
        )

    def _define(
        self, fields: dict[str, bytes], data: bytes, connections: dict[int, Connection]
    ) -> None:
        (number,) = _SIZE.unpack(fields['conn'])
        more, _ = _fields(_SIZE.pack(len(data)) + data, 0)
        # Recorders write doubled slashes as they were typed.
        topic = fields['topic'].decode(errors='backslashreplace')
        name = '/' * topic.startswith('/') + '/'.join(part for part in topic.split('/') if part)
        kind = ros_type(more['type'].decode(errors='backslashreplace'))
        # A comment in it may be in an older encoding.
        definition = more['message_definition'].decode(errors='backslashreplace')
        definition = definition[: MOST_DEFINITION + 1]
        self.keep(number, Connection(name, kind, 'ros1', 'ros1msg', definition), connections)


def _fields(data: bytes | memoryview, place: int) -> tuple[dict[str, bytes], int]:
    """Name -> value of the header at a place, and where it ends."""
    (size,) = _SIZE.unpack_from(data, place)
    place += _SIZE.size
    end = place + size
    if end > len(data):
        raise DamageError('ends within a record')
    found = {}
    while place < end:
        (size,) = _SIZE.unpack_from(data, place)
        place += _SIZE.size
        name, equals, value = bytes(data[place : place + size]).partition(b'=')
        place += size
        if not equals or place > end:
            raise DamageError('there is no record')
        found[name.decode()] = value
    return found, end


def _op(fields: dict[str, bytes]) -> int:
    op = fields.get('op', b'')
    return op[0] if len(op) == 1 else 0


def _time_ns(data: bytes) -> int:
    seconds, nanoseconds = _TIME.unpack(data)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)
