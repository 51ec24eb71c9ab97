"""The robot files that the package ships, wherever it is installed."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from neuracore_ros.errors import DescriptionError

_SHARE = Path('share') / 'neuracore_ros' / 'config'


def shipped(name: str) -> Path:
    """The file of a shipped robot, ``franka``, or set of robots, ``franka_ur5``.

    Raises:
        DescriptionError: No such file is shipped.
    """
    for folder in _folders():
        if (path := folder / f'{name}.yaml').is_file():
            return path
    known = sorted({path.stem for folder in _folders() for path in folder.glob('*.yaml')})
    raise DescriptionError(f"no robot file '{name}' is shipped. There are: {', '.join(known)}")


def _folders() -> Iterator[Path]:
    # A source tree (or an editable install), a colcon workspace, a pip install; in this order,
    # so that a developer's edit is what runs.
    yield Path(__file__).resolve().parents[2] / 'config'
    for prefix in filter(None, os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)):
        yield Path(prefix) / _SHARE
    yield Path(sys.prefix) / _SHARE
