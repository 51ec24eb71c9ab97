"""The robot file, whole and spoilt."""

import math
from pathlib import Path

import pytest

from helpers.robot_file_examples import ROBOT
from neuracore_ros.description import DataType, JointLimit, load_descriptions, load_robot
from neuracore_ros.description.robot_checks import suspect_speeds
from neuracore_ros.description.source import strictest_ages_s
from neuracore_ros.description.urdf import read_urdf
from neuracore_ros.errors import DescriptionError

JOINTS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS

URDF = """<robot name="one">
  <joint name="base" type="revolute"><limit lower="-0.5" upper="0.5" velocity="1.5"/></joint>
  <joint name="wrist" type="continuous"><limit velocity="2.5" effort="1"/></joint>
  <joint name="slide" type="prismatic"><limit lower="0" upper="0.1" velocity="0.2"/></joint>
  <joint name="flange" type="fixed"/>
</robot>"""


@pytest.fixture
def robot(tmp_path):
    def write_and_load(text=ROBOT, *changes):
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        (tmp_path / 'one.yaml').write_text(text)
        return load_robot(tmp_path / 'one.yaml')

    return write_and_load


def test_each_name_gets_its_source_with_the_defaults_of_its_type(robot):
    base, wrist, eye = robot().input_sources()
    assert (base.topic, base.type, base.field) == (
        '/joint_states',
        'sensor_msgs/msg/JointState',
        'position',
    )
    assert (base.index, wrist.index, wrist.message_name) == (0, 2, 'wrist')
    assert (base.max_age_s, eye.max_age_s) == (0.2, 0.5)
    assert eye.type == 'sensor_msgs/msg/CompressedImage'
    assert (base.stamp, base.reliability) == ('header', 'match')
    target = robot().output_sources()[0]
    assert (target.type, target.max_age_s) == ('trajectory_msgs/msg/JointTrajectory', None)


def test_an_option_of_one_name_completes_those_of_its_type(robot):
    one = robot(
        ROBOT,
        (
            'JOINT_POSITIONS: {topic: /joint_states}',
            'JOINT_POSITIONS: {topic: /joint_states, names: {base: q1}, max_age_s: 0.1, '
            'qos: {reliability: best_effort}, wrist: {scale: -1, offset: 0.5, stamp: receive}}',
        ),
    )
    base, wrist, _ = one.input_sources()
    assert (base.message_name, base.scale, base.stamp) == ('q1', 1.0, 'header')
    assert (wrist.topic, wrist.scale, wrist.offset) == ('/joint_states', -1.0, 0.5)
    assert (wrist.max_age_s, wrist.stamp, wrist.reliability) == (0.1, 'receive', 'best_effort')


def test_a_publisher_that_names_nothing_gets_an_order(robot):
    one = robot(ROBOT, ('{topic: /joint_states}', '{topic: /joint_states, order: [base, wrist]}'))
    assert one.input_sources()[0].order == ('base', 'wrist')


@pytest.mark.parametrize(
    ('source', 'says'),
    [
        (
            'order: [base, wrist, base]',
            "'base' (JOINT_POSITIONS index 0): order has 'base' 2 times",
        ),
        ('type: Float64MultiArray, order: [bas, wrist]', "order lacks 'base'; did you mean 'bas'"),
    ],
)
def test_an_order_has_each_name_that_is_read_once(robot, source, says):
    with pytest.raises(DescriptionError) as refused:
        one = robot(ROBOT, ('{topic: /joint_states}', f'{{topic: /joint_states, {source}}}'))
        one.input_sources()
    assert says in str(refused.value)


def test_names_of_one_topic_make_one_command_in_index_order(robot):
    (command,) = robot().commands()
    assert [joint.name for joint in command.joints] == ['base', 'wrist']
    assert (command.topic, command.stream) == ('/command', 'chunk')
    assert command.joints[1].limit == JointLimit(-math.inf, math.inf, 3.0, 4.0)


