"""sqlite3 files of unknown origin, queried so that every query ends."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from neuracore_ros.bags.storage import MOST_MESSAGE_BYTES, DamageError

# What a row takes in a file, at the least [bytes].
SMALLEST_ROW = 8
# Instructions of sqlite's machine between two looks at the clock and at signals.
_STEPS = 10_000
# Of these, a query may take so many for each row that the file can hold, and some to begin with.
_STEPS_PER_ROW = 100
_STEPS_AT_FIRST = 10_000_000


class Database:
    """Tables of a file, read and never changed.

    The pages of a damaged or forged file may refer to each other, so that a few of them give rows
    without an end, or large values. No query gives more rows, or more bytes, than a file of this
    size can hold; and Ctrl-C ends each of them.

    Args:
        path: The file; of one with a journal, a copy that sqlite may change.
        size: Of the file, with its journal [bytes].
        has_journal: Let sqlite take into account what lies in the file's journal.

    Raises:
        sqlite3.Error: It cannot be opened.
    """

    def __init__(self, path: Path, size: int, has_journal: bool = False) -> None:
        self.most_rows = size // SMALLEST_ROW
        self._size = size
        self._steps_left = 0
        mode = 'mode=rw' if has_journal else 'mode=ro&immutable=1'
        self._connection = sqlite3.connect(f'{path.resolve().as_uri()}?{mode}', uri=True)
        # Names and definitions are any bytes; one that is no text must not hide the others.
        self._connection.text_factory = lambda data: data.decode(errors='backslashreplace')
        self._connection.set_progress_handler(self._is_over, _STEPS)
        if sys.version_info >= (3, 11):
            most = max(min(size, MOST_MESSAGE_BYTES), 1_000_000)
            self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, most)
        # The second lets sqlite open a file that is shorter than its header says.
        for statement in ('PRAGMA trusted_schema=OFF', 'PRAGMA writable_schema=ON'):
            list(self._steps(statement, ()))

    def columns(self, table: str) -> set[str]:
        """Names of the columns of a table, none if there is none.

        Raises:
            DamageError: It is a view, virtual, or computes a column: then a query has no end that
                the size of the file would bound.
            sqlite3.Error: This cannot be read.
        """
        query = 'SELECT type, rootpage FROM sqlite_master WHERE name = ? COLLATE NOCASE'
        found = [entry for entry in self.rows(query, (table,)) if entry[0] in {'table', 'view'}]
        if not found:
            return set()
        columns = list(self.rows(f'PRAGMA table_xinfo({table})'))
        # A virtual table has no page; the last value of a column tells whether it is computed.
        is_plain = all(kind == 'table' and page for kind, page in found)
        if not is_plain or any(column[6] for column in columns):
            raise DamageError(f"this is no rosbag2 file: '{table}' is no plain table")
        return {str(column[1]) for column in columns}

    def rows(self, query: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a query.

        Raises:
            sqlite3.Error: They cannot be read, or are more than the file can hold.
        """
        size = 0
        for count, row in enumerate(self._steps(query, parameters), 1):
            size += sum(len(value) for value in row if isinstance(value, str | bytes))
            if count > self.most_rows or size > self._size:
                raise sqlite3.DatabaseError('its rows are more than a file of its size can hold')
            yield row

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _steps(self, query: str, parameters: Sequence[object]) -> Iterator[tuple[Any, ...]]:
        self._steps_left = _STEPS_AT_FIRST + _STEPS_PER_ROW * self.most_rows
        try:
            # `yield from` would close the cursor when this is given up, maybe after the file.
            for row in self._connection.execute(query, parameters):  # noqa: UP028
                yield row
        except sqlite3.OperationalError as error:
            if str(error) != 'interrupted':
                raise
            if self._steps_left >= 0:
                # The exception of Ctrl-C ended the progress handler, and was lost there.
                raise KeyboardInterrupt from error
            raise sqlite3.DatabaseError(
                'reading it takes longer than that of any file of its size'
            ) from error

    def _is_over(self) -> bool:
        self._steps_left -= _STEPS
        return self._steps_left < 0
