"""The DataTypes beyond joints and colours: how a robot file names where they come from."""

import warnings

import numpy as np
import pytest

from neuracore_ros.description import DataType, Layout, embodiment, load_descriptions, load_robot
from neuracore_ros.description.source import types_of
from neuracore_ros.errors import DescriptionError, DescriptionWarning

AMOUNT = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
TARGET = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS

URDF = """<robot name="hand">
  <joint name="left" type="prismatic"><limit lower="0.01" upper="0.05" velocity="0.2"/></joint>
  <joint name="right" type="prismatic"><limit lower="-0.09" upper="-0.01" velocity="0.2"/>
    <mimic joint="left" multiplier="-2" offset="0.01"/></joint>
</robot>"""

GRIPPER = """
robot: hand
limits: {{g: {{position: [0.2, 1.0], velocity: 1.0}}}}
input: {{PARALLEL_GRIPPER_OPEN_AMOUNTS: {{0: g}}}}
output: {{PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {{0: g}}}}
sources:
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {{topic: /joint_states{sources}}}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {{topic: /hand/joint_trajectory{sources}}}
commands: {{PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {{topic: /hand/joint_trajectory{commands}}}}}
"""


@pytest.fixture
def robot(tmp_path):
    def write_and_load(text):
        (tmp_path / 'hand.urdf').write_text(URDF)
        (tmp_path / 'hand.yaml').write_text(text)
        with warnings.catch_warnings():
            warnings.simplefilter('error', DescriptionWarning)
            return load_robot(tmp_path / 'hand.yaml')

    return write_and_load


def reads(robot, kind, source, name='x', **more):
    """The source of the only input of a robot that reads one DataType."""
    extra = ''.join(f'{key}: {value}\n' for key, value in more.items())
    text = f'robot: r\n{extra}input: {{{kind}: {{0: {name}}}}}\noutput: {{}}\n'
    (found,) = robot(f'{text}sources: {{{kind}: {source}}}\n').input_sources()
    return found


@pytest.mark.parametrize('form', ['{kind}: [a, b]', 'r: {{{kind}: {{1: a}}}}'])
@pytest.mark.parametrize('kind', list(DataType))
def test_every_data_type_can_be_described(tmp_path, kind, form):
    (tmp_path / 'plain.yaml').write_text(form.format(kind=kind))
    assert load_descriptions([tmp_path / 'plain.yaml']).input_layout.widths == {kind: 2}


@pytest.mark.parametrize(
    ('kind', 'topic', 'message_type'),
    [
        ('JOINT_VELOCITIES', '/joint_states', 'sensor_msgs/msg/JointState'),
        ('JOINT_TORQUES', '/joint_states', 'sensor_msgs/msg/JointState'),
        ('VISUAL_JOINT_POSITIONS', '/seen', 'sensor_msgs/msg/JointState'),
        ('POSES', '/cube', 'geometry_msgs/msg/PoseStamped'),
        ('END_EFFECTOR_POSES', '/tool', 'geometry_msgs/msg/PoseStamped'),
        ('DEPTH_IMAGES', '/depth/image_raw', 'sensor_msgs/msg/Image'),
        ('DEPTH_IMAGES', '/depth/image_raw/compressedDepth', 'sensor_msgs/msg/CompressedImage'),
        ('LANGUAGE', '/instruction', 'std_msgs/msg/String'),
    ],
)
def test_each_data_type_has_its_usual_message(robot, kind, topic, message_type):
    assert reads(robot, kind, f'{{topic: {topic}}}').type == message_type


def test_velocities_and_torques_are_read_from_their_own_fields(robot):
    source = '{topic: /joint_states}'
    assert reads(robot, 'JOINT_VELOCITIES', source).field == 'velocity'
    assert reads(robot, 'JOINT_TORQUES', source).field == 'effort'
    assert reads(robot, 'VISUAL_JOINT_POSITIONS', source).field == 'position'


def test_point_clouds_are_refused_by_name_with_what_is_supported(robot):
    with pytest.raises(DescriptionError, match='POINT_CLOUDS .* is not supported') as refused:
        reads(robot, 'POINT_CLOUDS', '{topic: /points}')
    assert 'DEPTH_IMAGES' in str(refused.value)
    assert [kind for kind in DataType if not types_of(kind)] == [DataType.POINT_CLOUDS]


