"""The joints of a URDF as a tree: which joint carries which, and where it is on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias
from xml.etree import ElementTree

from neuracore_ros.description.urdf import MOVING, Urdf, joints_of
from neuracore_ros.description.urdf_xml import parse_robot_element, read_urdf_text
from neuracore_ros.errors import DescriptionError

Triple: TypeAlias = tuple[float, float, float]
_FEW = 5


@dataclass(frozen=True, slots=True)
class TreeJoint:
    """One joint, as URDFs have them; the fields are those of a URDF's ``joint``.

    Attributes:
        name: Unique among joints that move.
        kind: ``revolute``, ``continuous`` or ``prismatic``; any other kind does not move.
        parent: Index of the joint that carries it, which stands before it; -1 at a base.
        xyz: Position in its parent's frame [m].
        rpy: Orientation there: roll about x, then pitch, then yaw, about fixed axes [rad].
        axis: What it turns about or slides along, in its own frame; of length 1.
    """

    name: str
    kind: str
    parent: int
    xyz: Triple = (0.0, 0.0, 0.0)
    rpy: Triple = (0.0, 0.0, 0.0)
    axis: Triple = (1.0, 0.0, 0.0)

    @property
    def moves(self) -> bool:
        """True if it can move, so that it has a position."""
        return self.kind in MOVING

    @property
    def slides(self) -> bool:
        """True if it is prismatic."""
        return self.kind == 'prismatic'


@dataclass(frozen=True, slots=True)
class JointTree:
    """The joints of a robot, or of several.

    Attributes:
        robot: Name of the robot; may be empty.
        where: The file or topic that it comes from.
        joints: From base to tip, the longest branch first; also those that do not move.
        urdf: Limits and mimics.
    """

    robot: str
    where: str
    joints: tuple[TreeJoint, ...]
    urdf: Urdf

    @property
    def moving(self) -> list[TreeJoint]:
        """The joints that move, from base to tip."""
        return [joint for joint in self.joints if joint.moves]

    def movers(self) -> list[str]:
        """The name of the nearest joint that moves each joint; empty where none does."""
        movers: list[str] = []
        for joint in self.joints:
            carrier = self.joints[joint.parent] if joint.parent >= 0 else None
            if carrier is None:
                movers.append('')
            else:
                movers.append(carrier.name if carrier.moves else movers[joint.parent])
        return movers

    def tips(self) -> set[str]:
        """The joints that move no other joint that moves."""
        inner = {
            mover for joint, mover in zip(self.joints, self.movers(), strict=True) if joint.moves
        }
        return {joint.name for joint in self.moving} - inner


def read_joint_tree(path: Path) -> JointTree:
    """Read a URDF file.

    Raises:
        DescriptionError: It is missing, no URDF, or its joints are no tree.
    """
    return _joint_tree(parse_robot_element(read_urdf_text(path), path), str(path))


def read_branches(path: Path, links: Sequence[str]) -> list[tuple[TreeJoint, ...]]:
    """Read the joints of a URDF file that links hang on, from the base of the robot to each.

    Raises:
        DescriptionError: The file is missing, no URDF, or its joints are no tree.
    """
    text = read_urdf_text(path)
    return [_branch(text, path, link) for link in links]


# Several chains are of one file. It is known by its text, so that what has changed is seen.
@lru_cache(maxsize=16)
def _branch(text: str, path: Path, link: str) -> tuple[TreeJoint, ...]:
    carriers, where = _carriers(text, path), str(path)
    hangs: list[ElementTree.Element] = []
    while link in carriers:
        hangs.append(carriers[link])
        link = _link(hangs[-1], 'parent')
    return tuple(_tree_joint(each, number - 1, where) for number, each in enumerate(hangs[::-1]))


@lru_cache(maxsize=1)
def _carriers(text: str, path: Path) -> Mapping[str, ElementTree.Element]:
    """Link -> the joint that it hangs on."""
    robot = parse_robot_element(text, path)
    _links(robot, str(path))
    return {_link(joint, 'child'): joint for joint in robot.findall('joint')}


def parse_joint_tree(text: str, where: str) -> JointTree:
    """Read the text of a URDF.

    Args:
        text: XML.
        where: For messages: the topic that it comes from.

    Raises:
        DescriptionError: It is no URDF, or its joints are no tree.
    """
    return _joint_tree(parse_robot_element(text, where), where)


def joined(trees: Sequence[JointTree]) -> JointTree:
    """Several trees as one, with a base for each; the names of their joints differ."""
    joints: list[TreeJoint] = []
    for tree in trees:
        first = len(joints)
        joints += [
            replace(joint, parent=joint.parent + first) if joint.parent >= 0 else joint
            for joint in tree.joints
        ]
    return JointTree(
        '',
        ' and '.join(tree.where for tree in trees),
        tuple(joints),
        Urdf(
            {name: limit for tree in trees for name, limit in tree.urdf.limits.items()},
            {name: mimic for tree in trees for name, mimic in tree.urdf.mimics.items()},
            {link: carrier for tree in trees for link, carrier in tree.urdf.carriers.items()},
        ),
    )


def _joint_tree(robot: ElementTree.Element, where: str) -> JointTree:
    urdf = joints_of(robot, where)
    bases, at_link = _links(robot, where)
    joints: list[TreeJoint] = []
    # Without recursion, since a chain may be longer than Python's stack.
    left = [(joint, -1) for base in reversed(bases) for joint in at_link[base]]
    while left:
        joint, parent = left.pop()
        left += [(after, len(joints)) for after in at_link.get(_link(joint, 'child'), ())]
        joints.append(_tree_joint(joint, parent, where))
    return JointTree(robot.get('name', ''), where, tuple(joints), urdf)


def _tree_joint(joint: ElementTree.Element, parent: int, where: str) -> TreeJoint:
    name, kind = joint.get('name', ''), joint.get('type', '')
    origin, axis = joint.find('origin'), (1.0, 0.0, 0.0)
    if kind in MOVING:
        axis = _axis(joint.find('axis'), f"{where}: axis of joint '{name}'")
    what = f"{where}: origin of joint '{name}'"
    xyz, rpy = (_triple(origin, key, '0 0 0', what) for key in ('xyz', 'rpy'))
    return TreeJoint(name, kind, parent, xyz, rpy, axis)


def _axis(element: ElementTree.Element | None, what: str) -> Triple:
    x, y, z = _triple(element, 'xyz', '1 0 0', what)
    length = math.hypot(x, y, z)
    if length == 0.0:
        raise DescriptionError(f'{what} is zero')
    return x / length, y / length, z / length


def _triple(element: ElementTree.Element | None, key: str, default: str, what: str) -> Triple:
    text = default if element is None else element.get(key, default)
    try:
        numbers = [float(part) for part in text.split()]
    except ValueError as error:
        raise DescriptionError(f'{what}: {error}') from error
    if len(numbers) != 3 or not all(map(math.isfinite, numbers)):
        raise DescriptionError(f"{what} must be three numbers, not '{text}'")
    return numbers[0], numbers[1], numbers[2]


def _links(
    robot: ElementTree.Element, where: str
) -> tuple[list[str], dict[str, list[ElementTree.Element]]]:
    """The links that hang on no joint; and link -> its joints, the longest branch last."""
    at_link: dict[str, list[ElementTree.Element]] = {}
    holder: dict[str, ElementTree.Element] = {}
    for joint in robot.findall('joint'):
        if joint.find('parent') is None or joint.find('child') is None:
            raise DescriptionError(f"{where}: joint '{joint.get('name')}' lacks parent or child")
        link = _link(joint, 'child')
        if link in holder:
            raise DescriptionError(f"{where}: link '{link}' hangs on two joints: no tree")
        holder[link] = joint
        at_link.setdefault(_link(joint, 'parent'), []).append(joint)
    bases = [link for link in at_link if link not in holder]
    order = list(bases)
    for link in order:
        order += [_link(joint, 'child') for joint in at_link.get(link, ())]
    known = set(order)
    if ring := [joint.get('name', '') for link, joint in holder.items() if link not in known]:
        names = ', '.join(ring[:_FEW]) + (', ...' if len(ring) > _FEW else '')
        raise DescriptionError(f'{where}: joints form a ring that hangs on no base link: {names}')
    # Link -> the most joints that move on a way from it to a tip.
    moving = dict.fromkeys(order, 0)

    def length(joint: ElementTree.Element) -> int:
        return (joint.get('type') in MOVING) + moving[_link(joint, 'child')]

    for link in reversed(order):
        if link in at_link:
            at_link[link] = sorted(at_link[link], key=length, reverse=True)[::-1]
            moving[link] = length(at_link[link][-1])
    return bases, at_link


def _link(joint: ElementTree.Element, end: str) -> str:
    """The link at the end ``parent`` or ``child`` of a joint."""
    element = joint.find(end)
    return '' if element is None else element.get('link', '')
