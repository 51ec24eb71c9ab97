"""Videos of cameras, written as H.264."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np

from neuracore_ros.arrays import ByteArray

CODEC = 'libx264'
PIXEL_FORMAT = 'yuv420p'
# A random frame costs at most KEYFRAME_STEPS decoded ones. No B-frames: they would shift times.
KEYFRAME_STEPS = 8
# Frames that decode fast also encode a third faster, for files that are a seventh larger. Without
# "cpu-independent" one reciprocal is approximate, and equal frames give unequal files.
PRESENT = {
    'preset': 'veryfast',
    'tune': 'fastdecode',
    'crf': '18',
    'g': str(KEYFRAME_STEPS),
    'bf': '0',
    'x264-params': 'cpu-independent=1',
}
ABSENT = PRESENT | {'preset': 'ultrafast'}
QUEUE_LENGTH = 8

# Cb and Cr of RGB by BT.601 in the limited range, which decoders expect of untagged video.
_CHROMA = np.array(
    [[-37.797, -74.203, 112.0, 128 * 255], [112.0, -93.786, -18.214, 128 * 255]]
) / np.array([255, 255, 255, 255])


def yuv420(image: ByteArray) -> ByteArray:
    """Luma and halved chroma of an image, as the codec wants them.

    OpenCV does this several times faster than the codec's own library; only its chroma, one
    pixel of four, is replaced by the mean of the four.

    Args:
        image: RGB, shape (height, width, 3), both even.

    Returns:
        The planes Y, U and V below each other, shape (height * 3 / 2, width).
    """
    height, width, _ = image.shape
    planes: ByteArray = cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420)  # type: ignore[assignment]
    halved = cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    chroma = cv2.transform(halved, _CHROMA)
    planes[height:].reshape(2, height // 2, width // 2)[:] = np.moveaxis(chroma, 2, 0)
    return planes


def rate_of(rate_hz: float) -> Fraction:
    """Frames per second; exact for every rate that is written with few digits."""
    return Fraction(rate_hz).limit_denominator(10_000)


def sync_video(path: Path) -> None:
    """Wait until a finished video is safely on the disk."""
    with path.open('rb') as file:
        os.fsync(file.fileno())


class VideoWriter:
    """Encodes frames in a thread of its own, so that cameras run side by side.

    Frame k has the time k / rate_hz.

    Args:
        path: The file to write.
        rate_hz: Frames per second, [Hz].
        image_size: (height, width), both even, [px].
    """

    def __init__(self, path: Path, rate_hz: float, image_size: tuple[int, int]) -> None:
        self._open = partial(_VideoFile, path, rate_hz, image_size, PRESENT)
        self._frames: queue.Queue[ByteArray | None] = queue.Queue(QUEUE_LENGTH)
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=path.name, daemon=True)
        self._thread.start()

    def add(self, image: ByteArray) -> None:
        """Queue one frame, uint8, shape (height, width, 3), RGB; waits while the queue is full."""
        self._frames.put(image)
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Wait for the last frame, and until the file is safely on the disk.

        Raises:
            OSError: It could not be written, for instance because the disk is full.
        """
        if self._thread.is_alive():
            self._frames.put(None)
            self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        frames = self._queued()
        try:
            file = self._open()
            for image in frames:
                file.encode(av.VideoFrame.from_ndarray(yuv420(image), format=PIXEL_FORMAT))
            file.close()
        except Exception as error:  # raised in the thread that adds frames
            self._error = error
            for _ in frames:
                pass

    def _queued(self) -> Iterator[ByteArray]:
        while (image := self._frames.get()) is not None:
            yield image


def write_black(path: Path, rate_hz: float, image_size: tuple[int, int], steps: int) -> None:
    """Write the video of a camera that the robot lacks.

    Raises:
        OSError: It could not be written.
    """
    file = _VideoFile(path, rate_hz, image_size, ABSENT)
    black = yuv420(np.zeros((*image_size, 3), np.uint8))
    frame = av.VideoFrame.from_ndarray(black, format=PIXEL_FORMAT)
    for _ in range(steps):
        file.encode(frame)
    file.close()


class _VideoFile:
    """The codec and its file."""

    def __init__(
        self, path: Path, rate_hz: float, image_size: tuple[int, int], options: dict[str, str]
    ) -> None:
        self._path, self._steps = path, 0
        self._rate = rate_of(rate_hz)
        self._container = av.open(str(path), 'w', format='mp4')
        stream = self._container.add_stream(CODEC, rate=self._rate, options=options)
        stream.height, stream.width = image_size
        stream.pix_fmt = PIXEL_FORMAT
        stream.time_base = 1 / self._rate
        stream.codec_context.thread_count = 1
        self._stream = stream

    def encode(self, frame: av.VideoFrame) -> None:
        frame.pts, frame.time_base = self._steps, 1 / self._rate
        self._steps += 1
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        self._container.mux(self._stream.encode())
        self._container.close()
        sync_video(self._path)
