"""The parquet files of a LeRobotDataset v3.0."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from neuracore_ros.arrays import Array
from neuracore_ros.bounds import MAX_STEPS
from neuracore_ros.dataset import depths
from neuracore_ros.dataset.lerobot import (
    ACTION,
    STATE,
    TASKS_PATH,
    VALID_ACTION,
    VALID_STATE,
    Columns,
    cameras,
    depth_keys,
    place,
)
from neuracore_ros.dataset.metadata import AFRESH, Metadata
from neuracore_ros.dataset.reading_errors import reading_errors
from neuracore_ros.dataset.statistics import Statistics
from neuracore_ros.errors import DatasetError
from neuracore_ros.records import Record, RecordOrigin
from neuracore_ros.regular_file import require_regular

# Without checksums most bits that flip on a disk give other numbers, and no error.
_WRITTEN: dict[str, Any] = {'compression': 'snappy', 'write_page_checksum': True}
_COLOURS = 3


@dataclass(frozen=True, slots=True)
class EpisodeRecord:
    """One row of LeRobot's episodes table.

    Attributes:
        number: The episode.
        robot: Whose it is.
        tasks: What was to be done, each text once.
        first_row: Rows of all episodes before.
        steps: Rows of this one.
        statistics: Feature -> its statistics in this episode.
        policy: The policy that commanded in it; '' none.
        success: Whether it was marked as one.
        pair: Label that it has in common with other episodes; '' none.
    """

    number: int
    robot: str
    tasks: tuple[str, ...]
    first_row: int
    steps: int
    statistics: Mapping[str, Statistics]
    policy: str = ''
    success: bool = False
    pair: str = ''


@contextmanager
def open_table(path: Path) -> Iterator[pq.ParquetFile]:
    """A table to read; its checksums are compared, where it has some: older ones have none.

    Raises:
        OSError, pa.ArrowException: It is missing, or what is read of it is damaged.
    """
    require_regular(path)
    with pq.ParquetFile(path, page_checksum_verification=True) as table:
        yield table


def write_data(
    file: BinaryIO,
    columns: Columns,
    record: EpisodeRecord,
    tasks: Sequence[str],
    rate_hz: float,
) -> None:
    """Write the rows of one episode; ``tasks`` are those of the whole dataset."""
    task_index = {task: index for index, task in enumerate(tasks)}
    steps = np.arange(record.steps)
    fields = {
        STATE: _vectors(columns.state, pa.float32()),
        ACTION: _vectors(columns.action, pa.float32()),
        VALID_STATE: _vectors(columns.state_valid, pa.bool_()),
        VALID_ACTION: _vectors(columns.action_valid, pa.bool_()),
    }
    fields = {key: value for key, value in fields.items() if value is not None}
    if columns.control is not None:
        fields |= columns.control.arrays()
    fields |= {
        'timestamp': pa.array((steps / rate_hz).astype(np.float32)),
        'frame_index': pa.array(steps, pa.int64()),
        'episode_index': pa.array(np.full(record.steps, record.number), pa.int64()),
        'index': pa.array(record.first_row + steps, pa.int64()),
        'task_index': pa.array([task_index[task] for task in columns.tasks], pa.int64()),
    }
    numbers = pa.table(fields)
    images = [pa.field(key, depths.TYPE) for key in columns.depths]
    schema = pa.schema([*numbers.schema, *images])
    block = depths.BLOCK if images else record.steps
    with pq.ParquetWriter(file, schema, **_WRITTEN) as writer:
        for start in range(0, record.steps, block):
            part = numbers.slice(start, block)
            for image, spool in zip(images, columns.depths.values(), strict=True):
                part = part.append_column(image, spool.column(start, start + block))
            writer.write_table(part)


def episode_table(record: EpisodeRecord, metadata: Metadata) -> bytes:
    """One row of the episodes table; ``robot`` and what follows it are additions of ours."""
    chunk, file = place(record.number).values()
    row: dict[str, Any] = {
        'episode_index': record.number,
        'tasks': list(record.tasks),
        'length': record.steps,
        'robot': record.robot,
        **(_control(record) if metadata.has_control else {}),
        'dataset_from_index': record.first_row,
        'dataset_to_index': record.first_row + record.steps,
        'data/chunk_index': chunk,
        'data/file_index': file,
        'meta/episodes/chunk_index': chunk,
        'meta/episodes/file_index': file,
    }
    for camera in cameras(metadata):
        row[f'videos/{camera}/chunk_index'] = chunk
        row[f'videos/{camera}/file_index'] = file
        row[f'videos/{camera}/from_timestamp'] = 0.0
        row[f'videos/{camera}/to_timestamp'] = record.steps / metadata.rate_hz
    for key, statistics in record.statistics.items():
        image = key not in {STATE, ACTION}
        for name, value in statistics.to_json(record.steps, image).items():
            row[f'stats/{key}/{name}'] = value
    return _parquet(pa.Table.from_pylist([row]))


def _control(record: EpisodeRecord) -> dict[str, Any]:
    return {'policy': record.policy, 'success': record.success, 'pair': record.pair}


def read_episode(path: Path, metadata: Metadata) -> EpisodeRecord:
    """Read back what :func:`episode_table` wrote.

    Raises:
        OSError, LookupError, pa.ArrowException: It is missing or damaged.
        DatasetError: A value is missing or wrong.
    """
    with open_table(path) as table:
        row = table.read().to_pylist()[0]
    origin = RecordOrigin(str(path), DatasetError, AFRESH)
    found: dict[str, dict[str, Any]] = {}
    for key, value in row.items():
        if key.startswith('stats/') and key.count('/') == 2:
            _, feature, name = key.split('/')
            found.setdefault(feature, {})[name] = value
    record = Record(row, origin)
    return EpisodeRecord(
        number=record.integer('episode_index'),
        robot=record.name('robot'),
        tasks=record.texts('tasks'),
        first_row=record.integer('dataset_from_index'),
        steps=record.count('length', MAX_STEPS),
        statistics=statistics_of(Record(found, origin.within('stats')), metadata),
    )


def statistics_of(record: Record, metadata: Metadata) -> dict[str, Statistics]:
    """The statistics of every feature of a dataset, as :func:`lerobot.stats` writes them.

    Raises:
        UserError: A feature or a value is missing or wrong; of the record's kind.
    """
    widths = {
        STATE: len(metadata.input_layout.columns()),
        ACTION: len(metadata.output_layout.columns()),
        **dict.fromkeys(cameras(metadata), _COLOURS),
        **dict.fromkeys(depth_keys(metadata), 1),
    }
    return {
        key: Statistics.of_record(record.record(key), width)
        for key, width in widths.items()
        if width
    }


def tasks_table(tasks: Sequence[str]) -> bytes:
    """``meta/tasks.parquet``: the task is the index that pandas restores."""
    indices = pa.array(range(len(tasks)), pa.int64())
    table = pa.table({'task_index': indices, 'task': pa.array(tasks, pa.string())})
    pandas = {
        'index_columns': ['task'],
        'column_indexes': [],
        'columns': [
            {'name': name, 'field_name': name, 'metadata': None}
            | {'pandas_type': pandas_type, 'numpy_type': numpy_type}
            for name, pandas_type, numpy_type in (
                ('task_index', 'int64', 'int64'),
                ('task', 'unicode', 'object'),
            )
        ],
        'pandas_version': '2.0.0',
    }
    return _parquet(table.replace_schema_metadata({'pandas': json.dumps(pandas)}))


def read_tasks(root: Path) -> list[str]:
    """The tasks of a dataset, by their index.

    Raises:
        DatasetError: ``meta/tasks.parquet`` is missing or damaged.
    """
    path = root / TASKS_PATH
    with reading_errors(path):
        with open_table(path) as file:
            table = file.read().sort_by('task_index')
        tasks: list[str] = table['task'].to_pylist()
        is_numbered = table['task_index'].to_pylist() == list(range(len(tasks)))
        if not is_numbered or not all(isinstance(task, str) for task in tasks):
            raise ValueError('tasks are not texts, numbered from 0')
    return tasks


def _vectors(values: Array, kind: pa.DataType) -> pa.Array | None:
    """A column of vectors; of plain numbers where W is 1, as LeRobot wants it; None where 0."""
    width = values.shape[1]
    if not width:
        return None
    flat = pa.array(np.ascontiguousarray(values).reshape(-1), kind)
    return flat if width == 1 else pa.FixedSizeListArray.from_arrays(flat, width)


def _parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **_WRITTEN)
    return buffer.getvalue()
