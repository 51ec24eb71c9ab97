"""The images of one camera in one episode, any of them at once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from neuracore_ros.arrays import Array
from neuracore_ros.regular_file import open_regular

_PIECE = 1 << 20
# Not every system has it.
_ADVISE = getattr(os, 'posix_fadvise', None)


class Readable(Protocol):
    """N images of one shape.

    Attributes:
        shape: (N, height, width, 3) of colours, (N, height, width) of depths.
        dtype: uint8, of depths uint16.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def read(self, step: int, into: Array) -> None:
        """Fill a contiguous array with one of them.

        Raises:
            DatasetError: The file is missing or damaged, or holds others than it should.
        """


class Frames(Readable, Protocol):
    """Images as a dataset keeps them."""

    def __iter__(self) -> Iterator[Array]:
        """All of them, front to back, which costs the least an image.

        Raises:
            DatasetError: As above.
        """

    def check(self) -> None:
        """See whether the file is there and whole, as far as that is cheap.

        Raises:
            DatasetError: As above.
        """

    def digest(self) -> str:
        """What they are known by, wherever the file is.

        Raises:
            DatasetError: It cannot be read.
        """


def digest(path: Path, *more: object) -> str:
    """Of a file's content, and of more that tells what is read from it.

    Raises:
        OSError: It cannot be read.
    """
    found = hashlib.blake2b(repr(more).encode(), digest_size=16)
    with open_regular(path) as file:
        while piece := file.read(_PIECE):
            found.update(piece)
    return found.hexdigest()


def size(frames: Readable) -> int:
    """Of all images as they are in memory [bytes]."""
    return int(np.prod(frames.shape)) * frames.dtype.itemsize


class StoredFrames:
    """Images one behind the other in a file, as they are in memory.

    Read, not mapped: what is mapped counts as memory of the process.

    Attributes:
        shape: See `Readable`.
        dtype: See `Readable`.
        path: The file.
        origin: What they were decoded from, for when the file is gone.
    """

    def __init__(self, path: Path, origin: Frames) -> None:
        self.shape, self.dtype = origin.shape, origin.dtype
        self.path = path
        self.origin = origin
        self._bytes = size(origin) // max(origin.shape[0], 1)

    def is_there(self) -> bool:
        """Whether the file is, and is whole."""
        try:
            return self.path.stat().st_size == size(self)
        except OSError:
            return False

    def read(self, step: int, into: Array) -> None:
        """See `Readable`."""
        self.read_from(self.ask(step), step, into)

    def ask(self, step: int) -> int:
        """Have the system begin to read an image, where it is not in memory.

        Of a batch, all images are asked for before the first one is waited for: then a disk
        reads several times as many a second.

        Returns:
            The file, to be given to :meth:`read_from`; -1 where it cannot be opened.
        """
        try:
            # Opened each time: all files of a large dataset at once are too many for a process.
            file = os.open(self.path, os.O_RDONLY)
        except OSError:
            return -1
        if _ADVISE is not None:
            _ADVISE(file, step * self._bytes, self._bytes, os.POSIX_FADV_WILLNEED)
        return file

    def read_from(self, file: int, step: int, into: Array) -> None:
        """Fill an array with the image that was asked for; closes the file."""
        is_whole = False
        if file >= 0:
            with suppress(OSError):
                is_whole = os.preadv(file, [into.data], step * self._bytes) == self._bytes
            os.close(file)
        if not is_whole:
            self.origin.read(step, into)
