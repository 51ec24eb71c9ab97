"""A URDF that no robot file names, and that lies beside one."""

from __future__ import annotations

from pathlib import Path

from neuracore_ros.description.robot import Robot
from neuracore_ros.description.urdf import read_urdf
from neuracore_ros.errors import DescriptionError


def urdf_beside(robot: Robot) -> Path | None:
    """The URDF that lies beside a robot file and has its name, if it has joints of the robot."""
    path = robot.path.with_suffix('.urdf')
    if not path.is_file():
        return None
    try:
        known = read_urdf(path).limits
    except DescriptionError:
        return None
    described = (*robot.input.values(), *robot.output.values())
    is_of_it = any(name in known for slots in described for name in slots.values())
    return path if is_of_it else None
