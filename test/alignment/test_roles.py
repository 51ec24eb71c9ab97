"""What joints do and mean, and where they belong: on three arms as their makers draw them."""

import math

import numpy as np
import pytest

from helpers.drawn_arms import joint, urdf
from neuracore_ros.alignment.align import align
from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.alignment.drawn_meanings import drawn_meanings
from neuracore_ros.alignment.roles import Role
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.shipped import shipped
from neuracore_ros.kinematics.joint_tree import parse_joint_tree
from neuracore_ros.sim.arms import ARMS, ArmKinematics

# In the tool's frame, which looks along z: the way in which the fingers open.
OPENS = {'franka': '0 1 0', 'ur5': '1 0 0', 'so100': '1 0 0'}


def drawn(name, fingers=True):
    """The URDF of a simulated arm, whose numbers are those of the real one."""
    arm, after, parts = ARMS[name], 'base', []
    rows = [(row.name, 'revolute', row.xyz, row.rpy, row.axis) for row in arm.joints]
    rows.append(('tool', 'fixed', arm.tool_xyz, arm.tool_rpy, (0, 0, 1)))
    for called, kind, xyz, rpy, axis in rows:
        text = joint(called, ' '.join(map(str, axis)), kind, ' '.join(map(str, xyz)), after)
        parts.append(text.replace('rpy="0 0 0"', f'rpy="{" ".join(map(str, rpy))}"'))
        after = called
    if fingers:
        parts.append(joint('finger', OPENS[name], 'prismatic', '0 0 0', after='tool'))
    return parse_joint_tree(urdf(*parts, name=name), f'{name}.urdf')


def arm(name, fingers=True, home=None):
    return DescribedArm(load_robot(shipped(name)), drawn(name, fingers), home or {})


def proposed(name, like, **more):
    return {p.name: p for p in align(arm(name, **more), arm(like))}


def pose(name, like, slots):
    """Tool of an arm whose joints are told in another arm's slots, (4, 4); none is 0."""
    found = proposed(name, like)
    joints = [found[joint] for joint in ARMS[name].joint_names]
    positions = [(slots.get(p.index, 0.0) - p.offset) / p.scale for p in joints]
    return ArmKinematics(ARMS[name]).poses(positions)[-1]


def test_the_roles_of_three_arms():
    roles = {
        name: [meaning.role for meaning in arm(name).meanings().values()]
        for name in ('franka', 'ur5', 'so100')
    }
    bends = Role.SHOULDER_PITCH, Role.ELBOW_PITCH, Role.WRIST_PITCH
    assert roles['franka'] == [
        Role.BASE_YAW,
        Role.SHOULDER_PITCH,
        Role.UPPER_ARM_ROLL,
        Role.ELBOW_PITCH,
        Role.FOREARM_ROLL,
        Role.WRIST_PITCH,
        Role.FLANGE_ROLL,
    ]
    assert roles['ur5'] == [Role.BASE_YAW, *bends, Role.WRIST_YAW, Role.FLANGE_ROLL]
    assert roles['so100'] == [Role.BASE_YAW, *bends, Role.FLANGE_ROLL]


@pytest.mark.parametrize(
    ('name', 'indices'), [('ur5', [0, 1, 3, 5, 4, 6]), ('so100', [0, 1, 3, 5, 6])]
)
def test_joints_go_where_the_panda_has_their_role(name, indices):
    found = proposed(name, 'franka')
    assert [found[joint].index for joint in ARMS[name].joint_names] == indices
    elbow = found[ARMS[name].joint_names[2]]
    assert (elbow.counterpart, elbow.scale) == ('panda_joint4', -1.0)
    assert all(proposal.fits for proposal in found.values())


@pytest.mark.parametrize('name', ['ur5', 'so100'])
@pytest.mark.parametrize('seed', range(5))
def test_equal_slots_are_equal_shapes(name, seed):
    yaw, lean, bend, wrist = np.random.default_rng(seed).uniform(
        [-1, -0.5, -2.4, 1.2], [1, 0.3, -1.2, 2.4]
    )
    slots = {0: yaw, 1: lean, 3: bend, 5: wrist}
    mine, its = pose(name, 'franka', slots), pose('franka', 'franka', slots)
    assert mine[:3, 2] @ its[:3, 2] == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize('name', ['ur5', 'so100'])
def test_equal_slots_open_the_fingers_alike(name):
    slots = {3: -2.0, 5: 2.0, 6: 0.4}
    way = {
        arm: pose(arm, 'franka', slots)[:3, 0 if OPENS[arm] == '1 0 0' else 1]
        for arm in (name, 'franka')
    }
    assert abs(way[name] @ way['franka']) == pytest.approx(1.0, abs=1e-3)


def test_the_wrist_of_an_ur5_swings_the_hand_to_the_side_that_a_forearm_roll_does():
    ready = {3: -math.pi / 2 - 0.467, 5: 1.78}
    for name in ('ur5', 'franka'):
        straight, swung = (pose(name, 'franka', ready | {4: angle})[1, 2] for angle in (0.0, 0.3))
        assert swung - straight == pytest.approx(0.29, abs=0.02)


@pytest.mark.parametrize('name', ['ur5', 'so100'])
def test_the_usual_poses_of_arms_meet_in_the_slots(name):
    found = proposed(name, 'franka')
    home = dict(zip(ARMS['franka'].joint_names, ARMS['franka'].home, strict=True))
    for called, position in zip(ARMS[name].joint_names[:4], ARMS[name].home, strict=False):
        value = found[called].scale * position + found[called].offset
        assert value == pytest.approx(home[found[called].counterpart], abs=0.6)


