"""Poses of chains, computed from the joints that a topic measures or commands."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from neuracore_ros.description import Source
from neuracore_ros.description.source import JOINT_TRAJECTORY
from neuracore_ros.kinematics.chain import ChainKinematics
from neuracore_ros.kinematics.poses import Pose
from neuracore_ros.observation.faults import StreamFault
from neuracore_ros.observation.numbers import NumberStream
from neuracore_ros.observation.poses import scaled
from neuracore_ros.observation.samples import Sample
from neuracore_ros.observation.streams import Channel, Stream
from neuracore_ros.observation.trajectories import TrajectoryStream

# Enough to tell the unit of joints by.
_KEPT = 2000


def chain_stream(sources: Sequence[Source]) -> Stream:
    """Open the stream of one chain's pose, computed from the joints of a topic."""
    (source,) = sources
    return (ChainTargetStream if source.type == JOINT_TRAJECTORY else ChainStateStream)(source)


class ChainChannel(Channel):
    """Pose of a chain, as old as the oldest of its joints.

    Attributes:
        chain: The chain.
        positions: Of its joints, the newest of which a pose was computed.
    """

    __slots__ = ('_computed', '_joints', '_kinematics', 'chain', 'positions')

    def __init__(self, stream: Stream, source: Source, joints: Sequence[Channel]):
        super().__init__(stream, source)
        assert source.chain is not None
        self.chain = source.chain
        self.positions: deque[tuple[float, ...]] = deque(maxlen=_KEPT)
        self._kinematics = ChainKinematics(source.chain)
        self._joints = tuple(joints)
        # The same joints are asked for several times a tick.
        self._computed: tuple[tuple[float, ...], Pose] | None = None

    def newest(self, tick_ns: int) -> Sample | None:
        """Return the pose of the joints' newest samples that arrived at or before the tick."""
        found = [sample for joint in self._joints if (sample := joint.newest(tick_ns))]
        return self._sample(found) if len(found) == len(self._joints) else None

    def at(self, tick_ns: int) -> Sample | StreamFault:
        """Return the pose, or why one of its joints cannot be used."""
        found: list[Sample] = []
        for joint in self._joints:
            sample = joint.at(tick_ns)
            if isinstance(sample, StreamFault):
                return sample
            found.append(sample)
        return self._sample(found)

    def note(self, receive_ns: int) -> None:
        """Take note of an arrival, if it made the pose newer; and of what was refused in it."""
        refusals = (joint.refusal for joint in self._joints if joint.refusal)
        self.refusal = next((each for each in refusals if each.receive_ns == receive_ns), None)
        stamps = [joint.stamp_ns for joint in self._joints if joint.stamp_ns is not None]
        if len(stamps) == len(self._joints) and min(stamps) != self.stamp_ns:
            self.stamp_ns = min(stamps)
            self.pace.note(receive_ns)

    def clear(self) -> None:
        """Forget all samples."""
        super().clear()
        for joint in self._joints:
            joint.clear()

    def _sample(self, found: Sequence[Sample]) -> Sample:
        positions = tuple(sample.value for sample in found)
        if self._computed is None or self._computed[0] != positions:
            x, y, z, a, b, c, d = self._kinematics.pose(positions).tolist()
            self._computed = positions, scaled((x, y, z, a, b, c, d), self.source.scale)
            self.positions.append(positions)
        return Sample(
            min(sample.stamp_ns for sample in found),
            max(sample.receive_ns for sample in found),
            self._computed[1],
        )


class _ChainStream(Stream):
    """Stream of a chain's joints that shows its pose in their place."""

    def __init__(self, source: Source):
        super().__init__(source.of_joints())
        self.sources = (source,)
        self._pose = ChainChannel(self, source, self.channels)
        self.channels = (self._pose,)

    def _take(self, message: Any, stamp_ns: int, receive_ns: int) -> bool:
        taken = super()._take(message, stamp_ns, receive_ns)
        self._pose.note(receive_ns)
        return taken


class ChainStateStream(_ChainStream, NumberStream):
    """Stream of a chain's pose, from the measured positions of its joints."""


class ChainTargetStream(_ChainStream, TrajectoryStream):
    """Stream of the pose that a trajectory of a chain's joints commands."""
