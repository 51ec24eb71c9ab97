"""Recordings as a user names them: bags, patterns, LeRobot datasets and episodes of these."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from neuracore_ros.bags.lerobot_paths import episode_of, episode_path, is_lerobot
from neuracore_ros.errors import BagError
from neuracore_ros.given_path import given_path


def expanded(names: Iterable[str | Path]) -> list[Path]:
    """The recordings that are meant, in order: of a LeRobot dataset, each of its episodes.

    A name that is there is itself, whatever characters it has; what nothing matches is given
    back as it is.

    Raises:
        BagError: A LeRobot dataset cannot be read, or has no episode.
    """
    found: list[Path] = []
    for name in names:
        path = given_path(name)
        if path.exists():
            found += _episodes(path) if is_lerobot(path) else [path]
        elif episode := episode_of(path):
            found.append(episode_path(*episode))
        elif is_lerobot(path.parent):
            # Episodes are no files, so that a shell leaves patterns of them as they are.
            there = _episodes(path.parent)
            found += [each for each in there if fnmatchcase(each.name, path.name)] or [path]
        else:
            # Path.glob takes no absolute pattern.
            matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207
            found += expanded(matches) if matches else [path]
    return found


def _episodes(root: Path) -> list[Path]:
    # Loads libraries that other recordings do not need.
    from neuracore_ros.bags.lerobot_dataset import lerobot_dataset

    episodes = lerobot_dataset(root).paths()
    if not episodes:
        raise BagError(f'{root}: is a LeRobot dataset without an episode')
    return episodes