def test_two_topics_make_two_commands(robot):
    one = robot(
        ROBOT,
        (
            'commands:\n  JOINT_TARGET_POSITIONS: {topic: /command}',
            'commands:\n  JOINT_TARGET_POSITIONS: {topic: /command, '
            'wrist: {topic: /wrist, type: Float64MultiArray}}',
        ),
    )
    assert [(c.topic, c.stream) for c in one.commands()] == [
        ('/command', 'chunk'),
        ('/wrist', 'point'),
    ]


def test_actions_are_commands_of_a_fixed_stream(robot):
    one = robot(
        ROBOT,
        (
            'commands:\n  JOINT_TARGET_POSITIONS: {topic: /command}',
            'commands:\n  JOINT_TARGET_POSITIONS: {topic: /arm/follow, type: FollowJointTrajectory, '
            'wrist: {topic: /hand/move, type: GripperCommand, effort: 12.5}}',
        ),
    )
    assert [(c.topic, c.type, c.stream, c.effort) for c in one.commands()] == [
        ('/arm/follow', 'control_msgs/action/FollowJointTrajectory', 'chunk', 0.0),
        ('/hand/move', 'control_msgs/action/GripperCommand', 'point', 12.5),
    ]


def test_a_command_goes_back_to_the_sense_of_the_robot(robot):
    one = robot(
        ROBOT,
        (
            'commands:\n  JOINT_TARGET_POSITIONS: {topic: /command}',
            'commands:\n  JOINT_TARGET_POSITIONS: {topic: /command, scale: -2, offset: 1, '
            'names: {base: q1}}',
        ),
    )
    joint = one.commands()[0].joints[0]
    assert joint.message_name == 'q1'
    assert joint.to_message(3.0) == -1.0


def test_each_commanded_joint_is_measured_at_the_index_of_the_output(robot):
    one = robot(
        ROBOT, ('JOINT_POSITIONS: {0: base, 2: wrist}', 'JOINT_POSITIONS: {0: base, 5: wrist}')
    )
    assert [(s.data_type, s.index, s.name) for s in one.measured_sources()] == [
        (JOINTS, 0, 'base'),
        (JOINTS, 2, 'wrist'),
    ]


def test_a_robot_that_reads_only_images_is_measured_all_the_same(robot):
    one = robot(ROBOT, ('  JOINT_POSITIONS: {0: base, 2: wrist}\n', ''))
    assert [source.topic for source in one.measured_sources()] == ['/joint_states'] * 2


def test_limits_come_from_the_urdf_and_the_file_overrides_them(robot, tmp_path):
    (tmp_path / 'one.urdf').write_text(URDF)
    one = robot(
        ROBOT,
        ('robot: one\n', 'robot: one\nurdf: one.urdf\n'),
        ('  base: {position: [-1.0, 1.0], velocity: 2.0}\n', '  base: {velocity: 0.7}\n'),
        ('  wrist: {position: none, velocity: 3.0, acceleration: 4.0}\n', ''),
    )
    assert one.limits[TARGETS, 'base'] == JointLimit(-0.5, 0.5, 0.7)
    assert one.limits[TARGETS, 'wrist'] == JointLimit(-math.inf, math.inf, 2.5)


def test_a_jerk_limit_may_be_given(robot):
    given = robot(ROBOT, ('acceleration: 4.0}', 'acceleration: 4.0, jerk: 25}'))
    assert given.limits[TARGETS, 'wrist'].jerk == 25.0
    assert robot().limits[TARGETS, 'wrist'].jerk is None
    with pytest.raises(DescriptionError, match="jerk limits of 'wrist' must be above 0"):
        robot(ROBOT, ('acceleration: 4.0}', 'acceleration: 4.0, jerk: 0}'))


