"""A robot as it is drawn: its URDF, moved by the values of its slots."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from neuracore_ros.alignment.arm_links import ArmLinks, LinkTree
from neuracore_ros.alignment.chain_frames import matrix
from neuracore_ros.alignment.ready_pose import ready_pose
from neuracore_ros.arrays import FloatArray
from neuracore_ros.description import DataType, Robot
from neuracore_ros.description.urdf_beside import urdf_beside
from neuracore_ros.kinematics.joint_tree import read_joint_tree
from neuracore_ros.kinematics.poses import Pose
from neuracore_ros.kinematics.rotations import quaternion_to_matrix
from neuracore_ros.viewer.chain_poses import ChainPoses, ChainSlot
from neuracore_ros.viewer.dials import Dials, dial_sense, dials
from neuracore_ros.viewer.hands import DrawnHand, Hands
from neuracore_ros.viewer.joint_slots import (
    NamedSlot,
    Slot,
    SlotRange,
    joint_slot,
    named_slots,
    opening_range,
)
from neuracore_ros.viewer.link_meshes import LinkMesh, LinkMeshes, link_meshes

SlotValues: TypeAlias = Mapping[Slot, 'float | Pose']
"""Slot -> value in the slot's unit and sense; of a pose slot x y z [m], qx qy qz qw."""

# More names are not listed.
_FEW = 3


