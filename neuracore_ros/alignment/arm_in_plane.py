"""An arm held so that all of its links lie in one upright plane, and what each joint does then.

Joints have no names that mean the same on two arms, and a URDF's zero is a draughtsman's choice.
But almost every arm can be held so that each axis lies either across its plane (it bends the arm)
or in it (it swings or rolls what comes after). Held so, the joints are told apart by their order
and by whether an axis lies along its link, and the angles between links are the zeros.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from neuracore_ros.arrays import FloatArray

SHOULDER_YAW, SHOULDER_PITCH, UPPER_ARM_ROLL = 'shoulder_yaw', 'shoulder_pitch', 'upper_arm_roll'
ELBOW_PITCH, FOREARM_ROLL = 'elbow_pitch', 'forearm_roll'
WRIST_PITCH, WRIST_YAW, FLANGE_ROLL = 'wrist_pitch', 'wrist_yaw', 'flange_roll'
_BENDS = (SHOULDER_PITCH, ELBOW_PITCH, WRIST_PITCH)
# Where the middle of a joint's range is taken to be near, since angles repeat after a turn [rad].
_USUAL = {SHOULDER_PITCH: math.pi / 2, WRIST_PITCH: math.pi / 2}

_LEFT = np.array([0.0, 1.0, 0.0])
# Cosines: more, and an axis lies across the plane, or along a link. Shoulders of humanoids are
# tilted by up to 40 degrees.
_ACROSS, _ALONG = 0.7, 0.7
_PARALLEL = 0.99
# Shorter than this, a link has no direction [m].
_SHORT_M = 0.01
# What one joint without a function, or one beyond its limits, weighs beside a turn of 1 rad.
_USELESS, _BEYOND = 30.0, 10.0
# What it weighs if two arms of a robot do not have the same functions in the same order.
_UNLIKE = 3.0
# What it weighs if one of upper arm and forearm is nothing beside the other.
_UNEVEN = 5.0
# Two poses that are as near as this to the usual one are equally near [rad].
_TIE = 0.2
_SLACK = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class ArmJoint:
    """A turning joint of an arm, drawn at the zero of its URDF in the frame of the body.

    Attributes:
        name: In the URDF.
        axis: Unit vector, shape (3,); x is forward, y left and z up.
        origin: Its position, shape (3,) [m].
        lower: Least position [rad]; -inf of a joint without limits.
        upper: Largest position [rad].
    """

    name: str
    axis: FloatArray
    origin: FloatArray
    lower: float = -math.inf
    upper: float = math.inf

    @property
    def usual(self) -> float:
        """The middle of its range; 0 where it has none, or turns all around [rad]."""
        if self.upper - self.lower >= 2 * math.pi * 1.5 or math.isinf(self.upper - self.lower):
            return 0.0
        return (self.lower + self.upper) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Hand:
    """The hand of an arm, drawn at the zero of its URDF in the frame of the body.

    Attributes:
        approach: The way from the wrist out between the fingers, shape (3,); a unit vector.
        opens: The way in which the fingers open, shape (3,); None where the URDF has no fingers.
    """

    approach: FloatArray
    opens: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class JointFunction:
    """The function of a joint: the value of its slot is ``scale * position + offset``.

    Attributes:
        slot: Such as ``elbow_pitch``; empty where the arm has another joint for it, or it has
            none.
        scale: 1 or -1.
        offset: [rad].
        zero_known: False if the URDF does not say where the zero is.
        doubts: What had to be chosen, in words.
    """

    slot: str
    scale: float = 1.0
    offset: float = 0.0
    zero_known: bool = True
    doubts: tuple[str, ...] = ()


def functions_of(
    joints: Sequence[ArmJoint], hand: Hand, other: Sequence[JointFunction] = ()
) -> dict[str, JointFunction]:
    """Find the function of each joint of an arm.

    Args:
        joints: The arm's turning joints, from base to wrist.
        hand: What the last one carries.
        other: The functions of another arm of the robot, which is likely to be its mirror image.

    Returns:
        Joint -> function, in the same order.
    """
    poses = [_PlanarPose(joints, hand, positions) for positions in _planar_positions(joints, hand)]
    slots = [function.slot for function in other]
    costs = [pose.cost + _UNLIKE * bool(slots and pose.slots != slots) for pose in poses]
    near = [pose for pose, cost in zip(poses, costs, strict=True) if cost <= min(costs) + _TIE]
    chosen = min(near, key=lambda pose: pose.preference)
    return chosen.functions(near)


def _planar_positions(joints: Sequence[ArmJoint], hand: Hand) -> Iterator[tuple[float, ...]]:
    """Positions in which each axis lies across the plane or in it, as far as that can be."""
    axes = [*(joint.axis for joint in joints), hand.approach]

    def further(turn: FloatArray, positions: tuple[float, ...]) -> Iterator[tuple[float, ...]]:
        place = len(positions)
        if place == len(joints):
            yield positions
            return
        joint, axis = joints[place], turn @ axes[place]
        # The next axis that this one can turn; the last turns the hand.
        turned = next((a for a in axes[place + 1 :] if abs(a @ axes[place]) < _PARALLEL), None)
        for angle in _angles(joint, axis, None if turned is None else turn @ turned):
            yield from further(_turn(axis, angle) @ turn, (*positions, angle))

    yield from further(np.eye(3), ())


def _angles(joint: ArmJoint, axis: FloatArray, turned: FloatArray | None) -> list[float]:
    """The positions of a joint that bring the next axis across the plane, or into it [rad]."""
    rest = float(np.clip(0.0, joint.lower, joint.upper))
    if abs(axis @ _LEFT) > _ACROSS or turned is None:
        return [rest]
    along = axis * (axis @ turned)
    # Its part across the plane is constant + cosine * cos(angle) + sine * sin(angle).
    constant = float(along @ _LEFT)
    cosine, sine = float((turned - along) @ _LEFT), float(np.cross(axis, turned) @ _LEFT)
    most, size = math.atan2(sine, cosine), math.hypot(cosine, sine)
    if size < 1e-6:
        return [rest]
    quarter = math.acos(float(np.clip(-constant / size, -1.0, 1.0)))
    found = [most, most + math.pi, most + quarter, most - quarter]
    # Of two that are half a turn away, the negative one.
    beyond = (math.remainder(angle - joint.usual + 1e-6, 2 * math.pi) - 1e-6 for angle in found)
    return [joint.usual + angle for angle in beyond]


class _PlanarPose:
    """An arm in one pose: the directions of its axes and links, and the functions they give."""

    def __init__(self, joints: Sequence[ArmJoint], hand: Hand, positions: Sequence[float]) -> None:
        self.joints, self.positions = joints, tuple(positions)
        turn, origin, before = np.eye(3), np.array(joints[0].origin, float), joints[0].origin
        self._axes, self._origins = list[FloatArray](), list[FloatArray]()
        for joint, position in zip(joints, positions, strict=True):
            origin = origin + turn @ (joint.origin - before)
            before = joint.origin
            self._origins.append(origin)
            self._axes.append(turn @ joint.axis)
            turn = _turn(self._axes[-1], position) @ turn
        self._approach = turn @ hand.approach
        self._opens = None if hand.opens is None else turn @ hand.opens
        across = [abs(float(axis @ _LEFT)) for axis in self._axes]
        self._bends = [place for place, cosine in enumerate(across) if cosine > _ACROSS]
        # A wrist has one bend; further ones have no slot of their own.
        self._bends = self._bends[: len(_BENDS)]
        self.slots = list(self._named())

    @property
    def cost(self) -> float:
        """The less, the more of the joints have a function, and the nearer it is to usual."""
        total = _USELESS * (len(_BENDS) - len(self._bends))
        # A hand that lies across the plane is turned by its bend, and not bent.
        total += _USELESS * (abs(float(self._approach @ _LEFT)) > _ACROSS)
        for place, joint in enumerate(self.joints):
            position = self.positions[place]
            total += _USELESS * (not self.slots[place])
            total += _BEYOND * (not joint.lower - _SLACK <= position <= joint.upper + _SLACK)
            if place not in self._bends:
                total += abs(position - self._rest(place))
            # Axes that are neither across nor in the plane are better avoided.
            cosine = abs(float(self._axes[place] @ _LEFT))
            total += min(cosine, 1.0 - cosine)
        lean = self._usual(SHOULDER_PITCH)
        return total + self._unevenness() + max(-lean, lean - math.pi, 0.0)

    @property
    def preference(self) -> tuple[float, ...]:
        """The less, the better among poses that are equally near to the usual one.

        Elbows of hanging arms lift the forearm forward, wrists bend the hand down, and what is
        still equal stands near 0, at negative positions: so UR arms stand ready.
        """
        lifts, bends = self._usual(ELBOW_PITCH) < -_TIE, self._usual(WRIST_PITCH) > _TIE
        rest = [p for place, p in enumerate(self.positions) if place not in self._bends]
        return (not lifts, not bends, round(sum(map(abs, rest)), 2), round(sum(rest), 2))

    def functions(self, equals: Sequence[_PlanarPose]) -> dict[str, JointFunction]:
        """The function of each joint.

        Args:
            equals: Poses that are equally near to the usual one, this one among them.
        """
        found = {}
        for place, joint in enumerate(self.joints):
            function = self._function(place, self.slots[place])
            others = {
                round(pose.positions[place], 2)
                for pose in equals
                if pose.slots == self.slots
                and abs(pose.positions[place] - self.positions[place]) > _TIE
            }
            if others and place not in self._bends:
                doubt = (
                    f'zero is taken to be at {self.positions[place]:+.2f} rad; it is as well at '
                    f'{min(others, key=abs):+.2f} rad, if the arm stands the other way round'
                )
                function = replace(function, doubts=(*function.doubts, doubt))
            found[joint.name] = function
        return found

    def _rest(self, place: int) -> float:
        """The position near which a swing or a roll is expected to have its zero [rad]."""
        joint, slot = self.joints[place], self.slots[place]
        if slot == SHOULDER_YAW:
            return 0.0  # Straight forward, which is rarely in mid-range.
        if slot == FOREARM_ROLL and math.isinf(joint.upper):
            return self.positions[place]  # Its range says nothing: the wrist's pitch decides.
        return joint.usual

    def _usual(self, slot: str) -> float:
        """The value of a slot of a bend in the middle of its range [rad]; 0 where it has none."""
        if slot not in self.slots:
            return 0.0
        place = self.slots.index(slot)
        function = self._bend(place)
        return function.scale * self.joints[place].usual + function.offset

    def _unevenness(self) -> float:
        """What it weighs that upper arm and forearm are of different length."""
        if len(self._bends) < 2:
            return 0.0
        here, elbow = (self._origins[place] for place in self._bends[:2])
        wrist = self._origins[self._bends[2] if self._bends[2:] else -1]
        shorter, longer = sorted(
            math.hypot(way[0], way[2]) for way in (elbow - here, wrist - elbow)
        )
        return _UNEVEN * (1.0 - shorter / max(longer, _SHORT_M))

    def _named(self) -> Iterator[str]:
        taken = set[str]()
        for place in range(len(self.joints)):
            slot = next((s for s in self._candidates(place) if s not in taken), '')
            taken.add(slot)
            yield slot

    def _candidates(self, place: int) -> tuple[str, ...]:
        if place in self._bends:
            return (_BENDS[self._bends.index(place)],)
        axis = self._axes[place]
        before = sum(bend < place for bend in self._bends)
        if before == 0:
            return (SHOULDER_YAW,)
        is_along = abs(float(axis @ self._link(before - 1))) > _ALONG
        if before == 1:
            return (UPPER_ARM_ROLL,) if is_along else (SHOULDER_YAW,)
        if before == 2 and len(self._bends) > 2:
            return (FOREARM_ROLL,) if is_along else (WRIST_YAW,)
        if is_along:
            return (FLANGE_ROLL,)
        has_roll = FOREARM_ROLL in [self._kind_of_forearm(p) for p in range(place)]
        return (WRIST_YAW,) if has_roll else (FOREARM_ROLL,)

    def _kind_of_forearm(self, place: int) -> str:
        if place in self._bends or sum(bend < place for bend in self._bends) != 2:
            return ''
        return FOREARM_ROLL if abs(float(self._axes[place] @ self._link(1))) > _ALONG else ''

    def _link(self, number: int) -> FloatArray:
        """Unit vector of the upper arm (0), the forearm (1) or the hand (2)."""
        if number + 1 >= len(self._bends):
            return self._approach
        way = self._origins[self._bends[number + 1]] - self._origins[self._bends[number]]
        way = way - _LEFT * (way @ _LEFT)
        length = float(np.linalg.norm(way))
        return way / length if length > _SHORT_M else np.zeros(3)

    def _function(self, place: int, slot: str) -> JointFunction:
        if not slot:
            return JointFunction('')
        if slot in _BENDS:
            return self._bend(place)
        if slot == FLANGE_ROLL:
            return self._flange(place)
        axis, doubts = self._axes[place], tuple[str, ...]()
        before = sum(bend < place for bend in self._bends)
        along = float(axis @ self._link(before - 1)) if before else 0.0
        if not before:
            sense = float(axis[2])
            if abs(sense) < _ALONG:
                doubts = ('its axis points forward rather than up: see which way it moves a hand',)
        elif abs(along) > _ALONG:
            sense = along
        else:
            # Where the link before it is level, this way is up.
            sense = float(axis @ _turn(_LEFT, -math.pi / 2) @ self._link(before - 1))
        scale = -1.0 if sense < 0 else 1.0
        return JointFunction(slot, scale, _tidy(-scale * self.positions[place]), doubts=doubts)

    def _bend(self, place: int) -> JointFunction:
        number = self._bends.index(place)
        slot = _BENDS[number]
        scale = -1.0 if self._axes[place] @ _LEFT < 0 else 1.0
        links = self._link(number), self._link(number - 1) if number else np.array([0.0, 0.0, 1.0])
        if not all(map(np.any, links)):
            return JointFunction(slot, scale, zero_known=False)
        angle = _inclination(links[0]) - _inclination(links[1])
        offset = angle - scale * self.positions[place]
        usual = scale * self.joints[place].usual
        near = _USUAL.get(slot, 0.0)
        offset = near - usual + math.remainder(offset + usual - near, 2 * math.pi)
        return JointFunction(slot, scale, _tidy(offset))

    def _flange(self, place: int) -> JointFunction:
        axis, joint = self._axes[place], self.joints[place]
        scale = -1.0 if axis @ self._approach < 0 else 1.0
        tool = axis * scale
        opens = None if self._opens is None else self._opens - tool * (self._opens @ tool)
        if opens is None or np.linalg.norm(opens) < 0.5:
            doubt = 'its URDF has no fingers that open: see where they open to left and right'
            return JointFunction(FLANGE_ROLL, scale, 0.0, zero_known=False, doubts=(doubt,))
        left = _LEFT - tool * (_LEFT @ tool)
        angle = math.atan2(tool @ np.cross(left, opens), left @ opens)
        offset, usual = angle - scale * self.positions[place], scale * joint.usual
        # Fingers that open to the left open to the right, too.
        value = math.remainder(offset + usual, math.pi)
        doubts = tuple[str, ...]()
        if math.pi / 2 - abs(value) < _TIE:
            doubts = ('in mid-range its fingers open up and down: zero may be half a turn away',)
        return JointFunction(FLANGE_ROLL, scale, _tidy(value - usual), doubts=doubts)


def _inclination(way: FloatArray) -> float:
    """Angle from straight up towards the front [rad]."""
    return math.atan2(way[0], way[2])


def _turn(axis: FloatArray, angle: float) -> FloatArray:
    """Rotation matrix (3, 3) about a unit vector."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turn: FloatArray = (
        np.eye(3) + math.sin(angle) * cross + (1.0 - math.cos(angle)) * (cross @ cross)
    )
    return turn


def _tidy(offset: float) -> float:
    """Nothing where it is less than half a milliradian."""
    return 0.0 if abs(offset) < 5e-4 else offset
