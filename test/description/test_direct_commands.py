"""Outputs that are sent as they are, in the robot file: what is refused, and what is resolved."""

import pytest

from neuracore_ros.description import DataType, load_robot
from neuracore_ros.errors import DescriptionError

ARM = '<robot name="r">{}</robot>'
JOINT = """<joint name="{name}" type="revolute">
<parent link="{parent}"/><child link="{child}"/><axis xyz="0 0 1"/>
<limit lower="-2" upper="2" velocity="1.5" effort="{effort}"/></joint>"""


def robot_of(folder, output, commands, limits='{}', sources='', more=''):
    (folder / 'arm.urdf').write_text(
        ARM.format(
            JOINT.format(name='a', parent='base', child='upper', effort='30')
            + JOINT.format(name='b', parent='upper', child='tool', effort='wrong')
        )
    )
    path = folder / 'robot.yaml'
    path.write_text(
        f'robot: r\nurdf: arm.urdf\nlimits: {limits}\ninput: {{JOINT_POSITIONS: [a, b]}}\n'
        f'output: {output}\nsources:\n  JOINT_POSITIONS: {{topic: joint_states}}\n{sources}'
        f'commands: {commands}\n{more}'
    )
    return load_robot(path)


def one_line(folder, *given, **more):
    with pytest.raises(DescriptionError) as caught:
        robot_of(folder, *given, **more).all_commands()
    assert '\n' not in str(caught.value)
    return str(caught.value)


CHAIN = 'chains: {hand: {base: base, tip: tool, tip_offset: {xyz: [0, 0, 0.1]}}}\n'
ARRAY = 'Float64MultiArray'


def test_limits_come_from_the_urdf_or_the_file(tmp_path):
    robot = robot_of(
        tmp_path,
        '{JOINT_VELOCITIES: [a], JOINT_TORQUES: [b]}',
        f'{{JOINT_VELOCITIES: {{topic: v, type: {ARRAY}}}, '
        'JOINT_TORQUES: {topic: t, allow_torques: true, stop: zero}}',
        '{a: {acceleration: 4.0}, b: {effort: 3.0}}',
    )
    (velocity,), (torque,) = (command.slots for command in robot.direct_commands())
    assert (velocity.limit.most, velocity.limit.change) == (1.5, 4.0)
    assert (torque.limit.most, torque.limit.change, torque.holds) == (3.0, None, False)
    assert robot.commands() == ()
    assert robot.slot_range(DataType.JOINT_VELOCITIES, 'a') == (-1.5, 1.5)


def test_the_effort_of_a_urdf_limits_torques_and_a_wrong_one_is_none(tmp_path):
    commands = '{JOINT_TORQUES: {topic: t, allow_torques: true, stop: zero}}'
    robot = robot_of(tmp_path, '{JOINT_TORQUES: [a]}', commands)
    assert robot.direct_commands()[0].slots[0].limit.most == 30.0
    assert one_line(tmp_path, '{JOINT_TORQUES: [b]}', commands).endswith(
        "output 'b' (JOINT_TORQUES index 0) has no effort limit. Add under limits: b: {effort: ...}"
    )


@pytest.mark.parametrize(
    ('commands', 'says'),
    [
        ('{topic: t}', 'nothing else keeps an arm up, or stops it, once torques are commanded. '),
        ('{topic: t, allow_torques: false, stop: zero}', 'add allow_torques: true and stop: zero'),
        ('{topic: t, allow_torques: true}', 'add stop: zero (the arm may fall), or stop: hold'),
        ('{topic: t, allow_torques: yes, stop: zero}', "'yes' is not one of true, false"),
        ('{topic: t, allow_torques: true, stop: brake}', "'brake' is not one of zero, hold"),
        (
            '{topic: t, type: JointTrajectory, allow_torques: true, stop: zero}',
            'a JointTrajectory does not carry it; write type: Float64MultiArray',
        ),
    ],
)
def test_torques_are_commanded_only_by_someone_who_says_so(tmp_path, commands, says):
    assert says in one_line(tmp_path, '{JOINT_TORQUES: [a]}', f'{{JOINT_TORQUES: {commands}}}')


def test_torques_that_are_only_recorded_need_no_word(tmp_path):
    robot = robot_of(
        tmp_path,
        '{JOINT_TORQUES: [a]}',
        '{}',
        sources='  JOINT_TORQUES: {topic: joint_states}\n',
    )
    assert robot.output_sources()


