"""Depths in a dataset: PNG of 16 bits of millimetres, lossless, which LeRobot opens as depth.

LeRobot's other way, video of 12 bits, has fewer levels than a camera.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from neuracore_ros.errors import DatasetError
from neuracore_ros.observation.depth import millimetres

Millimetres = NDArray[np.uint16]

# How the ecosystem stores images within a table.
TYPE = pa.struct([('bytes', pa.binary()), ('path', pa.string())])


def encode(depths: NDArray[np.float32]) -> bytes:
    """A PNG of metres (height, width)."""
    _, data = cv2.imencode('.png', millimetres(depths))
    return data.tobytes()


def column(images: Sequence[bytes]) -> pa.Array:
    """The images of an episode as a column of its table."""
    return pa.array([{'bytes': image, 'path': None} for image in images], TYPE)


def decode(column: pa.ChunkedArray, into: Millimetres, where: str) -> None:
    """Fill (n, height, width) with a column's images.

    Raises:
        DatasetError: They are damaged, or of another size or number.
    """
    if len(column) != len(into):
        raise DatasetError(f'{where} has {len(column)} images; the episode has {len(into)} steps')
    for step, image in enumerate(column):
        data = np.frombuffer(image.as_py()['bytes'], np.uint8)
        pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
        if pixels is None or pixels.shape != into.shape[1:] or pixels.dtype != np.uint16:
            height, width = into.shape[1:]
            raise DatasetError(f'{where}: step {step} holds no depth image of {width}x{height}')
        into[step] = pixels
