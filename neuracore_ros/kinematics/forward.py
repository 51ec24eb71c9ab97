"""Forward kinematics and Jacobians of a tree of joints, by pinocchio (extra ``kinematics``)."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuracore_ros.arrays import FloatArray
from neuracore_ros.errors import DescriptionError
from neuracore_ros.kinematics.joint_tree import TreeJoint

# pinocchio's memory grows with the square; no robot has as many.
_MOST = 500


class Kinematics:
    """Poses and Jacobians of J joints, of which n move, in the frame of their base.

    A tool, or the base of another frame, is a joint that does not move. Not for two threads at
    once.

    Args:
        joints: Each after the one that carries it.

    Raises:
        DescriptionError: pinocchio is not installed, or too many joints move.
    """

    def __init__(self, joints: Sequence[TreeJoint]) -> None:
        self._pinocchio = pin = _pinocchio()
        if sum(joint.moves for joint in joints) > _MOST:
            raise DescriptionError(f'more than {_MOST} joints move: no robot arm has so many')
        self._model = model = pin.Model()
        carriers: list[int] = []
        placements: list[Any] = []
        self._frames: list[int] = []
        for index, joint in enumerate(joints):
            placement = pin.SE3(
                pin.rpy.rpyToMatrix(*map(float, joint.rpy)), np.array(joint.xyz, float)
            )
            carrier = 0
            if joint.parent >= 0:
                carrier = carriers[joint.parent]
                placement = placements[joint.parent] * placement
            if joint.moves:
                kind = 'Prismatic' if joint.slides else 'Revolute'
                moving = getattr(pin, f'JointModel{kind}Unaligned')(np.array(joint.axis, float))
                carrier = model.addJoint(carrier, moving, placement, str(index))
                placement = pin.SE3.Identity()
            carriers.append(carrier)
            placements.append(placement)
            frame = pin.Frame(str(index), carrier, 0, placement, pin.FrameType.OP_FRAME)
            self._frames.append(model.addFrame(frame))
        self._data = model.createData()

    def poses(self, positions: ArrayLike) -> FloatArray:
        """Poses of all joints, shape (J, 4, 4), at positions (n,) [rad] or [m]."""
        values = np.asarray(positions, dtype=float)
        self._pinocchio.framesForwardKinematics(self._model, self._data, values)
        placements = self._data.oMf
        return np.array([placements[frame].homogeneous for frame in self._frames])

    def pose(self, index: int, positions: FloatArray) -> FloatArray:
        """Pose of the joint at an index, shape (7,): x y z [m], qx qy qz qw, of either sign."""
        pin = self._pinocchio
        pin.framesForwardKinematics(self._model, self._data, positions)
        pose: FloatArray = pin.SE3ToXYZQUAT(self._data.oMf[self._frames[index]])
        return pose

    def placed(
        self, index: int, positions: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Position (3,) [m], rotation matrix (3, 3) and Jacobian (6, n) of the joint at an index.

        The first two change with the next call.
        """
        frame = self._frames[index]
        pin = self._pinocchio
        jacobian: FloatArray = pin.computeFrameJacobian(
            self._model, self._data, positions, frame, pin.LOCAL_WORLD_ALIGNED
        )
        placement = self._data.oMf[frame]
        return placement.translation, placement.rotation, jacobian

    def rotation_vector(self, matrix: FloatArray) -> FloatArray:
        """Rotation vector (3,) [rad] of a rotation matrix (3, 3)."""
        vector: FloatArray = self._pinocchio.log3(matrix)
        return vector

    def jacobian(self, index: int, positions: ArrayLike) -> FloatArray:
        """Velocity of the joint at an index per joint velocity, shape (6, n).

        Rows x, y, z [m] at its origin, then the rotation [rad], along the axes of the base.
        """
        return self.placed(index, np.asarray(positions, dtype=float))[2]


def _pinocchio() -> ModuleType:
    """The library, imported when an arm needs it: that takes a tenth of a second."""
    try:
        import pinocchio
    except ImportError as error:
        raise DescriptionError(
            "pinocchio is not installed: pip install 'neuracore_ros[kinematics]', or apt install "
            'ros-$ROS_DISTRO-pinocchio'
        ) from error
    library: ModuleType = pinocchio
    return library
