"""`describe --like`: where a new robot stands in the index space of another."""

import pytest

from helpers.drawn_arms import (
    THREE,
    array,
    compressed,
    image,
    joint,
    record,
    state,
    trajectory,
    urdf,
)
from neuracore_ros.alignment.align import align_cameras
from neuracore_ros.alignment.name_heuristics import alike, camera, is_gripper, one_of_each
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.shipped import shipped

POSITIONS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
OPENINGS = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
NAMES = ('pan', 'lift', 'elbow', 'roll')


@pytest.fixture
def like(tmp_path):
    """A robot file of four joints in seven slots, and its URDF."""
    (tmp_path / 'like.urdf').write_text(THREE)
    slots = '{0: pan, 1: lift, 2: elbow, 6: roll}'
    path = tmp_path / 'like.yaml'
    path.write_text(
        f'robot: first\nurdf: like.urdf\n'
        f'input: {{JOINT_POSITIONS: {slots}, RGB_IMAGES: {{0: wrist, 1: top}}, '
        f'POSES: {{0: cube}}}}\n'
        f'output: {{JOINT_TARGET_POSITIONS: {slots}}}\n'
        'sources: {JOINT_POSITIONS: {topic: a}}\n'
    )
    return path


def written(tmp_path, *joints):
    path = tmp_path / 'new.urdf'
    path.write_text(urdf(*joints, name='new'))
    return path


def test_joints_go_where_the_other_robot_has_their_role(describe, like, tmp_path):
    new = written(
        tmp_path,
        joint('a'),
        joint('b', '0 1 0', after='a'),
        joint('c', '1 0 0', xyz='0.3 0 0', after='b'),
    )
    robot, text = describe('--urdf', new, '--like', like)
    assert robot.input[POSITIONS] == {0: 'a', 1: 'b', 6: 'c'}
    assert robot.output == {TARGETS: {0: 'a', 1: 'b', 6: 'c'}}
    assert "# guessed: first's roll: flange roll" in text
    assert '# POSES of first (cube): nothing here corresponds' in text


def test_without_urdfs_the_last_joint_goes_to_the_wrist_and_the_gap_stays(describe, tmp_path):
    new = written(tmp_path, joint('a'), joint('b', after='a'), joint('c', after='b'))
    robot, text = describe('--urdf', new, '--like', shipped('ur5'))
    assert robot.input[POSITIONS] == {0: 'a', 1: 'b', 6: 'c'}
    assert "ur5's wrist_3_joint: the last joint before the hand" in text


def test_a_turned_axis_turns_the_sign_in_every_place(describe, like, tmp_path):
    new = written(
        tmp_path,
        joint('a', '0 0 -1'),
        joint('b', '0 1 0', after='a'),
        joint('c', '1 0 0', xyz='0.3 0 0', after='b'),
    )
    robot, text = describe('--urdf', new, '--like', like)
    assert [source.scale for source in robot.input_sources()] == [-1.0, 1.0, 1.0]
    assert [source.scale for source in robot.output_sources()] == [-1.0, 1.0, 1.0]
    assert [joint.scale for joint in robot.commands()[0].joints] == [-1.0, 1.0, 1.0]
    assert '# guessed: scale and offset bring each joint' in text


@pytest.mark.parametrize(
    ('scale', 'offset'),
    # Degrees; percent of its limits of -2 to 2; servo ticks from the middle of a turn.
    [('-0.0174533', 0.5), ('-0.02', 0.5), ('-0.00153398', 3.6416)],
)
def test_a_dataset_of_the_other_robot_has_a_unit_that_is_not_its_sense(
    describe, like, tmp_path, scale, offset
):
    own = f'{{topic: observation.state, lift: {{scale: {scale}, offset: {offset}}}}}'
    like.write_text(like.read_text().replace('{topic: a}', own))
    new = written(tmp_path, joint('a'), joint('b', '0 1 0', after='a'),
                  joint('c', '1 0 0', xyz='0.3 0 0', after='b'))  # fmt: skip
    robot, _ = describe('--urdf', new, '--like', like)
    (lift,) = [s for s in robot.input_sources() if s.name == 'b']
    assert (lift.scale, lift.offset) == (-1.0, pytest.approx(0.5, abs=1e-4))


def test_names_go_before_the_order(describe, like, tmp_path):
    new = written(tmp_path, joint('pan_joint'), joint('roll_joint', '1 0 0', after='pan_joint'))
    assert describe('--urdf', new, '--like', like)[0].input[POSITIONS] == {
        0: 'pan_joint',
        6: 'roll_joint',
    }


