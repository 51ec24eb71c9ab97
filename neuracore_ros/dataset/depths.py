"""Depths in a dataset: PNG of 16 bits of millimetres, lossless, which LeRobot opens as depth.

LeRobot's other way, video of 12 bits, has fewer levels than a camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import pyarrow as pa

from neuracore_ros.arrays import Float32Array, IntArray
from neuracore_ros.observation.depth import millimetres

# How the ecosystem stores images within a table.
TYPE = pa.struct([('bytes', pa.binary()), ('path', pa.string())])
# Rows that are written and read together, so that never all images of an episode are in memory.
BLOCK = 64


class DepthColumn(Protocol):
    """The images of an episode, wherever they are."""

    def column(self, start: int, stop: int) -> pa.Array:
        """The images of some steps, as a part of a table's column; one past the end is none."""


@dataclass(frozen=True, slots=True)
class Spool:
    """The images of an episode, one behind the other in a file.

    Attributes:
        path: The file.
        ends: Where each image ends in it, shape (N,), [bytes].
    """

    path: Path
    ends: IntArray

    def column(self, start: int, stop: int) -> pa.Array:
        """The images of some steps, as a part of a table's column."""
        bounds = np.concatenate([[0], self.ends])[start : stop + 1]
        with self.path.open('rb') as file:
            file.seek(bounds[0])
            images = [file.read(size) for size in np.diff(bounds)]
        return pa.array([{'bytes': image, 'path': None} for image in images], TYPE)


class SpoolWriter:
    """Appends images to a file, as steps come."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open('xb')
        self._ends: list[int] = []

    def add(self, image: bytes) -> None:
        """Append one."""
        self._file.write(image)
        self._ends.append(self._file.tell())

    def close(self) -> Spool:
        """Complete the file."""
        self._file.close()
        return Spool(self._path, np.array(self._ends, np.int64))


def encode(depths: Float32Array) -> bytes:
    """A PNG of metres (height, width)."""
    _, data = cv2.imencode('.png', millimetres(depths))
    return data.tobytes()
