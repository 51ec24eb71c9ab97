"""Slots that are turned or moved: the arm at a value, before and after, and all that reads it."""

import numpy as np
import pytest

from neuracore_ros.description import DataType
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.description.shipped import shipped_robots
from neuracore_ros.errors import UserError, collect_warnings
from neuracore_ros.viewer.robot_file_editor import RobotFileEditor
from neuracore_ros.viewer.robot_model import RobotModel

JOINTS, RGB = DataType.JOINT_POSITIONS, DataType.RGB_IMAGES
VELOCITIES, TORQUES = DataType.JOINT_VELOCITIES, DataType.JOINT_TORQUES
POSES, TARGETS = DataType.END_EFFECTOR_POSES, DataType.JOINT_TARGET_POSITIONS
OPEN, OPEN_TARGET = (
    DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS,
    DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS,
)


@pytest.fixture
def ur5(tmp_path):
    path = shipped_robots()['ur5']
    (tmp_path / 'ur5.urdf').symlink_to(path.parent / 'ur5.urdf')
    copy = tmp_path / 'ur5.yaml'
    copy.write_text(path.read_text().replace('robot: ur5\n', 'robot: ur5\nurdf: ur5.urdf\n'))
    return RobotFileEditor.open(copy)


def opened(tmp_path, text):
    path = tmp_path / 'robot.yaml'
    path.write_text(text)
    with collect_warnings():
        return RobotFileEditor.open(path)


def poses(editor, values):
    model = RobotModel.of(editor.robot)
    return np.stack(list(model.link_poses({(JOINTS, i): v for i, v in values.items()}).values()))


VALUES = {0: 0.3, 1: -0.2, 3: 0.5, 4: -0.4, 5: 0.7, 6: 0.1}


def test_a_turned_joint_stands_at_the_negative_value_where_it_stood(ur5):
    before = poses(ur5, VALUES)
    ur5.flip_sign(JOINTS, 'elbow_joint')
    assert np.allclose(poses(ur5, {**VALUES, 3: -0.5}), before)
    assert not np.allclose(poses(ur5, VALUES), before)


def test_a_moved_zero_adds_to_the_value_where_it_stood(ur5):
    before = poses(ur5, VALUES)
    ur5.move_zero(JOINTS, 'elbow_joint', 0.25)
    assert np.allclose(poses(ur5, {**VALUES, 3: 0.75}), before)
    ur5.set_offset(JOINTS, 'elbow_joint', -0.467)
    assert np.allclose(poses(ur5, VALUES), before)


def test_swapped_joints_stand_where_they_stood_at_swapped_values(ur5):
    before = poses(ur5, VALUES)
    ur5.swap(JOINTS, 'wrist_1_joint', 'wrist_2_joint')
    assert np.allclose(poses(ur5, {**VALUES, 4: 0.7, 5: -0.4}), before)


ALL = """\
robot: all
limits:
  turn: {position: none, velocity: 1.0, effort: 5.0}
  hand: {position: [0.0, 0.8], velocity: 1.0}
input:
  JOINT_POSITIONS: {0: turn}
  JOINT_VELOCITIES: {0: turn}
  JOINT_TORQUES: {0: turn}
  VISUAL_JOINT_POSITIONS: {0: turn}
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {0: hand}
output:
  JOINT_TARGET_POSITIONS: {0: turn}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {0: hand}
sources:
  JOINT_POSITIONS: {topic: /s, scale: 0.5, offset: 1.0, around: 3.0}
  JOINT_VELOCITIES: {topic: /s, scale: 0.5}
  JOINT_TORQUES: {topic: /s}
  VISUAL_JOINT_POSITIONS: {topic: /seen}
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {topic: /s}
  JOINT_TARGET_POSITIONS: {topic: observation.state, scale: 0.0174533}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: /hand}
commands:
  JOINT_TARGET_POSITIONS: {topic: /arm, scale: 0.5, offset: 1.0}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: /hand}
teleop:
  JOINT_TARGET_POSITIONS: {topic: /leader, scale: -1, offset: 2.0}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: /leader, scale: 1}
"""


