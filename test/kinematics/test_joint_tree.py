"""The joints of a URDF, from base to tip."""

import pytest

from helpers.drawn_arms import THREE, joint, urdf
from neuracore_ros.errors import DescriptionError
from neuracore_ros.kinematics.joint_tree import parse_joint_tree


def test_joints_come_from_base_to_tip_however_they_are_written():
    names = [j.name for j in parse_joint_tree(THREE, 'arm.urdf').moving]
    assert names[:4] == ['pan', 'lift', 'elbow', 'roll']
    assert {*names[4:]} == {'finger_a', 'finger_b'}


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
    joints = parse_joint_tree(urdf(*reversed(parts)), 'snake.urdf').moving
    assert [joint.name for joint in joints] == names
