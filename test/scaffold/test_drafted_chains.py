"""`describe --poses`: the chain of an arm, and slots for the pose of its hand."""

import numpy as np
import pyarrow.parquet as parquet
import pytest
import yaml

from helpers.arms_with_hands import JOINTS, arm, joint
from helpers.drawn_arms import image, record, state, trajectory
from helpers.drawn_arms import text as text_message
from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.errors import UserError
from neuracore_ros.kinematics.chain import ChainKinematics
from neuracore_ros.kinematics.joint_tree import parse_joint_tree
from neuracore_ros.scaffold.draft import draft
from neuracore_ros.scaffold.draft_texts import DraftOrigin
from neuracore_ros.scaffold.facts import CommandReceiver, Facts, NumberTopic, ObservedMotion

POSES, POSITIONS = DataType.END_EFFECTOR_POSES, DataType.JOINT_POSITIONS
OPENINGS = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
ALL = (*JOINTS, 'finger_a')
STATE, TRAJECTORY = 'sensor_msgs/msg/JointState', 'trajectory_msgs/msg/JointTrajectory'
NUMBERS = 'std_msgs/msg/Float64MultiArray'
FOLLOW = 'control_msgs/action/FollowJointTrajectory'


@pytest.fixture
def urdf(tmp_path):
    def write(**how):
        path = tmp_path / 'upright.urdf'
        path.write_text(arm(**how))
        return path

    return write


@pytest.fixture
def bag(tmp_path):
    """Ready, and moving a little; the hand's commands go to a topic of their own."""

    def positions(seconds):
        return [0.1 * seconds, 0.1, 1.4, 1.6, 0.2, 0.01]

    def make(**streams):
        usual = {
            'joint_states': lambda s: state(s, ALL, positions(s)),
            'arm__joint_trajectory': lambda s: trajectory(s, JOINTS, positions(s + 0.1)[:5]),
            'hand__joint_trajectory': lambda s: trajectory(s, ['finger_a'], [0.02 + 0.01 * s]),
        }
        return record(tmp_path / 'bag', **(usual | streams))

    return make


LIKE = """
robot: first
urdf: first.urdf
chains:
  hand:
    base: base
    tip: palm
    tip_offset: {xyz: [0, 0, 0.1], rpy: [0, 0, 1.5708]}
    workspace: {z: [0.0, 0.4]}
limits: {finger_a: {velocity: 0.1}}
input:
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {0: finger_a}
  END_EFFECTOR_POSES: {2: hand}
  RGB_IMAGES: {0: overhead}
output:
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {0: finger_a}
  END_EFFECTOR_POSES: {2: hand}
sources:
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {topic: /g, follow_s: 0.4}
  END_EFFECTOR_POSES: {topic: /joint_states, scale: 1.5}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: /g}
  RGB_IMAGES: {overhead: {topic: /overhead/image, crop: [1, 0, 1, 2]}}
targets: {END_EFFECTOR_POSES: {topic: /a}}
commands:
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: /g}
  END_EFFECTOR_POSES: {topic: /a}
"""


@pytest.fixture
def like(tmp_path):
    def write(text=LIKE):
        (tmp_path / 'first.urdf').write_text(arm())
        path = tmp_path / 'first.yaml'
        path.write_text(text)
        return path

    return write


def drafted(facts, other=None, recorded=False, file='upright.urdf', **how):
    tree = parse_joint_tree(arm(**how), 'upright.urdf')
    origin = DraftOrigin('upright', ('here',), recorded, file, has_poses=True)
    made = draft(facts, tree, origin, other)
    return yaml.safe_load(made.text), made


def test_a_urdf_alone_gives_a_chain_and_pose_slots(describe, urdf):
    robot, text = describe('--urdf', urdf(), '--poses')
    chain = robot.chains['hand']
    assert (chain.base, chain.tip, chain.joints) == ('base', 'palm', JOINTS)
    assert chain.tip_offset.xyz == (0.0, 0.0, 0.1)
    assert chain.home.keys() == set(JOINTS)
    # Of five joints, the hand is not turned any way.
    assert chain.max_error_rad == 0.8
    assert robot.input == {OPENINGS: {0: 'finger_a'}, POSES: {0: 'hand'}}
    assert robot.output == {POSES: {0: 'hand'}}
    assert robot.output_sources()[0].is_target
    assert [joint.name for joint in robot.commands()[0].joints] == list(JOINTS)
    assert '# guessed: origin between the fingertips' in text


