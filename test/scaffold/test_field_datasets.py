"""Datasets with metadata such as those of the field: each is drafted, or it is said why not."""

import json

import numpy as np
import pytest

from helpers.lerobot_datasets import write_lerobot
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import load_metadata
from neuracore_ros.loading.reading import read_columns

POSITIONS, OPENINGS = 'JOINT_POSITIONS', 'PARALLEL_GRIPPER_OPEN_AMOUNTS'
MOTORS = ('shoulder_pan', 'shoulder_lift', 'elbow_flex', 'wrist_flex', 'wrist_roll')
ARM = ('waist', 'shoulder', 'elbow', 'forearm_roll', 'wrist_angle', 'wrist_rotate', 'gripper')
ALOHA = [f'{side}_{name}' for side in ('left', 'right') for name in ARM]
SEVEN = [f'joint_{number}' for number in range(7)]
POSE = ['x', 'y', 'z', 'roll', 'pitch', 'yaw']


def swaying(width, size, phase=0.0):
    """A vector of numbers that sway by ``size``, of (episode, k)."""
    return lambda episode, k: np.float32(size * np.sin(0.1 * k + np.arange(width) + phase))


def write_field(folder, names, width, size, extra=None, version='v2.1'):
    """A dataset whose state and action are named in this form; more features by key."""
    more = extra or {}
    write_lerobot(
        folder,
        version,
        lengths=(40, 30),
        joints=[f'number_{place}' for place in range(width)],
        numbers=(swaying(width, size), swaying(width, size, 0.2)),
        extra={
            key: swaying(len(own), size, 0.3 * n + 0.1)
            for n, (key, own) in enumerate(more.items())
        },
        cameras=(),
    )
    info = json.loads((folder / 'meta/info.json').read_text())
    for key, own in {'observation.state': names, 'action': names, **more}.items():
        info['features'][key]['names'] = {'axes': own} if key in more else own
    (folder / 'meta/info.json').write_text(json.dumps(info))
    return folder


def joints_of(robot, kind=POSITIONS):
    return [name for data_type, slots in robot.input.items() if data_type.value == kind
            for name in slots.values()]  # fmt: skip


@pytest.mark.parametrize('version', ['v2.1', 'v3.0'])
@pytest.mark.parametrize(
    ('names', 'joints', 'hands'),
    [
        # SO-100 of older and SO-101 of newer drivers, Koch.
        ([f'main_{n}' for n in (*MOTORS, 'gripper')], [f'main_{n}' for n in MOTORS], 1),
        ([f'{n}.pos' for n in (*MOTORS, 'gripper')], [*MOTORS], 1),
        ([*MOTORS, 'gripper'], [*MOTORS], 1),
    ],
)
def test_arms_in_degrees_are_asked_for_their_unit(
    describe, tmp_path, names, joints, hands, version
):
    data = write_field(tmp_path / 'data', names, 6, 80.0, version=version)
    robot, written = describe('--bag', data)
    assert joints_of(robot) == joints and len(joints_of(robot, OPENINGS)) == hands
    assert '# guessed: in degrees? A dataset does not say' in written
    # What it asks is what convert refuses.
    assert main(['convert', str(tmp_path / 'out'), str(data), '--description',
                 str(tmp_path / 'robot.yaml')]) == 1  # fmt: skip


@pytest.mark.parametrize(
    ('names', 'width', 'joints', 'hands'),
    [
        ({'motors': ALOHA}, 14, 12, 2),
        ([ALOHA], 14, 12, 2),
        ({'axes': [*SEVEN, 'gripper']}, 8, 7, 1),
        ({name: place for place, name in enumerate(SEVEN)}, 7, 7, 0),
        ([f'{side}_{n}.pos' for side in ('left', 'right') for n in (*MOTORS, 'gripper')], 12, 10, 2),
    ],
)  # fmt: skip
def test_names_in_every_form_are_the_joints_and_the_draft_converts(
    describe, tmp_path, capsys, names, width, joints, hands
):
    data = write_field(tmp_path / 'data', names, width, 1.2)
    robot, written = describe('--bag', data)
    assert len(joints_of(robot)) == joints and len(joints_of(robot, OPENINGS)) == hands
    assert 'A dataset does not say' not in written
    assert main(['convert', str(tmp_path / 'out'), str(data), '--description',
                 str(tmp_path / 'robot.yaml'), '--rate-hz', '30']) == 0, capsys.readouterr().err  # fmt: skip


