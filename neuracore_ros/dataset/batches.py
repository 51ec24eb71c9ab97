"""A dataset in memory, and batches from anywhere in it.

Each video is decoded once, front to back, since seeking in it costs far more than its frames.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from neuracore_ros.dataset import depths, lerobot
from neuracore_ros.dataset.metadata import Metadata, load_metadata
from neuracore_ros.dataset.reading import open_video, read_columns, read_task_indices
from neuracore_ros.description import DataType, Layout
from neuracore_ros.description.data_type import TEXT_BYTES
from neuracore_ros.errors import DatasetError, ObservationError
from neuracore_ros.observation.depth import metres
from neuracore_ros.observation.texts import encode_text

Array = NDArray[Any]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

# Decoded images beyond this live in a file that the system pages in and out.
MEMORY_LIMIT = 2 << 30


@dataclass(frozen=True, slots=True)
class Episode:
    """One robot's uninterrupted steps: rows `start` to `stop` of the dataset."""

    number: int
    robot: str
    start: int
    stop: int

    @property
    def rows(self) -> IntArray:
        """Its rows, ascending."""
        return np.arange(self.start, self.stop)


@dataclass(frozen=True, slots=True)
class Batch:
    """What a policy reads at B rows, and what it should predict.

    Attributes:
        inputs: (B, T, W) float32; poses (B, T, W, 7) float32; RGB_IMAGES (B, T, K, height,
            width, 3) uint8; DEPTH_IMAGES (B, T, K, height, width) float32, metres; LANGUAGE
            (B, T, W, N) uint8.
        valid: (B, W): what the robot of each row has.
        targets: (B, H, W) float32.
        target_valid: (B, H, W): False also past the end of the episode.
        robot: (B,): whose each row is, as its place in :attr:`Batches.robots`.
    """

    inputs: Mapping[DataType, Array]
    valid: Mapping[DataType, BoolArray]
    targets: Mapping[DataType, Array]
    target_valid: Mapping[DataType, BoolArray]
    robot: IntArray


