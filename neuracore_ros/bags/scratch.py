"""Copies of files of a recording, where reading would change them: in a folder of our own."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path

from neuracore_ros.regular_file import open_regular

# Left free on the disk of temporary files, for other programs [bytes].
RESERVE = 1 << 28
_PIECE = 1 << 20
# Ends a rollback journal that names a super-journal; before it its checksum and length, and the
# name (https://sqlite.org/fileformat.html, "The Rollback Journal"; pager.c, readSuperJournal).
_SUPER_JOURNAL = b'\xd9\xd5\x05\xf9\x20\xa1\x63\xd7'


def copy(path: Path, target: Path, size: int | None = None) -> None:
    """Copy the first ``size`` bytes of a file, by default all of them, to a new one.

    Raises:
        OSError: It cannot be read, or the disk has no room for it.
    """
    with open_regular(path) as file, target.open('xb') as written:
        left = os.fstat(file.fileno()).st_size if size is None else size
        require_room(target, left)
        while left > 0 and (piece := file.read(min(left, _PIECE))):
            written.write(piece)
            left -= len(piece)


def copy_journal(path: Path, target: Path) -> None:
    """Copy a journal of sqlite, without the name of a super-journal.

    That is a file anywhere, of transactions over several databases: sqlite reads it, and deletes
    it when it has rolled them back. A bag is one database.

    Raises:
        OSError: As :func:`copy`.
    """
    copy(path, target)
    with target.open('r+b') as journal:
        size = journal.seek(0, os.SEEK_END)
        if size >= len(_SUPER_JOURNAL):
            journal.seek(-len(_SUPER_JOURNAL), os.SEEK_END)
            if journal.read() == _SUPER_JOURNAL:
                journal.seek(-len(_SUPER_JOURNAL), os.SEEK_END)
                journal.write(bytes(len(_SUPER_JOURNAL)))


def require_room(target: Path, size: int) -> None:
    """Refuse to fill up the disk.

    Raises:
        OSError: The folder has no room for so many bytes.
    """
    free = shutil.disk_usage(target.parent).free
    if size + RESERVE > free:
        raise OSError(
            errno.ENOSPC,
            f'there is no room to unpack or copy it: {tempfile.gettempdir()} has '
            f'{free / 1e9:.1f} GB free; set TMPDIR to a folder on a larger disk',
        )
