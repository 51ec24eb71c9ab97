"""One camera of one episode, written as H.264."""

from __future__ import annotations

import queue
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

CODEC = 'libx264'
PIXEL_FORMAT = 'yuv420p'
# A random frame costs at most KEYFRAME_STEPS decoded ones. No B-frames: they would shift times.
KEYFRAME_STEPS = 8
PRESENT = {'preset': 'veryfast', 'crf': '18', 'g': str(KEYFRAME_STEPS), 'bf': '0'}
ABSENT = PRESENT | {'preset': 'ultrafast'}
QUEUE_LENGTH = 8


def frame_rate(rate_hz: float) -> Fraction:
    """The rate as the codec wants it; exact for every rate that is written with few digits."""
    return Fraction(rate_hz).limit_denominator(10_000)


class VideoWriter:
    """Encodes frames in a thread of its own, so that cameras run side by side.

    Frame k has the time k / rate_hz. A camera that the robot lacks gets black frames, which
    are prepared once.

    Args:
        path: The file to write.
        rate_hz: Frames per second, [Hz].
        image_size: (height, width), both even, [px].
    """

    def __init__(self, path: Path, rate_hz: float, image_size: tuple[int, int]) -> None:
        self._path = path
        self._rate = frame_rate(rate_hz)
        self._height, self._width = image_size
        self._frames: queue.Queue[Image | None] = queue.Queue(QUEUE_LENGTH)
        self._black: av.VideoFrame | None = None
        self._error: Exception | None = None
        self._steps = 0
        self._thread: threading.Thread | None = None
        self._container: av.container.OutputContainer | None = None
        self._stream: av.VideoStream | None = None

    def add(self, image: Image) -> None:
        """Queue one frame, uint8, shape (height, width, 3), RGB; waits while the queue is full."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._path.name, daemon=True)
            self._thread.start()
        self._frames.put(image)
        if self._error is not None:
            raise self._error

    def add_black(self) -> None:
        """Append one black frame. A video is black throughout or not at all."""
        if self._black is None:
            self._open(ABSENT)
            black = np.zeros((self._height, self._width, 3), np.uint8)
            self._black = av.VideoFrame.from_ndarray(black, format='rgb24').reformat(
                format=PIXEL_FORMAT
            )
        self._encode(self._black)

    def close(self) -> None:
        """Wait for the last frame and finish the file.

        Raises:
            OSError: It could not be written, for instance because the disk is full.
        """
        if self._thread is not None:
            self._frames.put(None)
            self._thread.join()
            self._thread = None
        elif self._stream is not None:
            self._finish()
        if self._error is not None:
            raise self._error

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            self._open(PRESENT)
            while (image := self._frames.get()) is not None:
                self._encode(av.VideoFrame.from_ndarray(image, format='rgb24'))
            self._finish()
        except Exception as error:  # told to the thread that adds frames
            self._error = error
            while self._frames.get() is not None:
                pass

    def _open(self, options: dict[str, str]) -> None:
        container = av.open(str(self._path), 'w', format='mp4')
        stream = container.add_stream(CODEC, rate=self._rate, options=options)
        stream.width, stream.height, stream.pix_fmt = self._width, self._height, PIXEL_FORMAT
        stream.time_base = 1 / self._rate
        stream.codec_context.thread_count = 1
        self._container, self._stream = container, stream

    def _encode(self, frame: av.VideoFrame) -> None:
        assert self._stream is not None and self._container is not None
        frame.pts, frame.time_base = self._steps, 1 / self._rate
        self._steps += 1
        self._container.mux(self._stream.encode(frame))

    def _finish(self) -> None:
        assert self._stream is not None and self._container is not None
        self._container.mux(self._stream.encode())
        self._container.close()
        self._container = self._stream = None
