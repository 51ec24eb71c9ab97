"""Adds episodes to a dataset, each wholly or not at all."""

from __future__ import annotations

import re
import shutil
import time
import uuid
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from neuracore_ros.dataset import lerobot, tables
from neuracore_ros.dataset.change import (
    STAGING_PATH,
    DatasetChange,
    is_decided,
    recover,
    require_listed,
    require_real,
)
from neuracore_ros.dataset.metadata import (
    METADATA_PATH,
    ConvertedBag,
    Episode,
    Metadata,
    document,
    line,
    load_metadata,
)
from neuracore_ros.dataset.reading_errors import reading_errors
from neuracore_ros.dataset.staging import StagedEpisode, video_path
from neuracore_ros.dataset.tables import EpisodeRecord, read_tasks
from neuracore_ros.dataset.totals import Totals
from neuracore_ros.dataset.unfinished import unfinished_edit
from neuracore_ros.description import Descriptions, Robot
from neuracore_ros.description.embodiment import differences
from neuracore_ros.description.treatment import (
    TreatmentChange,
    knows_senses,
    treatment_changes,
    treatments,
    treatments_since,
)
from neuracore_ros.description.vocabulary_differences import mismatch, turned_joint
from neuracore_ros.errors import DatasetError, DescriptionWarning, WriteError
from neuracore_ros.files import LOCK_NAME, locked, real_folder, require_utf8, whole_file
from neuracore_ros.progress import NoticeCallback
from neuracore_ros.records import read_record
from neuracore_ros.wording import counted