def scaling(editor, section, kind, name='turn'):
    found = editor.robot.scalings(kind, name)[section]
    return found.scale, pytest.approx(found.offset)


def test_velocities_and_torques_turn_with_their_joint_and_have_no_zero(tmp_path):
    editor = opened(tmp_path, ALL)
    editor.flip_sign(TARGETS, 'turn')
    editor.move_zero(JOINTS, 'turn', 0.25)
    assert scaling(editor, 'sources', JOINTS) == (-0.5, -0.75)
    assert scaling(editor, 'sources', VELOCITIES) == (-0.5, 0.0)
    assert scaling(editor, 'sources', TORQUES) == (-1.0, 0.0)
    assert scaling(editor, 'sources', DataType.VISUAL_JOINT_POSITIONS) == (-1.0, 0.25)
    with pytest.raises(UserError, match=r"'turn' \(JOINT_VELOCITIES\) has no zero"):
        editor.move_zero(VELOCITIES, 'turn', 0.1)


def test_recordings_in_degrees_commands_and_a_leader_turn_with_it_each_in_its_unit(tmp_path):
    editor = opened(tmp_path, ALL)
    editor.flip_sign(JOINTS, 'turn')
    editor.move_zero(JOINTS, 'turn', 0.25)
    assert scaling(editor, 'sources', TARGETS) == (-0.0174533, 0.25)
    assert scaling(editor, 'commands', TARGETS) == (-0.5, -0.75)
    assert scaling(editor, 'teleop', TARGETS) == (1.0, -1.75)
    (source,) = (s for s in editor.robot.input_sources() if s.data_type is JOINTS)
    (command,) = (c for c in editor.robot.commands() if c.topic == '/arm')
    for own in (-2.0, 0.3):
        assert source.scale * own + source.offset == command.joints[0].from_message(own)


def test_the_jump_of_a_continuous_joint_stays_at_its_place(tmp_path):
    before = opened(tmp_path, ALL).robot.source(JOINTS, 'turn')
    editor = opened(tmp_path, ALL)
    editor.flip_sign(JOINTS, 'turn')
    editor.move_zero(JOINTS, 'turn', 0.25)
    after = editor.robot.source(JOINTS, 'turn')
    assert after.around == -2.75
    for own in np.linspace(-20.0, 20.0, 41):
        assert after.value(own) == pytest.approx(0.25 - before.value(own))


def test_a_turned_gripper_is_open_where_it_was_closed(tmp_path):
    editor = opened(tmp_path, ALL)
    editor.flip_sign(OPEN, 'hand')
    for section, kind in (('sources', OPEN), ('sources', OPEN_TARGET), ('commands', OPEN_TARGET)):
        assert scaling(editor, section, kind, 'hand') == (-1.25, 1.0)
    assert scaling(editor, 'teleop', OPEN_TARGET, 'hand') == (-1.0, 1.0)
    assert 'PARALLEL_GRIPPER_OPEN_AMOUNTS: {topic: /s, scale: -1.25, offset: 1.0}' in editor.text
    editor.flip_sign(OPEN, 'hand')
    assert scaling(editor, 'sources', OPEN, 'hand') == (1.25, 0.0)


def test_limits_are_in_the_robots_own_unit_and_stay(tmp_path):
    editor = opened(tmp_path, ALL)
    before = dict(editor.robot.limits)
    editor.flip_sign(JOINTS, 'turn')
    editor.flip_sign(OPEN, 'hand')
    assert editor.robot.limits == before


def test_an_index_moves_wherever_the_joint_has_one(tmp_path):
    editor = opened(tmp_path, ALL)
    editor.set_index(TORQUES, 'turn', 4)
    for kind in (JOINTS, VELOCITIES, TORQUES, DataType.VISUAL_JOINT_POSITIONS):
        assert editor.robot.input[kind] == {4: 'turn'}
    assert editor.robot.output[TARGETS] == {4: 'turn'}
    assert editor.robot.input[OPEN] == {0: 'hand'}


