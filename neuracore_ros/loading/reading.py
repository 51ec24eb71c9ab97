"""Episodes of a dataset, read back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from neuracore_ros.arrays import Array, ByteArray, IntArray
from neuracore_ros.control import INTERVENTION
from neuracore_ros.dataset import lerobot, tables
from neuracore_ros.dataset.control_columns import POLICY, ControlColumns
from neuracore_ros.dataset.lerobot import Columns
from neuracore_ros.dataset.metadata import Metadata
from neuracore_ros.dataset.reading_errors import reading_errors
from neuracore_ros.errors import DatasetError
from neuracore_ros.loading.depth_frames import DepthFrames
from neuracore_ros.loading.video_frames import VideoFrames

Number = TypeVar('Number', np.float32, np.bool_, np.int64)

# A table with somewhat more values than it should have is refused column by column.
_MOST_TIMES_THE_VALUES, _MORE_VALUES = 4, 1_000_000


def read_columns(root: Path, metadata: Metadata, number: int) -> Columns:
    """The numbers of one episode, N rows.

    Raises:
        DatasetError: The file is missing, damaged, or contradicts the metadata.
    """
    file = root / lerobot.data_path(number)
    steps = metadata.episodes[number].steps
    inputs = (steps, len(metadata.input_layout.columns()))
    outputs = (steps, len(metadata.output_layout.columns()))
    names = (lerobot.STATE, lerobot.VALID_STATE, lerobot.ACTION, lerobot.VALID_ACTION)
    data = _table(file, 2 * steps * (inputs[1] + outputs[1]), *names)
    with reading_errors(file):
        return Columns(
            _column(data, lerobot.STATE, file, inputs, np.float32),
            _column(data, lerobot.VALID_STATE, file, inputs, np.bool_),
            _column(data, lerobot.ACTION, file, outputs, np.float32),
            _column(data, lerobot.VALID_ACTION, file, outputs, np.bool_),
        )


def read_frames(
    root: Path, metadata: Metadata, number: int, camera: str, count: int
) -> Iterator[ByteArray]:
    """Frames of one camera, at most ``count``, spread evenly over an episode.

    Yields:
        RGB, uint8, shape (height, width, 3).

    Raises:
        DatasetError: The video is missing or damaged, or contradicts the metadata.
    """
    last = max(metadata.episodes[number].steps - 1, 0)
    wanted = set(np.linspace(0, last, count).round().astype(int).tolist())
    frames = video_frames(root, metadata, number, camera)
    yield from (frame for step, frame in enumerate(frames) if step in wanted)


def video_frames(root: Path, metadata: Metadata, number: int, camera: str) -> VideoFrames:
    """The frames of one camera in an episode; nothing is read yet."""
    shape = (metadata.episodes[number].steps, *metadata.image_size, 3)
    return VideoFrames(root / lerobot.video_path(number, camera), shape)


def depth_frames(root: Path, metadata: Metadata, number: int, camera: str) -> DepthFrames:
    """The depths of one camera in an episode, in millimetres; nothing is read yet."""
    shape = metadata.episodes[number].steps, *metadata.image_size
    return DepthFrames(root / lerobot.data_path(number), camera, shape)


def read_task_indices(root: Path, metadata: Metadata, number: int, tasks: int) -> IntArray:
    """The task of each of the N rows of an episode, as an index into the dataset's tasks.

    Raises:
        DatasetError: The file is missing, damaged, or contradicts the metadata.
    """
    file = root / lerobot.data_path(number)
    shape = metadata.episodes[number].steps, 1
    with reading_errors(file):
        found = _column(_table(file, shape[0], 'task_index'), 'task_index', file, shape, np.int64)[
            :, 0
        ]
    if found.min() < 0 or found.max() >= tasks:
        raise DatasetError(f'{file}: task_index is beyond {lerobot.TASKS_PATH}')
    return found


def read_control(root: Path, metadata: Metadata, number: int) -> ControlColumns | None:
    """Control of each of the N rows of an episode; None where the dataset does not keep it.

    Raises:
        DatasetError: The file is missing, damaged, or contradicts the metadata.
    """
    if not metadata.has_control:
        return None
    file, episode = root / lerobot.data_path(number), metadata.episodes[number]
    with reading_errors(file):
        data = _table(file, 2 * episode.steps, INTERVENTION, POLICY)
        human = _column(data, INTERVENTION, file, (episode.steps, 1), np.bool_)[:, 0]
        if POLICY not in data.column_names:
            raise DatasetError(f"{file}: lacks the column '{POLICY}'")
        policies = data[POLICY].to_pylist()
    if not all(isinstance(policy, str) for policy in policies):
        raise DatasetError(f"{file}: '{POLICY}' holds {data[POLICY].type}, not texts")
    return ControlColumns(human, policies, episode.is_success)


def _table(file: Path, values: int, *names: str) -> pa.Table:
    """Read those of the columns that there are; images beside them are not read.

    Raises:
        DatasetError: It is damaged, or has very many more values, which a few bytes may stand for.
    """
    with reading_errors(file), tables.open_table(file) as table:
        _require_sound_columns(table)
        groups = [table.metadata.row_group(k) for k in range(table.num_row_groups)]
        columns = [group.column(k) for group in groups for k in range(group.num_columns)]
        # Of a list, the path goes on after the column's name.
        parts = tuple(f'{name}.' for name in names)
        held = sum(c.num_values for c in columns if f'{c.path_in_schema}.'.startswith(parts))
        if held > _MOST_TIMES_THE_VALUES * values + _MORE_VALUES:
            raise DatasetError(f'{file}: has {held} values; meta says {values}')
        return table.read([name for name in names if name in table.schema_arrow.names])


def _require_sound_columns(table: pq.ParquetFile) -> None:
    """Have a damaged description of a column raise an error here: `column` ends the process.

    Raises:
        OSError, pa.ArrowException: One is damaged.
    """
    every = range(table.metadata.num_columns)
    for group in range(table.num_row_groups):
        # No row at a time: columns are opened, and nothing is read of them.
        next(table.reader.iter_batches(0, [group], column_indices=every, use_threads=False), None)


def _column(
    data: pa.Table, name: str, file: Path, shape: tuple[int, int], dtype: type[Number]
) -> NDArray[Number]:
    if not shape[1]:
        return np.zeros(shape, dtype)
    if name not in data.column_names:
        raise DatasetError(f"{file}: lacks the column '{name}'")
    column = data[name].combine_chunks()
    if pa.types.is_fixed_size_list(column.type) or pa.types.is_list(column.type):
        column = column.flatten()
    values: Array = column.to_numpy(zero_copy_only=False)
    if len(data) != shape[0] or values.size != shape[0] * shape[1]:
        raise DatasetError(
            f"{file}: '{name}' has {len(data)} rows of {values.size // max(len(data), 1)} slots; "
            f'meta says {shape[0]} of {shape[1]}'
        )
    if values.dtype.kind != np.dtype(dtype).kind:
        raise DatasetError(f"{file}: '{name}' holds {values.dtype}, not {np.dtype(dtype)}")
    return values.reshape(shape).astype(dtype)
