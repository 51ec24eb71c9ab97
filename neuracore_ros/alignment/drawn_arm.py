"""An arm out of its URDF as the search for the functions of its joints needs it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from neuracore_ros.alignment.joint_function import ArmJoint, Hand
from neuracore_ros.alignment.name_heuristics import parts
from neuracore_ros.alignment.zero_pose import PosedJoint, facing
from neuracore_ros.arrays import FloatArray
from neuracore_ros.kinematics.forward import Kinematics
from neuracore_ros.kinematics.joint_tree import JointTree
from neuracore_ros.kinematics.rotations import about

# A hand lies beside the axis that rolls it, by as much as its fingers are long.
_ALONG_THE_HAND = 0.7
_PARALLEL = 0.9
# A tip nearer than this has no direction from the base [m].
_NEAR_M = 0.02
# A base that is tilted by more is mounted askew [rad].
_ASKEW = math.radians(5.0)
# Parts of an arm lie beside its base by less than this part of its reach.
_ASIDE = 0.1
# An arm with fewer joints that turn has no shape to go by.
_FEWEST = 4


def drawn_joints(tree: JointTree, arm: Sequence[PosedJoint], turn: FloatArray) -> list[ArmJoint]:
    """The turning joints of an arm, with their limits.

    Args:
        tree: The URDF.
        arm: The joints, from base to wrist.
        turn: From the frame of the URDF's base to that of the body, shape (3, 3).
    """
    return [
        ArmJoint(
            joint.name,
            turn @ joint.axis,
            turn @ joint.origin,
            *(tree.urdf.limits[joint.name].position or (-math.inf, math.inf)),
        )
        for joint in arm
    ]


def drawn_hand(arm: Sequence[PosedJoint], fingers: Sequence[PosedJoint], turn: FloatArray) -> Hand:
    """The hand at the end of an arm.

    Args:
        arm: The turning joints, from base to wrist.
        fingers: The joints of the hand.
        turn: From the frame of the URDF's base to that of the body, shape (3, 3).
    """
    approach = _approach(arm)
    for finger in fingers:
        # What spreads the fingers, and a thumb, do not open the hand.
        if not {'thumb', 'abd'} & set(parts(finger.name)):
            opens = finger.axis if finger.slides else np.cross(finger.axis, approach)
            return Hand(turn @ approach, turn @ opens)
    return Hand(turn @ approach)


def upright(arm: Sequence[PosedJoint], turn: FloatArray) -> FloatArray:
    """The turn in which an arm stands or hangs whose base is mounted askew, by the shortest way.

    Such an arm has no roll of its upper arm, and so cannot lift it in an upright plane; `turn` of
    any other arm.

    Args:
        arm: The turning joints, from base to wrist.
        turn: From the frame of the URDF's base to that of the body, shape (3, 3).
    """
    if len(arm) < _FEWEST:
        return turn
    first, second, third = (turn @ joint.axis for joint in arm[:3])
    bends = abs(first @ second) < 1 - _PARALLEL and abs(second @ third) > _PARALLEL
    if not bends or math.asin(min(abs(first[2]), 1.0)) > math.pi / 2 - _ASKEW:
        return turn
    ways = np.array([turn @ np.subtract(joint.origin, arm[0].origin) for joint in arm])
    reach = float(np.linalg.norm(ways, axis=1).max())
    # Axes point out of the base, unless the arm is clearly drawn on the other side.
    outward = first * (-1.0 if float(np.mean(ways @ first)) < -_ASIDE * reach else 1.0)
    # At a wall it stands; else it hangs where that is nearer.
    up = outward if outward[2] > -math.sin(_ASKEW) else -outward
    across = np.cross(up, [0.0, 0.0, 1.0])
    length = float(np.linalg.norm(across))
    return about(across / length, math.atan2(length, float(up[2]))) @ turn


def front_of(tree: JointTree, arm: Sequence[PosedJoint]) -> tuple[FloatArray, bool]:
    """The turn that makes x the way in which an arm alone reaches, and whether that is known.

    In the middle of its ranges, since some are drawn folded backwards; else as it is drawn.

    Args:
        tree: The URDF.
        arm: The turning joints, from base to wrist.

    Returns:
        A rotation matrix, shape (3, 3); and False where the arm reaches neither way.
    """
    stand = upright(arm, np.eye(3))
    turn = facing([replace(j, axis=stand @ j.axis, origin=stand @ j.origin) for j in arm]) @ stand
    middles = [_middle(tree.urdf.limits[joint.name].position) for joint in tree.moving]
    poses = Kinematics(tree.joints).poses(middles)
    origin = {joint.name: pose[:3, 3] for joint, pose in zip(tree.joints, poses, strict=True)}
    reach = float((turn @ (origin[arm[-1].name] - origin[arm[0].name]))[0])
    drawn = max(abs(float((turn @ (joint.origin - arm[0].origin))[0])) for joint in arm)
    known = max(abs(reach), drawn) > _NEAR_M
    return (turn if reach > -_NEAR_M else np.diag([-1.0, -1.0, 1.0]) @ turn), known


def _middle(limit: tuple[float, float] | None) -> float:
    return 0.0 if limit is None or not all(map(math.isfinite, limit)) else sum(limit) / 2


def _approach(arm: Sequence[PosedJoint]) -> FloatArray:
    """The way out of the hand, a unit vector."""
    before, last = arm[-2:]
    is_roll = abs(float(last.axis @ before.axis)) < _PARALLEL
    length = float(np.linalg.norm(last.carries))
    if length < _NEAR_M:
        # Nothing is drawn beyond: a hand goes straight on from the forearm.
        ways = [np.subtract(last.origin, joint.origin) for joint in reversed(arm[:-1])]
        way = next((_unit(way) for way in ways if np.linalg.norm(way) > _NEAR_M), last.axis)
        along = float(last.axis @ way)
        has_elbow = float(np.linalg.norm(last.origin - before.origin)) > _NEAR_M
        if is_roll and (abs(along) > _ALONG_THE_HAND or has_elbow):
            return _unit(last.axis * math.copysign(1.0, along))
        return way
    if is_roll and abs(last.outward) > _ALONG_THE_HAND:
        return _unit(last.axis * math.copysign(1.0, last.outward))
    way = last.carries / length
    # Square to the axes of the wrist, where the hand lies but a little beside that.
    for square in (np.cross(before.axis, last.axis), before.axis):
        size, cosine = float(np.linalg.norm(square)), float(square @ way)
        if abs(cosine) > _PARALLEL * max(size, _PARALLEL):
            return _unit(square * math.copysign(1.0, cosine))
    across = way - last.axis * (last.axis @ way)
    return _unit(across) if np.linalg.norm(across) > _NEAR_M else way


def _unit(way: FloatArray) -> FloatArray:
    unit: FloatArray = way / np.linalg.norm(way)
    return unit
