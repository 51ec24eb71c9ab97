"""One pose of an arm, looked at from its side: what its joints do in it, and how usual it is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from neuracore_ros.alignment.joint_function import (
    BENDS,
    ELBOW_PITCH,
    FLANGE_ROLL,
    FOREARM_ROLL,
    SHOULDER_PITCH,
    SHOULDER_YAW,
    UPPER_ARM_ROLL,
    WRIST_PITCH,
    WRIST_YAW,
    ArmJoint,
    Hand,
    JointFunction,
)
from neuracore_ros.arrays import FloatArray
from neuracore_ros.kinematics.rotations import about

LEFT = np.array([0.0, 1.0, 0.0])
"""The way across the plane of an arm that is straight forward."""
ACROSS = 0.7
"""Cosine: more, and an axis lies across the plane. Some shoulders are tilted by 40 degrees."""
TIE = 0.2
"""Two poses that are as near as this to the usual one are equally near [rad]."""

# Fingers that open so nearly up and down do it exactly: rounded limits choose nothing [rad].
_UPRIGHT = 0.1
# Where the middle of a joint's range is taken to be near, since angles repeat after a turn [rad].
_USUAL = {SHOULDER_PITCH: math.pi / 2, WRIST_PITCH: math.pi / 2}
# Cosine; more, and an axis lies along a link. A link that is shorter has no direction [m].
_ALONG, _SHORT_M = 0.7, 0.01
# A forearm is longer, and else ends where it begins to roll [m].
_FOREARM_M = 0.1
# What one joint without a function, or one beyond its limits, weighs beside a turn of 1 rad.
_USELESS, _BEYOND = 30.0, 10.0
# What it weighs if one of upper arm and forearm is nothing beside the other.
_UNEVEN = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class PosedAxis:
    """One joint in a pose.

    Attributes:
        position: Of the joint [rad].
        axis: Unit vector, shape (3,).
        origin: Its place, shape (3,) [m].
    """

    position: float
    axis: FloatArray
    origin: FloatArray


class PlanarPose:
    """An arm in one pose: the directions of its axes and links, and the functions they give.

    Args:
        joints: The arm's turning joints, from base to wrist.
        posed: Each of them in this pose.
        hand: The hand in this pose.
    """

    def __init__(self, joints: Sequence[ArmJoint], posed: Sequence[PosedAxis], hand: Hand) -> None:
        self.joints = joints
        self.positions = tuple(each.position for each in posed)
        self._axes = [each.axis for each in posed]
        self._origins = [each.origin for each in posed]
        self._approach, self._opens = hand.approach, hand.opens
        across = [abs(float(axis @ LEFT)) for axis in self._axes]
        self._bends = [place for place, cosine in enumerate(across) if cosine > ACROSS]
        # A wrist has one bend; further ones have no slot of their own.
        self._bends = self._bends[: len(BENDS)]
        self.slots = list(self._named())

    @property
    def cost(self) -> float:
        """The less, the more of the joints have a function, and the nearer it is to usual."""
        total = _USELESS * (len(BENDS) - len(self._bends))
        # A hand that lies across the plane is turned by its bend, and not bent.
        total += _USELESS * (abs(float(self._approach @ LEFT)) > ACROSS)
        for place, joint in enumerate(self.joints):
            position = self.positions[place]
            total += _USELESS * (not self.slots[place])
            total += _BEYOND * (not joint.reaches(position))
            if place not in self._bends:
                total += abs(position - self._rest(place))
            # Axes that are neither across nor in the plane are better avoided.
            cosine = abs(float(self._axes[place] @ LEFT))
            total += min(cosine, 1.0 - cosine)
        lean = self._usual(SHOULDER_PITCH)
        return total + self._unevenness() + max(-lean, lean - math.pi, 0.0)

    @property
    def preference(self) -> tuple[float, ...]:
        """The less, the better among poses that are equally near to the usual one.

        Elbows of hanging arms lift the forearm forward, wrists bend the hand down, and what is
        still equal stands near the middle of its range, below it: so UR arms stand ready.
        """
        lifts, bends = self._usual(ELBOW_PITCH) < -TIE, self._usual(WRIST_PITCH) > TIE
        off = [
            position - (0.0 if self.slots[place] == SHOULDER_YAW else self.joints[place].usual)
            for place, position in enumerate(self.positions)
            if place not in self._bends
        ]
        return (not lifts, not bends, round(sum(map(abs, off)), 2), round(sum(off), 2))

    def functions(self, equals: Sequence[PlanarPose]) -> dict[str, JointFunction]:
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
                and abs(pose.positions[place] - self.positions[place]) > TIE
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
        taken = {''}
        for place in range(len(self.joints)):
            slot = self._swing_or_roll(place)
            if place in self._bends:
                slot = BENDS[self._bends.index(place)]
            elif abs(float(self._axes[place] @ LEFT)) > ACROSS or slot in taken:
                slot = ''  # A further bend, or one that has another joint already.
            if slot == WRIST_YAW and FOREARM_ROLL not in taken and place > self._bends[-1]:
                slot = FOREARM_ROLL  # The yaw behind the pitch of a wrist without a roll.
            taken.add(slot)
            yield slot

    def _swing_or_roll(self, place: int) -> str:
        before = sum(bend < place for bend in self._bends)
        if not before:
            return SHOULDER_YAW
        is_along = abs(float(self._axes[place] @ self._link(before - 1))) > _ALONG
        if before == 1:
            return UPPER_ARM_ROLL if is_along else SHOULDER_YAW
        if before == 2 and len(self._bends) > 2:
            return FOREARM_ROLL if is_along else WRIST_YAW
        return FLANGE_ROLL if is_along else WRIST_YAW

    def _link(self, number: int) -> FloatArray:
        """Unit vector of the upper arm (0), the forearm (1) or the hand (2)."""
        if number + 1 >= len(self._bends):
            return self._approach
        way = self._origins[self._bends[number + 1]] - self._origins[self._bends[number]]
        way = way - LEFT * (way @ LEFT)
        length = float(np.linalg.norm(way))
        return way / length if length > _SHORT_M else np.zeros(3)

    def _bent(self, number: int) -> FloatArray:
        """Unit vector of what a bend moves; without a wrist that bends, to the last joint."""
        if number != 1 or self._bends[2:]:
            return self._link(number)
        way = self._origins[-1] - self._origins[self._bends[1]]
        way = way - LEFT * (way @ LEFT)
        length = float(np.linalg.norm(way))
        return way / length if length > _FOREARM_M else self._approach

    def _function(self, place: int, slot: str) -> JointFunction:
        if not slot:
            return JointFunction('')
        if slot in BENDS:
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
            sense = float(axis @ about(LEFT, -math.pi / 2) @ self._link(before - 1))
        scale = -1.0 if sense < 0 else 1.0
        return JointFunction(slot, scale, _tidy(-scale * self.positions[place]), doubts=doubts)

    def _bend(self, place: int) -> JointFunction:
        number = self._bends.index(place)
        slot = BENDS[number]
        scale = -1.0 if self._axes[place] @ LEFT < 0 else 1.0
        links = self._bent(number), self._link(number - 1) if number else np.array([0.0, 0.0, 1.0])
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
        left = LEFT - tool * (LEFT @ tool)
        angle = math.atan2(tool @ np.cross(left, opens), left @ opens)
        offset, usual = angle - scale * self.positions[place], scale * joint.usual
        # Fingers that open to the left open to the right, too.
        value = math.remainder(offset + usual, math.pi)
        if value > math.pi / 2 - _UPRIGHT:
            value -= math.pi
        doubts = tuple[str, ...]()
        if math.pi / 2 - abs(value) < TIE:
            doubts = ('in mid-range its fingers open up and down: zero may be half a turn away',)
        return JointFunction(FLANGE_ROLL, scale, _tidy(value - usual), doubts=doubts)


def _inclination(way: FloatArray) -> float:
    """Angle from straight up towards the front [rad]."""
    return math.atan2(way[0], way[2])


def _tidy(offset: float) -> float:
    """The offset, or 0 where it is less than half a milliradian."""
    return 0.0 if abs(offset) < 5e-4 else offset
