"""The fingerprint of a recording: of its content, whatever its name and place are."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from neuracore_ros.bags.bag import PROGRESS_EVERY, Bag, open_bag
from neuracore_ros.bags.lerobot_paths import episode_of
from neuracore_ros.bags.topics import Topic
from neuracore_ros.errors import BagError
from neuracore_ros.progress import ProgressCallback

_LENGTH = 32
# Datasets of before know a recording by its times, its topics and so many of its messages, which
# two episodes of one simulation may share.
_EARLIER_LENGTH = 16
_EARLIER_MESSAGES = 32


def fingerprint(bag: Bag, progress: ProgressCallback = lambda part: None) -> str:
    """The digest of every message that is readable: its topic, type, log time and bytes.

    The order of topics within a recording does not count, nor how it is split into files.
    """
    digests: dict[tuple[str, str], Any] = {}
    count = max(bag.count, 1)
    for place, (connection, raw) in enumerate(bag.raw(_all(bag))):
        if place % PROGRESS_EVERY == 0:
            progress(min(place / count, 1.0))
        key = connection.topic, connection.type
        digest = digests.get(key)
        if digest is None:
            digest = digests[key] = hashlib.sha256()
        # As text, since damaged files have log times of any size.
        digest.update(b'%d %d ' % (raw.log_time_ns, len(raw.data)))
        digest.update(raw.data)
    whole = hashlib.sha256()
    for topic, kind in sorted(digests):
        whole.update(f'{topic}\0{kind}\0'.encode(errors='backslashreplace'))
        whole.update(digests[topic, kind].digest())
    return whole.hexdigest()[:_LENGTH]


def files_digest(path: Path) -> str:
    """The digest of names, sizes and times of a recording's files; '' if they cannot be read.

    At the same path, equal ones have not been written to: the recording is the same.
    """
    said = ''
    try:
        if episode := episode_of(path):
            # Loads libraries that other recordings do not need. What lists all episodes does not
            # count: it is written to with each new one.
            from neuracore_ros.bags.lerobot_dataset import lerobot_dataset

            dataset = lerobot_dataset(episode[0])
            found = dataset.episode(episode[1])
            files, said = [*found.paths], f'{dataset.info}{found}'
        elif path.is_dir():
            files = [each for each in path.iterdir() if each.is_file()]
        else:
            files = [path, *path.parent.glob(f'{glob.escape(path.name)}-*')]
        listed = [(each.name, each.stat().st_size, each.stat().st_mtime_ns) for each in files]
    except (OSError, BagError):
        return ''
    told = f'{sorted(listed)!r}{said}'.encode(errors='backslashreplace')
    return hashlib.sha256(told).hexdigest()[:_EARLIER_LENGTH]


def known_as(
    bag: Bag,
    known: Mapping[str, str],
    progress: ProgressCallback = lambda part: None,
) -> str:
    """The fingerprint by which a dataset knows a recording, or would know it.

    ``known`` has the fingerprints of the dataset's recordings, and their paths. What an earlier
    version noted is taken for this one, unless that path holds another recording.
    """
    mark = fingerprint(bag, progress)
    if mark in known or all(len(each) != _EARLIER_LENGTH for each in known):
        return mark
    earlier = _earlier_fingerprint(bag)
    if earlier not in known:
        return mark
    other = Path(known[earlier])
    if other.exists() and not _is_same(other, bag.path):
        try:
            with open_bag(other) as noted:
                return earlier if fingerprint(noted) == mark else mark
        except BagError:
            return earlier
    return earlier


def _all(bag: Bag) -> list[Topic]:
    return [each for topic in bag.topics.values() for each in topic.kinds]


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _earlier_fingerprint(bag: Bag) -> str:
    topics = ', '.join(
        f'{name!r}: Topic(name={name!r}, type={topic.type!r}, '
        f'count={sum(each.count for each in topic.kinds)!r})'
        for name, topic in bag.topics.items()
    )
    digest = hashlib.sha256(f'{bag.start_ns} {bag.end_ns} {{{topics}}}'.encode())
    for _, raw in islice(bag.raw(_all(bag)), _EARLIER_MESSAGES):
        digest.update(raw.data)
    return digest.hexdigest()[:_EARLIER_LENGTH]