class RobotModel:
    """A robot that slot values move, in the frame of its URDF's root.

    Not for two threads at once.

    Attributes:
        robot: Its file.
        urdf: Its URDF file; None where that is not known, and then its slots are dials.
        meshes: By which its links are drawn; among them fingers that its URDF lacks.
        captions: Words beside what is drawn -> their place (3,) [m].
        notes: What is drawn otherwise than it is, each in one line.
    """

    def __init__(self, robot: Robot, urdf: Path | None) -> None:
        self.robot, self.urdf = robot, urdf
        self.captions: Mapping[str, FloatArray]
        drawn: Dials | LinkMeshes
        if urdf is None:
            drawn = dials(robot)
            self.captions, note, tree = drawn.captions, _without_urdf(robot), drawn.tree
        else:
            drawn = link_meshes(urdf)
            self.captions, note, tree = {}, drawn.note, read_joint_tree(urdf)
        meshes = drawn.meshes
        self._links = links = LinkTree(tree)
        named = named_slots(robot, links)
        of_arms = [each for each in named if not each.slot[0].is_gripper]
        moving = [each for each in of_arms if each.joint]
        arms = links.arms(list(_arm_joints(robot, moving))) if urdf is not None else []
        self._rest = _rest(robot, links, arms)
        self._slots = {each.slot: joint_slot(each, links, self._rest) for each in moving}
        self._hands: dict[Slot, DrawnHand] = {}
        centres = {mesh.link: mesh.points.mean(axis=0) for mesh in meshes}
        chains = list(robot.chains.values())
        grippers = [each for each in named if each.slot[0].is_gripper]
        if urdf is None:
            grippers = [replace(each, senses=(dial_sense(each.senses),)) for each in grippers]
        self._add_hands(Hands(links, arms, self._rest, centres, chains), grippers)
        self._chains = dict(self._chain_poses())
        self._free = _poses_of_topics(robot)
        fingers = [mesh for hand in self._hands.values() for mesh in hand.meshes()]
        self.meshes: tuple[LinkMesh, ...] = (*meshes, *fingers)
        lost = [each.name for each in of_arms if not each.joint]
        self.notes = tuple(filter(None, (note, _lost(lost, urdf))))

    @classmethod
    def of(cls, robot: Robot, urdf: Path | None = None) -> RobotModel:
        """Read a robot's URDF.

        Args:
            robot: Its file.
            urdf: Instead of the one that the file names, or of the one that lies beside it, of
                the same name and with the same joints.

        Raises:
            DescriptionError: The URDF cannot be read.
        """
        return cls(robot, urdf or own_urdf(robot))

    @property
    def name(self) -> str:
        """Name of the robot."""
        return self.robot.name

    def slots(self) -> Mapping[Slot, SlotRange]:
        """The slots of joints and grippers that move something, in canonical and index order."""
        drawn = {slot: opening_range(hand.name) for slot, hand in self._hands.items()}
        joints = {slot: each.range for slot, each in self._slots.items()}
        return dict(sorted({**joints, **drawn}.items(), key=lambda item: _canonical(item[0])))

    def pose_slots(self) -> Mapping[Slot, ChainSlot]:
        """The slots of poses that move a chain, whose joints have no slots of their own."""
        return {slot: each.slot for slot, each in self._chains.items()}

    @property
    def unreached(self) -> Mapping[Slot, str]:
        """Slots whose pose was out of reach when it was last asked for, and why, in one line."""
        return {slot: each.unreached for slot, each in self._chains.items() if each.unreached}

    def joints(self, values: SlotValues) -> dict[str, float]:
        """Joint of the URDF -> position [rad], [m] at slot values; what has none rests."""
        positions = dict(self._rest)
        for slot, chain in self._chains.items():
            value = values.get(slot, chain.slot.rest)
            if not isinstance(value, int | float):
                positions.update(chain.joints(value))
        for slot, each in self._slots.items():
            value = values.get(slot, each.range.rest)
            if isinstance(value, int | float) and math.isfinite(value):
                positions.update(each.positions(value))
        return positions

    def link_poses(self, values: SlotValues) -> dict[str, FloatArray]:
        """Link -> pose (4, 4) in the frame of the root, at slot values."""
        return self._placed(values, self._links.poses(self.joints(values)))

    def frames(self, values: SlotValues) -> dict[tuple[str, str], FloatArray]:
        """(chain, ``base`` or ``tip``) -> pose (4, 4) of its shared base or grasp frame.

        (slot, ``pose``) of a pose that a topic gives: where it would be if its frame were the
        root; at the root without a value.
        """
        return self.frames_at(self.link_poses(values), values)

    def frames_at(
        self, poses: Mapping[str, FloatArray], values: SlotValues
    ) -> dict[tuple[str, str], FloatArray]:
        """The same, from the poses of links that are known already."""
        found = {}
        for name, chain in self.robot.chains.items():
            found[name, 'base'] = poses[chain.base] @ matrix(chain.base_offset)
            found[name, 'tip'] = poses[chain.tip] @ matrix(chain.tip_offset)
        for slot, name in self._free.items():
            found[name, 'pose'] = _pose_matrix(
                values.get(slot), self.robot.pose_scale(slot[0], name)
            )
        return found

    def moved_links(self, slot: Slot) -> tuple[str, ...]:
        """The links that a slot moves, up to the next joint; more where none of these is drawn."""
        found: list[str] = []
        if (hand := self._hands.get(slot)) is not None:
            found += hand.names
        for joint in self._slots[slot].senses if slot in self._slots else ():
            followers = [
                name for name, own in self._links.tree.urdf.mimics.items() if own.joint == joint
            ]
            for link in map(self._links.moved_by, (joint, *followers)):
                found += [link, *self._links.under(link, is_fixed=True)]
        if (chain := self._chains.get(slot)) is not None:
            tip = chain.chain.tip
            found += [tip, *self._links.under(tip, is_fixed=True)]
        if not {mesh.link for mesh in self.meshes}.intersection(found):
            found += [each for link in list(found) for each in self._links.under(link)]
        return tuple(found)

    def _add_hands(self, hands: Hands, named: Sequence[NamedSlot]) -> None:
        taken = {joint for each in self._slots.values() for joint in each.senses}
        taken |= {each.joint for each in named if each.joint}
        for number, each in enumerate(named):
            found = hands.slot(each, number, taken)
            if isinstance(found, DrawnHand):
                self._hands[each.slot] = found
            else:
                self._slots[each.slot] = found
                taken |= set(found.senses)

    def _chain_poses(self) -> Iterator[tuple[Slot, ChainPoses]]:
        """The pose slots of chains whose joints have no slots."""
        moved = {joint for each in self._slots.values() for joint in each.senses}
        known: set[str] = set()
        for description in (self.robot.input, self.robot.output):
            for kind, slots in description.items():
                for index, name in slots.items():
                    chain = self.robot.chains.get(name) if kind.is_pose else None
                    if chain is None or name in known or set(chain.joints) <= moved:
                        continue
                    known.add(name)
                    scale = self.robot.pose_scale(kind, name)
                    yield (kind, index), ChainPoses(chain, scale, self._links, self._rest)

    def _placed(self, values: SlotValues, poses: dict[str, FloatArray]) -> dict[str, FloatArray]:
        """Poses of links, and of fingers drawn on them; links on no joint are at the root."""
        for mesh in self.meshes:
            poses.setdefault(mesh.link, np.eye(4))
        for slot, hand in self._hands.items():
            value = values.get(slot, 0.0)
            opening = value if isinstance(value, int | float) else 0.0
            poses.update(hand.poses(poses[hand.link], opening))
        return poses


