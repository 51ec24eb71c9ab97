"""URDFs and chains of the arms that lift: they are where MuJoCo has them."""

import numpy as np
import pytest

# First of all, since it tells MuJoCo how to draw, which looks once.
from neuracore_ros.physics.arms import ARMS

mujoco = pytest.importorskip('mujoco', reason="needs pip install 'neuracore_ros[mujoco]'")
pytest.importorskip('robosuite', reason="needs pip install 'neuracore_ros[mujoco]'")

from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.descriptions import load_descriptions
from neuracore_ros.description.shipped import shipped
from neuracore_ros.kinematics.chain import ChainKinematics
from neuracore_ros.kinematics.rotations import quaternion_to_matrix
from neuracore_ros.physics.lift import LiftRobot
from neuracore_ros.physics.urdf import TOOL, grasp_offset, urdf_text


@pytest.fixture(scope='module')
def robots():
    return {name: LiftRobot(arm) for name, arm in ARMS.items()}


@pytest.fixture(params=ARMS)
def robot(request, robots):
    return robots[request.param]


def chain_of(robot):
    return load_robot(shipped(f'{robot.arm.name}_hand')).chains['hand']


def placed(robot, positions):
    data = mujoco.MjData(robot.model)
    data.qpos[robot.positions_at] = positions
    mujoco.mj_kinematics(robot.model, data)
    return data


def test_the_shipped_urdf_is_that_of_the_model(robot):
    assert shipped(robot.arm.name).with_suffix('.urdf').read_text() == urdf_text(robot)


def test_the_chain_is_where_the_physics_has_the_fingertips(robot):
    kinematics = ChainKinematics(chain_of(robot))
    random, base = np.random.default_rng(0), robot.model.body('robot0_base').pos
    x, y = robot.arm.closing
    for _ in range(20):
        positions = robot.home + random.normal(0.0, 0.5, len(robot.home))
        site = placed(robot, positions).site(TOOL)
        axes = np.array(site.xmat).reshape(3, 3)
        pose = kinematics.pose(positions)
        np.testing.assert_allclose(pose[:3], site.xpos - base, atol=1e-4)
        grasp = quaternion_to_matrix(pose[3:])
        np.testing.assert_allclose(grasp[:, 2], axes[:, 2], atol=1e-4)
        np.testing.assert_allclose(grasp[:, 0], x * axes[:, 0] + y * axes[:, 1], atol=1e-4)


def test_the_robot_file_has_the_grasp_frame_of_the_model(robot):
    xyz, rpy = grasp_offset(robot)
    offset = chain_of(robot).tip_offset
    np.testing.assert_allclose(offset.xyz, xyz, atol=1e-4)
    np.testing.assert_allclose(offset.rpy, rpy, atol=1e-4)


def test_fingers_close_along_x_of_the_grasp_frame(robot):
    data, geoms = placed(robot, robot.home), range(robot.model.ngeom)
    pads = [g for g in geoms if 'pad' in (name := robot.model.geom(g).name) and 'gripper0' in name]
    across = data.site(TOOL).xmat.reshape(3, 3).T @ np.array(data.geom_xpos[pads]).T
    x, y = robot.arm.closing
    spread = np.ptp(np.array([[x, y], [-y, x]]) @ across[:2], axis=1)
    # The three fingers of one hand stand at the corners of a triangle.
    assert spread[0] > max(0.04, 1.5 * spread[1]) or robot.arm.name == 'lift_panda'


def test_at_home_all_hands_look_down_and_close_sideways(robot):
    pose = ChainKinematics(chain_of(robot)).pose(robot.home)
    grasp = quaternion_to_matrix(pose[3:])
    assert grasp[2, 2] < -0.99
    assert grasp[1, 0] > 0.98
    assert 0.3 < pose[0] < 0.6 and abs(pose[1]) < 0.2


def test_home_of_the_chain_is_where_trials_begin(robot):
    chain = chain_of(robot)
    home = [chain.home[joint] for joint in chain.joints]
    assert chain.joints == robot.arm.joints
    np.testing.assert_allclose(home, robot.home, atol=1e-4)


def test_all_hands_share_one_layout_and_so_do_all_arms():
    hands = load_descriptions([shipped('lift_hands')])
    arms = load_descriptions([shipped('lift_arms')])
    assert len(hands.robots) == len(arms.robots) == len(ARMS)
    assert {str(kind): width for kind, width in hands.output_layout.widths.items()} == {
        'END_EFFECTOR_POSES': 1,
        'PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS': 1,
    }
    assert arms.output_layout.widths[next(iter(arms.output_layout.widths))] == 7


def test_joints_of_one_slot_are_near_each_other_at_home(robots):
    panda = robots['lift_panda'].home
    for robot in robots.values():
        file = load_robot(shipped(robot.arm.name))
        for index, name in file.input[DataType.JOINT_POSITIONS].items():
            source = file.source(DataType.JOINT_POSITIONS, name)
            slot = source.value(robot.home[robot.arm.joints.index(name)])
            # wrist_3 of the UR5e has a zero of its own; the xArm begins with its hand high up.
            if name != 'wrist_3_joint':
                assert abs(slot - panda[index]) < 1.1
