"""The commanded numbers of one robot, in the slots' sense, as they are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.arrays import FloatArray
from neuracore_ros.command.joints import Joints
from neuracore_ros.description import DataType, Joint, Layout, Robot


@dataclass(frozen=True, slots=True)
class ComparedSlot:
    """One commanded slot.

    Attributes:
        kind: Its DataType.
        index: Its slot.
        name: The robot's joint.
        unit: ``rad``, ``m``, or ``open`` of a gripper (0 closed, 1 open).
    """

    kind: DataType
    index: int
    name: str
    unit: str

    @property
    def label(self) -> str:
        """A label for people, unlike those of the other slots."""
        short = ' open' if self.unit == 'open' else ''
        return f'{self.index} {self.name}{short}'


class ComparedSlots:
    """The C commanded slots of one robot, in the order of its command topics.

    Attributes:
        slots: What they are.
        valid: DataType -> bool, (W,): which of a policy's outputs they are.
    """

    def __init__(self, robot: Robot, layout: Layout | None = None) -> None:
        """Take every joint that the robot file commands.

        The layout is that of a policy's outputs; by default the narrowest that holds the robot's.

        Raises:
            DescriptionError: An output has no command.
        """
        joints = Joints.of(robot.commands())
        own = [joint for joint in joints.joints if not joint.chain]
        self.slots = tuple(
            ComparedSlot(joint.data_type, joint.index, joint.name, _unit(joint)) for joint in own
        )
        self._columns = np.array([not joint.chain for joint in joints.joints])
        self.valid = (layout or Layout.of([robot.output])).valid(robot.output)
        self._scale = np.array([joint.scale for joint in own])
        self._offset = np.array([joint.offset for joint in own])
        # A continuous joint is back where it was after a turn.
        self._turn = np.where(joints.turns[self._columns], 2 * np.pi * np.abs(self._scale), np.inf)

    def of_slots(self, values: Mapping[DataType, NDArray[np.floating]]) -> FloatArray:
        """DataType -> (..., W) as (..., C)."""
        columns = [values[slot.kind][..., slot.index] for slot in self.slots]
        return np.stack(columns, axis=-1).astype(np.float64)

    def of_joints(self, positions: FloatArray) -> FloatArray:
        """Positions (J,) in the robot's own units and sense, (C,) in the slots'."""
        return np.asarray(self._scale * positions[self._columns] + self._offset)

    def distance(self, found: FloatArray, wanted: FloatArray) -> FloatArray:
        """The distance between values (..., C), NaN where one is not known."""
        apart = np.abs(found - wanted)
        turned = np.isfinite(self._turn)
        turn = self._turn[turned]
        around = apart[..., turned] % turn
        apart[..., turned] = np.minimum(around, turn - around)
        return apart


def _unit(joint: Joint) -> str:
    if joint.data_type.is_gripper:
        return 'open'
    return 'm' if joint.limit.slides else 'rad'
