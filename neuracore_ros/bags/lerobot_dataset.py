"""A LeRobot dataset, v2.x or v3.x: its episodes, its tasks, and the files of each episode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from neuracore_ros.bags.lerobot_info import INFO, LerobotInfo, read_info
from neuracore_ros.bags.lerobot_paths import episode_path
from neuracore_ros.bags.lerobot_tables import open_table, reading, require_sound
from neuracore_ros.bounds import MAX_STEPS
from neuracore_ros.errors import BagError
from neuracore_ros.records import Record, RecordOrigin, is_integer, parse_record
from neuracore_ros.regular_file import read_bytes
from neuracore_ros.wording import few

TASKS, TASK_LINES = 'meta/tasks.parquet', 'meta/tasks.jsonl'
EPISODES, EPISODE_LINES = 'meta/episodes', 'meta/episodes.jsonl'
# Of the thousands of columns that an episodes table may have; the rest are statistics.
_FIRST = 'dataset_from_index'
_COLUMNS = ('episode_index', 'tasks', 'length', 'data/chunk_index', 'data/file_index', _FIRST)
_MOST_EPISODES = 10**7
_MOST_TASKS = 10**4  # in one episode
_LONGEST_S = 1e9  # a video, with many episodes
# Datasets of which the list of episodes is kept.
_KEPT = 8


@dataclass(frozen=True, slots=True)
class VideoPart:
    """The part of a video that is one episode.

    Attributes:
        file: The video.
        start_s: Where in it the episode begins, [s].
    """

    file: Path
    start_s: float


@dataclass(frozen=True, slots=True)
class RowsPart:
    """The rows of a table that are one episode.

    Attributes:
        table: The table.
        count: Rows of the episode.
        number: Of the episode, where the table holds several; None where it holds only this one.
        first: The row of the table at which they should begin; None: unknown.
    """

    table: Path
    count: int
    number: int | None = None
    first: int | None = None


@dataclass(frozen=True, slots=True)
class EpisodeFiles:
    """The files of one episode.

    Attributes:
        rows: The rows of its table.
        videos: Feature -> its part of a video.
        tasks: What is done in it, as the list of episodes says.
    """

    rows: RowsPart
    videos: Mapping[str, VideoPart]
    tasks: tuple[str, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The table and the videos."""
        return (self.rows.table, *(video.file for video in self.videos.values()))


@dataclass(frozen=True, slots=True)
class LerobotDataset:
    """An open LeRobot dataset.

    Attributes:
        info: Its features and rate.
        listed: The files that list its episodes and tasks.
        tasks: Index -> task.
        places: Number of each episode -> where it is in the list.
    """

    info: LerobotInfo
    listed: tuple[Path, ...]
    tasks: Mapping[int, str]
    places: Mapping[int, int]
    _rows: Any = field(repr=False)

    def episode(self, number: int) -> EpisodeFiles:
        """The files of an episode.

        Raises:
            BagError: There is no such episode, or the list of episodes is damaged.
        """
        place = self.places.get(number)
        root = self.info.root
        if place is None:
            numbers = few([f'{each}' for each in self.places], 4) or 'none'
            raise BagError(f'{episode_path(root, number)}: no such episode; {root} has {numbers}')
        if isinstance(self._rows, pa.Table):
            row = self._rows.slice(place, 1).to_pylist()[0]
            origin = RecordOrigin(f'{root / EPISODES}: episode {number}', BagError)
            return self._shared(number, Record(row, origin))
        return self._single(number, self._rows[place])

    def paths(self) -> list[Path]:
        """The path of every episode, in order."""
        return [episode_path(self.info.root, number) for number in sorted(self.places)]

    def _shared(self, number: int, row: Record) -> EpisodeFiles:
        info = self.info

        def place(prefix: str) -> dict[str, int | str]:
            return {
                name: row.integer(f'{prefix}/{name}') for name in ('chunk_index', 'file_index')
            }

        videos = {}
        for key, feature in info.features.items():
            chunk = f'videos/{key}/chunk_index'
            # An episode without a video of a camera is missing that, and nothing else.
            if feature.dtype == 'video' and row.value(chunk, default=None) is not None:
                file = info.file(info.video_path, {'video_key': key, **place(f'videos/{key}')})
                start_s = row.number(f'videos/{key}/from_timestamp', 0.0, _LONGEST_S)
                videos[key] = VideoPart(file, start_s)
        rows = RowsPart(
            info.file(info.data_path, place('data')),
            row.integer('length', 0, MAX_STEPS),
            number,
            self._first_row(row),
        )
        return EpisodeFiles(rows, videos, row.texts('tasks'))

    def _first_row(self, row: Record) -> int | None:
        """Where the rows of an episode begin in their file: after those of others in it."""
        if not row.has(_FIRST):
            return None
        table = self._rows
        is_same = pc.and_(
            *(
                pc.equal(table[name], row.value(name))
                for name in ('data/chunk_index', 'data/file_index')
            )
        )
        first: int = pc.min(table[_FIRST].filter(is_same)).as_py()
        return row.integer(_FIRST) - first

    def _single(self, number: int, row: Record) -> EpisodeFiles:
        info = self.info
        values: dict[str, int | str] = {
            'episode_chunk': number // info.chunk_size,
            'episode_index': number,
        }
        videos = {
            key: VideoPart(info.file(info.video_path, {**values, 'video_key': key}), 0.0)
            for key, feature in info.features.items()
            if feature.dtype == 'video'
        }
        rows = RowsPart(info.file(info.data_path, values), row.integer('length', 0, MAX_STEPS))
        return EpisodeFiles(rows, videos, row.texts('tasks'))


