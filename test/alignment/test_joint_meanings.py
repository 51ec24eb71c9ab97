"""Meanings of joints of bodies, and of arms that are drawn folded."""

import math

import pytest

from helpers.drawn_arms import chain, joint, urdf
from neuracore_ros.alignment.drawn_meanings import drawn_meanings
from neuracore_ros.alignment.joint_meanings import joint_meanings
from neuracore_ros.alignment.roles import Role
from neuracore_ros.kinematics.joint_tree import parse_joint_tree


def humanoid():
    """Two hanging arms, which lift first, swing then, and turn at last."""
    parts = []
    for side, sign in (('left', 1), ('right', -1)):
        parts += chain(
            (f'{side}_shoulder_pitch', '0 1 0', f'0 {0.2 * sign} 0.4', (-2.8, 2.8)),
            (f'{side}_shoulder_roll', '1 0 0', '0 0 0', sorted((-0.3 * sign, 3.0 * sign))),
            (f'{side}_shoulder_yaw', '0 0 1', '0 0 -0.1', (-1.5, 1.5)),
            (f'{side}_elbow', '0 1 0', '0 0 -0.2', (-2.0, 0.2)),
            (f'{side}_wrist', '0 0 1', '0 0 -0.2', (-1.5, 1.5)),
        )
    return parse_joint_tree(urdf(*parts), 'humanoid')


def test_arms_that_hang_have_their_roles_though_they_lift_first():
    tree = humanoid()
    names = [joint.name for joint in tree.moving]
    found = joint_meanings(tree, names)
    for side in ('left', 'right'):
        roles = [found[f'{side}_{part}'].role for part in
                 ('shoulder_pitch', 'shoulder_roll', 'shoulder_yaw', 'elbow', 'wrist')]  # fmt: skip
        assert roles == [
            Role.SHOULDER_PITCH,
            Role.BASE_YAW,
            Role.UPPER_ARM_ROLL,
            Role.ELBOW_PITCH,
            Role.FLANGE_ROLL,
        ]
        assert found[f'{side}_shoulder_pitch'].offset == pytest.approx(math.pi)
    assert joint_meanings(tree, ['left_elbow']).keys() == {'left_elbow'}


def test_an_arm_that_is_drawn_folded_backwards_looks_to_where_it_reaches():
    folded = urdf(
        *chain(
            ('pan', '0 0 1', '0 0 0.1', (-2.0, 2.0)),
            ('lift', '0 1 0', '0 0 0.1', (0.0, 3.0)),
            ('elbow', '0 1 0', '-0.35 0 0', (-2.9, 0.0)),
            ('wrist', '0 1 0', '0.2 0 0.05', (-1.5, 1.5)),
            ('roll', '1 0 0', '0.1 0 0', (-2.0, 2.0)),
        ),
        joint('tool', kind='fixed', xyz='0.1 0 0', after='roll'),
    )
    tree = parse_joint_tree(folded, 'folded')
    names = [joint.name for joint in tree.moving]
    found = joint_meanings(tree, names)
    assert [found[name].scale for name in ('lift', 'elbow', 'wrist')] == [1.0, 1.0, 1.0]
    assert found['lift'].offset == pytest.approx(-math.pi / 2)


def test_an_arm_alone_that_is_drawn_to_its_front_is_taken_as_it_is_drawn():
    plain = urdf(
        *chain(
            ('pan', '0 0 1', '0 0 0.1', (-2.0, 2.0)),
            ('lift', '0 -1 0', '0 0 0.1', (-2.0, 2.0)),
            ('elbow', '0 1 0', '0.3 0 0', (-2.0, 2.0)),
            ('wrist', '0 1 0', '0.3 0 0', (-2.0, 2.0)),
            ('roll', '1 0 0', '0.1 0 0', (-2.0, 2.0)),
        ),
        joint('tool', kind='fixed', xyz='0.1 0 0', after='roll'),
    )
    tree = parse_joint_tree(plain, 'plain')
    names = [joint.name for joint in tree.moving]
    assert joint_meanings(tree, names, {'roll': 0.3}) == drawn_meanings(tree, names, {'roll': 0.3})


def test_what_is_no_arm_of_a_vocabulary_keeps_the_roles_it_had():
    few = parse_joint_tree(urdf(*chain(('a', '0 0 1', '0 0 0.1', (-1, 1)),
                                       ('b', '0 1 0', '0 0 0.1', (-1, 1)))), 'few')  # fmt: skip
    assert joint_meanings(few, ['a', 'b']) == drawn_meanings(few, ['a', 'b'])
    nothing = parse_joint_tree(urdf(joint('a', kind='fixed')), 'nothing')
    assert joint_meanings(nothing, []) == {}
