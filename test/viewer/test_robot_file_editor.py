"""Edits of robot files: only the characters that must change do, and all of a joint is turned."""

import difflib

import pytest

from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.description.shipped import shipped_robots
from neuracore_ros.errors import UserError
from neuracore_ros.viewer.robot_file_editor import RobotFileEditor

JOINTS, RGB = DataType.JOINT_POSITIONS, DataType.RGB_IMAGES
OPEN = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS


def shipped_copy(tmp_path, name):
    path = shipped_robots()[name]
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    for urdf in path.parent.glob('*.urdf'):
        (tmp_path / urdf.name).write_bytes(urdf.read_bytes())
    return RobotFileEditor.open(copy)


def changed_lines(before, after):
    return [
        line
        for line in difflib.ndiff(before.splitlines(), after.splitlines())
        if line[:2] in {'- ', '+ '}
    ]


def test_a_turned_joint_is_turned_wherever_it_is_read_and_sent(tmp_path):
    editor = shipped_copy(tmp_path, 'ur5')
    before = editor.text
    editor.flip_sign(JOINTS, 'elbow_joint')
    assert changed_lines(before, editor.text) == 3 * [
        '-     elbow_joint: {scale: -1.0, offset: -0.467}',
        '+     elbow_joint: {scale: 1.0, offset: 0.467}',
    ]
    assert editor.sense(JOINTS, 'elbow_joint') == ScaleOffset(1.0, 0.467)


def test_a_joint_without_options_gets_its_own_at_the_place_of_its_index(tmp_path):
    editor = shipped_copy(tmp_path, 'ur5')
    editor.move_zero(JOINTS, 'shoulder_pan_joint', 0.1)
    assert (
        '    topic: joint_states\n    shoulder_pan_joint: {offset: 0.1}\n    shoulder_lift_joint:'
    ) in editor.text


def test_an_index_that_is_taken_is_refused_with_the_way_out(tmp_path):
    editor = shipped_copy(tmp_path, 'ur5')
    with pytest.raises(UserError, match="index 4 has 'wrist_2_joint': swap 'wrist_1_joint' with"):
        editor.set_index(JOINTS, 'wrist_1_joint', 4)
    assert not editor.is_changed


def test_a_swap_moves_input_and_output_and_what_is_written_beside_them(tmp_path):
    editor = shipped_copy(tmp_path, 'so100')
    before = editor.text
    editor.swap(JOINTS, 'wrist_roll', 'wrist_flex')
    assert '    5: wrist_roll  # aligned with the last wrist joint' in editor.text
    assert editor.robot.input[JOINTS][6] == 'wrist_flex'
    assert editor.robot.output[DataType.JOINT_TARGET_POSITIONS][5] == 'wrist_roll'
    editor.undo()
    assert editor.text == before


def test_what_is_saved_is_the_robot_that_was_edited(tmp_path):
    editor = shipped_copy(tmp_path, 'ur5_hand')
    editor.set_frame('hand', 'tip_offset', [0, 0, 0.1], [0, 0.5, 0])
    editor.save()
    assert load_robot(editor.path) == editor.robot
    assert editor.path.read_bytes() == editor.text.encode()
    assert not editor.is_changed
