"""An episode of a dataset, replayed: each row becomes messages that arrive at its tick."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from types import SimpleNamespace as Message
from typing import Any

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.convert.ticks import MessageCallback, Tick, tick_ns
from neuracore_ros.dataset import lerobot
from neuracore_ros.dataset.metadata import AFRESH, Metadata
from neuracore_ros.dataset.tables import read_tasks
from neuracore_ros.description import DataType, Robot
from neuracore_ros.durations import SECOND_NS
from neuracore_ros.errors import DatasetError
from neuracore_ros.evaluation.compared_slots import ComparedSlots
from neuracore_ros.evaluation.synthetic_robot import is_by_name, topic
from neuracore_ros.loading.reading import (
    depth_frames,
    read_columns,
    read_task_indices,
    video_frames,
)
from neuracore_ros.observation.depth import metres
from neuracore_ros.progress import ProgressCallback

# A time of zero would mean that a message has no stamp.
_START_NS = SECOND_NS

Samples = Iterator[tuple[str, Any]]
"""One (topic, message without its header) for each row."""


class EpisodeTrack:
    """One episode; a robot that is not measured is taken to be where it was sent.

    Attributes:
        name: For people.
        actions: See `Track`.
        lacking: See `Track`.
    """

    def __init__(
        self,
        root: Path,
        metadata: Metadata,
        number: int,
        robot: Robot,
        topics: set[str],
        progress: ProgressCallback,
    ) -> None:
        """Read the numbers; images are decoded of the given topics only.

        The robot is as `synthetic_robot` describes it.

        Raises:
            DatasetError: A file is missing or damaged.
        """
        self.name, self.lacking = f'episode {number}', ''
        self._root, self._metadata, self._number = root, metadata, number
        self._robot, self._topics, self._progress = robot, topics, progress
        columns = read_columns(root, metadata, number)
        # What was not measured is no zero: the runner refuses what is not finite.
        state = np.where(columns.state_valid, columns.state, np.nan)
        self._state = metadata.input_layout.split(state)
        outputs = metadata.output_layout
        # What came after the last row was not measured.
        self._action = outputs.split(np.where(columns.action_valid, columns.action, np.nan))
        self.actions: list[FloatArray] = list(ComparedSlots(robot).of_slots(self._action))

    def play(self, receive: MessageCallback) -> Iterator[Tick]:
        """See `Track`."""
        steps = len(self.actions)
        streams = [self._numbers(kind) for kind in self._kinds()]
        streams += self._by_name()
        for row in range(steps):
            now_ns = tick_ns(_START_NS, row, self._metadata.rate_hz)
            self._progress(row / steps)
            for stream in streams:
                sample = next(stream, None)
                if sample is None:
                    raise DatasetError(
                        f'{self._root}: {self.name} has {row} of its {steps} steps in one of its '
                        f'files: {AFRESH}'
                    )
                where, message = sample
                message.header = _header(now_ns)
                receive(where, message, now_ns)
            yield Tick(now_ns, 0)

    def _kinds(self) -> list[DataType]:
        """The DataTypes with one topic for all names, of inputs and of what is measured."""
        robot = self._robot
        kinds = [*robot.input, *(kind.measured for kind in robot.output)]
        wanted = [kind for kind in kinds if not is_by_name(kind) and topic(kind) in self._topics]
        return list(dict.fromkeys(wanted))

    def _numbers(self, kind: DataType) -> Samples:
        columns = self._measured(kind)
        slots = self._robot.input.get(kind, {})
        columns.update({name: self._state[kind][:, index] for index, name in slots.items()})
        names, rows = list(columns), np.stack(list(columns.values()), axis=1).astype(float)
        for values in rows.tolist():
            yield (
                topic(kind),
                Message(name=names, position=values, velocity=values, effort=values, data=values),
            )

    def _measured(self, kind: DataType) -> dict[str, FloatArray]:
        """The positions of each commanded joint: as measured, else as it was commanded before."""
        found: dict[str, FloatArray] = {}
        for output, slots in self._robot.output.items():
            for index, name in slots.items() if output.measured is kind else ():
                if index in self._robot.input.get(kind, {}):
                    found[name] = self._state[kind][:, index]
                else:
                    commanded = self._action[output][:, index]
                    found[name] = np.concatenate([commanded[:1], commanded[:-1]])
        return found

    def _by_name(self) -> Iterator[Samples]:
        for kind, slots in self._robot.input.items():
            for index, name in slots.items() if is_by_name(kind) else ():
                where = topic(kind, name)
                if where in self._topics:
                    yield zip(repeat(where), self._messages(kind, index), strict=False)
        for kind, slots in self._robot.output.items():
            known = self._robot.input.get(kind, {}).values()
            for index, name in slots.items() if kind.is_pose else ():
                if name not in known:  # Taken to be where it was sent.
                    commanded = self._action[kind][:, index].astype(float)
                    before = np.concatenate([commanded[:1], commanded[:-1]])
                    yield zip(repeat(topic(kind, name)), map(_pose, before), strict=False)

    def _messages(self, kind: DataType, index: int) -> Iterator[Message]:
        if kind.is_pose:
            return (_pose(row[index]) for row in self._state[kind].astype(float))
        if kind is DataType.LANGUAGE:
            tasks = read_tasks(self._root)
            rows = read_task_indices(self._root, self._metadata, self._number, len(tasks))
            return (Message(data=tasks[row]) for row in rows)
        if kind is DataType.DEPTH_IMAGES:
            key = lerobot.depth_keys(self._metadata)[index]
            depths = depth_frames(self._root, self._metadata, self._number, key)
            return (_image(metres(depth), '32FC1') for depth in depths)
        key = lerobot.camera_key(index)
        frames = video_frames(self._root, self._metadata, self._number, key)
        return (_image(frame, 'rgb8') for frame in frames)


def _header(now_ns: int) -> Message:
    seconds, nanoseconds = divmod(now_ns, SECOND_NS)
    return Message(stamp=Message(sec=seconds, nanosec=nanoseconds), frame_id='')


def _image(pixels: Any, encoding: str) -> Message:
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels).reshape(-1).view(np.uint8)
    return Message(
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=0,
        step=len(data) // height,
        data=data,
    )


def _pose(numbers: Any) -> Message:
    x, y, z, a, b, c, d = numbers
    position, orientation = Message(x=x, y=y, z=z), Message(x=a, y=b, z=c, w=d)
    return Message(pose=Message(position=position, orientation=orientation))
