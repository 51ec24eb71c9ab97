"""The extent of links: points on the shapes that a URDF gives them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.description.urdf_xml import parse_robot_element, read_urdf_text
from neuracore_ros.errors import DescriptionError
from neuracore_ros.kinematics.rotations import rpy_to_matrix

_CORNERS = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))
_MESH_FILES = {'.stl', '.dae', '.obj'}
# A finger's mesh is smaller by far.
_MOST_BYTES = 30_000_000


def link_points(path: Path, links: Collection[str]) -> dict[str, FloatArray]:
    """Points on the outline of links of a URDF file.

    Boxes, cylinders and spheres give the corners of the box around them, meshes their points, if
    the file is found. A shape that cannot be read is left out.

    Args:
        path: The URDF.
        links: Whose shapes are wanted.

    Returns:
        Link -> points (N, 3) in its frame [m]; without links that have no shape.

    Raises:
        DescriptionError: The file is missing or no URDF.
    """
    robot = parse_robot_element(read_urdf_text(path), path)
    found: dict[str, FloatArray] = {}
    for link in robot.findall('link'):
        if link.get('name', '') not in links:
            continue
        for kind in ('collision', 'visual'):
            parts = [points for shape in link.findall(kind) for points in _points(shape, path)]
            if parts:
                found[link.get('name', '')] = np.concatenate(parts)
                break
    return found


def _points(shape: ElementTree.Element, urdf: Path) -> Iterator[FloatArray]:
    """The points of one shape; none of one that cannot be read."""
    origin, geometry = shape.find('origin'), shape.find('geometry')
    if geometry is None:
        return
    with suppress(ValueError, DescriptionError):
        points = _own_points(geometry, urdf)
        xyz = _numbers(origin, 'xyz', '0 0 0', 3)
        turn = rpy_to_matrix(_numbers(origin, 'rpy', '0 0 0', 3))
        if len(points) and np.isfinite(points).all():
            yield points @ turn.T + xyz


def _own_points(geometry: ElementTree.Element, urdf: Path) -> FloatArray:
    """Points (N, 3) of a box, a cylinder, a sphere or a mesh, in the shape's own frame."""
    for kind in geometry:
        if kind.tag == 'box':
            return _CORNERS * _numbers(kind, 'size', '', 3) / 2
        if kind.tag in {'cylinder', 'capsule'}:
            radius, length = (float(kind.get(key, '')) for key in ('radius', 'length'))
            return _CORNERS * (radius, radius, length / 2)
        if kind.tag == 'sphere':
            return _CORNERS * float(kind.get('radius', ''))
        if kind.tag == 'mesh':
            return _mesh_points(kind, urdf)
    return np.empty((0, 3))


def _mesh_points(mesh: ElementTree.Element, urdf: Path) -> FloatArray:
    nothing = np.empty((0, 3))
    file = _mesh_file(mesh.get('filename', ''), urdf)
    if file is None:
        return nothing
    try:
        from coal import MeshLoader
    except ImportError:
        return nothing
    try:
        scale = _numbers(mesh, 'scale', '1 1 1', 3)
        model = MeshLoader().load(str(file), scale)
        return np.array(model.vertices(), dtype=float).reshape(-1, 3)
    except (RuntimeError, ValueError, AttributeError):
        return nothing


def _mesh_file(name: str, urdf: Path) -> Path | None:
    """The file that a mesh names: ``package://`` is looked for above the URDF."""
    plain = name.removeprefix('file://')
    if '://' not in name or name.startswith('file://'):
        files = [urdf.parent / plain]
    else:
        within = Path(name.partition('://')[2])
        above = urdf.resolve().parents
        files = [each / within for each in above]
        # The package's own folder may have another name.
        files += [each / Path(*within.parts[1:]) for each in above if within.parts[1:]]
    for file in files:
        with suppress(OSError):
            is_mesh = file.suffix.lower() in _MESH_FILES and file.is_file()
            if is_mesh and file.stat().st_size < _MOST_BYTES:
                return file
    return None


def _numbers(
    element: ElementTree.Element | None, key: str, default: str, count: int
) -> FloatArray:
    text = default if element is None else element.get(key, default)
    numbers = [float(part) for part in text.split()]
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise ValueError(text)
    return np.array(numbers)
