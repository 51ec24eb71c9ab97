"""Inputs of a robot: what the model predicts from, and where the commanded joints are."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.command.direct import DirectMotion
from neuracore_ros.command.direct_values import DirectMeasured, own_poses
from neuracore_ros.command.joints import Joints
from neuracore_ros.command.message import JointCommand
from neuracore_ros.command.tracking import Measured
from neuracore_ros.description import (
    Command,
    DataType,
    EmbodimentDescription,
    Joint,
    Layout,
    Robot,
    Source,
)
from neuracore_ros.observation.following import FollowingChannel
from neuracore_ros.observation.observer import Observation, Observer, Snapshot, Unusable
from neuracore_ros.observation.streams import StreamStatus
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.runner.requests import Commands

_NO_TASK = 'the policy reads LANGUAGE, but the parameter task is empty.'


class RobotInputs:
    """Streams of one robot, read for one policy, and the snapshots of its newest T ticks.

    Images are decoded only for a tick that the model reads, and once; until then the messages are
    kept, at most T for each camera.

    Attributes:
        topics: Topic -> (ROS message type, reliability), of inputs and measured joints.
        strictest_age_s: At which some sample is stale [s]; half a second where none ever is.
        sources: Of everything that is read.
        warnings: What is read or measured less than it should be, one line each.
    """

    def __init__(
        self,
        robot: Robot,
        joints: Joints,
        direct: DirectMotion,
        used: EmbodimentDescription,
        manifest: Manifest,
        task: str,
        frozen_after_s: float,
    ) -> None:
        """Open the streams; nothing has been received yet.

        Args:
            robot: Its file.
            joints: What is commanded, and so measured.
            direct: Outputs that are sent as they are; measured as far as sources are given.
            used: The robot's inputs that the policy reads.
            manifest: Of the policy.
            task: The instruction, where no topic has it.
            frozen_after_s: Identical images for this long are a fault [s]; 0: never.

        Raises:
            DescriptionError: A source is missing.
        """
        inputs = tuple(s for s in robot.input_sources() if s.index in used.get(s.data_type, {}))
        read = used.get(DataType.LANGUAGE, {})
        texts = {index: text for index, text in robot.texts(task).items() if index in read}
        lacks_task = (_NO_TASK,) if texts and not task else ()
        self._inputs = Observer(
            inputs,
            manifest.input_layout,
            manifest.image_size,
            frozen_after_s,
            texts,
            manifest.text_bytes,
        )
        self._ticks: deque[tuple[int, Snapshot | Observation]] = deque(
            maxlen=manifest.observation_steps
        )
        of_joints, of_direct = _joint_sources(robot, joints), robot.direct_sources()
        measured = _apart((*of_joints, *of_direct))
        self._measured = tuple(zip(joints.joints, measured, strict=False))
        self._direct = direct
        self._of_direct = {(s.data_type, s.name): s for s in measured[len(of_joints) :]}
        self.warnings = (*lacks_task, *self._unguarded())
        layout = Layout.holding((source.data_type, source.index) for source in measured)
        self._joints = Observer(measured, layout, None)
        self._following = {c.key: c for c in _following(self._joints)}
        followers = (*_following(self._inputs), *_following(self._joints))
        # Where the source reads the command topic itself, our commands come back on it.
        self._unechoed = {
            (command.topic, joint.message_name): (joint, channels)
            for command in joints.commands
            for joint in command.joints
            if (channels := [c for c in followers if _follows(c.source, joint, command)])
        }
        self.sources = sources = inputs + measured
        self.topics: Mapping[str, tuple[str, str]] = {
            topic: (source.type, source.reliability)
            for source in sources
            for topic in source.topics
        }
        ages_s = [source.max_age_s for source in sources if source.max_age_s is not None]
        self.strictest_age_s = min(ages_s, default=0.5)

    def _unguarded(self) -> Iterator[str]:
        """Tell the joints driven by velocity whose position limits nothing can keep."""
        for slot in self._direct.numbers:
            position = DataType.JOINT_POSITIONS, slot.name
            if slot.limit.ends and position not in self._of_direct:
                yield (
                    f"'{slot.name}' may be driven beyond its limits of position: nothing measures "
                    'it. Add under sources: JOINT_POSITIONS: {topic: /...}'
                )

    def receive(self, topic: str, message: Any, now_ns: int) -> None:
        """Take a message from a topic; never raises on bad data."""
        self._inputs.receive(topic, message, now_ns)
        self._joints.receive(topic, message, now_ns)

    def status(self, now_ns: int) -> tuple[StreamStatus, ...]:
        """List the states of all streams."""
        inputs = self._inputs.status(now_ns)
        known = {status.topic for status in inputs}
        return (*inputs, *(s for s in self._joints.status(now_ns) if s.topic not in known))

    def measured_status(self, now_ns: int) -> tuple[StreamStatus, ...]:
        """List the states of the streams that measure what is commanded."""
        return self._joints.status(now_ns)

    def snapshot(self, now_ns: int) -> Snapshot | Unusable:
        """Read every input of the model, its images not decoded."""
        return self._inputs.snapshot(now_ns)

    @property
    def remembers_any(self) -> bool:
        """Whether there is a snapshot that the model may predict from."""
        return bool(self._ticks)

    def remember(self, step: int, snapshot: Snapshot) -> None:
        """Keep the snapshot of a step; the second one of a step replaces the first."""
        if self._ticks and self._ticks[-1][0] == step:
            self._ticks.pop()
        self._ticks.append((step, snapshot))

    def observation(self, step: int) -> Observation | Unusable:
        """Decode what the model predicts from at a step that is remembered.

        Returns:
            The observation of that step with inputs of shape (T, ...), the oldest step first:
            each the newest tick at or before its step, and before the first tick the first one.
            Or why it cannot be decoded.
        """
        chosen: list[Observation] = []
        for wanted in range(step + 1 - (self._ticks.maxlen or 1), step + 1):
            place = max((i for i, (at, _) in enumerate(self._ticks) if at <= wanted), default=0)
            at, tick = self._ticks[place]
            observation = self._inputs.decode(tick) if isinstance(tick, Snapshot) else tick
            if isinstance(observation, Unusable):
                return observation
            self._ticks[place] = at, observation
            chosen.append(observation)
        inputs = {
            kind: np.stack([each.inputs[kind] for each in chosen]) for kind in chosen[-1].inputs
        }
        return replace(chosen[-1], inputs=inputs)

    def forget(self) -> None:
        """Drop all snapshots; the streams keep their newest samples."""
        self._ticks.clear()

    def measured(self, now_ns: int) -> Measured | Unusable:
        """Read where all that is commanded is, if each has a fresh sample."""
        observed = self._joints.observe(now_ns)
        if isinstance(observed, Unusable):
            return observed
        positions, stamps_ns = [], []
        for joint, source in self._measured:
            positions.append(
                joint.to_message(float(observed.inputs[source.data_type][source.index]))
            )
            age_s = observed.ages_s[source.data_type, source.name]
            stamps_ns.append(now_ns - round(1e9 * age_s))
        return Measured(
            np.array(positions, float),
            np.array(stamps_ns, np.int64),
            self._of_direct_outputs(observed, now_ns),
        )

    def _of_direct_outputs(self, observed: Observation, now_ns: int) -> DirectMeasured:
        def own(source: Source, offset: float, scale: float) -> float:
            value = float(observed.inputs[source.data_type][source.index])
            return (value - offset) / scale

        numbers, positions = np.full((2, len(self._direct.numbers)), np.nan)
        poses = np.zeros((len(self._direct.poses), 7))
        stamps_ns = np.zeros(len(self._direct.poses), np.int64)
        for place, slot in enumerate(self._direct.numbers):
            if (number := self._of_direct.get((slot.data_type, slot.name))) is not None:
                numbers[place] = own(number, slot.offset, slot.scale)
            if (joint := self._of_direct.get((DataType.JOINT_POSITIONS, slot.name))) is not None:
                positions[place] = own(joint, joint.offset, slot.scale)
        for place, slot in enumerate(self._direct.poses):
            pose = self._of_direct[slot.data_type, slot.name]
            poses[place] = own_poses(slot, observed.inputs[pose.data_type][pose.index])
            age_s = observed.ages_s[pose.data_type, pose.name]
            stamps_ns[place] = now_ns - round(1e9 * age_s)
        return DirectMeasured(numbers, positions, poses, stamps_ns)

    def sent(self, commands: Commands, now_ns: int) -> None:
        """Let openings follow commands that do not come back on the topics that they read.

        An action has no such topic; or the source reads the one on which a person commands.
        """
        for command in commands:
            if not isinstance(command, JointCommand):
                continue
            start_ns = command.stamp_ns or now_ns
            for place, name in enumerate(command.joint_names):
                if (found := self._unechoed.get((command.topic, name))) is None:
                    continue
                joint, channels = found
                times_ns = [start_ns + round(1e9 * time_s) for time_s in command.times_s]
                values = joint.from_message(command.positions[:, place]).tolist()
                for channel in channels:
                    if channel.is_newer(start_ns, now_ns):
                        channel.command(start_ns, now_ns, times_ns, values)

    def start(self, measured: FloatArray, first: FloatArray) -> FloatArray:
        """Say where the joints, (J,), start from: where they are measured.

        A gripper whose opening follows its command is not measured, and before its first command
        nobody knows where it is. It starts from its first action: from anywhere else it would be
        sent there on a detour, and open a hand that holds something.
        """
        return np.where(
            [self._is_unknown(source) for _, source in self._measured], first, measured
        )

    def _is_unknown(self, source: Source) -> bool:
        channel = self._following.get((source.data_type, source.name))
        return channel is not None and not channel.commanded

    def cure_clock(self, text: str) -> None:
        """Say from now on what mends stamps of another time, such as a simulated one."""
        self._inputs.cure_clock(text)
        self._joints.cure_clock(text)

    def clear(self) -> None:
        """Drop all samples and snapshots, as after a jump of the clock."""
        self.forget()
        self._inputs.clear()
        self._joints.clear()


def _following(observer: Observer) -> list[FollowingChannel]:
    channels = (channel for stream in observer.streams for channel in stream.channels)
    return [channel for channel in channels if isinstance(channel, FollowingChannel)]


def _follows(source: Source, joint: Joint, command: Command) -> bool:
    """True if a source follows the commands of a joint, but does not read their topic."""
    is_same = (source.data_type, source.name) == (joint.data_type.measured, joint.name)
    return is_same and source.topic.strip('/') != command.topic.strip('/')


def _joint_sources(robot: Robot, joints: Joints) -> tuple[Source, ...]:
    """List where each commanded joint is measured, in the order of the joints."""
    by_joint = {(source.data_type, source.name): source for source in robot.measured_sources()}
    return tuple(by_joint[joint.measured, joint.name] for joint in joints.joints)


def _apart(sources: Iterable[Source]) -> tuple[Source, ...]:
    """Give each source a slot of its own: outputs of two DataTypes may be measured at one."""
    found: dict[tuple[DataType, int], Source] = {}
    for source in sources:
        index = source.index
        while (source.data_type, index) in found:
            index += 1
        found[source.data_type, index] = replace(source, index=index)
    return tuple(found.values())
