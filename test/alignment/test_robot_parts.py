"""Parts of drawn robots, and the slots that their joints get."""

import math
from dataclasses import replace

import numpy as np
import pytest

from helpers.drawn_arms import chain, joint, urdf
from neuracore_ros.alignment.arm_in_plane import functions_of
from neuracore_ros.alignment.joint_function import ArmJoint, Hand
from neuracore_ros.alignment.robot_parts import parts_of
from neuracore_ros.alignment.vocabulary_slots import place_in_vocabulary
from neuracore_ros.description.vocabulary import load_vocabulary
from neuracore_ros.errors import DescriptionError
from neuracore_ros.kinematics.joint_tree import parse_joint_tree

ARM1 = load_vocabulary('arm/1')
UP = np.array([0.0, 0.0, 1.0])


def arm(prefix='', after='', at='0 0 0.1', mirrored=False):
    """Pan, lift, elbow, wrist and roll; it reaches along x."""
    sign = '-' if mirrored else ''
    names = [f'{prefix}{name}' for name in ('pan', 'lift', 'elbow', 'wrist', 'roll')]
    rows = zip(
        names,
        ('0 0 1', f'0 {sign}1 0', f'0 {sign}1 0', f'0 {sign}1 0', '1 0 0'),
        (at, '0 0 0.1', '0.3 0 0', '0.3 0 0', '0.1 0 0'),
        strict=True,
    )
    drawn = []
    for name, axis, xyz in rows:
        drawn.append(joint(name, axis, xyz=xyz, after=after))
        after = name
    return [*drawn, joint(f'{prefix}tool', kind='fixed', xyz='0.1 0 0', after=after)]


def placed(*joints, names=None):
    return place_in_vocabulary(parse_joint_tree(urdf(*joints), 'drawn'), ARM1, names)


def slots(found):
    return {place.counterpart or place.index: place.name for place in found.joints}


def test_an_arm_of_five_joints_leaves_the_rolls_of_the_arm_empty():
    found = placed(*arm())
    assert [place.index for place in found.joints] == [0, 1, 3, 5, 6]
    offsets = [place.offset for place in found.joints]
    assert offsets == pytest.approx([0.0, math.pi / 2, 0.0, 0.0, 0.0])


def test_the_waist_of_an_arm_alone_is_the_yaw_of_its_shoulder():
    renamed = [part.replace('"pan"', '"waist"') for part in arm()]
    assert slots(placed(*renamed))['right.shoulder_yaw'] == 'waist'


def test_the_waist_below_a_whole_arm_is_a_torso():
    waist = joint('waist', '0 0 1')
    rolls = [joint('turn', '1 0 0', xyz='0.1 0 0', after='roll')]
    found = slots(
        placed(waist, *arm(after='waist')[:-1], *rolls, joint('x', '0 1 0', after='turn'))
    )
    assert found['torso.yaw'] == 'waist' and found['right.shoulder_yaw'] == 'pan'


def test_signs_follow_the_axes():
    scales = [place.scale for place in placed(*arm(mirrored=True)).joints]
    assert scales == [1.0, -1.0, -1.0, -1.0, 1.0]


def test_of_two_arms_without_sides_in_their_names_the_left_one_is_at_the_left():
    found = slots(placed(*arm('a_', at='0 0.3 0'), *arm('b_', at='0 -0.3 0')))
    assert found['right.elbow_pitch'] == 'b_elbow'
    assert found['left.elbow_pitch'] == 'a_elbow'


def test_names_that_contradict_the_place_turn_the_robot_round_and_are_named():
    found = placed(*arm('left_', at='0 -0.3 0'), *arm('right_', at='0 0.3 0'))
    assert slots(found)['left.elbow_pitch'] == 'left_elbow'
    (doubt,) = found.doubts
    assert 'forward, left and up are -x, -y, z of its base' in doubt
    # Its arms reach backwards then.
    by_slot = {place.counterpart: place for place in found.joints}
    assert by_slot['left.shoulder_pitch'].scale == -1.0


