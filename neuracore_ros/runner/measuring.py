"""Where the commanded joints are, by the robot's own word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from neuracore_ros.command.joints import Joints
from neuracore_ros.command.tracking import Measured
from neuracore_ros.description import DataType, Layout, Robot, Source
from neuracore_ros.observation.observer import Observer, Unusable
from neuracore_ros.observation.streams import StreamStatus


class Measuring:
    """Reads the position of every commanded joint.

    Attributes:
        sources: Where each is measured, in the order of the joints.
    """

    def __init__(self, robot: Robot, joints: Joints) -> None:
        """For all joints that are commanded.

        Raises:
            DescriptionError: Nothing measures one of them.
        """
        self.sources = _sources(robot, joints)
        layout = Layout.holding((source.data_type, source.index) for source in self.sources)
        self._joints = joints
        self._observer = Observer(self.sources, layout, None)

    def receive(self, topic: str, message: Any, now_ns: int) -> None:
        """Take a message from a topic; never raises on bad data."""
        self._observer.receive(topic, message, now_ns)

    def clear(self) -> None:
        """Forget all samples."""
        self._observer.clear()

    def status(self, now_ns: int) -> tuple[StreamStatus, ...]:
        """One entry per stream."""
        return self._observer.status(now_ns)

    def at(self, now_ns: int) -> Measured | Unusable:
        """All positions, if every joint has a fresh one."""
        seen = self._observer.observe(now_ns)
        if isinstance(seen, Unusable):
            return seen
        pairs = list(zip(self._joints.joints, self.sources, strict=True))
        positions = [j.to_message(float(seen.inputs[s.data_type][s.index])) for j, s in pairs]
        stamps = [now_ns - round(1e9 * seen.ages_s[s.data_type, s.name]) for _, s in pairs]
        return Measured(np.array(positions, float), np.array(stamps, np.int64))


def _sources(robot: Robot, joints: Joints) -> tuple[Source, ...]:
    """Where each commanded joint is measured, in the order of the joints.

    Outputs of two DataTypes may be measured at one slot; the second gets a slot of its own.
    """
    slots = [(kind, index) for kind, named in robot.output.items() for index in named]
    by_slot = dict(zip(slots, robot.measured_sources(), strict=True))
    found: dict[tuple[DataType, int], Source] = {}
    for joint in joints.joints:
        source = by_slot[joint.data_type, joint.index]
        while (source.data_type, source.index) in found:
            source = replace(source, index=source.index + 1)
        found[source.data_type, source.index] = source
    return tuple(found.values())
