"""Shapes of links, as a URDF gives them, and points on their outline."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from xml.etree import ElementTree

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.description.urdf_xml import parse_robot_element, read_urdf_text
from neuracore_ros.kinematics.mesh_files import find_mesh, mesh_points
from neuracore_ros.kinematics.rotations import rpy_to_matrix

Colour: TypeAlias = tuple[float, float, float, float]
"""Red, green, blue and opacity, 0 to 1."""

_CORNERS = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))


@dataclass(frozen=True, slots=True, eq=False)
class LinkShape:
    """One shape of a link.

    Attributes:
        kind: ``box``, ``cylinder``, ``capsule``, ``sphere`` or ``mesh``.
        size: Of a box its three lengths, of a cylinder or capsule radius and length, of a sphere
            its radius [m]; of a mesh the scale of x, y and z.
        mesh: The file, as the URDF names it; empty of any other shape.
        place: In the link's frame (4, 4).
        colour: None where the URDF gives none.
    """

    kind: str
    size: tuple[float, ...]
    mesh: str
    place: FloatArray
    colour: Colour | None = None


def read_link_shapes(path: Path, kind: str) -> dict[str, list[LinkShape]]:
    """Read the shapes of links of a URDF file; what has a wrong number is left out.

    Args:
        path: The URDF.
        kind: ``visual`` or ``collision``.

    Returns:
        Link -> shapes; links without any are left out.

    Raises:
        DescriptionError: The file is missing or no URDF.
    """
    robot = parse_robot_element(read_urdf_text(path), path)
    colours = {
        each.get('name', ''): colour
        for each in robot.findall('material')
        if (colour := _colour(each, {})) is not None
    }
    found: dict[str, list[LinkShape]] = {}
    for link in robot.findall('link'):
        shapes = [own for each in link.findall(kind) for own in _shape(each, colours)]
        if shapes:
            found[link.get('name', '')] = shapes
    return found


def _shape(element: ElementTree.Element, colours: Mapping[str, Colour]) -> Iterator[LinkShape]:
    """The shape; none of one that cannot be read."""
    origin, geometry = element.find('origin'), element.find('geometry')
    with suppress(ValueError):
        place = np.eye(4)
        place[:3, :3] = rpy_to_matrix(_numbers(origin, 'rpy', '0 0 0', 3))
        place[:3, 3] = _numbers(origin, 'xyz', '0 0 0', 3)
        colour = _colour(element.find('material'), colours)
        for shape in geometry if geometry is not None else ():
            if (size := _size(shape)) is not None:
                yield LinkShape(shape.tag, size, shape.get('filename', ''), place, colour)
                return


def _size(shape: ElementTree.Element) -> tuple[float, ...] | None:
    if shape.tag == 'box':
        return tuple(_numbers(shape, 'size', '', 3))
    if shape.tag in {'cylinder', 'capsule'}:
        return tuple(float(_numbers(shape, key, '', 1)[0]) for key in ('radius', 'length'))
    if shape.tag == 'sphere':
        return tuple(_numbers(shape, 'radius', '', 1))
    return tuple(_numbers(shape, 'scale', '1 1 1', 3)) if shape.tag == 'mesh' else None


def _colour(material: ElementTree.Element | None, colours: Mapping[str, Colour]) -> Colour | None:
    if material is None:
        return None
    known = colours.get(material.get('name', ''))
    if (own := material.find('color')) is None:
        return known
    try:
        red, green, blue, opacity = np.clip(_numbers(own, 'rgba', '', 4), 0.0, 1.0).tolist()
    except ValueError:
        return known
    return red, green, blue, opacity


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
    found: dict[str, FloatArray] = {}
    for kind in ('collision', 'visual'):
        shapes = read_link_shapes(path, kind)
        for link in set(links) - set(found):
            parts = [points for each in shapes.get(link, ()) for points in _points(each, path)]
            if parts:
                found[link] = np.concatenate(parts)
    return found


def _points(shape: LinkShape, urdf: Path) -> Iterator[FloatArray]:
    """The points of one shape; none of a mesh that cannot be read."""
    points = _own_points(shape, urdf)
    if points is not None and len(points) and np.isfinite(points).all():
        yield points @ shape.place[:3, :3].T + shape.place[:3, 3]


def _own_points(shape: LinkShape, urdf: Path) -> FloatArray | None:
    """Points (N, 3) in the shape's own frame."""
    if shape.kind == 'mesh':
        file = find_mesh(shape.mesh, urdf)
        return None if file is None else mesh_points(file, shape.size)
    if shape.kind == 'box':
        return _CORNERS * shape.size / 2
    radius, length = (*shape.size, 2.0 * shape.size[0])[:2]
    return _CORNERS * (radius, radius, length / 2)


def _numbers(
    element: ElementTree.Element | None, key: str, default: str, count: int
) -> FloatArray:
    text = default if element is None else element.get(key, default)
    numbers = [float(part) for part in text.split()]
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise ValueError(text)
    return np.array(numbers)
