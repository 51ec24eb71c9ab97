"""An arm held so that all of its links lie in one upright plane, and what each joint does then.

Joints have no names that mean the same on two arms, and a URDF's zero is a draughtsman's choice.
But almost every arm can be held so that each axis lies either across its plane (it bends the arm)
or in it (it swings or rolls what comes after). Held so, the joints are told apart by their order
and by whether an axis lies along its link, and the angles between links are the zeros.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from neuracore_ros.alignment.joint_function import ArmJoint, Hand, JointFunction
from neuracore_ros.alignment.planar_pose import ACROSS, LEFT, TIE, PlanarPose, PosedAxis
from neuracore_ros.arrays import FloatArray
from neuracore_ros.kinematics.rotations import about

# Arms of more joints are of another kind, such as snakes; each one more takes four times as long.
_MOST = 8
# Cosine of axes that do not turn each other.
_PARALLEL = 0.99
# What it weighs if two arms of a robot do not have the same functions in the same order [rad].
_UNLIKE = 3.0


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
    if len(joints) > _MOST:
        return {joint.name: JointFunction('') for joint in joints}
    poses = list(_planar_poses(joints, hand))
    slots = [function.slot for function in other]
    costs = [pose.cost + _UNLIKE * bool(slots and pose.slots != slots) for pose in poses]
    near = [pose for pose, cost in zip(poses, costs, strict=True) if cost <= min(costs) + TIE]
    chosen = min(near, key=lambda pose: pose.preference)
    return chosen.functions(near)


def _planar_poses(joints: Sequence[ArmJoint], hand: Hand) -> Iterator[PlanarPose]:
    """Poses in which each axis lies across the plane or in it, as far as that can be."""
    ways = [*(joint.axis for joint in joints), hand.approach]
    # The next axis that each one can turn; the last ones turn the hand.
    turned = [
        next((way for way in ways[place + 1 :] if abs(way @ ways[place]) < _PARALLEL), None)
        for place in range(len(joints))
    ]
    steps = [np.subtract(there.origin, here.origin) for here, there in pairwise(joints)]

    def further(
        turn: FloatArray, at: FloatArray, posed: tuple[PosedAxis, ...]
    ) -> Iterator[PlanarPose]:
        place = len(posed)
        if place == len(joints):
            opens = None if hand.opens is None else turn @ hand.opens
            yield PlanarPose(joints, posed, Hand(turn @ hand.approach, opens))
            return
        axis, after = turn @ ways[place], turned[place]
        for angle in _angles(joints[place], axis, None if after is None else turn @ after):
            turned_on = about(axis, angle) @ turn
            there = at + turned_on @ steps[place] if place < len(steps) else at
            yield from further(turned_on, there, (*posed, PosedAxis(angle, axis, at)))

    yield from further(np.eye(3), np.array(joints[0].origin, float), ())


def _angles(joint: ArmJoint, axis: FloatArray, turned: FloatArray | None) -> list[float]:
    """The positions of a joint that bring the next axis across the plane, or into it [rad]."""
    rest = float(np.clip(0.0, joint.lower, joint.upper))
    if abs(axis @ LEFT) > ACROSS or turned is None:
        return [rest]
    along = axis * (axis @ turned)
    # Its part across the plane is constant + cosine * cos(angle) + sine * sin(angle).
    constant = float(along @ LEFT)
    cosine, sine = float((turned - along) @ LEFT), float(np.cross(axis, turned) @ LEFT)
    most, size = math.atan2(sine, cosine), math.hypot(cosine, sine)
    if size < 1e-6:
        return [rest]
    quarter = math.acos(float(np.clip(-constant / size, -1.0, 1.0)))
    found = [most, most + math.pi, most + quarter, most - quarter]
    # Of two that are half a turn away, the negative one.
    beyond = (math.remainder(angle - joint.usual + 1e-6, 2 * math.pi) - 1e-6 for angle in found)
    angles = [joint.usual + angle for angle in beyond]
    return [angle for angle in angles if joint.reaches(angle)] or angles
