"""Depths in a dataset: PNG of 16 bits of millimetres, lossless, which LeRobot opens as depth.

LeRobot's other way, video of 12 bits, has fewer levels than a camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from neuracore_ros.errors import DatasetError
from neuracore_ros.observation.depth import millimetres

Millimetres = NDArray[np.uint16]

# How the ecosystem stores images within a table.
TYPE = pa.struct([('bytes', pa.binary()), ('path', pa.string())])
# Rows that are written and read together, so that never all images of an episode are in memory.
BLOCK = 64


@dataclass(frozen=True, slots=True)
class Spool:
    """The images of an episode, one behind the other in a file.

    Attributes:
        path: The file.
        ends: Where each image ends in it, shape (N,), [bytes].
    """

    path: Path
    ends: NDArray[np.int64]

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
        self._file = path.open('wb')
        self._ends: list[int] = []

    def add(self, image: bytes) -> None:
        """Append one."""
        self._file.write(image)
        self._ends.append(self._file.tell())

    def close(self) -> Spool:
        """Complete the file."""
        self._file.close()
        return Spool(self._path, np.array(self._ends, np.int64))


def encode(depths: NDArray[np.float32]) -> bytes:
    """A PNG of metres (height, width)."""
    _, data = cv2.imencode('.png', millimetres(depths))
    return data.tobytes()


def decode(column: pa.ChunkedArray, into: Millimetres, where: str, first: int = 0) -> None:
    """Fill (n, height, width) with a column's images; the first is that of step ``first``.

    Raises:
        DatasetError: They are damaged, or of another size or number.
    """
    if len(column) != len(into):
        raise _wrong_count(where, len(column), len(into))
    for step, image in enumerate(column):
        data = np.frombuffer(image.as_py()['bytes'], np.uint8)
        pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
        if pixels is None or pixels.shape != into.shape[1:] or pixels.dtype != np.uint16:
            height, width = into.shape[1:]
            raise DatasetError(
                f'{where}: step {first + step} holds no depth image of {width}x{height}'
            )
        into[step] = pixels


def read(file: Path, key: str, into: Millimetres) -> None:
    """Fill (n, height, width) with a column of an episode's table, some rows at a time.

    Raises:
        DatasetError: The file is missing or damaged, or the images are.
    """
    where = f"{file}: '{key}'"
    done = 0
    try:
        with pq.ParquetFile(file) as table:
            if key not in table.schema_arrow.names:
                raise DatasetError(f"{file}: lacks the column '{key}'")
            if table.metadata.num_rows != len(into):
                raise _wrong_count(where, table.metadata.num_rows, len(into))
            for part in table.iter_batches(BLOCK, columns=[key]):
                decode(part[key], into[done : done + len(part)], where, done)
                done += len(part)
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f'{file}: missing or damaged: {error}') from error


def _wrong_count(where: str, images: int, steps: int) -> DatasetError:
    return DatasetError(f'{where} has {images} images; the episode has {steps} steps')
