"""What a draft reads of a URDF."""

import pytest

from helpers.drawn_arms import THREE, joint, urdf
from neuracore_ros.errors import DescriptionError
from neuracore_ros.kinematics.joint_tree import parse_joint_tree

UP, LEFT, RIGHT, FORWARD = (0, 0, 1), (0, 1, 0), (0, -1, 0), (1, 0, 0)


def axes(text):
    joints = parse_joint_tree(text, 'arm.urdf').joints
    return {j.name: tuple(round(part) for part in j.axis) for j in joints if j.parent != 'roll'}


def test_joints_come_from_base_to_tip_however_they_are_written():
    names = [j.name for j in parse_joint_tree(THREE, 'arm.urdf').joints]
    assert names[:4] == ['pan', 'lift', 'elbow', 'roll']
    assert {*names[4:]} == {'finger_a', 'finger_b'}


def test_axes_are_told_in_the_zero_pose():
    assert axes(THREE) == {'pan': UP, 'lift': LEFT, 'elbow': RIGHT, 'roll': FORWARD}


def test_forward_is_where_the_arm_reaches_whatever_the_urdf_calls_it():
    # The same arm, drawn along -y.
    turned = urdf(
        joint('pan', '0 0 1'),
        joint('lift', '1 0 0', after='pan'),
        joint('roll', '0 -1 0', xyz='0 -0.3 0', after='lift'),
    )
    assert axes(turned) == {'pan': UP, 'lift': LEFT, 'roll': FORWARD}


def test_a_roll_knows_whether_its_axis_points_out_of_the_arm():
    def outward(axis):
        arm = urdf(joint('roll', axis), joint('tool', kind='fixed', xyz='0 0 0.2', after='roll'))
        return parse_joint_tree(arm, 'arm.urdf').joints[0].outward

    assert outward('0 0 1') == pytest.approx(1)
    assert outward('0 0 -1') == pytest.approx(-1)
    assert outward('1 0 0') == pytest.approx(0)


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('<robot xmlns:xacro="x"><xacro:arm/></robot>', 'is xacro, not URDF'),
        ('<sdf/>', 'is no URDF'),
        ('<robot', 'is not XML'),
        (urdf(joint('a', '0 0 0')), "axis of joint 'a' is zero"),
        (urdf(joint('a', '0 1')), "must be three numbers, not '0 1'"),
        (urdf(joint('a', xyz='0 0 x')), "origin of joint 'a'"),
        (urdf(joint('a', after='b'), joint('b', after='a')), 'form a ring'),
        (urdf(joint('a'), joint('a')), "joint 'a' is given twice"),
        (urdf(joint('a'), joint('b').replace('child link="b"', 'child link="a"')), 'no tree'),
        (urdf(joint('c'), joint('a', after='b'), joint('b', after='a')), 'base link: a, b'),
    ],
)
def test_what_is_no_tree_of_joints_is_refused(text, reason):
    with pytest.raises(DescriptionError, match='arm.urdf') as error:
        parse_joint_tree(text, 'arm.urdf')
    assert reason in str(error.value)


def test_a_chain_may_be_longer_than_pythons_stack():
    names = [f'j{number}' for number in range(1500)]
    parts = [joint(name, after=before) for name, before in zip(names, ['', *names], strict=False)]
    joints = parse_joint_tree(urdf(*reversed(parts)), 'snake.urdf').joints
    assert [joint.name for joint in joints] == names
