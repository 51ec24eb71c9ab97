"""Robots in the 3D scene of a page: side by side, moved together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import viser

from neuracore_ros.arrays import FloatArray
from neuracore_ros.kinematics.rotations import matrix_to_quaternion
from neuracore_ros.viewer.joint_slots import Slot
from neuracore_ros.viewer.link_meshes import LinkMesh
from neuracore_ros.viewer.robot_model import RobotModel, SlotValues

Rgb: TypeAlias = tuple[int, int, int]

# Robots whose links have no colours are told apart by these.
_COLOURS = ((146, 170, 204), (214, 170, 116), (146, 188, 150), (194, 154, 190), (176, 176, 176))
_HIGHLIGHT = (246, 92, 32)
# Between the reaches of two robots at rest, of the larger one's.
_GAP = 0.2
_AXES_M = 0.12
_FIELD_OF_VIEW = math.radians(40.0)
# Of the width of the window to its height, that is left beside a panel.
_ASPECT = 1.2


@dataclass(slots=True)
class _DrawnRobot:
    """One robot in the scene.

    Attributes:
        model: The robot.
        links: Link -> the node that its meshes hang on.
        meshes: Link -> its meshes, with the colours that they have when none is highlighted.
        frames: (chain, ``base`` or ``tip``) -> axes.
        sent: Pose (4, 4) of each node as it was sent.
    """

    model: RobotModel
    links: dict[str, viser.FrameHandle] = field(default_factory=dict)
    meshes: dict[str, list[tuple[viser.MeshHandle, Rgb]]] = field(default_factory=dict)
    frames: dict[tuple[str, str], viser.FrameHandle] = field(default_factory=dict)
    sent: dict[object, FloatArray] = field(default_factory=dict)


class RobotScene:
    """Robots that stand side by side, all facing +x, each with its name above it.

    Not for two threads at once.

    Args:
        server: Whose scene is drawn in.
        robots: From left to right, as one sees them who stands before them; each name once.
    """

    def __init__(self, server: viser.ViserServer, robots: Sequence[RobotModel]) -> None:
        self._server = server
        self._values: SlotValues = {}
        self._robots: dict[str, _DrawnRobot] = {}
        self._highlighted: Slot | None = None
        self._shows_frames = True
        extents = [_Extent.of(model) for model in robots]
        y = 0.0
        for number, (model, extent) in enumerate(zip(robots, extents, strict=True)):
            if number:
                reach = extents[number - 1].radius_m + extent.radius_m
                y += reach + _GAP * max(extents[number - 1].radius_m, extent.radius_m)
            self._robots[model.name] = self._stand(model, number, y, extent)
        self._light(y, extents)
        self.show({})

    def show(self, values: SlotValues) -> None:
        """Move all robots to slot values; a slot without a value rests."""
        self._values = dict(values)
        with self._server.atomic():
            for drawn in self._robots.values():
                _move(drawn, values)

    def show_one(self, name: str, values: SlotValues) -> None:
        """Move one robot to slot values of its own, as a recording has them."""
        with self._server.atomic():
            _move(self._robots[name], values)

    def replace(self, name: str, model: RobotModel) -> None:
        """Draw a robot by another model of the same URDF, after its file was edited."""
        drawn = self._robots[name]
        drawn.model = model
        self.show(self._values)
        self.highlight(self._highlighted)

    def highlight(self, slot: Slot | None) -> None:
        """Colour the links that a slot moves, on each robot; None: no link."""
        self._highlighted = slot
        with self._server.atomic():
            for drawn in self._robots.values():
                chosen = drawn.model.moved_links(slot) if slot is not None else ()
                for link, meshes in drawn.meshes.items():
                    for handle, colour in meshes:
                        wanted = _HIGHLIGHT if link in chosen else colour
                        if tuple(handle.color) != wanted:
                            handle.color = wanted

    def show_frames(self, is_shown: bool) -> None:
        """Show or hide the base and tip frames of chains."""
        self._shows_frames = is_shown
        for drawn in self._robots.values():
            for handle in drawn.frames.values():
                handle.visible = is_shown

    def _stand(self, model: RobotModel, number: int, y: float, extent: _Extent) -> _DrawnRobot:
        scene, root = self._server.scene, f'/robots/{number}'
        scene.add_frame(root, show_axes=False, position=(0.0, y, -extent.lowest_m))
        scene.add_label(
            f'{root}/name',
            model.name,
            position=(0.0, 0.0, extent.highest_m + 0.1 * extent.radius_m),
            anchor='bottom-center',
            font_screen_scale=1.3,
        )
        drawn = _DrawnRobot(model)
        for part, mesh in enumerate(model.meshes):
            if mesh.link not in drawn.links:
                node = f'{root}/{len(drawn.links)}'
                drawn.links[mesh.link] = scene.add_frame(node, show_axes=False)
            colour, opacity = _colour(mesh, number)
            handle = scene.add_mesh_simple(
                f'{drawn.links[mesh.link].name}/{part}',
                mesh.points.astype(np.float32),
                mesh.triangles.astype(np.uint32),
                color=colour,
                opacity=opacity,
                flat_shading=False,
                side='double',
                cast_shadow=False,
                receive_shadow=False,
            )
            drawn.meshes.setdefault(mesh.link, []).append((handle, colour))
        return drawn

    def _light(self, width_m: float, extents: Sequence[_Extent]) -> None:
        """Put up the ground, lamps and the first view, in which all robots are."""
        server, scene = self._server, self._server.scene
        radius = max((each.radius_m for each in extents), default=1.0)
        height = max((each.highest_m - each.lowest_m for each in extents), default=1.0)
        scene.configure_default_lights(enabled=True, cast_shadow=False)
        middle = np.array([0.0, width_m / 2, 0.45 * height])
        wide = width_m + 2.2 * radius
        scene.add_grid(
            '/ground',
            width=6.0 * radius,
            height=wide + 4.0 * radius,
            cell_size=0.1,
            section_size=1.0,
            position=(0.0, width_m / 2, 0.0),
            fade_distance=20.0,
        )
        half = math.tan(_FIELD_OF_VIEW / 2)
        away = max(1.2 * height / (2 * half), wide / (2 * half * _ASPECT)) + radius
        camera = server.initial_camera
        camera.fov = _FIELD_OF_VIEW
        way = np.array([1.0, 0.35, 0.45])
        camera.position = middle + away * way / np.linalg.norm(way)
        camera.look_at = middle


def _colour(mesh: LinkMesh, number: int) -> tuple[Rgb, float | None]:
    if mesh.colour is None:
        return _COLOURS[number % len(_COLOURS)], None
    red, green, blue, opacity = mesh.colour
    colour = round(255 * red), round(255 * green), round(255 * blue)
    return colour, None if opacity >= 1.0 else opacity


def _move(drawn: _DrawnRobot, values: SlotValues) -> None:
    """Send the poses that have changed."""
    poses = drawn.model.link_poses(values)
    for link, handle in drawn.links.items():
        pose = poses[link]
        before = drawn.sent.get(link)
        if before is None or not np.array_equal(before, pose):
            drawn.sent[link] = pose
            _place(handle, pose)


def _place(handle: viser.SceneNodeHandle, pose: FloatArray) -> None:
    x, y, z, w = matrix_to_quaternion(pose[:3, :3]).tolist()
    handle.wxyz = np.array([w, x, y, z])
    handle.position = pose[:3, 3]


@dataclass(frozen=True, slots=True)
class _Extent:
    """The room that a robot takes at rest, however it turns about its base [m]."""

    radius_m: float
    lowest_m: float
    highest_m: float

    @classmethod
    def of(cls, model: RobotModel) -> _Extent:
        poses = model.link_poses({})
        parts = [
            mesh.points @ poses[mesh.link][:3, :3].T + poses[mesh.link][:3, 3]
            for mesh in model.meshes
        ]
        points = np.concatenate(parts) if parts else np.zeros((1, 3))
        radius = float(np.hypot(points[:, 0], points[:, 1]).max())
        return cls(max(radius, 0.1), float(points[:, 2].min()), float(points[:, 2].max()))