def test_an_arm_that_is_drawn_in_another_pose_gets_an_offset(describe, like, tmp_path):
    # Stretched out forward, where the other arm's file draws the upper arm forward, too, but up.
    new = written(
        tmp_path,
        joint('a'),
        joint('b', '0 1 0', after='a'),
        joint('c', '0 1 0', xyz='0 0 0.3', after='b'),
        joint('d', '1 0 0', xyz='0.3 0 0', after='c'),
    )
    robot, _ = describe('--urdf', new, '--like', like)
    assert [round(s.offset, 2) for s in robot.input_sources()] == [0.0, -1.57, -1.57, 0.0]
    assert [s.scale for s in robot.input_sources()] == [1.0, 1.0, -1.0, 1.0]


def test_numbers_without_names_are_sent_in_the_order_of_the_controller(describe, like, tmp_path):
    swapped = [
        joint('a'),
        joint('b', '0 1 0', after='a'),
        joint('c', '0 1 0', after='b'),
        joint('tool', '0 1 0', 'fixed', '0.3 0 0', after='c'),
    ]
    bag = record(
        tmp_path / 'bag',
        joint_states=lambda t: state(t, ['a', 'b', 'c'], [t] * 3),
        forward_controller__commands=array([0, 0, 0]),
    )
    text = like.read_text().replace('1: lift, 2: elbow', '1: elbow, 2: lift')
    like.write_text(text)
    robot, text = describe('--urdf', written(tmp_path, *swapped), '--bag', bag, '--like', like)
    (command,) = robot.commands()
    assert [joint.name for joint in command.joints] == ['a', 'b', 'c']
    assert [joint.index for joint in command.joints] == [0, 2, 1]
    assert 'order: [a, b, c]' in text.partition('commands:')[2]
    assert 'guessed: its controller takes bare numbers; from base to wrist' in text


def test_what_would_widen_the_layout_is_a_comment(describe, like, tmp_path):
    chain = [joint('j0')]
    chain += [joint(f'j{i}', '0 1 0', after=f'j{i - 1}') for i in range(1, 9)]
    robot, text = describe('--urdf', written(tmp_path, *chain), '--like', like)
    assert max(robot.input[POSITIONS]) == 6
    assert '    # 8: j8' in text
    assert 'j8: first has no slot for it: index 8 would widen the layout' in describe.said
    assert 'align first with this robot instead' in describe.said


def test_a_urdf_of_another_robot_is_told(describe, like, tmp_path):
    other = written(tmp_path, joint('x'), joint('y', '0 1 0', after='x'))
    describe('--urdf', other, '--like', like, '--like-urdf', other)
    assert 'is it the URDF of another robot?' in describe.said


def test_arms_of_one_side_correspond(describe, tmp_path):
    def both(first, second):
        joints = []
        for side in (first, second):
            joints += [joint(f'{side}_pan'), joint(f'{side}_lift', '0 1 0', after=f'{side}_pan')]
            joints += [joint(f'{side}_tool', '1 0 0', 'fixed', '0.3 0 0', f'{side}_lift')]
        return urdf(*joints)

    names = '{0: left_pan, 1: left_lift, 2: right_pan, 3: right_lift}'
    (tmp_path / 'like.urdf').write_text(both('left', 'right'))
    (tmp_path / 'like.yaml').write_text(
        f'robot: first\nurdf: like.urdf\ninput: {{JOINT_POSITIONS: {names}}}\n'
        f'output: {{JOINT_TARGET_POSITIONS: {names}}}\nsources: {{JOINT_POSITIONS: {{topic: a}}}}\n'
    )
    (tmp_path / 'new.urdf').write_text(both('r', 'l').replace('_lift', '_shoulder'))
    robot, _ = describe('--urdf', tmp_path / 'new.urdf', '--like', tmp_path / 'like.yaml')
    assert robot.input[POSITIONS] == {0: 'l_pan', 1: 'l_shoulder', 2: 'r_pan', 3: 'r_shoulder'}


def test_without_axes_it_says_that_they_were_not_compared(describe, tmp_path):
    new = written(tmp_path, joint('a'), joint('b', after='a'))
    alone = tmp_path / 'franka.yaml'
    alone.write_bytes(shipped('franka').read_bytes())
    _, text = describe('--urdf', new, '--like', alone)
    # Comments are wrapped, elsewhere for every path.
    assert 'Axes and zeros are not compared' in ' '.join(text.replace('#', ' ').split())
    assert 'give --like-urdf' in describe.said


