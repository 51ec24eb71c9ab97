"""Chains, targets and pose commands of a robot file: what is read, and what is refused."""

import pytest

from helpers.small_chain import JOINTS, ROBOT, URDF, describe
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.errors import DescriptionError, DescriptionWarning

POSES = DataType.END_EFFECTOR_POSES


def test_a_chain_is_the_joints_between_two_links(tmp_path):
    chain = load_robot(describe(tmp_path)).chains['hand']
    assert chain.joints == JOINTS
    assert (chain.base, chain.tip) == ('base', 'tool')
    assert (chain.max_error_m, chain.max_error_rad) == (0.01, 0.05)


def test_a_base_may_hang_beside_the_chain_on_fixed_joints(tmp_path):
    urdf = URDF.replace('base: base', '').replace(
        '</robot>',
        '<link name="plate"/><joint name="screwed" type="fixed"><parent link="base"/>'
        '<child link="plate"/></joint></robot>',
    )
    path = describe(tmp_path, ROBOT.replace('base: base', 'base: plate'), urdf)
    assert load_robot(path).chains['hand'].joints == JOINTS


def test_the_pose_of_a_chain_is_read_from_joint_states(tmp_path):
    (source,) = load_robot(describe(tmp_path)).input_sources()
    assert source.type == 'sensor_msgs/msg/JointState'
    assert source.is_kinematic and source.joint_names == JOINTS and not source.is_target


def test_a_target_is_what_was_commanded_and_never_ages(tmp_path):
    (target,) = load_robot(describe(tmp_path)).output_sources()
    assert (target.topic, target.type) == (
        '/arm/joint_trajectory',
        'trajectory_msgs/msg/JointTrajectory',
    )
    assert target.is_target and target.max_age_s is None


def test_without_targets_an_output_is_what_is_measured(tmp_path):
    text = ''.join(line for line in ROBOT.splitlines(True) if not line.startswith('targets'))
    (source,) = load_robot(describe(tmp_path, text)).output_sources()
    assert source.topic == '/joint_states' and not source.is_target


def test_a_pose_commands_the_joints_of_its_chain(tmp_path):
    robot = load_robot(describe(tmp_path))
    (command,) = robot.commands()
    assert [joint.name for joint in command.joints] == [*JOINTS]
    assert {joint.chain for joint in command.joints} == {'hand'}
    assert [joint.limit.velocity for joint in command.joints] == [2.0, 2.0, 4.0]
    assert [(s.data_type, s.name) for s in robot.measured_sources()] == [
        (DataType.JOINT_POSITIONS, joint) for joint in JOINTS
    ]


def test_a_scale_is_one_of_the_slot_wherever_it_is_written(tmp_path):
    text = ROBOT.replace('{topic: /joint_states}', '{topic: /joint_states, scale: 2.0}')
    robot = load_robot(describe(tmp_path, text))
    scales = [source.scale for source in (*robot.input_sources(), *robot.output_sources())]
    assert [*scales, robot.chain_outputs()[0].scale] == [2.0, 2.0, 2.0]
    assert [source.scale for source in robot.measured_sources()] == [1.0, 1.0, 1.0]