def test_the_left_one_of_two_arms_is_that_also_where_only_its_joints_are_wanted():
    parts = *arm('l_', at='0 0.3 0'), *arm('r_', at='0 -0.3 0')
    found = placed(*parts, names=['l_pan', 'l_elbow'])
    assert [(place.index, place.name) for place in found.joints] == [(7, 'l_pan'), (10, 'l_elbow')]
    assert placed(*parts, names=[]).joints == ()


def test_a_third_arm_has_indices_of_its_own():
    at = {'l_': '0 0.3 0', 'm_': '0 0 0', 'r_': '0 -0.3 0'}
    found = placed(*(part for prefix, xyz in at.items() for part in arm(prefix, at=xyz)))
    own = [place for place in found.joints if not place.counterpart]
    assert [place.name[:2] for place in own] == ['m_'] * 5
    assert [place.index for place in own] == [32, 33, 34, 35, 36]
    assert all('an index of your own' in place.doubts[0] for place in own)


def test_a_single_arm_is_the_right_one_whatever_its_name_says():
    assert slots(placed(*arm('left_')))['right.elbow_pitch'] == 'left_elbow'


@pytest.mark.parametrize(
    ('axis', 'limit', 'scale', 'offset'),
    [
        ('0 1 0', (0.0, 2.0), 1.0, -1.0),
        ('0 -1 0', (0.0, 2.0), -1.0, 1.0),
        ('1 0 0', (0.0, 2.0), 1.0, -1.0),
        ('0 0 1', (0.1, 0.5), 1.0, -0.1),
        ('0 0 -1', (-0.5, 0.0), -1.0, 0.0),
    ],
)
def test_a_rail_is_zero_in_its_middle_and_a_lift_where_it_is_low(axis, limit, scale, offset):
    found = placed(joint('rail', axis, 'prismatic', limit=limit), *arm(after='rail'))
    by_slot = {place.counterpart: place for place in found.joints}
    slide = by_slot['right.slide']
    assert (slide.name, slide.scale, slide.index) == ('rail', scale, 23)
    assert slide.offset == pytest.approx(offset)
    assert by_slot['right.shoulder_yaw'].name == 'pan'


def test_what_carries_both_arms_is_the_torso_and_a_head_beside_them_the_head():
    found = slots(
        placed(
            joint('column', '0 0 1', 'prismatic'),
            joint('turn', '0 0 -1', after='column'),
            *arm('l_', 'turn', '0 0.3 0'),
            *arm('r_', 'turn', '0 -0.3 0'),
            joint('neck_pan', '0 0 1', after='turn'),
            joint('head_tilt', '0 1 0', after='neck_pan'),
            joint('wheel_left', '0 1 0'),
            joint('left_hip', '1 0 0'),
            joint('left_knee', '0 1 0', after='left_hip'),
        )
    )
    assert found['torso.lift'] == 'column'
    assert found['torso.yaw'] == 'turn'
    assert (found['head.pan'], found['head.tilt']) == ('neck_pan', 'head_tilt')
    assert not {'wheel_left', 'left_hip', 'left_knee'} & set(found.values())


def test_what_has_no_slot_says_why():
    tree = parse_joint_tree(
        urdf(
            *arm(),
            joint('finger_a', '0 1 0', 'prismatic', after='tool', limit=(0.0, 0.04)),
            joint(
                'finger_b', '0 -1 0', 'prismatic', after='tool', more='<mimic joint="finger_a"/>'
            ),
            joint('finger_c', '0 0 1', 'prismatic', after='tool', limit=(0.0, 0.04)),
            joint('front_wheel', '0 1 0'),
            joint('knee', '0 1 0'),
        ),
        'drawn',
    )
    found = place_in_vocabulary(tree, ARM1)
    assert [(place.name, place.index) for place in found.grippers] == [('finger_a', 0)]
    assert found.left_out == {
        'finger_b': 'follows finger_a',
        'finger_c': 'is another finger of finger_a',
        'front_wheel': 'is of a wheel, a rotor or a sensor',
        'knee': 'is of a leg',
    }


def test_few_joints_are_no_arm_and_nothing_that_moves_is_nothing():
    two = placed(joint('a'), joint('b', '0 1 0', after='a'))
    assert [place.index for place in two.joints] == [32, 33]
    assert placed(joint('a', kind='fixed')).joints == ()


