"""The shipped robot files that tell the simulated arms poses of their hands."""

import numpy as np
import pytest

from neuracore_ros.description import DataType, load_descriptions, load_robot
from neuracore_ros.description.shipped import shipped
from neuracore_ros.kinematics.chain import ChainKinematics
from neuracore_ros.kinematics.inverse import InverseKinematics
from neuracore_ros.kinematics.rotations import quaternion_to_matrix
from neuracore_ros.sim.arms import ARMS, ArmKinematics
from neuracore_ros.sim.camera import OVERSAMPLING, ReachCameras
from neuracore_ros.sim.expert import solve_posture
from neuracore_ros.sim.reaching import AZIMUTH, BALL_RADIUS, HEIGHT, RADIUS, draw_trial

ALL_ARMS = pytest.mark.parametrize('arm', ARMS.values(), ids=list(ARMS))
POSES, IMAGES = DataType.END_EFFECTOR_POSES, DataType.RGB_IMAGES


def hand(arm):
    return load_robot(shipped(f'{arm.name}_hand'))


@ALL_ARMS
def test_the_hand_is_the_tool_of_the_simulation(arm):
    chain, simulated = ChainKinematics(hand(arm).chains['hand']), ArmKinematics(arm)
    assert chain.chain.joints == arm.joint_names
    random = np.random.default_rng(0)
    for positions in random.uniform(simulated.lower, simulated.upper, (5, len(arm.joints))):
        tool, pose = simulated.poses(positions)[-1], chain.pose(positions)
        np.testing.assert_allclose(pose[:3], tool[:3, 3], atol=1e-6)
        approach = quaternion_to_matrix(pose[3:])[:, 2]
        np.testing.assert_allclose(approach, tool[:3, 2], atol=1e-5)


@ALL_ARMS
def test_at_one_ball_all_hands_point_down_and_close_alike(arm):
    chain, simulated = ChainKinematics(hand(arm).chains['hand']), ArmKinematics(arm)
    for seed in range(10):
        target = draw_trial(simulated, seed).target
        turned = quaternion_to_matrix(chain.pose(solve_posture(simulated, target))[3:])
        yaw = 0.5 * np.arctan2(target[1], target[0]) - np.pi / 2
        np.testing.assert_allclose(turned[:, 2], [0, 0, -1], atol=0.06)
        np.testing.assert_allclose(turned[:2, 0], [np.cos(yaw), np.sin(yaw)], atol=0.1)


@ALL_ARMS
def test_poses_are_in_reaches_of_the_arm(arm):
    robot = hand(arm)
    (output,) = robot.chain_outputs()
    for scale in (robot.source(POSES, 'hand').scale, output.scale):
        assert scale == pytest.approx(1 / arm.reach, abs=1e-5)


@ALL_ARMS
def test_wherever_the_ball_may_lie_all_of_it_is_in_the_crop(arm):
    crop, view = hand(arm).source(IMAGES, 'overhead').crop, ReachCameras(ArmKinematics(arm))
    around = BALL_RADIUS * np.vstack([np.eye(3), -np.eye(3)])
    for radius in RADIUS:
        for azimuth in np.linspace(*AZIMUTH, 7):
            ball = radius * np.cos(azimuth), radius * np.sin(azimuth), HEIGHT
            pixels, _ = view.overhead_view.project(arm.reach * (ball + around))
            across, down = (pixels / OVERSAMPLING).T
            assert crop.x <= across.min() and across.max() <= crop.x + crop.width
            assert crop.y <= down.min() and down.max() <= crop.y + crop.height


@ALL_ARMS
def test_every_ball_lies_within_the_workspace_and_is_reached(arm):
    chain, limits = hand(arm).chains['hand'], ArmKinematics(arm)
    solve = InverseKinematics(chain, limits.lower, limits.upper, limits.velocity, 0.05)
    for seed in range(50):
        target = draw_trial(limits, seed).target
        pose = solve.kinematics.pose(solve_posture(limits, target))
        (found,) = solve.follow([pose], limits.home, np.full(len(limits.home), np.inf))
        assert not solve.clamped
        np.testing.assert_allclose(limits.tool(found), target, atol=2e-3)


def test_the_arms_share_one_layout():
    descriptions = load_descriptions([shipped('franka_ur5_hands')])
    so100 = load_robot(shipped('so100_hand'))
    descriptions.input_layout.require(so100.input)
    descriptions.output_layout.require(so100.output)
