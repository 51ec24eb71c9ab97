"""The video of one camera in one episode: packets as they are stored, frames decoded in order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import av

from neuracore_ros.arrays import ByteArray
from neuracore_ros.bags.lerobot_dataset import VideoPart
from neuracore_ros.bags.lerobot_tables import damage
from neuracore_ros.regular_file import require_regular
from neuracore_ros.rgb_frames import rgb_image

# A decoder gives frames in another order than they are stored, by at most so many.
_MOST_REORDERED = 32
# Years at any rate.
_MOST_FRAMES = 1e11
# A video of a whole multiple of the rate has other frames in between; others are of that rate,
# however their times were rounded.
_MOST_BETWEEN, _ROUNDED = 20, 0.01
_BROKEN = (av.FFmpegError, OSError, ValueError, LookupError, ArithmeticError, TypeError)


class FrameError(ValueError):
    """A frame of a video that is missing or damaged."""


class EpisodeVideo:
    """The frames of an episode, by their number in the file.

    The frame of number n is the one that is shown at n / fps, to the nearest, as LeRobot has it.
    Frames are read fastest in their order, and either as they are stored or decoded.

    Args:
        part: The file, and where the episode begins in it.
        fps: Rows per second, [Hz].

    Raises:
        FrameError: It is missing, or no video.

    Attributes:
        file: The file.
        fps: Frames per second: that of the rows, or a multiple of it, [Hz].
        size: (height, width), [px].
    """

    def __init__(self, part: VideoPart, fps: float) -> None:
        self.file, self._start_s = part.file, part.start_s
        try:
            require_regular(self.file)
            # As what it should be: some other formats name files that are then read.
            self._container: Any = av.open(f'file:{self.file}', format='mp4')
        except _BROKEN as error:
            raise FrameError(damage(self.file, error)) from error
        if not self._container.streams.video:
            self._container.close()
            raise FrameError(f'{self.file}: holds no video')
        self._stream: Any = self._container.streams.video[0]
        if self._stream.codec_context is None:
            self._container.close()
            raise FrameError(f'{self.file}: its video is of a codec that is not known here')
        # Of several cameras, or several workers, each has a thread.
        self._stream.codec_context.thread_count = 1
        self.fps = fps * _multiple(self._stream, fps)
        self.size = int(self._stream.height), int(self._stream.width)
        self._reading: _Packets | _Frames | None = None
        self._is_open = True

    def number(self, timestamp_s: float) -> int | None:
        """The number of the frame at a time of the episode, [s]; None if no video is as long."""
        place = (self._start_s + timestamp_s) * self.fps
        return round(place) if -0.5 < place < _MOST_FRAMES else None

    def pixels(self, number: int) -> ByteArray:
        """Decode one frame.

        Returns:
            RGB, uint8, shape (height, width, 3).

        Raises:
            FrameError: It is missing or damaged.
        """
        if not self._is_open:
            raise FrameError(f'{self.file.name}: frame {number}: its recording is closed')
        reading = self._reading
        if not isinstance(reading, _Frames):
            self._reading = reading = _Frames(self._container, self._stream, self.fps)
        frame = reading.of(number)
        if frame is None:
            raise FrameError(f'{self.file.name}: frame {number} is missing or damaged')
        return rgb_image(frame)

    def packet(self, number: int) -> bytes:
        """The stored bytes of a frame; nothing if it is missing."""
        if not self._is_open:
            raise FrameError(f'{self.file.name}: frame {number}: its recording is closed')
        reading = self._reading
        if not isinstance(reading, _Packets):
            self._reading = reading = _Packets(self._container, self._stream, self.fps)
        return reading.of(number)

    def close(self) -> None:
        """Close the file, and let go of its decoder: messages may live on."""
        if self._is_open:
            self._is_open = False
            self._container.close()
            self._reading = self._container = self._stream = None


class _Frames:
    """The frames of a video, decoded in order."""

    def __init__(self, container: Any, stream: Any, fps: float) -> None:
        self._container, self._stream, self._fps = container, stream, fps
        self._coming: Iterator[tuple[int, Any]] = iter(())
        self._next = -1  # the frame that comes next, at the earliest; -1: none yet
        self._last: tuple[int, Any] = -1, None

    def of(self, number: int) -> Any:
        """A frame; None if it is missing or damaged."""
        if self._last[0] != number:
            self._last = number, self._found(number)
        return self._last[1]

    def _found(self, number: int) -> Any:
        if self._next < 0 or number < self._next or self._is_key_between(number):
            _seek(self._container, self._stream, number, self._fps)
            self._coming = _decoded(self._container, self._stream, self._fps)
        for found, frame in self._coming:
            self._next = found + 1
            if found == number:
                return None if frame.is_corrupt else frame
            if found > number:
                return None
        self._next = max(self._next, number + 1)
        return None

    def _is_key_between(self, number: int) -> bool:
        """True if a frame that stands alone comes after the next one, at or before this."""
        # PyAV has the index since version 13.
        entries = getattr(self._stream, 'index_entries', None)
        if entries is None or number <= self._next + 1:
            return False
        pts = round(number / self._fps / self._stream.time_base)
        place = entries.search_timestamp(pts, backward=True, any_frame=False)
        if place < 0:
            return False
        return _number_at(entries[place].timestamp, self._stream, self._fps) > self._next


class _Packets:
    """The packets of a video, as they are stored, in the order in which they are shown."""

    def __init__(self, container: Any, stream: Any, fps: float) -> None:
        self._container, self._stream, self._fps = container, stream, fps
        self._coming: Iterator[Any] = iter(())
        self._ahead: dict[int, bytes] = {}
        self._given = self._furthest = -1

    def of(self, number: int) -> bytes:
        """The bytes of a frame; nothing if it is missing."""
        if self._given < 0 or number <= self._given:
            _seek(self._container, self._stream, number, self._fps)
            self._coming = self._container.demux(self._stream)
            self._ahead.clear()
            self._furthest = -1
        while number not in self._ahead and self._furthest < number + _MOST_REORDERED:
            packet = _next(self._coming)
            if packet is None:
                break
            if packet.pts is not None:
                self._furthest = _number_at(packet.pts, self._stream, self._fps)
                if self._furthest >= number:
                    self._ahead.setdefault(self._furthest, bytes(packet))
        self._given = number
        for passed in [each for each in self._ahead if each < number]:
            del self._ahead[passed]
        return self._ahead.pop(number, b'')


def _decoded(container: Any, stream: Any, fps: float) -> Iterator[tuple[int, Any]]:
    """The frames of a video from where it is, each with its number, without those damaged."""
    packets = container.demux(stream)
    while (packet := _next(packets)) is not None:
        try:
            frames = packet.decode()
        except _BROKEN:
            continue
        for frame in frames:
            if frame.pts is not None:
                yield _number_at(frame.pts, stream, fps), frame


def _multiple(stream: Any, fps: float) -> int:
    """How many frames of a video there are for a row."""
    ratio = float(stream.average_rate or 0) / fps
    whole = round(ratio)
    is_multiple = 1 < whole <= _MOST_BETWEEN and abs(ratio - whole) < _ROUNDED * whole
    return whole if is_multiple else 1


def _number_at(pts: int, stream: Any, fps: float) -> int:
    return round(pts * float(stream.time_base) * fps)


def _seek(container: Any, stream: Any, number: int, fps: float) -> None:
    """Go to the last frame that stands alone at or before one."""
    pts = round((number - 0.5) / fps / stream.time_base)
    # An empty video cannot be sought in: what there is shows when it is read.
    with suppress(*_BROKEN):
        container.seek(max(pts, 0), stream=stream, backward=True, any_frame=False)


def _next(packets: Iterator[Any]) -> Any:
    try:
        return next(packets, None)
    except _BROKEN:
        return None