def test_commands_are_matched_to_what_is_measured_and_a_leader_is_left(tmp_path):
    editor = opened(tmp_path, ALL.replace('/arm, scale: 0.5, offset: 1.0', '/arm, scale: -0.5'))
    assert editor.sense(JOINTS, 'turn') == ScaleOffset(0.5, 1.0)
    editor.match_commands(JOINTS, 'turn')
    assert scaling(editor, 'commands', TARGETS) == (0.5, 1.0)
    assert scaling(editor, 'teleop', TARGETS) == (-1.0, 2.0)
    assert scaling(editor, 'sources', TARGETS) == (0.0174533, 0.0)  # of a dataset, in degrees


def test_what_has_no_sign_is_refused_in_one_line(tmp_path, ur5):
    with pytest.raises(UserError, match=r"^ur5: 'overhead' \(RGB_IMAGES\) has no sign$"):
        ur5.flip_sign(RGB, 'overhead')
    with pytest.raises(UserError, match="no 'elbow' in JOINT_POSITIONS; did you mean 'elbow_joi"):
        ur5.flip_sign(JOINTS, 'elbow')
    for by in (float('nan'), float('inf')):
        with pytest.raises(UserError, match="the zero of 'elbow_joint' cannot move by"):
            ur5.move_zero(JOINTS, 'elbow_joint', by)
    for index in (-1, 10_000):
        with pytest.raises(UserError, match='is not 0 to 9999'):
            ur5.set_index(JOINTS, 'elbow_joint', index)
    unread = opened(
        tmp_path, 'robot: deaf\ninput: {JOINT_POSITIONS: [a]}\noutput: {}\nsources: {}\n'
    )
    with pytest.raises(UserError, match="nothing reads or commands 'a'"):
        unread.flip_sign(JOINTS, 'a')


def test_frames_that_are_none_are_refused_in_one_line(tmp_path, ur5):
    with pytest.raises(UserError, match="ur5: no chain 'hand'"):
        ur5.set_frame('hand', 'tip_offset', [0, 0, 0], [0, 0, 0])
    shipped = RobotFileEditor.open(shipped_robots()['ur5_hand'])
    with pytest.raises(UserError, match="no frame 'tip_ofset'; did you mean 'tip_offset'"):
        shipped.set_frame('hand', 'tip_ofset', [0, 0, 0], [0, 0, 0])
    for xyz in ([0, 0], [0, 0, float('nan')], [0, 0, 0, 0]):
        with pytest.raises(UserError, match='must be six finite numbers'):
            shipped.set_frame('hand', 'tip_offset', xyz, [0, 0, 0])
    with pytest.raises(
        UserError, match=r'looks like millimetres; metres are meant.*\(nothing is changed\)$'
    ):
        shipped.set_frame('hand', 'tip_offset', [0, 0, 130], [0, 0, 0])
    assert not shipped.is_changed


def test_the_scale_of_a_pose_is_written_once():
    shipped = RobotFileEditor.open(shipped_robots()['ur5_hand'])
    shipped.set_pose_scale(POSES, 'hand', 0.5)
    assert shipped.text.count('scale: ') == 1
    assert shipped.robot.pose_scale(POSES, 'hand') == 0.5
    for scale in (0.0, -1.0, float('nan')):
        with pytest.raises(UserError, match="the scale of 'hand' must be above 0"):
            shipped.set_pose_scale(POSES, 'hand', scale)
    with pytest.raises(UserError, match='is no pose'):
        shipped.set_pose_scale(RGB, 'overhead', 2.0)


def test_edits_in_one_block_are_undone_together_and_taken_back_if_one_is_refused(ur5):
    before = ur5.text
    with ur5.as_one():
        ur5.flip_sign(JOINTS, 'elbow_joint')
        ur5.set_index(JOINTS, 'elbow_joint', 2)
    turned = ur5.text
    with pytest.raises(UserError), ur5.as_one():
        ur5.flip_sign(JOINTS, 'wrist_3_joint')
        ur5.set_index(JOINTS, 'wrist_3_joint', 0)
    assert ur5.text == turned
    ur5.undo()
    assert ur5.text == before
    ur5.undo()
    assert not ur5.can_undo