def test_joints_may_be_called_otherwise_in_messages(tmp_path):
    names = 'names: {elbow: arm_elbow}'
    text = ROBOT.replace('{topic: /joint_states}', f'{{topic: /joint_states, {names}}}')
    (source,) = load_robot(describe(tmp_path, text)).input_sources()
    assert source.joint_names == ('shoulder', 'arm_elbow', 'turn')


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('urdf: planar.urdf\n', '', "chain 'hand' needs the robot's URDF. Add urdf: FILE"),
        ('tip: tool', 'tip: tol', "has no link 'tol'; did you mean 'tool'?"),
        ('    tip: tool\n', '', "chain 'hand' needs 'tip', a link of"),
        ('base: base', 'base: tool', "nothing moves between link 'tool' and link 'tool'"),
        ('tip: tool', 'tip: world', "nothing moves between link 'base' and link 'world'"),
        ('base: base', 'base: lower', None),
        ('tip_offset: {xyz: [0.05, 0, 0]}', 'tip_offset: {xyz: [0.05, 0]}', 'must be [x, y, z]'),
        ('tip_offset: {xyz:', 'tip_offset: {xyzz:', "'xyzz'"),
        ('tip_offset: {xyz: [0.05', 'tip_offset: {xyz: [.nan', 'finite'),
        ('{xyz: [0.05, 0, 0]}', '{xyz: [50, 0, 0]}', 'millimetres; metres are meant: [50, 0, 0]'),
        ('1.5707963267948966', '90', "'hand' looks like degrees; radians are meant: [0, 0, 90]"),
        ('1.5707963267948966', '-6.283', None),
        (
            '    tip: tool',
            '    tip: tool\n    workspace: {x: [200, 900]}',
            "x of workspace of chain 'hand' looks like millimetres",
        ),
        ('    tip: tool', '    tip: tool\n    workspace: {z: [0, 1000]}', None),
        ('{topic: /joint_states}', '{topic: /joint_states, scale: -1.0}', 'would be mirrored'),
        ('  hand:\n', '  hnd:\n', "no chain is called so; did you mean 'hnd'? Known: hnd; call"),
        ('    tip: tool', '    tip: tool\n    workspace: {x: [0.5, 0.1]}', 'is not below'),
        ('    tip: tool', '    tip: tool\n    workspace: {w: [0.1, 0.5]}', "'w'"),
        ('    tip: tool', '    tip: tool\n    max_ik_error: 0.1', 'must be [m, rad]'),
        ('    tip: tool', '    tip: tool\n    home: {elbw: 1.0}', "did you mean 'elbow'?"),
        (
            '    tip: tool',
            '    tip: tool\n    home: {elbow: 3.5}',
            "home of chain 'hand': 'elbow' at 3.5 is outside its limits (-3 to 3)",
        ),
        (
            '{topic: /joint_states}',
            '{topic: /joint_states, offset: 1.0}',
            'base_offset and tip_offset of its chain: remove offset',
        ),
        ('{topic: /joint_states}', '{topic: /joint_states, field: velocity}', 'remove field'),
        (
            'targets: {END_EFFECTOR_POSES: {topic: /arm/joint_trajectory}}',
            'targets: {END_EFFECTOR_POSES: {topic: /arm/joint_trajectory, max_age_s: 1}}',
            'a target holds until it is replaced: remove max_age_s',
        ),
        (
            'commands: {END_EFFECTOR_POSES: {topic: /arm/joint_trajectory}}',
            'commands: {END_EFFECTOR_POSES: {topic: /arm/joint_trajectory, scale: 2}}\n'
            'limits: {elbow: {velocity: 1}}',
            None,
        ),
    ],
)
def test_a_wrong_chain_is_refused_in_one_line(tmp_path, old, new, message):
    assert old in ROBOT
    path = describe(tmp_path, ROBOT.replace(old, new))
    if message is None:
        load_robot(path).commands()
        return
    with pytest.raises(DescriptionError) as refused:
        robot = load_robot(path)
        robot.input_sources(), robot.output_sources(), robot.commands()
    assert message in str(refused.value) and '\n' not in str(refused.value)
    assert str(tmp_path) in str(refused.value)


def test_a_chain_that_no_slot_names_is_a_warning(tmp_path):
    text = ROBOT.replace('{0: hand}', '{0: hnd}').replace(
        'topic: /joint_states', 'topic: /joint_states, type: PoseStamped'
    )
    with pytest.warns(
        DescriptionWarning, match="no pose slot is called 'hand'; did you mean 'hnd'"
    ):
        load_robot(describe(tmp_path, text.replace('targets', '#').replace('commands', '#')))


def test_a_pose_has_one_scale(tmp_path):
    text = ROBOT.replace('{topic: /joint_states}', '{topic: /joint_states, scale: 2.0}')
    text = text.replace(
        'targets: {END_EFFECTOR_POSES: {', 'targets: {END_EFFECTOR_POSES: {scale: 3, '
    )
    with pytest.raises(
        DescriptionError, match='scale 2 under sources, 3 under targets: write one'
    ):
        load_robot(describe(tmp_path, text))


