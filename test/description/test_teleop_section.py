"""The section ``teleop`` of a robot file: where a human commands."""

import warnings

import pytest

from helpers.robot_file_examples import ROBOT
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.teleop import teleop_lines
from neuracore_ros.errors import DescriptionError, DescriptionWarning

TARGET = DataType.JOINT_TARGET_POSITIONS
HAND = """
robot: hand
limits: {hand: {velocity: 0.25, angular_velocity: 0.8}, spin: {velocity: 1.0}}
input: {END_EFFECTOR_POSES: {0: hand}}
output: {END_EFFECTOR_POSES: {0: hand}, CUSTOM_1D: {0: spin}}
sources: {END_EFFECTOR_POSES: {topic: /hand/pose}}
commands:
  END_EFFECTOR_POSES: {topic: /target, type: PoseStamped, frame: base}
  CUSTOM_1D: {topic: /cmd_vel, type: Twist, names: {spin: angular.z}}
teleop:
"""


def load(folder, teleop, robot=ROBOT):
    path = folder / 'robot.yaml'
    path.write_text(f'{robot}{teleop}')
    return load_robot(path)


def refusal(folder, teleop, robot=ROBOT):
    with pytest.raises(DescriptionError) as caught:
        load(folder, teleop, robot)
    assert '\n' not in str(caught.value)
    return str(caught.value)


def written(options):
    return f'teleop: {{JOINT_TARGET_POSITIONS: {{{options}}}}}\n'


def test_a_leader_publishes_joint_states_that_age_though_targets_do_not(tmp_path):
    robot = load(tmp_path, written('topic: /leader/joint_states'))
    base, wrist = robot.teleop_sources()
    assert (base.name, base.index, wrist.name, wrist.index) == ('base', 0, 'wrist', 2)
    assert base.type == 'sensor_msgs/msg/JointState'
    assert base.max_age_s == 0.2 and not base.is_target
    # The recorded target still holds until it is replaced.
    recorded = robot.output_sources()[0]
    assert recorded.max_age_s is None and recorded.is_target
    assert teleop_lines(robot) == [
        'a human can take over on /leader/joint_states (JointState): base, wrist'
    ]


def test_without_the_section_nobody_takes_over(tmp_path):
    assert load(tmp_path, '').teleop_sources() == ()
    assert teleop_lines(load(tmp_path, '')) == []


def test_a_name_may_have_its_own_device_unit_and_age(tmp_path):
    robot = load(
        tmp_path,
        written(
            'topic: /leader, wrist: {topic: /knob, type: Float64, scale: 0.5, offset: 1, '
            'max_age_s: 0.5}'
        ),
    )
    base, wrist = robot.teleop_sources()
    assert (base.topic, wrist.topic, wrist.max_age_s) == ('/leader', '/knob', 0.5)
    assert wrist.value(2.0) == 2.0


def test_poses_come_as_poses_and_what_is_sent_as_it_is_as_twist_or_joy(tmp_path):
    joy = ' END_EFFECTOR_POSES: {topic: /pen}\n CUSTOM_1D: {topic: /joy, type: Joy, names: {spin: axes.0}}\n'
    pen, spin = load(tmp_path, joy, HAND).teleop_sources()
    assert pen.type == 'geometry_msgs/msg/PoseStamped' and pen.max_age_s == 0.2
    assert spin.type == 'sensor_msgs/msg/Joy' and spin.message_name == 'axes.0'
    untyped = ' END_EFFECTOR_POSES: {topic: /pen}\n CUSTOM_1D: {topic: /joy}\n'
    assert 'or write type: Twist, TwistStamped or Joy' in refusal(tmp_path, untyped, HAND)
    mirrored = ' END_EFFECTOR_POSES: {topic: /pen, scale: -1}\n CUSTOM_1D: {topic: /joy}\n'
    assert 'scale' in refusal(tmp_path, mirrored.replace('/joy', '/joy, order: [spin]'), HAND)


def test_every_output_needs_one_and_the_line_to_write_is_told(tmp_path):
    assert refusal(tmp_path, written('base: {topic: /leader}')).endswith(
        "'wrist' (JOINT_TARGET_POSITIONS index 2) has no source. Add under teleop: "
        'JOINT_TARGET_POSITIONS: {wrist: {topic: /...}}'
    )
    assert 'Add under teleop: JOINT_TARGET_POSITIONS: {topic: /...}' in refusal(
        tmp_path, 'teleop: {}\n'
    )


@pytest.mark.parametrize(
    ('options', 'says'),
    [
        ('topic: /command', 'a second commander there stops it'),
        ('topic: command', 'a second commander there stops it'),
        ('topic: /joint_states', "where 'base' is measured"),
        (
            'topic: /joint_states, type: JointTrajectory, names: {base: a, wrist: b}',
            'a topic has one type',
        ),
        ('topic: /leader, follow_s: 0.4', 'remove follow_s'),
        ('topic: /leader, max_age_s: 0', 'must be above 0'),
        ('topic: /leader, max_age_s: 5', 'stops within at most 1 s'),
        ('topic: /leader, type: Image', 'does not hold it'),
        ('topic: /leader, type: Float64MultiArray', 'add order: [names by position]'),
        ('topic: /leader, crop: [0, 0, 1, 1]', "'crop' means nothing"),
        ('topic: /leader, arm: {topic: /x}', 'is neither an option nor a name'),
        ('topic: "not a topic"', 'is no ROS topic name'),
    ],
)
def test_what_could_not_be_meant_is_refused_in_one_line(tmp_path, options, says):
    assert says in refusal(tmp_path, written(options))


def test_only_outputs_are_commanded(tmp_path):
    text = refusal(tmp_path, 'teleop: {JOINT_POSITIONS: {topic: /leader}}\n')
    assert "did you mean 'JOINT_TARGET_POSITIONS'?" in text


def test_a_leader_with_names_of_its_own_may_share_a_topic_with_the_robot(tmp_path):
    names = 'topic: /joint_states, names: {base: leader_base, wrist: leader_wrist}'
    assert [s.message_name for s in load(tmp_path, written(names)).teleop_sources()] == [
        'leader_base',
        'leader_wrist',
    ]


def test_a_scale_of_the_command_alone_is_warned_of(tmp_path):
    scaled = ROBOT.replace(
        'commands:\n  JOINT_TARGET_POSITIONS: {topic: /command}',
        'commands:\n  JOINT_TARGET_POSITIONS: {topic: /command, base: {scale: -1}}',
    )
    with pytest.warns(DescriptionWarning, match='write the same there, else scale: 1'):
        load(tmp_path, written('topic: /leader'), scaled)
    with warnings.catch_warnings():
        warnings.simplefilter('error', DescriptionWarning)
        load(tmp_path, written('topic: /leader, scale: 1'), scaled)
