"""Names and units of a LeRobot checkpoint become a server file, or one line that says what lacks."""

import json
import math

import numpy as np
import pytest

from helpers.lerobot_files import NAMES, SO101, write_checkpoint, write_dataset
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.remote.server_file import ServerFile
from neuracore_ros.policy.remote.server_map import ServerMap
from neuracore_ros.serving.lerobot.checkpoint import read_lerobot_checkpoint
from neuracore_ros.serving.lerobot.drafted_map import LerobotWiring, server_file_of
from neuracore_ros.serving.lerobot.names import (
    LerobotNames,
    read_calibration,
    read_dataset_names,
)
from neuracore_ros.serving.lerobot.units import JointUnits, LerobotUnits

POS = tuple(f'{name}.pos' for name in NAMES)
DEGREES = JointUnits(LerobotUnits.DEGREES, (0.0, 100.0))
RADIANS = JointUnits(LerobotUnits.RADIANS, (0.0, 1.0))
SLOTS = JointUnits(LerobotUnits.SLOTS)
NUMBERS = LerobotNames(POS, POS, 30.0)


@pytest.fixture
def checkpoint(tmp_path):
    return read_lerobot_checkpoint(write_checkpoint(tmp_path / 'act'))


@pytest.fixture
def robot(tmp_path):
    return so101(tmp_path)


def so101(folder, text=SO101):
    (folder / 'so101.yaml').write_text(text)
    return load_robot(folder / 'so101.yaml')


def written(checkpoint, horizon=8, execute=None, **wiring):
    text = server_file_of(checkpoint, LerobotWiring(**wiring), horizon, execute)
    return ServerFile.parse(text, checkpoint.folder)


def refusal(checkpoint, **wiring):
    with pytest.raises(PolicyError) as caught:
        written(checkpoint, **wiring)
    return str(caught.value)


def sent(file):
    """What the server gets for slots that hold 1."""
    manifest = ServerMap(file).manifest()
    inputs = {k.value: np.ones((1, *manifest.input_shape(k)), k.dtype) for k in manifest.input}
    valid = {k.value: np.ones((1, s.width), bool) for k, s in manifest.input.items()}
    return ServerMap(file).request(inputs, valid)


def test_names_with_lerobots_ending_are_those_of_the_robot_file(checkpoint, robot):
    file = written(checkpoint, names=NUMBERS, robot=robot, units=DEGREES)
    state = sent(file)['observation.state']
    assert state.tolist() == pytest.approx([180 / math.pi] * 5 + [100.0])
    outputs = ServerMap(file).outputs(np.full((8, 6), 90.0, np.float32), {})
    assert outputs['JOINT_TARGET_POSITIONS'][0, 0] == pytest.approx([math.pi / 2] * 5)
    assert outputs['PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS'][0, 0] == pytest.approx([0.9])


def test_the_order_is_the_checkpoints(checkpoint, robot):
    turned = tuple(reversed(POS))
    numbers = LerobotNames(turned, turned, 30.0)
    file = written(checkpoint, names=numbers, robot=robot, units=DEGREES)
    assert [str(column) for column in file.sent_columns()] == [
        'PARALLEL_GRIPPER_OPEN_AMOUNTS 0',
        *(f'JOINT_POSITIONS {index}' for index in (4, 3, 2, 1, 0)),
    ]


def test_slots_in_degrees_take_degrees_as_they_are(checkpoint, tmp_path):
    topic = 'JOINT_POSITIONS: {topic: /joint_states'
    text = SO101.replace(topic, f'{topic}, scale: 57.29578')
    for kind in ('sources', 'commands'):
        head, tail = text.split(f'\n{kind}:')
        target = 'JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory'
        text = f'{head}\n{kind}:' + tail.replace(target, f'{target}, scale: 57.29578')
    text = text.replace('scale: 57.29578, scale: 57.29578', 'scale: 57.29578')
    file = written(checkpoint, names=NUMBERS, robot=so101(tmp_path, text), units=DEGREES)
    assert sent(file)['observation.state'][:5].tolist() == pytest.approx([1.0] * 5, rel=1e-4)


def test_a_robot_file_in_no_known_unit_is_refused(checkpoint, tmp_path):
    text = SO101.replace(
        'JOINT_POSITIONS: {topic: /joint_states}',
        'JOINT_POSITIONS: {topic: /joint_states, scale: 2.0}',
    )
    robot = so101(tmp_path, text)
    said = refusal(checkpoint, names=NUMBERS, robot=robot, units=DEGREES)
    assert "'shoulder_pan' has scale 2, so its slot is neither in radians nor in degrees" in said
    assert written(checkpoint, names=NUMBERS, robot=robot, units=SLOTS)


