"""The files of a recording: which there are, and how each is opened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from neuracore_ros.bags.lerobot_paths import episode_of, episode_path, instead_of, is_lerobot
from neuracore_ros.bags.mcap_file import McapFile
from neuracore_ros.bags.metadata_yaml import FILE as METADATA
from neuracore_ros.bags.metadata_yaml import BagMetadata, read_metadata
from neuracore_ros.bags.partial_bags import left_behind
from neuracore_ros.bags.ros1_file import Ros1File
from neuracore_ros.bags.scratch import copy, copy_journal
from neuracore_ros.bags.sqlite_file import SqliteFile, cut_bytes
from neuracore_ros.bags.storage import DamageError, Storage, one_line
from neuracore_ros.bags.zstd_file import decompress
from neuracore_ros.errors import BagError, DescriptionError
from neuracore_ros.given_path import in_shell
from neuracore_ros.regular_file import require_regular
from neuracore_ros.similar_names import similar_file
from neuracore_ros.wording import counted, few

STORAGE_SUFFIXES = ('.mcap', '.db3')
SUFFIXES = (*STORAGE_SUFFIXES, '.bag')
COMPRESSED = '.zstd'
ACTIVE = '.active'
# BagFiles that are named one by one, where many are missing.
MOST_NOTES = 8
JOURNALS = ('-wal', '-journal')


@dataclass(frozen=True, slots=True)
class BagFiles:
    """The files of one recording.

    Attributes:
        paths: In the order of their names, as metadata.yaml has them.
        notes: What its metadata.yaml says otherwise, a line each.
        count: Messages by metadata.yaml; None unknown.
        task: What is done, as its custom data say; '' where they do not.
        pair: Label of what belongs together across robots, likewise.
    """

    paths: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    count: int | None = None
    task: str = ''
    pair: str = ''


def files(path: Path) -> BagFiles:
    """Find the files of a recording.

    Raises:
        BagError: There is no recording.
    """
    if episode_of(path):
        return BagFiles((path,))
    if not path.exists():
        if '*' in path.name:
            raise BagError(f'{path}: no such bag: nothing matches this pattern')
        raise BagError(f'{path}: no such bag{similar_file(path)}{instead_of(path)}')
    if not path.is_dir():
        if _suffix(path) not in SUFFIXES:
            raise BagError(
                f'{path}: not a bag: that is a folder that ros2 bag record wrote, or a file that '
                f'ends in {", ".join(SUFFIXES[:-1])} or {SUFFIXES[-1]}'
                + (f'; give its folder: {path.parent}' if path.name == METADATA else '')
                + instead_of(path)
            )
        if not path.stat().st_size:
            raise BagError(f'{path}: cannot be read: the file is empty; copy or record it again')
        return BagFiles((path,))
    there = tuple(sorted(e for e in path.iterdir() if _suffix(e) in STORAGE_SUFFIXES))
    # A player leaves the file that it decompressed beside the compressed one.
    there = tuple(e for e in there if e.suffix != COMPRESSED or e.with_suffix('') not in there)
    if not (path / METADATA).is_file():
        if is_lerobot(path):
            raise BagError(
                f'{path}: is a LeRobot dataset; give one of its episodes: {episode_path(path, 0)}'
            )
        if there:
            return BagFiles(there)
        bags = _inside(path)
        hint = f'; give the bags inside it: {in_shell(*bags[:3])}' if bags else ': no bag'
        hint = instead_of(path) or hint
        raise BagError(f'{path}: no {METADATA}, .mcap or .db3 in this folder{hint}')
    try:
        metadata = read_metadata(path)
    except DescriptionError as error:
        if not there:
            raise BagError(f'{error}; and there is no .mcap or .db3 beside it') from error
        note = f'{METADATA} cannot be read ({error}): the files are read without it'
        return BagFiles(there, (note,))
    found = _reconciled(path, metadata, there)
    return replace(found, task=metadata.task, pair=metadata.pair)


def distinct(bags: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Part recordings that are given more than once, whatever they are called, from the first.

    Returns:
        Each recording once, in order; and those that were there before.
    """
    once: dict[object, Path] = {}
    again: list[Path] = []
    for bag in bags:
        try:
            episode = episode_of(bag)
            where = [episode[0]] if episode else files(bag).paths
            key: object = (
                *((s.st_dev, s.st_ino) for s in map(Path.stat, where)),
                episode and episode[1],
            )
        except (BagError, OSError):  # open_bag says why
            key = bag.absolute()
        if key in once:
            again.append(bag)
        else:
            once[key] = bag
    return list(once.values()), again


