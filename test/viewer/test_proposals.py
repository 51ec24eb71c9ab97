"""Proposals: what differs from another robot, why, and that nothing differs once it is applied."""

import math
import random
import re
from pathlib import Path

import pytest

from helpers.known_urdfs import known_urdf
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.shipped import shipped_robots
from neuracore_ros.viewer.layout_warnings import LayoutComparison
from neuracore_ros.viewer.proposals import apply_all, proposals
from neuracore_ros.viewer.robot_file_editor import RobotFileEditor

JOINTS, RGB = DataType.JOINT_POSITIONS, DataType.RGB_IMAGES
CONFIG = Path(__file__).parents[2] / 'config'


@pytest.fixture
def comparison():
    return LayoutComparison({name: CONFIG / f'{name}.urdf' for name in ('franka', 'ur5')})


@pytest.fixture
def franka():
    return RobotFileEditor.open(shipped_robots()['franka'])


@pytest.fixture
def ur5(tmp_path):
    copy = tmp_path / 'ur5.yaml'
    copy.write_bytes(shipped_robots()['ur5'].read_bytes())
    return RobotFileEditor.open(copy)


def texts(editor, like, comparison):
    return [each.text for each in proposals(editor.robot, like.robot, comparison)]


@pytest.mark.parametrize(
    ('robot', 'like'),
    [
        ('ur5', 'franka'),
        ('franka', 'ur5'),
        ('ur5_hand', 'franka_hand'),
        ('so100_hand', 'ur5_hand'),
    ],
)
def test_shipped_robots_have_nothing_to_propose(robot, like, comparison):
    robot, like = (RobotFileEditor.open(shipped_robots()[name]) for name in (robot, like))
    assert texts(robot, like, comparison) == []


def test_all_of_them_applied_leave_a_layout_without_warnings(ur5, franka, comparison):
    def about_slots():
        return [each.text for each in comparison.warnings([franka, ur5]) if each.places]

    before = ur5.text
    ur5.flip_sign(JOINTS, 'elbow_joint')
    ur5.swap(JOINTS, 'wrist_1_joint', 'wrist_2_joint')
    ur5.move_zero(JOINTS, 'shoulder_lift_joint', 0.7)
    assert len(about_slots()) == 4
    assert texts(ur5, franka, comparison) == [
        "move the zero of 'shoulder_lift_joint' by -0.7000 rad, to that of 'panda_joint2'",
        "turn the sign of 'elbow_joint': it turns the other way than 'panda_joint4'",
        "swap 'wrist_1_joint' with 'wrist_2_joint', to index 5: franka's panda_joint6: wrist pitch",
    ]
    spoilt = ur5.text
    assert apply_all(ur5, franka.robot, comparison) == 3
    assert about_slots() == []
    assert ur5.text == before
    ur5.undo()
    assert ur5.text == spoilt


def test_a_camera_goes_beside_the_one_that_looks_from_the_same_side(ur5, franka, comparison):
    ur5.set_index(RGB, 'overhead', 0)
    assert texts(ur5, franka, comparison) == [
        "put 'overhead' at index 1: franka's overhead: by name"
    ]
    apply_all(ur5, franka.robot, comparison)
    assert ur5.robot.input[RGB] == {1: 'overhead'}


def test_a_joint_that_is_commanded_otherwise_than_measured_is_commanded_alike(
    ur5, franka, comparison
):
    before = ur5.text
    head, _, rest = ur5.text.rpartition('elbow_joint: {scale: -1.0, offset: -0.467}')
    ur5.path.write_text(f'{head}elbow_joint: {{scale: 1.0, offset: 0.467}}{rest}')
    spoilt = RobotFileEditor.open(ur5.path)
    assert texts(spoilt, franka, comparison) == [
        "command 'elbow_joint' as it is measured, with scale -1 and offset -0.467: it is "
        'commanded with 1 and 0.467'
    ]
    apply_all(spoilt, franka.robot, comparison)
    assert spoilt.text == before


