"""Paths of LeRobot episodes: ``DATASET/episode_000003``, where no such file need be."""

from __future__ import annotations

import re
from pathlib import Path

from neuracore_ros.bags.lerobot_info import INFO
from neuracore_ros.given_path import in_shell

_EPISODE = re.compile(r'episode_([0-9]{1,9})')


def is_lerobot(folder: Path) -> bool:
    """True for the folder of a LeRobot dataset."""
    return (folder / INFO).is_file()


def instead_of(path: Path) -> str:
    """The advice to give another path where one is no recording, for the end of a message.

    A part of a LeRobot dataset, half of one, or the name of one on the hub is not what to give.
    """
    root = next((folder for folder in path.parents if is_lerobot(folder)), None)
    if root is not None:
        return (
            f'; it is within the LeRobot dataset {root}: give {root}, or an episode, such as '
            f'{episode_path(root, 0)}'
        )
    if (path / 'meta').is_dir() and (path / 'data').is_dir():
        return f'; a LeRobot dataset has {INFO}, which is not there: copy all of it'
    owner_and_name = 2
    is_named = len(path.parts) == owner_and_name and not path.is_absolute()
    if is_named and not path.parent.exists():
        return (
            '; a dataset of the Hugging Face hub is not downloaded here, do so before: '
            f'hf download {in_shell(path)} --repo-type dataset --local-dir {in_shell(path.name)}'
        )
    return ''


def episode_path(root: Path, number: int) -> Path:
    """The path of one episode."""
    return root / f'episode_{number:06d}'


def episode_of(path: Path) -> tuple[Path, int] | None:
    """The dataset and the number of an episode; None if the path is of anything else."""
    named = _EPISODE.fullmatch(path.name)
    if named is None or not is_lerobot(path.parent) or path.exists():
        return None
    return path.parent, int(named[1])
