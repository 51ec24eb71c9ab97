"""Robots that can be compared by their URDFs, and why others cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.alignment.frame_differences import PoseSlot, pose_slots
from neuracore_ros.description import Descriptions
from neuracore_ros.description.robot import Robot
from neuracore_ros.description.urdf_beside import urdf_beside
from neuracore_ros.errors import DescriptionError, UserError
from neuracore_ros.similar_names import known_names


def compared_arms(
    descriptions: Descriptions, urdfs: Mapping[str, Path]
) -> tuple[list[DescribedArm], list[str]]:
    """Robots whose joints can be compared, and a note on each other one that has a URDF.

    Args:
        descriptions: The robots.
        urdfs: Robot -> its URDF, instead of the one that its file names or has beside it.

    Raises:
        UserError: A URDF is of no robot here.
    """
    for name in urdfs:
        if name not in descriptions.robots:
            known = known_names(name, descriptions.robots)
            raise UserError(f"--urdf {name}=...: no robot file here is of '{name}'{known}")
    arms, notes = list[DescribedArm](), list[str]()
    for name, robot in descriptions.robots.items():
        urdf = urdfs.get(name) or robot.urdf or urdf_beside(robot)
        if urdf is None:
            continue
        try:
            arm = DescribedArm.of(robot, urdf)
            means = arm.meanings()
        except DescriptionError as error:
            notes.append(f'{error}: what its joints do is not compared')
            continue
        if means:
            arms.append(arm)
    return arms, list(dict.fromkeys(notes))


def compared_poses(
    descriptions: Descriptions, slots_of: Callable[[Robot], Sequence[PoseSlot]] = pose_slots
) -> tuple[list[PoseSlot], list[str]]:
    """The pose slots whose frames can be compared, and a note on each robot whose cannot.

    Args:
        descriptions: The robots.
        slots_of: Finds the pose slots of one of them.
    """
    found: list[PoseSlot] = []
    notes: list[str] = []
    for robot in descriptions.robots.values():
        try:
            found += slots_of(robot)
        except DescriptionError as error:
            notes.append(f'{error}: the frames of {robot.name} are not compared')
    return found, list(dict.fromkeys(notes))
