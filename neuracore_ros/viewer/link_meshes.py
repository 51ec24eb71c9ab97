"""Triangles by which links are drawn: their visual shapes, few enough to be drawn quickly.

A link whose mesh file is missing is drawn by its collision shapes, or else by rods from its joint
to those that it carries; and so is every link of a URDF without shapes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import trimesh

from neuracore_ros.alignment.arm_links import LinkTree
from neuracore_ros.arrays import FloatArray, IntArray
from neuracore_ros.description.urdf_xml import read_urdf_text
from neuracore_ros.kinematics.joint_tree import read_joint_tree
from neuracore_ros.kinematics.link_shapes import Colour, LinkShape, read_link_shapes
from neuracore_ros.kinematics.mesh_files import find_mesh, mesh_triangles, why_not
from neuracore_ros.viewer.coarse_mesh import Triangles, area, coarse, joined, placed
from neuracore_ros.viewer.rods import rods

# Of one robot: software without a GPU draws three of them several times a second.
_MOST_TRIANGLES = 12_000
# Of one mesh, however small its share is.
_FEW_TRIANGLES = 100


_NOTHING = Triangles(np.empty((0, 3)), np.empty((0, 3), np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class LinkMesh:
    """Triangles of one colour of one link.

    Attributes:
        link: As the URDF calls it.
        points: (N, 3) in the link's frame [m].
        triangles: Three indices of points each (F, 3).
        colour: None where the URDF gives none.
    """

    link: str
    points: FloatArray
    triangles: IntArray
    colour: Colour | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LinkMeshes:
    """The triangles of all links of a URDF.

    Attributes:
        meshes: A link may have several, of several colours, or none.
        missing: Mesh files that cannot be read, as the URDF names them.
        named: How many it names.
        why: The reason for the first of the missing ones; empty if there is no such file.
    """

    meshes: tuple[LinkMesh, ...]
    missing: tuple[str, ...]
    named: int
    why: str = ''

    @property
    def note(self) -> str:
        """The missing files in one line; empty if there are none."""
        if not self.missing:
            return ''
        few = f'{len(self.missing)} of {self.named} mesh files'
        why = f' ({self.why})' if self.why else ''
        text = (
            f'{few} cannot be read, such as {self.missing[0]}{why}: their links are drawn as rods'
        )
        if not why and self.missing[0].startswith('package://'):
            package = self.missing[0].removeprefix('package://').partition('/')[0]
            text += f'. Source the workspace that has {package}, or copy it beside the URDF'
        return text


def link_meshes(urdf: Path) -> LinkMeshes:
    """Read the triangles of all links of a URDF.

    Raises:
        DescriptionError: The file is missing or no URDF.
    """
    return _link_meshes(read_urdf_text(urdf), urdf)


# Robot files are edited while they are drawn, and what they name stays as it is.
@lru_cache(maxsize=8)
def _link_meshes(text: str, urdf: Path) -> LinkMeshes:
    solid = read_link_shapes(urdf, 'collision')
    visual = read_link_shapes(urdf, 'visual') or solid
    links = LinkTree(read_joint_tree(urdf))
    missing: list[str] = []
    found: dict[tuple[str, Colour | None], list[Triangles]] = {}
    without: list[str] = []
    for link, shapes in visual.items():
        drawn = [(each, _triangles(each, urdf)) for each in shapes]
        lost = [each.mesh for each, triangles in drawn if triangles is None]
        missing += lost
        if lost and len(lost) == len(drawn):
            drawn = [(each, _triangles(each, urdf)) for each in solid.get(link, ())]
            if all(triangles is None for _, triangles in drawn):
                without.append(link)
        for shape, triangles in drawn:
            if triangles is not None:
                found.setdefault((link, shape.colour), []).append(placed(triangles, shape.place))
    for link, triangles in rods(links, without if visual else None).items():
        found.setdefault((link, None), []).append(triangles)
    meshes = tuple(
        LinkMesh(link, triangles.points, triangles.triangles, colour)
        for (link, colour), triangles in _few({key: joined(each) for key, each in found.items()})
        if len(triangles.triangles)
    )
    named = sum(each.kind == 'mesh' for shapes in visual.values() for each in shapes)
    why = why_not(missing[0], urdf) if missing else ''
    return LinkMeshes(meshes, tuple(missing), named, why)


def _triangles(shape: LinkShape, urdf: Path) -> Triangles | None:
    """Triangles in the shape's own frame; None of a mesh that cannot be read."""
    if shape.kind == 'mesh':
        file = find_mesh(shape.mesh, urdf)
        return None if file is None else _file_triangles(file, shape.size)
    if min(shape.size) <= 0.0:
        return _NOTHING
    if shape.kind == 'box':
        return Triangles.of(trimesh.creation.box(shape.size))
    if shape.kind == 'sphere':
        return Triangles.of(trimesh.creation.icosphere(2, shape.size[0]))
    radius, length = shape.size
    if shape.kind == 'capsule':
        return Triangles.of(trimesh.creation.capsule(length, radius, [16, 16]))
    return Triangles.of(trimesh.creation.cylinder(radius, length, sections=32))


# Left and right of a robot are often of the same files.
@lru_cache(maxsize=64)
def _file_triangles(file: Path, scale: tuple[float, ...]) -> Triangles | None:
    read = mesh_triangles(file, scale)
    if read is None or not len(read[1]) or not np.isfinite(read[0]).all():
        return None
    return Triangles(*read)


def _few(
    drawn: Mapping[tuple[str, Colour | None], Triangles],
) -> Iterator[tuple[tuple[str, Colour | None], Triangles]]:
    """The meshes with no more triangles than can be drawn, shared out by size.

    The share of a mesh grows slower than its area: small links have as many details as large ones.
    """
    sizes = {key: math.sqrt(area(each)) for key, each in drawn.items()}
    whole = sum(sizes.values())
    is_much = sum(len(each.triangles) for each in drawn.values()) > _MOST_TRIANGLES
    for key, each in drawn.items():
        share = round(_MOST_TRIANGLES * sizes[key] / whole) if whole > 0.0 else 0
        yield key, coarse(each, max(share, _FEW_TRIANGLES)) if is_much else each
