"""Values of slots over time, out of a recording: what a robot is seen doing."""

from __future__ import annotations

from dataclasses import dataclass

from neuracore_ros.description import Robot
from neuracore_ros.errors import UserError
from neuracore_ros.viewer.robot_model import SlotValues


@dataclass(frozen=True, slots=True)
class Playback:
    """The values of a robot's slots in one recording.

    Attributes:
        name: Of the recording, for people.
        duration_s: From its first values to its last [s].
    """

    name: str
    duration_s: float

    @classmethod
    def open(cls, path: str, robot: Robot) -> Playback:
        """Read a bag of any kind, or an episode of a dataset, such as ``dataset/episode_3``.

        Raises:
            UserError: It cannot be read, or has nothing of the robot.
        """
        raise UserError(f'{path}: recordings are not played yet')

    def slots_at(self, seconds: float) -> SlotValues:
        """The values of the slots so long after the first; beyond the end, the last ones."""
        return {}
