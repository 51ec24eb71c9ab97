"""One episode of a dataset in the Rerun viewer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neuracore_ros.dataset import lerobot
from neuracore_ros.dataset.metadata import Metadata, load_metadata
from neuracore_ros.description import DataType
from neuracore_ros.errors import DatasetError, WriteError
from neuracore_ros.files import whole_path
from neuracore_ros.loading.reading import read_columns, read_frames
from neuracore_ros.report.traces import episode_traces

TIMELINE = 'episode'
# The end of a complete file.
_END = b'RRF2FOOT\x01\0\0\0'


def show_episode(dataset: Path, number: int, file: Path | None = None) -> None:
    """Open an episode in the viewer, or write an ``.rrd`` file for the viewer.

    Raises:
        DatasetError: No dataset, no such episode, or damaged files.
        ModuleNotFoundError: The viewer's library is not installed.
    """
    # Imported here, since it is an extra, and large.
    import rerun

    metadata = load_metadata(dataset)
    if not 0 <= number < len(metadata.episodes):
        raise DatasetError(
            f'{dataset}: has no episode {number}; it has {len(metadata.episodes)}, from 0 on'
        )
    rerun.init(f'neuracore_ros {dataset.resolve().name} {number}', spawn=file is None)
    if file is None:
        _log(dataset, metadata, number)
        return
    with whole_path(file) as partial:
        rerun.save(partial)
        _log(dataset, metadata, number)
        rerun.disconnect()  # Only then is all of it in the file.
        # The library logs what goes wrong, and goes on.
        if not partial.read_bytes().endswith(_END):
            raise WriteError(file, 'not all of it could be written: is the disk full?')


def _log(dataset: Path, metadata: Metadata, number: int) -> None:
    """Give the viewer's library all traces and pictures of an episode."""
    import rerun

    columns = read_columns(dataset, metadata, number)
    inputs = metadata.descriptions.input[metadata.episodes[number].robot]
    times = rerun.TimeColumn(TIMELINE, duration=np.arange(len(columns.state)) / metadata.rate_hz)
    for role, lines in episode_traces(metadata, number, columns).items():
        for trace in lines:
            scalars = rerun.Scalars.columns(scalars=trace.values.astype(float))
            path = rerun.new_entity_path([role, trace.data_type.value, trace.label])
            rerun.send_columns(path, [times], scalars)
    for index, name in inputs.get(DataType.RGB_IMAGES, {}).items():
        frames = read_frames(
            dataset, metadata, number, lerobot.camera_key(index), len(columns.state)
        )
        for step, frame in enumerate(frames):
            rerun.set_time(TIMELINE, duration=step / metadata.rate_hz)
            picture: Any = rerun.Image(frame).compress(jpeg_quality=90)
            rerun.log(['input', 'RGB_IMAGES', f'{index} {name}'], picture)