def test_a_rail_stays_a_rail_where_the_file_takes_its_range_away(robot, tmp_path):
    (tmp_path / 'one.urdf').write_text(URDF)
    rail = robot(
        ROBOT.replace('wrist', 'slide'),
        ('limits:\n', 'urdf: one.urdf\nlimits:\n'),
    )
    limit = rail.limits[TARGETS, 'slide']
    assert (limit.lower, limit.upper, limit.slides) == (-math.inf, math.inf, True)
    assert not robot().limits[TARGETS, 'wrist'].slides


def test_limits_may_be_given_by_the_name_in_the_message(robot):
    one = robot(
        ROBOT,
        ('  base: {position', '  q1: {position'),
        (
            'commands:\n  JOINT_TARGET_POSITIONS: {topic: /command}',
            'commands:\n  JOINT_TARGET_POSITIONS: {topic: /command, names: {base: q1}}',
        ),
    )
    assert one.limits[TARGETS, 'base'].upper == 1.0


def test_a_cross_embodiment_file_names_robot_files_beside_it(robot, tmp_path):
    robot()
    (tmp_path / 'cross.yaml').write_text('robots: {one: one.yaml}')
    descriptions = load_descriptions([tmp_path / 'cross.yaml'])
    assert descriptions.input_layout.widths[JOINTS] == 3
    assert descriptions.robot('one').name == 'one'
    with pytest.raises(DescriptionError, match="no robot 'ono'; did you mean 'one'"):
        descriptions.robot('ono')


def test_a_cross_embodiment_file_must_use_the_names_of_its_robots(robot, tmp_path):
    robot()
    (tmp_path / 'cross.yaml').write_text('robots:\n  two: one.yaml')
    with pytest.raises(DescriptionError, match=r"cross.yaml:2: 'two' names .*'one'"):
        load_descriptions([tmp_path / 'cross.yaml'])


def test_a_described_robot_without_a_file_has_no_sources(tmp_path):
    (tmp_path / 'plain.yaml').write_text('r: {JOINT_POSITIONS: [a]}')
    with pytest.raises(DescriptionError, match="'r' is described, but without sources"):
        load_descriptions([tmp_path / 'plain.yaml']).robot('r')


def test_what_a_tool_needs_and_the_file_lacks_is_refused_with_the_line_to_write(robot):
    one = robot(ROBOT[: ROBOT.index('sources:')])
    with pytest.raises(
        DescriptionError, match=r"'base' \(JOINT_POSITIONS index 0\) has no source"
    ):
        one.input_sources()
    with pytest.raises(DescriptionError, match='Add under commands: JOINT_TARGET_POSITIONS: '):
        one.commands()


def test_a_name_beside_others_with_topics_is_told_to_get_its_own(robot):
    one = robot(ROBOT, ('RGB_IMAGES: {1: eye}', 'RGB_IMAGES: {1: eye, 2: hand}'))
    with pytest.raises(DescriptionError, match=r'Add under sources: RGB_IMAGES: {hand: {topic'):
        one.input_sources()


def test_a_velocity_limit_that_slows_no_arm_is_said(robot):
    assert list(suspect_speeds(robot())) == []
    (said,) = suspect_speeds(robot(ROBOT, ('velocity: 3.0', 'velocity: 172')))
    assert "of 'wrist' is 172: in degrees, it is velocity: 3.002; in rad/s" in said


def test_a_type_that_no_message_carries_is_refused_by_name(robot):
    one = robot(
        ROBOT,
        ('  RGB_IMAGES: {1: eye}\n', '  POINT_CLOUDS: {1: eye}\n'),
        ('  RGB_IMAGES:\n', '  POINT_CLOUDS:\n'),
    )
    with pytest.raises(DescriptionError, match='POINT_CLOUDS .* is not supported'):
        one.input_sources()