def own_urdf(robot: Robot) -> Path | None:
    """The URDF that a robot file names, or that lies beside it; None where that is not known."""
    return robot.urdf or urdf_beside(robot)


def _poses_of_topics(robot: Robot) -> dict[Slot, str]:
    """The slots of poses that are no chains, with their names."""
    return {
        (kind, index): name
        for description in (robot.output, robot.input)
        for kind, slots in description.items()
        for index, name in slots.items()
        if kind.is_pose and name not in robot.chains
    }


def _pose_matrix(value: float | Pose | None, scale: float) -> FloatArray:
    """The pose (4, 4) of a slot's value; the root's own without a value, or if it is no pose."""
    placed = np.eye(4)
    if value is None or isinstance(value, int | float) or not np.isfinite(value).all():
        return placed
    if (length := float(np.linalg.norm(value[3:]))) > 0.0:
        placed[:3, :3] = quaternion_to_matrix(np.array(value[3:]) / length)
        placed[:3, 3] = np.array(value[:3]) / scale
    return placed


def _arm_joints(robot: Robot, moving: Sequence[NamedSlot]) -> Iterator[str]:
    """The joints of arms, each once."""
    seen: set[str] = set()
    for joint in (
        *(each.joint for each in moving),
        *(joint for chain in robot.chains.values() for joint in chain.joints),
    ):
        if joint not in seen:
            seen.add(joint)
            yield joint


def _rest(robot: Robot, links: LinkTree, arms: Sequence[ArmLinks]) -> dict[str, float]:
    """Joint -> position where it rests [rad], [m]: arms stand ready, all else is near 0."""
    found = {}
    for joint in links.joints:
        lower, upper = links.range(joint)
        found[joint] = min(max(0.0, lower), upper)
    for arm in arms:
        found.update(ready_pose(links.tree, arm.joints))
    for chain in robot.chains.values():
        found.update(chain.home)
    return found


def _without_urdf(robot: Robot) -> str:
    return (
        f'{robot.path} names no URDF: its slots are shown as dials. Add urdf: FILE to it, or give '
        f'--urdf {robot.name}=FILE'
    )


def _lost(names: Sequence[str], urdf: Path | None) -> str:
    """A line about slots that are no joints of the URDF; empty without any."""
    if not names:
        return ''
    few = ', '.join(names[:_FEW]) + (', ...' if len(names) > _FEW else '')
    return f'{urdf} has no joint for {few}: they move nothing here'


def _canonical(slot: Slot) -> tuple[int, int]:
    """Sorts slots by DataType and index."""
    return list(DataType).index(slot[0]), slot[1]
