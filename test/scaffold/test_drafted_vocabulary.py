"""Drafts in the slots of the shipped vocabulary."""

import json

import numpy as np
import pyarrow.parquet as parquet
import pytest

from helpers.drawn_arms import THREE, image, joint, record, state, trajectory, urdf
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.shipped import shipped
from neuracore_ros.description.vocabulary import load_vocabulary
from neuracore_ros.errors import DescriptionError
from neuracore_ros.scaffold.bases import draft_base
from neuracore_ros.scaffold.facts import Facts, TwistTopic

POSITIONS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
OPENINGS = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
POSES = DataType.END_EFFECTOR_POSES
SIX = tuple(f'joint_{number}' for number in range(1, 7))
SLOTS_OF_SIX = {0: 'joint_1', 1: 'joint_2', 3: 'joint_3', 4: 'joint_4', 5: 'joint_5', 6: 'joint_6'}


def moving(names):
    """Joints that go from 0 to 1 rad in two seconds."""
    return lambda seconds: state(seconds, names, [seconds / 2] * len(names))


@pytest.fixture
def ur5(describe):
    return describe('--urdf', shipped('ur5').with_suffix('.urdf'))


def test_a_robot_with_a_urdf_gets_slots_signs_and_zeros(ur5):
    robot, written = ur5
    assert '\nvocabulary: arm/1\n' in written
    assert '    right.elbow_pitch: elbow_joint\n' in written
    assert robot.vocabulary.name == 'arm/1'
    assert robot.input[POSITIONS] == robot.output[TARGETS] == {
        0: 'shoulder_pan_joint',
        1: 'shoulder_lift_joint',
        3: 'elbow_joint',
        4: 'wrist_2_joint',
        5: 'wrist_1_joint',
        6: 'wrist_3_joint',
    }  # fmt: skip
    # A UR5 is drawn stretched out: its upper arm leans by a right angle where it says 0.
    measured, commanded = robot.scale_offsets()[TARGETS, 'shoulder_lift_joint']
    assert measured == commanded
    assert (measured.scale, measured.offset) == (1.0, pytest.approx(np.pi / 2, abs=1e-3))


def test_what_a_urdf_leaves_open_is_a_doubt_of_its_own_joint(ur5, describe):
    _, written = ur5
    before = written[: written.index('right.flange_roll: ')].splitlines()[-2:]
    assert before[-1].strip() == '' or '# guessed: ' in ''.join(before)
    assert '# guessed: .' not in written
    assert 'warning: wrist_3_joint: ' in describe.said
    assert 'warning: elbow_joint' not in describe.said


def test_its_layout_is_silent(ur5, tmp_path, capsys):
    assert main(['layout', str(tmp_path / 'robot.yaml')]) == 0
    out, err = capsys.readouterr()
    assert err == ''
    assert '  3      right.elbow_pitch     elbow_joint (elbow pitch' in out


def test_check_holds_its_joints_against_the_rules_too(ur5, tmp_path, capsys):
    """The node moves them by a policy of other robots."""
    path, (_, written) = tmp_path / 'robot.yaml', ur5
    words = ['check', str(tmp_path / 'none.pt'), str(path)]
    main(words)
    assert 'right.shoulder_pitch' not in ''.join(capsys.readouterr())
    entry = 'shoulder_lift_joint: {offset: 1.5708}'
    assert written.count(entry) > 1
    path.write_text(written.replace(entry, 'shoulder_lift_joint: {scale: -1, offset: 1.5708}'))
    main(words)
    assert "'shoulder_lift_joint' of robot turns the other way than 'right.shoulder_pitch'" in (
        ''.join(capsys.readouterr())
    )


