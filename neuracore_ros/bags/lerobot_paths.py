"""Paths of LeRobot episodes: ``DATASET/episode_000003``, where no such file need be."""

from __future__ import annotations

import re
from pathlib import Path

from neuracore_ros.bags.lerobot_info import INFO

_EPISODE = re.compile(r'episode_([0-9]{1,9})')


def is_lerobot(folder: Path) -> bool:
    """True for the folder of a LeRobot dataset."""
    return (folder / INFO).is_file()


def episode_path(root: Path, number: int) -> Path:
    """The path of one episode."""
    return root / f'episode_{number:06d}'


def episode_of(path: Path) -> tuple[Path, int] | None:
    """The dataset and the number of an episode; None if the path is of anything else."""
    named = _EPISODE.fullmatch(path.name)
    if named is None or not is_lerobot(path.parent) or path.exists():
        return None
    return path.parent, int(named[1])
