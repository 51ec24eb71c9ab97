"""Meanings of the joints of an arm, read off the pose in which its URDF draws it.

This asks for an arm that lies in one plane, reaching to its front, at the zero of its URDF, as
almost every arm does that is sold alone. Then nothing has to be searched, and its usual pose can
decide what the URDF leaves open: which way a wrist stands, and where a flange without fingers has
its zero. For any other arm see ``joint_meanings``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from neuracore_ros.alignment.roles import PITCHES, Meaning, Role
from neuracore_ros.alignment.zero_pose import PosedJoint, facing, zero_pose
from neuracore_ros.arrays import FloatArray
from neuracore_ros.kinematics.joint_tree import JointTree
from neuracore_ros.kinematics.rotations import about

# Cosines: more is one direction, less is another one.
_PARALLEL = 0.9
# A hand lies beside the axis that rolls it, by as much as its fingers are long.
_ALONG_THE_HAND = 0.7
# Shorter than this, a link has no direction [m].
_SHORT_M = 0.01

_OTHERS = (Role.BASE_YAW, Role.UPPER_ARM_ROLL, Role.FOREARM_ROLL, Role.WRIST_YAW)


def drawn_meanings(
    arm: JointTree, names: Sequence[str], home: Mapping[str, float] | None = None
) -> dict[str, Meaning]:
    """Find the meanings of the joints of an arm as its URDF draws it.

    Args:
        arm: The robot's URDF.
        names: The arm's joints as the URDF calls them, without grippers.
        home: Joint -> position in some usual pose [rad]; decides what the URDF leaves open.

    Returns:
        Joint -> meaning; without those that the URDF leaves open, as of an arm that bends
        about no horizontal axis. Of several arms on one body, the first has all that they share.
    """
    joints = zero_pose(arm)
    known = {joint.name: joint for joint in joints}
    found: dict[str, Meaning] = {}
    for chain in _chains([known[name] for name in names if name in known], known):
        beyond = [joint for joint in joints if joint.parent == chain[-1].name]
        hand = [joint for joint in beyond if joint.name not in names]
        found = {**_of_chain(chain, hand, home or {}), **found}
    return found


def _chains(
    joints: Sequence[PosedJoint], known: Mapping[str, PosedJoint]
) -> list[list[PosedJoint]]:
    """Joints from base to tip, for each tip; what moves none of these is no tip."""
    chains = []
    for tip in joints:
        chain = [tip]
        while chain[-1].parent:
            chain.append(known[chain[-1].parent])
        chains.append([joint for joint in reversed(chain) if joint in joints])
    inner = {joint.name for chain in chains for joint in chain[:-1]}
    return [chain for chain in chains if chain[-1].name not in inner]


def _of_chain(
    chain: Sequence[PosedJoint], hand: Sequence[PosedJoint], home: Mapping[str, float]
) -> dict[str, Meaning]:
    sliding = {
        joint.name: Meaning(Role.SLIDE, _sign(max(joint.axis, key=abs)), None)
        for joint in chain
        if joint.slides
    }
    turning = [joint for joint in chain if not joint.slides]
    if not any(abs(joint.axis[2]) < 1 - _PARALLEL for joint in turning):
        return sliding
    arm = _Arm(turning, hand, home)
    return {**sliding, **{joint.name: arm.meaning(joint) for joint in turning}}


class _Arm:
    """The turning joints of one arm in its zero pose, turned so that it reaches along x."""

    def __init__(
        self,
        joints: Sequence[PosedJoint],
        hand: Sequence[PosedJoint],
        home: Mapping[str, float],
    ) -> None:
        self._joints, self._hand, self._home = joints, hand, home
        turn = facing(joints)
        self._axis = {joint.name: turn @ joint.axis for joint in (*joints, *hand)}
        self._origin = {joint.name: turn @ joint.origin for joint in joints}
        self._rolls = self._is_flange(joints[-1])
        self._tool = turn @ joints[-1].carries
        if self._rolls:
            self._tool = self._axis[joints[-1].name] * _sign(self._outward(joints[-1]))
        self._tool_at_zero = self._tool
        self._role = {joint.name: role for joint, role in self._roles()}
        self._pitches = [j for j in joints if self._role[j.name] in PITCHES]
        self._yaws = [j for j in joints if self._role[j.name] is Role.WRIST_YAW]
        # The yaw of a wrist may have to be turned before the hand lies in the arm's plane.
        self._turned = {joint.name: self._zero_of_yaw(joint) for joint in self._yaws}
        for joint in reversed(self._yaws):
            self._tool = about(self._axis[joint.name], self._turned[joint.name]) @ self._tool

    def meaning(self, joint: PosedJoint) -> Meaning:
        role, axis = self._role[joint.name], self._axis[joint.name]
        if role in PITCHES:
            return self._pitch(joint, role)
        if role is Role.FLANGE_ROLL:
            return self._flange(joint)
        if role is Role.WRIST_YAW:
            # Where the wrist is bent by a right angle, this is the way of the forearm.
            forearm = about(np.array([0.0, 1.0, 0.0]), -math.pi / 2) @ self._tool
            scale = _sign(axis @ forearm)
            guess = '' if joint.name in self._home else self._other_way(joint)
            return Meaning(role, scale, -scale * self._turned[joint.name], guess=guess)
        if role is Role.BASE_YAW:
            return Meaning(role, _sign(axis[2]), 0.0)
        joints = self._joints
        before = [p for p in self._pitches if joints.index(p) < joints.index(joint)]
        return Meaning(role, _sign(axis @ self._link(len(before) - 1)), 0.0)

    def _is_flange(self, last: PosedJoint) -> bool:
        """Tell whether the last joint rolls the hand; one that carries nothing does if it can."""
        before = self._joints[:-1]
        if not before or abs(float(np.dot(last.axis, before[-1].axis))) > _PARALLEL:
            return False
        if np.any(last.carries):
            return abs(last.outward) > _ALONG_THE_HAND
        bends = [abs(self._axis[joint.name][1]) > _PARALLEL for joint in self._joints]
        return not bends[-1] or sum(bends[:-1]) >= len(PITCHES)

    def _outward(self, last: PosedJoint) -> float:
        """Above 0 if its axis points away from the arm."""
        way = np.subtract(last.origin, self._joints[-2].origin)
        return last.outward or float(np.dot(last.axis, way))

    def _roles(self) -> list[tuple[PosedJoint, Role]]:
        found, bends = list[tuple[PosedJoint, Role]](), 0
        for joint in self._joints:
            if self._rolls and joint is self._joints[-1]:
                found.append((joint, Role.FLANGE_ROLL))
            elif abs(self._axis[joint.name][1]) > _PARALLEL:
                found.append((joint, PITCHES[min(bends, 2)]))
                bends += 1
            else:
                found.append((joint, _OTHERS[min(bends, 3)]))
        return found

    def _pitch(self, joint: PosedJoint, role: Role) -> Meaning:
        scale = _sign(self._axis[joint.name][1])
        place = self._pitches.index(joint)
        inclinations = [_inclination(self._link(place))]
        inclinations.append(_inclination(self._link(place - 1)) if place else 0.0)
        if any(map(math.isnan, inclinations)):
            return Meaning(role, scale, None)
        return Meaning(role, scale, _wrapped(inclinations[0] - inclinations[1]))

    def _link(self, place: int) -> FloatArray:
        """The way from one bending joint to the next; of the last, the hand's."""
        if place + 1 == len(self._pitches):
            return self._tool
        here, there = self._pitches[place], self._pitches[place + 1]
        return self._origin[there.name] - self._origin[here.name]

    def _zero_of_yaw(self, joint: PosedJoint) -> float:
        """The position in which a wrist's yaw brings the hand into the arm's plane [rad].

        Half a turn further it does so, too: the nearer to the home pose is taken, else to zero,
        and of two as near the negative one, which is how UR arms stand ready.
        """
        axis = self._axis[joint.name]
        across, along = self._tool[1], np.cross(axis, self._tool)[1]
        first = math.atan2(-across, along) % math.pi
        home = self._home.get(joint.name, -1e-6)
        return min((first, first - math.pi), key=lambda angle: abs(_wrapped(angle - home)))

    def _other_way(self, joint: PosedJoint) -> str:
        angle = self._turned[joint.name]
        if abs(abs(angle) - math.pi / 2) > 0.1:
            return ''
        return (
            f'Taken to stand near {angle:+.2f} rad, not {-angle:+.2f}; if the robot stands the '
            'other way, turn its sign, and add half a turn to the wrist pitch'
        )

    def _flange(self, joint: PosedJoint) -> Meaning:
        """A flange's zero is where the gripper opens sideways, if there is one."""
        scale = _sign(self._outward(joint))
        for finger in self._hand:
            opens = self._axis[finger.name]
            if not finger.slides:
                opens = np.cross(opens, self._tool_at_zero)
            for yaw in reversed(self._yaws):
                opens = about(self._axis[yaw.name], self._turned[yaw.name]) @ opens
            tool = self._tool  # of length 1, along the axis of the flange
            opens = opens - tool * (opens @ tool)
            if np.linalg.norm(opens) > _SHORT_M:
                left = np.array([0.0, 1.0, 0.0])
                angle = math.atan2(tool @ np.cross(left, opens), left @ opens)
                return Meaning(Role.FLANGE_ROLL, scale, _wrapped(angle), half_turns=True)
        if joint.name in self._home:
            return Meaning(Role.FLANGE_ROLL, scale, -scale * self._home[joint.name], True)
        return Meaning(Role.FLANGE_ROLL, scale, None)


def _inclination(way: FloatArray) -> float:
    """Angle from straight up towards the front, in the plane of the arm; NaN of no way [rad]."""
    if math.hypot(way[0], way[2]) < _SHORT_M:
        return math.nan
    return math.atan2(way[0], way[2])


def _wrapped(angle: float) -> float:
    """The same angle from -pi to pi [rad]."""
    return math.remainder(angle, 2 * math.pi)


def _sign(number: float | FloatArray) -> float:
    return -1.0 if number < 0 else 1.0