def test_two_arms_that_were_drafted_apart_mean_the_same(ur5, tmp_path, capsys):
    (tmp_path / 'robot.yaml').rename(tmp_path / 'ur5.yaml')
    text = (tmp_path / 'ur5.yaml').read_text().replace('robot: robot', 'robot: ur5')
    (tmp_path / 'ur5.yaml').write_text(text)
    other = tmp_path / 'panda.yaml'
    assert (
        main(
            [
                'describe',
                '--urdf',
                str(shipped('franka').with_suffix('.urdf')),
                '--out',
                str(other),
            ]
        )
        == 0
    )
    capsys.readouterr()
    assert main(['layout', str(tmp_path / 'ur5.yaml'), str(other)]) == 0
    said = capsys.readouterr().err.splitlines()
    # The roll of the upper arm that only one of them has; where the UR's wrist is taken to stand.
    assert all('right' not in line or 'only' in line for line in said)
    assert not [line for line in said if 'turns the other way' in line or 'has its zero' in line]


def test_joints_without_a_urdf_get_slots_by_their_order_and_one_doubt(describe, tmp_path):
    bag = record(tmp_path / 'bag', joint_states=moving(SIX))
    robot, written = describe('--bag', bag)
    assert robot.input[POSITIONS] == SLOTS_OF_SIX
    assert '    right.forearm_roll: joint_4\n' in written
    assert 'without sign and' in written and 'no URDF says what joints do' in written.replace(
        '\n  # ', ' '
    )
    doubts = [line for line in describe.said.splitlines() if 'slots of arm/1' in line]
    assert len(doubts) == 1 and doubts[0].startswith('warning: joint_1, joint_2, ')
    assert 'Give a URDF that does, or compare each with docs/vocabulary.md' in doubts[0]


@pytest.mark.parametrize(
    ('names', 'slots'),
    [
        (['shoulder_pan', 'elbow', 'wrist_x'], [0, 3, 5]),
        (['a', 'elbow'], [0, 3]),
        (['elbow', 'b', 'wrist_roll'], [3, 5, 6]),
        (['shoulder_pan_joint', 'shoulder_lift_joint', 'elbow_joint', 'wrist_1_joint', 'wrist_2_joint', 'wrist_3_joint'], [0, 1, 3, 5, 4, 6]),
        (['left_elbow', 'right_elbow'], [10, 3]),
        ([f'j{number}' for number in range(7)], [0, 1, 2, 3, 4, 5, 6]),
        ([f'j{number}' for number in range(9)], list(range(32, 41))),
    ],
)  # fmt: skip
def test_names_and_order_give_slots_without_a_urdf(describe, tmp_path, names, slots):
    robot, _ = describe('--bag', record(tmp_path / 'bag', joint_states=moving(names)))
    assert {name: index for index, name in robot.input[POSITIONS].items()} == dict(
        zip(names, slots, strict=True)
    )


def test_two_arms_of_one_kind_are_right_and_left(describe, tmp_path):
    bag = record(
        tmp_path / 'bag',
        left__joint_states=moving(SIX),
        right__joint_states=moving(SIX),
        left__camera__image_raw=image,
    )
    robot, _ = describe('--bag', bag)
    right = {index: f'right_{name}' for index, name in SLOTS_OF_SIX.items()}
    left = {index + 7: f'left_{name}' for index, name in SLOTS_OF_SIX.items()}
    assert robot.input[POSITIONS] == {**right, **left}


def test_two_arms_with_one_urdf_are_right_and_left_and_a_third_has_own_indices(describe, tmp_path):
    (tmp_path / 'arm.urdf').write_text(THREE)
    names = ('pan', 'lift', 'elbow', 'roll')
    bag = record(
        tmp_path / 'bag',
        arm_1__joint_states=moving(names),
        arm_2__joint_states=moving(names),
        arm_3__joint_states=moving(names),
    )
    robot, _ = describe('--bag', bag, '--urdf', tmp_path / 'arm.urdf')
    own = robot.input[POSITIONS]
    assert (own[0], own[7], own[32]) == ('arm1_pan', 'arm2_pan', 'arm3_pan')
    assert len(own) == 12
    assert 'a further arm has no slots: an index of your own' in describe.said


