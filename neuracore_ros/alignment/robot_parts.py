"""Parts of a robot: which of its joints are of arms, hands, torso and head, and which of none."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from neuracore_ros.alignment.name_heuristics import is_gripper, parts, side
from neuracore_ros.alignment.zero_pose import PosedJoint, posed_joints
from neuracore_ros.arrays import FloatArray
from neuracore_ros.kinematics.joint_tree import JointTree

_LEGS = {
    'hip', 'knee', 'ankle', 'leg', 'thigh', 'calf', 'foot', 'toe', 'haa', 'hfe', 'kfe', 'subtalar',
}  # fmt: skip
_BASES = {
    'wheel', 'caster', 'castor', 'steering', 'suspension', 'rotor', 'propeller', 'bellows',
    'laser', 'velodyne', 'lidar',
}  # fmt: skip
_TORSOS = {'torso', 'spine', 'trunk', 'chest', 'lumbar', 'thoracic'}
_HEADS = {'head', 'neck', 'cervical'}
_COLLARS = {'clavicle', 'collar', 'scapula'}
_FINGERS = {'thumb', 'index', 'middle', 'ring', 'pinky', 'little', 'mrl'}
_ARMS = {'arm', 'shoulder', 'elbow', 'wrist', 'forearm', 'upperarm'}
# An arm has as many turning joints, at least.
_FEWEST = 4
# An arm with no more joints has its waist for the yaw of its shoulder, as those of Interbotix.
_MOST = 7
# Fingers are shorter in all; the shortest arms have 0.25 m from first to last joint [m].
_SHORTEST_M = 0.2
# Shoulders nearer than this, sideways, are not beside each other [m].
_BESIDE_M = 0.02


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm of a robot.

    Attributes:
        joints: Its joints in the URDF, from base to wrist; slides are among them.
        fingers: The joints of its hand that follow no other one.
    """

    joints: tuple[str, ...]
    fingers: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RobotParts:
    """The joints of a robot by what they are of.

    Attributes:
        posed: All joints that move at the zero of the URDF, in the frame of its base.
        turn: From there to the body: x forward, y left, z up; shape (3, 3).
        right: The right or only arm; None where the robot has none.
        left: The left arm.
        torso: What moves all arms, from base to top.
        head: What moves the head, from base to top.
        others: Joints that might be of use but are of none of these.
        left_out: Joint -> why it is of no use.
        doubts: What had to be chosen, in words.
    """

    posed: Mapping[str, PosedJoint]
    turn: FloatArray
    right: Arm | None
    left: Arm | None
    torso: tuple[str, ...]
    head: tuple[str, ...]
    others: tuple[str, ...]
    left_out: Mapping[str, str]
    doubts: tuple[str, ...] = ()

    @property
    def is_alone(self) -> bool:
        """True for one arm that nothing else is known beside, so that nothing says its front."""
        return self.left is None and not (self.torso or self.head or self._legs)

    @property
    def _legs(self) -> bool:
        return _OF_A_LEG in self.left_out.values()


_OF_A_LEG = 'is of a leg'


def parts_of(tree: JointTree) -> RobotParts:
    """Tell the parts of a robot apart, by names first, then by what carries what.

    Raises:
        DescriptionError: pinocchio is not installed, or the tree is no robot's.
    """
    posed = {joint.name: joint for joint in posed_joints(tree)}
    above = {name: list(_above(name, posed)) for name in posed}
    left_out = dict(_left_out(tree, above))
    kept = [name for name in posed if name not in left_out]
    fingers = [name for name in kept if _is_of_hand([name, *above[name]], len(above[name]))]
    rest = [name for name in kept if name not in fingers]
    chains = _chains(rest, above)
    shared = {name for name in rest if _is_of_torso(name, chains)}
    torso = tuple(name for name in rest if name in shared)
    found, head, others = list[Arm](), list[str](), list[str]()
    for chain in chains:
        own = [name for name in chain if name not in shared]
        collars = [name for name in own if _words(name) & _COLLARS]
        arm = [name for name in own if name not in collars]
        others += collars
        if any(_words(name) & _HEADS for name in own):
            head += own
        elif _is_arm([posed[name] for name in arm]):
            hand = tuple(name for name in fingers if arm[-1] in above[name])
            found.append(Arm(tuple(arm), hand))
        else:
            others += arm
    named = {_side(arm): arm for arm in found}
    sides = {which: posed[arm.joints[0]].origin for which, arm in named.items()}
    turn, doubts = _body(sides)
    of_arms = {name for arm in found for name in arm.fingers}
    left_out |= {n: 'is a finger of no arm' for n in fingers if n not in of_arms}
    origin = {name: turn @ joint.origin for name, joint in posed.items()}
    right, left, further = _sides(found, named, origin)
    if right and left and not {'l', 'r'} <= named.keys():
        first, second = (origin[arm.joints[0]][1] for arm in (right, left))
        if second - first < _BESIDE_M:
            doubts.append(
                f'nothing says which way it looks, nor which arm is at its right: that of '
                f'{right.joints[0]} is taken to be, and forward to be x'
            )
    others += [name for arm in further for name in arm.joints]
    return RobotParts(
        posed, turn, right, left, torso, tuple(head), tuple(others), left_out, tuple(doubts)
    )