@pytest.mark.parametrize(
    ('output', 'commands', 'says'),
    [
        (
            '{JOINT_VELOCITIES: [a]}',
            '{JOINT_VELOCITIES: {topic: v, type: Twist}}',
            'a Twist does not carry it; write type: JointTrajectory or FollowJointTrajectory or',
        ),
        (
            '{JOINT_VELOCITIES: [a]}',
            '{JOINT_VELOCITIES: {topic: v, offset: 0.1}}',
            'a velocity has no offset: remove it',
        ),
        (
            '{JOINT_TARGET_POSITIONS: [a]}',
            '{JOINT_TARGET_POSITIONS: {topic: v, type: PoseStamped}}',
            'a PoseStamped does not carry it; write type: JointTrajectory or Float64MultiArray',
        ),
        (
            '{JOINT_TARGET_POSITIONS: [a]}',
            '{JOINT_TARGET_POSITIONS: {topic: v, stop: hold}}',
            'stop belongs to JOINT_TORQUES: remove it',
        ),
        (
            '{JOINT_TARGET_POSITIONS: [a]}',
            '{JOINT_TARGET_POSITIONS: {topic: v, frame: base}}',
            'frame belongs to a PoseStamped or a TwistStamped, not to a JointTrajectory',
        ),
        (
            '{CUSTOM_1D: [speed]}',
            '{CUSTOM_1D: {topic: v, type: Twist}}',
            "a Twist has no 'speed'. Known: angular.x, angular.y, angular.z, linear.x, linear.y, ",
        ),
        (
            '{CUSTOM_1D: [speed]}',
            '{CUSTOM_1D: {topic: v, type: Twist, names: {speed: linear.w}}}',
            "a Twist has no 'linear.w'",
        ),
        (
            '{CUSTOM_1D: [speed]}',
            '{CUSTOM_1D: {topic: v, type: Twist, order: [speed]}}',
            'order belongs to a Float64MultiArray, not to a Twist: remove it',
        ),
        (
            '{CUSTOM_1D: [speed]}',
            '{CUSTOM_1D: {topic: v}}',
            "output 'speed' (CUSTOM_1D index 0) has no velocity limit. Add under limits: speed: ",
        ),
        (
            '{CUSTOM_1D: [speed]}',
            '{CUSTOM_1D: {topic: v, stream: chunk}}',
            'a Float64MultiArray takes one point: remove stream: chunk',
        ),
        ('{CUSTOM_1D: [speed]}', '{}', "'speed' (CUSTOM_1D index 0) has no command. Add under"),
        ('{POSES: [cup]}', '{POSES: {topic: v}}', 'POSES'),
        (
            '{END_EFFECTOR_POSES: [tool]}',
            '{END_EFFECTOR_POSES: {topic: v}}',
            'add frame: the frame in which its poses are given, as frame_id of the PoseStamped',
        ),
        (
            '{END_EFFECTOR_POSES: [tool]}',
            '{END_EFFECTOR_POSES: {topic: v, frame: base}}',
            'has no velocity limit. Add under limits: tool: {velocity: ..., angular_velocity: ...}',
        ),
        (
            '{END_EFFECTOR_POSES: [tool]}',
            '{END_EFFECTOR_POSES: {topic: v, type: JointTrajectory}}',
            'chains: {tool: {base: LINK, tip: LINK}}',
        ),
        (
            '{END_EFFECTOR_POSES: [tool]}',
            '{END_EFFECTOR_POSES: {topic: v, frame: base, offset: 0.1}}',
            'a pose is moved by base_offset and tip_offset of its chain: remove offset',
        ),
    ],
)
def test_what_cannot_be_sent_so_is_refused_with_what_to_write(tmp_path, output, commands, says):
    assert says in one_line(tmp_path, output, commands)


