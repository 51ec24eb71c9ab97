"""Poses of chains: forward kinematics of what is measured and of what is commanded."""

import math

import numpy as np
import pytest

from helpers.small_bags import Messages, at
from helpers.small_chain import JOINTS, ROBOT, describe, pose, same_pose
from neuracore_ros.description import DataType, Layout, load_robot
from neuracore_ros.observation import Observer

POSES = DataType.END_EFFECTOR_POSES
POSITIONS = (0.3, -0.8, 1.1)


def observer(folder, text=ROBOT, targets=False):
    robot = load_robot(describe(folder, text))
    sources = robot.output_sources() if targets else robot.input_sources()
    return Observer(sources, Layout({POSES: 1}), None)


def state(seconds, positions=POSITIONS, names=JOINTS):
    return Messages().joints(at(seconds), **dict(zip(names, positions, strict=True)))


def test_the_pose_is_that_of_the_measured_joints(tmp_path):
    seen = observer(tmp_path)
    seen.receive('/joint_states', state(0.0), at(0.0))
    found = seen.observe(at(0.05))
    assert same_pose(found.inputs[POSES][0], pose(*POSITIONS))
    assert found.ages_s[POSES, 'hand'] == pytest.approx(0.05)


def test_other_joints_on_the_topic_do_not_matter(tmp_path):
    seen = observer(tmp_path)
    names = ('finger', *JOINTS[::-1])
    seen.receive('/joint_states', state(0.0, (9.0, *POSITIONS[::-1]), names), at(0.0))
    assert same_pose(seen.observe(at(0.0)).inputs[POSES][0], pose(*POSITIONS))


def test_a_scale_multiplies_the_position_only(tmp_path):
    text = ROBOT.replace('{topic: /joint_states}', '{topic: /joint_states, scale: 2.0}')
    seen = observer(tmp_path, text)
    seen.receive('/joint_states', state(0.0), at(0.0))
    found, plain = seen.observe(at(0.0)).inputs[POSES][0], pose(*POSITIONS)
    assert same_pose(found, [*2.0 * plain[:3], *plain[3:]])


@pytest.mark.parametrize('targets', [False, True])
def test_joints_are_brought_to_the_unit_of_the_urdf(tmp_path, targets):
    joints = 'joints: {scale: 0.017453292519943295, elbow: {scale: -1, offset: 0.5}}'
    topic = '/arm/joint_trajectory' if targets else '/joint_states'
    section = 'targets' if targets else 'sources'
    text = ROBOT.replace(
        f'{section}: {{END_EFFECTOR_POSES: {{topic: {topic}}}',
        f'{section}: {{END_EFFECTOR_POSES: {{topic: {topic}, {joints}}}',
    )
    seen = observer(tmp_path, text, targets)
    own = (math.degrees(POSITIONS[0]), 0.5 - POSITIONS[1], math.degrees(POSITIONS[2]))
    if targets:
        seen.receive(topic, Messages().trajectory(at(0.0), [(0.0, list(own))], JOINTS), at(0.0))
    else:
        seen.receive(topic, state(0.0, own), at(0.0))
    assert same_pose(seen.observe(at(0.0)).inputs[POSES][0], pose(*POSITIONS))


def test_a_missing_joint_is_named(tmp_path):
    seen = observer(tmp_path)
    seen.receive('/joint_states', state(0.0, (0.0, 0.0), ('shoulder', 'turn')), at(0.0))
    (fault,) = seen.observe(at(0.0)).reasons
    assert "/joint_states lacks 'elbow' (END_EFFECTOR_POSES index 0" in fault.text


def test_a_joint_that_has_stopped_makes_the_pose_stale(tmp_path):
    seen = observer(tmp_path)
    seen.receive('/joint_states', state(0.0), at(0.0))
    seen.receive('/joint_states', state(0.5, (0.0, 0.0), ('shoulder', 'turn')), at(0.5))
    (fault,) = seen.observe(at(0.5)).reasons
    assert fault.kind == 'stale' and "'elbow'" in fault.text


def test_a_joint_that_is_not_a_number_gives_no_pose(tmp_path):
    seen = observer(tmp_path)
    seen.receive('/joint_states', state(0.0, (0.0, math.nan, 0.0)), at(0.0))
    (fault,) = seen.observe(at(0.0)).reasons
    assert fault.kind == 'not_finite'
    (status,) = seen.status(at(0.0))
    assert status.drops == {'not_finite': 1} and 'nan' in status.problem


def test_a_commanded_pose_is_that_of_the_trajectory_now(tmp_path):
    seen = observer(tmp_path, targets=True)
    points = [(1.0, (0.0, 0.0, 0.0)), (2.0, (1.0, 0.5, -0.5))]
    message = Messages().trajectory(at(0.0), points, JOINTS)
    seen.receive('/arm/joint_trajectory', message, at(0.0))
    found = seen.observe(at(1.5)).inputs[POSES][0]
    assert same_pose(found, pose(0.5, 0.25, -0.25))
    # It never ages, and its last point holds.
    assert same_pose(seen.observe(at(60.0)).inputs[POSES][0], pose(1.0, 0.5, -0.5))


def test_a_pose_topic_of_a_chain_gives_its_tip_in_its_base(tmp_path):
    text = ROBOT.replace('topic: /joint_states', 'topic: /pose, type: PoseStamped')
    text = text.replace('sources:', 'sources:\n  JOINT_POSITIONS: {topic: /joint_states}\n ')
    text = text.replace('  {END_EFFECTOR_POSES', '  END_EFFECTOR_POSES').replace(
        'PoseStamped}}', 'PoseStamped}'
    )
    seen = observer(tmp_path, text)
    yaw = sum(POSITIONS)
    first, second = POSITIONS[0], POSITIONS[0] + POSITIONS[1]
    tip = [
        0.4 * math.cos(first) + 0.3 * math.cos(second) + 0.1 * math.cos(yaw),
        0.4 * math.sin(first) + 0.3 * math.sin(second) + 0.1 * math.sin(yaw),
        0.0,
    ]
    turn = [0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2)]
    seen.receive('/pose', Messages().pose(at(0.0), tip, turn), at(0.0))
    assert same_pose(seen.observe(at(0.0)).inputs[POSES][0], pose(*POSITIONS))


def test_two_chains_of_one_topic_are_two_poses(tmp_path):
    text = ROBOT.replace('  hand:\n', '  upper: {base: base, tip: lower}\n  hand:\n')
    text = text.replace(
        'input: {END_EFFECTOR_POSES: {0: hand}}',
        'input: {END_EFFECTOR_POSES: {0: hand, 1: upper}}',
    )
    robot = load_robot(describe(tmp_path, text))
    seen = Observer(robot.input_sources(), Layout({POSES: 2}), None)
    seen.receive('/joint_states', state(0.0), at(0.0))
    hand, upper = seen.observe(at(0.0)).inputs[POSES]
    assert same_pose(hand, pose(*POSITIONS))
    first = POSITIONS[0]
    assert np.allclose(upper[:3], [0.4 * math.cos(first), 0.4 * math.sin(first), 0.0], atol=1e-6)