def test_a_small_humanoid_that_stretches_its_arms_forward_has_its_elbows_turned_into_the_plane():
    """The numbers are those of a NAO, whose elbows bend inwards."""
    parts = []
    for side, sign in (('L', 1), ('R', -1)):
        inwards = sorted((sign * -1.54, sign * -0.03))
        outwards = sorted((sign * -0.31, sign * 1.32))
        parts += chain(
            (f'{side}ShoulderPitch', '0 1 0', f'0 {0.1 * sign} 0.1', (-2.08, 2.08)),
            (f'{side}ShoulderRoll', '0 0 1', '0 0 0', outwards),
            (f'{side}ElbowYaw', '1 0 0', f'0.105 {0.015 * sign} 0', (-2.08, 2.08)),
            (f'{side}ElbowRoll', '0 0 1', '0 0 0', inwards),
            (f'{side}WristYaw', '1 0 0', '0.056 0 0', (-1.82, 1.82)),
        )
    found = {place.counterpart: place for place in placed(*parts).joints}
    for which, side, sign in (('left', 'L', 1), ('right', 'R', -1)):
        rows = {
            'shoulder_pitch': ('ShoulderPitch', 1, math.pi / 2),
            'shoulder_yaw': ('ShoulderRoll', 1, 0.0),
            'upper_arm_roll': ('ElbowYaw', 1, sign * math.pi / 2),
            # Negative, as of every elbow that lifts the forearm of a hanging arm.
            'elbow_pitch': ('ElbowRoll', sign, 0.0),
            'flange_roll': ('WristYaw', 1, 0.0),
        }
        for slot, (name, scale, offset) in rows.items():
            place = found[f'{which}.{slot}']
            assert (place.name, place.scale) == (f'{side}{name}', scale)
            assert place.offset == pytest.approx(offset, abs=1e-3), slot


def test_what_two_arms_call_a_waist_each_is_the_yaw_of_each():
    turns = (-3.0, 3.0)
    parts = [
        part
        for side, y in (('left', 0.3), ('right', -0.3))
        for part in chain(
            (f'{side}/waist', '0 0 1', f'0 {y} 0.1', turns),
            (f'{side}/shoulder', '0 1 0', '0 0 0.05', turns),
            (f'{side}/elbow', '0 1 0', '0.06 0 0.3', turns),
            (f'{side}/forearm_roll', '1 0 0', '0.2 0 0', turns),
            (f'{side}/wrist_angle', '0 1 0', '0.1 0 0', turns),
            (f'{side}/wrist_rotate', '1 0 0', '0.07 0 0', turns),
        )
    ]
    found = placed(*parts)
    assert [place.index for place in found.joints] == [0, 1, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13]
    assert found.joints[0].name == 'right/waist'


def test_joints_that_all_stand_at_one_place_have_no_shape_to_go_by():
    """Nothing is divided by the length of a link that has none."""
    rows = [(f'arm_{n}', axis, '0 0 0', (-1.0, 1.0)) for n, axis in enumerate(
        ('0 0 1', '0 1 0', '0 1 0', '0 1 0', '0 1 0'))]  # fmt: skip
    for place in placed(*chain(*rows)).joints:
        assert math.isfinite(place.offset)
    straight = chain(*((f'arm_{n}', '0 0 1', '0 0 0.1', (-1.0, 1.0)) for n in range(5)))
    for place in placed(*straight, joint('tool', kind='fixed', after='arm_4')).joints:
        assert math.isfinite(place.offset)


@pytest.mark.parametrize('name', ['arm_gripper', 'left_arm_finger_1', 'hand_thumb_roll'])
def test_fingers_are_no_joints_of_the_arm_whatever_else_they_are_called(name):
    found = placed(*arm(), joint(name, '0 1 0', 'prismatic', after='tool'))
    assert [place.index for place in found.joints] == [0, 1, 3, 5, 6]
    assert name in {*(place.name for place in found.grippers), *found.left_out}