@pytest.mark.parametrize(
    ('output', 'commands', 'says'),
    [
        (
            '{JOINT_TARGET_POSITIONS: [a], JOINT_VELOCITIES: [b]}',
            f'{{JOINT_TARGET_POSITIONS: {{topic: v, type: {ARRAY}}}, '
            f'JOINT_VELOCITIES: {{topic: v, type: {ARRAY}}}}}',
            "'b' (JOINT_VELOCITIES) and 'a' are of two kinds; one topic carries one message",
        ),
        (
            '{JOINT_VELOCITIES: [a], JOINT_TORQUES: [b]}',
            f'{{JOINT_VELOCITIES: {{topic: v, type: {ARRAY}}}, '
            'JOINT_TORQUES: {topic: v, allow_torques: true, stop: zero}}',
            "'b' differs in DataType, type, frame, stop or order from 'a'",
        ),
        (
            '{JOINT_TARGET_POSITIONS: [a], JOINT_VELOCITIES: [a]}',
            f'{{JOINT_TARGET_POSITIONS: {{topic: p}}, JOINT_VELOCITIES: {{topic: v, type: {ARRAY}}}}}',
            "'a' is commanded twice: by JOINT_TARGET_POSITIONS index 0 and by JOINT_VELOCITIES index",
        ),
        (
            '{JOINT_VELOCITIES: [a, b]}',
            f'{{JOINT_VELOCITIES: {{topic: v, type: {ARRAY}, order: [a]}}}}',
            "order of commands to v lacks 'b'",
        ),
        (
            '{JOINT_VELOCITIES: [a, b]}',
            f'{{JOINT_VELOCITIES: {{topic: v, type: {ARRAY}, order: [a, c]}}}}',
            "'c' is not commanded there",
        ),
        (
            '{CUSTOM_1D: [x, y]}',
            '{CUSTOM_1D: {topic: v, type: Twist, x: {names: {x: linear.x}}, '
            'y: {names: {y: linear.x}}}}',
            "'linear.x' is commanded twice (CUSTOM_1D index 0, CUSTOM_1D index 1)",
        ),
        (
            '{END_EFFECTOR_POSES: [x, y]}',
            '{END_EFFECTOR_POSES: {topic: v, frame: base}}',
            'a PoseStamped holds one pose, not x, y: give each a topic of its own',
        ),
    ],
)
def test_one_topic_carries_one_message_and_one_joint_has_one_command(
    tmp_path, output, commands, says
):
    fast = '{velocity: 1, angular_velocity: 1}' if 'POSES' in output else '{velocity: 1}'
    limits = '{b: {effort: 9}}' if 'JOINT' in output else f'{{x: {fast}, y: {fast}}}'
    assert says in one_line(tmp_path, output, commands, limits)


def test_a_limit_that_means_nothing_to_a_joint_is_refused(tmp_path):
    said = one_line(
        tmp_path,
        '{JOINT_TARGET_POSITIONS: [a]}',
        '{JOINT_TARGET_POSITIONS: {topic: v}}',
        '{a: {angular_velocity: 1.0}}',
    )
    assert "limits of 'a': angular_velocity belongs to a pose: remove it" in said


def test_the_pose_of_a_chain_is_that_of_its_links(tmp_path):
    robot = robot_of(
        tmp_path,
        '{END_EFFECTOR_POSES: [hand]}',
        '{END_EFFECTOR_POSES: {topic: v, type: PoseStamped}}',
        '{hand: {velocity: 0.5, angular_velocity: 1}}',
        sources='  END_EFFECTOR_POSES: {topic: joint_states, scale: 2.0}\n',
        more=CHAIN,
    )
    (command,) = robot.direct_commands()
    (slot,) = command.slots
    assert (command.frame, slot.scale, slot.chain.tip) == ('base', 2.0, 'tool')
    assert robot.commands() == robot.measured_sources() == ()
    (source,) = robot.direct_sources()
    assert source.is_kinematic


def test_a_chain_that_is_commanded_through_joints_is_not_sent_as_it_is(tmp_path):
    robot = robot_of(
        tmp_path,
        '{END_EFFECTOR_POSES: [hand]}',
        '{END_EFFECTOR_POSES: {topic: v}}',
        sources='  END_EFFECTOR_POSES: {topic: joint_states}\n',
        more=CHAIN,
    )
    assert robot.direct_commands() == ()
    assert [joint.name for joint in robot.commands()[0].joints] == ['a', 'b']


def test_what_is_commanded_measures_nothing(tmp_path):
    hand = (
        '{END_EFFECTOR_POSES: [tool]}',
        '{END_EFFECTOR_POSES: {topic: target, frame: base}}',
        '{tool: {velocity: 0.5, angular_velocity: 1}}',
    )
    robot = robot_of(tmp_path, *hand, sources='  END_EFFECTOR_POSES: {topic: target}\n')
    with pytest.raises(DescriptionError, match='read from target, where it is commanded'):
        robot.direct_sources()
    robot = robot_of(tmp_path, *hand)
    with pytest.raises(DescriptionError, match=r"'tool' \(END_EFFECTOR_POSES index 0\) has no so"):
        robot.direct_sources()
    base = robot_of(
        tmp_path,
        '{CUSTOM_1D: [linear.x]}',
        '{CUSTOM_1D: {topic: cmd_vel, type: Twist}}',
        '{linear.x: {velocity: 0.5}}',
        sources='  CUSTOM_1D: {topic: cmd_vel, type: Twist}\n',
    )
    assert base.direct_sources() == ()


