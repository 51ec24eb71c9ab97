"""``python -m neuracore_ros.physics.urdf FOLDER``: URDFs of the arms, from robosuite's models.

They hold what inverse kinematics needs: links, joints, ranges and speeds; and rods in the place
of links, for who wants to see the arm. They have neither masses nor meshes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import mujoco
import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.kinematics.rotations import matrix_to_rpy
from neuracore_ros.physics.arms import ARMS

if TYPE_CHECKING:
    from neuracore_ros.physics.lift import LiftRobot

TOOL = 'gripper0_right_grip_site'
"""robosuite's name of the place between the fingertips; its z axis is the approach."""

FINGERTIPS = 'fingertips'
"""The last link: where the hand is, which says which way it points."""

_BASE, _FLANGE = 'robot0_base', 'robot0_right_hand'
# Shorter ways to the next joint have no rod.
_SHORT_M = 0.02
_ROD_M = 0.04


def urdf_text(robot: LiftRobot) -> str:
    """The URDF of an arm, from its base to the link that carries the gripper, and fingertips."""
    arm, placements = robot.arm, list(_placements(robot))
    fingertips = np.eye(4)
    fingertips[:3, 3] = grasp_offset(robot)[0]
    links = (*arm.links, FINGERTIPS)
    ways = [*placements, fingertips]
    lines = [
        '<?xml version="1.0"?>',
        "<!-- Written by neuracore_ros.physics.urdf from robosuite's model. -->",
        f'<robot name="{arm.name}">',
    ]
    for link, way in zip(links, [*ways, None], strict=True):
        lines += _link(link, None if way is None else way[:3, 3])
    for number, way in enumerate(ways):
        name, kind, motion = f'{links[number + 1]}_joint', 'fixed', []
        if number < len(arm.joints):
            name, kind = arm.joints[number], 'continuous'
            index = int(robot.joints_at[number])
            limit = f'effort="{robot.torque[number]:g}" velocity="{arm.speeds[number]:g}"'
            if robot.model.jnt_limited[index]:
                kind = 'revolute'
                lower, upper = robot.model.jnt_range[index]
                limit = f'lower="{lower:.9g}" upper="{upper:.9g}" {limit}'
            motion = [f'<axis xyz="{_text(robot.model.jnt_axis[index])}"/>', f'<limit {limit}/>']
        lines += [
            f'  <joint name="{name}" type="{kind}">',
            f'    <parent link="{links[number]}"/>',
            f'    <child link="{links[number + 1]}"/>',
            f'    {_origin(way)}',
            *(f'    {line}' for line in motion),
            '  </joint>',
        ]
    return '\n'.join([*lines, '</robot>', ''])


def grasp_offset(robot: LiftRobot) -> tuple[FloatArray, FloatArray]:
    """The grasp frame, seen from the link that carries the gripper.

    Its origin is the place between the fingertips, z the approach, x the way the fingers close.

    Returns:
        xyz (3,) [m] and rpy (3,) [rad], as ``tip_offset`` of a chain has them.
    """
    data = _at_zero(robot)
    flange, site = _pose(data.body(_FLANGE)), _pose(data.site(TOOL))
    x, y = robot.arm.closing
    turn = np.eye(4)
    turn[:2, :2] = [[x, -y], [y, x]]
    offset = np.linalg.inv(flange) @ site @ turn
    return offset[:3, 3], matrix_to_rpy(offset[:3, :3])


def _placements(robot: LiftRobot) -> Iterator[FloatArray]:
    """Each joint's frame, seen from the one before; then the flange's; poses (4, 4)."""
    data, model = _at_zero(robot), robot.model
    before = _pose(data.body(_BASE))
    bodies = [model.body(model.jnt_bodyid[index]).name for index in robot.joints_at]
    for name in (*bodies, _FLANGE):
        now = _pose(data.body(name))
        yield np.linalg.inv(before) @ now
        before = now


def _at_zero(robot: LiftRobot) -> mujoco.MjData:
    data = mujoco.MjData(robot.model)
    data.qpos[robot.positions_at] = 0.0
    mujoco.mj_kinematics(robot.model, data)
    return data


def _pose(element: mujoco.MjData) -> FloatArray:
    """Pose (4, 4) in the world of a body or site of MuJoCo's data."""
    pose = np.eye(4)
    pose[:3, :3] = np.array(element.xmat).reshape(3, 3)
    pose[:3, 3] = element.xpos
    return pose


def _link(name: str, way: FloatArray | None) -> list[str]:
    """A link; a rod leads to the joint that it carries, ``way`` (3,) [m]."""
    length = 0.0 if way is None else float(np.linalg.norm(way))
    if way is None or length < _SHORT_M:
        return [f'  <link name="{name}"/>']
    pitch, yaw = np.arctan2(np.hypot(way[0], way[1]), way[2]), np.arctan2(way[1], way[0])
    middle = f'<origin xyz="{_text(way / 2)}" rpy="{_text(np.array([0.0, pitch, yaw]))}"/>'
    rod = f'<cylinder radius="{_ROD_M}" length="{length:.4g}"/>'
    return [
        f'  <link name="{name}">',
        f'    <visual>{middle}<geometry>{rod}</geometry></visual>',
        '  </link>',
    ]


def _origin(pose: FloatArray) -> str:
    return f'<origin xyz="{_text(pose[:3, 3])}" rpy="{_text(matrix_to_rpy(pose[:3, :3]))}"/>'


def _text(values: FloatArray) -> str:
    # Adding zero makes -0 a 0.
    return ' '.join(f'{value:.9g}' for value in np.round(values, 9) + 0.0)


def main() -> int:
    """Write one file an arm into the folder that is given."""
    from neuracore_ros.physics.lift import LiftRobot

    folder = Path(sys.argv[1])
    for arm in ARMS.values():
        (folder / f'{arm.name}.urdf').write_text(urdf_text(LiftRobot(arm)))
    return 0


if __name__ == '__main__':
    sys.exit(main())
