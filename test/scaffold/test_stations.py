"""Stations whose topics and joints are called as misleadingly as real ones are."""

import math

import pytest
import yaml

from helpers.drawn_arms import THREE, joint, record, state, urdf
from neuracore_ros.alignment.name_heuristics import from_base_to_tip, is_gripper, side
from neuracore_ros.description import DataType
from neuracore_ros.kinematics.joint_tree import parse_joint_tree
from neuracore_ros.scaffold.draft import draft
from neuracore_ros.scaffold.draft_texts import DraftOrigin
from neuracore_ros.scaffold.facts import (
    CommandReceiver,
    Facts,
    ImageTopic,
    NumberTopic,
    ObservedMotion,
)
from neuracore_ros.scaffold.published_urdf import published_joint_tree

STATE, TRAJECTORY = 'sensor_msgs/msg/JointState', 'trajectory_msgs/msg/JointTrajectory'
NUMBERS, IMAGE = 'std_msgs/msg/Float64MultiArray', 'sensor_msgs/msg/Image'
POSITIONS, TARGETS = 'JOINT_POSITIONS', 'JOINT_TARGET_POSITIONS'
OPENINGS = 'PARALLEL_GRIPPER_OPEN_AMOUNTS'
ALOHA = ('waist', 'elbow', 'gripper', 'left_finger', 'right_finger')


def states(name, *joints, lower=-0.5, upper=0.5, width=0, kind=STATE, count=100):
    motions = {key: ObservedMotion(lower, upper, 1.0) for key in joints or map(str, range(width))}
    return NumberTopic(name, kind, count, joints, width or len(joints), motions, 0.01)


def drafted(*numbers, arm=None, recorded=True, file='', **more):
    made = draft(Facts(numbers, **more), arm, DraftOrigin('drafted', ('here',), recorded, file))
    return yaml.safe_load(made.text), made


def topics(robot, kind):
    """Name -> the topic that it is read from."""
    options = robot['sources'][kind]
    if 'topic' in options:
        names = {**robot['input'], **robot['output']}[kind].values()
        return dict.fromkeys(names, options['topic'])
    return {name: own['topic'] for name, own in options.items() if isinstance(own, dict)}


@pytest.mark.parametrize(
    ('follower', 'leader'),
    [
        ('/follower_{}/joint_states', '/leader_{}/joint_states'),
        ('/{}/follower/joint_states', '/{}/leader/joint_states'),
        ('/puppet/joint_{}', '/master/joint_{}'),
        ('/{}_arm/state', '/{}_arm/command'),
    ],
)
@pytest.mark.parametrize('sides', [('left', 'right'), ('1', '2'), ('alice', 'bob')])
def test_each_follower_is_paired_with_its_own_leader(follower, leader, sides):
    followers = [
        states(follower.format(s), *ALOHA, lower=-n, count=9 - n) for n, s in enumerate(sides)
    ]
    leaders = [states(leader.format(side_), *ALOHA) for side_ in reversed(sides)]
    robot, made = drafted(*followers, *leaders)
    measured, commanded = topics(robot, POSITIONS), topics(robot, TARGETS)
    assert len(measured) == 4 and measured.keys() == commanded.keys()
    for name, topic in measured.items():
        mine = next(s for s in sides if topic == follower.format(s))
        assert commanded[name] == leader.format(mine)
    assert len(robot['input'][OPENINGS]) == 2
    assert any(
        'have the same joint names: drafted as one robot of 2 arms' in w for w in made.warnings
    )


def test_a_leader_of_the_other_side_is_not_paired_with_the_only_follower():
    robot, _ = drafted(
        states('/follower_right/joint_states', *ALOHA),
        states('/leader_left/joint_states', *ALOHA),
        states('/leader_right/joint_states', *ALOHA),
    )
    assert set(topics(robot, TARGETS).values()) == {'/leader_right/joint_states'}
    robot, made = drafted(
        states('/follower_right/joint_states', *ALOHA),
        states('/leader_left/joint_states', *ALOHA),
    )
    assert robot['output'].keys() == {POSITIONS}
    assert any('/leader_left/joint_states is left out' in warning for warning in made.warnings)