def test_a_snake_is_no_arm_of_the_vocabulary():
    after, parts = '', []
    for number in range(30):
        parts.append(joint(f's{number}', '0 0 1' if number % 2 else '0 1 0', after=after))
        after = f's{number}'
    assert {place.counterpart for place in placed(*parts).joints} == {''}


def test_a_vocabulary_without_the_slots_of_arms_is_refused():
    joints = {i: s for i, s in ARM1.slots['joints'].items() if s.name != 'right.elbow_pitch'}
    other = replace(ARM1, slots={**ARM1.slots, 'joints': joints})
    tree = parse_joint_tree(urdf(*arm()), 'drawn')
    with pytest.raises(DescriptionError, match=r"'right\.elbow_pitch' is no slot"):
        place_in_vocabulary(tree, other)


def test_a_fourth_bend_has_no_function():
    joints = [
        ArmJoint(name, np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 0.2 * place]))
        for place, name in enumerate('abcd')
    ]
    found = functions_of(joints, Hand(UP))
    assert [found[name].slot for name in 'abcd'] == [
        'shoulder_pitch', 'elbow_pitch', 'wrist_pitch', '',
    ]  # fmt: skip


def test_parts_of_a_body_name_its_frame():
    found = parts_of(
        parse_joint_tree(urdf(*arm('l_', at='0.3 0 0'), *arm('r_', at='-0.3 0 0')), '')
    )
    # Its left is x, so that it looks along -y.
    assert found.turn @ [1.0, 0.0, 0.0] == pytest.approx([0.0, 1.0, 0.0])
    assert found.turn @ [0.0, -1.0, 0.0] == pytest.approx([1.0, 0.0, 0.0])


def ur(prefix, tilt='0 0 0', at='0 0.3 1'):
    """An arm like a UR on a base that is tilted by three angles; it has no roll of the upper arm."""
    mount = joint(f'{prefix}mount', kind='fixed', xyz=at).replace('rpy="0 0 0"', f'rpy="{tilt}"')
    rows = (
        ('pan', '0 0 1', '0 0 0.09', (-6.28, 6.28)),
        ('lift', '0 1 0', '0 0.13 0', (-6.28, 6.28)),
        ('elbow', '0 1 0', '0.42 -0.12 0', (-3.14, 3.14)),
        ('wrist_1', '0 1 0', '0.39 0 0', (-6.28, 6.28)),
        ('wrist_2', '0 0 -1', '0 0.09 0', (-6.28, 6.28)),
        ('wrist_3', '0 1 0', '0 0 -0.09', (-6.28, 6.28)),
    )
    drawn, after = [mount], f'{prefix}mount'
    for name, axis, xyz, limit in rows:
        drawn.append(joint(prefix + name, axis, xyz=xyz, after=after, limit=limit))
        after = prefix + name
    return [*drawn, joint(f'{prefix}tool', kind='fixed', xyz='0 0.08 0', after=after)]


def senses_of(found, prefix=''):
    return {
        place.counterpart.partition('.')[2]: (
            place.name.removeprefix(prefix),
            place.scale,
            round(place.offset, 3) + 0.0,
        )
        for place in found.joints
        if place.name.startswith(prefix)
    }


@pytest.mark.parametrize('tilt', [0.3, math.pi / 6, math.pi / 4, math.pi / 3, math.pi / 2])
def test_arms_at_both_sides_of_a_body_have_the_slots_that_they_have_upright(tilt):
    standing = senses_of(placed(*ur('')))
    assert standing['shoulder_yaw'] == ('pan', 1.0, 0.0) and len(standing) == 6
    left = ur('left_', f'{-tilt} 0 0', '0 0.2 1')
    found = placed(*left, *ur('right_', f'{tilt} 0 0', '0 -0.2 1'))
    assert senses_of(found, 'left_') == senses_of(found, 'right_') == standing
    angle = f'tilted by {math.degrees(tilt):.0f} degrees'
    (doubt,) = found.doubts
    assert doubt.startswith(f'the bases of both arms are {angle}')


