"""The files of an episode in a new dataset: images as they were, tables with other numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from neuracore_ros.arrays import Array
from neuracore_ros.dataset import lerobot, tables
from neuracore_ros.dataset.control_columns import ControlColumns
from neuracore_ros.dataset.depths import DepthColumn
from neuracore_ros.dataset.lerobot import ACTION, STATE, Columns
from neuracore_ros.dataset.metadata import AFRESH, Metadata
from neuracore_ros.dataset.reading_errors import reading_errors
from neuracore_ros.dataset.statistics import Statistics
from neuracore_ros.dataset.tables import EpisodeRecord, read_tasks
from neuracore_ros.dataset.totals import Totals
from neuracore_ros.dataset.video import write_black
from neuracore_ros.description import Layout
from neuracore_ros.edit.depth_copy import AbsentDepths, StoredDepths
from neuracore_ros.edit.file_copy import copy_file
from neuracore_ros.edit.recordings import TakenEpisode
from neuracore_ros.errors import DatasetError
from neuracore_ros.files import real_folder, whole_file, whole_path, write_whole, writing
from neuracore_ros.loading.reading import (
    read_columns,
    read_control,
    read_task_indices,
    video_frames,
)
from neuracore_ros.regular_file import read_bytes

_COLOURS, _DISTANCE = 3, 1


class EpisodeCopier:
    """Makes the episodes of a new dataset, in their order.

    Args:
        out: Its folder.
        metadata: What it will hold.

    Attributes:
        totals: Over the episodes so far.
    """

    def __init__(self, out: Path, metadata: Metadata) -> None:
        self.totals = Totals()
        self._out = out
        self._metadata = metadata
        self._black: dict[int, Path] = {}
        self._tasks: dict[Path, list[str]] = {}

    def add(self, taken: TakenEpisode, number: int) -> Callable[[], None] | None:
        """Count an episode, and give what copies it; that may run beside others, in any order.

        Returns:
            None if a run before has copied it: its row of the episodes table comes last.

        Raises:
            DatasetError: Its dataset is damaged.
        """
        before, episode = read_record(taken), taken.episode
        record = replace(
            before,
            number=number,
            first_row=self.totals.rows,
            statistics=widened(before.statistics, taken.dataset.metadata, self._metadata),
            policy=episode.policy,
            success=episode.is_success,
            pair=episode.pair,
        )
        self.totals.add(record)
        content = tables.episode_table(record, self._metadata)
        if self._holds(lerobot.episode_path(number), content):
            return None
        return partial(self._copy, taken, record, tuple(self.totals.tasks), content)

    def _copy(
        self, taken: TakenEpisode, record: EpisodeRecord, tasks: Sequence[str], content: bytes
    ) -> None:
        """Write the files of an episode, the row of the episodes table last."""
        columns = self._columns(taken, record)
        for camera in lerobot.cameras(self._metadata):
            self._add_video(taken, camera, self._place(lerobot.video_path(record.number, camera)))
        with whole_file(self._place(lerobot.data_path(record.number)), self._out) as file:
            tables.write_data(file, columns, record, tasks, self._metadata.rate_hz)
        write_whole(self._place(lerobot.episode_path(record.number)), content, self._out)

    def finish(self) -> None:
        """Write what LeRobot reads of all of them."""
        for place, content in self.totals.files(self._metadata).items():
            write_whole(self._place(place), content, self._out)

    def _place(self, place: Path) -> Path:
        real_folder(self._out, place.parent)
        return self._out / place

    def _holds(self, place: Path, content: bytes) -> bool:
        """True if a file is there with this content."""
        try:
            return read_bytes(self._out / place) == content
        except OSError:
            return False

    def _columns(self, taken: TakenEpisode, record: EpisodeRecord) -> Columns:
        """The numbers, padded to the new layout; the rest as it was.

        Raises:
            DatasetError: A table is damaged, or contradicts another one.
        """
        root, was, now = taken.dataset.path, taken.dataset.metadata, self._metadata
        if root not in self._tasks:
            self._tasks[root] = read_tasks(root)
        tasks = self._tasks[root]
        named = [tasks[k] for k in read_task_indices(root, was, taken.number, len(tasks))]
        if record.tasks != tuple(dict.fromkeys(named)):
            file = root / lerobot.data_path(taken.number)
            raise DatasetError(f'{file}: its tasks are not those of its episode; {AFRESH}')
        columns = read_columns(root, was, taken.number)
        depths: dict[str, DepthColumn] = {}
        for key in lerobot.depth_keys(now):
            depths[key] = (
                StoredDepths(root / lerobot.data_path(taken.number), key)
                if key in lerobot.depth_keys(was)
                else AbsentDepths(record.steps, now.image_size)
            )
        control = read_control(root, was, taken.number)
        if control is None and now.has_control:
            control = ControlColumns.of([None] * record.steps, record.success)
        return replace(
            columns,
            state=_placed(columns.state, was.input_layout, now.input_layout),
            state_valid=_placed(columns.state_valid, was.input_layout, now.input_layout),
            action=_placed(columns.action, was.output_layout, now.output_layout),
            action_valid=_placed(columns.action_valid, was.output_layout, now.output_layout),
            depths=depths,
            tasks=named,
            control=control,
        )

    def _add_video(self, taken: TakenEpisode, camera: str, target: Path) -> None:
        root, was = taken.dataset.path, taken.dataset.metadata
        if camera in lerobot.cameras(was):
            video_frames(root, was, taken.number, camera).check()
            copy_file(root / lerobot.video_path(taken.number, camera), target, self._out)
            return
        steps = taken.episode.steps
        if steps in self._black:
            copy_file(self._black[steps], target, self._out)
            return
        with whole_path(target, self._out) as fresh, writing(target):
            write_black(fresh, self._metadata.rate_hz, self._metadata.image_size, steps)
        self._black[steps] = target


def read_record(taken: TakenEpisode) -> EpisodeRecord:
    """An episode's row of the episodes table.

    Raises:
        DatasetError: It is damaged, or contradicts the metadata.
    """
    path = taken.dataset.path / lerobot.episode_path(taken.number)
    with reading_errors(path):
        record = tables.read_episode(path, taken.dataset.metadata)
    said = record.number, record.robot, record.steps
    if said != (taken.number, taken.episode.robot, taken.episode.steps):
        raise DatasetError(f'{path}: contradicts the metadata of the dataset; {AFRESH}')
    return record


def widened(
    statistics: Mapping[str, Statistics], was: Metadata, now: Metadata
) -> dict[str, Statistics]:
    """The statistics of an episode in a layout that may be wider."""
    vectors = {
        STATE: (was.input_layout, now.input_layout),
        ACTION: (was.output_layout, now.output_layout),
    }
    found = {
        key: statistics[key].placed(layouts[1].places(layouts[0]), len(layouts[1].columns()))
        if key in statistics
        else Statistics.absent(len(layouts[1].columns()))
        for key, layouts in vectors.items()
        if layouts[1].columns()
    }
    images = {
        **dict.fromkeys(lerobot.cameras(now), _COLOURS),
        **dict.fromkeys(lerobot.depth_keys(now), _DISTANCE),
    }
    for key, channels in images.items():
        found[key] = statistics.get(key) or Statistics.absent(channels)
    return found


def _placed(values: Array, part: Layout, whole: Layout) -> Array:
    """Columns (N, part) among those of a wider layout, (N, whole), zeros elsewhere."""
    if part == whole:
        return values
    wide = np.zeros((len(values), len(whole.columns())), values.dtype)
    wide[:, whole.places(part)] = values
    return wide
