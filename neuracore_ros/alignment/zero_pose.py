"""The joints of an arm in the zero pose of its URDF, turned so that the arm reaches along x."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.kinematics.forward import Kinematics
from neuracore_ros.kinematics.joint_tree import JointTree

# Nearer to straight up than this, an axis is vertical; a tip nearer than this has no direction.
_VERTICAL = 0.9
_NEAR_M = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class PosedJoint:
    """One joint that can move, in the zero pose of its URDF.

    Attributes:
        name: In the URDF.
        slides: Whether it is prismatic.
        parent: The joint that moves it; empty at the base.
        axis: Unit vector that it turns about or slides along, shape (3,).
        origin: Its position, shape (3,) [m].
        carries: The way from there to the farthest thing that it carries, up to the next joint
            that moves, shape (3,) [m]; zero where it carries nothing.
    """

    name: str
    slides: bool
    parent: str
    axis: FloatArray
    origin: FloatArray
    carries: FloatArray

    @property
    def outward(self) -> float:
        """Cosine between its axis and the way to what it carries: 1 out of the arm, -1 into it.

        0 where it carries nothing.
        """
        length = float(np.linalg.norm(self.carries))
        return float(np.dot(self.axis, self.carries)) / length if length > _NEAR_M else 0.0


def zero_pose(tree: JointTree) -> list[PosedJoint]:
    """The joints that move, from base to tip, turned so that the arm reaches along x.

    Raises:
        DescriptionError: pinocchio is not installed, or the tree is no robot's.
    """
    found = posed_joints(tree)
    turn = facing(found)
    return [
        replace(j, axis=turn @ j.axis, origin=turn @ j.origin, carries=turn @ j.carries)
        for j in found
    ]


def posed_joints(tree: JointTree) -> list[PosedJoint]:
    """The joints that move, from base to tip, in the frame of the URDF's base.

    Raises:
        DescriptionError: pinocchio is not installed, or the tree is no robot's.
    """
    poses = Kinematics(tree.joints).poses(np.zeros(len(tree.moving)))
    movers = tree.movers()
    carried: dict[str, list[FloatArray]] = {}
    for mover, pose in zip(movers, poses, strict=True):
        carried.setdefault(mover, []).append(pose[:3, 3])
    found = []
    for joint, mover, pose in zip(tree.joints, movers, poses, strict=True):
        if joint.moves:
            ways = [point - pose[:3, 3] for point in carried.get(joint.name, ())]
            farthest = max(ways, key=np.linalg.norm, default=np.zeros(3))
            axis = pose[:3, :3] @ joint.axis
            found.append(PosedJoint(joint.name, joint.slides, mover, axis, pose[:3, 3], farthest))
    return found


def facing(joints: Sequence[PosedJoint]) -> FloatArray:
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
