"""Rotations in four forms: unit quaternions, matrices, six numbers, and angles.

Quaternions are x y z w, shape (..., 4). Matrices have shape (..., 3, 3). Six numbers are the first
column of the matrix, then the second, shape (..., 6): the form that a network learns best (Zhou et
al. 2019, "On the Continuity of Rotation Representations in Neural Networks"). Angles are in rad.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from neuracore_ros.arrays import FloatArray

_EYE = np.eye(3)
# Of the two quaternions of a rotation, the one on this side is taken. With w >= 0 the sign would
# flicker wherever a tool points straight down (w is 0, give or take noise). This side's border
# stays 11 degrees away from all rotations by multiples of 90 degrees about the axes.
SIDE = (9.243, 2.414, 1.0, 3.828)
"""Quaternions that are taken everywhere have a scalar product with it that is not below 0."""

# As tf2 has it: rounding stays far below.
NORM_TOLERANCE = 0.01
"""A quaternion whose length is off by more means no rotation."""


def signed(quaternions: ArrayLike) -> FloatArray:
    """Choose that one of a rotation's two quaternions that is taken everywhere, (..., 4)."""
    values = np.asarray(quaternions, dtype=float)
    negative = values @ np.array(SIDE) < 0.0
    chosen: FloatArray = np.where(negative[..., None], -values, values)
    return chosen


def quaternion_to_matrix(quaternions: ArrayLike) -> FloatArray:
    """Rotation matrices (..., 3, 3) of unit quaternions (..., 4)."""
    x, y, z, w = np.moveaxis(np.asarray(quaternions, dtype=float), -1, 0)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def matrix_to_quaternion(matrices: ArrayLike) -> FloatArray:
    """Unit quaternions (..., 4), signed, of rotation matrices (..., 3, 3)."""
    m = np.asarray(matrices, dtype=float)
    a, b, c = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    xy, xz, yz = (m[..., i, j] + m[..., j, i] for i, j in ((0, 1), (0, 2), (1, 2)))
    xw, yw, zw = (m[..., i, j] - m[..., j, i] for i, j in ((2, 1), (0, 2), (1, 0)))
    # Four times the outer product of the quaternion with itself: each row is a multiple of it,
    # and the longest is the most exact.
    rows = (
        (1 + a - b - c, xy, xz, xw),
        (xy, 1 - a + b - c, yz, yw),
        (xz, yz, 1 - a - b + c, zw),
        (xw, yw, zw, 1 + a + b + c),
    )
    products = np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
    longest = np.argmax(np.einsum('...ii->...i', products), axis=-1)
    row = np.take_along_axis(products, longest[..., None, None], axis=-2)[..., 0, :]
    return signed(row / np.linalg.norm(row, axis=-1, keepdims=True))


def matrix_to_six(matrices: ArrayLike) -> FloatArray:
    """Six numbers (..., 6) of rotation matrices (..., 3, 3)."""
    m = np.asarray(matrices, dtype=float)
    return np.concatenate([m[..., 0], m[..., 1]], axis=-1)


def six_to_matrix(sixes: ArrayLike) -> FloatArray:
    """Rotation matrices (..., 3, 3) by Gram-Schmidt of any six numbers (..., 6).

    Six numbers whose columns are zero or parallel are no rotation: their matrix is not finite.
    """
    values = np.asarray(sixes, dtype=float)
    first, second = values[..., :3], values[..., 3:]
    with np.errstate(invalid='ignore', divide='ignore'):
        x = first / np.linalg.norm(first, axis=-1, keepdims=True)
        across = second - np.sum(x * second, axis=-1, keepdims=True) * x
        length = np.linalg.norm(across, axis=-1, keepdims=True)
        # What rounding leaves of parallel columns points anywhere.
        length = np.where(length > 1e-12 * np.abs(second).max(axis=-1, keepdims=True), length, 0.0)
        y = across / np.where(length > 0.0, length, np.nan)
    return np.stack([x, y, np.cross(x, y)], axis=-1)


