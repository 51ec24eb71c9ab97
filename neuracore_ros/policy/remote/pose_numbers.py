"""The numbers in which servers write a pose: a position, and one of many forms of a rotation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.kinematics.poses import Pose, compose
from neuracore_ros.kinematics.rotations import (
    matrix_to_quaternion,
    matrix_to_rpy,
    quaternion_to_matrix,
    quaternion_to_vector,
    rpy_to_matrix,
    signed,
    six_to_matrix,
    vector_to_quaternion,
)

POSITION = ('x', 'y', 'z')
ANGLES = {'axis_angle': ('rx', 'ry', 'rz'), 'rpy': ('roll', 'pitch', 'yaw')}
"""Rotations in [rad]: a rotation vector; and roll, pitch, yaw about fixed axes, as URDFs do."""
ROTATIONS = {
    **ANGLES,
    'xyzw': ('qx', 'qy', 'qz', 'qw'),
    'wxyz': ('qw', 'qx', 'qy', 'qz'),
    'six_columns': ('m11', 'm21', 'm31', 'm12', 'm22', 'm32'),
    'six_rows': ('m11', 'm12', 'm13', 'm21', 'm22', 'm23'),
}
"""Form of a rotation -> its numbers; six are the first two columns, or rows, of a matrix."""
PARTS = {
    **{number: (number,) for number in (*POSITION, *ANGLES['rpy'])},
    'xyz': POSITION,
    **ROTATIONS,
}
"""Part of a pose, as a server file names it -> its numbers in their order."""
ANGULAR = frozenset(number for numbers in ANGLES.values() for number in numbers)
"""Numbers in [rad], which a scale may make of degrees."""

_QUATERNION = ROTATIONS['xyzw']
_MATRIX = tuple(f'm{row}{column}' for row in '123' for column in '123')
# A network's quaternions are not quite of length 1; farther off, they mean nothing.
_LEAST_LENGTH, _MOST_LENGTH = 0.5, 2.0


def rotation_of(numbers: Collection[str]) -> str:
    """The form of the rotation that a pose's numbers give; '' where they are no pose."""
    rest = set(numbers).difference(POSITION)
    if len(rest) + len(POSITION) != len(set(numbers)):
        return ''
    return next((form for form, needed in ROTATIONS.items() if rest == set(needed)), '')


def numbers_of(
    poses: FloatArray, wanted: Sequence[str], around: Sequence[float] | None = None
) -> FloatArray:
    """The numbers of poses.

    Args:
        poses: Shape (..., 7).
        wanted: Names of numbers.
        around: Of the two rotation vectors of a rotation that are at most a full turn long, the
            one nearest this one is taken [rad]; None: the shorter one.

    Returns:
        Shape (..., N).
    """
    found = dict(zip((*POSITION, *_QUATERNION), np.moveaxis(poses, -1, 0), strict=True))
    if missing := {number for number in wanted if number not in found}:
        quaternions = poses[..., 3:]
        if not missing.isdisjoint(ANGLES['axis_angle']):
            vectors = quaternion_to_vector(quaternions)
            if around is not None:
                vectors = _nearest(vectors, np.asarray(around, float))
            found |= zip(ANGLES['axis_angle'], np.moveaxis(vectors, -1, 0), strict=True)
        if not missing.isdisjoint(ANGLES['rpy']):
            angles = matrix_to_rpy(quaternion_to_matrix(quaternions))
            found |= zip(ANGLES['rpy'], np.moveaxis(angles, -1, 0), strict=True)
        if not missing.isdisjoint(_MATRIX):
            rows = quaternion_to_matrix(quaternions).reshape(*poses.shape[:-1], 9)
            found |= zip(_MATRIX, np.moveaxis(rows, -1, 0), strict=True)
    return np.stack([found[number] for number in wanted], axis=-1)


def poses_of(numbers: Mapping[str, FloatArray]) -> FloatArray:
    """Poses (N, 7) of their numbers, each (N,); not finite where a rotation is none.

    Args:
        numbers: Those of a position, and of one form of a rotation.
    """
    form = rotation_of(numbers)

    def stacked(names: Sequence[str]) -> FloatArray:
        return np.stack([numbers[name] for name in names], axis=-1)

    if form == 'axis_angle':
        quaternions = vector_to_quaternion(stacked(ANGLES[form]))
    elif form == 'rpy':
        quaternions = matrix_to_quaternion(rpy_to_matrix(stacked(ANGLES[form])))
    elif form in ('xyzw', 'wxyz'):
        quaternions = _unit(stacked(_QUATERNION))
    else:
        matrices = six_to_matrix(stacked(ROTATIONS[form]))
        if form == 'six_rows':
            matrices = np.swapaxes(matrices, -1, -2)
        with np.errstate(invalid='ignore'):
            quaternions = matrix_to_quaternion(matrices)
    return np.concatenate([stacked(POSITION), signed(quaternions)], axis=-1)


def integrated(start: FloatArray, motions: FloatArray) -> FloatArray:
    """Poses (H, 7) that motions (H, 7) lead to from a pose (7,), each from where the last ended.

    Both are seen in the frame that the poses are given in: positions are added, and a motion
    turns what the pose has turned already.
    """
    qx, qy, qz, qw = start[3:].tolist()
    turned: Pose = (0.0, 0.0, 0.0, qx, qy, qz, qw)
    rotations = []
    for qx, qy, qz, qw in motions[:, 3:].tolist():
        turned = compose((0.0, 0.0, 0.0, qx, qy, qz, qw), turned)
        rotations.append(turned[3:])
    positions = start[:3] + np.cumsum(motions[:, :3], axis=0)
    return np.concatenate([positions, signed(_unit(np.array(rotations)))], axis=-1)


def _nearest(vectors: FloatArray, around: FloatArray) -> FloatArray:
    """Rotation vectors (..., 3), each or the other one of its rotation, whichever is nearer."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    with np.errstate(invalid='ignore', divide='ignore'):
        other = vectors * (1.0 - 2.0 * np.pi / length)

    def apart(each: FloatArray) -> FloatArray:
        distance: FloatArray = np.linalg.norm(each - around, axis=-1, keepdims=True)
        return distance

    # No turn at all has no axis about which to go round: it compares as not a number.
    chosen: FloatArray = np.where(apart(other) < apart(vectors), other, vectors)
    return chosen


def _unit(quaternions: FloatArray) -> FloatArray:
    """Quaternions (..., 4) of length 1; not finite where they are no rotations."""
    length = np.linalg.norm(quaternions, axis=-1, keepdims=True)
    is_rotation = (length >= _LEAST_LENGTH) & (length <= _MOST_LENGTH)
    return quaternions / np.where(is_rotation, length, np.nan)
