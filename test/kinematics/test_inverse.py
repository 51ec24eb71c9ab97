"""Inverse kinematics: joints reach poses within limits and speeds, or one line says why not."""

import math
import re
import sys
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.chain_arms import (
    FIVE,
    LOWER,
    SEVEN,
    SIX,
    SPEED,
    STEP_S,
    UPPER,
    arm,
    inverse,
    line,
    ready,
)
from neuracore_ros.description.chain import Placement
from neuracore_ros.errors import DescriptionError, UnreachableError
from neuracore_ros.kinematics.chain import ChainKinematics
from neuracore_ros.kinematics.inverse import HASTE
from neuracore_ros.kinematics.rotations import angles_between

AXES = ('1 0 0', '0 1 0', '0 0 1', '0.6 0.8 0', '0 -0.6 0.8', '-1 0 0')
seeds = st.integers(0, 2**32 - 1)
drawn = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def drawn_arm(folder, random):
    """An arm of 3 to 8 joints of any kind, in frames that no arm would have."""
    joints, kinds = [], {}
    for number in range(random.integers(3, 9)):
        xyz = ' '.join(f'{each:.3f}' for each in random.uniform(-0.3, 0.3, 3))
        joints.append((f'j{number}', AXES[random.integers(len(AXES))], xyz))
        kinds[f'j{number}'] = random.choice(
            ['revolute', 'continuous', 'prismatic'], p=[0.7, 0.15, 0.15]
        )
    chain = arm(
        folder,
        joints,
        kinds,
        base_offset=Placement((0.1, -0.2, 0.3), (1.0, 0.5, -2.0)),
        tip_offset=Placement((0.0, 0.05, 0.1), (0.3, -1.0, 2.0)),
    )
    return chain, kinds


def walk(random, start, steps, speed):
    """A smooth way of joints from a start, slower than a speed."""
    phases, rates = random.uniform(0, math.tau, (2, len(start))), random.uniform(1, 4, len(start))
    times = np.arange(1, steps + 1)[:, None] * STEP_S
    way = np.sin(rates * times + phases[0]) - np.sin(phases[0])
    return start + way * speed / rates


def errors(found, wanted):
    return (
        np.linalg.norm(found[:, :3] - wanted[:, :3], axis=1),
        angles_between(found[:, 3:], wanted[:, 3:]),
    )


def assert_within_bounds(joints, start, ik):
    steps = np.abs(np.diff(np.vstack([start, joints]), axis=0))
    assert np.all(steps <= HASTE * SPEED * STEP_S + 1e-12)
    assert np.all(joints >= ik._lower) and np.all(joints <= ik._upper)


@drawn
@given(seed=seeds)
def test_what_is_found_reaches_the_poses_within_limits_and_speeds(tmp_path, seed):
    random = np.random.default_rng(seed)
    chain, kinds = drawn_arm(tmp_path, random)
    ik = inverse(chain, kinds)
    start = random.uniform(-1.5, 1.5, len(chain.joints))
    poses = ik.kinematics.poses(np.clip(walk(random, start, 16, 0.6), LOWER, UPPER))
    try:
        joints = ik.follow(poses, start)
    except UnreachableError as error:
        # A drawn arm may come through a singularity; then it says what it would have to do.
        assert "'hand' cannot reach x" in str(error)
        return
    apart, turned = errors(ik.kinematics.poses(joints), poses)
    assert apart.max() <= chain.max_error_m and turned.max() <= chain.max_error_rad
    assert_within_bounds(joints, start, ik)


@pytest.mark.parametrize('seed', range(60))
def test_drawn_arms_follow_ways_of_their_own(tmp_path, seed):
    random = np.random.default_rng(seed)
    chain, kinds = drawn_arm(tmp_path, random)
    ik, start = inverse(chain, kinds), random.uniform(-1.5, 1.5, len(chain.joints))
    poses = ik.kinematics.poses(np.clip(walk(random, start, 16, 0.6), LOWER, UPPER))
    assert_within_bounds(ik.follow(poses, start), start, ik)


@drawn
@given(seed=seeds, joints=st.sampled_from([SIX, SEVEN]))
def test_an_arm_that_is_bent_follows_any_slow_way_to_the_hundredth_of_a_millimetre(
    tmp_path, seed, joints
):
    random = np.random.default_rng(seed)
    ik = inverse(arm(tmp_path, joints))
    start = ready(joints)
    poses = ik.kinematics.poses(walk(random, start, 32, 0.2))
    apart, turned = errors(ik.kinematics.poses(ik.follow(poses, start)), poses)
    assert apart.max() < 2e-5 and turned.max() < 1e-4


NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-1.0, 1.0)


