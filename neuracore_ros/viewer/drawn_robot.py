"""One robot in a 3D scene: its meshes, its name, and the frames of its chains."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import viser

from neuracore_ros.arrays import FloatArray
from neuracore_ros.kinematics.rotations import matrix_to_quaternion
from neuracore_ros.viewer.joint_slots import Slot
from neuracore_ros.viewer.link_meshes import LinkMesh
from neuracore_ros.viewer.robot_model import RobotModel, SlotValues

Rgb: TypeAlias = tuple[int, int, int]

_HIGHLIGHT = (246, 92, 32)
# Length of the axes of frames, and what is between a robot and its name [of its height].
_AXES, _ABOVE = 0.14, 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Extent:
    """The room that a robot takes, seen from the root of its URDF.

    Attributes:
        corners: Least and largest x, y, z (2, 3) [m].
        radius_m: Of the upright cylinder about the root that it stays in as its base turns.
        highest_m: Of the origins of its links, as any one slot moves them.
    """

    corners: FloatArray
    radius_m: float
    highest_m: float

    @classmethod
    def of(cls, model: RobotModel, values: SlotValues) -> Extent:
        """Measure a robot at slot values."""
        poses = model.link_poses(values)
        placed = [
            mesh.points @ poses[mesh.link][:3, :3].T + poses[mesh.link][:3, 3]
            for mesh in model.meshes
        ]
        points = np.concatenate([*placed, np.zeros((1, 3))])
        radius = float(np.hypot(points[:, 0], points[:, 1]).max())
        corners = np.stack([points.min(axis=0), points.max(axis=0)])
        moved = [
            model.link_poses({**values, slot: end})
            for slot, own in model.slots().items()
            if not slot[0].is_gripper
            for end in (own.lower, own.upper)
        ]
        tops = [pose[2, 3] for poses in moved for pose in poses.values()]
        return cls(corners, max(radius, 0.05), max([float(corners[1, 2]), *tops]))

    @property
    def height_m(self) -> float:
        """Its height, from the lowest to the highest point [m]."""
        return max(float(self.corners[1, 2] - self.corners[0, 2]), 0.05)


class DrawnRobot:
    """The nodes of one robot.

    Args:
        scene: In which it is drawn.
        path: Of its node.
        model: The robot.
        colour: Of links that have none.
        extent: Its room at rest.
    """

    def __init__(
        self, scene: viser.SceneApi, path: str, model: RobotModel, colour: Rgb, extent: Extent
    ) -> None:
        self._scene, self._path, self._colour = scene, path, colour
        self._extent = extent
        self._label = scene.add_label(
            f'{path}/name', model.name, anchor='bottom-center', font_screen_scale=1.3
        )
        self._captions: dict[str, viser.LabelHandle] = {}
        self._links: dict[str, viser.FrameHandle] = {}
        self._meshes: dict[LinkMesh, viser.MeshHandle] = {}
        self._frames: dict[tuple[str, str], viser.FrameHandle] = {}
        self._sent: dict[str, FloatArray] = {}
        self._shows_frames = True
        self._made = 0
        self.draw(model)

    def draw(self, model: RobotModel) -> None:
        """Draw another model of it; what has not changed stays."""
        self.model = model
        for mesh in [each for each in self._meshes if each not in model.meshes]:
            self._meshes.pop(mesh).remove()
        drawn = {mesh.link for mesh in model.meshes}
        for link in [each for each in self._links if each not in drawn]:
            node = self._links.pop(link)
            self._sent.pop(node.name, None)
            node.remove()
        for mesh in model.meshes:
            if mesh not in self._meshes:
                self._meshes[mesh] = self._add(mesh)
        self._draw_captions()
        wanted = model.frames({})
        for key in [each for each in self._frames if each not in wanted]:
            node = self._frames.pop(key)
            self._sent.pop(node.name, None)
            node.remove()
        for key in wanted:
            if key not in self._frames:
                self._frames[key] = self._add_frame(*key)

    def move(self, values: SlotValues) -> None:
        """Send the poses that have changed, at slot values."""
        poses = self.model.link_poses(values)
        placed: dict[str, tuple[viser.FrameHandle, FloatArray]] = {}
        for link, node in self._links.items():
            placed[node.name] = node, poses[link]
        for key, pose in self.model.frames_at(poses, values).items():
            placed[self._frames[key].name] = self._frames[key], pose
        changed = [
            (node, pose)
            for name, (node, pose) in placed.items()
            if name not in self._sent or not np.array_equal(self._sent[name], pose)
        ]
        if not changed:
            return
        matrices = np.stack([pose for _, pose in changed])
        quaternions = matrix_to_quaternion(matrices[:, :3, :3])[:, [3, 0, 1, 2]]
        for (node, pose), quaternion in zip(changed, quaternions, strict=True):
            node.wxyz, node.position = quaternion, pose[:3, 3]
            self._sent[node.name] = pose
        self._label.position = self._top(poses)

    def highlight(self, slot: Slot | None) -> None:
        """Colour the links that a slot moves; None: no link."""
        chosen: Collection[str] = self.model.moved_links(slot) if slot is not None else ()
        for mesh, node in self._meshes.items():
            colour = _HIGHLIGHT if mesh.link in chosen else self._colour_of(mesh)
            if tuple(node.color) != colour:
                node.color = colour

    def show_frames(self, is_shown: bool) -> None:
        """Show or hide the frames of chains."""
        self._shows_frames = is_shown
        for node in self._frames.values():
            node.visible = is_shown

    def _top(self, poses: Mapping[str, FloatArray]) -> FloatArray:
        """The place (3,) of the name: above the robot as it stands, whatever it reaches for."""
        lowest, highest = self._extent.corners[:, 2]
        top = max([highest, *(poses[link][2, 3] for link in self._links)])
        return np.array([0.0, 0.0, top + _ABOVE * (highest - lowest)])

    def _add(self, mesh: LinkMesh) -> viser.MeshHandle:
        self._made += 1
        if mesh.link not in self._links:
            node = f'{self._path}/link_{self._made}'
            self._links[mesh.link] = self._scene.add_frame(node, show_axes=False)
        opacity = 1.0 if mesh.colour is None else mesh.colour[3]
        return self._scene.add_mesh_simple(
            f'{self._links[mesh.link].name}/mesh_{self._made}',
            mesh.points.astype(np.float32),
            mesh.triangles.astype(np.uint32),
            color=self._colour_of(mesh),
            opacity=opacity if opacity < 1.0 else None,
            flat_shading=True,
            side='double',
            cast_shadow=False,
            receive_shadow=False,
        )

    def _draw_captions(self) -> None:
        captions = self.model.captions
        for words in [each for each in self._captions if each not in captions]:
            self._captions.pop(words).remove()
        for words, place in captions.items():
            if words not in self._captions:
                self._made += 1
                self._captions[words] = self._scene.add_label(
                    f'{self._path}/caption_{self._made}',
                    words,
                    anchor='center-left',
                    font_screen_scale=0.8,
                )
            self._captions[words].position = place

    def _colour_of(self, mesh: LinkMesh) -> Rgb:
        if mesh.colour is None:
            return self._colour
        red, green, blue, _ = (round(255 * part) for part in mesh.colour)
        return red, green, blue

    def _add_frame(self, chain: str, which: str) -> viser.FrameHandle:
        self._made += 1
        length = _AXES * self._extent.height_m
        node = self._scene.add_frame(
            f'{self._path}/frame_{self._made}',
            axes_length=length,
            axes_radius=length / 16,
            visible=self._shows_frames,
        )
        self._scene.add_label(f'{node.name}/name', f'{chain} {which}', font_screen_scale=0.8)
        return node
