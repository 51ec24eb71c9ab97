"""Adds episodes to a dataset, each wholly or not at all."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from neuracore_ros.dataset import lerobot, tables
from neuracore_ros.dataset.intact import intact
from neuracore_ros.dataset.lock import LOCK_PATH, locked
from neuracore_ros.dataset.metadata import (
    METADATA_PATH,
    PARTIAL,
    ConvertedBag,
    Episode,
    Metadata,
    document,
    line,
    load_metadata,
    replaced,
    sync_folder,
    write_whole,
)
from neuracore_ros.dataset.reading import read_tasks
from neuracore_ros.dataset.staging import EpisodeWriter, StagedEpisode
from neuracore_ros.dataset.statistics import Statistics
from neuracore_ros.dataset.tables import EpisodeRecord
from neuracore_ros.description import Descriptions, Robot
from neuracore_ros.description.embodiment import differences
from neuracore_ros.errors import DatasetError, counted
from neuracore_ros.files import require_utf8
from neuracore_ros.records import read_record

STAGING_PATH = Path('.staging')
FOLDERS = (Path('data'), Path('videos'), Path('meta'), STAGING_PATH)


class DatasetWriter:
    """The one process that may add to a dataset. Made by :func:`open_dataset`.

    Nothing is written before the first episode is complete.

    Attributes:
        root: The dataset's folder.
        metadata: What is in it.
        staging: A folder for episodes that are not; it vanishes when the dataset is closed.
    """

    def __init__(self, root: Path, metadata: Metadata) -> None:
        self.root = root
        self.metadata = metadata
        self._tasks: list[str] = []
        self._rows = 0
        self._statistics: Mapping[str, Statistics] = {}
        self._episode_lines = [line(episode) for episode in metadata.episodes]
        self._bag_lines = [line(bag) for bag in metadata.bags]
        self._delete_leftovers()
        self._count_all()
        # Of its own for each run: workers of one that was killed may still be ending.
        self.staging = root / STAGING_PATH / uuid.uuid4().hex
        self.staging.mkdir(parents=True)

    def episode(self, task: str = '') -> EpisodeWriter:
        """Begin an episode; what its writer gives at the end can be committed."""
        return EpisodeWriter(self.staging / uuid.uuid4().hex, self.metadata, task)

    def commit(self, staged: StagedEpisode, episode: Episode) -> int:
        """Make an episode part of the dataset; its files first, the list of episodes last.

        Returns:
            Its number.
        """
        if not self.metadata.episodes:
            # Whenever this run may end, the folder is known as a dataset.
            self._write_metadata(self.metadata)
        number = len(self.metadata.episodes)
        record = EpisodeRecord(
            number=number,
            robot=episode.robot,
            tasks=tuple(dict.fromkeys(staged.columns.tasks)),
            first_row=self._rows,
            steps=staged.steps,
            statistics=staged.statistics,
        )
        self._count(record)
        self._place_files(staged, record)
        after = replace(self.metadata, episodes=(*self.metadata.episodes, episode))
        self._episode_lines.append(line(episode))
        # A killed run shows by statistics that count more rows than the metadata.
        write_whole(self.root / lerobot.STATS_PATH, lerobot.stats(self._statistics, self._rows))
        write_whole(self.root / lerobot.TASKS_PATH, tables.tasks_table(self._tasks))
        write_whole(self.root / lerobot.INFO_PATH, lerobot.info(after, len(self._tasks)))
        self._write_metadata(after)
        self.metadata = after
        return number

    def finish_bag(self, bag: ConvertedBag) -> None:
        """Note that every episode of a recording is in the dataset."""
        self.metadata = replace(self.metadata, bags=(*self.metadata.bags, bag))
        self._bag_lines.append(line(bag))
        if self.metadata.episodes:
            self._write_metadata(self.metadata)

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
            changed = [
                *(f'input {text}' for text in differences(known.input[name], robot.input)),
                *(f'output {text}' for text in differences(known.output[name], robot.output)),
            ]
            if not changed:
                return
            # A robot without episodes may change, as long as the others' columns stay.
            moved = (
                described.input_layout != known.input_layout
                or described.output_layout != known.output_layout
            )
            if moved or any(episode.robot == name for episode in self.metadata.episodes):
                more = f'; and {counted(len(changed) - 1, "more change")}' if changed[1:] else ''
                raise DatasetError(
                    f"{self.root}: '{name}' was described otherwise there than in {robot.path}: "
                    f'{changed[0]}{more}. Give each name the index of then, or call the robot '
                    'otherwise'
                )
        self.metadata = replace(self.metadata, descriptions=described)

    def _place_files(self, staged: StagedEpisode, record: EpisodeRecord) -> None:
        """Give an episode's files their names, and see them safely on the disk."""
        places = []
        for camera in lerobot.cameras(self.metadata):
            places.append(self.root / lerobot.video_path(record.number, camera))
            places[-1].parent.mkdir(parents=True, exist_ok=True)
            staged.video(camera).replace(places[-1])
        places.append(self.root / lerobot.data_path(record.number))
        with replaced(places[-1]) as file:
            rate_hz = self.metadata.rate_hz
            tables.write_data(file, staged.columns, record, self._tasks, rate_hz)
        places.append(self.root / lerobot.episode_path(record.number))
        write_whole(places[-1], tables.episode_table(record, self.metadata))
        above = {folder for place in places for folder in place.parents}
        for folder in sorted(above, reverse=True):
            if folder.is_relative_to(self.root):
                sync_folder(folder)
        staged.discard()

    def _write_metadata(self, metadata: Metadata) -> None:
        text = document(metadata, self._episode_lines, self._bag_lines)
        write_whole(self.root / METADATA_PATH, text.encode())
        sync_folder((self.root / METADATA_PATH).parent)

    def _delete_leftovers(self) -> None:
        """Delete what a killed run left; check that nothing else is missing."""
        shutil.rmtree(self.root / STAGING_PATH, ignore_errors=True)
        for leftover in self.root.rglob(f'*{PARTIAL}'):
            leftover.unlink()
        committed = len(self.metadata.episodes)
        patterns = ['data/*/*.parquet', 'meta/episodes/*/*.parquet']
        patterns += [f'videos/{camera}/*/*.mp4' for camera in lerobot.cameras(self.metadata)]
        for pattern in patterns:
            found = {_number(file): file for file in self.root.glob(pattern)}
            for number, file in found.items():
                if number >= committed:
                    file.unlink()
            missing = set(range(committed)) - found.keys()
            if missing:
                raise DatasetError(
                    f'{self.root}: episode {min(missing)} has no file among {pattern}'
                )

    def _count_all(self) -> None:
        """Take over the totals; count every episode only where a run was killed between them."""
        rows = sum(episode.steps for episode in self.metadata.episodes)
        if not rows:
            return
        # Whatever it is that lies there, it can be made again.
        with suppress(OSError, DatasetError):
            records = read_record(self.root / lerobot.STATS_PATH, DatasetError)
            if all(record.value('count') == [rows] for _, record in records.records()):
                statistics = tables.statistics_of(records, self.metadata)
                self._tasks = read_tasks(self.root)
                self._rows, self._statistics = rows, statistics
                return
        self._statistics, self._tasks = {}, []
        for number in range(len(self.metadata.episodes)):
            path = self.root / lerobot.episode_path(number)
            with intact(path):
                self._count(tables.read_episode(path, self.metadata))

    def _count(self, record: EpisodeRecord) -> None:
        """Add an episode to the totals."""
        self._rows += record.steps
        self._tasks += [task for task in record.tasks if task not in self._tasks]
        known = self._statistics
        self._statistics = {
            key: known[key].merge(statistics) if key in known else statistics
            for key, statistics in record.statistics.items()
        }


