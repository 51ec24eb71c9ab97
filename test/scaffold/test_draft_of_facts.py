"""What a draft makes of controllers, grippers and names, as they are seen on one robot or another."""

import pytest
import yaml

from helpers.drawn_arms import THREE, joint, urdf
from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.description import load_robot
from neuracore_ros.errors import UserError
from neuracore_ros.kinematics.joint_tree import parse_joint_tree
from neuracore_ros.scaffold.collect import is_wanted
from neuracore_ros.scaffold.draft import draft
from neuracore_ros.scaffold.draft_texts import DraftOrigin
from neuracore_ros.scaffold.facts import (
    CommandReceiver,
    Facts,
    ImageTopic,
    NumberTopic,
    ObservedMotion,
)

JOINTS = ('pan', 'lift', 'elbow', 'roll')
STATE, TRAJECTORY = 'sensor_msgs/msg/JointState', 'trajectory_msgs/msg/JointTrajectory'
NUMBERS, POSES = 'std_msgs/msg/Float64MultiArray', 'geometry_msgs/msg/PoseStamped'
FOLLOW = 'control_msgs/action/FollowJointTrajectory'
GRIP = 'control_msgs/action/GripperCommand'
ARM = parse_joint_tree(THREE, 'arm.urdf')


def states(*joints, width=0, name='/joint_states'):
    motions = {key: ObservedMotion(-0.5, 0.5, 1.0) for key in joints or map(str, range(width))}
    return NumberTopic(name, STATE, 100, joints, width or len(joints), motions, 0.01)


def drafted(*numbers, listeners=(), arm=ARM, other=None, recorded=False, **more):
    facts = Facts(numbers, listeners=tuple(listeners), **more)
    made = draft(facts, arm, DraftOrigin('drafted', ('here',), recorded), other)
    return yaml.safe_load(made.text), made


def test_a_controller_that_listens_goes_before_what_was_published():
    action = CommandReceiver('/arm/follow', FOLLOW, '/arm', JOINTS)
    sent = NumberTopic('/sent', TRAJECTORY, 9, JOINTS, 4)
    robot, made = drafted(states(*JOINTS), sent, listeners=[action])
    assert robot['commands']['JOINT_TARGET_POSITIONS'] == {'topic': '/arm/follow', 'type': FOLLOW}
    assert '/arm listens' in made.text
    assert 'goals of an action are not recorded: add a topic' in made.text


def test_a_controller_that_tells_no_joints_takes_what_it_is_given():
    robot, _ = drafted(
        states(*JOINTS), listeners=[CommandReceiver('/arm', TRAJECTORY, '/somebody')]
    )
    assert robot['commands']['JOINT_TARGET_POSITIONS'] == {'topic': '/arm'}
    assert robot['output'] == {'JOINT_TARGET_POSITIONS': dict(enumerate(JOINTS))}


def test_a_joint_that_no_controller_takes_is_read_and_not_commanded():
    some = CommandReceiver('/arm', TRAJECTORY, '/arm', JOINTS[:3])
    robot, made = drafted(states(*JOINTS), listeners=[some])
    assert robot['input']['JOINT_POSITIONS'] == dict(enumerate(JOINTS))
    assert robot['output']['JOINT_TARGET_POSITIONS'] == dict(enumerate(JOINTS[:3]))
    assert 'roll: no controller takes it: input only' in made.warnings


def test_a_gripper_is_commanded_by_its_own_action():
    arm = CommandReceiver('/arm', TRAJECTORY, '/arm', JOINTS)
    hand = CommandReceiver('/hand/grip', GRIP, '/hand', ('finger_a',))
    robot, made = drafted(states(*JOINTS, 'finger_a', 'finger_b'), listeners=[arm, hand])
    targets = 'PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS'
    assert robot['output'][targets] == {0: 'finger_a'}
    assert robot['commands'][targets] == {'topic': '/hand/grip', 'type': GRIP}
    assert targets not in robot['sources'] and 'it moves the gripper by its name' in made.text


def test_a_gripper_that_obeys_bare_numbers_is_recorded_by_its_place():
    numbers = NumberTopic('/hand/commands', NUMBERS, 9, (), 1)
    robot, _ = drafted(states(*JOINTS, 'finger_a'), numbers)
    assert robot['sources']['PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS'] == {
        'topic': '/hand/commands',
        'type': NUMBERS,
        'order': ['finger_a'],
    }


def test_commands_as_states_cannot_be_sent_and_say_so():
    sent = NumberTopic('/hand/command', STATE, 9, ('finger_a',), 1)
    _, made = drafted(states(*JOINTS, 'finger_a'), sent)
    assert any('as JointState, which the node does not send' in text for text in made.warnings)


def test_names_that_differ_between_urdf_and_messages_are_matched_by_order():
    robot, made = drafted(states('joint_1', 'joint_2', 'joint_3', 'joint_4', 'joint_5'))
    names = dict(zip((*JOINTS, 'finger_a'), (f'joint_{n}' for n in range(1, 6)), strict=True))
    arm = {name: names[name] for name in JOINTS}
    assert robot['sources']['JOINT_POSITIONS']['names'] == arm
    assert 'they are matched by order' in made.warnings[0]