def test_a_finger_may_be_called_after_the_other_side():
    hand = CommandReceiver('/right_hand/commands', NUMBERS, '/right_hand', ('left_finger',))
    robot, _ = drafted(states('/right/joint_states', 'a', 'left_finger'), listeners=(hand,))
    assert robot['commands']['PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS']['topic'] == hand.name


def test_a_topic_that_does_not_tell_its_arm_commands_none():
    both = [states(f'/{s}/joint_states', 'a', 'b', lower=-n) for n, s in enumerate(('x', 'y'))]
    robot, made = drafted(*both, states('/leader/joint_states', 'a', 'b'))
    assert robot['output'].keys() == {POSITIONS}
    assert '/leader/joint_states: does not tell which arm it is of: left out' in made.warnings


def test_a_relay_of_a_topic_is_no_second_arm():
    robot, _ = drafted(states('/joint_states', 'a', 'b'), states('/relay/joint_states', 'a', 'b'))
    assert robot['input'][POSITIONS] == {0: 'a', 1: 'b'}
    assert topics(robot, POSITIONS)['a'] == '/joint_states'


def test_two_arms_that_listen_get_controllers_cameras_and_limits_of_their_own():
    arms = ('left', 'right')
    robot, _ = drafted(
        *(states(f'/{a}/joint_states', 'pan', 'lift', 'elbow', 'roll', 'finger_a') for a in arms),
        listeners=tuple(
            listener
            for a in arms
            for listener in (
                CommandReceiver(
                    f'/{a}/arm/joint_trajectory', TRAJECTORY, a, ('pan', 'lift', 'elbow', 'roll')
                ),
                CommandReceiver(f'/{a}/jaw/commands', NUMBERS, f'{a}_jaw', ('finger_a',)),
            )
        ),
        images=tuple(ImageTopic(f'/{a}/hand_cam/image_raw', IMAGE) for a in arms),
        arm=parse_joint_tree(THREE, 'arm.urdf'),
        file='arm.urdf',
    )
    assert 'limits' not in robot  # names of messages are found in the URDF
    assert list(robot['output'][TARGETS].values()) == [
        f'{a}_{j}' for a in arms for j in ('pan', 'lift', 'elbow', 'roll')
    ]
    assert robot['output']['PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS'] == {
        0: 'left_finger_a',
        1: 'right_finger_a',
    }
    assert robot['input']['RGB_IMAGES'] == {0: 'left_hand_cam', 1: 'right_hand_cam'}
    command = robot['commands'][TARGETS]['right_elbow']
    assert command == {'topic': '/right/arm/joint_trajectory', 'names': {'right_elbow': 'elbow'}}


def test_what_is_measured_is_no_echo_of_a_command():
    robot, made = drafted(
        states('/controller/out/servo_positions', 'q1', 'q2', 'q3'),
        states('/servo/in/state', 'q1', 'q2', 'q3'),
        states('/servo/out/state', width=3, lower=-0.8, upper=0.2),
    )
    assert robot['sources'][POSITIONS] == {
        'topic': '/servo/out/state',
        'order': ['q1', 'q2', 'q3'],
    }
    assert 'guessed: not /controller/out/servo_positions, which also has q1, q2' in made.text


def test_a_publisher_of_commands_that_names_no_joint_gets_an_order_too():
    robot, made = drafted(states('/out/state', width=3), states('/in/references', width=3))
    assert robot['sources'][TARGETS]['order'] == ['joint_1', 'joint_2', 'joint_3']
    assert 'guessed: bare numbers, taken to be in this order' in made.text


def test_commands_that_fit_no_joint_are_left_out_by_name():
    robot, made = drafted(states('/joint_states', 'a', 'b'), states('/command', width=5))
    assert robot['output'].keys() == {POSITIONS}
    assert 'which joints its 5 numbers are for is not known' in made.text
    assert 'no command of a joint was recorded' in made.text


