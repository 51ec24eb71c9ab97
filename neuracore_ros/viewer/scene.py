"""Robots in the 3D scene of a page: side by side, moved together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import viser

from neuracore_ros.arrays import FloatArray
from neuracore_ros.viewer.camera_view import FIELD_OF_VIEW_RAD, view_of
from neuracore_ros.viewer.drawn_robot import DrawnRobot, Extent
from neuracore_ros.viewer.joint_slots import Slot
from neuracore_ros.viewer.robot_model import RobotModel, SlotValues

# Robots whose links have no colours are told apart by these.
_COLOURS = ((146, 170, 204), (214, 170, 116), (146, 188, 150), (194, 154, 190), (176, 176, 176))
# Between the reaches of two robots at rest, of the larger one's.
_GAP = 0.15
# What is seen beside a robot at rest [of its reach], and above it as it moves [of its height].
_BESIDE, _ABOVE = 0.1, 0.15
_CELL_M = 0.1


class RobotScene:
    """Robots that stand side by side, all facing +x, each with its name above it.

    Not for two threads at once.

    Args:
        server: Whose scene is drawn in.
        robots: From left to right for a viewer who faces them; each name once.
        values: Where they rest.
    """

    def __init__(
        self,
        server: viser.ViserServer,
        robots: Sequence[RobotModel],
        values: SlotValues | None = None,
    ) -> None:
        self._server = server
        self._values: dict[str, SlotValues] = {}
        self._robots: dict[str, DrawnRobot] = {}
        self._highlighted: Slot | None = None
        extents = [Extent.of(model, values or {}) for model in robots]
        places = _places(extents)
        for number, (model, extent, place) in enumerate(zip(robots, extents, places, strict=True)):
            path = f'/robots/{number}'
            server.scene.add_frame(path, show_axes=False, position=place)
            colour = _COLOURS[number % len(_COLOURS)]
            self._robots[model.name] = DrawnRobot(server.scene, path, model, colour, extent)
        self._light(places, extents)
        self.show(values or {})

    def show(self, values: SlotValues) -> None:
        """Move all robots to slot values; a slot without a value rests."""
        self.show_each(dict.fromkeys(self._robots, values))

    def show_each(self, values: Mapping[str, SlotValues]) -> None:
        """Move robots to slot values of their own, by name, as a recording has them."""
        with self._server.atomic():
            for name, own in values.items():
                self._values[name] = own
                self._robots[name].move(own)

    def replace(self, name: str, model: RobotModel) -> None:
        """Draw a robot by another model, after its file was edited; it stays where it stands."""
        with self._server.atomic():
            self._robots[name].draw(model)
            self._robots[name].move(self._values[name])
            self._robots[name].highlight(self._highlighted)

    def highlight(self, slot: Slot | None) -> None:
        """Colour the links that a slot moves, on each robot; None: no link."""
        self._highlighted = slot
        with self._server.atomic():
            for drawn in self._robots.values():
                drawn.highlight(slot)

    def show_frames(self, is_shown: bool) -> None:
        """Show or hide the base and tip frames of chains."""
        with self._server.atomic():
            for drawn in self._robots.values():
                drawn.show_frames(is_shown)

    def _light(self, places: Sequence[FloatArray], extents: Sequence[Extent]) -> None:
        """Put up the ground, lamps and the first view, in which all robots are."""
        boxes = [place + _room(extent) for place, extent in zip(places, extents, strict=True)]
        corners = np.concatenate(boxes) if boxes else np.array([[-0.5] * 3, [0.5] * 3])
        low, high = corners.min(axis=0), corners.max(axis=0)
        scene, camera = self._server.scene, self._server.initial_camera
        # Software draws lamps twice as fast as a picture of surroundings, and without shadows.
        scene.configure_environment_map(None)
        scene.configure_default_lights(enabled=True, cast_shadow=False)
        scene.add_light_hemisphere(
            '/sky', sky_color=(255, 255, 255), ground_color=(150, 150, 160), intensity=1.7
        )
        size = high - low
        scene.add_grid(
            '/ground',
            width=_whole(3.0 * size[0]),
            height=_whole(1.5 * size[1]),
            cell_size=_CELL_M,
            section_size=10 * _CELL_M,
            position=(0.0, float(low[1] + high[1]) / 2, 0.0),
        )
        view = view_of(_corners_of(boxes or [corners]))
        camera.fov, camera.position, camera.look_at = (
            FIELD_OF_VIEW_RAD,
            view.position,
            view.look_at,
        )


def _places(extents: Sequence[Extent]) -> list[FloatArray]:
    """Where robots stand (3,) [m]: on the ground, and out of each other's way at rest."""
    places, y = [], 0.0
    for number, extent in enumerate(extents):
        if number:
            radii = extents[number - 1].radius_m, extent.radius_m
            y += sum(radii) + _GAP * max(radii)
        places.append(np.array([0.0, y, -float(extent.corners[0, 2])]))
    return places


def _room(extent: Extent) -> FloatArray:
    """The least and the largest x, y, z (2, 3) [m] of what is seen of a robot and its name."""
    low, high = extent.corners.copy()
    low[1] -= _BESIDE * extent.radius_m
    high[1] += _BESIDE * extent.radius_m
    high[2] = extent.highest_m + _ABOVE * extent.height_m
    return np.stack([low, high])


def _corners_of(boxes: Sequence[FloatArray]) -> FloatArray:
    """The eight corners (8 N, 3) of each box, of which least and largest are given (2, 3)."""
    picks = np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).reshape(3, -1).T
    return np.concatenate([box[picks, np.arange(3)] for box in boxes])


def _whole(length: float) -> float:
    """A length in whole metres, at least four."""
    return float(max(np.ceil(length), 4.0))