def test_grippers_and_cameras_get_slots_by_their_names(describe, tmp_path):
    bag = record(
        tmp_path / 'bag',
        joint_states=moving((*SIX, 'gripper')),
        wrist__image_raw=image,
        top__image_raw=image,
        top__depth__image_raw=lambda t: image(t, '16UC1'),
        left__image_raw=image,
    )
    robot, written = describe('--bag', bag)
    assert robot.input[OPENINGS] == {0: 'gripper'} and 'right.gripper: gripper' in written
    assert robot.input[DataType.RGB_IMAGES] == {0: 'wrist', 1: 'top', 4: 'left'}
    assert robot.input[DataType.DEPTH_IMAGES] == {1: 'top'}
    assert '    scene: top\n' in written


def test_a_base_gets_the_slots_of_bases():
    twist = TwistTopic(
        '/cmd_vel', 'geometry_msgs/msg/Twist', 9, {'linear.x': 0.3, 'angular.z': 1.0}
    )
    drafted = draft_base(Facts(twists=(twist,)), None, load_vocabulary('arm/1'))
    assert {entry.index: entry.name for entry in drafted.slots.entries} == {
        0: 'base_x',
        2: 'base_turn',
    }


def test_poses_get_the_slots_of_hands(describe, tmp_path):
    robot, written = describe('--urdf', shipped('ur5').with_suffix('.urdf'), '--poses')
    assert robot.input == robot.output == {POSES: {0: 'hand'}}
    assert '    right.hand: hand\n' in written and '\nvocabulary: arm/1\n' in written


def test_without_a_vocabulary_indices_are_as_they_come(describe, tmp_path):
    bag = record(tmp_path / 'bag', joint_states=moving(SIX), top__image_raw=image)
    robot, written = describe('--bag', bag, '--vocabulary', 'none')
    assert robot.vocabulary is None and '\nvocabulary:' not in written
    assert robot.input == {
        POSITIONS: dict(enumerate(SIX)),
        DataType.RGB_IMAGES: {0: 'top'},
    }
    words = ('--urdf', shipped('ur5').with_suffix('.urdf'), '--vocabulary', 'none')
    robot, written = describe(*words)
    assert list(robot.input[POSITIONS]) == [0, 1, 2, 3, 4, 5] and 'offset' not in written


def test_a_vocabulary_beside_like_is_refused(refusal):
    words = ('--urdf', shipped('ur5').with_suffix('.urdf'), '--like', shipped('franka'))
    assert 'leave --vocabulary or --like out' in refusal(*words, '--vocabulary', 'none')


def test_a_robot_like_one_with_a_vocabulary_has_it_too(ur5, describe, tmp_path):
    first = tmp_path / 'first.yaml'
    first.write_text((tmp_path / 'robot.yaml').read_text())
    words = ('--urdf', shipped('franka').with_suffix('.urdf'), '--like', first)
    robot, written = describe(*words)
    assert '\nvocabulary: arm/1\n' in written and 'right.elbow_pitch: panda_joint4' in written
    assert robot.vocabulary == load_robot(first).vocabulary
    plain, text = describe('--urdf', words[1], '--like', shipped('ur5'))
    assert plain.vocabulary is None and '\nvocabulary:' not in text


def test_a_vocabulary_of_ones_own_is_named_by_its_file(describe, tmp_path):
    folder = tmp_path / 'first'
    folder.mkdir()
    (folder / 'ours.yaml').write_text(
        'vocabulary: ours/1\nslots: {joints: {a: {index: 0}, b: {index: 1}}}\n'
    )
    (folder / 'arm.yaml').write_text(
        'robot: first\nvocabulary: ours.yaml\ninput: {JOINT_POSITIONS: {a: pan, b: lift}}\n'
        'output: {}\nsources: {JOINT_POSITIONS: {topic: joint_states}}\n'
    )
    bag = record(tmp_path / 'bag', joint_states=moving(('pan', 'lift')))
    robot, written = describe('--bag', bag, '--like', folder / 'arm.yaml')
    assert '\nvocabulary: first/ours.yaml\n' in written and '    a: pan' in written
    assert robot.vocabulary.name == 'ours/1'