def test_a_joint_that_is_commanded_at_another_index_goes_where_it_is_measured(
    ur5, franka, comparison
):
    head, output, rest = ur5.text.partition('output:')
    names = 'wrist_1_joint', 'wrist_3_joint'
    for name, other in (names, names[::-1]):
        index = {'wrist_1_joint': 5, 'wrist_3_joint': 6}[other]
        rest = re.sub(f'[0-9]: {name}', f'{index}: {name}', rest, count=1)
    ur5.path.write_text(head + output + rest)
    spoilt = RobotFileEditor.open(ur5.path)
    assert texts(spoilt, franka, comparison)[0] == (
        "command 'wrist_3_joint' at index 6, where it is measured, and not at 5"
    )
    apply_all(spoilt, franka.robot, comparison)
    assert spoilt.robot.output == RobotFileEditor.open(shipped_robots()['ur5']).robot.output
    assert texts(spoilt, franka, comparison) == []


def test_frames_that_were_turned_are_proposed_as_they_were(tmp_path):
    comparison = LayoutComparison()
    like = RobotFileEditor.open(shipped_robots()['franka_hand'])
    path = shipped_robots()['ur5_hand']
    for name in ('ur5_hand.yaml', 'ur5.urdf'):
        (tmp_path / name).write_bytes((path.parent / name).read_bytes())
    editor = RobotFileEditor.open(tmp_path / 'ur5_hand.yaml')
    chain = editor.robot.chains['hand']
    editor.set_frame('hand', 'base_offset', [0, 0, 0], [0, 0, 3.141593])
    editor.set_frame('hand', 'tip_offset', chain.tip_offset.xyz, [1.570796, 0, 0])
    editor.set_pose_scale(DataType.END_EFFECTOR_POSES, 'hand', 0.5)
    found = texts(editor, like, comparison)
    assert [text[:31] for text in found] == [
        "scale 'hand' by 1.056 instead o",
        "place base_offset of 'hand' at ",
        "place tip_offset of 'hand' at x",
    ]
    apply_all(editor, like.robot, comparison)
    assert editor.robot.chains['hand'].base_offset == chain.base_offset
    assert editor.robot.chains['hand'].tip_offset == chain.tip_offset
    assert comparison.warnings([like, editor]) == comparison.warnings(
        [like, RobotFileEditor.open(path)]
    )


@pytest.mark.parametrize('spoilt', range(3))
def test_whatever_was_turned_moved_or_swapped_is_found(spoilt, ur5, franka, comparison):
    def about_slots():
        return [each.text for each in comparison.warnings([franka, ur5]) if each.places]

    chance = random.Random(spoilt)
    names = list(ur5.robot.input[JOINTS].values())
    before = ur5.text
    for name in names:
        if chance.choice([True, False]):
            ur5.flip_sign(JOINTS, name)
        ur5.move_zero(JOINTS, name, chance.choice([0.0, 0.5, -1.5]))
    ur5.swap(JOINTS, *chance.sample(names, 2))
    ur5.swap(JOINTS, *chance.sample(names, 2))
    assert about_slots()
    apply_all(ur5, franka.robot, comparison)
    assert about_slots() == []
    for role in ('input', 'output'):
        original = getattr(load_robot(shipped_robots()['ur5']), role)
        assert getattr(ur5.robot, role) == original
    while ur5.can_undo:
        ur5.undo()
    assert ur5.text == before


@pytest.mark.parametrize('spoilt', [{}, {'by': 2 * math.pi}])
def test_a_joint_that_turns_less_than_a_turn_comes_where_the_other_one_has_values(
    spoilt, franka, tmp_path
):
    comparison = LayoutComparison({'franka': CONFIG / 'franka.urdf'})
    out = tmp_path / 'xarm.yaml'
    drafted = ['--urdf', str(known_urdf('xarm7')), '--like', str(franka.path), '--out', str(out)]
    assert main(['describe', *drafted]) == 0
    xarm = RobotFileEditor.open(out)
    if spoilt:
        apply_all(xarm, franka.robot, comparison)
        xarm.move_zero(JOINTS, 'joint4', **spoilt)
    apply_all(xarm, franka.robot, comparison)
    assert xarm.robot.reach(JOINTS, 'joint4') == pytest.approx((-3.4, 0.72), abs=0.02)
    warnings = comparison.warnings([franka, xarm])
    assert [each.text for each in warnings if 'RGB_IMAGES' not in each.text] == []


def test_a_joint_that_turns_further_stays_within_the_turn_that_its_file_has(
    ur5, franka, comparison
):
    ur5.move_zero(JOINTS, 'wrist_3_joint', 2 * math.pi)
    assert texts(ur5, franka, comparison) == []


