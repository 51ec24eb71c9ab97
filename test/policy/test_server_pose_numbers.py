"""The numbers of poses: every form there and back, and motions that are added up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuracore_ros.kinematics.poses import moved
from neuracore_ros.kinematics.rotations import angles_between, vector_to_quaternion
from neuracore_ros.policy.remote.pose_numbers import (
    POSITION,
    ROTATIONS,
    integrated,
    numbers_of,
    poses_of,
    rotation_of,
)

ANGLE = st.floats(-np.pi, np.pi)
METRE = st.floats(-2, 2)
POSE = st.builds(
    lambda position, vector: np.array([*position, *vector_to_quaternion(vector)]),
    st.tuples(METRE, METRE, METRE),
    st.tuples(ANGLE, ANGLE, ANGLE),
)
ABOUT_X = [1.0, 0.0, 0.0]


def same(first, second):
    """True for poses that mean the same, of whatever sign their quaternions are."""
    close = np.allclose(first[..., :3], second[..., :3], atol=1e-9)
    return close and (angles_between(first[..., 3:], second[..., 3:]) < 1e-6).all()


@pytest.mark.parametrize('form', ROTATIONS)
@given(st.lists(POSE, min_size=1, max_size=3).map(np.array))
def test_a_pose_comes_back_from_its_numbers(form, poses):
    names = (*POSITION, *ROTATIONS[form])
    numbers = numbers_of(poses, names)
    assert numbers.shape == (len(poses), len(names))
    again = poses_of(dict(zip(names, numbers.T, strict=True)))
    assert same(again, poses)
    assert np.linalg.norm(again[:, 3:], axis=-1) == pytest.approx(1)


def test_each_form_is_what_its_name_says():
    quarter = np.array([[0, 0, 0, 0, 0, np.sin(np.pi / 4), np.cos(np.pi / 4)]])  # about z
    wanted = {
        'axis_angle': [0, 0, np.pi / 2],
        'rpy': [0, 0, np.pi / 2],
        'xyzw': [0, 0, np.sqrt(0.5), np.sqrt(0.5)],
        'wxyz': [np.sqrt(0.5), 0, 0, np.sqrt(0.5)],
        'six_columns': [0, 1, 0, -1, 0, 0],
        'six_rows': [0, -1, 0, 1, 0, 0],
    }
    for form, numbers in wanted.items():
        assert numbers_of(quarter, ROTATIONS[form])[0] == pytest.approx(numbers, abs=1e-12), form


@given(POSE)
def test_a_rotation_vector_around_another_is_the_nearer_one_and_means_the_same(pose):
    names = (*POSITION, *ROTATIONS['axis_angle'])
    short = numbers_of(pose, names)[3:]
    chosen = numbers_of(pose, names, around=(np.pi, 0, 0))[3:]
    length = max(np.linalg.norm(short), 1e-12)
    other = short * (1 - 2 * np.pi / length) if length > 1e-9 else short
    distances = [np.linalg.norm(each - [np.pi, 0, 0]) for each in (chosen, short, other)]
    assert distances[0] == pytest.approx(min(distances))
    again = poses_of(dict(zip(names, np.array([*pose[:3], *chosen])[:, None], strict=True)))
    assert same(again, pose[None])


def test_no_turn_at_all_stays_none_around_whatever():
    still = np.array([0, 0, 0, 0, 0, 0, 1.0])
    assert numbers_of(still, ROTATIONS['axis_angle'], around=(np.pi, 0, 0)).tolist() == [0, 0, 0]


@given(POSE, st.lists(POSE, min_size=1, max_size=4).map(np.array))
def test_motions_are_added_up_each_from_where_the_last_ended(start, motions):
    poses = integrated(start, motions)
    here = start
    for pose, motion in zip(poses, motions, strict=True):
        here = moved(here, motion)
        assert same(pose, here)


@pytest.mark.parametrize(
    ('form', 'numbers'),
    [
        ('xyzw', [0, 0, 0, 0]),
        ('xyzw', [0.2, 0, 0, 0.4]),
        ('wxyz', [3, 0, 0, 0]),
        ('six_columns', [1, 0, 0, 2, 0, 0]),
        ('six_rows', [0, 0, 0, 0, 1, 0]),
    ],
)
def test_numbers_that_are_no_rotation_give_no_pose(form, numbers):
    values = np.array([0, 0, 0, *numbers], float)[:, None]
    poses = poses_of(dict(zip((*POSITION, *ROTATIONS[form]), values, strict=True)))
    assert not np.isfinite(poses[:, 3:]).any()


def test_a_networks_quaternion_is_made_a_unit_one():
    values = np.array([0, 0, 0, 0.9, 0, 0, 0], float)[:, None]
    poses = poses_of(dict(zip((*POSITION, *ROTATIONS['xyzw']), values, strict=True)))
    assert poses[0, 3:].tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize(
    ('numbers', 'form'),
    [
        ('x y z rx ry rz', 'axis_angle'),
        ('z y x yaw pitch roll', 'rpy'),
        ('x y z qw qx qy qz', 'xyzw'),
        ('x y z m11 m12 m13 m21 m22 m23', 'six_rows'),
        ('x y rx ry rz', ''),
        ('x y z', ''),
        ('x y z rx ry rz roll', ''),
        ('x y z m11 m21 m31 m12 m22 m23', ''),
    ],
)
def test_the_numbers_of_a_pose_are_a_position_and_one_rotation(numbers, form):
    assert rotation_of(numbers.split()) == form