CHANGE = 'change'
"""Where files of a staged episode wait for being decided on, in its folder."""
# The metadata grow with the dataset, so that each writing costs more than the one before.
_WRITTEN_EVERY_S = 1.0
_PREFIX = 'neuracore_ros-'
_RUN_NAME = re.compile(rf'({_PREFIX})?[0-9a-f]{{32}}')  # an older version wrote no prefix


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
        self._episode_lines = [line(episode) for episode in metadata.episodes]
        self._bag_lines = [line(bag) for bag in metadata.bags]
        self._totals = _totals(root, metadata)
        self._tasks_written = 0
        self._next_write_s = 0.0
        self._is_behind = False
        # Of its own for each run: workers of one that was killed may still be ending.
        self.staging = real_folder(root, STAGING_PATH / f'{_PREFIX}{uuid.uuid4().hex}')

    def commit(self, staged: StagedEpisode, episode: Episode) -> int:
        """Make an episode part of the dataset, and give its number."""
        number = len(self.metadata.episodes)
        record = EpisodeRecord(
            number=number,
            robot=episode.robot,
            tasks=tuple(dict.fromkeys(staged.columns.tasks)),
            first_row=self._totals.rows,
            steps=staged.steps,
            statistics=staged.statistics,
            policy=episode.policy,
            success=episode.is_success,
            pair=episode.pair,
        )
        self._totals.add(record)
        after = replace(self.metadata, episodes=(*self.metadata.episodes, episode))
        self._episode_lines.append(line(episode))
        change = DatasetChange(staged.folder / CHANGE)
        for camera in lerobot.cameras(after):
            change.take(lerobot.video_path(number, camera), video_path(staged.folder, camera))
        with change.file(lerobot.data_path(number)) as file:
            tables.write_data(file, staged.columns, record, self._totals.tasks, after.rate_hz)
        change.write(lerobot.episode_path(number), tables.episode_table(record, after))
        for place, content in self._totals.files(after).items():
            if place != lerobot.TASKS_PATH or len(self._totals.tasks) != self._tasks_written:
                change.write(place, content)
        with change.file(METADATA_PATH) as file:
            file.writelines(self._document(after))
        change.decide(self.root)
        staged.discard()
        self.metadata = after
        self._tasks_written = len(self._totals.tasks)
        self._is_behind = False
        return number

    def finish_bag(self, bag: ConvertedBag) -> None:
        """Note that every episode of a recording is in the dataset.

        Of recordings that end within a second, the last is written, or the next episode writes
        them: what was not is read once more after a kill, and adds nothing.
        """
        self.metadata = replace(self.metadata, bags=(*self.metadata.bags, bag))
        self._bag_lines.append(line(bag))
        self._is_behind = True
        if time.monotonic() >= self._next_write_s:
            self.flush()

    def flush(self) -> None:
        """Write what is noted and not written yet.

        Raises:
            WriteError: It cannot be written, for instance because the disk is full.
        """
        if self._is_behind and self.metadata.episodes:
            self._write_metadata()
            self._is_behind = False
            self._next_write_s = time.monotonic() + _WRITTEN_EVERY_S

    def describe(self, robot: Robot) -> None:
        """Add a robot's descriptions, or check that those of its episodes still hold.

        Raises:
            DatasetError: They do not.
            DescriptionError: The robot does not fit the layouts.
        """
        known, name = self.metadata.descriptions, robot.name
        has_episodes = any(episode.robot == name for episode in self.metadata.episodes)
        then = known.treatments.get(name)
        treated = treatments_since(robot, then) if has_episodes else treatments(robot)
        own = {} if treated is None else {name: treated}
        described = Descriptions(
            {**known.input, name: robot.input},
            {**known.output, name: robot.output},
            treatments={**known.treatments, **own},
            vocabulary=known.vocabulary,
        )
        changes = treatment_changes(robot, then)
        self._check_vocabulary(robot, changes)
        known.input_layout.require(robot.input, name)
        known.output_layout.require(robot.output, name)
        if name in known.input:
            changed = [
                *(f'input {text}' for text in differences(known.input[name], robot.input)),
                *(f'output {text}' for text in differences(known.output[name], robot.output)),
            ]
            # A robot without episodes may change, as long as the others' columns stay.
            moved = (
                described.input_layout != known.input_layout
                or described.output_layout != known.output_layout
            )
            if not changed and has_episodes:
                self._warn_of_treatments(robot, changes)
            elif changed and (moved or has_episodes):
                more = f'; and {counted(len(changed) - 1, "more change")}' if changed[1:] else ''
                raise DatasetError(
                    f"{self.root}: '{name}' was described otherwise there than in {robot.path}: "
                    f'{changed[0]}{more}. Give each name the index that it had, or give the '
                    'robot another name'
                )
        self.metadata = replace(self.metadata, descriptions=described)

    def _check_vocabulary(self, robot: Robot, changes: Sequence[TreatmentChange]) -> None:
        """Refuse a robot whose indices mean something else, and warn where that is not known."""
        known, own = self.metadata.descriptions.vocabulary, robot.vocabulary
        if own is not None and known is not None:
            if text := mismatch(own, known, (str(robot.path), str(self.root))):
                raise DatasetError(f'{text}: convert into another dataset')
        elif (
            own is not None
            and self._may_differ(robot, changes)
            and (turned := turned_joint(robot))
        ):
            raise DatasetError(
                f"{robot.path} has the signs and zeros of the vocabulary '{own.name}' ({turned}), "
                f'and {self.root} names none: its episodes probably have others. Convert all into '
                'another dataset, or write indices and no vocabulary if they are the same'
            )
        elif own is not None or known is not None:
            name = known.name if known is not None else own.name if own is not None else ''
            has, lacks = (robot.path, self.root) if known is None else (self.root, robot.path)
            warnings.warn(
                f"{has} has the vocabulary '{name}', and {lacks} names none: see that indices, "
                'signs and zeros are the same'
                + ('' if known is None else f', and write vocabulary: {name}'),
                DescriptionWarning,
                stacklevel=3,
            )

    def _may_differ(self, robot: Robot, changes: Sequence[TreatmentChange]) -> bool:
        """True if there are episodes whose signs and zeros are unknown, or not the robot's."""
        if not self.metadata.episodes:
            return False
        then = self.metadata.descriptions.treatments.get(robot.name)
        return any(change.is_turned for change in changes) or not knows_senses(robot, then)

    def _warn_of_treatments(self, robot: Robot, changes: Sequence[TreatmentChange]) -> None:
        """Warn of senses, crops, followed commands and frames that are not as before."""
        if not changes:
            return
        more = f' (and {counted(len(changes) - 1, "more slot")})' if changes[1:] else ''
        warnings.warn(
            f"{self.root}: its episodes of '{robot.name}' were made with other options than "
            f'{robot.path} has now, {changes[0].text}{more}: convert all of them anew, unless the '
            'robot has changed likewise',
            DescriptionWarning,
            stacklevel=3,
        )

    def _write_metadata(self) -> None:
        real_folder(self.root, METADATA_PATH.parent)
        with whole_file(self.root / METADATA_PATH, self.staging) as file:
            file.writelines(self._document(self.metadata))

    def _document(self, metadata: Metadata) -> Iterator[bytes]:
        pieces = document(metadata, self._episode_lines, self._bag_lines)
        return (piece.encode() for piece in pieces)