@contextmanager
def open_dataset(root: Path, new: Metadata) -> Iterator[DatasetWriter]:
    """Open a dataset for adding, and make it if there is none.

    A folder in which no episode arrives is left as it was.

    Args:
        root: Its folder.
        new: What to make. Of a dataset that holds no episode yet, nothing is fixed.

    Raises:
        DatasetError: The folder holds something else, or another process is adding to it.
    """
    require_utf8(root, DatasetError)
    if not _is_ours(root):
        raise DatasetError(
            f'{root}: exists, but is not a dataset of neuracore_ros: give a new folder, or a '
            'dataset; the recordings come after it'
        )
    was_there = root.exists() and not (root / LOCK_PATH).exists()
    with locked(root):
        is_begun = (root / METADATA_PATH).exists()
        metadata = load_metadata(root) if is_begun else new
        writer = DatasetWriter(root, metadata if metadata.episodes else new)
        try:
            yield writer
        finally:
            shutil.rmtree(root / STAGING_PATH, ignore_errors=True)
            if not writer.metadata.episodes:
                _forget(root, was_there)


def _forget(root: Path, was_there: bool) -> None:
    """Delete what a run without an episode made."""
    for folder in FOLDERS:
        shutil.rmtree(root / folder, ignore_errors=True)
    (root / LOCK_PATH).unlink(missing_ok=True)
    if not was_there:
        with suppress(OSError):  # it holds what is not ours
            root.rmdir()


def _is_ours(root: Path) -> bool:
    """Whether the folder is a dataset, or free to become one."""
    if not root.exists() or (root / METADATA_PATH).exists():
        return True
    files = (entry.relative_to(root) for entry in root.rglob('*') if not entry.is_dir())
    return root.is_dir() and all(
        file == LOCK_PATH or file.parts[0] == STAGING_PATH.name or file.suffix == PARTIAL
        for file in files
    )


def _number(file: Path) -> int:
    """The episode of ``.../chunk-CCC/file-NNN.*``; strange names belong to none."""
    try:
        chunk, number = int(file.parent.name[6:]), int(file.stem[5:])
    except ValueError:
        return -1
    return chunk * lerobot.FILES_PER_CHUNK + number
