"""Adds episodes to a dataset, each wholly or not at all."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from neuracore_ros.dataset import depths, lerobot
from neuracore_ros.dataset.lerobot import Columns, EpisodeRecord
from neuracore_ros.dataset.metadata import (
    METADATA_PATH,
    PARTIAL,
    ConvertedBag,
    Episode,
    Metadata,
    load_metadata,
    write_whole,
)
from neuracore_ros.dataset.rows import Row
from neuracore_ros.dataset.statistics import Statistics
from neuracore_ros.dataset.video import VideoWriter
from neuracore_ros.description import DataType, Descriptions, Robot, plain
from neuracore_ros.errors import DatasetError
from neuracore_ros.observation.depth import millimetres
from neuracore_ros.observation.texts import decode_text

LOCK_PATH = Path('.neuracore_ros.lock')
# Colours of neighbouring steps and pixels say the same; every tenth step is enough.
PIXEL_STEP = 10
PIXEL_STRIDE = 4


class EpisodeWriter:
    """Writes one episode under partial names: videos as rows come, numbers at the end.

    Args:
        root: The dataset.
        number: The episode's number to be.
        metadata: Layouts, rate and image size.
        task: What was to be done, wherever the rows themselves do not say.
    """

    def __init__(self, root: Path, number: int, metadata: Metadata, task: str) -> None:
        self._root = root
        self.number = number
        self._metadata = metadata
        self._rows: list[tuple[NDArray[np.float32], ...]] = []
        self._valid: list[tuple[NDArray[np.bool_], ...]] = []
        self._task = task
        self._tasks: list[str] = []
        self._depths: dict[str, list[bytes]] = {key: [] for key in lerobot.depth_keys(metadata)}
        self._blank = depths.encode(np.zeros(metadata.image_size, np.float32))
        self._videos: dict[str, VideoWriter] = {}
        self._levels: dict[str, NDArray[np.int64]] = {}
        for camera in lerobot.cameras(metadata):
            path = partial(root / lerobot.video_path(number, camera))
            path.parent.mkdir(parents=True, exist_ok=True)
            self._videos[camera] = VideoWriter(path, metadata.rate_hz, metadata.image_size)
            self._levels[camera] = np.zeros((3, 256), np.int64)
        for camera in self._depths:
            self._levels[camera] = np.zeros((1, 1 << 16), np.int64)

    @property
    def steps(self) -> int:
        """Rows so far."""
        return len(self._rows)

    def add(self, row: Row) -> None:
        """Append one row."""
        inputs, outputs = self._metadata.input_layout, self._metadata.output_layout
        images = row.inputs.get(DataType.RGB_IMAGES)
        for index, (camera, video) in enumerate(self._videos.items()):
            if images is None or not row.input_valid[DataType.RGB_IMAGES][index]:
                video.add_black()
                continue
            video.add(images[index])
            if self.steps % PIXEL_STEP == 0:
                _count_levels(images[index], self._levels[camera])
        self._add_depths(row)
        told = row.input_valid.get(DataType.LANGUAGE)
        says = told is not None and bool(told[0])
        self._tasks.append(decode_text(row.inputs[DataType.LANGUAGE][0]) if says else self._task)
        self._rows.append((inputs.join(row.inputs), outputs.join(row.outputs)))
        valid = inputs.join_valid(row.input_valid), outputs.join_valid(row.output_valid)
        self._valid.append(valid)

    def _add_depths(self, row: Row) -> None:
        for index, (camera, images) in enumerate(self._depths.items()):
            if not row.input_valid[DataType.DEPTH_IMAGES][index]:
                images.append(self._blank)
                continue
            image = row.inputs[DataType.DEPTH_IMAGES][index]
            images.append(depths.encode(image))
            if self.steps % PIXEL_STEP == 0:
                some = millimetres(image[::PIXEL_STRIDE, ::PIXEL_STRIDE])
                self._levels[camera][0] += np.bincount(some[some > 0], minlength=1 << 16)

    def close(self) -> Columns:
        """Finish the videos.

        Returns:
            The numbers of the episode.
        """
        for video in self._videos.values():
            video.close()
        state, action = (np.stack(column) for column in zip(*self._rows, strict=True))
        valid_state, valid_action = (np.stack(column) for column in zip(*self._valid, strict=True))
        return Columns(state, valid_state, action, valid_action, self._depths, self._tasks)

    def statistics(self, columns: Columns) -> dict[str, Statistics]:
        """Statistics of every feature over its valid entries."""
        found = {
            lerobot.STATE: Statistics.of(columns.state, columns.state_valid),
            lerobot.ACTION: Statistics.of(columns.action, columns.action_valid),
        }
        found = {key: value for key, value in found.items() if value.count.size}
        for camera, levels in self._levels.items():
            unit = 1.0 if camera in self._depths else 1 / 255
            found[camera] = Statistics.of_histogram(levels, unit)
        return found

    def discard(self) -> None:
        """Drop the episode and its files."""
        for camera, video in self._videos.items():
            # What cannot be finished is to be deleted anyway.
            with suppress(Exception):
                video.close()
            partial(self._root / lerobot.video_path(self.number, camera)).unlink(missing_ok=True)


class DatasetWriter:
    """The one process that may add to a dataset. Made by :func:`open_dataset`."""

    def __init__(self, root: Path, metadata: Metadata) -> None:
        self.root = root
        self.metadata = metadata
        self._tasks: list[str] = []
        self._rows = 0
        self._statistics: dict[str, Statistics] = {}
        self._recover()

    def episode(self, task: str) -> EpisodeWriter:
        """Begin the next episode; ``task`` is what the rows do not say themselves."""
        return EpisodeWriter(self.root, len(self.metadata.episodes), self.metadata, task)

    def commit(self, written: EpisodeWriter, episode: Episode) -> None:
        """Make an episode part of the dataset; its files first, the list of episodes last."""
        columns = written.close()
        record = EpisodeRecord(
            number=written.number,
            robot=episode.robot,
            tasks=tuple(dict.fromkeys(columns.tasks)),
            first_row=self._rows,
            steps=written.steps,
            statistics=written.statistics(columns),
        )
        self._count(record)
        for camera in lerobot.cameras(self.metadata):
            final = self.root / lerobot.video_path(record.number, camera)
            partial(final).replace(final)
        table = lerobot.data_table(columns, record, self._tasks, self.metadata.rate_hz)
        write_whole(self.root / lerobot.data_path(record.number), table)
        write_whole(
            self.root / lerobot.episode_path(record.number),
            lerobot.episode_table(record, self.metadata),
        )
        self._replace(replace(self.metadata, episodes=(*self.metadata.episodes, episode)))

    def finish_bag(self, bag: ConvertedBag) -> None:
        """Note that every episode of a recording is in the dataset."""
        self._replace(replace(self.metadata, bags=(*self.metadata.bags, bag)))

    def describe(self, robot: Robot) -> None:
        """Add a robot's descriptions, or check that those of its episodes still hold.

        Raises:
            DatasetError: They do not.
            DescriptionError: The robot does not fit the layouts.
        """
        known, name = self.metadata.descriptions, robot.name
        described = Descriptions(
            {**known.input, name: robot.input}, {**known.output, name: robot.output}
        )
        known.input_layout.require(robot.input, name)
        known.output_layout.require(robot.output, name)
        if name in known.input:
            before = [plain(known.input[name]), plain(known.output[name])]
            now = [plain(robot.input), plain(robot.output)]
            if before == now:
                return
            # A robot without episodes may change, as long as the others' columns stay.
            moved = (
                described.input_layout != known.input_layout
                or described.output_layout != known.output_layout
            )
            if moved or any(episode.robot == name for episode in self.metadata.episodes):
                raise DatasetError(
                    f"{self.root}: '{name}' was described otherwise there: input and output were "
                    f'{json.dumps(before)}, {robot.path} has {json.dumps(now)}'
                )
        self._replace(replace(self.metadata, descriptions=described))

    def _replace(self, metadata: Metadata) -> None:
        self.metadata = metadata
        write_whole(self.root / lerobot.TASKS_PATH, lerobot.tasks_table(self._tasks))
        write_whole(self.root / lerobot.STATS_PATH, lerobot.stats(self._statistics, self._rows))
        write_whole(self.root / lerobot.INFO_PATH, lerobot.info(metadata, len(self._tasks)))
        write_whole(self.root / METADATA_PATH, metadata.to_json().encode())

    def _count(self, record: EpisodeRecord) -> None:
        """Add an episode to the totals."""
        self._rows += record.steps
        self._tasks += [task for task in record.tasks if task not in self._tasks]
        for key, statistics in record.statistics.items():
            known = self._statistics.get(key)
            self._statistics[key] = known.merge(statistics) if known else statistics

    def _recover(self) -> None:
        """Delete what a killed run left, and count the episodes that are there."""
        committed = len(self.metadata.episodes)
        for leftover in self.root.rglob(f'*{PARTIAL}'):
            leftover.unlink()
        patterns = ('data/*/*.parquet', 'meta/episodes/*/*.parquet', 'videos/*/*/*.mp4')
        for pattern in patterns:
            for file in self.root.glob(pattern):
                if _number(file) >= committed:
                    file.unlink()
        for number in range(committed):
            path = self.root / lerobot.episode_path(number)
            try:
                self._count(lerobot.read_episode(path))
            except (OSError, KeyError, pa.ArrowInvalid) as error:
                raise DatasetError(f'{path}: missing or damaged: {error}') from error
        self._replace(self.metadata)


@contextmanager
def open_dataset(root: Path, new: Metadata) -> Iterator[DatasetWriter]:
    """Open a dataset for adding, and make it if there is none.

    Args:
        root: Its folder.
        new: What to make. Of a dataset that holds no episode yet, nothing is fixed.

    Raises:
        DatasetError: The folder holds something else, or another process is adding to it.
    """
    if not _is_ours(root):
        raise DatasetError(f'{root}: exists, but is not a dataset of neuracore_ros')
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root):
        # From the first file on, the folder is known as a dataset, whenever this run may end.
        if not (root / METADATA_PATH).exists():
            write_whole(root / METADATA_PATH, new.to_json().encode())
        metadata = load_metadata(root)
        yield DatasetWriter(root, metadata if metadata.episodes else new)


def _is_ours(root: Path) -> bool:
    """Whether the folder is a dataset, or free to become one."""
    if not root.exists() or (root / METADATA_PATH).exists():
        return True
    files = (entry for entry in root.rglob('*') if not entry.is_dir())
    return root.is_dir() and all(
        entry.name == LOCK_PATH.name or entry.suffix == PARTIAL for entry in files
    )


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Hold the dataset's lock, which the system releases however the process ends."""
    with (root / LOCK_PATH).open('a+') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            owner = lock.read().strip() or 'unknown'
            raise DatasetError(
                f'{root}: another convert (process {owner}) is adding to it; '
                'wait for it, or convert into another dataset'
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def partial(path: Path) -> Path:
    """The name of a file that is not finished."""
    return path.with_name(path.name + PARTIAL)


def _number(file: Path) -> int:
    """The episode of ``.../chunk-CCC/file-NNN.*``; strange names belong to none."""
    try:
        chunk, number = int(file.parent.name[6:]), int(file.stem[5:])
    except ValueError:
        return -1
    return chunk * lerobot.FILES_PER_CHUNK + number


def _count_levels(image: NDArray[np.uint8], levels: NDArray[np.int64]) -> None:
    pixels = image[::PIXEL_STRIDE, ::PIXEL_STRIDE]
    for channel in range(3):
        levels[channel] += np.bincount(pixels[..., channel].ravel(), minlength=256)
