"""A dataset's numbers in memory, its images on the disk, and batches from anywhere in it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from neuracore_ros.arrays import Array, BoolArray, ByteArray, Float32Array, IntArray
from neuracore_ros.dataset import lerobot
from neuracore_ros.dataset.metadata import Metadata, load_metadata
from neuracore_ros.dataset.tables import read_tasks
from neuracore_ros.description import DataType, Layout
from neuracore_ros.description.data_type import TEXT_BYTES
from neuracore_ros.errors import DatasetError, ObservationError
from neuracore_ros.loading.cache import stored
from neuracore_ros.loading.frames import DatasetFrames, FrameReader, Images
from neuracore_ros.loading.reading import (
    depth_frames,
    read_columns,
    read_control,
    read_task_indices,
    video_frames,
)
from neuracore_ros.observation.depth import metres
from neuracore_ros.observation.texts import encode_text
from neuracore_ros.progress import NoticeCallback

T = TypeVar('T')

# A step that takes long by chance uses up no more.
_AHEAD = 2


@dataclass(frozen=True, slots=True)
class EpisodeRows:
    """The rows of one episode: `start` to `stop` of the dataset."""

    number: int
    robot: str
    start: int
    stop: int

    @property
    def rows(self) -> IntArray:
        """The rows, ascending."""
        return np.arange(self.start, self.stop)


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch: what a policy reads at B rows, and what it should predict.

    Attributes:
        inputs: (B, T, W) float32; poses (B, T, W, 7) float32; RGB_IMAGES (B, T, K, height,
            width, 3) uint8; DEPTH_IMAGES (B, T, K, height, width) float32, metres; LANGUAGE
            (B, T, W, N) uint8.
        valid: (B, W): what the robot of each row has.
        targets: (B, H, W) float32; poses (B, H, W, 7).
        target_valid: (B, H, W): False also past the end of the episode.
        robot: (B,): whose each row is, as its place in :attr:`Batches.robots`.
        intervention: (B, H): the steps of each chunk that a human commanded in the policy's place.
        weights: (B, H) float32: how much each step counts; None: all alike.
    """

    inputs: Mapping[DataType, Array]
    valid: Mapping[DataType, BoolArray]
    targets: Mapping[DataType, Array]
    target_valid: Mapping[DataType, BoolArray]
    robot: IntArray
    intervention: BoolArray
    weights: Float32Array | None = None


