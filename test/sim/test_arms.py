import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from neuracore_ros.sim.arms import ARMS, FRANKA, SO100, UR5, ArmKinematics

URDF_FOLDER = Path(
    os.environ.get(
        'NEURACORE_ROS_URDFS', Path(__file__).resolve().parents[3] / 'shared' / 'data' / 'urdf'
    )
)
URDF_FILES = {'franka': 'panda.urdf', 'ur5': 'ur5_robot.urdf', 'so100': 'so100.urdf'}


def urdf_joints(arm):
    """The arm's joints as the URDF has them: name -> (xyz, rpy, axis, limits)."""
    file = URDF_FOLDER / URDF_FILES[arm.name]
    if not file.is_file():
        pytest.skip(f'no URDF at {file}; set NEURACORE_ROS_URDFS to a folder that has it')

    def numbers(text):
        return [float(part) for part in text.split()]

    return {
        joint.get('name'): (
            numbers(joint.find('origin').get('xyz')),
            numbers(joint.find('origin').get('rpy')),
            numbers(joint.find('axis').get('xyz')),
            [float(joint.find('limit').get(key)) for key in ('lower', 'upper', 'velocity')],
        )
        for joint in ElementTree.parse(file).getroot().findall('joint')
        if joint.get('name') in arm.joint_names
    }


def turned(axis, angle):
    """Rotation (3, 3) by Rodrigues' formula, written out for the test alone."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


@pytest.mark.parametrize('arm', ARMS.values(), ids=list(ARMS))
def test_the_last_link_is_where_the_urdf_puts_it(arm):
    joints = urdf_joints(arm)
    kinematics = ArmKinematics(arm)
    random = np.random.default_rng(0)
    for _ in range(5):
        positions = random.uniform(kinematics.lower, kinematics.upper)
        place, turn = np.zeros(3), turned([0, 0, 1], arm.yaw)
        for name, angle in zip(arm.joint_names, positions, strict=True):
            xyz, (roll, pitch, yaw), axis, _ = joints[name]
            place = place + turn @ xyz
            fixed = turned([0, 0, 1], yaw) @ turned([0, 1, 0], pitch) @ turned([1, 0, 0], roll)
            turn = turn @ fixed @ turned(axis, angle)
        last = kinematics.poses(positions)[-2]
        np.testing.assert_allclose(last[:3, 3], place, atol=1e-9)
        np.testing.assert_allclose(last[:3, :3], turn, atol=1e-9)


@pytest.mark.parametrize('arm', ARMS.values(), ids=list(ARMS))
def test_limits_are_those_of_the_urdf(arm):
    joints = urdf_joints(arm)
    for joint in arm.joints:
        limits = [joint.lower, joint.upper, joint.velocity]
        np.testing.assert_allclose(limits, joints[joint.name][3], atol=1e-9)


def test_tool_points_at_zero_are_sums_of_link_lengths():
    panda = ArmKinematics(FRANKA).tool(np.zeros(7))
    np.testing.assert_allclose(panda, [0.088, 0, 0.333 + 0.316 + 0.384 - 0.2104], atol=1e-9)
    ur5 = ArmKinematics(UR5).tool(np.zeros(6))
    sideways = 0.13585 - 0.1197 + 0.093 + 0.0823 + 0.13
    np.testing.assert_allclose(ur5, [0.425 + 0.39225, sideways, 0.089159 - 0.09465], atol=1e-9)


@pytest.mark.parametrize('arm', ARMS.values(), ids=list(ARMS))
def test_the_jacobian_agrees_with_finite_differences(arm):
    kinematics = ArmKinematics(arm)
    positions, small = kinematics.home + 0.1, 1e-6
    jacobian = kinematics.tool_jacobian(positions)
    before = kinematics.poses(positions)[-1]
    for i in range(len(positions)):
        after = kinematics.poses(positions + small * np.eye(len(positions))[i])[-1]
        np.testing.assert_allclose(
            jacobian[:3, i], (after[:3, 3] - before[:3, 3]) / small, atol=1e-5
        )
        spin = (after[:3, :3] - before[:3, :3]) @ before[:3, :3].T / small
        np.testing.assert_allclose(
            jacobian[3:, i], [spin[2, 1], spin[0, 2], spin[1, 0]], atol=1e-5
        )


@pytest.mark.parametrize('arm', ARMS.values(), ids=list(ARMS))
def test_home_is_within_the_limits_and_the_tool_points_down(arm):
    kinematics = ArmKinematics(arm)
    assert np.all(kinematics.home > kinematics.lower)
    assert np.all(kinematics.home < kinematics.upper)
    assert kinematics.poses(kinematics.home)[-1, 2, 2] < -0.9


def test_joint_names_are_those_of_the_real_drivers():
    assert FRANKA.joint_names == tuple(f'panda_joint{i}' for i in range(1, 8))
    assert UR5.joint_names[2:4] == ('elbow_joint', 'wrist_1_joint')
    assert SO100.joint_names[-1] == 'wrist_roll'
    assert 'gripper' in SO100.passengers
