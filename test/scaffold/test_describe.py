"""`neuracore_ros describe`, as people call it."""

import numpy as np
import pytest

from helpers.drawn_arms import (
    THREE,
    array,
    compressed,
    image,
    joint,
    record,
    state,
    text,
    trajectory,
    urdf,
)
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType

ARM = ('pan', 'lift', 'elbow', 'roll')
# Their slots in the vocabulary.
PLACED = {0: 'pan', 1: 'lift', 3: 'elbow', 6: 'roll'}
POSITIONS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
OPENINGS = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS


def moving(names):
    """Joints that go from 0 to 1 rad in two seconds."""
    return lambda seconds: state(seconds, names, [seconds / 2] * len(names))


@pytest.fixture
def arm(tmp_path):
    (tmp_path / 'arm.urdf').write_text(THREE)
    return tmp_path / 'arm.urdf'


def test_a_urdf_orders_and_limits_the_names_of_a_bag(describe, arm, tmp_path):
    bag = record(
        tmp_path / 'bag',
        joint_states=moving(sorted((*ARM, 'finger_a'))),
        arm_controller__joint_trajectory=lambda t: trajectory(t, ARM, [0.1] * 4),
        wrist__image_raw__compressed=compressed,
        overhead__color__image_raw=image,
        overhead__depth__image_raw=lambda t: image(t, '16UC1'),
    )
    robot, written = describe('--bag', bag, '--urdf', arm)
    assert robot.name == 'robot'
    assert robot.input == {
        POSITIONS: PLACED,
        OPENINGS: {0: 'finger_a'},
        DataType.RGB_IMAGES: {0: 'wrist', 1: 'overhead'},
        DataType.DEPTH_IMAGES: {1: 'overhead'},
    }
    assert robot.output == {TARGETS: PLACED}
    assert robot.limits[TARGETS, 'pan'].velocity == 1.5
    assert [command.topic for command in robot.commands()] == ['/arm_controller/joint_trajectory']
    assert {source.topic for source in robot.input_sources()} == {
        '/joint_states',
        '/wrist/image_raw/compressed',
        '/overhead/color/image_raw',
        '/overhead/depth/image_raw',
    }
    assert 'Left out: finger_b (mimics finger_a)' in written


def test_a_bag_alone_gives_limits_that_it_has_seen(describe, checked, tmp_path):
    bag = record(
        tmp_path / 'lift',
        joint_states=moving(['wrist_joint', 'shoulder_pan', 'elbow', 'left_wheel', 'gripper']),
        arm__joint_trajectory=lambda t: trajectory(
            t, ['shoulder_pan', 'elbow', 'wrist_joint'], [0] * 3
        ),
    )
    robot, written = describe('--bag', bag)
    assert robot.name == 'robot'
    assert robot.output == {TARGETS: {0: 'shoulder_pan', 3: 'elbow', 5: 'wrist_joint'}}
    limit = robot.limits[TARGETS, 'elbow']
    assert (limit.lower, limit.upper) == (0.0, 0.99)
    assert limit.velocity == pytest.approx(0.5, abs=0.02)
    assert '# guessed: the range that was seen; the speed that was seen' in written
    assert 'Left out: left_wheel' in written
    checked('--bag', bag)


def test_a_urdf_alone_gives_the_usual_topics_and_says_so(describe, checked, arm):
    robot, written = describe('--urdf', arm)
    assert robot.output == {TARGETS: PLACED}
    assert '# guessed: the usual topic; nothing was listened to' in written
    assert '# guessed: no command topic was seen; write the topic of the controller' in written
    assert 'no command topic was seen' in describe.said
    checked()


def test_a_published_urdf_is_found_and_its_limits_written_out(describe, tmp_path):
    bag = record(tmp_path / 'bag', joint_states=moving(ARM), robot_description=text(THREE))
    robot, written = describe('--bag', bag)
    assert robot.name == 'robot'
    assert 'lift: {position: [-2.0, 2.0], velocity: 1.5}  # from robot_description' in written


def test_a_published_urdf_that_cannot_be_read_does_not_stop_a_draft(describe, tmp_path):
    bag = record(tmp_path / 'bag', joint_states=moving(ARM), robot_description=text('<sdf/>'))
    robot, _ = describe('--bag', bag)
    assert set(robot.input[POSITIONS].values()) == set(ARM)
    assert 'warning: drafted without a URDF: /robot_description: is no URDF' in describe.said