def test_a_pose_out_of_tf_has_two_frames_and_a_second_topic(robot):
    found = reads(robot, 'POSES', '{topic: /tf, parent: /base_link, x: {child: cube}}')
    assert (found.type, found.parent, found.message_name) == (
        'tf2_msgs/msg/TFMessage',
        'base_link',
        'cube',
    )
    assert found.topics == ('/tf', '/tf_static')
    assert (
        reads(robot, 'POSES', '{topic: /tf, parent: base}', name='tool0').message_name == 'tool0'
    )
    assert reads(robot, 'POSES', '{topic: /cube}').topics == ('/cube',)
    with pytest.raises(
        DescriptionError, match=r"'x' \(POSES index 0\) is a transform: add parent"
    ):
        reads(robot, 'POSES', '{topic: /tf}')


def test_language_without_a_topic_is_what_the_user_says(robot):
    text = 'robot: r\ninput: {LANGUAGE: {0: told}}\noutput: {}\n'
    one = robot(text)
    assert one.input_sources() == () and one.texts('grasp') == {0: 'grasp'}
    heard = robot(text + 'sources: {LANGUAGE: {topic: /instruction}}')
    assert heard.texts('grasp') == {} and heard.input_sources()[0].max_age_s is None
    with pytest.raises(DescriptionError, match='only index 0 is supported'):
        robot(text.replace('0: told', '1: told')).input_sources()


@pytest.mark.parametrize(
    ('kind', 'source', 'message'),
    [
        ('POSES', '{topic: /p, offset: 2}', 'base_offset and tip_offset of its chain: remove offset'),
        ('POSES', '{topic: /p, child: a}', "'child' means nothing to"),
        ('POSES', '{topic: /p, type: JointState}', 'does not hold it. Known: geometry_msgs/msg/Po'),
        ('LANGUAGE', '{topic: /s, max_age_s: 1}', 'a text holds until it is replaced'),
        ('DEPTH_IMAGES', '{topic: /d, field: effort}', "'field' means nothing to sensor_msgs"),
        ('CUSTOM_1D', '{topic: /c}', 'a Float64MultiArray names nothing: add order'),
        ('CUSTOM_1D', '{topic: /w, type: WrenchStamped}', "a WrenchStamped has no 'x'"),
        ('CUSTOM_1D', '{topic: /c, type: Float64, order: [x]}', "'order' means nothing to"),
        ('CUSTOM_1D', '{topic: /c, type: Range}', "'Range' is not supported"),
        (
            'CUSTOM_1D',
            '{topic: /c, type: Imu, names: {x: angular_velocty.z}}',
            "an Imu has no 'angular_velocty.z'; did you mean 'angular_velocity.z'? Known: ",
        ),
        ('CUSTOM_1D', '{topic: /c, type: Twist}', 'Write names: {x: linear.x}'),
        (
            'CUSTOM_1D',
            '{topic: /c, type: TwistStamped, names: {x: twist.linear.z}}',
            "did you mean 'linear.z'?",
        ),
        ('CUSTOM_1D', '{topic: /c, type: Odometry, names: {x: linear.x}}', "'twist.linear.x'"),
        ('CUSTOM_1D', '{topic: /c, type: Joy, names: {x: axis.0}}', "'axes.0'? Known: axes.0, ax"),
        ('CUSTOM_1D', '{topic: /c, type: Joy, names: {x: axes.-1}}', "a Joy has no 'axes.-1'"),
        ('JOINT_POSITIONS', '{topic: /c, type: Imu}', 'does not hold it. Known: sensor_msgs/msg/J'),
        ('POSES', '{topic: /o, type: Odometry, offset: 2}', 'remove offset'),
        ('POSES', '{topic: /o, type: Odometry, names: {x: a}}', 'has no name: remove names'),
        ('POINT_CLOUDS', '{topic: /c, type: Image}', 'does not hold it. Known: none'),
    ],
)  # fmt: skip
def test_what_means_nothing_to_a_data_type_is_refused(robot, kind, source, message):
    with pytest.raises(DescriptionError) as refused:
        reads(robot, kind, source)
    assert message in str(refused.value)


