"""The joints of a URDF from base to tip, and what each turns about in the zero pose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.description.urdf import Urdf, parse_urdf
from neuracore_ros.errors import DescriptionError, unreadable

Vector = NDArray[np.float64]
MOVING = ('revolute', 'continuous', 'prismatic')
# Nearer to straight up than this, an axis is vertical; a tip nearer than this has no direction.
_VERTICAL = 0.9
_NEAR_M = 0.02


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
class Kinematics:
    """A URDF, as drafting needs it.

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


def read_kinematics(path: Path) -> Kinematics:
    """Read a URDF file.

    Raises:
        DescriptionError: It is missing, no URDF, or not a tree.
    """
    try:
        text = path.read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError):
            raise DescriptionError(unreadable(path, error, ('.urdf',))) from error
        raise DescriptionError(f'{path}: is no URDF: it is not text in UTF-8') from error
    return parse_kinematics(text, str(path))


def parse_kinematics(text: str, where: str) -> Kinematics:
    """Read the text of a URDF.

    Args:
        text: XML.
        where: For messages: the file or topic.

    Raises:
        DescriptionError: It is no URDF, or its joints are no tree.
    """
    urdf = parse_urdf(text.encode(), where)
    root = ElementTree.fromstring(text.encode())
    children: dict[str, list[ElementTree.Element]] = {}
    held = set()
    for joint in root.findall('joint'):
        parent, child = joint.find('parent'), joint.find('child')
        if parent is None or child is None:
            raise DescriptionError(f"{where}: joint '{joint.get('name')}' lacks parent or child")
        children.setdefault(parent.get('link', ''), []).append(joint)
        link = child.get('link', '')
        if link in held:
            raise DescriptionError(f"{where}: link '{link}' hangs on two joints: no tree")
        held.add(link)
    bases = [link for link in children if link not in held]
    if children and not bases:
        raise DescriptionError(f'{where}: its joints form a ring: there is no base link')
    found: list[_Found] = []
    carried: dict[str, list[Vector]] = {}
    for base in bases:
        _descend(children, base, np.eye(4), '', found, carried, where)
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
    return Kinematics(root.get('name', ''), where, joints, urdf)


@dataclass(frozen=True, slots=True)
class _Found:
    name: str
    slides: bool
    axis: Vector
    origin: Vector
    parent: str


def _descend(
    children: Mapping[str, list[ElementTree.Element]],
    link: str,
    pose: Vector,
    parent: str,
    found: list[_Found],
    carried: dict[str, list[Vector]],
    where: str,
) -> None:
    """Go through a tree of links, the branch with most moving joints first."""

    def beyond(joint: ElementTree.Element) -> int:
        child = joint.find('child')
        below = children.get(child.get('link', ''), []) if child is not None else []
        return (joint.get('type') in MOVING) + max(map(beyond, below), default=0)

    for joint in sorted(children.get(link, []), key=beyond, reverse=True):
        origin = joint.find('origin')
        here = pose @ _pose(origin, f"{where}: origin of joint '{joint.get('name')}'")
        name, mover = joint.get('name', ''), parent
        carried.setdefault(parent, []).append(here[:3, 3])
        if joint.get('type') in MOVING:
            element = joint.find('axis')
            what = f"{where}: axis of joint '{name}'"
            axis = _numbers('1 0 0' if element is None else element.get('xyz', '1 0 0'), what)
            length = np.linalg.norm(axis)
            if length == 0.0:
                raise DescriptionError(f'{what} is zero')
            slides = joint.get('type') == 'prismatic'
            found.append(_Found(name, slides, here[:3, :3] @ axis / length, here[:3, 3], parent))
            mover = name
        child = joint.find('child')
        below = '' if child is None else child.get('link', '')
        _descend(children, below, here, mover, found, carried, where)


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