def test_velocities_that_are_only_recorded_need_neither_positions_nor_limits(tmp_path):
    path = tmp_path / 'robot.yaml'
    path.write_text(
        'robot: r\ninput: {CUSTOM_1D: [x]}\noutput: {JOINT_VELOCITIES: [a]}\n'
        'sources: {CUSTOM_1D: {topic: x, type: Float64}, JOINT_VELOCITIES: {topic: joint_states}}'
    )
    robot = load_robot(path)
    assert robot.output_sources()
    assert robot.all_measured() == ()


def test_a_finger_that_mimics_another_takes_no_velocity(tmp_path):
    (tmp_path / 'arm.urdf').write_text(
        ARM.format(
            JOINT.format(name='a', parent='base', child='upper', effort='30')
            + JOINT.format(name='b', parent='upper', child='tool', effort='1').replace(
                '</joint>', '<mimic joint="a"/></joint>'
            )
        )
    )
    path = tmp_path / 'robot.yaml'
    path.write_text(
        'robot: r\nurdf: arm.urdf\ninput: {JOINT_POSITIONS: [a, b]}\n'
        'output: {JOINT_VELOCITIES: [b]}\nsources: {JOINT_POSITIONS: {topic: joint_states}}\n'
        f'commands: {{JOINT_VELOCITIES: {{topic: v, type: {ARRAY}}}}}\n'
    )
    with pytest.raises(DescriptionError, match="'b' mimics 'a' in the URDF and takes no command"):
        load_robot(path)


@pytest.mark.parametrize(
    ('output', 'options', 'limit', 'says'),
    [
        ('CUSTOM_1D', '', 'velocity: 1, position: [0, 1]', 'position limits no CUSTOM_1D there'),
        ('CUSTOM_1D', '', 'velocity: 1, effort: 2', 'effort limits no CUSTOM_1D there'),
        ('CUSTOM_1D', '', 'velocity: 1, jerk: 2', 'jerk limits no CUSTOM_1D there'),
        ('CUSTOM_1D', '', 'effort: 1, acceleration: 2', 'acceleration goes with velocity, not'),
        (
            'END_EFFECTOR_POSES',
            ', frame: base',
            'velocity: 1, angular_velocity: 1, acceleration: 2',
            'acceleration limits no END_EFFECTOR_POSES there: remove it',
        ),
    ],
)
def test_a_limit_that_would_limit_nothing_is_refused(tmp_path, output, options, limit, says):
    pose = 'POSES' in output
    said = one_line(
        tmp_path,
        f'{{{output}: [x]}}',
        f'{{{output}: {{topic: v{options}}}}}',
        f'{{x: {{{limit}}}}}',
        '  END_EFFECTOR_POSES: {topic: tf, parent: base}\n' if pose else '',
    )
    assert f"limits of 'x': {says}" in said


def test_one_topic_in_two_spellings_is_refused(tmp_path):
    twist = 'type: Twist, names: {x: linear.x, y: angular.z}'
    said = one_line(
        tmp_path,
        '{CUSTOM_1D: [x, y]}',
        f'{{CUSTOM_1D: {{{twist}, x: {{topic: /cmd_vel}}, y: {{topic: cmd_vel}}}}}}',
        '{x: {velocity: 1}, y: {velocity: 1}}',
    )
    assert said.endswith(
        'commands to /cmd_vel and to cmd_vel: without a namespace they are one topic, which '
        'carries one message: write it one way'
    )


def test_joints_and_numbers_on_one_topic_in_two_spellings_are_refused(tmp_path):
    said = one_line(
        tmp_path,
        '{JOINT_TARGET_POSITIONS: [a], CUSTOM_1D: [x]}',
        f'{{JOINT_TARGET_POSITIONS: {{topic: base/go, type: {ARRAY}}}, '
        f'CUSTOM_1D: {{topic: /base/go, type: {ARRAY}}}}}',
        '{x: {velocity: 1}}',
    )
    assert 'commands to base/go and to /base/go: without a namespace they are one' in said
