"""Chains of a robot: their two frames, and joints of the poses in their slots."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from neuracore_ros.alignment.arm_links import LinkTree
from neuracore_ros.description.chain import Chain
from neuracore_ros.errors import UnreachableError
from neuracore_ros.kinematics.inverse import InverseKinematics
from neuracore_ros.kinematics.poses import Pose

# Time between two poses: joints that may choose move slowly meanwhile.
_STEP_S = 1 / 40


@dataclass(frozen=True, slots=True)
class ChainSlot:
    """A slot of a pose that moves a chain by inverse kinematics.

    Attributes:
        name: The robot file's name for it, which is the chain's.
        rest: The pose of the chain as it stands ready: x y z [m] times ``scale``, qx qy qz qw.
        scale: By which positions of the slot are larger than the robot's.
    """

    name: str
    rest: Pose
    scale: float


class ChainPoses:
    """Joints of one chain that bring its grasp frame to the poses of a slot.

    Not for two threads at once.

    Args:
        chain: The chain.
        scale: By which positions of the slot are larger than the robot's.
        links: The URDF.
        ready: Joint -> position where it begins [rad], [m].

    Attributes:
        slot: The slot.
        unreached: Why the last pose could not be reached, in one line; empty if it was.
    """

    def __init__(
        self, chain: Chain, scale: float, links: LinkTree, ready: Mapping[str, float]
    ) -> None:
        self.chain = chain
        limits = [links.tree.urdf.limits[joint].position for joint in chain.joints]
        low, high = np.array([each or (-math.inf, math.inf) for each in limits]).T
        speeds = np.full(len(limits), np.inf)
        self._inverse = InverseKinematics(chain, low, high, speeds, _STEP_S)
        self._joints = np.array([ready.get(joint, 0.0) for joint in chain.joints])
        x, y, z, *quaternion = self._inverse.kinematics.pose(self._joints).tolist()
        a, b, c, d = quaternion
        self.slot = ChainSlot(chain.name, (scale * x, scale * y, scale * z, a, b, c, d), scale)
        self.unreached = ''

    def joints(self, pose: Pose) -> dict[str, float]:
        """Joint -> position [rad], [m] at a pose of the slot, or as near to it as the arm gets."""
        x, y, z, *quaternion = pose
        scale = self.slot.scale
        target = np.array([x / scale, y / scale, z / scale, *quaternion])
        self.unreached = ''
        try:
            self._joints = self._inverse.follow(target, self._joints)[0]
        except UnreachableError as error:
            self.unreached = str(error).replace(' (step 0)', '')
            with suppress(UnreachableError):
                self._joints = self._inverse.nearest(target, self._joints)
        return dict(zip(self.chain.joints, self._joints.tolist(), strict=True))
