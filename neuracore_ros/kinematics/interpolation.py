"""Poses between poses, and the motion from one to another.

A pose is seven numbers, x y z qx qy qz qw: metres, and a unit quaternion.
"""

from __future__ import annotations

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.kinematics.poses import compose_arrays
from neuracore_ros.kinematics.rotations import angles_between, quaternion_to_vector

_NEAR = 1e-9
"""A rotation by less [rad] has no axis that numbers could tell."""


def continuous(poses: FloatArray, reference: FloatArray) -> FloatArray:
    """Poses (N, 7) with the signs of quaternions that go on from a reference (7,).

    q and -q are one rotation; between neighbours of unlike sign, interpolation would go the long
    way round.
    """
    quaternions = np.concatenate([reference[None, 3:], poses[:, 3:]])
    turned = np.sum(quaternions[1:] * quaternions[:-1], axis=1) < 0.0
    signs = np.where(np.cumsum(turned) % 2 == 0, 1.0, -1.0)
    return np.concatenate([poses[:, :3], poses[:, 3:] * signs[:, None]], axis=1)


def normalised(poses: FloatArray) -> FloatArray:
    """Poses (..., 7) with quaternions of length 1."""
    lengths = np.linalg.norm(poses[..., 3:], axis=-1, keepdims=True)
    return np.concatenate([poses[..., :3], poses[..., 3:] / lengths], axis=-1)


def between(start: FloatArray, end: FloatArray, share: float) -> FloatArray:
    """The pose (7,) at a share of the way: straight, and turning at one speed about one axis.

    Spherical linear interpolation: Shoemake, "Animating rotation with quaternion curves",
    SIGGRAPH 1985.
    """
    position = (1.0 - share) * start[:3] + share * end[:3]
    cosine = float(np.dot(start[3:], end[3:]))
    towards = end[3:] if cosine >= 0.0 else -end[3:]
    half = np.arccos(min(abs(cosine), 1.0))
    if half < _NEAR:
        return np.concatenate([position, start[3:]])
    weights = np.sin([(1.0 - share) * half, share * half]) / np.sin(half)
    quaternion = weights[0] * start[3:] + weights[1] * towards
    return np.concatenate([position, quaternion / np.linalg.norm(quaternion)])


def displacement(start: FloatArray, end: FloatArray) -> FloatArray:
    """The way from one pose (7,) to another, (6,): a shift [m], then a turn by axis times angle.

    Both in the frame in which the poses are given [m], [rad]; the turn is the short one.
    """
    # Without its position, a pose turns about the origin.
    turned = [np.concatenate([np.zeros(3), pose[3:]]) for pose in (start, end)]
    back = [*turned[0][:3], *-turned[0][3:6], turned[0][6]]
    turn = quaternion_to_vector(compose_arrays(turned[1], back)[3:])
    return np.concatenate([end[:3] - start[:3], turn])


def distance(start: FloatArray, end: FloatArray) -> tuple[float, float]:
    """Distance of one pose (7,) from another [m], and angle between them [rad]."""
    away = float(np.linalg.norm(end[:3] - start[:3]))
    return away, float(angles_between(start[3:], end[3:]))
