"""Files that a user names, opened only where they are files.

Opening a named pipe waits for a writer, and a device may never end; either can lie in a
folder from elsewhere.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path
from typing import BinaryIO

MOST_BYTES = 1 << 28
"""The largest file that is read into memory as a whole, by default [bytes]."""

_PIECE = 1 << 20
_KINDS = {
    stat.S_IFIFO: 'a named pipe',
    stat.S_IFSOCK: 'a socket',
    stat.S_IFCHR: 'a device',
    stat.S_IFBLK: 'a device',
}
# Neither waits for the writer of a pipe, nor makes a terminal that of the process.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def open_regular(path: Path) -> BinaryIO:
    """A regular file, opened for reading; never waits.

    Raises:
        OSError: It is missing, a folder, a named pipe, a socket or a device, or may not be read.
    """
    require_regular(path)  # before, since the mere open of a device may do something
    file = os.open(path, _FLAGS)
    try:
        _require_regular(os.fstat(file).st_mode, path)
        return os.fdopen(file, 'rb')
    except BaseException:
        os.close(file)
        raise


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """The content of a regular file of at most so many bytes.

    Raises:
        OSError: As :func:`open_regular`; or it is too long.
    """
    with open_regular(path) as file:
        try:
            # Some files, such as those of /proc, do not know how long they are.
            data = file.read(min(os.fstat(file.fileno()).st_size, most) + 1)
            while len(data) <= most and (piece := file.read(_PIECE)):
                data += piece
        except MemoryError as error:
            raise OSError(errno.ENOMEM, 'does not fit into memory', str(path)) from error
    if len(data) > most:
        raise OSError(errno.EFBIG, f'has more than {most} bytes', str(path))
    return data


def read_text(path: Path, most: int = MOST_BYTES, encoding: str = 'utf-8') -> str:
    """The text of a regular file, with line ends as in Python.

    Raises:
        OSError: As :func:`read_bytes`.
        UnicodeDecodeError: It is no such text.
    """
    with io.TextIOWrapper(io.BytesIO(read_bytes(path, most)), encoding) as text:
        return text.read()


def require_regular(path: Path) -> None:
    """Refuse what is no regular file, before a library opens it by its name.

    Raises:
        OSError: As :func:`open_regular`.
    """
    _require_regular(path.stat().st_mode, path)


def _require_regular(mode: int, path: Path) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), 'something else')
        raise OSError(errno.EINVAL, f'is {kind}, not a file', str(path))