@contextmanager
def open_dataset(
    root: Path, new: Metadata, notify: NoticeCallback = lambda line: None
) -> Iterator[DatasetWriter]:
    """Open a dataset for adding, and make it if there is none.

    A folder in which no episode arrives is left as it was. Nothing is ever deleted but what
    convert stages.

    Args:
        root: Its folder.
        new: What to make. Of a dataset that holds no episode yet, nothing is fixed.
        notify: Takes what an earlier convert had left, and what became of it, a line each.

    Raises:
        DatasetError: The folder holds something else, or files of episodes that its metadata
            does not list, or lacks some.
        UserError: Another process is adding to it.
        WriteError: A folder of it is a link, or cannot be written.
    """
    require_utf8(root, DatasetError)
    _require_ours(root)
    with locked(root, 'convert', 'wait for it, or convert into another dataset'):
        _require_ours(root)
        require_real(root)
        if line := recover(root, _known(root)):
            notify(line)
        metadata = _known(root) or new
        require_listed(root, metadata)
        writer = DatasetWriter(root, metadata if metadata.episodes else new)
        try:
            yield writer
            writer.flush()
        except BaseException:
            with suppress(OSError, WriteError):
                writer.flush()
            raise
        finally:
            _clear_staging(root)


def _known(root: Path) -> Metadata | None:
    return load_metadata(root) if (root / METADATA_PATH).exists() else None


def _totals(root: Path, metadata: Metadata) -> Totals:
    """Read the totals; count every episode only where they are not of these episodes."""
    rows = sum(episode.steps for episode in metadata.episodes)
    if not rows:
        return Totals()
    # Whatever it is that lies there, it can be made again.
    with suppress(OSError, DatasetError):
        records = read_record(root / lerobot.STATS_PATH, DatasetError)
        if all(record.value('count') == [rows] for _, record in records.records()):
            statistics = tables.statistics_of(records, metadata)
            return Totals(rows, read_tasks(root), statistics)
    totals = Totals()
    for number in range(len(metadata.episodes)):
        path = root / lerobot.episode_path(number)
        with reading_errors(path):
            totals.add(tables.read_episode(path, metadata))
    return totals


def _clear_staging(root: Path) -> None:
    """Delete what this run and killed ones have staged; what else lies there stays."""
    for folder in (root / STAGING_PATH).glob('*'):
        if _RUN_NAME.fullmatch(folder.name) and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # there is none, or it holds something
        (root / STAGING_PATH).rmdir()


def _is_staged(file: Path) -> bool:
    run = _RUN_NAME.fullmatch(file.parts[1]) if file.parts[1:] else None
    return file.parts[0] == STAGING_PATH.name and bool(run and run[1])


def _require_ours(root: Path) -> None:
    """Refuse a folder that is neither a dataset, nor free to become one.

    Raises:
        DatasetError: It is not.
    """
    if not root.exists() or (root / METADATA_PATH).exists() or is_decided(root):
        return
    if begun := unfinished_edit(root):
        raise DatasetError(begun)
    files = (entry.relative_to(root) for entry in root.rglob('*') if not entry.is_dir())
    if not root.is_dir() or not all(file == Path(LOCK_NAME) or _is_staged(file) for file in files):
        raise DatasetError(
            f'{root}: exists, but is not a dataset of neuracore_ros: give a new folder, or a '
            'dataset; the recordings come after it'
        )
