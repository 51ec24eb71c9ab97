"""The files of a LeRobotDataset v3.0, and what is in them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from neuracore_ros.dataset import depths
from neuracore_ros.dataset.metadata import Metadata
from neuracore_ros.dataset.statistics import Statistics
from neuracore_ros.dataset.video import PIXEL_FORMAT
from neuracore_ros.description import DataType

VERSION = 'v3.0'
FILES_PER_CHUNK = 1000
CHUNK = 'chunk-{chunk_index:03d}/file-{file_index:03d}'
DATA_PATH = f'data/{CHUNK}.parquet'
VIDEO_PATH = f'videos/{{video_key}}/{CHUNK}.mp4'
EPISODE_PATH = f'meta/episodes/{CHUNK}.parquet'
INFO_PATH = Path('meta/info.json')
STATS_PATH = Path('meta/stats.json')
TASKS_PATH = Path('meta/tasks.parquet')

STATE, ACTION = 'observation.state', 'action'
VALID_STATE, VALID_ACTION = 'valid.observation.state', 'valid.action'


@dataclass(frozen=True, slots=True)
class Columns:
    """What the table of one episode holds; N rows.

    Attributes:
        state: float32, shape (N, inputs).
        state_valid: bool, likewise.
        action: float32, shape (N, outputs).
        action_valid: bool, likewise.
        depths: Feature -> N images, as PNG.
        tasks: What was to be done at each row.
    """

    state: NDArray[np.float32]
    state_valid: NDArray[np.bool_]
    action: NDArray[np.float32]
    action_valid: NDArray[np.bool_]
    depths: Mapping[str, Sequence[bytes]] = field(default_factory=dict)
    tasks: Sequence[str] = ()


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
    """

    number: int
    robot: str
    tasks: tuple[str, ...]
    first_row: int
    steps: int
    statistics: Mapping[str, Statistics]


def camera_key(index: int) -> str:
    """The feature of one camera slot."""
    return f'observation.images.rgb_{index}'


def cameras(metadata: Metadata) -> list[str]:
    """The features of all camera slots, by index."""
    return [camera_key(i) for i in range(metadata.input_layout.widths.get(DataType.RGB_IMAGES, 0))]


def depth_keys(metadata: Metadata) -> list[str]:
    """The features of all depth cameras, by index."""
    width = metadata.input_layout.widths.get(DataType.DEPTH_IMAGES, 0)
    return [f'observation.images.depth_{index}' for index in range(width)]


def data_path(number: int) -> Path:
    """The parquet file of an episode's rows."""
    return Path(DATA_PATH.format(**_place(number)))


def video_path(number: int, camera: str) -> Path:
    """The mp4 file of one camera in an episode."""
    return Path(VIDEO_PATH.format(video_key=camera, **_place(number)))


def episode_path(number: int) -> Path:
    """The parquet file that holds an episode's row of the episodes table."""
    return Path(EPISODE_PATH.format(**_place(number)))


def info(metadata: Metadata, tasks: int) -> bytes:
    """``meta/info.json``."""
    rate = metadata.rate_hz
    episodes = metadata.episodes
    record = {
        'codebase_version': VERSION,
        'robot_type': ', '.join(sorted({episode.robot for episode in episodes})) or None,
        'total_episodes': len(episodes),
        'total_frames': sum(episode.steps for episode in episodes),
        'total_tasks': tasks,
        'chunks_size': FILES_PER_CHUNK,
        'data_files_size_in_mb': 100,
        'video_files_size_in_mb': 200,
        'fps': int(rate) if rate == int(rate) else rate,
        'splits': {'train': f'0:{len(episodes)}'},
        'data_path': DATA_PATH,
        'video_path': VIDEO_PATH if cameras(metadata) else None,
        'features': _features(metadata),
    }
    return json.dumps(record, indent=4).encode()


def stats(statistics: Mapping[str, Statistics], steps: int) -> bytes:
    """``meta/stats.json``."""
    record = {
        key: value.to_json(steps, image=key not in {STATE, ACTION})
        for key, value in statistics.items()
    }
    return json.dumps(record, indent=4).encode()


def tasks_table(tasks: Sequence[str]) -> bytes:
    """``meta/tasks.parquet``: the task is the index that pandas restores."""
    table = pa.table(
        {
            'task_index': pa.array(range(len(tasks)), pa.int64()),
            'task': pa.array(tasks, pa.string()),
        }
    )
    pandas = {
        'index_columns': ['task'],
        'column_indexes': [],
        'columns': [
            _pandas_column('task_index', 'int64', 'int64'),
            _pandas_column('task', 'unicode', 'object'),
        ],
        'pandas_version': '2.0.0',
    }
    return _parquet(table.replace_schema_metadata({'pandas': json.dumps(pandas)}))


