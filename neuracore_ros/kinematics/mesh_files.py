"""Mesh files that a URDF names: where they lie, and the points and triangles in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuracore_ros.arrays import FloatArray, IntArray

_MESH_FILES = {'.stl', '.dae', '.obj'}
_MOST_BYTES = 30_000_000
# The second is what the first was called before pinocchio 3.
_LIBRARIES = ('coal', 'hppfcl')


def find_mesh(name: str, urdf: Path) -> Path | None:
    """The file that a URDF means by the name of a mesh; None if there is none that can be read.

    A path is relative to the URDF. ``package://`` is looked for above the URDF, in the folders of
    ``ROS_PACKAGE_PATH``, and in the share folders of ``AMENT_PREFIX_PATH``.

    Args:
        name: As the URDF has it.
        urdf: The URDF file.
    """
    for file in _places(name, urdf):
        with suppress(OSError, ValueError):
            is_mesh = file.suffix.lower() in _MESH_FILES and file.is_file()
            if is_mesh and file.stat().st_size < _MOST_BYTES:
                return file
    return None


def why_not(name: str, urdf: Path) -> str:
    """The reason, in words, why a file that a URDF means is not read; '' where there is none."""
    for file in _places(name, urdf):
        with suppress(OSError, ValueError):
            if not file.is_file():
                continue
            if file.suffix.lower() not in _MESH_FILES:
                return f'{file.suffix or "it"} is none of STL, COLLADA and OBJ'
            if (size := file.stat().st_size) >= _MOST_BYTES:
                return f'{size / 1e6:.0f} MB; up to {_MOST_BYTES / 1e6:.0f} are read'
            return 'no triangle is read from it'
    return ''


def _places(name: str, urdf: Path) -> Iterator[Path]:
    if '://' not in name or name.startswith('file://'):
        yield urdf.parent / name.removeprefix('file://')
        return
    within = Path(name.partition('://')[2])
    in_package = Path(*within.parts[1:])
    above = urdf.resolve().parents
    yield from (each / within for each in above)
    # The package's own folder may have another name.
    yield from (each / in_package for each in above if within.parts[1:])
    for folder in _folders('ROS_PACKAGE_PATH'):
        yield folder / within
        # In ROS 1, a package itself may stand in the path.
        if folder.name == within.parts[0]:
            yield folder / in_package
    for prefix in _folders('AMENT_PREFIX_PATH'):
        yield prefix / 'share' / within


def _folders(variable: str) -> list[Path]:
    return [Path(each) for each in os.environ.get(variable, '').split(os.pathsep) if each]


def mesh_points(file: Path, scale: ArrayLike) -> FloatArray | None:
    """The points (N, 3) of a mesh file [m]; None if it cannot be read.

    Args:
        file: STL, COLLADA or OBJ.
        scale: Of x, y and z (3,).
    """
    model = _load(file, scale)
    return None if model is None else _points(model)


def mesh_triangles(file: Path, scale: ArrayLike) -> tuple[FloatArray, IntArray] | None:
    """The points (N, 3) [m] of a mesh file, and three of their indices for each triangle (F, 3).

    None if it cannot be read; arguments as those of :func:`mesh_points`.
    """
    model = _load(file, scale)
    if model is None:
        return None
    indices = [model.tri_indices(number) for number in range(model.num_tris)]
    triangles = np.array([(each[0], each[1], each[2]) for each in indices], dtype=np.int64)
    return _points(model), triangles.reshape(-1, 3)


def _points(model: Any) -> FloatArray:
    return np.array(model.vertices(), dtype=float).reshape(-1, 3)


def _load(file: Path, scale: ArrayLike) -> Any:
    """The file as coal reads it, which comes with pinocchio; None if it cannot be read."""
    for library in _LIBRARIES:
        with suppress(ImportError):
            loader = import_module(library).MeshLoader()
            break
    else:
        return None
    try:
        return loader.load(str(file), np.asarray(scale, dtype=float))
    except (RuntimeError, ValueError, AttributeError):
        return None
