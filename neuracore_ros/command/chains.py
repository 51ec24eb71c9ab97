"""Chains that are commanded by their pose: inverse kinematics, before all that moves joints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from neuracore_ros.arrays import Float32Array, FloatArray, IntArray
from neuracore_ros.description import Joint
from neuracore_ros.description.command import ChainOutput
from neuracore_ros.kinematics.inverse import InverseKinematics


class CommandedChain:
    """One pose output, and the n of J commanded joints that its chain has.

    Attributes:
        output: The pose output.
        columns: Place of each of its joints among the J, shape (n,), in the chain's order.
        clamps: Poses so far that the workspace kept from what was predicted.
    """

    def __init__(self, output: ChainOutput, joints: Sequence[Joint], rate_hz: float) -> None:
        """Prepare the kinematics.

        Args:
            output: The pose output.
            joints: All that is commanded, J of them.
            rate_hz: Poses a second.

        Raises:
            DescriptionError: The URDF cannot be read, or pinocchio is not installed.
        """
        self.output = output
        self.clamps = 0
        own = [place for place, joint in enumerate(joints) if joint.chain == output.chain.name]
        own.sort(key=lambda place: joints[place].index)
        self.columns: IntArray = np.array(own)
        limits = [joints[place].limit for place in own]
        self._inverse = InverseKinematics(
            output.chain,
            np.array([limit.lower for limit in limits]),
            np.array([limit.upper for limit in limits]),
            np.array([limit.velocity for limit in limits]),
            1.0 / rate_hz,
        )

    def joints(self, poses: ArrayLike, start: FloatArray, first_step: FloatArray) -> FloatArray:
        """Positions (N, n) that reach poses (N, 7) of the slot, one after the other.

        Args:
            poses: As the policy predicts them.
            start: Where the joints are sent, or are, one step before the first pose, (n,).
            first_step: How far each joint may go to the first pose, (n,).

        Raises:
            UnreachableError: A pose that cannot be reached; one line names it and the distance.
        """
        wanted = np.array(poses, dtype=float)
        wanted[:, :3] /= self.output.scale
        found: FloatArray = self._inverse.follow(wanted, start, first_step)
        self.clamps += self._inverse.clamped
        return found

    def beyond(self, positions: ArrayLike) -> FloatArray:
        """Distances (N,) of the hand from its workspace at positions (N, n) [m]."""
        return self._inverse.outside(positions)

    def poses(self, positions: ArrayLike) -> Float32Array:
        """Poses (N, 7) of the slot at positions (N, n)."""
        found = self._inverse.kinematics.poses(positions)
        found[:, :3] *= self.output.scale
        return found.astype(np.float32)
