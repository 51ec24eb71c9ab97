"""The video of one camera in an episode: frames copied from another video, or encoded."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from neuracore_ros.arrays import ByteArray
from neuracore_ros.dataset.row import StoredImage
from neuracore_ros.dataset.video import VideoWriter
from neuracore_ros.dataset.video_copy import (
    DamagedFrameError,
    FrameSpan,
    copy_frames,
    decode_frames,
)


class CameraVideo:
    """Writes the images of one camera, step by step.

    As long as each is the next frame of one video, nothing is decoded: these frames are copied
    in the end. Where that ends, or where they cannot be copied, all are encoded.

    Args:
        path: The file to write.
        rate_hz: Frames per second, [Hz].
        image_size: (height, width), both even, [px].
    """

    def __init__(self, path: Path, rate_hz: float, image_size: tuple[int, int]) -> None:
        self._path, self._rate_hz, self._size = path, rate_hz, image_size
        self._span: FrameSpan | None = None
        self._writer: VideoWriter | None = None

    def add(self, image: ByteArray | StoredImage) -> None:
        """Append one image.

        Raises:
            BagError: A stored one is damaged.
            OSError: The video cannot be written.
        """
        if not isinstance(image, np.ndarray):
            if self._writer is None and self._goes_on(image):
                return
            image = pixels_of(image)
        self._encoder().add(image)

    def close(self) -> None:
        """Wait until the file is complete, and safely on the disk.

        Raises:
            BagError: What was to be copied is damaged.
            OSError: It could not be written, for instance because the disk is full.
        """
        if self._writer is None and self._span is not None:
            if copy_frames(self._span, self._path, self._rate_hz):
                return
            self._encoder()
        if self._writer is not None:
            self._writer.close()

    def discard(self) -> None:
        """End without the file being needed."""
        if self._writer is not None:
            with suppress(Exception):
                self._writer.close()

    def _goes_on(self, image: StoredImage) -> bool:
        """Count an image to those before, if it is the next frame of their video."""
        frame, span = image.frame, self._span
        if span is None:
            self._span = FrameSpan(frame.file, frame.stream, frame.rate_hz, frame.index, 1)
            return True
        place = frame.file, frame.stream, frame.index
        if place != (span.file, span.stream, span.first + span.count):
            return False
        self._span = replace(span, count=span.count + 1)
        return True

    def _encoder(self) -> VideoWriter:
        """What encodes, with all images so far."""
        if self._writer is None:
            self._writer = VideoWriter(self._path, self._rate_hz, self._size)
            if self._span is not None:
                for image in decode_frames(self._span):
                    self._writer.add(image)
        return self._writer


def pixels_of(image: ByteArray | StoredImage) -> ByteArray:
    """RGB, uint8, shape (height, width, 3).

    Raises:
        DamagedFrameError: A stored image is missing or damaged.
    """
    if isinstance(image, np.ndarray):
        return image
    try:
        return image.pixels()
    except ValueError as error:
        where = f'{image.frame.file}: frame {image.frame.index}'
        raise DamagedFrameError(f'{where} is missing or damaged') from error
