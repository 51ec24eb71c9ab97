"""The joints of a URDF from base to tip, and what each turns about in the zero pose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.description.urdf import MOVING, Urdf, joints_of
from neuracore_ros.description.urdf_xml import parse_robot_element, read_urdf_text
from neuracore_ros.errors import DescriptionError

Vector = NDArray[np.float64]
# Nearer to straight up than this, an axis is vertical; a tip nearer than this has no direction.
_VERTICAL = 0.9
_NEAR_M = 0.02
_FEW = 5


@dataclass(frozen=True, slots=True)
class MovingJoint:
    """One joint that can move.

    Attributes:
        name: In the URDF.
        slides: Whether it is prismatic.
        axis: What it turns about or slides along in the zero pose; shape (3,), a unit vector
            of x forward (where the arm reaches), y left, z up.
        is_last: Whether no other joint moves beyond it.
        parent: The joint that moves it; empty at the base.
        origin: Where it is in the zero pose [m]; shape (3,), in the directions of ``axis``.
        carries: The way from there to the farthest thing that it carries, up to the next joint
            that moves [m]; shape (3,), zero where it carries nothing.
    """

    name: str
    slides: bool
    axis: tuple[float, float, float]
    is_last: bool
    parent: str
    origin: tuple[float, float, float]
    carries: tuple[float, float, float]

    @property
    def outward(self) -> float:
        """Cosine between its axis and the way to what it carries: 1 out of the arm, -1 into it.

        0 where it carries nothing.
        """
        length = float(np.linalg.norm(self.carries))
        return float(np.dot(self.axis, self.carries)) / length if length > _NEAR_M else 0.0


@dataclass(frozen=True, slots=True)
class JointTree:
    """The joints of a URDF that can move, from base to tip.

    Attributes:
        robot: Its name; may be empty.
        where: The file or topic that it comes from.
        joints: From base to tip, the longest branch first.
        urdf: Limits and mimics.
    """

    robot: str
    where: str
    joints: tuple[MovingJoint, ...]
    urdf: Urdf

    def named(self) -> Mapping[str, MovingJoint]:
        """The joints by name."""
        return {joint.name: joint for joint in self.joints}


def read_joint_tree(path: Path) -> JointTree:
    """Read a URDF file.

    Raises:
        DescriptionError: It is missing, no URDF, or not a tree.
    """
    return _joint_tree(parse_robot_element(read_urdf_text(path), path), str(path))


def parse_joint_tree(text: str, where: str) -> JointTree:
    """Read the text of a URDF.

    Args:
        text: XML.
        where: For messages: the topic that it comes from.

    Raises:
        DescriptionError: It is no URDF, or its joints are no tree.
    """
    return _joint_tree(parse_robot_element(text, where), where)


def _joint_tree(robot: ElementTree.Element, where: str) -> JointTree:
    urdf = joints_of(robot, where)
    found, carried = _walk(robot, where)
    turn = facing(found)
    moves = {joint.parent for joint in found}
    joints = tuple(
        MovingJoint(
            joint.name,
            joint.slides,
            tuple((turn @ joint.axis).tolist()),
            joint.name not in moves,
            joint.parent,
            tuple((turn @ joint.origin).tolist()),
            tuple((turn @ _farthest(joint, carried.get(joint.name, []))).tolist()),
        )
        for joint in found
    )
    return JointTree(robot.get('name', ''), where, joints, urdf)


@dataclass(frozen=True, slots=True)
class _Found:
    name: str
    slides: bool
    axis: Vector
    origin: Vector
    parent: str


def _walk(robot: ElementTree.Element, where: str) -> tuple[list[_Found], dict[str, list[Vector]]]:
    """Go through the tree of links, the branch with most moving joints first.

    Returns:
        The joints that move; and, of each joint that moves (empty: the base), where the joints are
        that it carries [m].
    """
    tree = _tree(robot, where)
    found: list[_Found] = []
    carried: dict[str, list[Vector]] = {}
    # Without recursion, since a chain may be longer than Python's stack.
    left = [(joint, np.eye(4), '') for base in reversed(tree.bases) for joint in tree.below(base)]
    while left:
        joint, pose, mover = left.pop()
        name = joint.get('name', '')
        here = pose @ _pose(joint.find('origin'), f"{where}: origin of joint '{name}'")
        carried.setdefault(mover, []).append(here[:3, 3])
        if _moves(joint):
            axis = here[:3, :3] @ _axis(joint.find('axis'), f"{where}: axis of joint '{name}'")
            found.append(_Found(name, joint.get('type') == 'prismatic', axis, here[:3, 3], mover))
            mover = name
        left += [(after, here, mover) for after in tree.below(_link(joint, 'child'))]
    return found, carried


@dataclass(frozen=True, slots=True)
class _Tree:
    """Links and the joints that hang on them.

    Attributes:
        bases: Links that hang on no joint.
        joints: Link -> the joints that begin at it.
        moving: Link -> the most joints that move on a way from it to a tip.
    """

    bases: Sequence[str]
    joints: Mapping[str, Sequence[ElementTree.Element]]
    moving: Mapping[str, int]

    def below(self, link: str) -> list[ElementTree.Element]:
        """The joints at a link, the longest branch last, as a stack wants them."""

        def length(joint: ElementTree.Element) -> int:
            return _moves(joint) + self.moving[_link(joint, 'child')]

        return sorted(self.joints.get(link, ()), key=length, reverse=True)[::-1]


def _tree(robot: ElementTree.Element, where: str) -> _Tree:
    joints: dict[str, list[ElementTree.Element]] = {}
    holder: dict[str, ElementTree.Element] = {}
    for joint in robot.findall('joint'):
        if joint.find('parent') is None or joint.find('child') is None:
            raise DescriptionError(f"{where}: joint '{joint.get('name')}' lacks parent or child")
        link = _link(joint, 'child')
        if link in holder:
            raise DescriptionError(f"{where}: link '{link}' hangs on two joints: no tree")
        holder[link] = joint
        joints.setdefault(_link(joint, 'parent'), []).append(joint)
    bases = [link for link in joints if link not in holder]
    order = list(bases)
    for link in order:
        order += [_link(joint, 'child') for joint in joints.get(link, ())]
    known = set(order)
    if ring := [joint.get('name', '') for link, joint in holder.items() if link not in known]:
        names = ', '.join(ring[:_FEW]) + (', ...' if len(ring) > _FEW else '')
        raise DescriptionError(f'{where}: joints form a ring that hangs on no base link: {names}')
    moving = dict.fromkeys(order, 0)
    for link in reversed(order):
        lengths = [_moves(j) + moving[_link(j, 'child')] for j in joints.get(link, ())]
        moving[link] = max(lengths, default=0)
    return _Tree(bases, joints, moving)


def _link(joint: ElementTree.Element, end: str) -> str:
    """The link at the end ``parent`` or ``child`` of a joint."""
    element = joint.find(end)
    return '' if element is None else element.get('link', '')


def _moves(joint: ElementTree.Element) -> bool:
    return joint.get('type') in MOVING


def _axis(element: ElementTree.Element | None, what: str) -> Vector:
    axis = _numbers('1 0 0' if element is None else element.get('xyz', '1 0 0'), what)
    length = np.linalg.norm(axis)
    if length == 0.0:
        raise DescriptionError(f'{what} is zero')
    unit: Vector = axis / length
    return unit


def facing(joints: Sequence[_Found | MovingJoint]) -> Vector:
    """The turn about z that makes x the direction in which the arm reaches, shape (3, 3).

    URDFs look forward along any axis. What lifts an arm does so about a horizontal axis: that
    is y, left or right of where the tip is in the zero pose.
    """
    lying = [joint for joint in joints if not joint.slides and abs(joint.axis[2]) < 1 - _VERTICAL]
    if not lying:
        return np.eye(3)
    left = np.array(lying[0].axis) * (1.0, 1.0, 0.0)
    left /= np.linalg.norm(left)
    forward = np.array([left[1], -left[0], 0.0])
    ways = [np.subtract(joint.origin, joints[0].origin) for joint in joints]
    reach = float(forward @ max(ways, key=lambda way: float(np.linalg.norm(way[:2]))))
    if reach < -_NEAR_M or (abs(reach) <= _NEAR_M and forward[0] < -1e-6):
        left, forward = -left, -forward
    return np.array([forward, left, [0.0, 0.0, 1.0]])


def _farthest(joint: _Found, carried: list[Vector]) -> Vector:
    ways = [origin - joint.origin for origin in carried]
    return max(ways, key=lambda way: float(np.linalg.norm(way)), default=np.zeros(3))


def _pose(origin: ElementTree.Element | None, what: str) -> Vector:
    pose = np.eye(4)
    if origin is not None:
        pose[:3, 3] = _numbers(origin.get('xyz', '0 0 0'), what)
        roll, pitch, yaw = _numbers(origin.get('rpy', '0 0 0'), what)
        pose[:3, :3] = _about(2, yaw) @ _about(1, pitch) @ _about(0, roll)
    return pose


def _about(axis: int, angle: float) -> Vector:
    turn = np.eye(3)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    turn[first, first] = turn[second, second] = np.cos(angle)
    turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
    return turn


def _numbers(text: str, what: str) -> Vector:
    try:
        numbers = np.array([float(part) for part in text.split()])
    except ValueError as error:
        raise DescriptionError(f'{what}: {error}') from error
    if numbers.shape != (3,) or not np.isfinite(numbers).all():
        raise DescriptionError(f"{what} must be three numbers, not '{text}'")
    return numbers