@drawn
@given(poses=st.lists(st.lists(NUMBERS, min_size=7, max_size=7), max_size=3), turn=st.booleans())
def test_any_numbers_end_in_joints_within_bounds_or_in_one_line(tmp_path, poses, turn):
    ik, start = inverse(arm(tmp_path, SEVEN)), ready(SEVEN)
    poses = np.array(poses, dtype=float).reshape(-1, 7)
    if turn:
        poses[:, 3:] = (0.0, 0.6, 0.0, 0.8)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        try:
            joints = ik.follow(poses, start)
        except UnreachableError as error:
            assert str(error).startswith("'hand' cannot reach ") and '\n' not in str(error)
        else:
            assert joints.shape == (len(poses), 7)
            assert_within_bounds(joints, start, ik)


def refusal(ik, poses, start, first_step=None):
    with pytest.raises(UnreachableError) as error:
        ik.follow(poses, start, first_step)
    return str(error.value)


def test_a_pose_beyond_its_reach_is_told_with_its_distance(tmp_path):
    ik, start = inverse(arm(tmp_path)), ready(SIX)
    pose = ik.kinematics.pose(start)
    far = pose.copy()
    far[:3] = 3.0, 0.0, 0.2
    text = refusal(ik, [pose, far], start)
    assert re.fullmatch(
        r"'hand' cannot reach x 3 y 0 z 0.2 \(step 1\): 22\d\.\d cm and \d+ degrees short: "
        'beyond its reach',
        text,
    )


def test_a_limit_that_is_in_the_way_is_named(tmp_path):
    ik, start = inverse(arm(tmp_path), speed=100.0), ready(SIX)
    beyond = ik.kinematics.pose(ready(SIX, pan=2.3))
    text = refusal(ik, [beyond], start)
    assert "degrees short: joint 'pan' ends at 2 rad" in text


def test_a_turn_that_five_joints_cannot_make_is_told(tmp_path):
    ik, start = inverse(arm(tmp_path, FIVE), speed=100.0, limits=(-10, 10)), ready(FIVE)
    pose = ik.kinematics.pose(start)
    pose[3:] = inverse(arm(tmp_path, SIX)).kinematics.pose(ready(SIX, roll=0.8))[3:]
    text = refusal(ik, [pose], start)
    assert re.search(r'[1-9]\.\d cm and [1-9]\d degrees short: it cannot turn so$', text), text


def test_a_joint_that_would_have_to_be_too_fast_is_named_with_its_speed(tmp_path):
    ik, start = inverse(arm(tmp_path)), ready(SIX)
    pose = ik.kinematics.pose(ready(SIX, pan=0.7))
    text = refusal(ik, [pose], start)
    assert text.endswith(
        "(step 0) in time: joint 'pan' would move at 10 rad/s, its limit is 1.5 rad/s"
    )


def test_the_first_step_has_bounds_of_its_own(tmp_path):
    ik, start = inverse(arm(tmp_path)), ready(SIX)
    pose = ik.kinematics.pose(ready(SIX, pan=0.7))
    joints = ik.follow([pose, pose], start, np.full(6, 0.6))
    np.testing.assert_allclose(joints[0], ready(SIX, pan=0.7), atol=1e-4)
    text = refusal(ik, [pose], start, np.full(6, 0.3))
    assert text.endswith("joint 'pan' would start with a jump of 0.5 rad, its limit is 0.3 rad")
    other = ik.kinematics.pose(ready(SIX, pan=1.2))
    assert '(step 1) in time' in refusal(ik, [pose, other], start, np.full(6, 0.6))


@drawn
@given(seed=seeds)
def test_a_first_step_without_bounds_ends_in_the_posture_that_it_came_from(tmp_path, seed):
    random = np.random.default_rng(seed)
    ik, start = inverse(arm(tmp_path)), ready(SIX)
    there = start + random.uniform(-0.35, 0.35, 6)
    pose = ik.kinematics.pose(there)
    joints = ik.follow([pose], start, np.full(6, np.inf))
    np.testing.assert_allclose(joints[0], there, atol=1e-3)


@pytest.mark.parametrize(
    ('index', 'value', 'words'),
    [
        (1, math.nan, 'what is no pose (step 1): ['),
        (6, math.inf, 'what is no pose (step 1): ['),
        (0, -1e30, 'what is no pose (step 1): ['),
        (slice(3, 7), 0.0, 'has length 0, not 1'),
        (slice(3, 7), (0.0, 0.0, 0.0, 1.02), 'has length 1.02, not 1'),
    ],
)
def test_what_is_no_pose_is_refused_before_anything_is_solved(tmp_path, index, value, words):
    ik, start = inverse(arm(tmp_path)), ready(SIX)
    poses = np.tile(ik.kinematics.pose(start), (3, 1))
    poses[1, index] = value
    assert words in refusal(ik, poses, start)


