"""Poses x y z qx qy qz qw: composed, inverted, and with the sign of the quaternion chosen."""

from typing import TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike

from neuracore_ros.arrays import FloatArray
from neuracore_ros.kinematics.rotations import SIDE

Pose: TypeAlias = tuple[float, float, float, float, float, float, float]
"""x y z [m], qx qy qz qw (a unit quaternion)."""


def signed_pose(pose: Pose) -> Pose:
    """Choose that one of a pose's two quaternions that is taken everywhere."""
    x, y, z, a, b, c, d = pose
    if a * SIDE[0] + b * SIDE[1] + c * SIDE[2] + d * SIDE[3] < 0.0:
        return x, y, z, -a, -b, -c, -d
    return pose


def compose(outer: Pose, inner: Pose) -> Pose:
    """Compose two poses: the inner one is given in the frame of the outer one."""
    x, y, z, a, b, c, d = outer
    u, v, w, e, f, g, h = inner
    # Rodrigues: v + 2 d (q x v) + 2 q x (q x v)
    s, t, r = 2 * (b * w - c * v), 2 * (c * u - a * w), 2 * (a * v - b * u)
    return (
        x + u + d * s + b * r - c * t,
        y + v + d * t + c * s - a * r,
        z + w + d * r + a * t - b * s,
        d * e + a * h + b * g - c * f,
        d * f - a * g + b * h + c * e,
        d * g + a * f - b * e + c * h,
        d * h - a * e - b * f - c * g,
    )


def invert(pose: Pose) -> Pose:
    """Invert a pose: the outer frame in the inner one."""
    x, y, z, a, b, c, d = pose
    turned = compose((0.0, 0.0, 0.0, -a, -b, -c, d), (-x, -y, -z, 0.0, 0.0, 0.0, 1.0))
    return (*turned[:3], -a, -b, -c, d)


def compose_arrays(outer: ArrayLike, inner: ArrayLike) -> FloatArray:
    """Compose arrays of poses (..., 7), the leading axes broadcast."""
    pairs = np.broadcast_arrays(outer, inner)
    # The arithmetic of single poses serves columns of many as well.
    first, second = (cast(Pose, tuple(np.moveaxis(each, -1, 0))) for each in pairs)
    return np.stack(compose(first, second), axis=-1)


def moved(base: ArrayLike, motion: ArrayLike) -> FloatArray:
    """The poses that motions lead to from others, all (..., 7), the leading axes broadcast.

    Both are seen in the frame that the poses are given in: positions are added, and the motion
    turns what the pose has turned already.
    """
    first, second = np.asarray(base, dtype=float), np.asarray(motion, dtype=float)
    here = np.zeros(3)
    turned = compose_arrays(_at(here, second), _at(here, first))
    return _at(first[..., :3] + second[..., :3], turned)


def _at(positions: FloatArray, poses: FloatArray) -> FloatArray:
    """The same poses (..., 7) at other positions (..., 3)."""
    there = np.broadcast_to(positions, (*poses.shape[:-1], 3))
    return np.concatenate([there, poses[..., 3:]], axis=-1)
