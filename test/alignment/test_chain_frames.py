"""Both frames of a chain, found in the shape of an arm, and aligned with those of another."""

import math

import numpy as np
import pytest

from helpers.arms_with_hands import JOINTS, arm, joint
from neuracore_ros.alignment.align_frames import WrittenFrames, propose
from neuracore_ros.alignment.chain_frames import (
    frames_of,
    matrix,
    placement,
    relative,
)
from neuracore_ros.description.chain import Chain, Placement
from neuracore_ros.kinematics.joint_tree import read_joint_tree

RIGHT, NOWHERE = math.pi / 2, Placement()


@pytest.fixture
def tree(tmp_path):
    def write(text):
        path = tmp_path / f'{len(list(tmp_path.iterdir()))}.urdf'
        path.write_text(text)
        return read_joint_tree(path)

    return write


@pytest.fixture
def shape(tree):
    return lambda text, home=None: frames_of(tree(text), JOINTS, home)[0]


@pytest.fixture
def written(tree):
    """The frames of a chain whose file has these offsets."""

    def make(text, tip, base=NOWHERE, scale=1.0, home=None):
        found = tree(text)
        chain = Chain('hand', found.where, 'base', 'palm', JOINTS, base, tip, home=home or {})
        return WrittenFrames.of('first', found, chain, scale)

    return make


def hand_of(frames, proposal):
    """The grasp frame that a proposal writes, at home, seen from the base that it writes."""
    base = frames.base_link @ matrix(proposal.base_offset)
    return relative(base, frames.tip_link @ matrix(proposal.tip_offset))


def test_the_grasp_frame_lies_between_the_fingertips(shape):
    made = propose(shape(arm()))
    assert (made.base, made.tip) == ('base', 'palm')
    # A centimetre before the ends of the fingers, which close along y of the palm.
    assert made.tip_offset.xyz == (0.0, 0.0, 0.1)
    assert [abs(angle) for angle in made.tip_offset.rpy] == [0.0, 0.0, 1.570796]
    assert made.base_offset == Placement()
    assert made.doubts == ()


def test_a_hand_at_home_points_down_in_front_and_opens_to_the_left(shape):
    for turned in ('0 0 0', '0 0 1.5708', '1.5708 0 0', '0.7854 0 0'):
        hand = shape(arm(facing='0 0 0', flange=turned)).hand
        if turned == '0 0 0':
            np.testing.assert_allclose(hand[:3, 2], [0, 0, -1], atol=1e-6)
            np.testing.assert_allclose(hand[:3, 0], [0, 1, 0], atol=1e-6)
        assert hand[0, 3] > 0.2
        assert abs(hand[1, 3]) < 0.1


@pytest.mark.parametrize('facing', ['0 0 1.570796327', '0 0 3.141592654', '0 0 -1.570796327'])
def test_the_base_frame_faces_the_work_whichever_way_the_base_is_drawn(shape, facing):
    made = shape(arm(facing=facing))
    np.testing.assert_allclose(made.hand, shape(arm()).hand, atol=1e-4)
    assert made.base[:3, 3].tolist() == [0.0, 0.0, 0.5]
    yaw = propose(made).base_offset.rpy[2]
    assert math.cos(yaw - float(facing.split()[2])) == pytest.approx(1.0, abs=1e-6)


def test_where_the_robot_was_seen_to_work_is_the_front(shape):
    made = propose(shape(arm(), {'pan': -1.4}))
    assert made.base_offset.rpy == (0.0, 0.0, -1.570796)
    assert made.home['pan'] == -1.4


def test_fingers_without_shapes_are_taken_to_be_as_long_as_most(shape):
    made = shape(arm(shapes=False))
    assert propose(made).tip_offset.xyz == (0.0, 0.0, 0.09)
    assert 'taken to reach 4 cm' in made.grasp.why


def test_a_link_that_is_called_tcp_is_the_origin(shape):
    made = shape(arm(tcp='0 0 0.12'))
    assert propose(made).tip_offset.xyz == (0.0, 0.0, 0.12)
    assert 'origin at tcp' in made.grasp.why


def test_without_fingers_the_flange_is_taken_and_what_is_missing_is_said(shape):
    made = propose(shape(arm(fingers=False)))
    assert made.tip_offset.xyz == (0.0, 0.0, 0.0)
    assert len(made.doubts) == 1
    assert 'add the length of the hand' in made.doubts[0]


def test_an_arm_that_cannot_point_down_says_that_its_front_is_a_guess(shape):
    stiff = arm().replace('lower="-2.9" upper="2.9"', 'lower="-0.4" upper="0.4"')
    stiff = stiff.replace('lower="-0.3" upper="2.9"', 'lower="-0.3" upper="0.4"')
    assert any('base_offset has x of the URDF' in text for text in propose(shape(stiff)).doubts)
    assert 'x to where its URDF looks' in propose(shape(stiff)).base_why
    seen = propose(shape(stiff, {'lift': 0.3})).doubts
    assert not any('base_offset' in text for text in seen)


