"""Pictures of one camera over an episode, small, as one file of rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from neuracore_ros.arrays import ByteArray
from neuracore_ros.report.episode_view import CameraSheet

MOST_PICTURES = 80
"""Pictures of one camera in an episode."""
_HEIGHT, _MOST_WIDTH = 144, 256
_COLUMNS = 10
_QUALITY = [cv2.IMWRITE_WEBP_QUALITY, 60]


def small(frame: ByteArray) -> ByteArray:
    """A frame (height, width, 3) as small as the pictures of a sheet are."""
    height, width = frame.shape[:2]
    scale = min(_HEIGHT / height, _MOST_WIDTH / width, 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


class SampledPictures:
    """Small pictures of one camera as they come: at most twice `MOST_PICTURES`, evenly spread.

    Attributes:
        steps: The step of each, ascending.
    """

    def __init__(self) -> None:
        self.steps: list[int] = []
        self._pictures: list[ByteArray] = []
        self._every, self._seen = 1, 0

    def add(self, step: int, frame: ByteArray) -> None:
        """Take a frame, RGB, (height, width, 3), unless those that are kept are rarer by now."""
        if self._seen % self._every == 0:
            self.steps.append(step)
            self._pictures.append(small(frame))
        self._seen += 1
        if len(self.steps) > 2 * MOST_PICTURES:
            del self.steps[1::2], self._pictures[1::2]
            self._every *= 2

    def sheet(self, label: str) -> CameraSheet:
        """The pictures on one sheet."""
        return camera_sheet(label, self.steps, self._pictures)


def camera_sheet(label: str, steps: Sequence[int], frames: Iterable[ByteArray]) -> CameraSheet:
    """Frames of these steps, RGB of one size, on one sheet."""
    pictures = [small(frame) for frame in frames]
    height, width = pictures[0].shape[:2]
    columns = min(_COLUMNS, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        top, left = row * height, column * width
        sheet[top : top + height, left : left + width] = picture
    encoded = cv2.imencode('.webp', cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), _QUALITY)[1]
    return CameraSheet(label, steps, columns, (height, width), encoded.tobytes(), 'webp')
