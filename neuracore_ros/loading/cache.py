"""Decoded images on the disk, so that a dataset is decoded once for all that read it.

A file has the images of one camera in one episode, under the digest of what they were decoded
from: a dataset that is converted anew finds its own, never old ones. Any file may be deleted at
any time.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

from neuracore_ros.errors import DatasetError, WriteError
from neuracore_ros.files import is_partial, whole_file
from neuracore_ros.loading.frames import DatasetFrames, FrameReader, StoredFrames, size
from neuracore_ros.progress import NoticeCallback

PLACE = 'NEURACORE_ROS_CACHE'
SUFFIX = '.frames'
_PARTIAL_OF_BEFORE = re.compile(r'[0-9a-f]{32}\.[0-9a-f]{32}\.partial')
# Left to others on the disk.
KEEP_FREE_BYTES = 2 << 30
NOTICE_EVERY_S = 15.0
# A file that was not written to for so long is the leftover of a process that was killed.
LEFT_AFTER_S = 3600.0


def default_folder() -> Path:
    """The folder of decoded images, unless another is given."""
    if named := os.environ.get(PLACE):
        return Path(named)
    caches = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(caches) / 'neuracore_ros'


def holds_frames_only(folder: Path) -> bool:
    """True if a folder is there, and has nothing that is not ours."""
    return folder.is_dir() and all(
        each.suffix == SUFFIX or is_partial(each) or _PARTIAL_OF_BEFORE.fullmatch(each.name)
        for each in folder.iterdir()
    )


def stored(
    frames: Sequence[DatasetFrames], folder: Path, notify: NoticeCallback
) -> list[FrameReader]:
    """Decode what is not decoded yet into a folder, as far as there is room.

    Returns:
        The same images; those for which there is no room are decoded each time.

    Raises:
        DatasetError: A file of the dataset is missing or damaged, or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _delete_leftovers(folder)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise DatasetError(
            f'{folder}: cannot hold decoded images ({error.strerror}); '
            'choose another --cache DIR, or --cache none'
        ) from error
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        digests = list(threads.map(lambda each: each.digest(), frames))
    copies = [
        StoredFrames(folder / f'{name}{SUFFIX}', each)
        for name, each in zip(digests, frames, strict=True)
    ]
    # Equal videos, black ones for instance, have one file.
    missing = list({copy.path: copy for copy in copies if not copy.is_there()}.values())
    ends = accumulate(map(size, missing))
    room = free - KEEP_FREE_BYTES
    if fitting := [copy for copy, end in zip(missing, ends, strict=True) if end <= room]:
        notify(
            f'decoding {len(fitting)} of {len(frames)} videos once, into {folder}: '
            f'{sum(map(size, fitting)) / 1e9:.2f} GB of {free / 1e9:.1f} GB that are free there'
        )
        _decode(fitting, notify)
    rest = [copy for copy in missing if not copy.is_there()]
    for copy in rest:
        copy.origin.check()
    if rest:
        notify(
            f'{len(rest)} of {len(frames)} videos are decoded whenever they are needed, which is '
            f'slower, for want of room in {folder}; choose another --cache DIR'
        )
    return [copy if copy.is_there() else copy.origin for copy in copies]


def _decode(missing: Sequence[StoredFrames], notify: NoticeCallback) -> None:
    """Write what is missing, several videos at once; a full disk ends it early."""
    stop = threading.Event()
    # Processes that train together begin at different places, and share the work.
    missing = random.Random(os.getpid()).sample(missing, len(missing))
    next_s = time.monotonic() + NOTICE_EVERY_S
    threads = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix='decode')
    try:
        written = [threads.submit(_write, copy, stop) for copy in missing]
        for done, each in enumerate(as_completed(written), 1):
            each.result()
            if time.monotonic() >= next_s:
                next_s = time.monotonic() + NOTICE_EVERY_S
                notify(f'{done} of {len(missing)} videos are decoded')
    except WriteError as error:
        notify(f'decoding ends early: {error.reason}')
    finally:
        stop.set()
        threads.shutdown(cancel_futures=True)


def _write(copy: StoredFrames, stop: threading.Event) -> None:
    """Write one file, so that it is there whole or not at all."""
    if copy.is_there():
        return
    with whole_file(copy.path) as file:
        for image in copy.origin:
            if stop.is_set():
                raise CancelledError
            file.write(image.data)


def _delete_leftovers(folder: Path) -> None:
    """Delete what killed processes left; the folder may have other files of the user, too."""
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            is_old = time.time() - path.lstat().st_mtime > LEFT_AFTER_S
            if is_old and (is_partial(path) or _PARTIAL_OF_BEFORE.fullmatch(path.name)):
                path.unlink()