@pytest.mark.parametrize(
    ('names', 'width'),
    [(None, 19), ({'motors': [f'motor_{n}' for n in range(7)]}, 7), (['state'], 8)],
)
def test_numbers_of_which_nothing_is_said_are_drafted_with_a_warning(
    describe, tmp_path, names, width
):
    robot, _ = describe('--bag', write_field(tmp_path / 'data', names, width, 0.8))
    assert len(joints_of(robot)) == width
    assert f'observation.state: nothing says that its {width} numbers' in describe.said
    assert 'are joints: those of the pose of a hand are read as CUSTOM_1D' in describe.said


def test_a_name_of_several_lines_is_a_warning_of_one(describe, tmp_path):
    data = write_field(tmp_path / 'data', ['pan\nwarning: all is well', "it's", '# x'], 3, 80.0)
    robot, _ = describe('--bag', data)
    assert "it's" in joints_of(robot)
    assert all(line.startswith('warning: ') for line in describe.said.splitlines())
    assert 'warning: all is well' not in describe.said.splitlines()


LIBERO = {'motors': [*POSE, 'gripper', 'gripper']}


def test_a_dataset_of_poses_has_no_joints(refusal, tmp_path):
    said = refusal('--bag', write_field(tmp_path / 'data', LIBERO, 8, 0.5))
    assert 'no feature of it measures joints (' in said and 'read as CUSTOM_1D' in said
    assert 'gripper (messages have it twice)' in said


def test_joints_in_a_feature_of_their_own_are_found(describe, tmp_path):
    extra = {
        'observation.states.joint_state': SEVEN,
        'observation.states.gripper_state': ['gripper', 'gripper'],
        'observation.states.ee_state': POSE,
    }
    robot, written = describe('--bag', write_field(tmp_path / 'data', LIBERO, 8, 0.5, extra))
    assert joints_of(robot) == SEVEN
    # An action of a hand is no command of joints, however many numbers it has.
    assert not any(source.topic == 'action' for source in robot.output_sources())
    assert 'no command was recorded' in written


def test_a_state_of_many_features_is_read_from_the_one_of_all_joints(describe, tmp_path):
    extra = {
        'observation.state.joint_position': SEVEN,
        'observation.state.gripper_position': ['gripper'],
        'observation.state.cartesian_position': POSE,
        'action.joint_position': SEVEN,
        'action.joint_velocity': SEVEN,
    }
    data = write_field(tmp_path / 'data', {'axes': [*SEVEN, 'gripper']}, 8, 1.0, extra)
    robot, _ = describe('--bag', data)
    assert {source.topic for source in robot.input_sources()} == {'observation.state'}
    assert {source.topic for source in robot.output_sources()} == {'action'}


def test_numbers_of_a_pose_are_read_by_an_order(tmp_path, capsys):
    data = write_field(tmp_path / 'data', LIBERO, 8, 0.5)
    order = '[x, y, z, roll, pitch, yaw, finger_a, finger_b]'
    (tmp_path / 'hand.yaml').write_text(
        'robot: hand\n'
        'limits: {dx: {velocity: 1.0}, dz: {velocity: 1.0}}\n'
        'input: {CUSTOM_1D: [x, z, finger_b]}\n'
        'output: {CUSTOM_1D: [dx, dz]}\n'
        'sources:\n'
        f'  CUSTOM_1D: {{topic: observation.state, type: Float64MultiArray, order: {order}}}\n'
        'targets:\n'
        '  CUSTOM_1D: {topic: action, type: Float64MultiArray, order: [dx, dy, dz]}\n'
        'commands: {CUSTOM_1D: {topic: hand/deltas}}\n'
    )
    words = ['convert', tmp_path / 'out', data, '--description', tmp_path / 'hand.yaml']
    assert main([*map(str, words)]) == 0, capsys.readouterr().err
    metadata = load_metadata(tmp_path / 'out')
    columns = read_columns(tmp_path / 'out', metadata, 0)
    row = swaying(8, 0.5)(0, 0)
    assert columns.state[0] == pytest.approx([row[0], row[2], row[7]], abs=1e-6)