def test_the_printout_says_what_was_guessed_of_a_chain(urdf, tmp_path, capsys):
    out = tmp_path / 'out.yaml'
    assert main(['describe', '--urdf', str(urdf()), '--poses', '--out', str(out)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1].startswith("chain 'hand': base to palm, 5 joints; base_offset: x to where")
    assert 'x the way its fingers close' in said[1]


def test_without_poses_asked_for_a_draft_has_joints_as_ever(describe, urdf):
    robot, text = describe('--urdf', urdf())
    assert 'chain' not in text
    assert robot.chains == {}
    assert POSITIONS in robot.input


def test_a_draft_of_poses_converts_the_recording_that_it_is_from(describe, urdf, bag, tmp_path):
    recorded = bag()
    robot, text = describe('--urdf', urdf(), '--bag', recorded, '--poses')
    assert robot.output_sources()[-1].topic == '/arm/joint_trajectory'
    assert 'targets:\n  END_EFFECTOR_POSES: {topic: /arm/joint_trajectory}' in text
    words = ['convert', tmp_path / 'data', recorded, '--description', robot.path, '--rate', 20]
    assert main(list(map(str, words))) == 0
    rows = parquet.read_table(next((tmp_path / 'data').rglob('data/**/*.parquet')))
    first = rows.slice(0, 1).to_pylist()[0]
    kinematics = ChainKinematics(robot.chains['hand'])
    measured = kinematics.pose([0.0, 0.1, 1.4, 1.6, 0.2])
    commanded = kinematics.pose([0.01, 0.1, 1.4, 1.6, 0.2])
    assert np.abs(np.array(first['observation.state'])[-7:] - measured).max() < 0.02
    # What was commanded then, a tenth of a second ahead.
    assert np.abs(np.array(first['action'])[-7:] - commanded).max() < 0.02


def test_home_is_where_the_recorded_arm_was(describe, urdf, bag):
    robot, _ = describe('--urdf', urdf(), '--bag', bag(), '--poses')
    assert robot.chains['hand'].home['elbow'] == pytest.approx(1.4, abs=1e-3)


def test_a_robot_like_one_of_poses_gets_its_frames_slots_and_following_gripper(
    describe, urdf, like, bag
):
    cameras = {'overhead__image': image}
    words = ('--urdf', urdf(size=0.5, flange='0 0 3.1416'), '--bag', bag(**cameras))
    robot, text = describe(*words, '--like', like())
    assert robot.input[POSES] == robot.output[POSES] == {2: 'hand'}
    assert POSITIONS not in robot.input
    chain = robot.chains['hand']
    assert chain.tip_offset.rpy[2] == pytest.approx(-1.5708, abs=1e-4)
    source = next(s for s in robot.input_sources() if s.data_type is OPENINGS)
    assert (source.topic, source.follow_s) == ('/hand/joint_trajectory', 0.4)
    pose = next(s for s in robot.input_sources() if s.data_type is POSES)
    assert pose.scale == pytest.approx(1.5 * 0.9 / 0.55, rel=0.1)
    assert chain.workspace['z'][1] == pytest.approx(0.4 * 1.5 / pose.scale, abs=1e-3)
    assert '# guessed: follows its command, so that an opening means what it does on first' in text
    assert 'first is cropped to [1, 0, 1, 2]' in ' '.join(text.split())
    assert 'axes and zeros' not in describe.said


def test_a_robot_like_one_that_commands_joints_and_only_reads_poses_commands_joints(
    describe, urdf, like, bag
):
    text = (
        LIKE.replace('  END_EFFECTOR_POSES: {2: hand}\nsources', f'  JOINT_TARGET_POSITIONS: {dict(enumerate(JOINTS))}\nsources')
        .replace('sources:', 'sources:\n  JOINT_POSITIONS: {topic: /j}\n  JOINT_TARGET_POSITIONS: {topic: /j}')
        .replace('targets: {END_EFFECTOR_POSES: {topic: /a}}\n', '')
        .replace('  END_EFFECTOR_POSES: {topic: /a}\n', '  JOINT_TARGET_POSITIONS: {topic: /j}\n')
        .replace("'", '')
    )  # fmt: skip
    robot, _ = describe('--urdf', urdf(), '--bag', bag(), '--like', like(text))
    assert robot.input[POSES] == {2: 'hand'}
    assert POSES not in robot.output
    assert list(robot.output[DataType.JOINT_TARGET_POSITIONS].values()) == list(JOINTS)


def test_a_urdf_that_is_published_becomes_a_file_beside_the_robot_file(
    describe, bag, tmp_path, capsys
):
    recorded = bag(robot_description=lambda s: text_message(arm()) if s == 0 else None)
    robot, _ = describe('--bag', recorded, '--poses')
    assert robot.urdf == tmp_path / 'robot.urdf'
    assert robot.chains['hand'].tip_offset.xyz == (0.0, 0.0, 0.1)
    out = tmp_path / 'robot.yaml'
    out.unlink()
    words = ['describe', '--bag', str(recorded), '--poses', '--out', str(out)]
    assert main(words) == 1
    assert 'robot.urdf: exists; give it by --urdf, or --force' in capsys.readouterr().err


def test_a_urdf_is_not_left_behind_where_nothing_is_drafted(refusal, bag, tmp_path):
    rail = (
        '<robot name="r"><joint name="pan" type="prismatic"><parent link="a"/><child link="b"/>'
        '<limit lower="0" upper="1" velocity="1"/></joint></robot>'
    )
    recorded = bag(robot_description=lambda s: text_message(rail) if s == 0 else None)
    assert 'no arm of 4 joints or more' in refusal('--bag', recorded, '--poses')
    assert list(tmp_path.glob('*.urdf')) == []


def test_poses_need_the_urdf_as_a_file(refusal, bag):
    assert 'needs the URDF of this robot as a file: give --urdf FILE' in refusal(
        '--bag', bag(), '--poses'
    )


def test_a_gripper_that_an_action_moves_cannot_follow_and_that_is_said(like):
    other = DescribedArm.of(load_robot(like()))
    grip = CommandReceiver('/hand', 'control_msgs/action/GripperCommand', '/hand', ('finger_a',))
    arm_ = CommandReceiver('/arm', FOLLOW, '/arm', JOINTS)
    robot, made = drafted(Facts(listeners=(grip, arm_)), other)
    assert 'follow_s' not in str(robot)
    assert 'on first it follows the command: once a topic' in ' '.join(made.text.split())
    assert 'targets' not in robot
    assert '# targets:' in made.text
    assert 'no topic with commands was recorded' in made.text
    assert robot['commands']['END_EFFECTOR_POSES'] == {'topic': '/arm', 'type': FOLLOW}


def test_bare_numbers_for_an_arm_and_its_hand_name_their_order():
    both = CommandReceiver('/all', NUMBERS, '/all', ALL)
    robot, _ = drafted(Facts(listeners=(both,)))
    assert robot['commands']['END_EFFECTOR_POSES']['order'] == list(ALL)
    assert robot['commands']['PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS']['order'] == list(ALL)


def test_joints_that_messages_call_otherwise_are_named(tmp_path, urdf):
    names = [f'motor_{number}' for number in range(1, 6)]
    motions = {name: ObservedMotion(0.0, 0.1, 0.1) for name in names}
    states = NumberTopic('/joint_states', STATE, 9, tuple(names), 5, motions, 0.01)
    robot, made = drafted(Facts((states,)), fingers=False)
    called = dict(zip(JOINTS, names, strict=True))
    assert robot['sources']['END_EFFECTOR_POSES'] == {'topic': '/joint_states', 'names': called}
    urdf(fingers=False)
    path = tmp_path / 'named.yaml'
    path.write_text(made.text)
    assert load_robot(path).input_sources()[0].joint_names == tuple(names)


def test_an_arm_that_is_measured_in_degrees_has_their_scale():
    motions = {name: ObservedMotion(-60.0, 60.0, 9.0) for name in JOINTS}
    states = NumberTopic('/joint_states', STATE, 9, JOINTS, 5, motions, 0.01)
    robot, made = drafted(Facts((states,)), fingers=False)
    assert robot['sources']['END_EFFECTOR_POSES']['joints'] == {'scale': 0.0174533}
    assert 'it measures in degrees, by the values that were seen' in ' '.join(made.text.split())


def test_an_arm_that_is_commanded_in_degrees_has_no_chain():
    motions = {name: ObservedMotion(-60.0, 60.0, 9.0) for name in JOINTS}
    sent = NumberTopic('/arm', TRAJECTORY, 9, JOINTS, 5, motions, 0.01)
    with pytest.raises(UserError, match=r"'pan' is commanded in deg.*in the units of its URDF"):
        drafted(Facts((sent,)), fingers=False)


def test_the_unit_of_a_dataset_is_asked_for_and_is_no_name_of_a_controller(urdf, tmp_path):
    names = tuple(f'{joint}.pos' for joint in JOINTS)
    motions = {name: ObservedMotion(-60.0, 60.0, 9.0) for name in names}
    numbers = [
        NumberTopic(key, STATE, 90, names, 5, motions, 1 / 30, is_feature=True)
        for key in ('observation.state', 'action')
    ]
    robot, made = drafted(Facts(tuple(numbers)), fingers=False, recorded=True)
    for section in ('sources', 'targets'):
        assert 'joints' not in robot[section]['END_EFFECTOR_POSES']
        assert robot[section]['END_EFFECTOR_POSES']['names']['pan'] == 'pan.pos'
    assert 'names' not in robot['commands']['END_EFFECTOR_POSES']
    asked = '    # joints: {scale: 0.0174533}\n'
    assert made.text.count(asked) == 2
    urdf(fingers=False)
    path = tmp_path / 'so.yaml'
    path.write_text(made.text.replace(asked, asked.replace('# ', '')))
    (pose,) = load_robot(path).input_sources()
    assert {own.scale for own in pose.joint_scales} == {0.0174533}


def test_a_joint_below_the_arm_that_another_controller_moves_is_not_of_its_chain():
    lift = CommandReceiver('/pan', TRAJECTORY, '/c', JOINTS[:1])
    rest = CommandReceiver('/rest', TRAJECTORY, '/c', JOINTS[1:])
    robot, _ = drafted(Facts(listeners=(lift, rest)))
    assert robot['chains']['hand']['base'] == 'l1'
    assert robot['commands']['END_EFFECTOR_POSES'] == {'topic': '/rest'}
    assert robot['output']['JOINT_TARGET_POSITIONS'] == {0: 'pan'}


def test_a_torso_that_carries_two_arms_is_of_neither(tmp_path):
    def one(side, y):
        text = arm(fingers=False).replace('<robot name="upright">', '').replace('</robot>', '')
        words = ('pan', 'lift', 'elbow', 'wrist', 'roll', 'hold', 'mount', 'base', 'palm')
        for word in (*words, 'l1', 'l2', 'l3', 'l4', 'l5'):
            text = text.replace(f'"{word}"', f'"{side}_{word}"')
        return text.replace('"world"', '"chest"').replace('0 0 0.5', f'0 {y} 0.5')

    torso = joint('torso', 'world', 'chest', 'prismatic')
    text = f'<robot name="two">{torso}{one("left", 0.3)}{one("right", -0.3)}</robot>'
    (tmp_path / 'two.urdf').write_text(text)
    origin = DraftOrigin('two', ('here',), False, 'two.urdf', has_poses=True)
    made = draft(Facts(), parse_joint_tree(text, str(tmp_path / 'two.urdf')), origin)
    (tmp_path / 'two.yaml').write_text(made.text)
    robot = load_robot(tmp_path / 'two.yaml')
    assert list(robot.chains) == ['left_hand', 'right_hand']
    assert robot.chains['left_hand'].base == 'chest'
    assert robot.output[POSES] == {0: 'left_hand', 1: 'right_hand'}
    assert len(robot.commands()[0].joints) == 11


def test_a_rail_and_a_camera_are_no_arm():
    tree = parse_joint_tree(
        '<robot name="r"><joint name="rail" type="prismatic"><parent link="a"/><child link="b"/>'
        '<limit lower="0" upper="1" velocity="1"/></joint></robot>',
        'rail.urdf',
    )
    origin = DraftOrigin('r', ('here',), False, 'rail.urdf', has_poses=True)
    with pytest.raises(UserError, match='no arm of 4 joints or more'):
        draft(Facts(), tree, origin)
