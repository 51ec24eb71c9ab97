"""Meshes as arrays: joined, placed, and made coarse enough to be drawn quickly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import trimesh

from neuracore_ros.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Triangles:
    """A surface.

    Attributes:
        points: (N, 3) [m].
        triangles: Three indices of points each (F, 3).
    """

    points: FloatArray
    triangles: IntArray

    @classmethod
    def of(cls, mesh: trimesh.Trimesh) -> Triangles:
        """Take those of a mesh of trimesh."""
        return cls(np.array(mesh.vertices, dtype=float), np.array(mesh.faces, dtype=np.int64))


def placed(surface: Triangles, place: FloatArray) -> Triangles:
    """The surface moved by a pose (4, 4)."""
    return Triangles(surface.points @ place[:3, :3].T + place[:3, 3], surface.triangles)


def joined(surfaces: Sequence[Triangles]) -> Triangles:
    """Several surfaces as one."""
    starts = np.cumsum([0, *(len(each.points) for each in surfaces)])
    return Triangles(
        np.concatenate([each.points for each in surfaces]),
        np.concatenate(
            [each.triangles + start for each, start in zip(surfaces, starts, strict=False)]
        ),
    )


def area(surface: Triangles) -> float:
    """Area of a surface [m2]."""
    a, b, c = np.moveaxis(surface.points[surface.triangles], 1, 0)
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def coarse(surface: Triangles, most: int) -> Triangles:
    """A surface of at most so many triangles, by clustering of its points.

    Points in one cell of a grid become one (Rossignac and Borrel 1993, "Multi-resolution 3D
    approximations for rendering complex scenes"). A surface with few triangles stays as it is.
    """
    # The edge of a triangle, of which two fill a square; folds of a surface leave fewer of them.
    cell = 0.4 * math.sqrt(2.0 * area(surface) / most)
    found = surface
    while len(found.triangles) > most and cell > 0.0:
        found = _clustered(surface, cell)
        # Their number falls with the square of the cell.
        cell *= max(math.sqrt(len(found.triangles) / most), 1.03)
    return found


def _clustered(surface: Triangles, cell: float) -> Triangles:
    grid = ((surface.points - surface.points.min(axis=0)) / cell).astype(np.int64)
    _, cluster, count = np.unique(_numbered(grid), return_inverse=True, return_counts=True)
    points = np.stack(
        [np.bincount(cluster, weights=column) / count for column in surface.points.T], axis=1
    )
    corners = cluster[surface.triangles]
    a, b, c = corners.T
    corners = corners[(a != b) & (b != c) & (c != a)]
    # The same three points may have been left of several triangles.
    _, first = np.unique(_numbered(np.sort(corners, axis=1)), return_index=True)
    return Triangles(points, corners[first])


def _numbered(rows: IntArray) -> IntArray:
    """Keys (N,) of rows of small integers (N, 3): equal rows have equal keys."""
    width = rows.max(axis=0, initial=0) + 1
    numbers: IntArray = (rows[:, 0] * width[1] + rows[:, 1]) * width[2] + rows[:, 2]
    return numbers
