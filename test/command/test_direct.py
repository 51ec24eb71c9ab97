"""Predictions of what is sent as it is: read, clamped, converted and arranged into messages."""

import numpy as np
import pytest

from neuracore_ros.command.direct import DirectMotion
from neuracore_ros.command.direct_values import DirectMeasured
from neuracore_ros.command.settings import Settings
from neuracore_ros.description import DataType
from neuracore_ros.description.chain import Chain, Placement
from neuracore_ros.description.direct import DirectCommand, DirectLimit, DirectSlot
from neuracore_ros.errors import PolicyError
from neuracore_ros.kinematics.interpolation import distance

TWIST = 'geometry_msgs/msg/Twist'
ARRAY = 'std_msgs/msg/Float64MultiArray'
POSE = 'geometry_msgs/msg/PoseStamped'
NUMBERS, POSES = DataType.CUSTOM_1D, DataType.END_EFFECTOR_POSES
HOME = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]


def number(index, name, called='', scale=1.0, offset=0.0, most=2.0):
    limit = DirectLimit(most)
    return DirectSlot(NUMBERS, index, name, called or name, scale, offset, limit)


def hand(folder, scale=1.0, **more):
    chain = Chain('hand', folder / 'none.urdf', 'base', 'tip', ('a',), **more)
    limit = DirectLimit(1.0, None, 2.0)
    return DirectSlot(POSES, 0, 'hand', 'hand', scale, 0.0, limit, chain=chain)


def motion(*commands):
    return DirectMotion(commands, Settings(), 20.0)


BASE = motion(
    DirectCommand('cmd_vel', TWIST, (number(2, 'turn', 'angular.z'), number(0, 'x', 'linear.x'))),
    DirectCommand('lights', ARRAY, (number(1, 'light', scale=2.0, offset=1.0),)),
)


def test_each_topic_gets_its_numbers_where_it_expects_them():
    values = BASE.from_slots({NUMBERS: np.tile([0.5, 1.5, -0.25], (3, 1))}, 3)
    assert values.numbers[0].tolist() == [-0.25, 0.5, 0.25]
    BASE.begin(
        DirectMeasured(*np.full((2, 3), np.nan), np.zeros((0, 7)), np.zeros(0, int)), False, 0
    )
    BASE.merge(values, 0)
    twist, lights = BASE.points(0)
    assert twist.values.tolist() == [0.5, 0, 0, 0, 0, -0.25]
    assert (twist.topic, lights.topic, lights.values.tolist()) == ('cmd_vel', 'lights', [0.25])


@pytest.mark.parametrize(
    ('chunk', 'says'),
    [
        ({}, "the prediction lacks CUSTOM_1D index 2 ('turn')"),
        ({NUMBERS: np.zeros((2, 3))}, r'has shape \(2, 3\), wants \(3, W\)'),
        ({NUMBERS: np.zeros((3, 2))}, r'has shape \(3, 2\), wants \(3, W\)'),
        ({NUMBERS: np.zeros((3, 3, 7))}, r'has shape \(3, 3, 7\), wants \(3, W\)'),
        ({NUMBERS: np.full((3, 3), np.nan)}, "not finite at CUSTOM_1D index 2 ('turn')"),
    ],
)
def test_what_is_no_prediction_is_refused_in_one_line(chunk, says):
    with pytest.raises(PolicyError, match=says.replace("('", r"\('").replace("')", r"'\)")):
        BASE.from_slots(chunk, 3)


def test_what_its_scale_makes_too_large_is_refused():
    small = motion(DirectCommand('x', ARRAY, (number(0, 'x', scale=1e-300),)))
    with pytest.raises(PolicyError, match='not finite'):
        small.from_slots({NUMBERS: np.full((2, 1), 1e30)}, 2)


def test_the_pose_of_a_chain_is_sent_as_that_of_its_tip(tmp_path):
    slot = hand(
        tmp_path,
        scale=2.0,
        base_offset=Placement((0.0, 0.0, 0.5), (0.0, 0.0, np.pi)),
        tip_offset=Placement((0.0, 0.0, 0.1), (np.pi, 0.0, 0.0)),
    )
    # In units of half a metre, from a base frame that looks back; the hand points down.
    wanted = [0.6, 0.0, 0.4, 0.0, 0.0, 0.0, 1.0]
    values = motion(DirectCommand('x', POSE, (slot,), 'base')).from_slots(
        {POSES: np.tile(wanted, (2, 1, 1))}, 2
    )
    tip = [-0.3, 0.0, 0.5 + 0.2 + 0.1, 0.0, 1.0, 0.0, 0.0]
    assert distance(values.poses[0, 0], np.array(tip)) == pytest.approx((0.0, 0.0), abs=1e-7)


def test_no_pose_leaves_the_workspace_of_its_chain(tmp_path):
    slot = hand(tmp_path, scale=2.0, workspace={'x': (-0.1, 0.2), 'z': (0.3, 0.8)})
    robot = motion(DirectCommand('x', POSE, (slot,), 'base'))
    far = np.tile([9.0, 9.0, -9.0, 0, 0, 0, 1.0], (2, 1, 1))
    assert robot.from_slots({POSES: far}, 2).poses[0, 0, :3].tolist() == [0.2, 4.5, 0.3]


@pytest.mark.parametrize('length', [0.0, 0.98, 1.02, -3.0])
def test_a_quaternion_of_another_length_is_no_rotation(tmp_path, length):
    robot = motion(DirectCommand('x', POSE, (hand(tmp_path),), 'base'))
    wrong = np.tile([0, 0, 0, 0, 0, 0, length], (2, 1, 1))
    with pytest.raises(PolicyError, match=f'a quaternion of length {abs(length):g}, not 1, at'):
        robot.from_slots({POSES: wrong}, 2)


def test_numbers_and_poses_of_one_robot_end_together(tmp_path):
    robot = motion(
        DirectCommand('x', POSE, (hand(tmp_path),), 'base'),
        DirectCommand('lights', ARRAY, (number(0, 'light'),)),
    )
    chunk = {POSES: np.tile(HOME, (4, 1, 1)), NUMBERS: np.ones((4, 1))}
    here = DirectMeasured(*np.full((2, 1), np.nan), np.array([HOME]), np.zeros(1, int))
    robot.begin(here, False, 0)
    robot.merge(robot.from_slots(chunk, 4), 0)
    assert [message.topic for message in robot.points(0)] == ['x', 'lights']
    assert not robot.at_rest
    robot.stop(here)
    for now_ns in range(0, 10**9, 50_000_000):
        robot.points(now_ns)
    assert robot.at_rest
    assert robot.points(10**9) == ()
