"""One sqlite3 file of a rosbag2 recording, whole or damaged."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from struct import Struct
from typing import Any

from neuracore_ros.bags.sqlite_database import Database
from neuracore_ros.bags.storage import (
    Connection,
    DamageError,
    RawMessage,
    Storage,
    one_line,
    ros_type,
)
from neuracore_ros.regular_file import open_regular

_ROWS = 'SELECT rowid, topic_id, timestamp, data FROM messages'
THIS = f'{_ROWS} WHERE rowid = ?'
ALL_AFTER = f'{_ROWS} WHERE rowid > ? ORDER BY rowid'
AFTER = f'{ALL_AFTER} LIMIT 1'
LAST = f'{ALL_AFTER} DESC LIMIT 1'
HEADER_BYTES = 100
_PAGES = Struct('>I')  # number of pages, in the file's header
_PAGE_SIZE = Struct('>H')
_BROKEN = (sqlite3.Error, OverflowError)
# Places at which reading is taken up again, before the rest of a file is given up.
MOST_HOLES = 1000
TOO_MUCH = 'its messages are more than a file of its size can hold'


def cut_bytes(path: Path) -> int:
    """Count the bytes after the last whole page of a file.

    sqlite would fill up such a page with zeros, and give them out as data.
    """
    header = _header(path)
    return path.stat().st_size % _page_size(header) if len(header) == HEADER_BYTES else 0


def expected_size(header: bytes) -> int | None:
    """The size of the file with this header [bytes]; None if it cannot be relied on."""
    # The number of pages is only kept up when these two are equal.
    if header[24:28] != header[92:96]:
        return None
    return int(_PAGES.unpack_from(header, 28)[0]) * _page_size(header)


class SqliteFile(Storage):
    """A sqlite3 file of whole pages; see :class:`Database` for what it is opened with.

    Raises:
        DamageError: It is no such file, or nothing of it can be read.
    """

    def __init__(self, path: Path, size: int, has_journal: bool = False) -> None:
        super().__init__(path)
        self._rows: list[tuple[int, int, int]] | None = None
        self._size = size
        try:
            self._database = Database(path, size, has_journal)
            self._read_topics()
        except (*_BROKEN, ValueError) as error:
            raise DamageError(one_line(error)) from error
        try:
            missing = self._missing_bytes()
            if missing:
                raise sqlite3.DatabaseError(f'{missing} bytes are missing at the end')
            self._count()
        except (*_BROKEN, TypeError, ValueError) as error:
            self._rebuild(error)

    def messages(self, connections: Collection[int]) -> Iterator[RawMessage]:
        """Every readable message of these connections, in log order."""
        wanted = frozenset(connections)
        last = (-1, -1)
        # Values may share pages of a forged file, but not of one that a recorder wrote.
        left = self._size
        if self._rows is None:
            # Times and row numbers come from the index alone, so that nothing large is sorted,
            # and a row that contradicts the index shows.
            order = 'SELECT timestamp, rowid FROM messages ORDER BY timestamp, rowid'
            places = ','.join(map(str, sorted(wanted)))
            query = f'{THIS} AND topic_id IN ({places})'
            try:
                for time_ns, row in self._database.rows(order):
                    for found in self._database.rows(query, (row,)):
                        if self._is_sound(found) and found[2] == time_ns:
                            left -= len(found[3])
                            if left < 0:
                                raise sqlite3.DatabaseError(TOO_MUCH)
                            yield RawMessage(time_ns, found[1], found[3])
                    last = time_ns, row
                return
            except _BROKEN as error:
                try:
                    self._rebuild(error)
                except DamageError as damage:
                    self.losses['rows'] = str(damage)
                    return
        for time_ns, number, connection in self._rows or ():
            if connection in wanted and (time_ns, number) > last:
                whole = self._one(THIS, number)
                if whole is not None:
                    left -= len(whole[3])
                    if left < 0:
                        self.losses['size'] = f'{TOO_MUCH}: the rest is lost'
                        return
                    yield RawMessage(time_ns, connection, whole[3])

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _read_topics(self) -> None:
        if not {'id', 'name', 'type'} <= self._database.columns('topics'):
            raise DamageError('this is no rosbag2 file: it has no table of topics')
        self._database.columns('messages')
        definitions: dict[str, tuple[str, str]] = {}
        if self._database.columns('message_definitions'):
            query = 'SELECT topic_type, encoding, encoded_message_definition'
            for row in self._database.rows(f'{query} FROM message_definitions'):
                kind, encoding, definition = map(str, row)
                definitions[kind] = encoding, definition
        query = 'SELECT id, name, type, serialization_format FROM topics'
        for number, name, kind, serialization in self._database.rows(query):
            if not isinstance(number, int):
                raise DamageError('this is no rosbag2 file: a topic has no number')
            encoding, definition = definitions.get(str(kind), ('', ''))
            self.connections[number] = Connection(
                str(name), ros_type(str(kind)), str(serialization).lower(), encoding, definition
            )

    def _count(self) -> None:
        query = 'SELECT topic_id, count(*), min(timestamp), max(timestamp) FROM messages'
        found = list(self._database.rows(f'{query} GROUP BY topic_id'))
        if not all(isinstance(time_ns, int) for row in found for time_ns in row[2:]):
            raise sqlite3.DatabaseError('times of its messages are no whole numbers')
        self.counts = Counter({topic: count for topic, count, _, _ in found})
        if found:
            self.start_ns = min(int(first) for _, _, first, _ in found)
            self.end_ns = max(int(last) for _, _, _, last in found)

    def _missing_bytes(self) -> int:
        """Count the bytes that the file lacks, by its own header."""
        expected = expected_size(_header(self.path))
        return 0 if expected is None else max(0, expected - self.path.stat().st_size)

    def _rebuild(self, error: Exception) -> None:
        """List the rows that can be read one by one.

        Raises:
            DamageError: There are none.
        """
        found = {row: (time_ns, row, connection) for row, connection, time_ns in self._readable()}
        if not found:
            raise DamageError(one_line(error))
        self._rows = sorted(found.values())
        self.counts = Counter(connection for _, _, connection in self._rows)
        self.start_ns, self.end_ns = self._rows[0][0], self._rows[-1][0]
        # Recorders number their messages without gaps.
        lost = max(found) - len(found)
        between = f' and {lost} between them cannot' if lost > 0 else ''
        self.losses['rows'] = (
            f'{one_line(error)}: {len(found)} messages can be read{between}; '
            'any that came after them are lost'
        )

    def _readable(self) -> Iterator[tuple[int, int, int]]:
        """Number, topic and time of each row that is whole."""
        row, last = 0, self._last_row()
        for _ in range(MOST_HOLES):
            try:
                for found in self._database.rows(ALL_AFTER, (row,)):
                    row = found[0]
                    if self._is_sound(found):
                        yield found[:3]
                return
            except _BROKEN:
                # sqlite3 looks one row ahead, so that this one may be before the hole.
                while (one := self._one(AFTER, row)) is not None and one[0] > row:
                    row = one[0]
                    if self._is_sound(one):
                        yield one[:3]
                row = self._end_of_hole(row, last)
            if row > last:
                return

    def _end_of_hole(self, row: int, last: int) -> int:
        """The least row number after which one can be read again; beyond the last if none."""
        step = 1
        while self._one(AFTER, row + step) is None:
            row, step = row + step, 2 * step
            if row > last:
                return row
        rows = range(row + 1, row + step)
        return row + 1 + bisect_left(rows, True, key=lambda n: self._one(AFTER, n) is not None)

    def _last_row(self) -> int:
        """The greatest plausible row number that can be found from some place on."""
        last = start = 0
        most = self._database.most_rows
        while start <= most:
            for query in (AFTER, LAST):
                found = self._one(query, start)
                last = max(last, found[0] if found else 0)
            start = start * 2 + 1
        return min(last, most)

    def _one(self, query: str, row: int) -> tuple[Any, ...] | None:
        try:
            return next(self._database.rows(query, (row,)), None)
        except _BROKEN:
            return None

    def _is_sound(self, row: tuple[Any, ...]) -> bool:
        _, connection, time_ns, data = row
        return (
            connection in self.connections and isinstance(time_ns, int) and isinstance(data, bytes)
        )


def _header(path: Path) -> bytes:
    with open_regular(path) as file:
        return file.read(HEADER_BYTES)


def _page_size(header: bytes) -> int:
    (size,) = _PAGE_SIZE.unpack_from(header, 16)
    return 65536 if size == 1 else max(int(size), 512)
