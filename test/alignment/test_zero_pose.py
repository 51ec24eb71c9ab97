"""The joints of arms in the zero pose: where they are, and what they turn about."""

import sys

import pytest

from helpers.drawn_arms import THREE, joint, urdf
from neuracore_ros.alignment.zero_pose import zero_pose
from neuracore_ros.errors import DescriptionError
from neuracore_ros.kinematics.joint_tree import parse_joint_tree

UP, LEFT, RIGHT, FORWARD = (0, 0, 1), (0, 1, 0), (0, -1, 0), (1, 0, 0)


def axes(text):
    joints = zero_pose(parse_joint_tree(text, 'arm.urdf'))
    return {j.name: tuple(round(part) for part in j.axis) for j in joints if j.parent != 'roll'}


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
        return zero_pose(parse_joint_tree(arm, 'arm.urdf'))[0].outward

    assert outward('0 0 1') == pytest.approx(1)
    assert outward('0 0 -1') == pytest.approx(-1)
    assert outward('1 0 0') == pytest.approx(0)


def test_without_pinocchio_the_package_to_install_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'pinocchio', None)
    with pytest.raises(DescriptionError, match=r'pip install .*kinematics.*apt install ros-\$RO'):
        zero_pose(parse_joint_tree(THREE, 'arm.urdf'))


def test_no_arm_has_a_thousand_joints_that_move():
    names = [f'j{number}' for number in range(1000)]
    parts = [joint(name, after=before) for name, before in zip(names, ['', *names], strict=False)]
    with pytest.raises(DescriptionError, match='more than 500 joints move'):
        zero_pose(parse_joint_tree(urdf(*parts), 'snake.urdf'))
