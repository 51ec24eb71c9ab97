"""Robot files, server files and the vocabulary that the package ships, wherever it is."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from neuracore_ros.errors import DescriptionError, PolicyError
from neuracore_ros.given_path import given_path
from neuracore_ros.regular_file import read_text
from neuracore_ros.similar_names import list_alike

_SHARE = Path('share') / 'neuracore_ros' / 'config'
# The folder of server files, which describe no robot.
_SERVERS = 'servers'
# Names of slots, which describe no robot either.
_VOCABULARY = 'vocabulary.yaml'


def shipped(name: str) -> Path:
    """The file of a shipped robot, ``franka``, or set of robots, ``franka_ur5``.

    Raises:
        DescriptionError: No such file is shipped.
    """
    files = _files()
    if name not in files:
        known = list_alike(name, files)
        raise DescriptionError(f"no robot file '{name}' is shipped. There are: {known}")
    return files[name]


def robot_file(given: str) -> Path:
    """The file at a path, or where nothing lies there, the shipped one of this name."""
    path = given_path(given)
    try:
        is_there = path.exists()
    except OSError:  # A name that is too long for the system is no shipped one either.
        is_there = False
    return path if is_there else _files().get(given, path)


def server_file(given: str | Path) -> Path:
    """The server file at a path, or where nothing lies there, the shipped one of this name.

    Raises:
        PolicyError: Neither.
    """
    path = given_path(given)
    try:
        is_there = path.exists()
    except OSError:
        is_there = False
    if is_there:
        return path
    files = shipped_servers()
    if path.name != str(path) or path.name not in files:
        known = list_alike(path.name, files)
        raise PolicyError(f'{path}: no such file; shipped are {known}')
    return files[path.name]


def shipped_servers() -> Mapping[str, Path]:
    """The shipped server files by name, such as ``pi05_droid.server.yaml``."""
    found: dict[str, Path] = {}
    for folder in _folders():
        for path in (folder / _SERVERS).glob('*.yaml'):
            found.setdefault(path.name, path)
    return dict(sorted(found.items()))


def vocabulary_file() -> Path | None:
    """The file of the shipped vocabulary; None where it is not installed."""
    return next((path for each in _folders() if (path := each / _VOCABULARY).is_file()), None)


def is_shipped(path: Path) -> bool:
    """True for a file of the package itself, wherever it is installed."""
    try:
        folders = path.resolve().parents
    except OSError:  # a loop of links
        return False
    return any(folder.resolve() in folders for folder in _folders())


def instead_of(path: Path) -> str:
    """``; shipped are a, b and 9 more``, for a path without an ending, which may be a name."""
    if path.suffix or path.parent.name:
        return ''
    return f'; shipped are {list_alike(path.name, _files())}'


def shipped_robots() -> Mapping[str, Path]:
    """The files of all shipped robots by name, without those that list several robots."""
    return {name: path for name, path in _files().items() if _is_robot(path)}


def _is_robot(path: Path) -> bool:
    return any(line.startswith('robot:') for line in read_text(path).splitlines())


def _files() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in _folders():
        for path in folder.rglob('*.yaml'):
            if path.parent.name != _SERVERS and path.name != _VOCABULARY:
                found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def _folders() -> Iterator[Path]:
    # A source tree (or an editable install), a colcon workspace, a pip install; in this order,
    # so that a developer's edit is what runs.
    yield Path(__file__).resolve().parents[2] / 'config'
    for prefix in filter(None, os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)):
        yield Path(prefix) / _SHARE
    yield Path(sys.prefix) / _SHARE