def test_continuous_joints_and_missing_speeds(describe, tmp_path):
    path = tmp_path / 'arm.urdf'
    path.write_text(urdf(joint('spin', kind='continuous')).replace('velocity="1.5"', ''))
    robot, written = describe('--urdf', path)
    assert robot.limits[TARGETS, 'spin'].upper == float('inf')
    assert 'spin: {position: none, velocity: 0.1}  # guessed: a careful speed' in written


def test_a_publisher_without_names_gets_an_order(describe, arm, tmp_path):
    bag = record(tmp_path / 'bag', joint_states=lambda t: state(t, [], [t, 0, 0, 0]))
    robot, written = describe('--bag', bag, '--urdf', arm)
    assert robot.input_sources()[0].order == ARM
    assert 'guessed: its publisher names no joint' in written
    robot, written = describe('--bag', bag)
    named = {0: 'joint_1', 1: 'joint_2', 3: 'joint_3', 5: 'joint_4'}
    assert robot.input[POSITIONS] == named


def test_commands_that_name_joints_otherwise_are_matched_by_order(describe, tmp_path):
    bag = record(
        tmp_path / 'bag',
        servo__out__state=moving(['q0', 'q1', 'q2']),
        servo__in__state=moving(['q1', 'q2', 'q3']),
    )
    robot, _ = describe('--bag', bag)
    assert [s.message_name for s in robot.output_sources()] == ['q1', 'q2', 'q3']
    assert [j.message_name for j in robot.commands()[0].joints] == ['q1', 'q2', 'q3']
    assert 'which the node does not send' in describe.said


def test_a_leader_arm_that_has_a_gripper_is_recorded_but_not_commanded(describe, tmp_path):
    names = ['shoulder_pan', 'elbow', 'gripper']
    bag = record(tmp_path / 'bag', joint_states=moving(names), leader__joint_states=moving(names))
    robot, _ = describe('--bag', bag)
    assert {source.topic for source in robot.output_sources()} == {'/leader/joint_states'}
    assert [command.topic for command in robot.commands()] == [
        'arm_controller/joint_trajectory',
        'gripper_controller/joint_trajectory',
    ]


def test_bare_numbers_are_taken_in_the_order_of_the_joints(describe, tmp_path):
    bag = record(
        tmp_path / 'bag',
        joint_states=moving(ARM),
        forward_controller__commands=array([0, 0, 0, 0]),
    )
    robot, written = describe('--bag', bag)
    assert robot.output_sources()[0].order == tuple(robot.output[TARGETS].values())
    assert robot.commands()[0].type == 'std_msgs/msg/Float64MultiArray'
    assert 'guessed: bare numbers' in written


def test_without_commands_a_model_learns_what_was_measured_next(describe, checked, tmp_path):
    bag = record(tmp_path / 'bag', joint_states=moving(ARM))
    robot, written = describe('--bag', bag)
    assert list(robot.output) == [POSITIONS]
    assert 'guessed: no command was recorded' in written


def test_stamps_of_another_clock_are_passed_by(describe, tmp_path):
    bag = record(tmp_path / 'bag', joint_states=lambda t: state(t - 3600, ARM, [t] * 4))
    robot, written = describe('--bag', bag)
    assert robot.input_sources()[0].stamp == 'receive'
    assert 'header stamps are 3.6e+03 s off' in written


def test_strange_names_are_quoted(describe, tmp_path):
    robot, _ = describe(
        '--bag', record(tmp_path / 'bag', joint_states=moving(['on', "it's", '7']))
    )
    assert set(robot.input[POSITIONS].values()) == {'on', "it's", '7'}


def test_an_existing_file_is_kept(arm, tmp_path, capsys):
    out = tmp_path / 'robot.yaml'
    out.write_text('mine')
    assert main(['describe', '--urdf', str(arm), '--out', str(out)]) == 1
    assert 'exists; give another --out, or --force to overwrite it' in capsys.readouterr().err
    assert out.read_text() == 'mine'


