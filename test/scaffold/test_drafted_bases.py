"""Bases that are driven by a Twist, and controllers of velocities and torques, in a draft."""

from types import SimpleNamespace

import pytest
import yaml

from helpers.drawn_arms import THREE
from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.description import load_robot
from neuracore_ros.kinematics.joint_tree import parse_joint_tree
from neuracore_ros.scaffold.bases import interface
from neuracore_ros.scaffold.collect import FactCollector
from neuracore_ros.scaffold.draft import draft
from neuracore_ros.scaffold.draft_texts import DraftOrigin
from neuracore_ros.scaffold.facts import (
    CommandReceiver,
    Facts,
    NumberTopic,
    ObservedMotion,
    TwistTopic,
)

JOINTS = ('pan', 'lift', 'elbow', 'roll')
STATE, NUMBERS = 'sensor_msgs/msg/JointState', 'std_msgs/msg/Float64MultiArray'
TWIST, STAMPED = 'geometry_msgs/msg/Twist', 'geometry_msgs/msg/TwistStamped'
TRAJECTORY = 'trajectory_msgs/msg/JointTrajectory'
ARM = parse_joint_tree(THREE, 'arm.urdf')
MOTIONS = {name: ObservedMotion(-0.5, 0.5, 1.0) for name in JOINTS}
STATES = NumberTopic('/joint_states', STATE, 100, JOINTS, 4, MOTIONS, 0.01)
CONTROLLER = CommandReceiver('/arm/joint_trajectory', TRAJECTORY, '/arm', JOINTS)


def drafted(folder, *listeners, twists=(), numbers=(), like=None, others=()):
    facts = Facts((STATES, *numbers), listeners=listeners, twists=twists, others=dict(others))
    made = draft(facts, ARM, DraftOrigin('drafted', ('here',)), like)
    path = folder / 'drafted.yaml'
    path.write_text(made.text)
    return load_robot(path), yaml.safe_load(made.text), made


def test_a_base_whose_controller_listens_is_drafted_with_the_slow_speeds_of_two_wheels(tmp_path):
    base = CommandReceiver('/diff_drive_controller/cmd_vel', STAMPED, '/diff_drive_controller')
    robot, text, made = drafted(tmp_path, CONTROLLER, base)
    (command,) = robot.direct_commands()
    assert (command.topic, command.type) == (base.name, STAMPED)
    assert [(slot.name, slot.message_name) for slot in command.slots] == [
        ('base_x', 'linear.x'),
        ('base_turn', 'angular.z'),
    ]
    assert text['limits']['base_x'] == {'velocity': 0.3}
    assert text['limits']['base_turn'] == {'velocity': 0.5}
    assert '/diff_drive_controller listens' in made.text
    assert 'guessed: slow: write that of the base' in made.text
    assert any('taken for the base' in text for text in made.warnings)
    assert [source.topic for source in robot.output_sources() if source.name == 'base_x'] == [
        base.name
    ]


def test_a_recorded_base_has_the_axes_that_moved_and_is_as_fast_as_it_was_driven(tmp_path):
    peaks = {'linear.x': 0.413, 'linear.y': 0.2, 'angular.z': 0.0, 'linear.z': 0.0}
    twist = TwistTopic('/cmd_vel', TWIST, 40, peaks)
    robot, text, made = drafted(
        tmp_path, CONTROLLER, twists=[twist], others={'/cmd_vel': TWIST}.items()
    )
    (command,) = robot.direct_commands()
    assert [slot.message_name for slot in command.slots] == ['linear.x', 'linear.y']
    assert [slot.limit.most for slot in command.slots] == [0.42, 0.2]
    assert 'recorded commands went here; no controller was seen' in made.text
    assert 'Also there, and not drafted: /cmd_vel' not in made.text
    assert text['targets']['CUSTOM_1D']['topic'] == '/cmd_vel'


@pytest.mark.parametrize('name', ['/odom/twist', '/servo/delta_twist_cmds', '/cmd_vel/measured'])
def test_a_twist_of_another_name_may_be_measured_or_of_a_hand(tmp_path, name):
    twist = TwistTopic(name, TWIST, 40, {'linear.x': 1.0})
    robot, _, made = drafted(tmp_path, CONTROLLER, twists=[twist], others={name: TWIST}.items())
    assert robot.direct_commands() == ()
    assert f'Also there, and not drafted: {name}' in made.text


