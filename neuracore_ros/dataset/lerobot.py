"""The files of a LeRobotDataset v3.0: their names, and those that are JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neuracore_ros.arrays import BoolArray, Float32Array
from neuracore_ros.dataset.control_columns import ControlColumns
from neuracore_ros.dataset.control_columns import features as control_features
from neuracore_ros.dataset.depths import DepthColumn
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
    """The columns of the table of one episode, with N rows.

    Attributes:
        state: float32, shape (N, inputs).
        state_valid: bool, likewise.
        action: float32, shape (N, outputs).
        action_valid: bool, likewise.
        depths: Feature -> N images, as PNG.
        tasks: What was to be done at each row.
        control: By whom each row was commanded; None in a dataset that does not keep it.
    """

    state: Float32Array
    state_valid: BoolArray
    action: Float32Array
    action_valid: BoolArray
    depths: Mapping[str, DepthColumn] = field(default_factory=dict)
    tasks: Sequence[str] = ()
    control: ControlColumns | None = None


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
    return Path(DATA_PATH.format(**place(number)))


def video_path(number: int, camera: str) -> Path:
    """The mp4 file of one camera in an episode."""
    return Path(VIDEO_PATH.format(video_key=camera, **place(number)))


def episode_path(number: int) -> Path:
    """The parquet file that holds an episode's row of the episodes table."""
    return Path(EPISODE_PATH.format(**place(number)))


def place(number: int) -> dict[str, int]:
    """The place of an episode's files, in LeRobot's words."""
    chunk, file = divmod(number, FILES_PER_CHUNK)
    return {'chunk_index': chunk, 'file_index': file}


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
    return _document(record)


def stats(statistics: Mapping[str, Statistics], steps: int) -> bytes:
    """``meta/stats.json``."""
    record = {
        key: value.to_widened_json(steps)
        if key in {STATE, ACTION}
        else value.to_json(steps, image=True)
        for key, value in statistics.items()
    }
    return _document(record)


def _document(record: Mapping[str, Any]) -> bytes:
    """JSON with a line for each key; indenting all of it takes ten times as long."""
    lines = ',\n '.join(f'{json.dumps(key)}: {json.dumps(value)}' for key, value in record.items())
    return f'{{{lines}}}\n'.encode()


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
    if metadata.has_control:
        features |= control_features()
    for key in ('timestamp', 'frame_index', 'episode_index', 'index', 'task_index'):
        dtype = 'float32' if key == 'timestamp' else 'int64'
        features[key] = {'dtype': dtype, 'shape': [1], 'names': None}
    return features