def test_slots_that_a_vocabulary_turns_are_not_lerobots(checkpoint, tmp_path):
    (tmp_path / 'ours.yaml').write_text('vocabulary: ours/1\nslots: {joints: {a: {index: 0}}}\n')
    named = f'vocabulary: ours.yaml\n{SO101}'
    assert written(checkpoint, names=NUMBERS, robot=so101(tmp_path, named), units=DEGREES)
    topic = 'JOINT_POSITIONS: {topic: /joint_states'
    for sense in ('scale: -1', 'offset: 1.57'):
        text = named.replace(topic, f'{topic}, {sense}')
        robot = so101(tmp_path, text)
        said = refusal(checkpoint, names=NUMBERS, robot=robot, units=DEGREES)
        assert "for the vocabulary 'ours/1', and LeRobot's numbers have its own signs" in said
        assert written(checkpoint, names=NUMBERS, robot=robot, units=SLOTS)


def test_normalized_numbers_are_of_the_calibrated_range(checkpoint, robot, tmp_path):
    ranges = {
        name: {'id': n, 'drive_mode': 0, 'homing_offset': 0, 'range_min': 0, 'range_max': 4095}
        for n, name in enumerate(NAMES)
    }
    ranges['elbow_flex'] |= {'range_min': 1000, 'range_max': 1000 + 4095 // 3}
    (tmp_path / 'arm.json').write_text(json.dumps(ranges))
    units = JointUnits(
        LerobotUnits.NORMALIZED, (0.0, 100.0), read_calibration(tmp_path / 'arm.json')
    )
    file = written(checkpoint, names=NUMBERS, robot=robot, units=units)
    outputs = ServerMap(file).outputs(np.full((8, 6), 100.0, np.float32), {})
    wanted = [math.pi, math.pi, math.pi / 3, math.pi, math.pi]
    assert outputs['JOINT_TARGET_POSITIONS'][0, 0] == pytest.approx(wanted)
    without = JointUnits(LerobotUnits.NORMALIZED, (0.0, 100.0))
    assert '--calibration FILE' in refusal(checkpoint, names=NUMBERS, robot=robot, units=without)


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        ({'drive_mode': 1}, 'its drive_mode turns it'),
        ({'range_max': 10}, 'its range, 10 to 10, is empty'),
        ({'range_min': 'x'}, 'range_min must be an integer'),
    ],
)
def test_a_calibration_that_says_less_is_refused(tmp_path, change, said):
    motor = {'id': 1, 'drive_mode': 0, 'homing_offset': 0, 'range_min': 10, 'range_max': 20}
    (tmp_path / 'arm.json').write_text(json.dumps({'elbow': motor | change}))
    with pytest.raises(PolicyError, match='elbow: .*') as caught:
        read_calibration(tmp_path / 'arm.json')
    assert said in str(caught.value)


def test_nothing_is_guessed(checkpoint, robot):
    assert '--dataset DIR, or --rate-hz HZ' in refusal(checkpoint, robot=robot, units=DEGREES)
    rate = LerobotNames(rate_hz=30.0)
    said = refusal(checkpoint, names=rate, robot=robot, units=DEGREES)
    assert 'observation.state has 6 numbers, which the checkpoint does not name' in said
    assert 'so101.yaml has: shoulder_pan, shoulder_lift, elbow_flex' in said
    state = LerobotNames(POS, (), 30.0)
    assert '--action NAME' in refusal(checkpoint, names=state, robot=robot, units=DEGREES)
    assert 'give --units' in refusal(checkpoint, names=NUMBERS, robot=robot)
    assert 'give --robot FILE' in refusal(checkpoint, names=NUMBERS, units=DEGREES)
    short = LerobotNames(POS[:5], POS, 30.0)
    said = refusal(checkpoint, names=short, robot=robot, units=DEGREES)
    assert 'observation.state has 6 numbers, but there are 5 names' in said


def test_a_name_that_the_robot_lacks_is_shown_beside_those_it_has(checkpoint, robot):
    names = ('base.pos', *POS[1:])
    said = refusal(checkpoint, names=LerobotNames(names, POS, 30.0), robot=robot, units=DEGREES)
    assert "so101.yaml has no 'base.pos'" in said
    assert 'It has: shoulder_pan, shoulder_lift' in said and 'the checkpoint: base.pos' in said