SPOILT = [
    ('robot: one\n', '', "needs the key 'robot'"),
    ('robot: one', 'robots: one', "unknown key 'robots' in a robot file; did you mean 'robot'?"),
    ('robot: one', 'robot: 1', 'quote it'),
    ('robot: one', 'robot: one\nrobot: two', "'robot' is given twice (first on line 1)"),
    ('robot: one', 'robot: one\nurdf: absent.urdf', "one.yaml:2: urdf 'absent.urdf': there is no file"),
    ('velocity: 2.0', 'velocity: 0', "velocity limits of 'base' must be above 0"),
    ('velocity: 2.0', 'velocity: -1', 'must be above 0'),
    ('velocity: 2.0', 'velocity: fast', 'must be a finite number'),
    ('velocity: 2.0', 'velocity: .inf', 'must be a finite number'),
    ('velocity: 2.0', 'velocity: 1e999', 'must be a finite number'),
    ('velocity: 2.0', 'velocity: E0', 'must be a finite number'),
    ('velocity: 2.0', 'velocity: .e1', 'must be a finite number'),
    ('velocity: 2.0', 'velocity: 010', 'must be a finite number'),
    ('velocity: 2.0', 'speed: 2.0', "unknown key 'speed' in limits of 'base'"),
    (', velocity: 2.0', '', "output 'base' (JOINT_TARGET_POSITIONS index 0) has no velocity limit"),
    ('position: [-1.0, 1.0], ', '', "output 'base' (JOINT_TARGET_POSITIONS index 0) has no position limit"),
    ('[-1.0, 1.0]', '[1.0, -1.0]', 'lower 1 is not below upper -1'),
    ('[-1.0, 1.0]', '[1.0]', 'must be [lower, upper]'),
    ('[-1.0, 1.0]', '1.0', 'must be [lower, upper]'),
    ('  base: {position', '  bose: {position', "limits: no joint 'bose'; did you mean 'base'? Known: base, wrist"),
    ('input:\n  JOINT_POSITIONS: {0: base, 2: wrist}\n  RGB_IMAGES: {1: eye}', 'input: {}', 'has no input'),
    ('{topic: /joint_states}', '{topics: /joint_states}', "'topics' is neither an option nor a name of the robot; did you mean 'topic'?"),
    ('{topic: /joint_states}', '{topic: /joint_states, bose: {scale: 2}}', "'bose' is neither an option nor a name"),
    ('{topic: /joint_states}', '{topic: /joint_states, base: {skale: 2}}', "unknown key 'skale'"),
    ('{topic: /joint_states}', '{topic: /joint states}', 'is no ROS topic name'),
    ('{topic: /joint_states}', '{topic: /joint_states, scale: 0}', 'must not be zero'),
    ('{topic: /joint_states}', '{topic: /joint_states, stamp: now}', "'now' is not one of header, receive"),
    ('{topic: /joint_states}', '{topic: /joint_states, max_age_s: 0}', 'must be above 0'),
    ('{topic: /joint_states}', '{topic: /joint_states, field: angle}', 'is not one of position, velocity, effort'),
    ('{topic: /joint_states}', '{topic: /joint_states, type: Range}', "'Range' is not supported"),
    ('{topic: /joint_states}', '{topic: /joint_states, type: Image}', 'does not hold it'),
    ('{topic: /joint_states}', '{topic: /joint_states, type: Float64MultiArray}', 'add order'),
    ('{topic: /joint_states}', '{topic: /joint_states, names: {bose: x}}', "the robot has no 'bose'"),
    ('{topic: /joint_states}', '{topic: /joint_states, names: {base: x, wrist: x}}', "'x' is given twice, to 'base' and 'wrist': give each a topic"),
    ('{topic: /joint_states}', '{topic: /joint_states, order: base}', 'must be a list'),
    ('{topic: /joint_states}', '{topic: /joint_states, qos: {depth: 1}}', "unknown key 'depth'"),
    ('{topic: /joint_states}', '{topic: /joint_states, qos: {reliability: some}}', 'is not one of match'),
    ('  JOINT_TARGET_POSITIONS: {topic: /command}\ncommands', '  JOINT_TARGET_POSITIONS: {topic: /command, max_age_s: 1}\ncommands', 'a target holds until it is replaced'),
    ('  RGB_IMAGES:\n    eye', '  DEPTH_IMAGES:\n    eye', 'sources: the robot has no DEPTH_IMAGES'),
    ('commands:\n  JOINT_TARGET_POSITIONS', 'commands:\n  JOINT_POSITIONS', 'commands: the robot has no JOINT_POSITIONS'),
    ('commands:\n  JOINT_TARGET_POSITIONS: {', 'commands:\n  JOINT_TARGET_POSITIONS: {type: Float64MultiArray, stream: chunk, ', 'remove stream: chunk'),
    ('commands:\n  JOINT_TARGET_POSITIONS: {', 'commands:\n  JOINT_TARGET_POSITIONS: {type: FollowJointTrajectory, stream: point, ', 'a FollowJointTrajectory takes more than one point: remove stream: point'),
    ('commands:\n  JOINT_TARGET_POSITIONS: {', 'commands:\n  JOINT_TARGET_POSITIONS: {type: GripperCommand, stream: chunk, ', 'a GripperCommand takes one point: remove stream: chunk'),
    ('commands:\n  JOINT_TARGET_POSITIONS: {', 'commands:\n  JOINT_TARGET_POSITIONS: {effort: 5, ', 'write type: control_msgs/action/GripperCommand'),
    ('commands:\n  JOINT_TARGET_POSITIONS: {', 'commands:\n  JOINT_TARGET_POSITIONS: {type: GripperCommand, effort: 0.0, ', 'must be above 0, not'),
]  # fmt: skip


