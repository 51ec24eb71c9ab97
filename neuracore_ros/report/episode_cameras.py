"""Pictures of every camera of one episode, colours and depths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from neuracore_ros.arrays import Array, ByteArray
from neuracore_ros.dataset import lerobot
from neuracore_ros.dataset.metadata import Metadata
from neuracore_ros.description import DataType
from neuracore_ros.loading.reading import depth_frames, read_frames
from neuracore_ros.report.camera_sheet import MOST_PICTURES, camera_sheet
from neuracore_ros.report.episode_view import CameraSheet

# Shades of depths: near is light, this far and farther is dark, and nothing measured is black.
_FARTHEST_MM = 3000
_NEAR, _FAR = 255, 40


def episode_cameras(dataset: Path, metadata: Metadata, number: int) -> Iterator[CameraSheet]:
    """The cameras of an episode, at most `MOST_PICTURES` of each, evenly spread.

    Raises:
        DatasetError: A video or a table is missing or damaged.
    """
    episode = metadata.episodes[number]
    inputs = metadata.descriptions.input[episode.robot]
    count = min(episode.steps, MOST_PICTURES)
    steps = np.linspace(0, max(episode.steps - 1, 0), count).round().astype(int).tolist()
    for index, name in inputs.get(DataType.RGB_IMAGES, {}).items():
        key = lerobot.camera_key(index)
        frames = read_frames(dataset, metadata, number, key, count)
        yield camera_sheet(f'{index} {name}', steps, frames)
    for index, name in inputs.get(DataType.DEPTH_IMAGES, {}).items():
        key = lerobot.depth_keys(metadata)[index]
        depths = enumerate(depth_frames(dataset, metadata, number, key))
        wanted = {*steps}
        shades = (shaded(depth) for step, depth in depths if step in wanted)
        yield camera_sheet(f'{index} {name}: depth', steps, shades)


def shaded(depths: Array) -> ByteArray:
    """Depths [mm], (height, width), as shades of grey, (height, width, 3)."""
    part = np.minimum(depths / _FARTHEST_MM, 1.0)
    grey = np.where(depths > 0, _NEAR - (_NEAR - _FAR) * part, 0.0)
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=-1)
