"""Hands of LeRobot datasets, whose joints are in degrees."""

import math

import numpy as np
import pytest

from helpers.lerobot_datasets import write_lerobot
from helpers.small_chain import JOINTS, ROBOT, describe, pose, same_pose
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.convert.cutting import WHOLE
from neuracore_ros.convert.recording import Recording, survey
from neuracore_ros.dataset.metadata import Metadata
from neuracore_ros.description import DataType, Descriptions, load_robot
from neuracore_ros.errors import BagError

POSES = DataType.END_EFFECTOR_POSES
FROM_DATASET = ROBOT.replace('topic: /joint_states', 'topic: observation.state').replace(
    'targets: {END_EFFECTOR_POSES: {topic: /arm/joint_trajectory', 'targets: {END_EFFECTOR_POSES: {topic: action'
)  # fmt: skip
DEGREES = ', joints: {scale: 0.017453292519943295}'


def degrees(episode, k):
    return np.array([20.0 + k, -40.0 + k, 60.0], np.float32)


def wanted(episode, k):
    return degrees(episode, k + 1)


def recorded(folder, text):
    dataset = write_lerobot(
        folder / 'planar', joints=JOINTS, numbers=(degrees, wanted), cameras=(), lengths=(30,)
    )
    return dataset / 'episode_000000', load_robot(describe(folder, text))


def opened(bag, robot):
    described = Descriptions({robot.name: robot.input}, {robot.name: robot.output})
    return Recording(bag, robot, Metadata(30.0, (16, 16), described), WHOLE)


def test_the_hand_of_an_arm_in_degrees_is_where_it_was(tmp_path):
    text = FROM_DATASET.replace('observation.state}', f'observation.state{DEGREES}}}').replace(
        'topic: action}', f'topic: action{DEGREES}}}'
    )
    path, robot = recorded(tmp_path, text)
    with open_bag(path) as bag:
        recording = opened(bag, robot)
        rows = [row for piece in recording.pieces() for row in piece]
        recording.require_plausible()
    for k in (0, 17, 29):
        assert same_pose(rows[k].inputs[POSES][0], pose(*np.radians(degrees(0, k))), 1e-5)
        assert same_pose(rows[k].outputs[POSES][0], pose(*np.radians(wanted(0, k))), 1e-5)
    assert survey(robot, path, 30.0).error == ''


def test_joints_taken_for_radians_are_refused_with_the_line_to_write(tmp_path):
    path, robot = recorded(tmp_path, FROM_DATASET)
    with open_bag(path) as bag:
        recording = opened(bag, robot)
        for piece in recording.pieces():
            assert list(piece)
        with pytest.raises(BagError) as refused:
            recording.require_plausible()
    message = str(refused.value)
    assert (
        "'turn' of chain 'hand' goes from 60 to 60, far outside of its limits -3 to 3" in message
    )
    assert '(likewise shoulder, elbow)' in message
    line = f'in degrees: {{joints: {{scale: {math.pi / 180:.6g}}}}}'
    assert f'Write under sources: END_EFFECTOR_POSES what is true: {line}' in message
    assert f'Write under targets: END_EFFECTOR_POSES what is true: {line}' in message
    assert '\n' not in message
    assert message == survey(robot, path, 30.0).error


def test_joints_in_radians_are_not_refused(tmp_path):
    text = FROM_DATASET.replace('observation.state}', 'observation.state, joints: {scale: 0.01}}')
    path, robot = recorded(
        tmp_path, text.replace('topic: action}', 'topic: action, joints: {scale: 0.01}}')
    )
    assert survey(robot, path, 30.0).error == ''


def test_joints_in_degrees_beside_a_hand_have_the_limits_of_the_urdf(tmp_path):
    joints = 'JOINT_POSITIONS: {topic: observation.state, scale: 0.017453292519943295}'
    text = (
        FROM_DATASET.replace('observation.state}', f'observation.state{DEGREES}}}')
        .replace('topic: action}', f'topic: action{DEGREES}}}')
        .replace('input: {', 'input: {JOINT_POSITIONS: [shoulder, elbow, turn], ')
        .replace('sources: {', f'sources: {{{joints}, ')
    )
    path, robot = recorded(tmp_path, text)
    with open_bag(path) as bag:
        recording = opened(bag, robot)
        for piece in recording.pieces():
            assert list(piece)
        recording.require_plausible()
    assert recording.values.outside.tolist() == [0, 0, 0]
