"""Grippers: openings move the fingers of a URDF, or drawn ones."""

import numpy as np
import pytest

from helpers.drawn_arms import THREE, joint, urdf
from helpers.known_urdfs import known_urdf
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.shipped import shipped
from neuracore_ros.viewer.robot_model import RobotModel

pytestmark = pytest.mark.filterwarnings('ignore:.*is taken raw')

GRIPS = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
ARM = 'JOINT_POSITIONS: {0: pan, 1: lift, 2: elbow, 3: roll}'


def model(folder, drawn, grippers, sources='', arm=ARM):
    (folder / 'arm.urdf').write_text(drawn)
    (folder / 'arm.yaml').write_text(
        f'robot: arm\nurdf: arm.urdf\noutput: {{}}\n'
        f'input: {{{arm}, PARALLEL_GRIPPER_OPEN_AMOUNTS: {grippers}}}\n'
        f'sources:\n  {arm.partition(":")[0]}: {{topic: /s}}\n'
        f'  PARALLEL_GRIPPER_OPEN_AMOUNTS: {{topic: /g{sources}}}\n'
    )
    return RobotModel.of(load_robot(folder / 'arm.yaml'))


def ends(robot, joint, slot=(GRIPS, 0)):
    return [robot.joints({slot: value})[joint] for value in (0.0, 0.5, 1.0)]


def gap(robot, one, other, value, slot=(GRIPS, 0)):
    poses = robot.link_poses({slot: value})
    return np.linalg.norm(poses[one][:3, 3] - poses[other][:3, 3])


def test_an_opening_moves_the_finger_of_its_name_and_the_one_that_mimics_it(tmp_path):
    robot = model(tmp_path, THREE, '{0: finger_a}')
    assert ends(robot, 'finger_a') == pytest.approx([0.0, 0.02, 0.04])
    before, after = robot.link_poses({(GRIPS, 0): 0.0}), robot.link_poses({(GRIPS, 0): 1.0})
    for finger in ('finger_a', 'finger_b'):
        assert np.linalg.norm(after[finger][:3, 3] - before[finger][:3, 3]) == pytest.approx(0.04)
    assert set(robot.moved_links((GRIPS, 0))) == {'finger_a', 'finger_b'}


def test_a_gripper_that_closes_upwards_is_open_at_its_lower_end(tmp_path):
    drawn = THREE.replace('lower="0.0" upper="0.04"', 'lower="0.0" upper="0.8"')
    robot = model(tmp_path, drawn, '{0: finger_a}', ', scale: -1.25, offset: 1.0')
    assert ends(robot, 'finger_a') == pytest.approx([0.8, 0.4, 0.0])


@pytest.mark.parametrize(
    ('options', 'wanted'),
    [
        (', scale: 0.01', [0.0, 0.02, 0.04]),
        (', scale: -0.01, offset: 1.0', [0.04, 0.02, 0.0]),
        (', scale: 0.00392157', [0.0, 0.02, 0.04]),
    ],
)
def test_a_driver_of_another_unit_opens_between_the_limits_of_the_urdf(tmp_path, options, wanted):
    robot = model(tmp_path, THREE, '{0: finger_a}', options)
    assert ends(robot, 'finger_a') == pytest.approx(wanted)


def test_a_slot_that_is_a_finger_which_mimics_moves_the_one_that_it_follows(tmp_path):
    robot = model(tmp_path, THREE, '{0: finger_b}')
    assert ends(robot, 'finger_a') == pytest.approx([0.0, 0.02, 0.04])


def two_fingers(lower, upper, axis):
    """An arm whose second finger follows nothing."""
    kind = 'prismatic'
    return urdf(
        joint('pan'),
        joint('lift', '0 1 0', after='pan'),
        joint('elbow', '0 1 0', xyz='0 0 0.3', after='lift'),
        joint('roll', '0 0 1', xyz='0 0 0.3', after='elbow'),
        joint('finger_a', '0 1 0', kind, '0 0.01 0.1', 'roll', limit=(0.0, 0.04)),
        joint('finger_b', axis, kind, '0 -0.01 0.1', 'roll', limit=(lower, upper)),
    )