def test_the_urdf_beside_the_other_robots_file_gives_its_axes(describe):
    ours = shipped('ur5').with_suffix('.urdf')
    robot, text = describe('--urdf', ours, '--like', shipped('franka'))
    assert 'not compared with franka' not in text + describe.said
    assert robot.input[POSITIONS] == load_robot(shipped('ur5')).input[POSITIONS]
    assert robot.source(POSITIONS, 'elbow_joint').scale == -1.0


def test_cameras_correspond_by_what_they_see(describe, like, tmp_path):
    bag = record(
        tmp_path / 'bag',
        joint_states=lambda t: state(t, NAMES, [t] * 4),
        overhead__image_raw=image,
        side__image_raw__compressed=compressed,
    )
    robot, text = describe('--bag', bag, '--like', like)
    assert robot.input[DataType.RGB_IMAGES] == {1: 'overhead'}
    assert '    # 2: side' in text


def test_a_camera_fills_one_slot_only():
    placed = align_cameras(['hand', 'wrist'], {0: 'wrist'}, 'first')
    assert [(p.name, p.index, p.fits) for p in placed] == [('wrist', 0, True), ('hand', 1, False)]


@pytest.mark.parametrize(
    ('topic', 'name'),
    [
        ('/wrist/image_raw', 'wrist'),
        ('/camera/color/image_raw/compressed', 'camera'),
        ('/cameras/top_camera/image_rect_color', 'top'),
        ('/image', 'camera'),
    ],
)
def test_cameras_are_named_after_their_topics(topic, name):
    assert camera(topic.removesuffix('/compressed')) == name


def test_words_of_joints():
    assert alike('shoulder_pan', 'ShoulderPan_joint')
    assert not alike('wrist_1_joint', 'wrist_2_joint')
    assert is_gripper('panda_finger_joint1')
    assert not is_gripper('wrist_hand_roll')
    assert one_of_each(['finger_joint1', 'finger_joint2'], has_sides=False) == ['finger_joint1']
    both = ['left_gripper', 'right_gripper']
    assert one_of_each(both, has_sides=True) == both


@pytest.mark.parametrize(
    ('name', 'indices', 'turned'),
    [
        ('ur5_robot', [0, 1, 3, 4, 5, 6], {'elbow_joint', 'wrist_1_joint'}),
        ('so100', [0, 1, 3, 5, 6], {'elbow_flex', 'wrist_flex', 'wrist_roll'}),
        ('so101', [0, 1, 3, 5, 6], {'shoulder_pan', 'elbow_flex', 'wrist_flex', 'wrist_roll'}),
        ('panda', [*range(7)], set()),
    ],
)
def test_real_arms_align_with_the_panda(describe, checked, urdfs, name, indices, turned):
    robot, _ = describe(
        '--urdf',
        urdfs / f'{name}.urdf',
        '--like',
        shipped('franka'),
        '--like-urdf',
        urdfs / 'panda.urdf',
    )
    assert list(robot.output[TARGETS]) == indices
    assert {source.name for source in robot.input_sources() if source.scale < 0} == turned
    checked()


def test_a_so101_stands_where_a_so100_stands(describe, urdfs):
    like = shipped('so100')
    robot, text = describe('--urdf', urdfs / 'so101.urdf', '--like', like)
    assert robot.input[POSITIONS] == load_robot(like).input[POSITIONS]
    assert text.count('by name') == 5


def test_a_so101_is_drawn_otherwise_than_a_so100(describe, urdfs):
    robot, _ = describe(
        '--urdf',
        urdfs / 'so101.urdf',
        '--like',
        shipped('so100'),
        '--like-urdf',
        urdfs / 'so100.urdf',
    )
    mine = {source.name: source for source in robot.input_sources()}
    its = {s.name: s for s in load_robot(shipped('so100')).measured_sources()}
    assert mine['shoulder_pan'].scale == -its['shoulder_pan'].scale
    assert mine['elbow_flex'].scale == its['elbow_flex'].scale
    apart = (mine['elbow_flex'].offset - its['elbow_flex'].offset) / its['elbow_flex'].scale
    assert apart == pytest.approx(-1.57, abs=0.01)


