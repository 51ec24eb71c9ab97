"""The recordings that are played on the page."""

from __future__ import annotations

from collections.abc import Sequence

from neuracore_ros.description import Robot
from neuracore_ros.viewer.edited_robots import EditedRobots
from neuracore_ros.viewer.playback import Playback
from neuracore_ros.viewer.robot_model import SlotValues


class OpenRecordings:
    """Recordings of the page's robots, read again where a robot's file was changed since.

    Args:
        robots: The robots of the page.
        paths: (Robot, recording), at least one.

    Raises:
        UserError: A recording cannot be read, or has nothing of its robot.
    """

    def __init__(self, robots: EditedRobots, paths: Sequence[tuple[str, str]]) -> None:
        self._robots, self._paths = robots, list(paths)
        self._read = [self._opened(place) for place in range(len(self._paths))]
        self.names = [f'{robot.name}: {read.name}' for robot, read in self._read]

    def robot(self, place: int) -> str:
        """The robot of a recording."""
        return self._paths[place][0]

    def duration_s(self, place: int) -> float:
        """The duration of a recording [s]."""
        return self._read[place][1].duration_s

    def slots_at(self, place: int, seconds: float) -> SlotValues:
        """The values of its robot's slots, as the robot's file is now."""
        robot, _ = self._read[place]
        if robot is not self._robots.models[self.robot(place)].robot:
            self._read[place] = self._opened(place)
        return self._read[place][1].slots_at(seconds)

    def _opened(self, place: int) -> tuple[Robot, Playback]:
        name, path = self._paths[place]
        robot = self._robots.models[name].robot
        return robot, Playback.open(path, robot)