def _left_out(tree: JointTree, above: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    for name, carriers in above.items():
        words = _words(name)
        if name in tree.urdf.mimics:
            yield name, f'follows {tree.urdf.mimics[name].joint}'
        elif words & _BASES:
            yield name, 'is of a wheel, a rotor or a sensor'
        elif not words & _ARMS and any(_words(each) & _LEGS for each in (name, *carriers)):
            yield name, _OF_A_LEG


def _is_of_hand(path: Sequence[str], depth: int) -> bool:
    """Tell by the names of a joint and of what carries it, at so many joints from the base."""
    for place, name in enumerate(path):
        words = _words(name)
        if words & ((_ARMS - {'arm'}) | _TORSOS | _HEADS):
            continue
        if is_gripper(_spaced(name)) or (words & _FINGERS and depth - place >= _FEWEST):
            return True
    return False


def _chains(names: Sequence[str], above: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Joints from base to tip, for each tip."""
    inner = {carrier for name in names for carrier in above[name]}
    return [
        [each for each in reversed([name, *above[name]]) if each in names]
        for name in names
        if name not in inner
    ]


def _is_of_torso(name: str, chains: Sequence[Sequence[str]]) -> bool:
    """Tell by what it moves, and else by its name."""
    moved = [chain for chain in chains if name in chain]
    if len(moved) > 1 or _words(name) & _TORSOS:
        return True
    return 'waist' in _words(name) and len(moved[0]) > _MOST


def _is_arm(joints: Sequence[PosedJoint]) -> bool:
    turning = [joint for joint in joints if not joint.slides]
    lengths = [math.dist(here.origin, there.origin) for here, there in pairwise(turning)]
    is_named = any(_words(joint.name) & _ARMS for joint in turning)
    return len(turning) >= _FEWEST and (is_named or sum(lengths) > _SHORTEST_M)


def _body(sides: Mapping[str, FloatArray]) -> tuple[FloatArray, list[str]]:
    """The turn to the body's frame, if names tell left from right; and doubts.

    Args:
        sides: ``l`` and ``r`` -> where that shoulder is, shape (3,) [m].
    """
    if not {'l', 'r'} <= sides.keys():
        return np.eye(3), []
    left = _nearest_axis(sides['l'] - sides['r'])
    up = np.array([0.0, 0.0, 1.0])
    if left[2]:  # Some are drawn with y up.
        middle = (sides['l'] + sides['r']) / 2
        up = _nearest_axis(middle * (1.0 - abs(left)))
    turn = np.array([np.cross(left, up), left, up])
    if np.array_equal(turn, np.eye(3)):
        return turn, []
    axes = ', '.join(_axis_name(way) for way in turn)
    doubt = (
        f'by its names and shoulders, forward, left and up are {axes} of its base, where REP 103 '
        'has x, y, z: this is believed'
    )
    return turn, [doubt]


def _nearest_axis(way: FloatArray) -> FloatArray:
    place = int(np.argmax(np.abs(way)))
    axis = np.zeros(3)
    axis[place] = math.copysign(1.0, way[place])
    return axis


def _axis_name(axis: FloatArray) -> str:
    place = int(np.argmax(np.abs(axis)))
    return ('-' if axis[place] < 0 else '') + 'xyz'[place]


def _sides(
    arms: Sequence[Arm], named: Mapping[str, Arm], origin: Mapping[str, FloatArray]
) -> tuple[Arm | None, Arm | None, list[Arm]]:
    """Right, left and further arms, by name, else by place; the only one is the right one."""
    if len(arms) < 2:
        return (arms[0] if arms else None), None, []
    order = sorted(arms, key=lambda arm: float(origin[arm.joints[0]][1]))
    right, left = order[0], order[-1]
    if {'l', 'r'} <= named.keys():
        right, left = named['r'], named['l']
    return right, left, [arm for arm in order if arm not in (right, left)]


def _side(arm: Arm) -> str:
    """``l`` or ``r``, where the names of its joints say so; else empty."""
    return next(filter(None, (side(_spaced(name)) for name in arm.joints)), '')


def _above(name: str, posed: Mapping[str, PosedJoint]) -> Iterator[str]:
    while name := posed[name].parent:
        yield name


def _spaced(name: str) -> str:
    """A name with its side apart: ``LShoulderPitch`` and ``LARM_ELBOW`` have one, too."""
    return re.sub(r'^([LR])([A-Z])', r'\1_\2', name)


def _words(name: str) -> set[str]:
    return set(parts(_spaced(name)))