class Batches:
    """A dataset, opened for training.

    Attributes:
        path: Its folder.
        metadata: Layouts, rate, image size and robots of all that it holds.
        input_layout: Of what is read of it.
        output_layout: Likewise.
        episodes: In order; their rows are contiguous.
        intervention: bool, of each row: whether a human commanded in the policy's place.
    """

    def __init__(
        self,
        path: str | Path,
        cache: Path | None = None,
        notify: NoticeCallback = lambda _: None,
        inputs: Collection[DataType] = (),
        outputs: Collection[DataType] = (),
    ) -> None:
        """Read all episodes.

        Args:
            path: The dataset's folder.
            cache: A folder for decoded images, which other datasets may share; None: they are
                decoded whenever they are needed.
            notify: Takes lines for people, when there is something to decode.
            inputs: Those that are wanted; none: all.
            outputs: Likewise.

        Raises:
            DatasetError: No dataset, an empty one, one whose parts contradict each other, or one
                that lacks what is wanted.
        """
        self.path = Path(path)
        self.metadata = load_metadata(self.path)
        self.episodes = episodes_of(self.metadata)
        if not any(episode.steps for episode in self.metadata.episodes):
            raise DatasetError(f'{path}: has no episodes; add some with: neuracore_ros convert')
        rows = self.episodes[-1].stop
        self.input_layout = _chosen(self.metadata.input_layout, inputs, f'{path}: input')
        self.output_layout = _chosen(self.metadata.output_layout, outputs, f'{path}: output')
        self._starts: IntArray = np.array([episode.start for episode in self.episodes])
        self._stops: IntArray = np.array([episode.stop for episode in self.episodes])
        self._robots = np.array([self.robots.index(each.robot) for each in self.episodes])
        self._episode = np.repeat(np.arange(len(self.episodes)), self._stops - self._starts)
        self._state = np.zeros((rows, len(self.input_layout.columns())), np.float32)
        self._state_valid = np.zeros(self._state.shape, bool)
        self._action = np.zeros((rows, len(self.output_layout.columns())), np.float32)
        self._action_valid = np.zeros(self._action.shape, bool)
        layout, described = self.metadata.input_layout, self.metadata.descriptions.input
        has = [layout.valid(described[robot]) for robot in self.robots]
        self._has = {
            kind: np.stack([own[kind] for own in has])
            for kind in self.input_layout.widths
            if not kind.is_numeric
        }
        self._texts = self._read_texts() if DataType.LANGUAGE in self._has else None
        self._task = np.zeros(rows, np.int64)
        self.intervention: BoolArray = np.zeros(rows, bool)
        for episode in self.episodes:
            self._read_table(episode)
        self._images = self._open_images(cache, notify)

    @property
    def robots(self) -> tuple[str, ...]:
        """Robots that have episodes, in the order in which they appear."""
        return tuple(dict.fromkeys(episode.robot for episode in self.episodes))

    def take(self, rows: IntArray, observation_steps: int, horizon: int) -> Batch:
        """Inputs at these rows, and the chunks that should follow."""
        inputs = self.numbers(rows, observation_steps)
        past = self._past(rows, observation_steps)
        episodes = self._episode[past]
        steps = past - self._starts[episodes]
        for kind, images in self._images.items():
            taken = images.take(episodes, steps)
            inputs[kind] = metres(taken) if kind is DataType.DEPTH_IMAGES else taken
        if self._texts is not None:
            has = self._has[DataType.LANGUAGE][self._robots[episodes]]
            inputs[DataType.LANGUAGE] = (
                self._texts[self._task[past]][..., None, :] * has[..., None]
            )
        targets, target_valid = self.targets(rows, horizon)
        ahead, inside = self._ahead(rows, horizon)
        return Batch(
            inputs,
            self.valid(rows),
            targets,
            target_valid,
            self._robots[self._episode[rows]],
            self.intervention[ahead] & inside,
        )

    def numbers(self, rows: IntArray, observation_steps: int) -> dict[DataType, Array]:
        """Numeric inputs (B, T, W); before the episode's start, its first step is repeated."""
        return self.input_layout.split(self._state[self._past(rows, observation_steps)])

    def valid(self, rows: IntArray) -> dict[DataType, BoolArray]:
        """The input slots that there are at each row, bool, (B, W)."""
        valid = self.input_layout.split_valid(self._state_valid[rows])
        robots = self._robots[self._episode[rows]]
        return {**valid, **{kind: has[robots] for kind, has in self._has.items()}}

    def targets(
        self, rows: IntArray, horizon: int
    ) -> tuple[dict[DataType, Array], dict[DataType, BoolArray]]:
        """Chunks (B, H, W), poses (B, H, W, 7), and their validity (B, H, W).

        Nothing is valid past the episode's end.
        """
        layout = self.output_layout
        ahead, inside = self._ahead(rows, horizon)
        valid = self._action_valid[ahead] & inside[..., None]
        return layout.split(self._action[ahead]), layout.split_valid(valid)

    def _ahead(self, rows: IntArray, horizon: int) -> tuple[IntArray, BoolArray]:
        """The rows of chunks, (B, H), and which of them are of the row's episode."""
        ahead: IntArray = rows[:, None] + np.arange(horizon)
        inside: BoolArray = ahead < self._stops[self._episode[rows]][:, None]
        return np.minimum(ahead, len(self._episode) - 1), inside

    def _past(self, rows: IntArray, steps: int) -> IntArray:
        past: IntArray = rows[:, None] + np.arange(1 - steps, 1)
        return np.maximum(past, self._starts[self._episode[rows]][:, None])

    def _read_texts(self) -> ByteArray:
        """The tasks as bytes, (tasks, N)."""
        try:
            return np.stack([encode_text(task, TEXT_BYTES) for task in read_tasks(self.path)])
        except ObservationError as error:
            raise DatasetError(f'{self.path / lerobot.TASKS_PATH}: {error}') from error

    def _read_table(self, episode: EpisodeRows) -> None:
        file = self.path / lerobot.data_path(episode.number)
        columns = read_columns(self.path, self.metadata, episode.number)
        whole = self.metadata
        state = whole.input_layout.places(self.input_layout)
        action = whole.output_layout.places(self.output_layout)
        self._state[episode.rows] = columns.state[:, state]
        self._state_valid[episode.rows] = columns.state_valid[:, state]
        self._action[episode.rows] = columns.action[:, action]
        self._action_valid[episode.rows] = columns.action_valid[:, action]
        control = read_control(self.path, self.metadata, episode.number)
        if control is not None:
            self.intervention[episode.rows] = control.intervention
        if self._texts is not None:
            self._task[episode.rows] = read_task_indices(
                self.path, self.metadata, episode.number, len(self._texts)
            )
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

    def _open_images(self, cache: Path | None, notify: NoticeCallback) -> dict[DataType, Images]:
        """Every image type, decoded into the cache where there is one."""
        height, width = self.metadata.image_size
        found: dict[tuple[DataType, int, int], DatasetFrames] = {}
        for episode in self.episodes:
            of_episode = self.path, self.metadata, episode.number
            cameras = self.metadata.descriptions.input[episode.robot]
            for index in cameras.get(DataType.RGB_IMAGES, {}):
                video = video_frames(*of_episode, lerobot.camera_key(index))
                found[DataType.RGB_IMAGES, episode.number, index] = video
            for index in cameras.get(DataType.DEPTH_IMAGES, {}):
                depths = depth_frames(*of_episode, lerobot.depth_keys(self.metadata)[index])
                found[DataType.DEPTH_IMAGES, episode.number, index] = depths
        found = {key: frames for key, frames in found.items() if key[0] in self._has}
        frames: Mapping[tuple[DataType, int, int], FrameReader] = found
        if cache is None:
            for each in found.values():
                each.check()
        elif found:
            frames = dict(zip(found, stored(list(found.values()), cache, notify), strict=True))
        return {
            kind: Images(
                self.input_layout.widths[kind],
                (height, width, 3) if kind is DataType.RGB_IMAGES else (height, width),
                {key[1:]: each for key, each in frames.items() if key[0] is kind},
            )
            for kind in self._has
            if kind.is_image
        }


