"""An arm that lifts, whose pictures show grey in its place: drawn from its URDF, not its gripper.

It asks what a policy gains where the camera sees no arm: see `transfer.py`.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from neuracore_ros.arrays import ByteArray, FloatArray
from neuracore_ros.description.shipped import shipped
from neuracore_ros.kinematics.forward import Kinematics
from neuracore_ros.kinematics.joint_tree import read_joint_tree
from neuracore_ros.physics.arms import LiftArm
from neuracore_ros.physics.lift import LiftRobot
from neuracore_ros.physics.scene import CAMERAS

GREY = (128, 128, 128)
RADIUS_M = 0.06
"""Of the rods that are drawn from joint to joint, as thick as links are."""


class MaskedRobot(LiftRobot):
    """The robot of an arm, with rods of grey drawn over its links."""

    def __init__(self, arm: LiftArm) -> None:
        super().__init__(arm)
        tree = read_joint_tree(shipped(arm.name).parent / f'{arm.name}.urdf')
        self._links = Kinematics(tree.joints)

    def draw(self, name: str) -> ByteArray:
        """The masked image of a camera, RGB, shape (128, 128, 3)."""
        image = super().draw(name)
        base = self.model.body('robot0_base').pos
        points = base + np.vstack([np.zeros(3), self._links.poses(self.positions)[:, :3, 3]])
        places, depths = self._project(name, points, len(image))
        focal = self._focal(name, len(image))
        for (one, near), (other, far) in pairwise(zip(places, depths, strict=True)):
            thickness = max(1, round(2 * RADIUS_M * focal / max(min(near, far), 0.1)))
            cv2.line(image, one, other, GREY, thickness)
        return image

    def _focal(self, name: str, size_px: int) -> float:
        fovy = float(np.radians(self.model.camera(CAMERAS[name]).fovy[0]))
        return size_px / 2 / float(np.tan(fovy / 2))

    def _project(
        self, name: str, points: FloatArray, size_px: int
    ) -> tuple[list[tuple[int, int]], list[float]]:
        """Columns and rows [px], and depths [m], of points (N, 3) [m] of the world."""
        camera = self.data.camera(CAMERAS[name])
        # MuJoCo's cameras look along -z, and y is up.
        seen = (points - camera.xpos) @ np.array(camera.xmat).reshape(3, 3)
        depths = np.maximum(-seen[:, 2], 0.1)
        focal = self._focal(name, size_px)
        columns = size_px / 2 + focal * seen[:, 0] / depths
        rows = size_px / 2 - focal * seen[:, 1] / depths
        return [(round(c), round(r)) for c, r in zip(columns, rows, strict=True)], depths.tolist()