def open_storage(path: Path, scratch: Path) -> Storage:
    """Open one file of a recording.

    It is not changed: what must be decompressed or copied goes to ``scratch``, an empty folder.

    Raises:
        BagError: Nothing of it can be read.
    """
    loss = ''
    try:
        if path.suffix == COMPRESSED:
            inner = scratch / path.stem
            loss = decompress(path, inner)
            storage = _opened(inner, scratch)
            storage.path = path
        else:
            storage = _opened(path, scratch)
    except (DamageError, OSError) as error:
        why = f'; {loss}' if loss else ''
        raise BagError(f'{path}: cannot be read: {one_line(error)}{why}') from error
    if loss:
        storage.losses[COMPRESSED] = loss
    return storage


def _opened(path: Path, scratch: Path) -> Storage:
    if episode := episode_of(path):
        # Loads libraries that other recordings do not need.
        from neuracore_ros.bags.lerobot_episode import LerobotEpisode

        return LerobotEpisode(*episode)
    if path.suffix == '.mcap':
        return McapFile(path)
    if _suffix(path) == '.bag':
        return Ros1File(path)
    require_regular(path)
    journals = [path.with_name(path.name + suffix) for suffix in JOURNALS]
    journals = [journal for journal in journals if journal.is_file() and journal.stat().st_size]
    size = path.stat().st_size
    rest = cut_bytes(path)
    if not journals and not rest:
        return SqliteFile(path, size)
    private = scratch / 'copy.db3'
    copy(path, private, size if journals else size - rest)
    for journal in journals:
        copy_journal(journal, private.with_name(private.name + journal.name[len(path.name) :]))
        size += journal.stat().st_size
    storage = SqliteFile(private, size, has_journal=bool(journals))
    storage.path = path
    if journals:
        storage.losses['journal'] = (
            f'{journals[0].name} lies beside it (was the recorder killed?): what it holds is read'
        )
    return storage


def _inside(folder: Path) -> list[str]:
    """The recordings in a folder that is none itself."""
    found = {*folder.glob('*.bag'), *folder.glob(f'*.bag{ACTIVE}')}
    for name in (METADATA, *(f'*{suffix}' for suffix in STORAGE_SUFFIXES)):
        found |= {path.parent for path in folder.glob(f'[!.]*/{name}')}
    return [str(path) for path in (*sorted(found), *left_behind(folder))]


def _reconciled(path: Path, metadata: BagMetadata, there: Sequence[Path]) -> BagFiles:
    """Compare the files that metadata.yaml lists with those that there are."""
    listed = [path / name for name in metadata.files]
    missing = [file for file in listed if not file.is_file()]
    found = [file for file in listed if file.is_file()]
    others = sorted(set(there).difference(listed))
    notes = []
    for file in missing[:MOST_NOTES]:
        count = metadata.counts.get(file.name)
        held = '' if count is None else f' with its {counted(count, "message")}'
        notes.append(f'{file.name} is listed in {METADATA}, but is not there: lost{held}')
    if missing[MOST_NOTES:]:
        notes.append(f'{len(missing) - MOST_NOTES} more files that it lists are not there: lost')
    names = few([file.name for file in others], MOST_NOTES)
    if others and not missing:
        notes.append(f'{names}: not listed in {METADATA}, and not read')
        others = []
    elif others:
        notes.append(f'{names}: not listed in {METADATA}, but read in place of what is missing')
    if not found + others:
        raise BagError(f'{path}: {"; ".join(notes) or f"{METADATA} lists no file"}')
    return BagFiles((*found, *others), tuple(notes), metadata.count)


def _suffix(path: Path) -> str:
    """The suffix that tells the kind of a file, be it compressed or incomplete."""
    # A ROS 1 recorder calls a bag .bag.active until it has written the index.
    return Path(path.stem).suffix if path.suffix in {COMPRESSED, ACTIVE} else path.suffix
