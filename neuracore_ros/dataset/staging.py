"""Episodes on their way into a dataset: rows in, complete files without a number out."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from neuracore_ros.arrays import Array, BoolArray, ByteArray, Float32Array, IntArray
from neuracore_ros.control import Control
from neuracore_ros.dataset import depths, lerobot
from neuracore_ros.dataset.camera_video import CameraVideo, pixels_of
from neuracore_ros.dataset.control_columns import ControlColumns
from neuracore_ros.dataset.lerobot import Columns
from neuracore_ros.dataset.metadata import SUCCESS, Metadata
from neuracore_ros.dataset.row import Row
from neuracore_ros.dataset.statistics import Statistics
from neuracore_ros.dataset.video import write_black
from neuracore_ros.description import DataType, Layout
from neuracore_ros.observation.depth import millimetres
from neuracore_ros.observation.texts import decode_text

# Colours of neighbouring steps and pixels say the same; every tenth step is enough.
PIXEL_STEP = 10
PIXEL_STRIDE = 4


@dataclass(frozen=True, slots=True)
class StagedEpisode:
    """An episode that is complete, wherever it will come in the dataset.

    Attributes:
        folder: Holds one video per camera, safely on the disk, and depths.
        steps: Rows.
        columns: What its table holds.
        statistics: Feature -> its statistics over valid entries.
    """

    folder: Path
    steps: int
    columns: Columns
    statistics: Mapping[str, Statistics]

    def discard(self) -> None:
        """Delete its files."""
        shutil.rmtree(self.folder, ignore_errors=True)


class EpisodeWriter:
    """Writes one episode into a folder of its own: images as rows come, numbers at the end.

    Args:
        folder: Where; it is made.
        metadata: Layouts, rate and image size.
        task: What was to be done, wherever the rows themselves do not say.
    """

    def __init__(self, folder: Path, metadata: Metadata, task: str = '') -> None:
        folder.mkdir()
        self._folder = folder
        self._metadata = metadata
        self._task = task
        self._tasks: list[str] = []
        self._controls: list[Control | None] = []
        self._outcome = ''
        self._inputs = _Vectors(metadata.input_layout)
        self._outputs = _Vectors(metadata.output_layout)
        self._cameras = lerobot.cameras(metadata)
        self._videos: dict[int, CameraVideo] = {}
        self._depths = {
            key: depths.SpoolWriter(folder / key) for key in lerobot.depth_keys(metadata)
        }
        self._blank = depths.encode(np.zeros(metadata.image_size, np.float32))
        self._levels = {camera: np.zeros((3, 256), np.int64) for camera in self._cameras}
        self._levels |= {camera: np.zeros((1, 1 << 16), np.int64) for camera in self._depths}

    @property
    def steps(self) -> int:
        """Rows so far."""
        return len(self._tasks)

    def add(self, row: Row) -> None:
        """Append one row; all rows have the same cameras.

        Raises:
            BagError: A stored image of it is damaged.
            OSError: It cannot be written.
        """
        images = row.inputs.get(DataType.RGB_IMAGES)
        if images is not None:
            if not self._videos:
                self._open_videos(row.input_valid[DataType.RGB_IMAGES])
            for index, video in self._videos.items():
                image = row.stored.get(index, images[index])
                video.add(image)
                if self.steps % PIXEL_STEP == 0:
                    _count_levels(pixels_of(image), self._levels[self._cameras[index]])
        self._add_depths(row)
        self._inputs.add(row.inputs, row.input_valid)
        self._outputs.add(row.outputs, row.output_valid)
        has_task = row.input_valid.get(DataType.LANGUAGE, [False])[0]
        task = decode_text(row.inputs[DataType.LANGUAGE][0]) if has_task else self._task
        self._tasks.append(task)
        self._controls.append(row.control)
        self._outcome = row.outcome

    def finish(self) -> StagedEpisode:
        """Complete the files.

        Raises:
            BagError: A video from which frames were to be copied is damaged.
            OSError: They could not be written, for instance because the disk is full.
        """
        for video in self._videos.values():
            video.close()
        for index, camera in enumerate(self._cameras):
            if index not in self._videos:
                path = video_path(self._folder, camera)
                write_black(path, self._metadata.rate_hz, self._metadata.image_size, self.steps)
        numbers = *self._inputs.columns(), *self._outputs.columns()
        spools = {key: spool.close() for key, spool in self._depths.items()}
        control = None
        if self._metadata.has_control:
            control = ControlColumns.of(self._controls, self._outcome == SUCCESS)
        columns = Columns(*numbers, spools, self._tasks, control)
        return StagedEpisode(self._folder, self.steps, columns, self._statistics(columns))

    def discard(self) -> None:
        """Drop the episode and its files."""
        for video in self._videos.values():
            video.discard()
        for spool in self._depths.values():
            with suppress(OSError):
                spool.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _open_videos(self, valid: BoolArray) -> None:
        rate_hz, size = self._metadata.rate_hz, self._metadata.image_size
        for index in np.flatnonzero(valid).tolist():
            path = video_path(self._folder, self._cameras[index])
            self._videos[index] = CameraVideo(path, rate_hz, size)

    def _add_depths(self, row: Row) -> None:
        for index, (camera, spool) in enumerate(self._depths.items()):
            if not row.input_valid[DataType.DEPTH_IMAGES][index]:
                spool.add(self._blank)
                continue
            image = row.inputs[DataType.DEPTH_IMAGES][index]
            spool.add(depths.encode(image))
            if self.steps % PIXEL_STEP == 0:
                some = millimetres(image[::PIXEL_STRIDE, ::PIXEL_STRIDE])
                self._levels[camera][0] += np.bincount(some[some > 0], minlength=1 << 16)

    def _statistics(self, columns: Columns) -> dict[str, Statistics]:
        found = {
            lerobot.STATE: Statistics.of(columns.state, columns.state_valid),
            lerobot.ACTION: Statistics.of(columns.action, columns.action_valid),
        }
        found = {key: value for key, value in found.items() if value.count.size}
        for camera, levels in self._levels.items():
            unit = 1.0 if camera in self._depths else 1 / 255
            found[camera] = Statistics.of_histogram(levels, unit)
        return found


class _Vectors:
    """The numeric DataTypes of one role, joined row by row."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._rows = 0
        self._values, self._valid = bytearray(), bytearray()

    def add(self, values: Mapping[DataType, Array], valid: Mapping[DataType, BoolArray]) -> None:
        """Append one row."""
        self._rows += 1
        self._values += self._layout.join(values).astype(np.float32, copy=False).tobytes()
        self._valid += self._layout.join_valid(valid).tobytes()

    def columns(self) -> tuple[Float32Array, BoolArray]:
        """Values and valid, each of shape (N, columns)."""
        shape = self._rows, len(self._layout.columns())
        values, valid = np.frombuffer(self._values, np.float32), np.frombuffer(self._valid, bool)
        return values.reshape(shape), valid.reshape(shape)


def video_path(folder: Path, camera: str) -> Path:
    """The staged file of one camera."""
    return folder / f'{camera}.mp4'


def _count_levels(image: ByteArray, levels: IntArray) -> None:
    pixels = np.ascontiguousarray(image[::PIXEL_STRIDE, ::PIXEL_STRIDE])
    for channel in range(3):
        counted = cv2.calcHist([pixels], [channel], None, [256], [0, 256])
        levels[channel] += counted.ravel().astype(np.int64)
