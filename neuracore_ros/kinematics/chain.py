"""Forward kinematics of a chain: the grasp frame in the shared base frame."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from neuracore_ros.arrays import FloatArray
from neuracore_ros.description.chain import Chain, Placement
from neuracore_ros.errors import DescriptionError
from neuracore_ros.kinematics.forward import Kinematics
from neuracore_ros.kinematics.joint_tree import TreeJoint, Triple, read_branches
from neuracore_ros.kinematics.poses import Pose, compose, compose_arrays, invert, signed_pose
from neuracore_ros.kinematics.rotations import (
    matrix_to_quaternion,
    matrix_to_rpy,
    rpy_to_matrix,
    signed,
)


class ChainKinematics:
    """Poses of the grasp frame of a chain of n joints, in the shared base frame.

    Not for two threads at once.

    Attributes:
        chain: The chain.
        arm: Its joints; the last one, which does not move, is the grasp frame.
        slides: True for each joint that is prismatic (n,).
        units: ``rad`` or ``m`` for each joint (n,).

    Raises:
        DescriptionError: The URDF cannot be read, or is another one than when the chain was made;
            or pinocchio is not installed.
    """

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        joints = _joints(chain)
        self.arm = Kinematics(joints)
        self.slides = np.array([joint.slides for joint in joints if joint.moves])
        self.units = tuple('m' if slides else 'rad' for slides in self.slides)

    def pose(self, positions: ArrayLike) -> FloatArray:
        """Pose (7,) at positions (n,) [rad] or [m], in the order of the chain's joints."""
        pose: FloatArray = self.poses(np.asarray(positions, dtype=float)[None])[0]
        return pose

    def poses(self, positions: ArrayLike) -> FloatArray:
        """Poses (N, 7) at positions (N, n) [rad] or [m], in the order of the chain's joints."""
        values = np.asarray(positions, dtype=float)
        poses = np.empty((len(values), 7))
        for row, each in enumerate(values):
            poses[row] = self.arm.pose(-1, each)
        poses[:, 3:] = signed(poses[:, 3:])
        return poses


def to_tip(chain: Chain, poses: ArrayLike) -> FloatArray:
    """Poses (..., 7) of a chain's tip link in its base link, from those of its grasp frame."""
    return _between(_pose(chain.base_offset), poses, invert(_pose(chain.tip_offset)))


def from_tip(chain: Chain, poses: ArrayLike) -> FloatArray:
    """Poses (..., 7) of a chain's grasp frame, from those of its tip link in its base link."""
    return _between(invert(_pose(chain.base_offset)), poses, _pose(chain.tip_offset))


def _joints(chain: Chain) -> list[TreeJoint]:
    """The joints from the shared base frame to the grasp frame, of which the last is fixed."""
    to_base, to_tip = read_branches(chain.urdf, (chain.base, chain.tip))
    common = 0
    for one, other in zip(to_base, to_tip, strict=False):
        if one != other:
            break
        common += 1
    up, down = to_base[common:], to_tip[common:]
    names = tuple(joint.name for joint in down if joint.moves)
    if names != chain.joints or any(joint.moves for joint in up):
        raise DescriptionError(
            f"{chain.urdf}: chain '{chain.name}' is not as it was: between link '{chain.base}' "
            f"and link '{chain.tip}' now move: {', '.join(names) or 'none'}"
        )
    fixed = [_fixed(*_inverse(chain.base_offset.xyz, chain.base_offset.rpy))]
    fixed += [_fixed(*_inverse(joint.xyz, joint.rpy)) for joint in up[::-1]]
    ends = [_fixed(chain.tip_offset.xyz, chain.tip_offset.rpy)]
    return [
        replace(joint, parent=number - 1) for number, joint in enumerate([*fixed, *down, *ends])
    ]


def _fixed(xyz: Triple, rpy: Triple) -> TreeJoint:
    return TreeJoint('', 'fixed', -1, xyz, rpy)


def _inverse(xyz: Triple, rpy: Triple) -> tuple[Triple, Triple]:
    """The outer frame, seen from the inner one."""
    back = rpy_to_matrix(rpy).T
    x, y, z = (-back @ np.array(xyz)).tolist()
    roll, pitch, yaw = matrix_to_rpy(back).tolist()
    return (x, y, z), (roll, pitch, yaw)


# Poses are converted at every tick, and offsets stay.
@lru_cache(maxsize=256)
def _pose(placement: Placement) -> Pose:
    x, y, z = placement.xyz
    a, b, c, d = matrix_to_quaternion(rpy_to_matrix(placement.rpy)).tolist()
    return x, y, z, a, b, c, d


def _between(outer: Pose, poses: ArrayLike, inner: Pose) -> FloatArray:
    """Poses (..., 7), signed, in an outer frame, of an inner one."""
    values = np.asarray(poses, dtype=float)
    if values.ndim == 1:
        # Numbers are faster than arrays of one pose, which topics give.
        x, y, z, a, b, c, d = values.tolist()
        return np.array(signed_pose(compose(outer, compose((x, y, z, a, b, c, d), inner))))
    composed = compose_arrays(outer, compose_arrays(values, inner))
    composed[..., 3:] = signed(composed[..., 3:])
    return composed
