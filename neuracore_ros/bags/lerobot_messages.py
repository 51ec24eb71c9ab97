"""Rows of a LeRobot dataset as messages: they have the fields by which messages of ROS are read.

One row of numbers is a JointState, a JointTrajectory of one point and an array alike, since a
dataset does not say which of them it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from neuracore_ros.arrays import ByteArray


class NoStamp(NamedTuple):
    """The stamp of a message without one: its time is when it was received."""

    sec: int = 0
    nanosec: int = 0


class EmptyHeader(NamedTuple):
    """The header of a message without a time of its own."""

    stamp: NoStamp = NoStamp()
    frame_id: str = ''


_HEADER = EmptyHeader()


class RowPoint(NamedTuple):
    """The one point of a command, due at once."""

    positions: Sequence[float]

    @property
    def velocities(self) -> Sequence[float]:
        """The numbers, which a robot file may read as velocities."""
        return self.positions

    @property
    def effort(self) -> Sequence[float]:
        """The numbers, which a robot file may read as torques."""
        return self.positions

    @property
    def accelerations(self) -> Sequence[float]:
        """No numbers; LeRobot datasets have no accelerations."""
        return ()

    @property
    def time_from_start(self) -> NoStamp:
        """Zero."""
        return NoStamp()


@dataclass(frozen=True, slots=True)
class NumbersMessage:
    """One row of numbers.

    Attributes:
        name: Of each number; the dataset's, or ``KEY.0``, ``KEY.1``, ... where it has none.
        position: The numbers.
        is_numbered: Whether the names only count the numbers; a robot file may then give others by
            ``order``.
    """

    name: list[str]
    position: Sequence[float]
    is_numbered: bool = False

    @property
    def header(self) -> EmptyHeader:
        """Without a stamp."""
        return _HEADER

    @property
    def velocity(self) -> Sequence[float]:
        """The numbers, which a robot file may read as velocities."""
        return self.position

    @property
    def effort(self) -> Sequence[float]:
        """The numbers, which a robot file may read as torques."""
        return self.position

    @property
    def data(self) -> Sequence[float]:
        """The numbers, as an array has them."""
        return self.position

    @property
    def joint_names(self) -> list[str]:
        """The names, as a command calls them."""
        return self.name

    @property
    def points(self) -> tuple[RowPoint, ...]:
        """The numbers as a command that is due at once."""
        return (RowPoint(self.position),)


class FlagMessage(NumbersMessage):
    """One row of a single boolean, which is a Bool besides."""

    __slots__ = ()

    @property
    def data(self) -> bool:  # type: ignore[override]
        """The boolean."""
        return bool(self.position[0])


class TextMessage(NamedTuple):
    """One text."""

    data: str


class PictureMessage(NamedTuple):
    """An image that the dataset holds as a file, such as a PNG."""

    format: str
    data: bytes

    @property
    def header(self) -> EmptyHeader:
        """Without a stamp."""
        return _HEADER


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """The frame of a video that an image is.

    Attributes:
        file: The video.
        stream: Which of the file's videos.
        index: Of the frame in it: the one that is shown at index / rate_hz, to the nearest.
        rate_hz: Frames per second, [Hz].
    """

    file: Path
    stream: int
    index: int
    rate_hz: float


class FrameMessage:
    """An Image that is decoded when its pixels are asked for, and then only once.

    Attributes:
        frame: Where it is stored.
        height: [px].
        width: [px].
        encoding: ``rgb8``.
    """

    encoding = 'rgb8'
    is_bigendian = 0
    header = _HEADER

    def __init__(
        self, frame: StoredFrame, size: tuple[int, int], decode: Callable[[], ByteArray]
    ) -> None:
        self.frame = frame
        self.height, self.width = size
        self._decode = decode
        self._pixels: ByteArray | None = None

    def pixels(self) -> ByteArray:
        """RGB, uint8, shape (height, width, 3).

        Raises:
            ValueError: It is missing or damaged, with the reason.
        """
        if self._pixels is None:
            self._pixels = self._decode()
        return self._pixels

    @property
    def step(self) -> int:
        """Bytes of a row."""
        return self.width * 3

    @property
    def data(self) -> bytes:
        """The bytes of the pixels."""
        return self.pixels().tobytes()
