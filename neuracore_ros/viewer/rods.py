"""Links without shapes, drawn as rods from their joint to those that they carry."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import trimesh
from numpy.typing import ArrayLike

from neuracore_ros.alignment.arm_links import LinkTree
from neuracore_ros.arrays import FloatArray
from neuracore_ros.viewer.coarse_mesh import Triangles, joined, placed

# Thickness of rods, of the extent of the robot; and its bounds [m].
_THIN, _BOUNDS_M = 0.03, (0.004, 0.035)
_SIDES = 20


def rods(links: LinkTree, wanted: Collection[str] | None) -> dict[str, Triangles]:
    """Draw links by the places of their joints.

    A joint that turns or slides has a hub along its axis, so that a rod that turns about itself
    is seen to turn by the hub at its end; the last link of a chain ends in a plate.

    Args:
        links: The URDF.
        wanted: The links to draw; None: all that move, or carry what moves.

    Returns:
        Link -> triangles in its frame.
    """
    poses = links.poses({})
    origins = np.array([pose[:3, 3] for pose in poses.values()]).reshape(-1, 3)
    extent = float(np.linalg.norm(np.ptp(origins, axis=0))) if len(origins) else 0.0
    radius = float(np.clip(_THIN * extent, *_BOUNDS_M))
    found: dict[str, Triangles] = {}
    for link in poses if wanted is None else wanted:
        if link not in poses:
            found[link] = Triangles.of(trimesh.creation.icosphere(1, radius))
            continue
        parts = list(_parts(links, link, poses, radius, is_wanted=wanted is not None))
        if parts:
            found[link] = joined(parts)
    return found


def _parts(
    links: LinkTree, link: str, poses: dict[str, FloatArray], radius: float, is_wanted: bool
) -> Iterator[Triangles]:
    joint = links.joint_of(link)
    moves = joint in links.joints
    carried = [each for each in links.carried(link) if _has_moving(links, each)]
    if not (moves or carried or is_wanted):
        return
    if moves:
        yield _along(links.joints[joint].axis, 2.6 * radius, 1.3 * radius)
    back = np.linalg.inv(poses[link])
    ends = [(back @ poses[each])[:3, 3] for each in carried]
    if not carried:
        fixed = [(back @ poses[each])[:3, 3] for each in links.under(link)]
        ends = sorted(fixed, key=lambda end: float(np.linalg.norm(end)))[-1:]
        yield Triangles.of(trimesh.creation.box((radius, 3.0 * radius, 2.0 * radius)))
    for end in ends:
        length = float(np.linalg.norm(end))
        if length > radius:
            middle = np.eye(4)
            middle[:3, 3] = end / 2
            yield placed(_along(end, length, radius, is_round=True), middle)


def _has_moving(links: LinkTree, link: str) -> bool:
    """True if a link moves on the one that carries it, or one that it carries does."""
    return any(links.joint_of(each) in links.joints for each in (link, *links.under(link)))


def _along(axis: ArrayLike, length: float, radius: float, is_round: bool = False) -> Triangles:
    """A cylinder about the origin along an axis (3,), or a rod with round ends."""
    mesh = (
        trimesh.creation.capsule(length, radius, [_SIDES, 8])
        if is_round
        else trimesh.creation.cylinder(radius, length, sections=_SIDES)
    )
    return placed(Triangles.of(mesh), _turned_to(np.asarray(axis, dtype=float)))


def _turned_to(axis: FloatArray) -> FloatArray:
    """A pose (4, 4) at the origin whose z lies along an axis (3,), either way."""
    z = axis / np.linalg.norm(axis)
    across = np.eye(3)[np.argmin(np.abs(z))]
    x = np.cross(across, z)
    x /= np.linalg.norm(x)
    pose = np.eye(4)
    pose[:3, :3] = np.column_stack([x, np.cross(z, x), z])
    return pose
