"""Values of slots over time, out of a recording: what a robot is seen doing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from neuracore_ros.arrays import Array, BoolArray, FloatArray
from neuracore_ros.bags.bag import Bag, open_bag
from neuracore_ros.bags.expansion import expanded
from neuracore_ros.bags.lerobot_paths import episode_of, episode_path
from neuracore_ros.convert.cutting import WHOLE
from neuracore_ros.convert.episodes import find_cuts
from neuracore_ros.convert.job import RATE_HZ
from neuracore_ros.convert.recording import SURVEY_SIZE
from neuracore_ros.convert.simulated_time import clock_cure
from neuracore_ros.convert.ticks import Tick, ticks, why_no_tick
from neuracore_ros.convert.topic_checks import require_topics
from neuracore_ros.dataset.metadata import METADATA_PATH, load_metadata
from neuracore_ros.description import DataType, DescriptionError, Layout, Robot, Source
from neuracore_ros.durations import SECOND_NS
from neuracore_ros.errors import BagError, DatasetError
from neuracore_ros.kinematics.poses import Pose
from neuracore_ros.loading.reading import read_columns
from neuracore_ros.observation import Observer
from neuracore_ros.observation.observer import Snapshot
from neuracore_ros.progress import ProgressCallback
from neuracore_ros.viewer.joint_slots import Slot
from neuracore_ros.viewer.robot_model import SlotValues


@dataclass(frozen=True, slots=True, eq=False)
class Playback:
    """The values of slots in one recording, at the ticks at which ``convert`` takes them.

    Attributes:
        name: Of the recording.
        times_s: Of N ticks, ascending from 0 [s].
        values: Slot -> values (N,); of a pose (N, 7).
        valid: Slot -> True where there is a value (N,).
        notes: What is left out, a line each.
    """

    name: str
    times_s: FloatArray
    values: Mapping[Slot, Array]
    valid: Mapping[Slot, BoolArray]
    notes: tuple[str, ...] = ()

    @classmethod
    def open(
        cls,
        path: Path | str,
        robot: Robot,
        rate_hz: float = RATE_HZ,
        namespace: str = '',
        progress: ProgressCallback = lambda part: None,
    ) -> Playback:
        """Read a recording of any kind, or an episode of a dataset, as ``dataset/episode_3``.

        Episodes of datasets of this package have slots, so that any robot can play them.

        Args:
            path: The recording.
            robot: Its file.
            rate_hz: Ticks per second of what is no dataset of this package [Hz].
            namespace: Where topics without a leading slash were recorded.
            progress: Called while it is read.

        Raises:
            UserError: It cannot be read, or has nothing of the robot.
        """
        episode = episode_of(Path(path))
        if episode is not None and _is_own(episode[0]):
            return _of_episode(*episode)
        with open_bag(Path(path), namespace) as bag:
            return _of_bag(bag, robot, rate_hz, progress)

    @property
    def duration_s(self) -> float:
        """Its duration, from the first values to the last [s]."""
        return float(self.times_s[-1])

    def slots_at(self, seconds: float) -> SlotValues:
        """The values of the newest tick so long after the first one."""
        tick = max(int(np.searchsorted(self.times_s, seconds + 1e-9, side='right')) - 1, 0)
        found: dict[Slot, float | Pose] = {}
        for slot, values in self.values.items():
            if self.valid[slot][tick]:
                value = values[tick].tolist()
                found[slot] = cast(Pose, tuple(value)) if isinstance(value, list) else value
        return found


def recordings(path: Path) -> list[Path]:
    """The recordings that a path means: the episodes of a dataset, or itself.

    Raises:
        UserError: It is a dataset that cannot be read, or has no episode.
    """
    if not _is_own(path):
        return expanded([path])
    episodes = load_metadata(path).episodes
    if not episodes:
        raise DatasetError(f'{path}: has no episode')
    return [episode_path(path, number) for number in range(len(episodes))]


def _is_own(path: Path) -> bool:
    """True for a dataset of this package."""
    return (path / METADATA_PATH).is_file()


def _of_episode(root: Path, number: int) -> Playback:
    metadata = load_metadata(root)
    if number >= len(metadata.episodes):
        raise DatasetError(
            f'{root}: has no episode {number}; it has {len(metadata.episodes)}, counted from 0'
        )
    columns = read_columns(root, metadata, number)
    table = _Table()
    for layout, rows, valid in (
        (metadata.input_layout, columns.state, columns.state_valid),
        (metadata.output_layout, columns.action, columns.action_valid),
    ):
        table.add(layout.split(rows), layout.split_valid(valid))
    times_s = np.arange(len(columns.state)) / metadata.rate_hz
    return table.playback(f'{root}: episode {number}', times_s, ())


def _of_bag(bag: Bag, robot: Robot, rate_hz: float, progress: ProgressCallback) -> Playback:
    """Take what is measured and commanded at the ticks of ``convert``; no image is decoded.

    A topic that the recording lacks is left out: others are worth seeing without it.
    """
    read, wanted = robot.input_sources(), _output_sources(robot)
    there = {each for each in (*read, *wanted) if _has(bag, each)}
    numbers = [each for each in read if each in there and each.data_type.is_numeric]
    outputs = [each for each in wanted if each in there]
    if not any(_is_seen(each) for each in (*numbers, *outputs)):
        require_topics(bag, [each for each in (*read, *wanted) if _is_seen(each)], robot.path)
        raise BagError(f'{bag.path}: {robot.path} describes no joint and no pose to play')
    layout = Layout.of([robot.input, robot.output])
    given, told = Observer(numbers, layout, None), Observer(outputs, layout, None)
    others = [each for each in read if each in there and not each.data_type.is_numeric]
    # They only decide when a recording begins.
    rest = Observer(others, layout, SURVEY_SIZE)
    observers = given, told, rest
    if cure := clock_cure(bag, [each for each in (*read, *wanted) if each in there]):
        for observer in observers:
            observer.cure_clock(cure)
    topics = {topic: kind for each in observers for topic, kind in each.topics.items()}
    cuts = find_cuts(bag, WHOLE, topics, Observer(outputs, layout, None))
    times_ns: list[int] = []
    rows: list[tuple[Snapshot, Snapshot | None]] = []
    for tick in ticks(bag.read(topics, progress), observers, rate_hz, cuts=cuts):
        if isinstance(tick, Tick):
            now, command = given.snapshot(tick.time_ns), told.snapshot(tick.time_ns)
            if isinstance(now, Snapshot):
                times_ns.append(tick.time_ns)
                rows.append((now, command if isinstance(command, Snapshot) else None))
    if not rows:
        raise BagError(f'{bag.path}: {why_no_tick(observers, bag.end_ns)}')
    table = _Table()
    for source in numbers:
        table.add_slot(source, [now for now, _ in rows])
    for source in outputs:
        table.add_slot(source, [command for _, command in rows])
    lost = dict.fromkeys((s.topic, s.type) for s in (*read, *wanted) if s not in there)
    notes = tuple(f'{bag.path} has no {topic} of {kind}: it is left out' for topic, kind in lost)
    return table.playback(str(bag.path), (np.array(times_ns) - times_ns[0]) / SECOND_NS, notes)


class _Table:
    """Values by slot, those of the input before those of the output."""

    def __init__(self) -> None:
        self._values: dict[Slot, Array] = {}
        self._valid: dict[Slot, BoolArray] = {}

    def add(self, values: Mapping[DataType, Array], valid: Mapping[DataType, BoolArray]) -> None:
        """Add columns: DataType -> values (N, W, ...), and masks (N, W)."""
        for kind, rows in values.items():
            for index in range(rows.shape[1]):
                if valid[kind][:, index].any():
                    self._put(kind, index, rows[:, index], valid[kind][:, index])

    def add_slot(self, source: Source, rows: Sequence[Snapshot | None]) -> None:
        """Add one slot of N ticks; None: it has no value then."""
        kind, index = source.data_type, source.index
        valid = np.array([row is not None for row in rows])
        if valid.any():
            nothing = np.zeros(kind.slot_shape(), np.float32)
            values = [nothing if row is None else row.numbers[kind][index] for row in rows]
            self._put(kind, index, np.array(values), valid)

    def playback(self, name: str, times_s: FloatArray, notes: tuple[str, ...]) -> Playback:
        """Make the playback of what was added."""
        return Playback(name, times_s, self._values, self._valid, notes)

    def _put(self, kind: DataType, index: int, values: Array, valid: BoolArray) -> None:
        seen = DataType.JOINT_POSITIONS if kind is DataType.VISUAL_JOINT_POSITIONS else kind
        for slot in ((kind, index), (seen.measured, index)):
            if slot not in self._values:
                self._values[slot], self._valid[slot] = values, valid


def _output_sources(robot: Robot) -> tuple[Source, ...]:
    """The sources of what was commanded; none where the robot file lacks one."""
    try:
        return robot.output_sources()
    except DescriptionError:
        return ()


def _has(bag: Bag, source: Source) -> bool:
    found = bag.find(source.topic, source.type)
    return found is not None and found.count > 0 and found.holds(source.type)


def _is_seen(source: Source) -> bool:
    kind = source.data_type
    return kind.is_position or kind.is_pose or kind is DataType.VISUAL_JOINT_POSITIONS
