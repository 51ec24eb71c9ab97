"""Poses inside a network: nine numbers, the position and the first two columns of the rotation.

Zhou et al., "On the Continuity of Rotation Representations in Neural Networks", CVPR 2019: a
quaternion and its negative are one rotation, so that a network which predicts four numbers has to
jump where the sign does; two columns of the matrix have no jump, and any six numbers are brought
back to a rotation by Gram-Schmidt.

Functions are scripted and become graphs: no branch depends on a value.
"""

import torch
from torch import Tensor

POSE_NUMBERS = 9


def numbers_of(poses: Tensor) -> Tensor:
    """The nine numbers (..., 9) of poses (..., 7): x y z, then two columns of the matrix.

    A quaternion is brought to length 1; one of length 0, as padding has, turns nothing.
    """
    x, y, z, w = unit(poses[..., 3:]).unbind(-1)
    first = [1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)]
    second = [2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)]
    return torch.cat([poses[..., :3], torch.stack(first + second, -1)], -1)


def poses_of(numbers: Tensor, side: Tensor) -> Tensor:
    """Poses (..., 7) of any nine finite numbers (..., 9).

    Args:
        numbers: As a network predicts them; the two columns need be neither long nor square.
        side: Of the two quaternions of a rotation, the one on this side is taken, (4,).
    """
    a, b, c = columns(numbers[..., 3:])
    return signed(torch.cat([numbers[..., :3], quaternion_of(a, b, c)], -1), side)


def signed(poses: Tensor, side: Tensor) -> Tensor:
    """The same poses (..., 7), with that quaternion of each rotation which is on a side, (4,)."""
    quaternion = poses[..., 3:]
    turned = (quaternion * side).sum(-1, keepdim=True) < 0
    return torch.cat([poses[..., :3], torch.where(turned, -quaternion, quaternion)], -1)


def relative_to(base: Tensor, poses: Tensor) -> Tensor:
    """Poses seen as a motion from others, all (..., 7): difference of positions, and rotation.

    Both are given in the frame that the poses are given in: the rotation is target * base^-1.
    """
    inverse = torch.cat([-base[..., 3:6], base[..., 6:]], -1)
    moved = poses[..., :3] - base[..., :3]
    return torch.cat([moved, product(unit(poses[..., 3:]), unit(inverse))], -1)


def moved_by(motion: Tensor, base: Tensor) -> Tensor:
    """The poses that a motion leads to from others, all (..., 7); undoes :func:`relative_to`."""
    moved = base[..., :3] + motion[..., :3]
    return torch.cat([moved, product(unit(motion[..., 3:]), unit(base[..., 3:]))], -1)


def angles_between(first: Tensor, second: Tensor) -> Tensor:
    """Angles between the rotations of poses (..., 7), (...), [rad]."""
    between = relative_to(first, second)
    # Not the arc cosine of w, which is blind to small angles.
    return 2 * torch.atan2(
        torch.linalg.vector_norm(between[..., 3:6], dim=[-1]), between[..., 6].abs()
    )


def unit(quaternions: Tensor) -> Tensor:
    """Quaternions (..., 4) of length 1; the identity where the length is 0."""
    length = torch.linalg.vector_norm(quaternions, dim=[-1], keepdim=True)
    nothing = torch.zeros_like(quaternions)
    identity = torch.cat([nothing[..., :3], nothing[..., 3:] + 1], -1)
    return torch.where(length > 1e-6, quaternions / length.clamp(min=1e-6), identity)


def product(outer: Tensor, inner: Tensor) -> Tensor:
    """Quaternions (..., 4) x y z w that rotate as the inner ones, then as the outer ones."""
    x, y, z, w = outer.unbind(-1)
    a, b, c, d = inner.unbind(-1)
    return torch.stack(
        [
            w * a + x * d + y * c - z * b,
            w * b - x * c + y * d + z * a,
            w * c + x * b - y * a + z * d,
            w * d - x * a - y * b - z * c,
        ],
        -1,
    )


def columns(six: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Columns (..., 3) of the rotations that six numbers (..., 6) mean, by Gram-Schmidt.

    Numbers that mean none, since a column is 0 or both are parallel, give some rotation.
    """
    six = six.clamp(-1e6, 1e6)  # Squares stay finite.
    a, b = six[..., :3], six[..., 3:]
    nothing = torch.zeros_like(a)
    along_x = torch.cat([nothing[..., :1] + 1, nothing[..., 1:]], -1)
    along_y = torch.cat([nothing[..., :1], nothing[..., 1:2] + 1, nothing[..., 2:]], -1)
    a = _direction(a, along_x)
    b = b - (a * b).sum(-1, keepdim=True) * a
    # An axis that is far from the first column, made square to it.
    across = torch.where(a[..., :1].abs() < 0.9, along_x, along_y)
    across = across - (a * across).sum(-1, keepdim=True) * a
    b = _direction(b, across)
    # Once more: of two columns that are nearly parallel, little more than rounding is left.
    b = b - (a * b).sum(-1, keepdim=True) * a
    b = _direction(b, across)
    return a, b, torch.linalg.cross(a, b)


def quaternion_of(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Quaternions (..., 4) of rotations by their columns, each (..., 3); of either sign.

    The products of a quaternion's numbers with each other are sums of the matrix' numbers. The
    row of the largest number is taken (Shepperd, 1978), which no rotation makes small.
    """
    ax, ay, az = a.unbind(-1)
    bx, by, bz = b.unbind(-1)
    cx, cy, cz = c.unbind(-1)
    squares = [1 + ax - by - cz, 1 - ax + by - cz, 1 - ax - by + cz, 1 + ax + by + cz]
    xy, xz, yz = ay + bx, az + cx, bz + cy
    xw, yw, zw = bz - cy, cx - az, ay - bx
    rows = torch.stack(
        [
            torch.stack([squares[0], xy, xz, xw], -1),
            torch.stack([xy, squares[1], yz, yw], -1),
            torch.stack([xz, yz, squares[2], zw], -1),
            torch.stack([xw, yw, zw, squares[3]], -1),
        ],
        -2,
    )
    largest = torch.stack(squares, -1).argmax(-1)[..., None, None]
    return unit(torch.take_along_dim(rows, largest, -2)[..., 0, :])


def _direction(vectors: Tensor, instead: Tensor) -> Tensor:
    """Vectors (..., 3) of length 1; others in place of those that have no direction."""
    length = torch.linalg.vector_norm(vectors, dim=[-1], keepdim=True)
    instead = instead / torch.linalg.vector_norm(instead, dim=[-1], keepdim=True).clamp(min=1e-6)
    return torch.where(length > 1e-6, vectors / length.clamp(min=1e-6), instead)