def test_a_name_that_is_two_slots_is_not_chosen(checkpoint, tmp_path):
    text = SO101.replace('input:\n', 'input:\n  JOINT_VELOCITIES: [shoulder_pan]\n').replace(
        'sources:\n', 'sources:\n  JOINT_VELOCITIES: {topic: /joint_states}\n'
    )
    robot = so101(tmp_path, text)
    bare = LerobotNames(NAMES, POS, 30.0)
    said = refusal(checkpoint, names=bare, robot=robot, units=DEGREES)
    assert "'shoulder_pan' as JOINT_POSITIONS.0 and as JOINT_VELOCITIES.0" in said or (
        "'shoulder_pan' as JOINT_VELOCITIES.0 and as JOINT_POSITIONS.0" in said
    )
    column = LerobotNames(('JOINT_POSITIONS.0', *NAMES[1:]), POS, 30.0)
    assert written(checkpoint, names=column, robot=robot, units=DEGREES)
    # The ending says it.
    assert written(checkpoint, names=NUMBERS, robot=robot, units=DEGREES)


@pytest.mark.parametrize('side', ['state', 'action'])
def test_a_slot_is_given_once(checkpoint, robot, side):
    twice = (POS[0], POS[0], *POS[2:])
    names = LerobotNames(**({'state': POS, 'action': POS, 'rate_hz': 30.0} | {side: twice}))
    said = refusal(checkpoint, names=names, robot=robot, units=DEGREES)
    assert 'are both JOINT_' in said


def test_a_gripper_among_the_joints_is_not_taken_for_an_angle(checkpoint, tmp_path):
    text = (
        SO101.replace('  PARALLEL_GRIPPER_OPEN_AMOUNTS: [gripper]\n', '')
        .replace('  PARALLEL_GRIPPER_OPEN_AMOUNTS: {topic: /joint_states}\n', '')
        .replace('wrist_roll]\n  RGB', 'wrist_roll, gripper]\n  RGB')
    )
    robot = so101(tmp_path, text)
    said = refusal(checkpoint, names=NUMBERS, robot=robot, units=DEGREES)
    assert "'gripper.pos' is a gripper, of which LeRobot tells the opening" in said


def test_a_gripper_in_radians_needs_its_ends(checkpoint, robot):
    units = JointUnits(LerobotUnits.RADIANS)
    said = refusal(checkpoint, names=NUMBERS, robot=robot, units=units)
    assert '--gripper 0,1' in said
    turned = JointUnits(LerobotUnits.RADIANS, (1.0, 0.2))
    file = written(checkpoint, names=NUMBERS, robot=robot, units=turned)
    outputs = ServerMap(file).outputs(np.full((8, 6), 0.2, np.float32), {})
    assert outputs['PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS'][0, 0] == pytest.approx([1.0])
    assert sent(file)['observation.state'][5] == pytest.approx(0.2)


def test_cameras_go_by_name(checkpoint, robot, tmp_path):
    file = written(checkpoint, names=NUMBERS, robot=robot, units=DEGREES)
    assert sent(file)['observation.images.front'].shape == (48, 64, 3)
    other = so101(tmp_path, SO101.replace('front', 'overhead'))
    said = refusal(checkpoint, names=NUMBERS, robot=other, units=DEGREES)
    assert "so101.yaml has no camera 'front'" in said and '--camera front=NAME' in said
    both = {'names': NUMBERS, 'robot': other, 'units': DEGREES}
    assert written(checkpoint, **both, cameras={'front': 'overhead'})
    assert written(checkpoint, **both, cameras={'observation.images.front': 'overhead'})
    assert "has no image 'frnt'; did you mean 'front'?" in refusal(
        checkpoint, **both, cameras={'frnt': 'overhead'}
    )
    assert 'are both the camera at RGB_IMAGES index 1' in refusal(
        checkpoint, **both, cameras={'front': 'wrist'}
    )


def test_a_checkpoint_of_our_own_dataset_needs_no_robot(tmp_path):
    inputs = {
        'observation.state': {'type': 'STATE', 'shape': [10]},
        'observation.images.rgb_1': {'type': 'VISUAL', 'shape': [3, 48, 64]},
    }
    pose = [f'END_EFFECTOR_POSES.0.{n}' for n in ('x', 'y', 'z', 'qx', 'qy', 'qz', 'qw')]
    columns = [*(f'JOINT_POSITIONS.{n}' for n in range(3)), *pose]
    config = {
        'input_features': inputs,
        'output_features': {'action': {'type': 'ACTION', 'shape': [10]}},
    }
    checkpoint = read_lerobot_checkpoint(write_checkpoint(tmp_path / 'act', config))
    actions = [name.replace('POSITIONS', 'TARGET_POSITIONS') for name in columns]
    data = write_dataset(tmp_path / 'data', columns, actions, 20)
    file = written(checkpoint, names=read_dataset_names(data))
    assert file.rate_hz == 20.0
    manifest = ServerMap(file).manifest()
    assert manifest.input[DataType.JOINT_POSITIONS].required == (0, 1, 2)
    assert manifest.input[DataType.RGB_IMAGES].trained == (1,)
    inputs = {
        'JOINT_POSITIONS': np.array([[[1.0, 2.0, 3.0]]], np.float32),
        'END_EFFECTOR_POSES': np.array([[[[4, 5, 6, 0, 0, 0, 1]]]], np.float32),
        'RGB_IMAGES': np.zeros((1, 1, 2, 48, 64, 3), np.uint8),
    }
    valid = {'JOINT_POSITIONS': [3], 'END_EFFECTOR_POSES': [1], 'RGB_IMAGES': [2]}
    valid = {name: np.ones((1, width[0]), bool) for name, width in valid.items()}
    state = ServerMap(file).request(inputs, valid)['observation.state']
    assert state.tolist() == [1, 2, 3, 4, 5, 6, 0, 0, 0, 1]