def test_a_hand_of_many_fingers_is_to_be_looked_at(shape):
    more = ''.join(
        joint(f'finger_{n}', 'palm', f'f{n}', xyz=f'{n} 0 0.05', axis='1 0 0') for n in range(2)
    )
    made = propose(shape(arm().replace('</robot>', f'{more}</robot>')))
    assert made.doubts == (
        'its hand has 4 fingers: see that x of tip_offset is the way in which they close',
    )


def test_one_finger_closes_against_the_hand(shape):
    jaw = joint('jaw', 'palm', 'jaw_link', xyz='0.03 0 0.04', axis='0 1 0')
    text = arm(fingers=False).replace('</robot>', f'<link name="jaw_link"/>{jaw}</robot>')
    made = propose(shape(text))
    # It swings about y, and so closes along x, beside the axis that rolls the hand.
    assert made.tip_offset.xyz == (0.0, 0.0, 0.08)
    assert [abs(angle) for angle in made.tip_offset.rpy] in ([0, 0, 0], [0, 0, 3.141593])


@pytest.mark.parametrize('flange', ['0 0 0', '0 0 3.1416', '0 0 1.5708', '0 1.5708 0'])
def test_frames_like_another_robots_mean_the_same_at_home(shape, written, flange):
    first = written(arm(), Placement((0, 0, 0.1), (0, 0, RIGHT)))
    mine = shape(
        arm(flange='0 0 0', facing='0 0 1.5708') if flange == '0 1.5708 0' else arm(flange=flange)
    )
    made = propose(mine, first)
    hand = hand_of(mine, made)
    np.testing.assert_allclose(hand[:3, 2], first.hand[:3, 2], atol=1e-3)
    along = abs(hand[:3, 0] @ first.hand[:3, 0])
    assert along == pytest.approx(1.0, abs=1e-3)
    if flange in {'0 0 0', '0 0 3.1416'}:
        np.testing.assert_allclose(hand, first.hand, atol=1e-3)


@pytest.mark.parametrize('yaw', [RIGHT, -RIGHT])
def test_half_a_turn_about_the_approach_is_settled_at_home(shape, written, yaw):
    first = written(arm(), Placement((0, 0, 0.1), (0, 0, yaw)))
    mine = shape(arm(flange='0 0 3.1416'))
    np.testing.assert_allclose(hand_of(mine, propose(mine, first)), first.hand, atol=1e-3)


def test_a_frame_whose_z_is_not_the_approach_is_followed_and_said(shape, written):
    first = written(arm(), Placement((0, 0, 0.1), (0, RIGHT, 0)))
    mine = shape(arm(flange='0 0 3.1416'))
    made = propose(mine, first)
    np.testing.assert_allclose(hand_of(mine, made), first.hand, atol=1e-3)
    assert 'z is not its approach, as on first' in made.tip_why


def test_a_frame_at_the_wrist_of_the_other_robot_is_as_far_before_the_fingertips(shape, written):
    first = written(arm(), Placement((0, 0, -0.05), (0, 0, RIGHT)))
    mine = shape(arm(tcp='0 0 0.2'))
    made = propose(mine, first)
    assert made.tip_offset.xyz == (0.0, 0.0, 0.05)
    assert '15 cm before it' in made.tip_why


def test_a_base_frame_elsewhere_on_the_other_robot_is_there_on_this_one(shape, written):
    grasp = Placement((0, 0, 0.1), (0, 0, RIGHT))
    first = written(arm(), grasp, Placement((0.1, 0.2, -0.3), (0, 0, math.pi)))
    mine = shape(arm(facing='0 0 1.5708'))
    made = propose(mine, first)
    np.testing.assert_allclose(hand_of(mine, made), first.hand, atol=1e-3)
    assert 'xyz [0.1, 0.2, -0.3]' in made.base_why


def test_an_arm_of_another_size_has_a_scale_if_the_other_one_has(shape, written):
    grasp = Placement((0, 0, 0.1), (0, 0, RIGHT))
    mine = shape(arm(size=0.4))
    scaled = propose(mine, written(arm(), grasp, scale=1.2))
    assert scaled.scale == pytest.approx(1.2 * 0.85 / 0.43, rel=0.1)
    plain = propose(mine, written(arm(), grasp))
    assert plain.scale == 1.0
    assert 'write scale: 1 / reach' in plain.doubts[0]


def test_the_reach_is_that_of_the_stretched_arm_within_its_limits(shape):
    assert shape(arm()).reach_m == pytest.approx(0.9, abs=0.01)
    bent = arm().replace('lower="-0.3" upper="2.9"', 'lower="1.5" upper="2.9"')
    assert shape(bent).reach_m == pytest.approx(math.hypot(0.4, 0.3) + 0.2, abs=0.02)


def test_a_placement_has_whole_angles_and_the_same_meaning():
    for rpy in ((0.4, RIGHT, 0.3), (-0.4, -RIGHT, 2.3), (math.pi, 0.2, -math.pi), (0.1, 0.2, 0.3)):
        pose = matrix(Placement((0.1, 0.2, 0.3), rpy))
        np.testing.assert_allclose(matrix(placement(pose)), pose, atol=1e-3)
    near = placement(matrix(Placement((0, 0, 0), (0, 0, 1.57))))
    assert near.rpy == (0.0, 0.0, 1.570796)