def test_a_robot_aligned_with_itself_stays_as_it_is():
    same = arm('ur5')
    for proposal in align(same, same):
        assert proposal.counterpart == proposal.name
        assert same.joints()[proposal.index] == proposal.name
        assert (proposal.scale, proposal.offset) == same.sense(proposal.name)


def test_the_scale_and_offset_of_the_other_file_are_kept(tmp_path):
    text = (
        shipped('franka')
        .read_text()
        .replace(
            'JOINT_POSITIONS: {topic: joint_states}',
            'JOINT_POSITIONS: {topic: joint_states, scale: 2.0, offset: 0.5}',
        )
    )
    (tmp_path / 'franka.yaml').write_text(text)
    like = DescribedArm(load_robot(tmp_path / 'franka.yaml'), drawn('franka'))
    plain, scaled = proposed('ur5', 'franka')['elbow_joint'], align(arm('ur5'), like)[2]
    assert scaled.name == 'elbow_joint'
    assert scaled.scale == 2 * plain.scale
    assert scaled.offset == pytest.approx(2 * plain.offset + 0.5)


def test_without_a_gripper_the_zero_of_a_flange_is_left_to_a_person():
    flange = proposed('ur5', 'franka', fingers=False)['wrist_3_joint']
    assert flange.offset == 0.0
    assert 'cannot be compared' in flange.doubts[0]
    home = {'wrist_3_joint': 0.5, 'wrist_2_joint': -1.5}
    told = proposed('ur5', 'franka', fingers=False, home=home)['wrist_3_joint']
    assert told.doubts == ()
    assert told.scale * 0.5 + told.offset == pytest.approx(math.pi / 4, abs=1e-3)


def test_a_usual_pose_tells_which_way_a_wrist_stands():
    other = proposed('ur5', 'franka', home={'wrist_2_joint': 1.5})
    usual = proposed('ur5', 'franka')
    assert other['wrist_2_joint'].scale == -usual['wrist_2_joint'].scale
    apart = other['wrist_1_joint'].offset - usual['wrist_1_joint'].offset
    assert abs(math.remainder(apart, 2 * math.pi)) == pytest.approx(math.pi)
    assert 'if the robot stands the other way' in usual['wrist_2_joint'].doubts[0]
    assert other['wrist_2_joint'].doubts == ()


def test_without_urdfs_joints_go_by_their_order():
    robot = DescribedArm(load_robot(shipped('ur5')), None)
    proposals = align(robot, arm('franka'))
    assert [p.index for p in proposals] == [0, 1, 2, 3, 4, 6]
    assert {(p.scale, p.offset, p.role) for p in proposals} == {(1.0, 0.0, None)}


def test_two_arms_on_one_torso_have_their_own_roles():
    both = [joint('torso', '0 0 1', 'prismatic')]
    for side, y in (('left', 0.2), ('right', -0.2)):
        both += [
            joint(f'{side}_yaw', xyz=f'0 {y} 0.1', after='torso'),
            joint(f'{side}_lift', '0 1 0', after=f'{side}_yaw'),
            joint(f'{side}_elbow', '0 -1 0', xyz='0.3 0 0', after=f'{side}_lift'),
            joint(f'{side}_tool', kind='fixed', xyz='0.2 0 0', after=f'{side}_elbow'),
        ]
    body = parse_joint_tree(urdf(*both), 'body.urdf')
    names = [j.name for j in body.joints]
    found = {name: meaning.role for name, meaning in drawn_meanings(body, names).items()}
    assert found.pop('torso') is Role.SLIDE
    assert [found[f'right_{part}'] for part in ('yaw', 'lift', 'elbow')] == [
        Role.BASE_YAW,
        Role.SHOULDER_PITCH,
        Role.ELBOW_PITCH,
    ]
    assert set(found) == {f'{s}_{p}' for s in ('left', 'right') for p in ('yaw', 'lift', 'elbow')}


def test_an_arm_that_bends_about_nothing_level_has_no_roles():
    scara = urdf(joint('a'), joint('b', xyz='0.3 0 0', after='a'))
    assert drawn_meanings(parse_joint_tree(scara, 'scara.urdf'), ['a', 'b']) == {}


def test_a_slide_that_the_other_robot_lacks_widens_the_layout(tmp_path):
    rail = urdf(
        joint('rail', '1 0 0', 'prismatic'),
        joint('pan', after='rail'),
        joint('lift', '0 1 0', after='pan'),
        joint('tool', kind='fixed', xyz='0.3 0 0', after='lift'),
    )
    slots = '{0: rail, 1: pan, 2: lift}'
    (tmp_path / 'rail.urdf').write_text(rail)
    (tmp_path / 'rail.yaml').write_text(
        f'robot: rail\nurdf: rail.urdf\ninput: {{JOINT_POSITIONS: {slots}}}\n'
        f'output: {{JOINT_TARGET_POSITIONS: {slots}}}\nsources: {{JOINT_POSITIONS: {{topic: j}}}}'
    )
    robot = DescribedArm.of(load_robot(tmp_path / 'rail.yaml'))
    assert robot.output_type() is DataType.JOINT_TARGET_POSITIONS
    like = tmp_path / 'like.yaml'
    like.write_text(
        'robot: like\nurdf: rail.urdf\ninput: {JOINT_POSITIONS: {0: pan, 1: lift}}\n'
        'output: {}\nsources: {JOINT_POSITIONS: {topic: j}}'
    )
    found = {p.name: p for p in align(robot, DescribedArm.of(load_robot(like)))}
    assert not found['rail'].fits
    assert (found['pan'].index, found['lift'].index) == (0, 1)
