"""Links of an arm: where its chain begins and ends, and what its hand is made of."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neuracore_ros.alignment.name_heuristics import is_gripper, parts
from neuracore_ros.arrays import FloatArray
from neuracore_ros.description.urdf import MOVING
from neuracore_ros.kinematics.forward import Kinematics
from neuracore_ros.kinematics.joint_tree import JointTree
from neuracore_ros.kinematics.rotations import quaternion_to_matrix

# Links that only say where the robot stands.
_WORLDS = {'world', 'map', 'odom', 'base_footprint'}
_GRASP_WORDS = {'tcp', 'grasp', 'grasping', 'pinch', 'tooltip'}
_FLANGES = ('tool0', 'flange', 'tool', 'ee', 'eef', 'effector')
_GRASP_PHRASES = ('gripper_frame', 'gripper_tool_frame', 'gripper_center', 'end_effector')


@dataclass(frozen=True, slots=True)
class DrawnFinger:
    """A finger of a hand.

    Attributes:
        link: Its first link.
        joint: The joint that moves it against the hand; empty of one that is drawn fixed.
        links: It and what it carries.
    """

    link: str
    joint: str
    links: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ArmLinks:
    """The links of one arm.

    Attributes:
        joints: That move, from base to tip, as the URDF calls them.
        base: The lowest link that does not move against the first joint.
        tip: The link that the fingers hang on; of a hand without fingers, its flange.
        last: The link that the last joint moves.
        fingers: None where the URDF shows none.
        grasp: A link that is drawn where the hand grasps, such as ``panda_hand_tcp``; or ''.
    """

    joints: tuple[str, ...]
    base: str
    tip: str
    last: str
    fingers: tuple[DrawnFinger, ...]
    grasp: str


class LinkTree:
    """The links of a URDF: which hangs on which, and where they are.

    Args:
        tree: The URDF.

    Raises:
        DescriptionError: pinocchio is not installed, or the tree is no robot's.
    """

    def __init__(self, tree: JointTree) -> None:
        self.tree = tree
        self._carriers = tree.urdf.carriers
        self._moved = {own.joint: link for link, own in self._carriers.items()}
        self._below: dict[str, list[str]] = {}
        for link, own in self._carriers.items():
            self._below.setdefault(own.link, []).append(link)
        self._kinematics = Kinematics(tree.joints)
        self._places = {joint.name: place for place, joint in enumerate(tree.joints)}
        self.joints = {joint.name: joint for joint in tree.moving}

    def poses(self, positions: Mapping[str, float]) -> dict[str, FloatArray]:
        """Link -> pose (4, 4) in its robot's root, at positions [rad], [m]; others are at 0."""
        found = self._kinematics.poses(self._values(positions))
        placed = dict.fromkeys(self.tree.urdf.links, np.eye(4))
        for joint, pose in zip(self.tree.joints, found, strict=True):
            if joint.name in self._moved:
                placed[self._moved[joint.name]] = pose
        return placed

    def pose(self, link: str, positions: Mapping[str, float]) -> FloatArray:
        """The pose (4, 4) of a link that a joint holds, likewise; of one link it is quicker."""
        index = self._places[self._carriers[link].joint]
        x, y, z, *quaternion = self._kinematics.pose(index, self._values(positions))
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = quaternion_to_matrix(quaternion), (x, y, z)
        return pose

    def range(self, joint: str) -> tuple[float, float]:
        """The least and the largest position of a joint; a turn, where it has no limits."""
        limit = self.tree.urdf.limits.get(joint)
        if limit is None or limit.position is None or not math.isfinite(sum(limit.position)):
            return -math.pi, math.pi
        return limit.position

    def _values(self, positions: Mapping[str, float]) -> FloatArray:
        """Positions of all joints that move; others than those that are named are at 0."""
        known = dict(positions)
        for name, mimic in self.tree.urdf.mimics.items():
            known[name] = mimic.multiplier * known.get(mimic.joint, 0.0) + mimic.offset
        return np.array([known.get(joint.name, 0.0) for joint in self.tree.moving])

    def moved_by(self, joint: str) -> str:
        """The link that a joint moves; '' if it is none of the URDF."""
        return self._moved.get(joint, '')

    def joint_of(self, link: str) -> str:
        """The joint that a link hangs on; '' of a root."""
        own = self._carriers.get(link)
        return '' if own is None else own.joint

    def carried(self, link: str) -> Sequence[str]:
        """The links that hang on joints of a link."""
        return self._below.get(link, ())

    def above(self, link: str) -> Iterator[tuple[str, str, str]]:
        """Each joint from a link to its root: its name, its type, and the link above it."""
        seen = {link}
        while (own := self._carriers.get(link)) is not None and own.link not in seen:
            yield own.joint, own.kind, own.link
            link = own.link
            seen.add(link)

    def under(self, link: str, is_fixed: bool = False) -> list[str]:
        """The links that a link carries; only those that do not move against it, if so asked."""
        found: list[str] = []
        left = [*self._below.get(link, ())]
        while left:
            each = left.pop(0)
            if is_fixed and self._carriers[each].kind in MOVING:
                continue
            found.append(each)
            left += self._below.get(each, ())
        return found

    def arms(self, names: Sequence[str]) -> list[ArmLinks]:
        """The arms among joints: each way from a base to a joint that moves none of the others.

        Joints that several of them share are left out.

        Args:
            names: The joints of arms, without grippers, as the URDF calls them.
        """
        chains = [self._chain(name, set(names)) for name in names if name in self.joints]
        inner = {joint for chain in chains for joint in chain[:-1]}
        whole = [chain for chain in chains if chain[-1] not in inner]
        moved = Counter(joint for chain in whole for joint in chain)
        # A torso that carries two arms is of neither.
        return [self._arm([joint for joint in chain if moved[joint] == 1]) for chain in whole]

    def _chain(self, tip: str, names: set[str]) -> list[str]:
        """The joints up to a joint; a joint of no arm ends it."""
        chain = [tip]
        for joint, kind, _ in self.above(self._moved[tip]):
            if kind in MOVING and joint != tip:
                if joint not in names:
                    break
                chain.append(joint)
        return chain[::-1]

    def _arm(self, joints: Sequence[str]) -> ArmLinks:
        last = self._moved[joints[-1]]
        base = self._carriers[self._moved[joints[0]]].link
        for _, kind, link in self.above(base):
            if kind in MOVING or link.lower() in _WORLDS:
                break
            base = link
        fingers = self._fingers(last)
        tip = self._carrier_of(fingers, last) if fingers else self._flange(last)
        return ArmLinks(tuple(joints), base, tip, last, fingers, self._grasp(last, bool(fingers)))

    def _fingers(self, last: str) -> tuple[DrawnFinger, ...]:
        fixed = [last, *self.under(last, is_fixed=True)]
        moving = [
            link
            for link in self.under(last)
            if self._carriers[link].kind in MOVING and self._carriers[link].link in fixed
        ]
        if named := [link for link in moving if is_gripper(self._carriers[link].joint)]:
            moving = named
        joints = {link: self._carriers[link].joint for link in moving}
        if not moving:
            drawn = [link for link in fixed[1:] if set(parts(link)) & {'finger', 'jaw'}]
            joints = {
                link: ''
                for link in drawn
                if not any(above in drawn for _, _, above in self.above(link))
            }
        return tuple(
            DrawnFinger(link, joint, (link, *self.under(link))) for link, joint in joints.items()
        )

    def _carrier_of(self, fingers: Sequence[DrawnFinger], last: str) -> str:
        """The lowest link that carries all fingers, and does not move against the last one."""
        ways = []
        for finger in fingers:
            way = [link for _, _, link in self.above(finger.link)]
            ways.append(way[: way.index(last) + 1])
        return next(link for link in ways[0] if all(link in way for way in ways))

    def _flange(self, last: str) -> str:
        ends = self.under(last, is_fixed=True)
        for word in _FLANGES:
            for link in ends:
                if word == link or word in parts(link):
                    return link
        return last

    def _grasp(self, last: str, has_fingers: bool) -> str:
        ends = self.under(last, is_fixed=True)
        for link in ends:
            words = parts(link)
            if set(words) & _GRASP_WORDS:
                return link
            if has_fingers and any(phrase in '_'.join(words) for phrase in _GRASP_PHRASES):
                return link
        return ''