def quaternion_to_six(quaternions: ArrayLike) -> FloatArray:
    """Six numbers (..., 6) of unit quaternions (..., 4)."""
    return matrix_to_six(quaternion_to_matrix(quaternions))


def six_to_quaternion(sixes: ArrayLike) -> FloatArray:
    """Unit quaternions (..., 4), signed, of any six numbers (..., 6), by Gram-Schmidt."""
    return matrix_to_quaternion(six_to_matrix(sixes))


def quaternion_to_vector(quaternions: ArrayLike) -> FloatArray:
    """Rotation vectors (..., 3) [rad], at most pi long, of unit quaternions (..., 4)."""
    values = np.asarray(quaternions, dtype=float)
    values = np.where(values[..., 3:] < 0.0, -values, values)
    vectors, w = values[..., :3], values[..., 3:]
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    small = length < 1e-12
    scaled: FloatArray = vectors * np.where(
        small, 2.0, 2.0 * np.arctan2(length, w) / np.where(small, 1.0, length)
    )
    return scaled


def vector_to_quaternion(vectors: ArrayLike) -> FloatArray:
    """Unit quaternions (..., 4), signed, of rotation vectors (..., 3) [rad] of any length."""
    values = np.asarray(vectors, dtype=float)
    half = 0.5 * np.linalg.norm(values, axis=-1, keepdims=True)
    # sinc has sin(pi x) / (pi x), and 1 at 0.
    parts = [0.5 * np.sinc(half / np.pi) * values, np.cos(half)]
    return signed(np.concatenate(parts, axis=-1))


def about(axis: FloatArray, angle: float) -> FloatArray:
    """Rotation matrix (3, 3) about a unit vector (3,), by an angle [rad]; Rodrigues' formula."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turn: FloatArray = _EYE + math.sin(angle) * cross + (1.0 - math.cos(angle)) * (cross @ cross)
    return turn


def angles_between(first: ArrayLike, second: ArrayLike) -> FloatArray:
    """Angles (...), 0 to pi [rad], between the rotations of unit quaternions (..., 4)."""
    one, other = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    apart = np.linalg.norm(one - other, axis=-1)
    along = np.linalg.norm(one + other, axis=-1)
    # Exact for small angles, where an arc cosine is not.
    angles: FloatArray = 4.0 * np.arctan2(np.minimum(apart, along), np.maximum(apart, along))
    return angles


def rpy_to_matrix(rpy: ArrayLike) -> FloatArray:
    """Rotation matrices (..., 3, 3) of roll about x, then pitch, then yaw, about fixed axes."""
    (a, b, c), (d, e, f) = (
        np.moveaxis(turn(np.asarray(rpy, dtype=float)), -1, 0) for turn in (np.cos, np.sin)
    )
    rows = (
        (c * b, c * e * d - f * a, c * e * a + f * d),
        (f * b, f * e * d + c * a, f * e * a - c * d),
        (-e, b * d, b * a),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def matrix_to_rpy(matrices: ArrayLike) -> FloatArray:
    """Roll, pitch, yaw (..., 3) [rad] of rotation matrices (..., 3, 3), as URDFs have them."""
    m = np.asarray(matrices, dtype=float)
    pitch = np.arctan2(-m[..., 2, 0], np.hypot(m[..., 0, 0], m[..., 1, 0]))
    yaw = np.arctan2(m[..., 1, 0], m[..., 0, 0])
    s, c = np.sin(yaw), np.cos(yaw)
    # After the yaw is taken away, so that both fit each other where the pitch is a right angle.
    roll = np.arctan2(s * m[..., 0, 2] - c * m[..., 1, 2], c * m[..., 1, 1] - s * m[..., 0, 1])
    return np.stack([roll, pitch, yaw], axis=-1)