def test_the_only_states_are_not_taken_for_commands_of_themselves():
    robot, _ = drafted(states('/leader/joint_states', 'a', 'b'))
    assert robot['output'].keys() == {POSITIONS}


def test_a_telescope_is_no_left_arm_and_has_one_gripper():
    arm = [f'joint_arm_l{number}' for number in (3, 2, 1, 0)]
    wrist = ['joint_wrist_yaw', 'joint_wrist_pitch', 'joint_wrist_roll']
    fingers = ['joint_gripper_finger_left', 'joint_gripper_finger_right']
    robot, _ = drafted(states('/stretch/joint_states', 'joint_lift', *arm, *wrist, *fingers))
    assert list(robot['input'][POSITIONS].values()) == ['joint_lift', *arm, *wrist]
    assert robot['input'][OPENINGS] == {0: fingers[0]}


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('joint_arm_l3', ''),
        ('link_r0', ''),
        ('l_shoulder', 'l'),
        ('yumi_joint_1_r', 'r'),
        ('leftArm', 'l'),
        ('right1_elbow', 'r'),
        ('lArm', 'l'),
        ('roll', ''),
    ],
)
def test_a_side_is_a_word_or_a_letter_of_its_own(name, expected):
    assert side(name) == expected


def test_names_order_joints_from_base_to_tip():
    def shuffled(*names):
        return from_base_to_tip(sorted(names))

    assert shuffled('base', 'shoulder', 'elbow', 'wrist_1', 'wrist_2') == [
        'base',
        'shoulder',
        'elbow',
        'wrist_1',
        'wrist_2',
    ]
    wrists = ['wrist_1', 'wrist_2', 'wrist_3']
    assert from_base_to_tip([*reversed(wrists), 'elbow', 'shoulder']) == [
        'shoulder',
        'elbow',
        *wrists,
    ]
    assert shuffled('pan', 'lift', 'elbow') == ['pan', 'lift', 'elbow']
    assert shuffled('j10', 'j2', 'j1') == ['j1', 'j2', 'j10']
    assert shuffled('shoulder_lift', 'lift', 'shoulder_yaw')[0] == 'lift'
    assert is_gripper('left_arm_gripper_joint') and not is_gripper('arm_hand_roll')


SO = urdf(joint('pan', '0 0 1'), joint('lift', '0 1 0', after='pan'), joint('jaw', after='lift'))


def in_degrees(seconds, joints=('pan', 'lift', 'jaw')):
    turned = 60 * math.sin(seconds)
    return state(seconds, joints, [turned, -turned, 50 + 40 * math.sin(seconds)])


def test_a_driver_in_degrees_beside_a_urdf_in_radians_is_told_and_scaled(describe, tmp_path):
    (tmp_path / 'so.urdf').write_text(SO)
    bag = record(tmp_path / 'bag', joint_states=in_degrees, leader__joint_states=in_degrees)
    robot, written = describe('--bag', bag, '--urdf', tmp_path / 'so.urdf')
    scales = {(s.data_type.is_gripper, round(s.scale, 5)) for s in robot.input_sources()}
    assert scales == {(False, 0.01745), (True, 0.01)}
    assert {s.scale for s in robot.output_sources()} == {s.scale for s in robot.input_sources()}
    assert '/joint_states is taken to be in degrees: pan was seen at ' in describe.said
    assert 'taken as percent, 0 closed' in describe.said
    assert 'guessed: sent in radians, though measured in degrees' in written
    assert robot.limits[DataType.JOINT_TARGET_POSITIONS, 'pan'].upper == 2.0