class Batches:
    """A dataset, opened for training.

    Attributes:
        path: Its folder.
        metadata: Layouts, rate, image size and robots of all that it holds.
        input_layout: Of what is read of it.
        output_layout: Likewise.
        episodes: In order; their rows are contiguous.
    """

    def __init__(
        self,
        path: str | Path,
        cache: Path | None = None,
        memory_limit: int = MEMORY_LIMIT,
        inputs: Collection[DataType] = (),
        outputs: Collection[DataType] = (),
    ) -> None:
        """Read all episodes.

        Args:
            path: The dataset's folder.
            cache: A file for the decoded images, used if they exceed the limit; depths go into
                one beside it.
            memory_limit: [bytes].
            inputs: Those that are wanted; none: all.
            outputs: Likewise.

        Raises:
            DatasetError: No dataset, an empty one, one whose parts contradict each other, or one
                that lacks what is wanted.
        """
        self.path = Path(path)
        self.metadata = load_metadata(self.path)
        self.episodes = _episodes(self.metadata, self.path)
        rows = self.episodes[-1].stop
        self.input_layout = _chosen(self.metadata.input_layout, inputs, f'{path}: input')
        self.output_layout = _chosen(self.metadata.output_layout, outputs, f'{path}: output')
        self._start, self._stop = np.zeros((2, rows), np.int64)
        self._robot = np.zeros(rows, np.int64)
        self._state = np.zeros((rows, len(self.input_layout.columns())), np.float32)
        self._state_valid = np.zeros(self._state.shape, bool)
        self._action = np.zeros((rows, len(self.output_layout.columns())), np.float32)
        self._action_valid = np.zeros(self._action.shape, bool)
        self._has = {
            kind: np.zeros((rows, width), bool)
            for kind, width in self.input_layout.widths.items()
            if not kind.is_numeric
        }
        size, cameras = self.metadata.image_size, self.input_layout.widths
        colours = (rows, cameras.get(DataType.RGB_IMAGES, 0), *size, 3)
        self._images = _blank(colours, np.uint8, cache, memory_limit)
        # Millimetres, as they are stored: half the size of metres.
        beside = cache and cache.with_name(f'depths-{cache.name}')
        distances = (rows, cameras.get(DataType.DEPTH_IMAGES, 0), *size)
        self._depths = _blank(distances, np.uint16, beside, memory_limit)
        self._texts = self._read_texts() if DataType.LANGUAGE in self._has else None
        self._task = np.zeros(rows, np.int64)
        robots = {robot: index for index, robot in enumerate(self.robots)}
        for episode in self.episodes:
            self._start[episode.rows] = episode.start
            self._stop[episode.rows] = episode.stop
            self._robot[episode.rows] = robots[episode.robot]
            self._read_table(episode)
            self._read_images(episode)

    @property
    def robots(self) -> tuple[str, ...]:
        """Robots that have episodes, in the order in which they appear."""
        return tuple(dict.fromkeys(episode.robot for episode in self.episodes))

    def take(self, rows: IntArray, observation_steps: int, horizon: int) -> Batch:
        """Inputs at these rows, and the chunks that should follow."""
        inputs = self.numbers(rows, observation_steps)
        past = self._past(rows, observation_steps)
        if DataType.RGB_IMAGES in self._has:
            inputs[DataType.RGB_IMAGES] = self._images[past]
        if DataType.DEPTH_IMAGES in self._has:
            inputs[DataType.DEPTH_IMAGES] = metres(self._depths[past])
        if self._texts is not None:
            has = self._has[DataType.LANGUAGE][past]
            inputs[DataType.LANGUAGE] = (
                self._texts[self._task[past]][..., None, :] * has[..., None]
            )
        targets, target_valid = self.targets(rows, horizon)
        return Batch(inputs, self.valid(rows), targets, target_valid, self._robot[rows])

    def numbers(self, rows: IntArray, observation_steps: int) -> dict[DataType, Array]:
        """Numeric inputs (B, T, W); before the episode's start, its first step is repeated."""
        return self.input_layout.split(self._state[self._past(rows, observation_steps)])

    def valid(self, rows: IntArray) -> dict[DataType, BoolArray]:
        """Which input slots there are at each row, (B, W)."""
        valid = self.input_layout.split_valid(self._state_valid[rows])
        return {**valid, **{kind: has[rows] for kind, has in self._has.items()}}

    def targets(
        self, rows: IntArray, horizon: int
    ) -> tuple[dict[DataType, Array], dict[DataType, BoolArray]]:
        """Chunks (B, H, W) and their validity: nothing is valid past the episode's end."""
        layout = self.output_layout
        ahead = rows[:, None] + np.arange(horizon)
        inside = ahead < self._stop[rows][:, None]
        ahead = np.minimum(ahead, len(self._stop) - 1)
        valid = self._action_valid[ahead] & inside[..., None]
        return layout.split(self._action[ahead]), layout.split_valid(valid)

    def _past(self, rows: IntArray, steps: int) -> IntArray:
        past: IntArray = rows[:, None] + np.arange(1 - steps, 1)
        return np.maximum(past, self._start[rows][:, None])

    def _read_texts(self) -> NDArray[np.uint8]:
        """What was to be done, as bytes, (tasks, N)."""
        file = self.path / lerobot.TASKS_PATH
        try:
            table = pq.read_table(file).to_pydict()
            texts = [encode_text(task, TEXT_BYTES) for task in table['task']]
            return np.stack(texts)[np.argsort(table['task_index'])]
        except (OSError, pa.ArrowException, KeyError, ValueError, ObservationError) as error:
            raise DatasetError(f'{file}: missing or damaged: {error}') from error

    def _read_table(self, episode: Episode) -> None:
        file = self.path / lerobot.data_path(episode.number)
        columns = read_columns(self.path, self.metadata, episode.number)
        whole = self.metadata
        state = _places(self.input_layout, whole.input_layout)
        action = _places(self.output_layout, whole.output_layout)
        self._state[episode.rows] = columns.state[:, state]
        self._state_valid[episode.rows] = columns.state_valid[:, state]
        self._action[episode.rows] = columns.action[:, action]
        self._action_valid[episode.rows] = columns.action_valid[:, action]
        has = whole.input_layout.valid(whole.descriptions.input[episode.robot])
        for kind, mask in self._has.items():
            mask[episode.rows] = has[kind]
        if self._texts is not None:
            task = read_task_indices(self.path, self.metadata, episode.number)
            if task.min() < 0 or task.max() >= len(self._texts):
                raise DatasetError(f'{file}: task_index is beyond {lerobot.TASKS_PATH}')
            self._task[episode.rows] = task
        depth = DataType.DEPTH_IMAGES in self._has
        for index, key in enumerate(lerobot.depth_keys(self.metadata) if depth else ()):
            if has[DataType.DEPTH_IMAGES][index]:
                into = self._depths[episode.start : episode.stop, index]
                depths.read(file, key, into)
        for values, valid, layout in (
            (self._state, self._state_valid, self.input_layout),
            (self._action, self._action_valid, self.output_layout),
        ):
            wrong = np.argwhere(valid[episode.rows] & ~np.isfinite(values[episode.rows]))
            if len(wrong):
                step, column = wrong[0]
                raise DatasetError(
                    f'{file}: {layout.columns()[column]} is '
                    f'{values[episode.start + step, column]} at step {step}'
                )

    def _read_images(self, episode: Episode) -> None:
        if DataType.RGB_IMAGES not in self._has:
            return
        for index in self.metadata.descriptions.input[episode.robot].get(DataType.RGB_IMAGES, {}):
            file = self.path / lerobot.video_path(episode.number, lerobot.camera_key(index))
            _decode(file, self._images[episode.start : episode.stop, index])