def data_table(
    columns: Columns, record: EpisodeRecord, tasks: Sequence[str], rate_hz: float
) -> bytes:
    """The rows of one episode; ``tasks`` are those of the whole dataset."""
    task_index = {task: index for index, task in enumerate(tasks)}
    steps = np.arange(record.steps)
    fields = {
        STATE: _vectors(columns.state, pa.float32()),
        ACTION: _vectors(columns.action, pa.float32()),
        VALID_STATE: _vectors(columns.state_valid, pa.bool_()),
        VALID_ACTION: _vectors(columns.action_valid, pa.bool_()),
    }
    fields = {key: value for key, value in fields.items() if value is not None}
    fields |= {key: depths.column(images) for key, images in columns.depths.items()}
    fields |= {
        'timestamp': pa.array((steps / rate_hz).astype(np.float32)),
        'frame_index': pa.array(steps, pa.int64()),
        'episode_index': pa.array(np.full(record.steps, record.number), pa.int64()),
        'index': pa.array(record.first_row + steps, pa.int64()),
        'task_index': pa.array([task_index[task] for task in columns.tasks], pa.int64()),
    }
    return _parquet(pa.table(fields))


def episode_table(record: EpisodeRecord, metadata: Metadata) -> bytes:
    """One row of the episodes table; ``robot`` is an addition of ours."""
    chunk, file = _place(record.number).values()
    row: dict[str, Any] = {
        'episode_index': record.number,
        'tasks': list(record.tasks),
        'length': record.steps,
        'robot': record.robot,
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


def read_episode(path: Path) -> EpisodeRecord:
    """Read back what :func:`episode_table` wrote.

    Raises:
        OSError, KeyError, pa.ArrowInvalid: It is missing or damaged.
    """
    row = pq.read_table(path).to_pylist()[0]
    found: dict[str, dict[str, Any]] = {}
    for key, value in row.items():
        if key.startswith('stats/'):
            _, feature, name = key.split('/')
            found.setdefault(feature, {})[name] = value
    return EpisodeRecord(
        number=row['episode_index'],
        robot=row['robot'],
        tasks=tuple(row['tasks']),
        first_row=row['dataset_from_index'],
        steps=row['length'],
        statistics={key: Statistics.from_json(value) for key, value in found.items()},
    )


def _place(number: int) -> dict[str, int]:
    chunk, file = divmod(number, FILES_PER_CHUNK)
    return {'chunk_index': chunk, 'file_index': file}


def _features(metadata: Metadata) -> dict[str, Any]:
    inputs, outputs = metadata.input_layout.columns(), metadata.output_layout.columns()
    vectors = {
        STATE: ('float32', inputs),
        ACTION: ('float32', outputs),
        VALID_STATE: ('bool', inputs),
        VALID_ACTION: ('bool', outputs),
    }
    features: dict[str, Any] = {
        key: {'dtype': dtype, 'shape': [len(names)], 'names': names}
        for key, (dtype, names) in vectors.items()
        if names
    }
    height, width = metadata.image_size
    for camera in cameras(metadata):
        features[camera] = {
            'dtype': 'video',
            'shape': [height, width, 3],
            'names': ['height', 'width', 'channels'],
            'info': {
                'video.height': height,
                'video.width': width,
                'video.channels': 3,
                'video.codec': 'h264',
                'video.pix_fmt': PIXEL_FORMAT,
                'video.fps': metadata.rate_hz,
                'is_depth_map': False,
                'has_audio': False,
            },
        }
    for key in depth_keys(metadata):
        features[key] = {
            'dtype': 'image',
            'shape': [height, width, 1],
            'names': ['height', 'width', 'channels'],
            'info': {'is_depth_map': True, 'depth_unit': 'mm'},
        }
    for key in ('timestamp', 'frame_index', 'episode_index', 'index', 'task_index'):
        dtype = 'float32' if key == 'timestamp' else 'int64'
        features[key] = {'dtype': dtype, 'shape': [1], 'names': None}
    return features


def _vectors(values: NDArray[Any], kind: pa.DataType) -> pa.Array | None:
    """A column of vectors; of plain numbers where W is 1, as LeRobot wants it; None where 0."""
    width = values.shape[1]
    if not width:
        return None
    flat = pa.array(np.ascontiguousarray(values).reshape(-1), kind)
    return flat if width == 1 else pa.FixedSizeListArray.from_arrays(flat, width)


def _pandas_column(name: str, pandas_type: str, numpy_type: str) -> dict[str, Any]:
    return {
        'name': name,
        'field_name': name,
        'pandas_type': pandas_type,
        'numpy_type': numpy_type,
        'metadata': None,
    }


def _parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression='snappy')
    return buffer.getvalue()