@pytest.mark.parametrize(
    ('name', 'joints'),
    [
        ('aerial_servo_mcap_20251202', {0: 'q0', 1: 'q1', 3: 'q2'}),
        (
            'fetch_calibration_poses.bag',
            {
                0: 'shoulder_pan_joint',
                1: 'shoulder_lift_joint',
                2: 'upperarm_roll_joint',
                3: 'elbow_flex_joint',
                4: 'forearm_roll_joint',
                5: 'wrist_flex_joint',
                6: 'wrist_roll_joint',
                16: 'torso_lift_joint',
            },
        ),
        (
            'rerun_ros2_all_types_mcap/rosbag2_2025_09_10-13_03_56_0.mcap',
            {1: 'shoulder_joint', 3: 'elbow_joint', 5: 'wrist_joint'},
        ),
    ],
)
def test_real_bags_are_described(describe, bags, name, joints):
    robot, _ = describe('--bag', bags / name)
    assert robot.input[POSITIONS] == joints
    assert robot.commands()


def test_grippers_and_cameras_that_only_one_robot_has_are_told(describe, like, tmp_path):
    names = (*NAMES, 'finger_a')
    bag = record(
        tmp_path / 'bag',
        joint_states=lambda t: state(t, names, [t / 100] * 5),
        ceiling__image_raw=image,
        third__image_raw=image,
    )
    robot, text = describe('--bag', bag, '--like', like)
    assert OPENINGS not in robot.input and '# 0: finger_a' in text
    assert 'finger_a: first has no such slot: written as a comment' in describe.said
    assert "third: none of first's cameras (wrist, top) is like it: written" in describe.said
    assert 'RGB_IMAGES of first (wrist): nothing here corresponds' in describe.said


def test_a_gripper_alone_corresponds_to_nothing_of_an_arm(refusal, tmp_path):
    grip = written(tmp_path, joint('finger', kind='prismatic'))
    said = refusal('--urdf', grip, '--like', shipped('franka'))
    assert 'new.urdf: nothing here corresponds to anything of franka' in said
    assert '.partial' not in said


HAND = """robot: first
limits: {g: {position: [0.0, 1.0], velocity: 1.0}, pan: {position: [-3, 3], velocity: 1.0}}
input: {PARALLEL_GRIPPER_OPEN_AMOUNTS: {0: g}, RGB_IMAGES: {0: top}}
output: {PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {0: g}, JOINT_TARGET_POSITIONS: {0: pan}}
sources:
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {topic: /g/joint_trajectory, follow_s: 0.4}
  RGB_IMAGES: {topic: /top/image_raw, crop: [80, 40, 320, 240]}
"""


@pytest.fixture
def follower(tmp_path):
    path = tmp_path / 'follower.yaml'
    path.write_text(HAND)
    return path


def test_an_opening_follows_the_command_where_the_other_robots_does(describe, follower, tmp_path):
    bag = record(
        tmp_path / 'bag',
        joint_states=lambda t: state(t, ['pan', 'gripper'], [t, t / 2]),
        arm__joint_trajectory=lambda t: trajectory(t, ['pan'], [t]),
        hand__joint_trajectory=lambda t: trajectory(t, ['gripper'], [t / 2]),
    )
    robot, text = describe('--bag', bag, '--like', follower)
    (opening,) = [s for s in robot.input_sources() if s.data_type is OPENINGS]
    assert (opening.topic, opening.follow_s) == ('/hand/joint_trajectory', 0.4)
    assert 'follows its command, so that an opening means what it does on first' in text


def test_a_hand_whose_commands_are_not_known_is_measured_with_a_line_on_it(
    describe, follower, tmp_path
):
    bag = record(
        tmp_path / 'bag',
        joint_states=lambda t: state(t, ['pan', 'gripper'], [t, t / 2]),
        arm__joint_trajectory=lambda t: trajectory(t, ['pan'], [t]),
    )
    robot, text = describe('--bag', bag, '--like', follower)
    (opening,) = [s for s in robot.input_sources() if s.data_type is OPENINGS]
    assert (opening.topic, opening.follow_s) == ('/joint_states', None)
    said = ' '.join(text.replace('#', ' ').split())
    assert 'once a topic has the commands of gripper, write it here with follow_s: 0.4' in said


def test_a_crop_of_the_other_robot_is_told_and_not_guessed(describe, follower, tmp_path):
    bag = record(
        tmp_path / 'bag',
        joint_states=lambda t: state(t, ['pan'], [t]),
        arm__joint_trajectory=lambda t: trajectory(t, ['pan'], [t]),
        top__image_raw=image,
    )
    robot, text = describe('--bag', bag, '--like', follower)
    (camera,) = [s for s in robot.input_sources() if s.data_type.is_image]
    assert camera.crop is None
    said = ' '.join(text.replace('#', ' ').split())
    assert 'guessed: top: first is cropped to [80, 40, 320, 240] of its own pixels: add' in said
