"""A robot as it is drawn: its URDF, moved by the values of its slots."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from neuracore_ros.alignment.arm_links import LinkTree
from neuracore_ros.arrays import FloatArray
from neuracore_ros.description import Robot
from neuracore_ros.errors import DescriptionError
from neuracore_ros.kinematics.joint_tree import read_joint_tree
from neuracore_ros.kinematics.poses import Pose
from neuracore_ros.viewer.joint_slots import Slot, SlotRange, joint_slots
from neuracore_ros.viewer.link_meshes import link_meshes

SlotValues: TypeAlias = Mapping[Slot, 'float | Pose']
"""Slot -> value in the slot's unit and sense; of a pose slot x y z [m], qx qy qz qw."""


class RobotModel:
    """A robot that slot values move, in the frame of its URDF's root.

    Not for two threads at once.

    Attributes:
        robot: Its file.
        urdf: Its URDF file.
        meshes: By which its links are drawn.
        notes: What is drawn otherwise than it is, each in one line.
    """

    def __init__(self, robot: Robot, urdf: Path) -> None:
        self.robot, self.urdf = robot, urdf
        self._links = LinkTree(read_joint_tree(urdf))
        self._joints = joint_slots(robot, self._links)
        drawn = link_meshes(urdf)
        self.meshes = drawn.meshes
        self.notes: tuple[str, ...] = (drawn.note,) if drawn.note else ()

    @classmethod
    def of(cls, robot: Robot, urdf: Path | None = None) -> RobotModel:
        """Read a robot's URDF.

        Args:
            robot: Its file.
            urdf: Instead of the one that the file names.

        Raises:
            DescriptionError: No URDF is known, or it cannot be read.
        """
        urdf = urdf or robot.urdf
        if urdf is None:
            raise DescriptionError(
                f"{robot.path}: '{robot.name}' has no URDF to draw: add urdf: FILE to it, or give "
                f'--urdf {robot.name}=FILE'
            )
        return cls(robot, urdf)

    @property
    def name(self) -> str:
        """Name of the robot."""
        return self.robot.name

    def slots(self) -> Mapping[Slot, SlotRange]:
        """The slots of one number that move something, in canonical and index order."""
        return {slot: each.range for slot, each in self._joints.items()}

    def poses(self) -> Mapping[Slot, Pose]:
        """The pose slots that move a chain whose joints have no slots, and where it rests."""
        return {}

    def joints(self, values: SlotValues) -> Mapping[str, float]:
        """The positions of the URDF's joints at slot values [rad], [m]; the rest of them rests."""
        return {
            each.joint: each.own(_number(values.get(slot, each.range.rest)))
            for slot, each in self._joints.items()
        }

    def link_poses(self, values: SlotValues) -> Mapping[str, FloatArray]:
        """Link -> its pose (4, 4) in the frame of the root, at slot values."""
        return self._links.poses(self.joints(values))

    def frames(self, values: SlotValues) -> Mapping[tuple[str, str], FloatArray]:
        """(chain, ``base`` or ``tip``) -> pose (4, 4) of that frame of it, likewise."""
        return {}

    def moved_links(self, slot: Slot) -> tuple[str, ...]:
        """The links that a slot's joint moves: first the one that hangs on it."""
        if (own := self._joints.get(slot)) is None:
            return ()
        link = self._links.moved_by(own.joint)
        return (link, *self._links.under(link))


def _number(value: float | Pose) -> float:
    return value if isinstance(value, int | float) else 0.0