def test_slots_that_a_robot_lacks_are_the_zeros_of_our_dataset(tmp_path, robot):
    columns = tuple(f'JOINT_POSITIONS.{index}' for index in range(6))
    actions = tuple(f'JOINT_TARGET_POSITIONS.{index}' for index in range(6))
    checkpoint = read_lerobot_checkpoint(write_checkpoint(tmp_path / 'act'))
    file = written(checkpoint, names=LerobotNames(columns, actions, 30.0), robot=robot)
    assert sent(file)['observation.state'].tolist() == [1, 1, 1, 1, 1, 0]
    outputs = ServerMap(file).outputs(np.ones((8, 6), np.float32), {})
    assert outputs['JOINT_TARGET_POSITIONS'].shape == (1, 8, 5)


@pytest.mark.parametrize('names', [{'motors': list(POS)}, {'axes': list(POS)}, list(POS)])
def test_names_of_all_versions_of_datasets_are_read(tmp_path, names):
    data = write_dataset(tmp_path / 'data')
    info = json.loads((data / 'meta' / 'info.json').read_text())
    info['features']['action']['names'] = names
    (data / 'meta' / 'info.json').write_text(json.dumps(info))
    assert read_dataset_names(data) == LerobotNames(NAMES, POS, 30.0)


@pytest.mark.parametrize('names', [{'a': ['x'], 'b': ['y']}, [1], 'x', ['']])
def test_names_that_are_none_are_refused(tmp_path, names):
    data = write_dataset(tmp_path / 'data')
    info = json.loads((data / 'meta' / 'info.json').read_text())
    info['features']['action']['names'] = names
    (data / 'meta' / 'info.json').write_text(json.dumps(info))
    with pytest.raises(PolicyError, match='names must be a list of names'):
        read_dataset_names(data)


def test_a_folder_that_is_no_dataset_is_told(tmp_path):
    with pytest.raises(PolicyError, match=r'lacks meta/info\.json'):
        read_dataset_names(tmp_path)


def test_several_steps_are_asked_for_as_the_policy_reads_them(tmp_path, robot):
    folder = write_checkpoint(tmp_path / 'd', {'type': 'diffusion', 'n_obs_steps': 2})
    file = written(
        read_lerobot_checkpoint(folder), execute=4, names=NUMBERS, robot=robot, units=DEGREES
    )
    assert (file.observation_steps, file.horizon, file.execute) == (2, 8, 4)
    assert sent(file)['observation.state'].shape == (2, 6)
    assert sent(file)['observation.images.front'].shape == (2, 48, 64, 3)


def test_a_task_comes_from_the_robot_or_from_the_server(tmp_path, robot):
    checkpoint = read_lerobot_checkpoint(write_checkpoint(tmp_path / 'v', {'type': 'smolvla'}))
    known = {'names': NUMBERS, 'units': DEGREES}
    assert 'or serve with --task TEXT' in refusal(checkpoint, robot=robot, **known)
    assert not list(written(checkpoint, robot=robot, has_task=True, **known).texts())
    text = SO101.replace('  RGB_IMAGES: [', '  LANGUAGE: [task]\n  RGB_IMAGES: [')
    told = so101(tmp_path, text)
    [task] = written(checkpoint, robot=told, **known).texts()
    assert not task.optional
    [task] = written(checkpoint, robot=told, has_task=True, **known).texts()
    assert task.optional


def test_other_numbers_than_a_state_need_a_server_file(tmp_path, robot):
    inputs = {'observation.environment_state': {'type': 'ENV', 'shape': [3]}}
    folder = write_checkpoint(tmp_path / 'act', {'input_features': inputs})
    said = refusal(read_lerobot_checkpoint(folder), names=NUMBERS, robot=robot, units=DEGREES)
    assert 'observation.environment_state, whose slots only a server file can say' in said
