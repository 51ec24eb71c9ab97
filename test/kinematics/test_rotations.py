"""Rotations in their forms, beside pinocchio and beside each other."""

import math
import warnings

import numpy as np
import pinocchio
import pytest

from neuracore_ros.kinematics.poses import compose, compose_arrays, invert, signed_pose
from neuracore_ros.kinematics.rotations import (
    angles_between,
    matrix_to_quaternion,
    matrix_to_rpy,
    matrix_to_six,
    quaternion_to_matrix,
    quaternion_to_six,
    quaternion_to_vector,
    rpy_to_matrix,
    signed,
    six_to_matrix,
    six_to_quaternion,
)


def drawn(*shape, seed=0):
    """Unit quaternions, also those of turns by nothing and by half."""
    random = np.random.default_rng(seed)
    quaternions = random.normal(size=(*shape, 4))
    quaternions[random.random(quaternions.shape) < 0.2] = 0.0
    quaternions[..., 0] += 1e-3 * (np.abs(quaternions).max(axis=-1) == 0.0)
    return quaternions / np.linalg.norm(quaternions, axis=-1, keepdims=True)


def test_matrices_are_those_of_pinocchio():
    for quaternion in drawn(200):
        theirs = pinocchio.Quaternion(*quaternion[[3, 0, 1, 2]]).matrix()
        np.testing.assert_allclose(quaternion_to_matrix(quaternion), theirs, atol=1e-14)


@pytest.mark.parametrize('shape', [(), (7,), (2, 3), (0,)])
def test_each_form_leads_back_to_the_same_rotation_whatever_the_leading_axes(shape):
    quaternions = signed(drawn(*shape))
    matrices = quaternion_to_matrix(quaternions)
    assert matrices.shape == (*shape, 3, 3)
    assert quaternion_to_six(quaternions).shape == (*shape, 6)
    assert angles_between(quaternions, quaternions).shape == shape
    for back in (
        matrix_to_quaternion(matrices),
        six_to_quaternion(matrix_to_six(matrices)),
        matrix_to_quaternion(rpy_to_matrix(matrix_to_rpy(matrices))),
    ):
        np.testing.assert_allclose(back, quaternions, atol=1e-12)


def test_six_numbers_are_the_first_column_and_then_the_second():
    quarter = quaternion_to_six([0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5)])
    np.testing.assert_allclose(quarter, [0, 1, 0, -1, 0, 0], atol=1e-15)


def test_any_six_numbers_become_a_rotation():
    sixes = np.random.default_rng(3).normal(size=(100, 6)) * 10.0 ** np.arange(-50, 50)[:, None]
    matrices = six_to_matrix(sixes)
    unit = np.broadcast_to(np.eye(3), (100, 3, 3))
    np.testing.assert_allclose(matrices @ matrices.swapaxes(1, 2), unit, atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(matrices), 1.0)


@pytest.mark.parametrize('six', [[0] * 6, [1, 2, 3, 2, 4, 6], [0, 0, 1, 0, 0, 0], [math.nan] * 6])
def test_six_numbers_that_are_no_rotation_give_numbers_that_are_not_finite(six):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert not np.isfinite(six_to_quaternion(six)).any()


def test_both_quaternions_of_a_rotation_are_signed_the_same():
    quaternions = drawn(100)
    np.testing.assert_array_equal(signed(quaternions), signed(-quaternions))
    for quaternion in quaternions:
        assert signed_pose((0, 0, 0, *quaternion))[3:] == tuple(signed(quaternion))


def test_a_rotation_vector_is_that_of_pinocchio():
    for quaternion in drawn(200):
        vector = quaternion_to_vector(quaternion)
        np.testing.assert_allclose(
            pinocchio.exp3(vector), quaternion_to_matrix(quaternion), atol=1e-12
        )
        assert np.linalg.norm(vector) <= math.pi + 1e-12


@pytest.mark.parametrize('angle', [0.0, 1e-9, 0.3, 3.0, math.pi - 1e-9, math.pi])
def test_an_angle_between_rotations_is_exact_also_where_it_is_small(angle):
    turn = np.array([0.0, math.sin(angle / 2), 0.0, math.cos(angle / 2)])
    before = drawn(20)
    after = compose_arrays(_poses(before), _poses(turn))[:, 3:]
    for sign in (1.0, -1.0):
        np.testing.assert_allclose(angles_between(before, sign * after), angle, atol=1e-14)


def test_roll_pitch_and_yaw_are_those_of_urdfs():
    for rpy in np.random.default_rng(2).uniform(-4.0, 4.0, (50, 3)):
        theirs = pinocchio.rpy.rpyToMatrix(*rpy)
        np.testing.assert_allclose(rpy_to_matrix(rpy), theirs, atol=1e-14)


@pytest.mark.parametrize('pitch', [math.pi / 2, -math.pi / 2, math.pi / 2 - 1e-9])
def test_a_right_pitch_leaves_a_roll_and_a_yaw_that_fit_each_other(pitch):
    matrix = rpy_to_matrix([0.3, pitch, -1.2])
    np.testing.assert_allclose(rpy_to_matrix(matrix_to_rpy(matrix)), matrix, atol=1e-12)


def test_arrays_of_poses_are_composed_as_single_ones():
    poses = np.concatenate([np.random.default_rng(1).normal(size=(5, 3)), drawn(5)], axis=1)
    one = tuple(poses[0])
    together = compose_arrays(invert(one), poses)
    for pose, row in zip(poses, together, strict=True):
        np.testing.assert_allclose(compose(invert(one), tuple(pose)), row, atol=1e-15)
    np.testing.assert_allclose(together[0], [0, 0, 0, 0, 0, 0, 1], atol=1e-12)


def _poses(quaternions):
    return np.concatenate([np.zeros((*quaternions.shape[:-1], 3)), quaternions], axis=-1)