def test_the_whole_way_with_names_and_a_gap(describe, tmp_path, capsys):
    bag = record(
        tmp_path / 'bag',
        joint_states=moving(SIX),
        arm__joint_trajectory=lambda t: trajectory(t, SIX, [t / 2 + 0.1] * 6),
    )
    describe('--bag', bag)
    data, robot = tmp_path / 'data', tmp_path / 'robot.yaml'
    assert main(['convert', str(data), str(bag), '--description', str(robot)]) == 0
    record_of = json.loads((data / 'meta/neuracore_ros.json').read_text())
    assert record_of['vocabulary'] == 'arm/1'
    (file,) = data.glob('data/**/*.parquet')
    rows = parquet.read_table(file).to_pydict()
    valid = np.array(rows['valid.observation.state'])
    assert valid.shape[1] == 7 and not valid[:, 2].any() and valid[:, [0, 1, 3, 4, 5, 6]].all()
    pytest.importorskip('torch')
    run = tmp_path / 'run'
    words = ['train', str(data), '--out', str(run), '--steps', '2', '--batch', '8']
    assert main([*words, '--horizon', '4']) == 0
    capsys.readouterr()
    assert main(['check', str(run / 'policy.pt'), str(robot), '--bag', str(bag)]) == 0
    said = capsys.readouterr()
    assert 'vocabular' not in said.err and said.out.count('vocabular') == 1


def test_a_urdf_of_no_arm_leaves_slots_to_names(describe, tmp_path):
    path = tmp_path / 'two.urdf'
    path.write_text(urdf(joint('shoulder_pan'), joint('elbow', '0 1 0', after='shoulder_pan')))
    robot, _ = describe('--urdf', path)
    assert robot.input[POSITIONS] == {0: 'shoulder_pan', 3: 'elbow'}
    assert 'two.urdf does not say what joints do' in describe.said


def test_one_reason_of_many_joints_stands_once(describe, tmp_path):
    names = [f'j{number}' for number in range(9)]
    _, written = describe('--bag', record(tmp_path / 'bag', joint_states=moving(names)))
    lines = written[written.index('input:') : written.index('output:')]
    assert lines.count('an index of your own') == 1 and '(and the next 8)' in lines
    assert describe.said.count('an index of your own') == 1


def test_a_urdf_whose_axes_are_no_arms_leaves_slots_to_names(describe, tmp_path):
    names = ('shoulder_pan', 'shoulder_lift', 'elbow_flex', 'wrist_flex', 'wrist_roll')
    joints = [joint(n, after=before) for n, before in zip(names, ('', *names), strict=False)]
    (tmp_path / 'sketch.urdf').write_text(urdf(*joints))
    robot, written = describe('--urdf', tmp_path / 'sketch.urdf')
    assert robot.input[POSITIONS] == dict(zip((0, 1, 3, 5, 6), names, strict=True))
    assert 'sketch.urdf does not say what joints do' in describe.said
    assert 'offset' not in written


def test_a_hand_alone_has_the_slot_of_a_gripper(describe, tmp_path):
    told = moving(('gripper',))
    bag = record(tmp_path / 'bag', joint_states=told, leader__joint_states=told)
    robot, _ = describe('--bag', bag)
    assert robot.input == {OPENINGS: {0: 'gripper'}}
    assert robot.output == {DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {0: 'gripper'}}


def test_without_pinocchio_slots_are_by_name_and_the_reason_is_said(describe, monkeypatch):
    def lacks(*_):
        raise DescriptionError('needs pinocchio')

    monkeypatch.setattr('neuracore_ros.scaffold.named_places.place_in_vocabulary', lacks)
    robot, written = describe('--urdf', shipped('ur5').with_suffix('.urdf'))
    assert robot.input[POSITIONS][5] == 'wrist_1_joint' and 'offset' not in written
    assert 'what joints do is not known: needs pinocchio' in describe.said


def test_a_joint_beside_the_arm_that_no_policy_of_arms_moves_is_a_comment(describe, tmp_path):
    arm = THREE.replace('</robot>', '')
    wheel = joint('track_rotor', '0 1 0', after='pan')
    (tmp_path / 'arm.urdf').write_text(f'{arm}{wheel}</robot>')
    robot, written = describe('--urdf', tmp_path / 'arm.urdf')
    assert 'track_rotor' not in robot.input[POSITIONS].values()
    assert 'track_rotor' in written
