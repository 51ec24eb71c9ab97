"""Robots in the 3D scene of a page: side by side, moved together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import viser

from neuracore_ros.arrays import FloatArray
from neuracore_ros.kinematics.rotations import matrix_to_quaternion
from neuracore_ros.viewer.joint_slots import Slot
from neuracore_ros.viewer.robot_model import RobotModel, SlotValues

_APART_M = 1.2


class RobotScene:
    """Robots that stand side by side, all facing +x, each with its name above it.

    Not for two threads at once.

    Args:
        server: Whose scene is drawn in.
        robots: From right to left as they look ahead, each name once.
    """

    def __init__(self, server: viser.ViserServer, robots: Sequence[RobotModel]) -> None:
        self._server = server
        self._robots = {model.name: model for model in robots}
        self._links: dict[str, dict[str, viser.FrameHandle]] = {}
        self._values: SlotValues = {}
        for number, model in enumerate(robots):
            self._stand(model, _APART_M * (number - (len(robots) - 1) / 2))
        self._server.scene.add_grid('/ground', cell_size=0.1, section_size=1.0)
        self.show({})

    def show(self, values: SlotValues) -> None:
        """Move all robots to slot values; a slot without a value rests."""
        self._values = dict(values)
        with self._server.atomic():
            for name, model in self._robots.items():
                for link, pose in model.link_poses(values).items():
                    if (handle := self._links[name].get(link)) is not None:
                        _place(handle, pose)

    def show_by_robot(self, values: Mapping[str, SlotValues]) -> None:
        """Move each robot that is named to values of its own."""

    def replace(self, name: str, model: RobotModel) -> None:
        """Draw a robot anew, after its file was edited."""
        self._robots[name] = model
        self.show(self._values)

    def highlight(self, slot: Slot | None) -> None:
        """Colour the links that a slot moves on each robot; None: no link."""

    def show_frames(self, is_shown: bool) -> None:
        """Show or hide the base and tip frames of chains."""

    def _stand(self, model: RobotModel, y: float) -> None:
        scene = self._server.scene
        root = f'/robots/{model.name}'
        scene.add_frame(root, show_axes=False, position=(0.0, y, 0.0))
        scene.add_label(f'{root}/name', model.name, position=(0.0, 0.0, 1.2))
        handles: dict[str, viser.FrameHandle] = {}
        for link in model.link_poses({}):
            handles[link] = scene.add_frame(f'{root}/{link}', show_axes=False)
            scene.add_icosphere(f'{root}/{link}/shape', radius=0.04)
        self._links[model.name] = handles


def _place(handle: viser.SceneNodeHandle, pose: FloatArray) -> None:
    x, y, z, w = matrix_to_quaternion(pose[:3, :3]).tolist()
    handle.wxyz = np.array([w, x, y, z])
    handle.position = pose[:3, 3]