def test_what_is_missing_is_said_in_one_line(refusal, arm, tmp_path):
    assert 'give --bag BAG, --urdf FILE or --live' in refusal()
    assert 'no JointState with positions was found' in refusal(
        '--bag', record(tmp_path / 'b', a=image)
    )
    assert 'no such file' in refusal('--urdf', tmp_path / 'no.urdf')
    assert 'no such file' in refusal('--urdf', arm, '--like', tmp_path / 'no.yaml')
    assert '--like-urdf belongs to --like' in refusal('--urdf', arm, '--like-urdf', arm)
    fixed = tmp_path / 'fixed.urdf'
    fixed.write_text(urdf(joint('a', kind='fixed')))
    assert 'has no joint that can move' in refusal('--urdf', fixed)
    other = record(tmp_path / 'other', joint_states=moving(['x', 'y']))
    assert "Give this robot's own URDF" in refusal('--urdf', arm, '--bag', other)


def test_drivers_that_share_a_topic_are_told_apart_by_what_they_name(describe, arm, tmp_path):
    def shared(seconds):
        step = round(seconds * 50)
        if step % 25 == 0:
            return state(seconds, ['finger_a'], [0.01])
        return state(seconds, [], [seconds, 0, 0, 0])

    bag = record(tmp_path / 'bag', joint_states=shared)
    robot, _ = describe('--bag', bag, '--urdf', arm)
    sources = {source.name: source for source in robot.input_sources()}
    assert list(sources) == [*ARM, 'finger_a']
    assert sources['pan'].order == ARM and sources['finger_a'].order is None
    # The gripper's driver is slow, the arm's is not.
    assert sources['finger_a'].max_age_s == 1.5 and sources['pan'].max_age_s == 0.2


def test_velocities_alone_measure_no_position(describe, refusal, tmp_path):
    def rolling(seconds):
        message = state(seconds, ARM, [])
        message.velocity = np.ones(len(ARM))
        return message

    bag = record(tmp_path / 'bag', joint_states=rolling)
    assert '/joint_states: 100 messages without a position' in refusal('--bag', bag)
    both = record(tmp_path / 'both', joint_states=rolling, measured__state=moving(ARM))
    robot, _ = describe('--bag', both)
    assert {source.topic for source in robot.input_sources()} == {'/measured/state'}


def test_joints_of_the_urdf_that_nothing_measures_are_told(describe, arm, tmp_path):
    describe('--bag', record(tmp_path / 'bag', joint_states=moving(ARM[:2])), '--urdf', arm)
    assert 'nothing measures elbow, roll, finger_a of the URDF: left out' in describe.said


@pytest.mark.parametrize(
    ('limit', 'told'),
    [
        ((-170, 170), 'look like degrees; rad are meant: write under limits: pan: {position: ['),
        ((-1e16, 1e16), 'limit nothing; a continuous joint has none: write'),
    ],
)
def test_limits_of_a_urdf_that_cannot_be_in_radians_are_said(describe, tmp_path, limit, told):
    (tmp_path / 'arm.urdf').write_text(urdf(joint('pan', limit=limit)))
    describe('--urdf', tmp_path / 'arm.urdf')
    assert f"limits of 'pan' {told}" in describe.said


def test_a_camera_of_a_single_picture_is_a_comment(describe, tmp_path):
    bag = record(tmp_path / 'bag', joint_states=moving(ARM), top__image_raw=image)
    assert DataType.RGB_IMAGES in describe('--bag', bag)[0].input
    once = record(tmp_path / 'once', joint_states=moving(ARM), top__image_raw=at_once(image))
    robot, written = describe('--bag', once)
    assert DataType.RGB_IMAGES not in robot.input
    assert '# top: {topic: /top/image_raw}' in written
    assert 'top: a single picture came, which would be stale ever after' in describe.said


def at_once(make):
    """A message at the first time only."""
    return lambda seconds: make(seconds) if seconds == 0.0 else None


def test_limits_hold_what_was_seen(describe, tmp_path):
    def jerky(seconds):
        return state(seconds, ARM, [0.3 * (seconds > 1.0), 0.0, 0.0, 0.0])

    robot, _ = describe('--bag', record(tmp_path / 'bag', joint_states=jerky))
    assert robot.limits[POSITIONS, 'pan'].velocity >= 3.0
