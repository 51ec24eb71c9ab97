"""The images of a dataset: of one camera in one episode, and of all of them, any at once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from neuracore_ros.arrays import Array, IntArray
from neuracore_ros.regular_file import open_regular

_PIECE = 1 << 20
# Not every system has it.
_ADVISE = getattr(os, 'posix_fadvise', None)
# Open at once; a process may have a thousand.
MOST_FILES = 128


class FrameReader(Protocol):
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


class DatasetFrames(FrameReader, Protocol):
    """Images as a dataset keeps them."""

    def __iter__(self) -> Iterator[Array]:
        """Give every image, front to back, which costs the least an image.

        Raises:
            DatasetError: As above.
        """

    def check(self) -> None:
        """Check that the file is there and whole, as far as that is cheap.

        Raises:
            DatasetError: As above.
        """

    def digest(self) -> str:
        """The digest of the images, wherever the file is.

        Raises:
            DatasetError: It cannot be read.
        """


def digest(path: Path, *more: object) -> str:
    """The digest of a file's content, and of more that tells what is read from it.

    Raises:
        OSError: It cannot be read.
    """
    found = hashlib.blake2b(repr(more).encode(), digest_size=16)
    with open_regular(path) as file:
        while piece := file.read(_PIECE):
            found.update(piece)
    return found.hexdigest()


def size(frames: FrameReader) -> int:
    """The size of all images as they are in memory [bytes]."""
    return int(np.prod(frames.shape)) * frames.dtype.itemsize


class StoredFrames:
    """Images one behind the other in a file, as they are in memory.

    Read, not mapped: what is mapped counts as memory of the process.

    Attributes:
        shape: See `FrameReader`.
        dtype: See `FrameReader`.
        path: The file.
        origin: What they were decoded from, for when the file is gone.
    """

    def __init__(self, path: Path, origin: DatasetFrames) -> None:
        self.shape, self.dtype = origin.shape, origin.dtype
        self.path = path
        self.origin = origin
        self._bytes = size(origin) // max(origin.shape[0], 1)

    def is_there(self) -> bool:
        """True if the file is there, and is whole."""
        try:
            return self.path.stat().st_size == size(self)
        except OSError:
            return False

    def read(self, step: int, into: Array) -> None:
        """See `FrameReader`."""
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


class Images:
    """K cameras in every episode, of which a robot may lack some.

    Args:
        cameras: K.
        shape: Of one image; depths have no colours, and 16 bits.
        frames: (episode, camera) -> its images.
    """

    def __init__(
        self,
        cameras: int,
        shape: tuple[int, ...],
        frames: Mapping[tuple[int, int], FrameReader],
    ) -> None:
        self._shape = cameras, *shape
        self._dtype = np.uint8 if len(shape) == 3 else np.uint16
        self._frames = frames

    def take(self, episodes: IntArray, steps: IntArray) -> Array:
        """Images of some steps; zeros where a robot lacks a camera.

        Args:
            episodes: Numbers of episodes, shape (B, T).
            steps: Within these.

        Returns:
            Shape (B, T, K, ...).

        Raises:
            DatasetError: An image cannot be decoded.
        """
        # Not zeros: most of it is written once anyway.
        taken = np.empty((*episodes.shape, *self._shape), self._dtype)
        stored: list[tuple[StoredFrames, int, Array]] = []
        slow: list[tuple[FrameReader, int, Array]] = []
        for place, number in np.ndenumerate(episodes):
            step = int(steps[place])
            for camera, into in enumerate(taken[place]):
                frames = self._frames.get((int(number), camera))
                if frames is None:
                    into[...] = 0
                elif isinstance(frames, StoredFrames):
                    stored.append((frames, step, into))
                else:
                    slow.append((frames, step, into))
        for start in range(0, len(stored), MOST_FILES):
            _read(stored[start : start + MOST_FILES])
        if slow:
            for _ in _threads().map(lambda each: each[0].read(*each[1:]), slow):
                pass
        return taken


def _read(images: Sequence[tuple[StoredFrames, int, Array]]) -> None:
    """Read images of stored frames at a step into arrays, all of them asked for at once."""
    files = [frames.ask(step) for frames, step, _ in images]
    for file, (frames, step, into) in zip(files, images, strict=True):
        frames.read_from(file, step, into)


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    """Decode several images at once; one processor decodes about a thousand a second."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix='decode')