def test_a_controller_that_was_sent_degrees_has_its_limits_in_degrees():
    sent = states('/arm/joint_trajectory', 'pan', 'lift', lower=-60, upper=60, kind=TRAJECTORY)
    measured = states('/joint_states', 'pan', 'lift', lower=-60, upper=60)
    robot, made = drafted(measured, sent, arm=parse_joint_tree(SO, 'so.urdf'), file='so.urdf')
    assert robot['limits']['pan']['position'] == pytest.approx([-114.6, 114.6], abs=0.1)
    assert 'guessed: in degrees' in made.text and 'from so.urdf, in degrees' in made.text
    told = '/arm/joint_trajectory is taken to be in degrees: pan was seen at '
    assert any(text.startswith(told) for text in made.warnings)
    assert robot['commands'][TARGETS]['scale'] == robot['sources'][POSITIONS]['scale']


def test_positions_far_outside_of_a_urdf_that_are_no_degrees_are_told():
    measured = states('/joint_states', 'pan', 'lift', lower=0, upper=4096)
    robot, made = drafted(measured, arm=parse_joint_tree(SO, 'so.urdf'))
    assert 'scale' not in robot['sources'][POSITIONS]
    assert any('another unit, or the URDF of another robot?' in text for text in made.warnings)


def test_without_a_urdf_many_turns_are_degrees():
    robot, _ = drafted(states('/joint_states', 'a', 'b', lower=-60, upper=60))
    assert robot['sources'][POSITIONS]['scale'] == pytest.approx(math.pi / 180, rel=1e-5)
    assert robot['limits']['a']['position'] == pytest.approx([-1.05, 1.05])
    robot, _ = drafted(states('/joint_states', 'a', 'b', lower=-6, upper=6))
    assert 'scale' not in robot['sources'][POSITIONS]


def test_metres_are_no_radians():
    robot, _ = drafted(
        states('/joint_states', 'elbow', lower=0.0, upper=0.02),
        states('/hand', 'finger', lower=0.008, upper=0.0421),
        states('/rail', 'rail', lower=0.3, upper=0.3005),
    )
    assert robot['limits']['elbow']['position'] == [-0.04, 0.06]  # it hardly moved [rad]
    assert robot['limits']['finger']['position'] == [0.008, 0.043]  # what was seen [m]
    assert robot['limits']['rail']['position'] == [0.298, 0.303]
    assert robot['limits']['rail']['velocity'] <= 0.5


def test_urdfs_of_two_arms_become_one_unless_they_contradict_each_other():
    left = urdf(joint('l_pan'), joint('l_lift', '0 1 0', after='l_pan'))
    arm, told = published_joint_tree({'/l': left, '/r': left.replace('l_', 'r_')})
    assert [j.name for j in arm.joints] == ['l_pan', 'l_lift', 'r_pan', 'r_lift'] and not told
    arm, told = published_joint_tree({'/l': left, '/r': left})
    assert [j.name for j in arm.joints] == ['l_pan', 'l_lift'] and not told
    arm, told = published_joint_tree({'/l': left, '/r': left.replace('-2.0', '-1.0')})
    assert arm is None and '/l and /r differ' in told[0]


def test_a_namespace_drafts_one_arm_with_topics_relative_to_it(describe, tmp_path):
    bag = record(
        tmp_path / 'bag',
        left__joint_states=lambda t: state(t, ['a', 'b'], [t, 0]),
        right__joint_states=lambda t: state(t, ['a', 'b'], [0, t]),
    )
    robot, _ = describe('--bag', bag, '--namespace', '/left')
    assert robot.input[DataType.JOINT_POSITIONS] == {0: 'a', 1: 'b'}
    assert {source.topic for source in robot.input_sources()} == {'joint_states'}


def test_a_range_that_is_guessed_holds_what_was_commanded_too():
    robot, _ = drafted(
        states('/joint_states', 'elbow', 'gripper', lower=0.1, upper=0.9),
        states('/leader/joint_states', 'elbow', 'gripper', lower=0.15, upper=0.95),
    )
    assert robot['limits']['elbow']['position'] == [0.1, 0.95]
    assert robot['limits']['gripper']['position'] == [0.1, 0.95]
