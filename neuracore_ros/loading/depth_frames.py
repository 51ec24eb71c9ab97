"""Depths of one camera in one episode, read back from its table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from neuracore_ros.arrays import Array
from neuracore_ros.dataset.depths import BLOCK
from neuracore_ros.dataset.reading_errors import reading_errors
from neuracore_ros.dataset.tables import open_table
from neuracore_ros.errors import DatasetError, ObservationError
from neuracore_ros.loading.frames import digest
from neuracore_ros.observation.compressed_image import claimed_size


class DepthFrames:
    """A table's column of depth images, in millimetres, of a given shape (N, height, width)."""

    def __init__(self, path: Path, key: str, shape: tuple[int, int, int]) -> None:
        self.shape: tuple[int, ...] = shape
        self.dtype = np.dtype(np.uint16)
        self._path = path
        self._key = key

    def __iter__(self) -> Iterator[Array]:
        step = 0
        with self._open() as table:
            for part in table.iter_batches(BLOCK, columns=[self._key]):
                for cell in part[self._key]:
                    yield self._decode(cell, step)
                    step += 1

    def read(self, step: int, into: Array) -> None:
        """See `DatasetFrames`."""
        with self._open() as table:
            groups = [table.metadata.row_group(k).num_rows for k in range(table.num_row_groups)]
            ends = np.cumsum(groups)
            group = int(np.searchsorted(ends, step, 'right'))
            place = step - int(ends[group]) + groups[group]
            cell = table.read_row_group(group, columns=[self._key])[self._key][place]
            into[:] = self._decode(cell, step)

    def check(self) -> None:
        """See `DatasetFrames`."""
        with self._open():
            pass

    def digest(self) -> str:
        """See `DatasetFrames`."""
        with reading_errors(self._path):
            return digest(self._path, self._key, self.shape)

    @contextmanager
    def _open(self) -> Iterator[Any]:
        with reading_errors(self._path), open_table(self._path) as table:
            if self._key not in table.schema_arrow.names:
                raise DatasetError(f"{self._path}: lacks the column '{self._key}'")
            if table.metadata.num_rows != self.shape[0]:
                raise DatasetError(
                    f"{self._path}: '{self._key}' has {table.metadata.num_rows} images; "
                    f'the episode has {self.shape[0]} steps'
                )
            yield table

    def _decode(self, cell: Any, step: int) -> Array:
        height, width = self.shape[1:]
        pixels = None
        with suppress(ObservationError, TypeError):
            data = cell.as_py()['bytes']
            if claimed_size(data, self._key) == (width, height):
                pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is None or pixels.shape != (height, width) or pixels.dtype != np.uint16:
            raise DatasetError(
                f"{self._path}: '{self._key}': step {step} holds no depth image of "
                f'{width}x{height}'
            )
        return pixels