@pytest.mark.parametrize(('old', 'new', 'message'), SPOILT)
def test_a_wrong_robot_file_is_refused(robot, old, new, message):
    with pytest.raises(DescriptionError) as caught:
        robot(ROBOT, (old, new))
    assert message in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('own', 'order', 'message_names'),
    [
        ('', 'base wrist', 'base wrist'),
        ('type: Float64MultiArray, order: [wrist, base]', 'wrist base', 'wrist base'),
        ('order: [wrist, x], names: {base: x}', 'wrist base', 'wrist x'),
    ],
)
def test_commands_go_out_in_index_order_or_as_order_says(robot, own, order, message_names):
    one = robot(
        ROBOT,
        (
            'commands:\n  JOINT_TARGET_POSITIONS: {topic: /command}',
            f'commands:\n  JOINT_TARGET_POSITIONS: {{topic: /command, {own}}}',
        ),
    )
    (command,) = one.commands()
    assert [joint.name for joint in command.joints] == order.split()
    assert [joint.message_name for joint in command.joints] == message_names.split()


@pytest.mark.parametrize(
    ('own', 'message'),
    [
        ('names: {base: x}, wrist: {names: {wrist: x}}', "'x' is commanded twice"),
        ('wrist: {stream: point}', 'differs in type, stream, effort or order'),
        ('type: GripperCommand', 'a GripperCommand moves one gripper, not base, wrist'),
        ('order: [wrist, bse]', "order of commands to /command: 'bse' .* did you mean 'base'"),
        ('order: [wrist, base, wrist]', "order of commands to /command: 'wrist' is given twice"),
        ('order: [wrist]', "order of commands to /command lacks 'base': it must name each joint"),
        (
            'order: [wrist, base], names: {base: x}',
            "'base' is not commanded there. Known: wrist, x",
        ),
        ('wrist: {order: [wrist, base]}', 'differs in type, stream, effort or order'),
    ],
)
def test_commands_of_one_topic_that_contradict_are_refused(robot, own, message):
    one = robot(
        ROBOT,
        (
            'commands:\n  JOINT_TARGET_POSITIONS: {topic: /command}',
            f'commands:\n  JOINT_TARGET_POSITIONS: {{topic: /command, {own}}}',
        ),
    )
    with pytest.raises(DescriptionError, match=message):
        one.commands()