def test_an_arm_at_a_wall_stands_and_one_that_is_tilted_under_a_ceiling_hangs():
    standing = senses_of(placed(*ur('')))
    for wall in (f'0 {math.pi / 2} 0', f'{math.pi / 2} 0 0', f'0 {-math.pi / 2} 0'):
        found = senses_of(placed(*ur('', wall)))
        assert {slot: own[:2] for slot, own in found.items()} == {
            slot: own[:2] for slot, own in standing.items()
        }
        assert found['shoulder_pitch'] == standing['shoulder_pitch']
    hanging = senses_of(placed(*ur('', f'{math.pi} 0 0')))
    assert hanging['shoulder_yaw'][1] == -1.0
    tilted = placed(*ur('', f'{math.pi - 0.5} 0 0'))
    assert senses_of(tilted) == hanging
    assert tilted.doubts[-1].startswith('the base of the right arm is tilted by 29 degrees')


def test_an_arm_that_can_lift_itself_in_an_upright_plane_is_taken_as_it_is_mounted():
    seven = placed(
        *chain(
            ('a', '0 1 0', '0 0.2 1', (-2, 2)),
            ('b', '1 0 0', '0 0.1 0', (-2, 2)),
            ('c', '0 0 1', '0 0 -0.1', (-2, 2)),
            ('d', '0 1 0', '0 0 -0.2', (-2, 0)),
            ('e', '0 0 1', '0 0 -0.1', (-2, 2)),
            ('f', '0 1 0', '0 0 -0.2', (-2, 2)),
        )
    )
    assert slots(seven)['right.shoulder_pitch'] == 'a'
    assert not [doubt for doubt in seven.doubts if 'tilted' in doubt]


def test_arms_of_which_nothing_says_a_side_are_a_doubt():
    facing = placed(*ur('a_', at='-0.5 0 0'), *ur('b_', f'0 0 {math.pi}', '0.5 0 0'))
    assert 'nothing says which way it looks' in facing.doubts[0]
    assert 'that of a_pan is taken' in facing.doubts[0]
    assert placed(*ur('a_', at='0 -0.5 0'), *ur('b_', at='0 0.5 0')).doubts == ()


@pytest.mark.parametrize('noise', [-0.04, 0.0, 0.04])
@pytest.mark.parametrize('sign', ['', '-'])
def test_no_noise_chooses_the_zero_of_a_hand_that_opens_up_and_down(noise, sign):
    limit = (-2.0 + noise, 2.0 + noise)
    ends = limit if not sign else (-limit[1], -limit[0])
    roll = joint('roll', f'{sign}1 0 0', xyz='0.1 0 0', after='wrist', limit=ends)
    drawn = [part for part in arm() if '"roll"' not in part]
    finger = joint('finger_a', '0 0 1', 'prismatic', '0.1 0 0', 'roll', limit=(0.0, 0.04))
    place = {p.counterpart: p for p in placed(*drawn, roll, finger).joints}['right.flange_roll']
    middle = place.scale * sum(ends) / 2 + place.offset
    assert middle == pytest.approx(-math.pi / 2, abs=0.05)
    assert 'half a turn away' in place.doubts[0]


def test_the_forearm_of_a_palletizer_ends_at_its_last_joint():
    """Its hand is kept upright by a joint that follows another one."""
    drawn = chain(
        ('turn', '0 0 1', '0 0 0.3', (-2.8, 2.8)),
        ('lift', '0 1 0', '0.1 0 0.2', (-0.7, 1.5)),
        ('elbow', '0 1 0', '0 0 0.6', (-0.3, 2.0)),
    )
    follows = '<mimic joint="elbow" multiplier="-1"/>'
    level = joint('level', '0 1 0', xyz='0.6 0 0', after='elbow', more=follows)
    roll = joint('roll', '0 0 -1', xyz='0.1 0 0', after='level', limit=(-6.0, 6.0))
    tool = joint('tool', kind='fixed', xyz='0 0 -0.1', after='roll')
    by_slot = {p.counterpart: p for p in placed(*drawn, level, roll, tool).joints}
    assert by_slot['right.elbow_pitch'].offset == pytest.approx(math.pi / 2)
    assert by_slot['right.flange_roll'].name == 'roll'
