"""Files of a recording that were compressed as a whole, unpacked if they are what they say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from neuracore_ros.bags.mcap_file import DATA_END, FIRST_PRIVATE, FOOTER, MAGIC, RECORD
from neuracore_ros.bags.scratch import require_room
from neuracore_ros.bags.sqlite_file import HEADER_BYTES, expected_size
from neuracore_ros.bags.storage import DamageError, ZstdDecompressor, ZstdError, one_line
from neuracore_ros.regular_file import open_regular

_PIECE = 1 << 20
# What is read at once: each frame that ends within it has the rest copied.
_READ = 1 << 16
# A recorder writes one; tools that compress side by side one for each megabyte or so.
_MOST_FRAMES = 100_000
_SQLITE = b'SQLite format 3\0'


def decompress(path: Path, target: Path) -> str:
    """Write what a zstd file holds, up to the first byte that no file of the target's kind has.

    A few bytes of zstd can stand for gigabytes of zeros.

    Args:
        path: The compressed file.
        target: What to write, which must not exist; its ending says what it should be.

    Returns:
        Why the target is not whole; '' if it is.

    Raises:
        DamageError: The file does not begin as its kind does.
        OSError: It cannot be read, or the disk has no room.
    """
    content: McapContent | SqliteContent = (
        McapContent() if target.suffix == '.mcap' else SqliteContent()
    )
    with open_regular(path) as packed, target.open('xb') as file:
        size = os.fstat(packed.fileno()).st_size
        try:
            for piece in _pieces(packed):
                whole = content.part_of(piece)
                require_room(target, whole)
                file.write(piece[:whole])
                if whole < len(piece):
                    return f'what is compressed in it ends at byte {file.tell()}; the rest is none'
        except ZstdError as error:
            return (
                f'cannot be decompressed from about byte {packed.tell()} on, '
                f'{size - packed.tell()} bytes before its end ({one_line(error)})'
            )
        except EOFError:
            return 'the compressed file is cut off'
    return ''


def _pieces(packed: BinaryIO) -> Iterator[bytes]:
    """The content of a file of zstd frames, a megabyte at a time.

    Raises:
        ZstdError: It is none from here on.
        EOFError: The last frame is not whole.
    """
    decompressor = ZstdDecompressor()
    frames = 1
    while data := packed.read(_READ):
        while data or not (decompressor.needs_input or decompressor.eof):
            if piece := decompressor.decompress(data, _PIECE):
                yield piece
            data = b''
            if decompressor.eof and decompressor.unused_data:
                data = decompressor.unused_data
                decompressor = ZstdDecompressor()
                frames += 1
                if frames > _MOST_FRAMES:
                    raise ZstdError(f'it has more than {_MOST_FRAMES} parts')
    if not decompressor.eof:
        raise EOFError


class McapContent:
    """An MCAP file that comes in pieces: magic, and records one after the other to the footer."""

    def __init__(self) -> None:
        self._rest = b''  # of what came, from the next record on
        self._size = 0  # of what came [bytes]
        self._next = 0  # where the next record begins
        self._end: int | None = None

    def part_of(self, piece: bytes) -> int:
        """Count the bytes of the next piece that belong to the file: fewer than all at its end.

        Raises:
            DamageError: It is no such file.
        """
        data = self._rest + piece
        start = self._size - len(self._rest)
        before, self._size = self._size, self._size + len(piece)
        if not self._next:
            if not data.startswith(MAGIC) and not MAGIC.startswith(data):
                raise DamageError('what is compressed in it is no MCAP file')
            self._next = len(MAGIC) if len(data) >= len(MAGIC) else 0
        while self._next and self._end is None and self._next + RECORD.size <= self._size:
            opcode, size = RECORD.unpack_from(data, self._next - start)
            if opcode == FOOTER:
                self._end = self._next + RECORD.size + size + len(MAGIC)
            elif not (0 < opcode <= DATA_END or opcode >= FIRST_PRIVATE):
                self._end = self._next
            else:
                self._next += RECORD.size + size
        self._rest = data[max(self._next - start, 0) :]
        return len(piece) if self._end is None else min(len(piece), max(self._end - before, 0))


class SqliteContent:
    """A sqlite3 file in pieces: as many pages as its header says, where that can be trusted."""

    def __init__(self) -> None:
        self._header = b''
        self._size = 0

    def part_of(self, piece: bytes) -> int:
        """See :meth:`McapContent.part_of`."""
        self._header += piece[: HEADER_BYTES - len(self._header)]
        if not self._header.startswith(_SQLITE[: len(self._header)]):
            raise DamageError('what is compressed in it is no sqlite3 file')
        self._size += len(piece)
        end = expected_size(self._header) if len(self._header) == HEADER_BYTES else None
        return len(piece) if end is None else max(len(piece) - max(self._size - end, 0), 0)
