"""A change of a dataset: files that wait in a folder, and are moved to their places together.

A change is decided when its folder takes the name :data:`DECIDED`: all of it is on the disk
then. What follows are renames, the metadata's last. Of a process that was killed among them, the
next one makes the rest; so nothing has to be deleted, and no episode is lost or doubled.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

from neuracore_ros.dataset import lerobot
from neuracore_ros.dataset.metadata import METADATA_PATH, Metadata
from neuracore_ros.errors import DatasetError, WriteError
from neuracore_ros.files import real_folder, require_ordinary, sync, writing
from neuracore_ros.regular_file import read_bytes

STAGING_PATH = Path('.staging')
DECIDED = STAGING_PATH / 'decided'
TOTALS = (lerobot.STATS_PATH, lerobot.TASKS_PATH, lerobot.INFO_PATH)
"""What is replaced with each episode, beside the metadata."""


_SLASH = '%'
"""In the name of a file that waits: all wait in one folder, which is synced at once."""


class DatasetChange:
    """Files that wait for their places in the dataset, in a new folder of its file system."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder

    @contextmanager
    def file(self, place: Path) -> Iterator[BinaryIO]:
        """A file to write."""
        with _waiting(self._folder, place).open('xb') as file:
            yield file
            file.flush()
            os.fsync(file.fileno())

    def write(self, place: Path, content: bytes) -> None:
        """Add a file of this content."""
        with self.file(place) as file:
            file.write(content)

    def take(self, place: Path, source: Path) -> None:
        """Add a file that is on the disk already."""
        source.replace(_waiting(self._folder, place))

    def decide(self, root: Path) -> None:
        """Make it part of the dataset.

        Raises:
            WriteError: A folder of the dataset is a link, or the disk is full. Then, too, it is
                made when the dataset is opened again.
        """
        sync(self._folder)
        self._folder.replace(root / DECIDED)
        sync(root / STAGING_PATH)
        complete(root)


def complete(root: Path) -> None:
    """Move what is left of a change that was decided to its places.

    Raises:
        WriteError: See :meth:`DatasetChange.decide`.
    """
    changed: set[Path] = set()
    for place in sorted(_places(root / DECIDED), key=lambda place: place == METADATA_PATH):
        target = root / place
        is_new = not target.parent.exists()
        real_folder(root, place.parent)
        if place not in (*TOTALS, METADATA_PATH) and os.path.lexists(target):
            raise WriteError(target, 'it is there already, though no episode has it')
        if place == METADATA_PATH:
            _sync_all(changed)
        with writing(target):
            _waiting(root / DECIDED, place).replace(target)
        changed |= {target.parent, *(root / above for above in place.parents if is_new)}
    _sync_all({root / METADATA_PATH.parent})
    (root / DECIDED).rmdir()


def is_decided(root: Path) -> bool:
    """True if a dataset waits for the rest of a change, maybe of its first one."""
    return _waiting(root / DECIDED, METADATA_PATH).is_file()


def recover(root: Path, known: Metadata | None) -> str:
    """Complete the change that a killed process had decided, if it is one of this dataset.

    The dataset is locked; what it says of itself is ``known``, None before its first episode.

    Returns:
        What was done, in a line for people; '' if there was nothing to do.
    """
    if not os.path.lexists(root / DECIDED):
        return ''
    left = set(_places(real_folder(root, DECIDED)))
    if not left:
        (root / DECIDED).rmdir()
        return ''
    number = len(known.episodes) if known else 0
    if not _fits(root, known, number, left):
        names = (root / f'left_over_{free}' for free in count())
        aside = next(name for name in names if not os.path.lexists(name))
        with writing(aside):
            (root / DECIDED).replace(aside)
        return f'{root / DECIDED}: belongs to another state of the dataset: moved to {aside}'
    complete(root)
    return (
        f'{root}: episode {number}, which an earlier convert had decided when it ended, is '
        'in the dataset now'
    )


def require_real(root: Path) -> None:
    """Refuse a dataset that would have us write elsewhere.

    Raises:
        WriteError: One of its folders, or of the files that are replaced, is a link.
    """
    patterns = ['data', 'videos', 'videos/*', 'meta', 'meta/episodes', str(STAGING_PATH)]
    for pattern in [*patterns, 'data/*', 'videos/*/*', 'meta/episodes/*', f'{STAGING_PATH}/*']:
        for path in root.glob(pattern):
            if path.is_symlink():
                real_folder(path.parent, Path(path.name))
    for place in (*TOTALS, METADATA_PATH):
        require_ordinary(root / place)


def require_listed(root: Path, metadata: Metadata) -> None:
    """Require a file of each episode, and none of an episode that is not listed.

    Raises:
        DatasetError: There is not, or is one.
    """
    listed = len(metadata.episodes)
    needed = ['data/*/*.parquet', 'meta/episodes/*/*.parquet']
    needed += [f'videos/{camera}/*/*.mp4' for camera in lerobot.cameras(metadata)]
    unlisted: dict[int, Path] = {}
    for pattern in dict.fromkeys([*needed, 'videos/*/*/*.mp4']):
        found = {_number(file): file for file in sorted(root.glob(pattern))}
        unlisted |= {number: file for number, file in found.items() if number >= listed}
        missing = set(range(listed)) - found.keys()
        if missing and pattern in needed:
            raise DatasetError(f'{root}: episode {min(missing)} has no file among {pattern}')
    if unlisted:
        numbers = sorted(unlisted)
        which = f'episode {numbers[0]}' + (f' to {numbers[-1]}' if numbers[1:] else '')
        raise DatasetError(
            f'{root}: {METADATA_PATH} lists {listed} episodes, but there are files of {which}, '
            f'such as {unlisted[numbers[0]].relative_to(root)}: it is an older copy, or lost what '
            'it listed. Put the newer one back, or move these files out; nothing was changed'
        )


def _fits(root: Path, known: Metadata | None, number: int, left: set[Path]) -> bool:
    """True if what is left adds one episode to what is known."""
    try:
        path = _waiting(root / DECIDED, METADATA_PATH)
        after = Metadata.from_json(read_bytes(path), str(path))
    except (OSError, DatasetError):
        return False
    needed = {lerobot.data_path(number), lerobot.episode_path(number)}
    needed |= {lerobot.video_path(number, camera) for camera in lerobot.cameras(after)}
    return (
        after.episodes[:-1] == (known.episodes if known else ())
        and len(after.episodes) == number + 1
        and left <= needed | {METADATA_PATH, *TOTALS}
        and all(place in left or (root / place).is_file() for place in needed)
        and not any(_waiting(root / DECIDED, place).is_symlink() for place in left)
    )


def _waiting(folder: Path, place: Path) -> Path:
    return folder / str(place).replace('/', _SLASH)


def _places(folder: Path) -> list[Path]:
    return [Path(each.name.replace(_SLASH, '/')) for each in sorted(folder.iterdir())]


def _sync_all(folders: set[Path]) -> None:
    """Make renames within folders outlast a power cut."""
    for folder in sorted(folders):
        with writing(folder):
            sync(folder)


def _number(file: Path) -> int:
    """The episode of ``.../chunk-CCC/file-NNN.*``; strange names belong to none."""
    with suppress(ValueError):
        chunk, number = int(file.parent.name[6:]), int(file.stem[5:])
        return chunk * lerobot.FILES_PER_CHUNK + number
    return -1