@pytest.mark.parametrize(('lower', 'upper', 'axis'), [(0.0, 0.04, '0 -1 0'), (-0.04, 0, '0 1 0')])
@pytest.mark.parametrize('name', ['finger_a', 'hand'])
def test_fingers_that_follow_nothing_open_together(tmp_path, lower, upper, axis, name):
    robot = model(tmp_path, two_fingers(lower, upper, axis), f'{{0: {name}}}')
    gaps = [gap(robot, 'finger_a', 'finger_b', value) for value in (0.0, 0.5, 1.0)]
    assert gaps == pytest.approx([0.02, 0.06, 0.10])


def test_a_finger_turned_the_wrong_way_in_the_robot_file_is_seen_on_both_fingers(tmp_path):
    robot = model(
        tmp_path, two_fingers(0.0, 0.04, '0 -1 0'), '{0: finger_a}', ', scale: -25, offset: 1.0'
    )
    assert gap(robot, 'finger_a', 'finger_b', 0.0) > gap(robot, 'finger_a', 'finger_b', 1.0)


def test_the_jaw_of_an_so101_opens_away_from_the_other_one():
    robot = RobotModel.of(load_robot(shipped('so101')), known_urdf('so101'))
    assert ends(robot, 'gripper')[0] == pytest.approx(-0.174533, abs=1e-3)
    assert robot.moved_links((GRIPS, 0)) == ('moving_jaw_so101_v1_link',)


@pytest.mark.parametrize('name', ['lift_panda', 'lift_ur5e', 'lift_kinova3', 'lift_jaco'])
def test_grippers_of_shipped_arms_move_links(name):
    robot = RobotModel.of(load_robot(shipped(name)))
    before, after = robot.link_poses({(GRIPS, 0): 0.0}), robot.link_poses({(GRIPS, 0): 1.0})
    moved = {link for link in before if not np.allclose(before[link], after[link])}
    assert moved and set(robot.moved_links((GRIPS, 0))) & moved


def plain_arm(side='', y=0.0):
    """An arm without fingers; of two, it has a side."""
    names = [f'{side}{each}' for each in ('pan', 'lift', 'elbow', 'roll')]
    places = [f'0 {y} 0.1', '0 0 0', '0 0 0.3', '0 0 0.3']
    axes = ['0 0 1', '0 1 0', '0 1 0', '0 0 1']
    before = ['', *names]
    return [
        joint(name, axis, xyz=place, after=after)
        for name, axis, place, after in zip(names, axes, places, before, strict=False)
    ]


def test_where_the_urdf_has_no_fingers_two_are_drawn_that_open(tmp_path):
    robot = model(tmp_path, urdf(*plain_arm()), '{0: hand}')
    one, other = robot.moved_links((GRIPS, 0))
    gaps = [gap(robot, one, other, value) for value in (-1.0, 0.0, 0.5, 1.0, 7.0)]
    assert gaps[0] == gaps[1] == 0.0 and gaps[3] == gaps[4] > 0.02
    assert gaps[2] == pytest.approx(gaps[3] / 2)
    assert {one, other} <= {mesh.link for mesh in robot.meshes}
    assert robot.slots()[GRIPS, 0].name == 'hand'


def test_each_gripper_of_two_arms_is_drawn_on_the_arm_of_its_side(tmp_path):
    drawn = urdf(*plain_arm('left_', 0.4), *plain_arm('right_', -0.4))
    names = [f'{side}_{each}' for side in ('left', 'right') for each in ('pan', 'lift', 'elbow')]
    arm = 'JOINT_POSITIONS: {' + ', '.join(f'{n}: {name}' for n, name in enumerate(names)) + '}'
    robot = model(tmp_path, drawn, '{0: right_hand, 1: left_hand}', arm=arm)
    poses = robot.link_poses({})
    for index, y in ((0, -0.4), (1, 0.4)):
        for finger in robot.moved_links((GRIPS, index)):
            assert poses[finger][1, 3] == pytest.approx(y, abs=0.05)


def test_a_gripper_without_any_arm_has_a_slot_that_moves_nothing(tmp_path):
    robot = model(tmp_path, urdf(joint('wheel')), '{0: hand}', arm='CUSTOM_1D: {0: force}')
    assert robot.moved_links((GRIPS, 0)) == ()