def test_a_robot_alone_is_held_to_the_vocabulary_that_its_file_names(tmp_path):
    out = tmp_path / 'alone.yaml'
    assert main(['describe', '--urdf', str(CONFIG / 'ur5.urdf'), '--out', str(out)]) == 0
    editor, comparison = RobotFileEditor.open(out), LayoutComparison()
    assert editor.robot.vocabulary.name == 'arm/1'
    assert proposals(editor.robot, None, comparison) == ()
    before = editor.robot
    editor.flip_sign(JOINTS, 'elbow_joint')
    editor.swap(JOINTS, 'shoulder_pan_joint', 'wrist_3_joint')
    editor.move_zero(JOINTS, 'shoulder_lift_joint', 0.5)
    found = [each.text for each in proposals(editor.robot, None, comparison)]
    assert [text.partition(':')[0] for text in found] == [
        "swap 'wrist_3_joint' with 'shoulder_pan_joint', to index 6",
        "move the zero of 'shoulder_lift_joint' by -0.5000 rad, to that of 'right.shoulder_pitch'",
        "turn the sign of 'elbow_joint'",
    ]
    assert apply_all(editor, None, comparison) == 3
    assert editor.robot.scale_offsets() == before.scale_offsets()
    assert (editor.robot.input, editor.robot.output) == (before.input, before.output)


def test_without_a_vocabulary_a_robot_alone_has_nothing_to_be_held_to(ur5, comparison):
    ur5.flip_sign(JOINTS, 'elbow_joint')
    assert proposals(ur5.robot, None, comparison) == ()


@pytest.mark.parametrize('robot', ['baxter'])
def test_a_robot_of_several_arms_is_held_to_it_too(robot, tmp_path):
    out = tmp_path / 'drafted.yaml'
    assert main(['describe', '--urdf', str(known_urdf(robot)), '--out', str(out)]) == 0
    editor, comparison = RobotFileEditor.open(out), LayoutComparison()
    assert proposals(editor.robot, None, comparison) == ()
    before = editor.robot
    chance = random.Random(robot)
    names = list(before.input[JOINTS].values())
    for name in names:
        editor.flip_sign(JOINTS, name)
    for _ in range(3):
        editor.swap(JOINTS, *chance.sample(names, 2))
    apply_all(editor, None, comparison)
    assert editor.robot.scale_offsets() == before.scale_offsets()
    assert (editor.robot.input, editor.robot.output) == (before.input, before.output)


def drafted(folder, name, urdf):
    """A draft by the vocabulary."""
    out = folder / f'{name}.yaml'
    assert main(['describe', '--urdf', str(urdf), '--out', str(out)]) == 0
    return RobotFileEditor.open(out)


def test_an_arm_that_is_the_left_one_of_two_in_its_file_stays_so(tmp_path):
    editor, comparison = drafted(tmp_path, 'left', CONFIG / 'franka.urdf'), LayoutComparison()
    for joint in range(7, 0, -1):
        editor.set_index(JOINTS, f'panda_joint{joint}', joint + 6)
    assert proposals(editor.robot, None, comparison) == ()
    before = editor.robot
    editor.swap(JOINTS, 'panda_joint5', 'panda_joint6')
    editor.flip_sign(JOINTS, 'panda_joint4')
    found = [each.text.partition(':')[0] for each in proposals(editor.robot, None, comparison)]
    assert found == [
        "turn the sign of 'panda_joint4'",
        "swap 'panda_joint6' with 'panda_joint5', to index 12",
    ]
    assert apply_all(editor, None, comparison) == 2
    assert editor.robot.scale_offsets() == before.scale_offsets()
    assert editor.robot.input == before.input


def test_robots_of_one_vocabulary_are_held_to_its_rules_as_layout_holds_them(tmp_path):
    comparison = LayoutComparison()
    baxter = drafted(tmp_path, 'baxter', known_urdf('baxter'))
    for name in ('tiago_dual', 'franka'):
        urdf = CONFIG / 'franka.urdf' if name == 'franka' else known_urdf(name)
        editor = drafted(tmp_path, name, urdf)
        assert texts(editor, baxter, comparison) == []
    editor.flip_sign(JOINTS, 'panda_joint2')
    assert texts(editor, baxter, comparison) == [
        "turn the sign of 'panda_joint2': it turns the other way than 'right.shoulder_pitch'"
    ]
