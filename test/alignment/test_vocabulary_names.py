"""Slots of a vocabulary by names alone."""

import pytest

from neuracore_ros.alignment.name_heuristics import is_gripper
from neuracore_ros.alignment.vocabulary_names import (
    place_by_names,
    place_cameras,
    place_grippers,
)
from neuracore_ros.description.vocabulary import load_vocabulary

ARM1 = load_vocabulary('arm/1')
VIPER = ('waist', 'shoulder', 'elbow', 'forearm_roll', 'wrist_angle', 'wrist_rotate')


def indices(placed):
    return {place.name: place.index for place in placed}


@pytest.mark.parametrize(
    ('names', 'wanted'),
    [
        (('shoulder_pan', 'shoulder_lift', 'elbow_flex', 'wrist_flex', 'wrist_roll'), (0, 1, 3, 5, 6)),
        (('pan', 'lift', 'elbow', 'wrist_1', 'wrist_2', 'wrist_3'), (0, 1, 3, 4, 5, 6)),
        (
            (
                'shoulder_pan_joint', 'shoulder_lift_joint', 'elbow_joint', 'wrist_1_joint',
                'wrist_2_joint', 'wrist_3_joint',
            ),
            (0, 1, 3, 5, 4, 6),
        ),
        (VIPER, (0, 1, 3, 4, 5, 6)),
        (tuple(f'joint{number}' for number in range(1, 8)), tuple(range(7))),
        (tuple('abcdefgh'), tuple(range(32, 40))),
        (('a', 'b', 'c'), (0, 1, 3)),
    ],
)  # fmt: skip
def test_joints_without_a_urdf_are_placed_by_name_or_order(names, wanted):
    assert indices(place_by_names(names, ARM1)) == dict(zip(names, wanted, strict=True))


def test_two_arms_have_two_sets_of_slots_and_a_single_left_one_the_first():
    left, right = ([f'{side}_{name}' for name in VIPER] for side in ('left', 'right'))
    found = indices(place_by_names([*left, *right], ARM1))
    assert [found[name] for name in right] == [0, 1, 3, 4, 5, 6]
    assert [found[name] for name in left] == [7, 8, 10, 11, 12, 13]
    assert [indices(place_by_names(left, ARM1))[name] for name in left] == [0, 1, 3, 4, 5, 6]


def test_a_humanoid_swings_its_arm_by_what_it_calls_a_roll():
    names = [
        f'l_{part}_{turn}' for part in ('shoulder', 'wrist') for turn in ('pitch', 'roll', 'yaw')
    ]
    found = {p.name: p.counterpart for p in place_by_names([*names, 'l_elbow', 'waist_yaw'], ARM1)}
    assert found == {
        'l_shoulder_pitch': 'right.shoulder_pitch',
        'l_shoulder_roll': 'right.shoulder_yaw',
        'l_shoulder_yaw': 'right.upper_arm_roll',
        'l_elbow': 'right.elbow_pitch',
        'l_wrist_roll': 'right.forearm_roll',
        'l_wrist_pitch': 'right.wrist_pitch',
        'l_wrist_yaw': 'right.wrist_yaw',
        'waist_yaw': 'torso.yaw',
    }


def test_a_head_whose_joints_say_no_way_leaves_the_arm_its_slots():
    arm = [f'arm_{number}_joint' for number in range(1, 8)]
    found = {
        place.name: place.counterpart or place.index
        for place in place_by_names([*arm, 'head_1_joint', 'torso_lift_joint'], ARM1)
    }
    assert [found[name] for name in arm[:3]] == [
        'right.shoulder_yaw',
        'right.shoulder_pitch',
        'right.upper_arm_roll',
    ]
    assert (found['head_1_joint'], found['torso_lift_joint']) == (32, 'torso.lift')


def test_a_slot_by_name_never_claims_to_know_sign_and_zero():
    placed = place_by_names(VIPER, ARM1)
    assert not any(place.zero_known for place in placed)
    assert all('not known without a URDF' in place.doubts[1] for place in placed)


def test_no_two_joints_ever_share_a_slot():
    for names in (('elbow', 'elbow_flex'), ('head_pan', 'neck_pan', 'head_yaw'), ('j',), ()):
        found = indices(place_by_names(names, ARM1))
        assert len(set(found.values())) == len(found) == len(set(names))


@pytest.mark.parametrize(
    ('cameras', 'wanted'),
    [
        (('wrist', 'overhead'), (0, 1)),
        (('front',), (1,)),
        (('cam_high', 'cam_left_wrist', 'cam_right_wrist', 'cam_low'), (1, 2, 0, 3)),
        (('camera',), (1,)),
        (('left', 'right', 'head'), (4, 5, 1)),
        (('a', 'b', 'c'), (1, 8, 9)),
        ((), ()),
    ],
)
def test_cameras_are_placed_by_what_they_see(cameras, wanted):
    assert indices(place_cameras(cameras, ARM1)) == dict(zip(cameras, wanted, strict=True))


def test_grippers_are_placed_by_side_and_a_third_one_has_an_own_index():
    assert indices(place_grippers(['gripper'], ARM1)) == {'gripper': 0}
    assert indices(place_grippers(['l_jaw', 'r_jaw'], ARM1)) == {'r_jaw': 0, 'l_jaw': 1}
    assert indices(place_grippers(['a', 'b', 'c'], ARM1)) == {'a': 0, 'b': 1, 'c': 4}
    of_two_fingers = ['r_jaw_1', 'r_jaw_2', 'l_jaw_1', 'l_jaw_2']
    assert indices(place_grippers(of_two_fingers, ARM1)) == {
        'r_jaw_1': 0,
        'l_jaw_1': 1,
        'r_jaw_2': 4,
        'l_jaw_2': 5,
    }
    assert place_grippers([], ARM1) == []


def test_what_turns_a_gripper_as_a_whole_is_of_the_wrist():
    assert not any(map(is_gripper, ('LeftGripperYaw', 'gripper_roll', 'hand_pitch_joint')))
    assert all(map(is_gripper, ('gripper', 'thumb_roll', 'hand_finger_pitch', 'hand_joint')))