def _episodes(metadata: Metadata, path: Path) -> tuple[Episode, ...]:
    episodes, start = [], 0
    for number, episode in enumerate(metadata.episodes):
        if episode.robot not in metadata.descriptions.input:
            raise DatasetError(
                f"{path}: episode {number} is of robot '{episode.robot}'; "
                f'described are: {", ".join(metadata.descriptions.input)}'
            )
        episodes.append(Episode(number, episode.robot, start, start + episode.steps))
        start += episode.steps
    if not start:
        raise DatasetError(f'{path}: has no episodes; add some with: neuracore_ros convert')
    return tuple(episodes)


def _chosen(layout: Layout, kinds: Collection[DataType], what: str) -> Layout:
    """Those DataTypes of a layout that are wanted, in its order."""
    for kind in kinds:
        if kind not in layout.widths:
            raise DatasetError(f'{what} {kind} is not in it; it has: {", ".join(layout.widths)}')
    wanted = kinds or layout.widths.keys()
    return Layout({kind: width for kind, width in layout.widths.items() if kind in wanted})


def _places(part: Layout, whole: Layout) -> list[int]:
    """Where the columns of a part are in the whole."""
    places = {name: place for place, name in enumerate(whole.columns())}
    return [places[name] for name in part.columns()]


def _blank(
    shape: tuple[int, ...], dtype: type[np.generic], cache: Path | None, memory_limit: int
) -> Array:
    """Zeros; no page is touched until it is written, so that an absent camera costs nothing."""
    if cache is not None and int(np.prod(shape)) * np.dtype(dtype).itemsize > memory_limit:
        cache.parent.mkdir(parents=True, exist_ok=True)
        return np.memmap(cache, dtype, 'w+', shape=shape)
    return np.zeros(shape, dtype)


def _decode(file: Path, into: Array) -> None:
    """Fill (n, height, width, 3) with a video's frames."""
    count = 0
    with open_video(file) as container:
        for frame in container.decode(video=0):
            image = frame.to_ndarray(format='rgb24')
            if count < len(into) and image.shape == into.shape[1:]:
                into[count] = image
            count += image.shape == into.shape[1:]
    if count != len(into):
        height, width = into.shape[1:3]
        raise DatasetError(
            f'{file}: has {count} frames of {width}x{height}; the episode has {len(into)} steps'
        )