@pytest.mark.parametrize(
    ('urdf', 'message'),
    [
        ('<robot', 'is not XML'),
        ('<sdf/>', 'is no URDF'),
        (URDF.replace('1.5', 'quick'), "limit of joint 'base'"),
        (URDF.replace('1.5', 'inf'), 'is not finite'),
    ],
)
def test_a_wrong_urdf_is_refused(robot, tmp_path, urdf, message):
    (tmp_path / 'one.urdf').write_text(urdf)
    with pytest.raises(DescriptionError, match=message):
        robot(ROBOT, ('robot: one', 'robot: one\nurdf: one.urdf'))


def test_a_robot_that_moves_nothing_has_no_commands(robot):
    still = robot(
        ROBOT.partition('output:')[0]
        + 'output: {}\nsources:\n  JOINT_POSITIONS: {topic: /a}\n  RGB_IMAGES: {topic: /b}\n'
    )
    with pytest.raises(DescriptionError, match='one.yaml: the robot has no output: nothing to'):
        still.commands()


def test_the_range_of_an_output_is_in_the_sense_of_its_slot(robot):
    commands = 'commands:\n  JOINT_TARGET_POSITIONS: {topic: /command'
    one = robot(ROBOT, (commands, f'{commands}, base: {{scale: -2, offset: 1}}'))
    assert one.slot_range(TARGETS, 'base') == (-1.0, 3.0)
    assert one.slot_range(TARGETS, 'wrist') == (-math.inf, math.inf)


def test_the_strictest_name_of_a_topic_says_when_it_is_stale(robot):
    one = robot(
        ROBOT, ('{topic: /joint_states}', '{topic: /joint_states, wrist: {max_age_s: 0.1}}')
    )
    assert strictest_ages_s(one.input_sources())['/joint_states'] == 0.1
    assert strictest_ages_s(one.output_sources()) == {}


def test_a_urdf_that_is_not_there_is_named():
    with pytest.raises(DescriptionError, match=r'^nowhere/a.urdf: no such file'):
        read_urdf(Path('nowhere/a.urdf'))


DUO = """robot: duo
limits: {l: {position: [-1, 1], velocity: 1}, r: {position: [-1, 1], velocity: 1}}
input: {JOINT_POSITIONS: [l, r]}
output: {JOINT_TARGET_POSITIONS: [l, r]}
sources:
  JOINT_POSITIONS: {names: {l: pan, r: pan}, l: {topic: /left}, r: {topic: RIGHT}}
commands:
  JOINT_TARGET_POSITIONS: {names: {l: pan, r: pan}, l: {topic: /l}, r: {topic: /r}}
"""


def test_two_arms_may_use_equal_names_on_topics_of_their_own(tmp_path):
    (tmp_path / 'duo.yaml').write_text(DUO.replace('RIGHT', '/right'))
    robot = load_robot(tmp_path / 'duo.yaml')
    assert [(s.topic, s.message_name) for s in robot.input_sources()] == [
        ('/left', 'pan'),
        ('/right', 'pan'),
    ]
    assert [(c.topic, c.joints[0].message_name) for c in robot.commands()] == [
        ('/l', 'pan'),
        ('/r', 'pan'),
    ]
    (tmp_path / 'duo.yaml').write_text(DUO.replace('RIGHT', '/left'))
    with pytest.raises(DescriptionError, match=r"duo.yaml:6: names of .* 'pan' is given twice"):
        load_robot(tmp_path / 'duo.yaml')


def test_a_tag_of_python_makes_nothing(tmp_path):
    trace = tmp_path / 'trace'
    path = tmp_path / 'arm.yaml'
    path.write_text(f'robot: !!python/object/apply:os.mkdir [{trace}]\n')
    with pytest.raises(DescriptionError) as refused:
        load_robot(path)
    assert '\n' not in str(refused.value)
    assert not trace.exists()
