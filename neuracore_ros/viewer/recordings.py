"""The recordings that can be played on the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neuracore_ros.description import Robot
from neuracore_ros.viewer.edited_robots import EditedRobots
from neuracore_ros.viewer.playback import Playback, recordings
from neuracore_ros.viewer.robot_model import SlotValues
from neuracore_ros.wording import few

# A wrong zero leads less far out [of the range between the limits].
_FAR = 1.0


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
        each_once = {(robot, each): None for robot, path in paths for each in recordings(path)}
        self._paths = list(each_once)
        self.names = [f'{robot}: {path}' for robot, path in self._paths]
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

    def notes(self, place: int) -> list[str]:
        """List what a recording lacks, and slots whose values are far outside of their limits.

        Raises:
            UserError: It cannot be read, or has nothing of its robot.
        """
        playback, slots = self._playback(place), self._robots.models[self.robot(place)].slots()
        far: dict[str, str] = {}
        for slot, own in slots.items():
            if slot not in playback.values or not playback.valid[slot].any():
                continue
            values = playback.values[slot][playback.valid[slot]]
            least, most = float(values.min()), float(values.max())
            if max(own.lower - least, most - own.upper) > _FAR * (own.upper - own.lower):
                far[own.name] = (
                    f"'{own.name}' is recorded from {least:.3g} to {most:.3g}, far outside of "
                    f'{own.lower:.3g} to {own.upper:.3g}'
                )
        if not far:
            return [*playback.notes]
        first, *others = far
        likewise = f' (likewise {few(others)})' if others else ''
        why = 'in another unit? Write its scale and offset under sources'
        return [*playback.notes, f'{far[first]}{likewise}: {why}']

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