def test_targets_are_for_outputs_without_a_command_type(tmp_path):
    text = ROBOT + 'limits: {}\n'
    text = text.replace('targets: {END_EFFECTOR_POSES', 'targets: {JOINT_TARGET_POSITIONS')
    with pytest.raises(DescriptionError, match='holds commands itself: write it under sources'):
        load_robot(describe(tmp_path, text))


def test_a_joint_of_a_chain_without_a_limit_is_refused_by_name(tmp_path):
    urdf = URDF.replace('<limit lower="-3" upper="3" velocity="4" effort="10"/>', '')
    with pytest.raises(DescriptionError, match="joint 'turn' of chain 'hand' has no position"):
        load_robot(describe(tmp_path, urdf=urdf))


def test_a_joint_cannot_be_commanded_by_its_chain_and_by_itself(tmp_path):
    text = ROBOT.replace(
        'output: {END_EFFECTOR_POSES: {0: hand}}',
        'output: {END_EFFECTOR_POSES: {0: hand}, JOINT_TARGET_POSITIONS: {0: elbow}}',
    ).replace(
        'commands: {END_EFFECTOR_POSES: {topic: /arm/joint_trajectory}}',
        'commands: {END_EFFECTOR_POSES: {topic: /arm/joint_trajectory}, '
        'JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}}',
    )
    with pytest.raises(DescriptionError, match="'elbow' is commanded twice.*chain 'hand'"):
        load_robot(describe(tmp_path, text)).commands()


def test_a_chain_may_not_end_behind_a_joint_that_mimics(tmp_path):
    urdf = URDF.replace(
        '<axis xyz="0 0 1"/>\n  <limit lower="-3" upper="3" velocity="4" effort="10"/>',
        '<axis xyz="0 0 1"/><mimic joint="elbow"/>'
        '<limit lower="-3" upper="3" velocity="4" effort="10"/>',
    )
    with pytest.raises(DescriptionError, match="mimics 'elbow': choose a tip before the fingers"):
        load_robot(describe(tmp_path, urdf=urdf))


@pytest.mark.parametrize(
    ('joints', 'message'),
    [
        ('joints: {scale: 0}', 'must not be zero'),
        (
            'joints: {elbw: {scale: 2}}',
            "speak of 'elbw', which is none of the chain; did you mean",
        ),
        ('joints: {elbow: 2}', 'is neither scale, offset nor joint: {scale: ...}'),
        ('joints: {elbow: {unit: degrees}}', "'unit'"),
        ('joints: 0.0174', 'joints of sources of END_EFFECTOR_POSES'),
        ('joints: {scale: .nan}', 'scale'),
    ],
)
def test_a_wrong_unit_of_joints_is_refused_in_one_line(tmp_path, joints, message):
    text = ROBOT.replace('{topic: /joint_states}', f'{{topic: /joint_states, {joints}}}')
    with pytest.raises(DescriptionError) as refused:
        load_robot(describe(tmp_path, text)).input_sources()
    assert message in str(refused.value) and '\n' not in str(refused.value)


def test_joints_have_a_unit_of_their_own_only_within_a_chain(tmp_path):
    text = ROBOT + 'limits: {}\n'
    text = text.replace('input: {', 'input: {JOINT_POSITIONS: {0: elbow}, ').replace(
        'sources: {', 'sources: {JOINT_POSITIONS: {topic: /joint_states, joints: {scale: 2}}, '
    )
    with pytest.raises(
        DescriptionError, match="'joints' means nothing to sensor_msgs/msg/JointState"
    ):
        load_robot(describe(tmp_path, text)).input_sources()


def test_measured_joints_of_a_chain_are_in_the_unit_of_the_urdf(tmp_path):
    text = ROBOT.replace(
        '{topic: /joint_states}', '{topic: /joint_states, joints: {elbow: {scale: -1, offset: 2}}}'
    )
    robot = load_robot(describe(tmp_path, text))
    found = {s.name: (s.scale, s.offset) for s in robot.measured_sources()}
    assert found['elbow'] == (-1.0, 2.0) and found['turn'] == (1.0, 0.0)
