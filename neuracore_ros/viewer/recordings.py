"""The recordings that can be played on the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neuracore_ros.description import Robot
from neuracore_ros.viewer.edited_robots import EditedRobots
from neuracore_ros.viewer.playback import Playback, recordings
from neuracore_ros.viewer.robot_model import SlotValues


class OpenRecordings:
    """Recordings of the page's robots, of which one is in memory.

    It is read again where the file of its robot was changed since: other signs and zeros give
    other values of slots.

    Args:
        robots: The robots of the page.
        paths: (Robot, recording or dataset), at least one.

    Attributes:
        names: Of the recordings.

    Raises:
        UserError: The first recording cannot be read, or has nothing of its robot.
    """

    def __init__(self, robots: EditedRobots, paths: Sequence[tuple[str, Path]]) -> None:
        self._robots = robots
        self._paths = [(robot, each) for robot, path in paths for each in recordings(path)]
        self.names = list(dict.fromkeys(f'{robot}: {path}' for robot, path in self._paths))
        self._read: tuple[int, Robot, Playback] | None = None
        self._playback(0)

    def robot(self, place: int) -> str:
        """The robot of a recording."""
        return self._paths[place][0]

    def duration_s(self, place: int) -> float:
        """The duration of a recording [s].

        Raises:
            UserError: It cannot be read, or has nothing of its robot.
        """
        return self._playback(place).duration_s

    def slots_at(self, place: int, seconds: float) -> SlotValues:
        """The values of its robot's slots, as the robot's file is now.

        Raises:
            UserError: It cannot be read, or has nothing of its robot.
        """
        return self._playback(place).slots_at(seconds)

    def _playback(self, place: int) -> Playback:
        name, path = self._paths[place]
        robot = self._robots.models[name].robot
        if self._read is None or self._read[0] != place or self._read[1] is not robot:
            self._read = place, robot, Playback.open(path, robot)
        return self._read[2]