def test_a_start_that_is_not_known_is_refused(tmp_path):
    ik, start = inverse(arm(tmp_path)), ready(SIX, elbow=math.nan)
    text = refusal(ik, [ik.kinematics.pose(ready(SIX))], start)
    assert text == "'hand' starts from no joints: [0.2, -0.6, nan, 0.3, 0.8, 0.1]"


def test_a_quaternion_of_nearly_length_1_and_either_sign_is_taken(tmp_path):
    ik, start = inverse(arm(tmp_path)), ready(SIX)
    poses = ik.kinematics.poses(walk(np.random.default_rng(1), start, 8, 0.3))
    wanted = ik.follow(poses, start)
    for factor in (0.993, 1.007, -1.0):
        other = poses.copy()
        other[::2, 3:] *= factor
        np.testing.assert_allclose(ik.follow(other, start), wanted, atol=1e-9)


def test_equal_poses_give_equal_joints_whatever_came_before(tmp_path):
    chain, start = arm(tmp_path, SEVEN), ready(SEVEN)
    one, other = inverse(chain), inverse(chain)
    poses = one.kinematics.poses(walk(np.random.default_rng(2), start, 16, 0.5))
    first = one.follow(poses, start)
    other.follow(poses[::-1], first[-1])
    np.testing.assert_array_equal(other.follow(poses, start), first)
    with pytest.raises(UnreachableError):
        other.follow(poses + 3.0, start)
    np.testing.assert_array_equal(other.follow(poses, start), first)


def test_a_stretched_arm_stays_calm_and_comes_back(tmp_path):
    ik = inverse(arm(tmp_path))
    start = np.array([0.0, 0.0, 0.3, 0.0, -0.3, 0.0])
    pose = ik.kinematics.pose(start)
    # Stretched, the hand is 0.75 m away; the line ends 5 mm beyond, which is allowed.
    out = line(pose, (0.755, 0.0, 0.2), 40)
    joints = ik.follow(out, start)
    back = ik.follow(out[::-1], joints[-1])
    for part, first in ((joints, start), (back, joints[-1])):
        assert_within_bounds(part, first, ik)
    still = ik.follow(np.tile(out[-1], (20, 1)), joints[-1])
    assert np.abs(still[-1] - still[9]).max() < 0.02
    apart, _ = errors(ik.kinematics.poses(back[-1:]), out[:1])
    assert apart[0] < 1e-3


@pytest.mark.parametrize('joints', [SIX, SEVEN])
def test_an_arm_that_is_stretched_exactly_bends_when_its_hand_comes_back(tmp_path, joints):
    ik, start = inverse(arm(tmp_path, joints)), np.zeros(len(joints))
    # Straight back; no joint has a slope that leads there.
    back = line(ik.kinematics.pose(start), (0.6, 0.0, 0.2), 20)[1:]
    found = ik.follow(back, start, np.full(len(joints), np.inf))
    apart, turned = errors(ik.kinematics.poses(found), back)
    assert apart.max() <= 0.01 and turned.max() <= 0.05
    text = refusal(ik, back + np.array([-0.15, 0, 0, 0, 0, 0, 0]), start)
    assert 'in time: joint' in text and 'close to a singularity' in text


def test_a_line_through_the_base_does_not_turn_the_arm_over_at_once(tmp_path):
    ik, start = inverse(arm(tmp_path, limits=(-4, 4)), limits=(-4, 4)), ready(SIX, pan=0.0)
    pose = ik.kinematics.pose(start)
    text = refusal(ik, line(pose, pose[:3] * np.array([-1.0, -1.0, 1.0]), 60), start)
    assert re.search('in time: joint|ends at|beyond its reach|cannot turn so', text), text


def choice(ik, joints):
    """The motion of seven joints (7,) that leaves the hand where it is."""
    return np.linalg.svd(ik.kinematics.arm.placed(-1, joints)[2])[2][-1]


def test_joints_that_may_choose_drift_home_and_the_hand_stays(tmp_path):
    start = ready(SEVEN)
    plain = inverse(arm(tmp_path, SEVEN))
    pose = plain.kinematics.pose(start)
    turned = plain.follow(np.tile(pose, (40, 1)), start)
    np.testing.assert_allclose(turned[-1], start, atol=1e-6)
    home = start + 0.3 * np.sign(choice(plain, start))
    ik = inverse(
        arm(tmp_path, SEVEN, home=dict(zip(plain._chain.joints, home.tolist(), strict=True)))
    )
    joints = ik.follow(np.tile(pose, (200, 1)), start)
    before, after = (choice(ik, each) @ (home - each) for each in (start, joints[-1]))
    assert abs(before) > 0.6 and abs(after) < 0.02
    apart, angle = errors(ik.kinematics.poses(joints), np.tile(pose, (200, 1)))
    assert apart.max() < 1e-4 and angle.max() < 1e-3
    assert_within_bounds(joints, start, ik)