def test_two_names_cannot_be_the_one_number_of_a_topic(robot):
    one = robot(
        'robot: r\ninput: {CUSTOM_1D: [a, b]}\noutput: {}\n'
        'sources: {CUSTOM_1D: {topic: /c, type: Float64}}\n'
    )
    with pytest.raises(DescriptionError, match="'a' and 'b' both read /c"):
        one.input_sources()


def test_a_gripper_goes_from_closed_0_at_its_lower_limit_to_open_1_at_its_upper(robot):
    one = robot(GRIPPER.format(sources='', commands=''))
    for source in one.input_sources() + one.output_sources() + one.measured_sources():
        assert source.scale * 0.2 + source.offset == pytest.approx(0.0)
        assert source.scale * 1.0 + source.offset == pytest.approx(1.0)
    (joint,) = one.commands()[0].joints
    assert joint.to_message(np.array([0.0, 0.5, 1.0])) == pytest.approx([0.2, 0.6, 1.0])
    assert (joint.limit.lower, joint.limit.upper) == (0.2, 1.0)


def test_a_gripper_that_closes_upwards_is_written_out(robot):
    closes_up = ', scale: -1.25, offset: 1.25'
    one = robot(GRIPPER.format(sources=closes_up, commands=closes_up))
    source, joint = one.input_sources()[0], one.commands()[0].joints[0]
    assert source.scale * 1.0 + source.offset == 0.0
    assert joint.to_message(1.0) == pytest.approx(0.2)


def test_a_sense_that_is_written_in_one_place_only_is_told(robot):
    with pytest.raises(DescriptionWarning, match="'g' is measured with a scale or offset, but"):
        robot(GRIPPER.format(sources=', scale: 2', commands=''))


def test_a_gripper_of_unknown_range_is_taken_raw_and_told(robot, recwarn):
    with pytest.raises(DescriptionWarning, match=r"'x' is taken raw.*Add under limits: x: "):
        reads(robot, AMOUNT, '{topic: /joint_states}')
    # Saying that amounts are amounts already is enough.
    found = reads(robot, AMOUNT, '{topic: /grip, type: Float64, scale: 1}')
    assert (found.type, found.scale, found.offset) == ('std_msgs/msg/Float64', 1.0, 0.0)


def test_a_finger_that_mimics_another_is_as_open_as_that_one(robot):
    for name, closed, wide in (('left', 0.01, 0.05), ('right', -0.01, -0.09)):
        found = reads(robot, AMOUNT, '{topic: /joint_states}', name=name, urdf='hand.urdf')
        assert found.scale * closed + found.offset == pytest.approx(0.0)
        assert found.scale * wide + found.offset == pytest.approx(1.0)


def test_a_finger_that_mimics_another_takes_no_command(robot):
    text = (
        GRIPPER.format(sources='', commands='').replace('g:', 'right:').replace(' g}', ' right}')
    )
    with pytest.raises(
        DescriptionError, match="'right' mimics 'left' in the URDF .* command 'left'"
    ):
        robot(text.replace('robot: hand', 'robot: hand\nurdf: hand.urdf'))


def test_poses_are_seven_columns_and_one_mask():
    layout = Layout.of([embodiment({'JOINT_POSITIONS': ['a'], 'POSES': {1: 'cube'}})])
    columns = layout.columns()
    assert columns[0] == 'JOINT_POSITIONS.0' and columns[8:] == [
        f'POSES.1.{part}' for part in ('x', 'y', 'z', 'qx', 'qy', 'qz', 'qw')
    ]
    values = {
        DataType.JOINT_POSITIONS: np.array([[3.0]]),
        DataType.POSES: np.arange(14.0).reshape(1, 2, 7),
    }
    joined = layout.join(values)
    assert joined.shape == (1, 15)
    for kind, part in layout.split(joined).items():
        assert np.array_equal(part, values[kind])
    valid = layout.valid(embodiment({'POSES': {1: 'cube'}}))
    mask = layout.join_valid(valid)
    assert mask.tolist() == [False] * 8 + [True] * 7
    assert {k: m.tolist() for k, m in layout.split_valid(mask).items()} == {
        DataType.JOINT_POSITIONS: [False],
        DataType.POSES: [False, True],
    }