@pytest.mark.parametrize(
    ('width', 'arm', 'order', 'how'),
    [
        (5, ARM, (*JOINTS, 'finger_a'), 'that of the URDF'),
        (4, ARM, JOINTS, 'that of the URDF, without the gripper'),
        (2, None, ('a', 'b'), 'that of /arm'),
        (3, None, ('joint_1', 'joint_2', 'joint_3'), 'numbers; write the names'),
    ],
)
def test_a_publisher_without_names_gets_an_order_that_is_told(width, arm, order, how):
    sent = NumberTopic('/arm', TRAJECTORY, 9, ('a', 'b'), 2)
    robot, made = drafted(states(width=width), sent, arm=arm)
    assert robot['sources']['JOINT_POSITIONS']['order'] == list(order)
    assert f'/joint_states names no joint: order is {how}' in made.warnings


def test_a_range_that_nothing_tells_is_a_stub():
    endless = parse_joint_tree(urdf(joint('turn', kind='continuous')), 'arm.urdf')
    robot, _ = drafted(arm=endless)
    assert robot['limits']['turn']['position'] == 'none'
    still = NumberTopic('/joint_states', STATE, 9, ('turn',), 1)
    robot, made = drafted(still, arm=None)
    assert robot['limits']['turn'] == {'position': [-0.05, 0.05], 'velocity': 0.1}
    assert 'nothing tells a range; this one is a stub' in made.text


def test_wheels_and_heads_alone_are_no_arm():
    with pytest.raises(UserError, match='no joint is left to describe .*l_wheel: of no arm'):
        drafted(states('l_wheel', 'r_wheel'), arm=None)


def test_what_the_other_robot_has_and_this_one_lacks_is_told(tmp_path):
    file = tmp_path / 'known.yaml'
    file.write_text(
        'robot: known\nlimits: {a: {position: [-1, 1], velocity: 1}}\n'
        'input:\n  JOINT_POSITIONS: {0: a}\n  POSES: {0: cup}\n  LANGUAGE: {0: task}\n'
        '  DEPTH_IMAGES: {0: eye}\noutput: {JOINT_TARGET_POSITIONS: {0: a}}\n'
        'sources:\n  JOINT_POSITIONS: {topic: /s}\n  POSES: {topic: /p}\n  LANGUAGE: {topic: /l}\n'
        '  DEPTH_IMAGES: {topic: /d}\n  JOINT_TARGET_POSITIONS: {topic: /c}\n'
        'commands: {JOINT_TARGET_POSITIONS: {topic: /c}}\n'
    )
    other = DescribedArm.of(load_robot(file))
    robot, made = drafted(states('a'), arm=None, other=other, others={'/cup': POSES})
    assert robot['input']['LANGUAGE'] == {0: 'task'}
    assert 'POSES of known (cup): nothing here corresponds' in made.text
    assert 'DEPTH_IMAGES of known (eye): nothing here corresponds' in made.text
    assert (
        'Also there, and not drafted: /cup (PoseStamped), for END_EFFECTOR_POSES or POSES'
        in made.text
    )


def test_what_a_source_could_read_is_told_with_what_it_is_for():
    others = {'/odom': 'nav_msgs/msg/Odometry', '/imu': 'sensor_msgs/msg/Imu'}
    _, made = drafted(states('a'), arm=None, others=others)
    assert '/imu (Imu), for CUSTOM_1D' in made.text
    said = ' '.join(made.text.replace('#', ' ').split())
    assert '/odom (Odometry), for END_EFFECTOR_POSES or POSES or CUSTOM_1D' in said


def test_of_two_cameras_the_one_without_a_counterpart_is_a_comment(tmp_path):
    file = tmp_path / 'known.yaml'
    file.write_text(
        'robot: known\nlimits: {a: {position: [-1, 1], velocity: 1}}\n'
        'input: {JOINT_POSITIONS: {0: a}, RGB_IMAGES: {3: wrist}}\n'
        'output: {JOINT_TARGET_POSITIONS: {0: a}}\n'
        'sources: {JOINT_POSITIONS: {topic: /s}, RGB_IMAGES: {topic: /w}, '
        'JOINT_TARGET_POSITIONS: {topic: /c}}\n'
        'commands: {JOINT_TARGET_POSITIONS: {topic: /c}}\n'
    )
    kind = 'sensor_msgs/msg/Image'
    images = ImageTopic('/hand/image_raw', kind), ImageTopic('/left/image_raw', kind)
    robot, made = drafted(
        states('a'), arm=None, other=DescribedArm.of(load_robot(file)), images=images
    )
    assert robot['input']['RGB_IMAGES'] == {3: 'hand'}
    assert robot['sources']['RGB_IMAGES'] == {'hand': {'topic': '/hand/image_raw'}}
    assert '# left: {topic: /left/image_raw}' in made.text


@pytest.mark.parametrize('topic', ['/infer/plan', '/left/infer/plan', 'infer/plan'])
def test_the_plan_that_a_node_shows_is_no_command_topic(topic):
    assert not is_wanted(topic, TRAJECTORY)


def test_a_planner_may_command_on_a_topic_that_is_called_plan():
    assert is_wanted('/planner/plan', TRAJECTORY)