class Prefetch(AbstractContextManager['Prefetch[T]'], Generic[T]):
    """Makes step n + 1 while step n is learnt from.

    What a step gets depends on its number alone, however many threads there are: a run that
    is resumed at step n meets the same batches.

    Args:
        make: The batch of a step; called in other threads, for several steps at once.
        first: The step to begin with.
        threads: How many; one keeps a trainer busy, unless making a batch takes longer than
            learning from it.
    """

    def __init__(self, make: Callable[[int], T], first: int = 0, threads: int = 1) -> None:
        self._make = make
        self._step = first
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix='prefetch')
        self._ahead: deque[Future[T]] = deque()
        for _ in range(max(_AHEAD, threads)):
            self._submit()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        """The batch of the next step; there is always one more.

        Raises:
            Exception: Whatever making it raised.
        """
        batch = self._ahead.popleft()
        self._submit()
        return batch.result()

    def __exit__(self, *_: object) -> None:
        """End the threads; what they are making is finished first."""
        self._threads.shutdown(cancel_futures=True)

    def _submit(self) -> None:
        self._ahead.append(self._threads.submit(self._make, self._step))
        self._step += 1


def episodes_of(metadata: Metadata) -> tuple[EpisodeRows, ...]:
    """The episodes of a dataset, one behind the other."""
    stops = accumulate(episode.steps for episode in metadata.episodes)
    return tuple(
        EpisodeRows(number, episode.robot, stop - episode.steps, stop)
        for number, (episode, stop) in enumerate(zip(metadata.episodes, stops, strict=True))
    )


def _chosen(layout: Layout, kinds: Collection[DataType], what: str) -> Layout:
    """The DataTypes of a layout that are wanted, in its order."""
    for kind in kinds:
        if kind not in layout.widths:
            raise DatasetError(f'{what} {kind} is not in it; it has: {", ".join(layout.widths)}')
    wanted = kinds or layout.widths.keys()
    return Layout({kind: width for kind, width in layout.widths.items() if kind in wanted})