def lerobot_dataset(root: Path) -> LerobotDataset:
    """Open a dataset; what lists its episodes is read once, as long as nothing is written to it.

    Raises:
        BagError: Its metadata are missing or damaged, or of a version that is not known.
    """
    with reading(root / INFO):
        return _opened(root, _state(root))


def _state(root: Path) -> tuple[tuple[str, int, int], ...]:
    """The names, sizes and times of the files that describe a dataset."""
    listed = [root / name for name in (INFO, TASKS, TASK_LINES, EPISODE_LINES)]
    found = [each for each in listed if each.is_file()] + _episode_tables(root)
    stats = [(str(each), each.stat()) for each in found]
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def _episode_tables(root: Path) -> list[Path]:
    return sorted((root / EPISODES).glob('*/*.parquet'))


@lru_cache(maxsize=_KEPT)
def _opened(root: Path, state: Sequence[tuple[str, int, int]]) -> LerobotDataset:
    info = read_info(root)
    listed = tuple(Path(name) for name, *_ in state)
    if info.version == 2:
        path = root / EPISODE_LINES
        with reading(path):
            rows = _lines(path)
            numbers = [record.integer('episode_index') for record in rows]
        return LerobotDataset(info, listed, _task_lines(root), _places(path, numbers), rows)
    path = root / EPISODES
    tables = [_episode_table(each) for each in _episode_tables(root)]
    if not tables:
        raise BagError(f'{path}: there is no episodes table (chunk-000/file-000.parquet)')
    with reading(path):
        table = pa.concat_tables(tables, promote_options='permissive')
        numbers = table['episode_index'].to_pylist()
    return LerobotDataset(info, listed, _tasks(root), _places(path, numbers), table)


def _places(path: Path, numbers: Sequence[Any]) -> dict[int, int]:
    places = {number: place for place, number in enumerate(numbers)}
    if len(places) < len(numbers) or not all(
        is_integer(each) and 0 <= each < _MOST_EPISODES for each in places
    ):
        raise BagError(
            f'{path}: each episode needs an episode_index of its own, a whole number from 0 on'
        )
    return places


def _episode_table(path: Path) -> pa.Table:
    """Part of the list of episodes, without the statistics, which are most of it."""
    with reading(path), open_table(path) as table:
        columns = [
            name
            for name in table.schema_arrow.names
            if name in _COLUMNS or name.startswith('videos/')
        ]
        return _read(table, columns, _MOST_TASKS)


def _read(table: pq.ParquetFile, columns: list[str], most: int) -> pa.Table:
    """Columns of a table, refused where a row has more than ``most`` values in one of them."""
    if table.metadata.num_rows > _MOST_EPISODES:
        raise ValueError(f'it has more than {_MOST_EPISODES} rows')
    for group in range(table.num_row_groups):
        rows = table.metadata.row_group(group).num_rows
        require_sound(table, group, columns, rows * most)
    return table.read(columns)


def _tasks(root: Path) -> dict[int, str]:
    path = root / TASKS
    if not path.exists():
        return {}
    with reading(path), open_table(path) as file:
        # pandas calls an index without a name __index_level_0__.
        texts = [name for name in file.schema_arrow.names if name != 'task_index']
        name = 'task' if 'task' in texts else texts[0]
        table = _read(file, ['task_index', name], 1)
        numbers, found = table['task_index'].to_pylist(), table[name].to_pylist()
        tasks = dict(zip(numbers, found, strict=True))
        if not all(is_integer(each) for each in tasks) or not all(
            isinstance(task, str) for task in tasks.values()
        ):
            raise ValueError('tasks are texts, each with its task_index')
    return tasks


def _task_lines(root: Path) -> dict[int, str]:
    path = root / TASK_LINES
    if not path.exists():
        return {}
    with reading(path):
        return {record.integer('task_index'): record.text('task') for record in _lines(path)}


def _lines(path: Path) -> list[Record]:
    """The objects of a file with one on each line; the last one may lack the end of its line."""
    return [
        parse_record(line, RecordOrigin(f'{path}:{number}', BagError))
        for number, line in enumerate(read_bytes(path).splitlines(), 1)
        if line.strip()
    ]