def test_joints_without_a_home_leave_their_ends_where_they_may(tmp_path):
    ik, start = inverse(arm(tmp_path, SEVEN)), ready(SEVEN, turn=1.9)
    joints = ik.follow(np.tile(ik.kinematics.pose(start), (200, 1)), start)
    assert joints[-1, 2] < 1.6


def test_a_continuous_joint_neither_winds_up_nor_unwinds(tmp_path):
    kinds = {'pan': 'continuous', 'twist': 'continuous'}
    ik = inverse(arm(tmp_path, SIX, kinds, home={'twist': 0.1}), kinds)
    start = ready(SIX, pan=0.2 + 7 * math.tau, twist=0.1 - 5 * math.tau)
    way = np.tile(start, (100, 1))
    way[:, 0] += 0.05 * np.arange(100)
    joints = ik.follow(ik.kinematics.poses(way), start)
    np.testing.assert_allclose(joints, way, atol=1e-3)


@drawn
@given(seed=seeds)
def test_five_joints_reach_positions_exactly_and_turn_as_well_as_they_can(tmp_path, seed):
    random = np.random.default_rng(seed)
    ik, start = inverse(arm(tmp_path, FIVE, max_error_rad=3.0)), ready(FIVE)
    poses = ik.kinematics.poses(walk(random, start, 16, 0.2))
    # Turns that this arm cannot make.
    poses[:, 3:] = inverse(arm(tmp_path, SIX)).kinematics.pose(ready(SIX, roll=0.6))[3:]
    joints = ik.follow(poses, start)
    apart, turned = errors(ik.kinematics.poses(joints), poses)
    assert apart.max() < 2e-3
    assert turned[-1] < turned[0] + 0.1
    assert_within_bounds(joints, start, ik)


def test_a_slide_does_its_share(tmp_path):
    rail = ('rail', '0 1 0', '0 0 0')
    kinds = {'rail': 'prismatic', 'pan': 'fixed'}
    chain = arm(tmp_path, (rail, *SIX), kinds)
    ik, start = inverse(chain), ready((rail, *SIX[1:]), rail=0.0)
    pose = ik.kinematics.pose(start)
    poses = line(pose, pose[:3] + np.array([0.0, 0.3, 0.0]))
    joints = ik.follow(poses, start)
    assert joints[-1, 0] == pytest.approx(0.3, abs=1e-3)
    text = refusal(ik, line(pose, pose[:3] + np.array([0.0, 9.0, 0.0]), 200), start)
    assert "joint 'rail' ends at 2 m" in text or "joint 'rail' would move" in text


def test_positions_outside_of_the_workspace_are_clamped_and_counted(tmp_path):
    start = ready(SIX)
    pose = inverse(arm(tmp_path)).kinematics.pose(start)
    ik = inverse(arm(tmp_path, workspace={'z': (pose[2] - 0.03, math.inf)}))
    poses = line(pose, pose[:3] - np.array([0.0, 0.0, 0.06]), 30)
    found = ik.kinematics.poses(ik.follow(poses, start))
    assert found[:, 2].min() > pose[2] - 0.0301
    assert ik.clamped == 15
    ik.follow(poses[:10], start)
    assert ik.clamped == 0


def test_a_joint_that_is_found_beyond_a_limit_goes_no_further(tmp_path):
    ik, start = inverse(arm(tmp_path)), ready(SIX, pan=2.01)
    inside = ik.kinematics.poses([ready(SIX, pan=2.01 - 0.005 * step) for step in range(10)])
    joints = ik.follow(inside, start)
    assert np.all(joints[:, 0] <= 2.01) and joints[-1, 0] < 2.0
    outside = ik.kinematics.poses([ready(SIX, pan=2.06)])
    assert "joint 'pan' ends at 2.01 rad" in refusal(ik, outside, start)


def test_no_poses_give_no_joints(tmp_path):
    assert inverse(arm(tmp_path)).follow(np.zeros((0, 7)), ready(SIX)).shape == (0, 6)


def test_allowing_no_error_asks_for_what_numbers_can_give(tmp_path):
    ik, start = inverse(arm(tmp_path, max_error_m=0.0, max_error_rad=0.0)), ready(SIX)
    poses = ik.kinematics.poses(walk(np.random.default_rng(3), start, 8, 0.3))
    apart, _ = errors(ik.kinematics.poses(ik.follow(poses, start)), poses)
    assert apart.max() < 1e-6


def test_a_missing_pinocchio_is_one_line(tmp_path, monkeypatch):
    chain = arm(tmp_path)
    monkeypatch.setitem(sys.modules, 'pinocchio', None)
    with pytest.raises(DescriptionError, match='pinocchio is not installed'):
        ChainKinematics(chain)
