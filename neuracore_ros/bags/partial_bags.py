"""Bags of recorders that were killed, under the names that they have until they are whole."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

# Names as this recorder gives them; other names are not of this recorder. To Python,
# superscripts and letters of other scripts are digits, too; no process has a longer number.
EPISODE = re.compile(r'episode_([0-9]{1,18})')
_PARTIAL = '.partial-'
_PARTIAL_EPISODE = re.compile(rf'{re.escape(_PARTIAL)}({EPISODE.pattern})-([0-9]{{1,9}})')
_ROS1_ACTIVE = '*.bag.active'


def partial_folder(bag: Path) -> Path:
    """The folder in which a bag of this process lies until it is whole."""
    # The storage file is named after its folder, so the partial name is the parent's.
    return bag.parent / f'{_PARTIAL}{bag.name}-{os.getpid()}'


def left_behind(folder: Path, but: Collection[int] = ()) -> Iterator[Path]:
    """The bags in a folder whose recorder, one of ours, has ended without completing them.

    Args:
        folder: Links in it are not followed: what is renamed must be in it.
        but: Numbers of processes that did not begin a bag there, though they run.
    """
    for partial in sorted(folder.glob(f'{_PARTIAL}episode_*')):
        known = _PARTIAL_EPISODE.fullmatch(partial.name)
        if known is None or any(each.is_symlink() for each in (partial, partial / known[1])):
            continue
        has_ended = int(known[3]) in but or not _is_running(int(known[3]))
        if has_ended and (partial / known[1]).is_dir():
            yield partial / known[1]


def overlooked(bags: Iterable[Path]) -> list[Path]:
    """Find what killed recorders left beside some bags, and is not among them.

    Args:
        bags: As they were given; patterns that match nothing, too.
    """
    given = [*bags]
    folders: dict[Path, None] = {}
    for bag in given:
        # A storage file lies in the folder of its bag, which lies among others.
        around = (bag.parent, bag.parent.parent) if bag.is_file() else (bag, bag.parent)
        folders.update(dict.fromkeys(around))
    found = [
        path
        for folder in folders
        if folder.is_dir()
        for path in (*filter(_holds_any, left_behind(folder)), *folder.glob(_ROS1_ACTIVE))
    ]
    known = {bag.resolve() for bag in given}
    return [path for path in found if not {path.resolve(), *path.resolve().parents} & known]


def _holds_any(bag: Path) -> bool:
    return any(path.is_file() and path.stat().st_size for path in bag.iterdir())


def _is_running(process: int) -> bool:
    try:
        with suppress(PermissionError):
            os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