def test_a_base_takes_the_indices_of_the_other_robots_and_none_where_that_has_none(tmp_path):
    base = CommandReceiver('/cmd_vel', TWIST, '/base')
    (tmp_path / 'other.yaml').write_text(
        """robot: other
limits: {p: {position: [-1, 1], velocity: 1}, go: {velocity: 1}, spin: {velocity: 1}}
input: {JOINT_POSITIONS: {0: p}}
output: {JOINT_TARGET_POSITIONS: {0: p}, CUSTOM_1D: {2: spin, 5: go}}
sources: {JOINT_POSITIONS: {topic: /js}}
commands:
  JOINT_TARGET_POSITIONS: {topic: /c}
  CUSTOM_1D: {topic: /v, type: Twist, names: {go: linear.x, spin: angular.z}}
"""
    )
    like = DescribedArm.of(load_robot(tmp_path / 'other.yaml'))
    robot, text, _ = drafted(tmp_path, CONTROLLER, base, like=like)
    assert text['output']['CUSTOM_1D'] == {5: 'base_x', 2: 'base_turn'}
    assert len(robot.direct_commands()) == 1
    armed = (tmp_path / 'other.yaml').read_text()
    for words in (', CUSTOM_1D: {2: spin, 5: go}', ', go: {velocity: 1}, spin: {velocity: 1}'):
        armed = armed.replace(words, '')
    (tmp_path / 'other.yaml').write_text(armed[: armed.index('  CUSTOM_1D')])
    like = DescribedArm.of(load_robot(tmp_path / 'other.yaml'))
    assert drafted(tmp_path, CONTROLLER, base, like=like)[0].direct_commands() == ()


@pytest.mark.parametrize(
    ('receiver', 'says'),
    [
        (
            CommandReceiver('/velocity_controller/commands', NUMBERS, '/v', JOINTS),
            '/velocity_controller/commands takes velocities. To command them in place of '
            'positions: output: {JOINT_VELOCITIES: {0: pan, 1: lift, 2: elbow, 3: roll}}, '
            'commands: {JOINT_VELOCITIES: {topic: /velocity_controller/commands, type: '
            'Float64MultiArray}}',
        ),
        (
            CommandReceiver('/forward/commands', NUMBERS, '/f', JOINTS, interface='effort'),
            'type: Float64MultiArray, allow_torques: true, stop: hold}}',
        ),
    ],
)
def test_velocities_and_torques_are_never_taken_for_positions(tmp_path, receiver, says):
    robot, text, made = drafted(tmp_path, receiver)
    assert text['commands']['JOINT_TARGET_POSITIONS']['topic'] != receiver.name
    assert any(says in warning for warning in made.warnings)
    assert '# guessed: /' in made.text
    assert robot.direct_commands() == ()


def test_what_a_controller_says_of_its_interface_counts_more_than_its_name():
    assert interface('/velocity_controller/commands') == 'velocity'
    assert interface('/velocity_controller/commands', 'position') == ''
    assert interface('/forward/commands', 'effort') == 'effort'
    assert interface('/arm/commands') == ''


def test_twists_are_collected_whatever_they_hold():
    collector = FactCollector()
    for x in (0.1, float('nan'), -0.4, float('inf')):
        axes = SimpleNamespace(x=x, y=0.0, z=0.0)
        collector.receive('cmd_vel', TWIST, SimpleNamespace(linear=axes, angular=axes), 0)
        collector.receive(
            '/base/cmd_vel',
            STAMPED,
            SimpleNamespace(twist=SimpleNamespace(linear=axes, angular=axes)),
            0,
        )
    for twist in collector.facts().twists:
        assert (twist.count, twist.peaks['linear.x']) == (4, 0.4)
    below = collector.facts().below('/base')
    assert [twist.name for twist in below.twists] == ['cmd_vel']
    assert {t.name for t in collector.facts().joined(below).twists} == {
        '/cmd_vel',
        '/base/cmd_vel',
        'cmd_vel',
    }
